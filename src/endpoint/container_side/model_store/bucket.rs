//! Artifacts in S3, or in what speaks its protocol. The only file that names the object store's crate.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::client::Certificate;
use object_store::path::Path as Key;
use object_store::{ClientOptions, ObjectStoreExt as _, RetryConfig};
use tokio::io::AsyncWriteExt as _;

use super::FetchError;
use super::unpack::{self, DOWNLOAD_PREFIX};
use crate::endpoint::container_side::http::choose_tls_provider;
use crate::endpoint::container_side::target_model::TargetModel;
use crate::env;
use crate::error::{Cause, Error, Result};

/// How often a request is tried again, after 100 ms first, and until when: a caller waits for the model.
const RETRIES: usize = 4;
const RETRY_LIMIT: Duration = Duration::from_secs(20);
/// How long a connection may take to be made, and to bring the next bytes.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const SILENCE_LIMIT: Duration = Duration::from_secs(15);

/// How S3 is reached: the AWS SDKs' own environment variables, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct S3Access(pub BTreeMap<String, String>);

impl S3Access {
    fn get(&self, name: &str) -> Option<&str> {
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

    /// Where S3 is, if it is not Amazon's.
    fn endpoint(&self) -> Option<&str> {
        self.get(env::AWS_ENDPOINT_URL_S3).or_else(|| self.get(env::AWS_ENDPOINT_URL))
    }
}

/// What lies under a prefix of a bucket.
#[derive(Debug)]
pub(super) struct Bucket {
    client: AmazonS3,
    key: Key,
}

impl Bucket {
    pub(super) fn open(bucket: &str, key: &str, access: &S3Access) -> Result<Bucket> {
        if !access.has_credentials() {
            return Err(Error::new(
                Cause::BadSetting,
                format!(
                    "s3://{bucket}/{key}: no AWS credentials; set {} and {} (with a profile or SSO: eval \"$(aws configure \
                     export-credentials --format env)\"), or {}=false for an EC2 instance's role",
                    env::AWS_ACCESS_KEY_ID,
                    env::AWS_SECRET_ACCESS_KEY,
                    env::AWS_EC2_METADATA_DISABLED
                ),
            ));
        }
        let wrong = |error: &dyn std::fmt::Display| Error::new(Cause::BadSetting, format!("S3: {error}"));
        let mut builder = AmazonS3Builder::new().with_bucket_name(bucket);
        for (name, value) in &access.0 {
            if let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() {
                builder = builder.with_config(key, value);
            }
        }
        if let Some(endpoint) = access.endpoint() {
            builder = builder.with_endpoint(endpoint);
        }
        let plain_http = access.endpoint().is_some_and(|endpoint| endpoint.starts_with("http://"));
        choose_tls_provider();
        let mut options = ClientOptions::new()
            .with_allow_http(plain_http)
            .with_connect_timeout(CONNECT_LIMIT)
            .with_read_timeout(SILENCE_LIMIT)
            .with_timeout_disabled()
            .with_no_system_certificates(true);
        for certificate in certificates(access)? {
            options = options.with_root_certificate(certificate);
        }
        let retry = RetryConfig { max_retries: RETRIES, retry_timeout: RETRY_LIMIT, ..RetryConfig::default() };
        let client = builder.with_client_options(options).with_retry(retry).build().map_err(|error| wrong(&error))?;
        Ok(Bucket { client, key: Key::parse(key).map_err(|error| wrong(&error))? })
    }

    /// The key of the prefix itself.
    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    /// The key of a TargetModel.
    pub(super) fn below(&self, target_model: &TargetModel) -> Result<Key, FetchError> {
        let key = match self.key.as_ref() {
            "" => target_model.as_str().to_owned(),
            prefix => format!("{prefix}/{}", target_model.as_str()),
        };
        // What is no key has no object.
        Key::parse(key).map_err(|_| FetchError::NotThere)
    }

    /// Downloads an archive beside the folder that it is to be unpacked into, then unpacks it. A download that breaks off
    /// is resumed where it was, if the object has the same ETag still.
    pub(super) async fn fetch(&self, key: &Key, into: &Path, limit: Option<u64>) -> Result<u64, FetchError> {
        let internal = |error: &dyn std::fmt::Display| FetchError::Internal(error.to_string());
        let object = self.client.get(key).await.map_err(|error| self.not_downloaded(key, &error))?;
        let size = object.meta.size;
        let beside = into.parent().and_then(Path::parent).unwrap_or(Path::new("."));
        std::fs::create_dir_all(beside).map_err(|error| internal(&Error::io("make the folder", beside, &error)))?;
        let (file, path) = tempfile::Builder::new()
            .prefix(DOWNLOAD_PREFIX)
            .tempfile_in(beside)
            .map_err(|error| internal(&Error::io("make a file in", beside, &error)))?
            .into_parts();
        let mut file = tokio::fs::File::from_std(file);
        let mut pieces = object.into_stream();
        let mut received = 0;
        while let Some(piece) = pieces.try_next().await.map_err(|error| self.not_downloaded(key, &error))? {
            received += piece.len() as u64;
            file.write_all(&piece).await.map_err(|error| internal(&Error::io("write", &path, &error)))?;
        }
        file.flush().await.map_err(|error| internal(&Error::io("write", &path, &error)))?;
        if received != size {
            return Err(FetchError::Unavailable(format!("{received} bytes came of {size}")));
        }
        // The file is deleted with `path`, whatever comes of it.
        unpack::in_background(path.to_path_buf(), into, limit).await
    }

    fn not_downloaded(&self, key: &Key, error: &object_store::Error) -> FetchError {
        match error {
            object_store::Error::NotFound { .. } => FetchError::NotThere,
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
                log::warn!("{}: {key} may not be read: {error}", self.client);
                FetchError::NotThere
            }
            other => FetchError::Unavailable(other.to_string()),
        }
    }
}

/// Whom to trust: Mozilla's roots, and those of AWS_CA_BUNDLE.
fn certificates(access: &S3Access) -> Result<Vec<Certificate>> {
    let wrong =
        |error: &dyn std::fmt::Display| Error::new(Cause::BadSetting, format!("{}: {error}", env::AWS_CA_BUNDLE));
    let mut certificates = match access.get(env::AWS_CA_BUNDLE) {
        None => Vec::new(),
        Some(file) => {
            let bundle = std::fs::read(file).map_err(|error| wrong(&Error::io("read", Path::new(file), &error)))?;
            Certificate::from_pem_bundle(&bundle).map_err(|error| wrong(&error))?
        }
    };
    for root in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        certificates.push(Certificate::from_der(root).map_err(|error| wrong(&error))?);
    }
    Ok(certificates)
}

#[cfg(test)]
#[path = "bucket_test.rs"]
mod tests;
