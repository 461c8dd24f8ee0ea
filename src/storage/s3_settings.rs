//! Checks the S3 settings of the environment before use, because object_store panics if they make a request invalid.

use reqwest::Url;

use super::s3_access::S3Access;
use crate::env;
use crate::error::{Cause, Error, Result};

/// Checks the settings that become part of a request's URL or headers.
///
/// # Errors
/// [`Cause::BadSetting`] with the variable, its value and what is expected.
pub(super) fn check(bucket: &str, access: &S3Access) -> Result<()> {
    let invalid = |message: String| Err(Error::new(Cause::BadSetting, message));
    if let Some((variable, endpoint)) = access.endpoint() {
        check_endpoint(variable, endpoint)?;
    }
    for variable in [env::AWS_REGION, env::AWS_DEFAULT_REGION] {
        if let Some(region) = access.get(variable).filter(|region| !is_name(region)) {
            return invalid(format!("{variable}: expected a region such as us-east-1, found {region:?}"));
        }
    }
    // The values are secrets, so messages do not show them.
    for variable in [env::AWS_ACCESS_KEY_ID, env::AWS_SESSION_TOKEN] {
        let is_printable = |text: &&str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if access.get(variable).is_some_and(|text| !is_printable(&text)) {
            return invalid(format!(
                "{variable}: expected printable ASCII characters, found a space, a line break or another character"
            ));
        }
    }
    if !is_name(bucket) {
        return invalid(format!(
            "expected the name of a bucket, which has letters, digits, dots and hyphens, found {bucket:?}"
        ));
    }
    Ok(())
}

/// Checks that the value of a variable is the URL of a server.
fn check_endpoint(variable: &str, endpoint: &str) -> Result<()> {
    let invalid = |detail: &str| {
        let message = format!("{variable}: expected http://HOST:PORT or https://HOST, found {endpoint:?}{detail}");
        Error::new(Cause::BadSetting, message)
    };
    if endpoint.contains(char::is_whitespace) {
        return Err(invalid(", which has a space in it"));
    }
    let without_scheme = !endpoint.contains("://");
    if without_scheme && Url::parse(&format!("http://{endpoint}")).is_ok_and(|url| url.has_host()) {
        return Err(invalid(&format!(": did you mean http://{endpoint}?")));
    }
    let url = Url::parse(endpoint).map_err(|error| invalid("").caused_by(error))?;
    match url.scheme() {
        "http" | "https" if url.query().is_some() || url.fragment().is_some() => {
            Err(invalid(", which has a query or a fragment"))
        }
        "http" | "https" => Ok(()),
        scheme => Err(invalid(&format!(": {scheme}:// is not supported"))),
    }
}

/// Whether a region or a bucket may have this name. S3 itself has stricter rules.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::super::Bucket;
    use super::*;
    use byoc_formats::error::chain;

    fn opened(bucket: &str, variables: &[(&str, &str)]) -> Result<Bucket> {
        let known = [(env::AWS_ACCESS_KEY_ID, "id"), (env::AWS_SECRET_ACCESS_KEY, "secret")];
        let all = known.iter().chain(variables).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Bucket::open(bucket, &S3Access(all.collect()))
    }

    #[test]
    fn an_invalid_endpoint_is_reported_with_its_variable() {
        for variable in [env::AWS_ENDPOINT_URL_S3, env::AWS_ENDPOINT_URL] {
            for (endpoint, more) in [
                ("localhost:5555", "did you mean http://localhost:5555?"),
                ("foo", "did you mean http://foo?"),
                ("10.0.0.1:9000/minio", "did you mean http://10.0.0.1:9000/minio?"),
                ("http://", "empty host"),
                ("http:// x", "a space"),
                (" http://host", "a space"),
                ("http://host:99999", "invalid port"),
                ("http://[::1", "invalid IPv6"),
                ("ftp://host", "ftp:// is not supported"),
                ("http://host/?a=b", "a query or a fragment"),
                (":", "expected"),
            ] {
                let error = opened("bucket", &[(variable, endpoint)]).unwrap_err();
                assert_eq!(error.cause(), Cause::BadSetting, "{endpoint}");
                let expected = format!("{variable}: expected http://HOST:PORT or https://HOST, found {endpoint:?}");
                let text = chain(&error).to_string();
                assert!(error.message().contains(&expected) && text.contains(more), "{text}");
                let is_of_the_parser = ["empty host", "invalid port", "invalid IPv6", "expected"].contains(&more);
                assert_eq!(std::error::Error::source(&error).is_some(), is_of_the_parser, "{endpoint}");
            }
            for endpoint in ["http://localhost:5555", "https://s3.example.com/", "http://[::1]:9000/minio"] {
                opened("bucket", &[(variable, endpoint)]).unwrap();
            }
        }
        // A variable that another one overrides is not checked.
        opened("bucket", &[(env::AWS_ENDPOINT_URL, "foo"), (env::AWS_ENDPOINT_URL_S3, "http://host")]).unwrap();
    }

    #[test]
    fn settings_that_become_part_of_a_request_are_checked_and_secrets_are_not_shown() {
        for (variable, value) in [
            (env::AWS_REGION, "us east"),
            (env::AWS_DEFAULT_REGION, "us/east"),
            (env::AWS_ACCESS_KEY_ID, "hidden\n"),
            (env::AWS_SESSION_TOKEN, "hidden\u{e9}"),
        ] {
            let error = opened("bucket", &[(variable, value)]).unwrap_err();
            assert!(error.message().starts_with(&format!("s3://bucket: {variable}: expected")), "{error}");
            assert!(!error.message().contains("hidden"), "{error}");
        }
        for bucket in ["b c", "b?", "", "b\u{e9}"] {
            assert!(opened(bucket, &[]).unwrap_err().message().contains("the name of a bucket"), "{bucket}");
        }
    }
}
