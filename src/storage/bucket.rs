//! A bucket of S3, or of what speaks its protocol.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::buffered::BufWriter;
use object_store::list::{PaginatedListOptions, PaginatedListStore as _};
use object_store::path::Path as Key;
use object_store::{
    Attribute, Attributes, ClientOptions, GetOptions, ObjectMeta, ObjectStore as _, ObjectStoreExt as _, RetryConfig,
};
use rustls::ClientConfig;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::Failure;
use super::s3_client::Connector;
use super::s3_error::{failure, upload_failure};
use super::s3_settings;
use crate::env;
use crate::env::Environment;
use crate::error::{Cause, Error, Result};
use crate::http::tls;
use crate::leased_bytes::{LeasedBuffer, MemoryShare};

/// How often a request is tried again, after 100 ms first, and until when: somebody waits for the object.
const RETRIES: usize = 4;
const RETRY_LIMIT: Duration = Duration::from_secs(20);

/// How S3 is reached: the AWS SDKs' own environment variables, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct S3Access(pub BTreeMap<String, String>);

impl S3Access {
    /// What an environment says of it.
    pub fn of(environment: &Environment) -> S3Access {
        let set =
            |variable: &env::Variable| Some((variable.name.to_owned(), environment.get(variable.name)?.to_owned()));
        S3Access(env::S3.iter().filter_map(set).collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn has(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.0.contains_key(*name))
    }

    /// Whether anything says who we are. Without it the store would ask the metadata service of an EC2 instance, which on
    /// a laptop is not there and takes long not to answer; so that is done for those who ask for it only.
    fn has_credentials(&self) -> bool {
        self.has(&[env::AWS_ACCESS_KEY_ID, env::AWS_SECRET_ACCESS_KEY])
            || self.has(&[env::AWS_WEB_IDENTITY_TOKEN_FILE, env::AWS_ROLE_ARN])
            || self.has(&[env::AWS_CONTAINER_CREDENTIALS_RELATIVE_URI])
            || self.has(&[env::AWS_CONTAINER_CREDENTIALS_FULL_URI, env::AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE])
            || self.get(env::AWS_EC2_METADATA_DISABLED).is_some_and(|text| text.eq_ignore_ascii_case("false"))
    }

    /// Where S3 is, if it is not Amazon's, and the variable that says so.
    pub(super) fn endpoint(&self) -> Option<(&'static str, &str)> {
        [env::AWS_ENDPOINT_URL_S3, env::AWS_ENDPOINT_URL]
            .into_iter()
            .find_map(|variable| Some((variable, self.get(variable)?)))
    }
}

/// One bucket.
#[derive(Debug)]
pub struct Bucket {
    client: Arc<AmazonS3>,
}

impl Bucket {
    /// The bucket of a name, with its own connections.
    ///
    /// # Errors
    /// [`Cause::BadSetting`] when there are no credentials, or S3's settings make no sense.
    pub fn open(name: &str, access: &S3Access) -> Result<Bucket> {
        if !access.has_credentials() {
            return Err(Error::new(
                Cause::BadSetting,
                format!(
                    "s3://{name}: no AWS credentials; set {} and {} (with a profile or SSO: eval \"$(aws configure \
                     export-credentials --format env)\"), or {}=false for an EC2 instance's role",
                    env::AWS_ACCESS_KEY_ID,
                    env::AWS_SECRET_ACCESS_KEY,
                    env::AWS_EC2_METADATA_DISABLED
                ),
            ));
        }
        s3_settings::check(name, access).map_err(|error| error.context(format_args!("s3://{name}")))?;
        let mut builder = AmazonS3Builder::new().with_bucket_name(name);
        for (name, value) in &access.0 {
            if let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() {
                builder = builder.with_config(key, value);
            }
        }
        if let Some((_, endpoint)) = access.endpoint() {
            builder = builder.with_endpoint(endpoint);
        }
        let plain_http =
            access.endpoint().is_some_and(|(_, endpoint)| endpoint.to_ascii_lowercase().starts_with("http://"));
        let options = ClientOptions::new().with_allow_http(plain_http);
        let connector = Connector { tls: trusted(access)? };
        let retry = RetryConfig { max_retries: RETRIES, retry_timeout: RETRY_LIMIT, ..RetryConfig::default() };
        let client = builder.with_client_options(options).with_http_connector(connector).with_retry(retry).build();
        let client = client.map_err(|error| Error::new(Cause::BadSetting, "S3").caused_by(error))?;
        Ok(Bucket { client: Arc::new(client) })
    }

    /// Reads an object of at most `limit` bytes, which are leased from `memory`. One that breaks off is resumed where it was, if it has the same ETag still.
    ///
    /// # Errors
    /// [`Failure`]: nothing is there, we may not read it, it is too large, or it did not come.
    pub async fn read(&self, key: &str, limit: u64, memory: &MemoryShare) -> Result<Object, Failure> {
        let object = self.client.get(&path(key)?).await.map_err(|error| failure(&error))?;
        let bytes = object.meta.size;
        if bytes > limit {
            return Err(Failure::TooLarge { bytes, limit });
        }
        let content_type = object.attributes.get(&Attribute::ContentType).map(|value| value.to_string());
        let content_type = content_type.filter(|content_type| !content_type.is_empty() && content_type != NO_TYPE);
        let mut content = LeasedBuffer::new(memory, usize::try_from(bytes).unwrap_or(usize::MAX));
        let mut pieces = object.into_stream();
        while let Some(piece) = pieces.try_next().await.map_err(|error| failure(&error))? {
            // A store may say one thing and send another.
            let received = content.len() as u64 + piece.len() as u64;
            not_more(received, bytes)?;
            content.push(&piece).map_err(Failure::InsufficientMemory)?;
        }
        whole(content.len() as u64, bytes)?;
        Ok(Object { content: content.finish(), content_type })
    }

    /// Copies an object into a file, piece by piece, as [`Bucket::read`] reads it, once `agree` has agreed to how many bytes the
    /// store says that it has, and never more than those.
    ///
    /// # Errors
    /// [`Failure`], and nobody knows then how much of it was written; what `agree` says, and nothing was.
    pub async fn download(
        &self,
        key: &str,
        into: &mut (impl AsyncWrite + Unpin),
        agree: impl FnOnce(u64) -> Result<(), Failure>,
    ) -> Result<Entry, Failure> {
        let object = self.client.get(&path(key)?).await.map_err(|error| failure(&error))?;
        let entry = Entry::of(object.meta.clone());
        let (bytes, mut received) = (entry.bytes, 0);
        agree(bytes)?;
        let mut pieces = object.into_stream();
        let not_written = |error: std::io::Error| Failure::Internal(format!("could not write a download: {error}"));
        while let Some(piece) = pieces.try_next().await.map_err(|error| failure(&error))? {
            received += piece.len() as u64;
            not_more(received, bytes)?;
            into.write_all(&piece).await.map_err(not_written)?;
        }
        into.flush().await.map_err(not_written)?;
        whole(received, bytes).map(|()| entry)
    }

    /// Writes an object; S3 shows it whole or not at all.
    ///
    /// # Errors
    /// [`Failure`]: we may not write it, or the store did not take it.
    pub async fn write(&self, key: &str, content: Bytes) -> Result<(), Failure> {
        self.client.put(&path(key)?, content.into()).await.map(drop).map_err(|error| failure(&error))
    }
}

/// What S3 says of an object that was stored without a Content-Type
/// (docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html).
const NO_TYPE: &str = "binary/octet-stream";

/// An object that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// All of it.
    pub content: Bytes,
    /// What the store says that it is: nothing of a file, and of an object that was stored without.
    pub content_type: Option<String>,
}

/// An object without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its key.
    pub key: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// Changes with its content: the ETag.
    pub version: String,
}

impl Entry {
    fn of(meta: ObjectMeta) -> Entry {
        let version = meta.e_tag.unwrap_or_else(|| meta.last_modified.to_rfc3339());
        Entry { key: meta.location.to_string(), bytes: meta.size, version }
    }
}

/// The metadata that a label is kept under.
const LABEL: Attribute = Attribute::Metadata(std::borrow::Cow::Borrowed("byoc"));

impl Bucket {
    /// All objects whose keys start with these characters, by key.
    ///
    /// # Errors
    /// [`Failure`]: there is no such bucket, we may not, one of the keys is [`Failure::BadKey`], or the store did not answer.
    pub async fn list(&self, prefix: &str) -> Result<Vec<Entry>, Failure> {
        self.list_at_most(prefix, usize::MAX).await
    }

    /// The same, but no more pages of the listing than have so many.
    ///
    /// # Errors
    /// As [`Bucket::list`].
    pub async fn list_at_most(&self, prefix: &str, most: usize) -> Result<Vec<Entry>, Failure> {
        let mut entries = Vec::new();
        let mut page_token = None;
        loop {
            let options = PaginatedListOptions { page_token, ..PaginatedListOptions::default() };
            // Not the store's other listing: that is of whole segments of a key, and one odd key beside those that are
            // asked for would spoil it.
            let page = self.client.list_paginated((!prefix.is_empty()).then_some(prefix), options).await;
            let page = page.map_err(|error| failure(&error))?;
            // The console makes an empty object `in/` for a folder, which comes here as `in`: another one.
            let objects = page.result.objects.into_iter().map(Entry::of);
            entries.extend(objects.filter(|entry| entry.key.starts_with(prefix)));
            page_token = page.page_token;
            if page_token.is_none() || entries.len() >= most {
                break;
            }
        }
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        entries.truncate(most);
        Ok(entries)
    }

    /// Looks at an object, and at its label.
    ///
    /// # Errors
    /// [`Failure`]: nothing is there, or we may not.
    pub async fn look_at(&self, key: &str) -> Result<(Entry, Option<String>), Failure> {
        let options = GetOptions { head: true, ..GetOptions::default() };
        let object = self.client.get_opts(&path(key)?, options).await.map_err(|error| failure(&error))?;
        let label = object.attributes.get(&LABEL).map(|label| label.to_string());
        Ok((Entry::of(object.meta), label))
    }

    /// Reads an object of any size as it comes.
    ///
    /// # Errors
    /// [`Failure`] before the first byte, and within the stream for one that breaks off.
    pub async fn stream(&self, key: &str) -> Result<BoxStream<'static, Result<Bytes, Failure>>, Failure> {
        let object = self.client.get(&path(key)?).await.map_err(|error| failure(&error))?;
        let (bytes, mut received) = (object.meta.size, 0);
        let pieces = object.into_stream().map(move |piece| {
            let piece = piece.map_err(|error| failure(&error))?;
            received += piece.len() as u64;
            not_more(received, bytes).map(|()| piece)
        });
        Ok(pieces.boxed())
    }

    /// Begins an object of any size, with a label. S3 shows it once it is finished.
    ///
    /// # Errors
    /// [`Failure`] for what is no key.
    pub fn upload(&self, key: &str, label: &str) -> Result<Upload, Failure> {
        let attributes = Attributes::from_iter([(LABEL, label.to_owned())]);
        let client: Arc<AmazonS3> = Arc::clone(&self.client);
        Ok(Upload(BufWriter::new(client, path(key)?).with_attributes(attributes)))
    }

    /// Deletes an object, if it is there.
    ///
    /// # Errors
    /// [`Failure`]: we may not, or the store did not answer.
    pub async fn delete(&self, key: &str) -> Result<(), Failure> {
        match self.client.delete(&path(key)?).await.map_err(|error| failure(&error)) {
            Err(Failure::NotThere) => Ok(()),
            other => other,
        }
    }
}

/// An object on its way into a bucket.
#[derive(Debug)]
pub struct Upload(BufWriter);

impl Upload {
    /// Sends some more of it.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn write(&mut self, content: Bytes) -> Result<(), Failure> {
        self.0.put(content).await.map_err(|error| failure(&error))
    }

    /// Shows it.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn finish(mut self) -> Result<(), Failure> {
        self.0.shutdown().await.map_err(|error| upload_failure(&error))
    }

    /// Gives it up: S3 keeps nothing of it.
    pub async fn abort(mut self) {
        // What was not begun cannot be given up, and nothing can be done about the rest.
        let _ = self.0.abort().await;
    }
}

/// A key as the store's crate has it, which refuses some that S3 has (two slashes in a row, `..`).
fn path(key: &str) -> Result<Key, Failure> {
    Key::parse(key).map_err(|_| Failure::BadKey(key.to_owned()))
}

fn whole(received: u64, bytes: u64) -> Result<(), Failure> {
    if received == bytes {
        Ok(())
    } else {
        Err(Failure::Unavailable(format!("the object broke off: {received} bytes came of {bytes}")))
    }
}

fn not_more(received: u64, bytes: u64) -> Result<(), Failure> {
    if received <= bytes {
        Ok(())
    } else {
        Err(Failure::Unavailable(format!("more came than the {bytes} bytes that S3 announced")))
    }
}

/// Whom to trust: Mozilla's roots, and those of AWS_CA_BUNDLE.
fn trusted(access: &S3Access) -> Result<ClientConfig> {
    let wrong = |error: Error| error.because(Cause::BadSetting).context(env::AWS_CA_BUNDLE);
    let Some(file) = access.get(env::AWS_CA_BUNDLE) else {
        return tls::client(None).map_err(|error| wrong(Error::new(Cause::BadSetting, error)));
    };
    let bundle = std::fs::read(file).map_err(|error| wrong(Error::io("read", Path::new(file), error)))?;
    tls::client(Some(&bundle)).map_err(|error| wrong(Error::new(Cause::BadSetting, error).context(file)))
}

#[cfg(test)]
#[path = "bucket_test.rs"]
mod tests;
