//! A bucket of S3 or of a compatible store.

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

use super::StorageError;
use super::s3_access::S3Access;
use super::s3_client::Connector;
use super::s3_error::{storage_error, upload_error};
use super::s3_settings;
use crate::env;
use crate::error::{Cause, Error, Reason, Result};
use crate::http::tls;
use crate::leased_bytes::{LeasedBuffer, MemoryShare};

/// How often a failed request is retried, first after 100 ms. Kept low because a caller is waiting for the object.
const RETRIES: usize = 4;
/// How long a failed request is retried.
const RETRY_TIMEOUT: Duration = Duration::from_secs(20);

/// One bucket.
#[derive(Debug)]
pub struct Bucket {
    client: Arc<AmazonS3>,
}

impl Bucket {
    /// Opens a bucket with its own connection pool. Sends no request.
    ///
    /// # Errors
    /// [`Cause::BadSetting`] if there are no credentials, or a setting of S3 is invalid.
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
        let connector = Connector { tls: tls_config(access)? };
        let retry = RetryConfig { max_retries: RETRIES, retry_timeout: RETRY_TIMEOUT, ..RetryConfig::default() };
        let client = builder.with_client_options(options).with_http_connector(connector).with_retry(retry).build();
        let client = client.map_err(|error| Error::new(Cause::BadSetting, "S3").caused_by(error))?;
        Ok(Bucket { client: Arc::new(client) })
    }

    /// Reads an object of at most `limit` bytes into memory leased from `memory`. Resumes an interrupted download if
    /// the object still has the same ETag.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn read(&self, key: &str, limit: u64, memory: &MemoryShare) -> Result<Object, StorageError> {
        let object = self.client.get(&path(key)?).await.map_err(|error| storage_error(&error))?;
        let bytes = object.meta.size;
        if bytes > limit {
            return Err(StorageError::TooLarge { bytes, limit });
        }
        let content_type = object.attributes.get(&Attribute::ContentType).map(|value| value.to_string());
        let content_type =
            content_type.filter(|content_type| !content_type.is_empty() && content_type != S3_DEFAULT_CONTENT_TYPE);
        let mut content = LeasedBuffer::new(memory, usize::try_from(bytes).unwrap_or(usize::MAX));
        let mut pieces = object.into_stream();
        while let Some(piece) = pieces.try_next().await.map_err(|error| storage_error(&error))? {
            // A store may send more bytes than it announced.
            let received = content.len() as u64 + piece.len() as u64;
            check_not_longer(received, bytes)?;
            content.push(&piece).map_err(StorageError::InsufficientMemory)?;
        }
        check_complete(content.len() as u64, bytes)?;
        Ok(Object { content: content.finish(), content_type })
    }

    /// Copies an object to `into` in pieces. First calls `accept_size` with the size that the store announces, and
    /// never copies more bytes than that.
    ///
    /// # Errors
    /// The error of `accept_size`, in which case nothing is written, or another [`StorageError`], in which case a part
    /// may be written.
    pub async fn download(
        &self,
        key: &str,
        into: &mut (impl AsyncWrite + Unpin),
        accept_size: impl FnOnce(u64) -> Result<(), StorageError>,
    ) -> Result<Entry, StorageError> {
        let object = self.client.get(&path(key)?).await.map_err(|error| storage_error(&error))?;
        let entry = Entry::of(object.meta.clone());
        let (bytes, mut received) = (entry.bytes, 0);
        accept_size(bytes)?;
        let mut pieces = object.into_stream();
        let not_written = |error: std::io::Error| {
            StorageError::Internal(Reason::new(Error::new(Cause::Io, "could not write a download").caused_by(error)))
        };
        while let Some(piece) = pieces.try_next().await.map_err(|error| storage_error(&error))? {
            received += piece.len() as u64;
            check_not_longer(received, bytes)?;
            into.write_all(&piece).await.map_err(not_written)?;
        }
        into.flush().await.map_err(not_written)?;
        check_complete(received, bytes).map(|()| entry)
    }

    /// Writes an object atomically.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn write(&self, key: &str, content: Bytes) -> Result<(), StorageError> {
        self.client.put(&path(key)?, content.into()).await.map(drop).map_err(|error| storage_error(&error))
    }
}

/// The Content-Type of an object that was stored without one
/// (docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html).
const S3_DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";

/// An object and its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// The bytes of the object.
    pub content: Bytes,
    /// The Content-Type with which it was stored. `None` for local files and for objects without one.
    pub content_type: Option<String>,
}

/// An object without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its key.
    pub key: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Changes with its content: the ETag, or the modification time if the store has no ETags.
    pub version: String,
}

impl Entry {
    fn of(meta: ObjectMeta) -> Entry {
        let version = meta.e_tag.unwrap_or_else(|| meta.last_modified.to_rfc3339());
        Entry { key: meta.location.to_string(), bytes: meta.size, version }
    }
}

/// The user metadata with an object's label.
const LABEL: Attribute = Attribute::Metadata(std::borrow::Cow::Borrowed("byoc"));

impl Bucket {
    /// All objects whose keys start with `prefix`, sorted by key.
    ///
    /// # Errors
    /// [`StorageError`], such as [`StorageError::InvalidKey`] for one of the keys.
    pub async fn list(&self, prefix: &str) -> Result<Vec<Entry>, StorageError> {
        self.list_at_most(prefix, usize::MAX).await
    }

    /// The first `most` objects whose keys start with `prefix`, sorted by key. Requests no more pages than necessary.
    ///
    /// # Errors
    /// As [`Bucket::list`].
    pub async fn list_at_most(&self, prefix: &str, most: usize) -> Result<Vec<Entry>, StorageError> {
        let mut entries = Vec::new();
        let mut page_token = None;
        loop {
            let options = PaginatedListOptions { page_token, ..PaginatedListOptions::default() };
            // object_store's other listing accepts only whole segments as a prefix, and fails for invalid keys outside
            // the prefix.
            let page = self.client.list_paginated((!prefix.is_empty()).then_some(prefix), options).await;
            let page = page.map_err(|error| storage_error(&error))?;
            // S3's console represents a folder by an empty object `in/`, which object_store lists as `in`.
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

    /// The entry and the label of an object, without its content (HeadObject).
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn head(&self, key: &str) -> Result<(Entry, Option<String>), StorageError> {
        let options = GetOptions { head: true, ..GetOptions::default() };
        let object = self.client.get_opts(&path(key)?, options).await.map_err(|error| storage_error(&error))?;
        let label = object.attributes.get(&LABEL).map(|label| label.to_string());
        Ok((Entry::of(object.meta), label))
    }

    /// Streams an object of any size.
    ///
    /// # Errors
    /// [`StorageError`], also as an item of the stream if the download is interrupted.
    pub async fn stream(&self, key: &str) -> Result<BoxStream<'static, Result<Bytes, StorageError>>, StorageError> {
        let object = self.client.get(&path(key)?).await.map_err(|error| storage_error(&error))?;
        let (bytes, mut received) = (object.meta.size, 0);
        let pieces = object.into_stream().map(move |piece| {
            let piece = piece.map_err(|error| storage_error(&error))?;
            received += piece.len() as u64;
            check_not_longer(received, bytes).map(|()| piece)
        });
        Ok(pieces.boxed())
    }

    /// Starts uploading an object of any size, with a label. It becomes visible when the upload is finished.
    ///
    /// # Errors
    /// [`StorageError::InvalidKey`].
    pub fn upload(&self, key: &str, label: &str) -> Result<Upload, StorageError> {
        let attributes = Attributes::from_iter([(LABEL, label.to_owned())]);
        let client: Arc<AmazonS3> = Arc::clone(&self.client);
        Ok(Upload(BufWriter::new(client, path(key)?).with_attributes(attributes)))
    }

    /// Deletes an object. Succeeds if it does not exist.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn delete(&self, key: &str) -> Result<(), StorageError> {
        match self.client.delete(&path(key)?).await.map_err(|error| storage_error(&error)) {
            Err(StorageError::NotFound) => Ok(()),
            other => other,
        }
    }
}

/// An object that is being uploaded.
#[derive(Debug)]
pub struct Upload(BufWriter);

impl Upload {
    /// Appends bytes.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn write(&mut self, content: Bytes) -> Result<(), StorageError> {
        self.0.put(content).await.map_err(|error| storage_error(&error))
    }

    /// Finishes the upload, which makes the object visible.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn finish(mut self) -> Result<(), StorageError> {
        self.0.shutdown().await.map_err(upload_error)
    }

    /// Cancels the upload and deletes its parts.
    pub async fn abort(mut self) {
        // This fails if the upload has not begun, in which case there are no parts. Parts that remain after any other
        // failure are left to S3's lifecycle rules.
        let _ = self.0.abort().await;
    }
}

/// A key for object_store, which rejects some keys that S3 allows (two consecutive slashes, `..`).
fn path(key: &str) -> Result<Key, StorageError> {
    Key::parse(key).map_err(|_| StorageError::InvalidKey(key.to_owned()))
}

fn check_complete(received: u64, bytes: u64) -> Result<(), StorageError> {
    if received == bytes {
        Ok(())
    } else {
        Err(StorageError::Unavailable(Reason::new(format!("the download broke off after {received} of {bytes} bytes"))))
    }
}

fn check_not_longer(received: u64, bytes: u64) -> Result<(), StorageError> {
    if received <= bytes {
        Ok(())
    } else {
        Err(StorageError::Unavailable(Reason::new(format!("S3 sent more than the {bytes} bytes that it announced"))))
    }
}

/// The TLS configuration, which trusts Mozilla's roots and the certificates of AWS_CA_BUNDLE.
fn tls_config(access: &S3Access) -> Result<ClientConfig> {
    let invalid = |error: Error| error.because(Cause::BadSetting).context(env::AWS_CA_BUNDLE);
    let Some(file) = access.get(env::AWS_CA_BUNDLE) else {
        return tls::client_config(None)
            .map_err(|error| Error::new(Cause::BadSetting, env::AWS_CA_BUNDLE).caused_by(error));
    };
    let bundle = std::fs::read(file).map_err(|error| invalid(Error::io("read", Path::new(file), error)))?;
    tls::client_config(Some(&bundle)).map_err(|error| invalid(Error::new(Cause::BadSetting, file).caused_by(error)))
}

#[cfg(test)]
#[path = "bucket_test.rs"]
mod tests;
