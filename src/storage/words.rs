//! What a store's client says, in words for who reads them: who was asked, what came of it, and S3's own code where it has one.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use reqwest::Url;

use crate::env::{AWS_CA_BUNDLE, AWS_ENDPOINT_URL_S3, AWS_REGION};

/// An exchange that came to nothing, in one sentence. It goes through the store's crate as the source of its errors.
#[derive(Clone, Debug)]
pub(super) struct Said(pub(super) String);

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Said {}

/// An error of the system's, and those that it is the wrapping of: of these `source` says nothing.
fn wrapped<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| {
        let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref)?;
        Some(inside as &(dyn StdError + 'static))
    })
}

/// All that stands behind an error, itself first.
fn behind<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// Why an exchange with a server failed, which `url` led to.
pub(super) fn of_exchange(error: &reqwest::Error, url: Option<&Url>) -> Said {
    let server = url.map_or_else(|| "the server".to_owned(), |url| url.origin().ascii_serialization());
    let host = url.and_then(Url::host_str).unwrap_or("the host");
    let of_system = behind(error).flat_map(wrapped).filter_map(|error| error.downcast_ref::<io::Error>());
    let kind = of_system.map(io::Error::kind).find(|kind| *kind != io::ErrorKind::Other);
    let tls = behind(error).flat_map(wrapped).find_map(|error| error.downcast_ref::<rustls::Error>());
    let last = behind(error).last().map(ToString::to_string).unwrap_or_default();
    let is_of_names = behind(error).any(|error| {
        let text = error.to_string();
        text.contains("dns error") || text.contains("failed to lookup address")
    });
    Said(match (tls, kind) {
        (Some(tls), _) => {
            format!("no TLS with {server}: {tls} (whom to trust besides Mozilla's roots, {AWS_CA_BUNDLE} says)")
        }
        _ if is_of_names => format!("the name {host} was not found: {last}"),
        (None, Some(io::ErrorKind::ConnectionRefused)) => {
            format!("{server} refused the connection: nothing listens there, or a firewall says no")
        }
        (None, Some(io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe)) => {
            format!("{server} broke off the connection")
        }
        _ if error.is_timeout() && error.is_connect() => {
            format!("{server} did not take a connection within {} s", super::connection::CONNECT_LIMIT.as_secs())
        }
        _ if error.is_timeout() => {
            format!("{server} sent nothing for {} s", super::connection::SILENCE_LIMIT.as_secs())
        }
        _ if error.is_connect() => format!("no connection to {server}: {last}"),
        _ => format!("{server} did not answer to the end: {last}"),
    })
}

/// What is said of an answer that says no, or of none.
#[derive(Debug)]
pub(super) struct Refusal {
    /// S3's code, `AccessDenied`.
    pub(super) code: Option<String>,
    /// In words.
    pub(super) said: String,
}

/// What an error of the store's crate says.
pub(super) fn of_store(error: &object_store::Error) -> Refusal {
    if let Some(said) = behind(error).find_map(|error| error.downcast_ref::<Said>()) {
        return Refusal { code: None, said: said.0.clone() };
    }
    let text = error.to_string();
    let code = between(&text, "<Code>", "</Code>").map(str::to_owned);
    let message = between(&text, "<Message>", "</Message>");
    // "Server returned non-2xx status code: 403 Forbidden: <?xml…"
    let status =
        text.split_once("status code: ").map(|(_, rest)| rest.split(['<', ':']).next().unwrap_or_default().trim());
    let said = match (&code, message, status) {
        (Some(code), Some(message), _) => format!("S3 says {code}: {message}"),
        (Some(code), None, _) => format!("S3 says {code}"),
        (None, _, Some(status)) => format!("S3 says {status}"),
        _ if text.contains("redirect without LOCATION") => {
            format!("S3 says that the bucket is of another region than {AWS_REGION}: set that to the bucket's")
        }
        _ => behind(error).last().map_or(text, ToString::to_string),
    };
    let advice = match code.as_deref() {
        Some("PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException") => {
            format!("; set {AWS_REGION} to the bucket's region")
        }
        Some("ExpiredToken" | "InvalidToken" | "TokenRefreshRequired") => "; get new credentials".to_owned(),
        Some("InvalidAccessKeyId") => {
            format!("; the credentials are not of this S3: {AWS_ENDPOINT_URL_S3} says which is asked")
        }
        _ => String::new(),
    };
    Refusal { code, said: format!("{}{advice}", shown(&said)) }
}

/// Codes of answers that another try with the same credentials cannot change, though their status does not say so
/// (docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
pub(super) const DENIED: [&str; 8] = [
    "AccessDenied",
    "AuthorizationHeaderMalformed",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "PermanentRedirect",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
];

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    text.split_once(start)?.1.split_once(end).map(|(found, _)| found).filter(|found| !found.is_empty())
}

/// A server may say anything, at any length.
fn shown(text: &str) -> String {
    const MOST: usize = 300;
    if text.chars().count() <= MOST { text.to_owned() } else { text.chars().take(MOST).chain(['…']).collect() }
}
