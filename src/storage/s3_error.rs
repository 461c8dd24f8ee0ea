//! Converts errors of S3: its error code, if it sent one, and a message with advice.

use std::borrow::Cow;

use object_store::path::Error as KeyError;

use super::StorageError;
use crate::env::{AWS_ENDPOINT_URL_S3, AWS_REGION};
use crate::error::Reason;
use crate::http::exchange_error::{ExchangeError, find, source_chain};

/// Error codes that retrying with the same credentials cannot change, although their status does not say so
/// (docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
const DENIED_CODES: [&str; 8] = [
    "AccessDenied",
    "AuthorizationHeaderMalformed",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "PermanentRedirect",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
];

/// Converts an error of object_store. It is not kept as a source, because its text contains the whole body of S3's
/// response, which must not reach logs and clients.
pub(super) fn storage_error(error: &object_store::Error) -> StorageError {
    // An invalid key in a listing.
    if let object_store::Error::InvalidPath { source } = error
        && let KeyError::EmptySegment { path } | KeyError::BadSegment { path, .. } = source
    {
        return StorageError::InvalidKey(path.clone());
    }
    // object_store's error types for responses are private, and a failed listing has the same variant for every status.
    // But the error's text contains the XML of S3's response.
    let text = error.to_string();
    let code = element(&text, "Code");
    let reason = reason(error, code, element(&text, "Message"));
    match (error, code) {
        (_, Some("NoSuchBucket")) => StorageError::NoSuchBucket,
        (object_store::Error::NotFound { .. }, _) => StorageError::NotFound,
        (object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. }, _) => {
            StorageError::AccessDenied(reason)
        }
        (_, Some(code)) if DENIED_CODES.contains(&code) => StorageError::AccessDenied(reason),
        _ => StorageError::Unavailable(reason),
    }
}

/// Converts an error of an upload's last step, which wraps one of object_store.
pub(super) fn upload_error(error: std::io::Error) -> StorageError {
    match error.get_ref().and_then(|inside| inside.downcast_ref::<object_store::Error>()) {
        Some(error) => storage_error(error),
        None => StorageError::Unavailable(Reason::new(error)),
    }
}

fn reason(error: &object_store::Error, code: Option<&str>, message: Option<&str>) -> Reason {
    if let Some(exchange) = find::<ExchangeError>(error) {
        return Reason::new(exchange.clone());
    }
    let said = match (code, message) {
        (Some(code), Some(message)) => Cow::from(format!("S3 says {code}: {message}")),
        (Some(code), None) => format!("S3 says {code}").into(),
        (None, _) => match error {
            object_store::Error::PermissionDenied { .. } => "S3 says 403 Forbidden".into(),
            object_store::Error::Unauthenticated { .. } => "S3 says 401 Unauthorized".into(),
            other => source_chain(other).last().unwrap_or(other).to_string().into(),
        },
    };
    let advice = match code {
        Some("PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException") => {
            format!("; set {AWS_REGION} to the bucket's region")
        }
        Some("ExpiredToken" | "InvalidToken" | "TokenRefreshRequired") => "; get new credentials".to_owned(),
        Some("InvalidAccessKeyId") => {
            format!("; the credentials belong to another S3 than the one that {AWS_ENDPOINT_URL_S3} names")
        }
        _ => String::new(),
    };
    Reason::new(format!("{}{advice}", shortened(&said)))
}

/// The text of the first XML element of this name. `None` if it is empty.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text).filter(|text| !text.is_empty())
}

/// Limits a text that a server sent.
fn shortened(text: &str) -> String {
    const MAX_CHARACTERS: usize = 300;
    if text.chars().count() <= MAX_CHARACTERS {
        text.to_owned()
    } else {
        text.chars().take(MAX_CHARACTERS).chain(['…']).collect()
    }
}
