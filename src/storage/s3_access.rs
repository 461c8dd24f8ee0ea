//! The settings for access to S3.

use std::collections::BTreeMap;

use crate::env::{self, Environment};

/// The settings for access to S3: the environment variables of the AWS SDKs, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct S3Access(pub BTreeMap<String, String>);

impl S3Access {
    /// The settings of an environment.
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

    /// Whether a source of credentials is configured. Without one, object_store would ask the metadata service of an
    /// EC2 instance, which only times out on a laptop. So AWS_EC2_METADATA_DISABLED must be `false` to allow that.
    pub(super) fn has_credentials(&self) -> bool {
        self.has(&[env::AWS_ACCESS_KEY_ID, env::AWS_SECRET_ACCESS_KEY])
            || self.has(&[env::AWS_WEB_IDENTITY_TOKEN_FILE, env::AWS_ROLE_ARN])
            || self.has(&[env::AWS_CONTAINER_CREDENTIALS_RELATIVE_URI])
            || self.has(&[env::AWS_CONTAINER_CREDENTIALS_FULL_URI, env::AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE])
            || self.get(env::AWS_EC2_METADATA_DISABLED).is_some_and(|text| text.eq_ignore_ascii_case("false"))
    }

    /// The variable that sets another endpoint than Amazon's, and the endpoint.
    pub(super) fn endpoint(&self) -> Option<(&'static str, &str)> {
        [env::AWS_ENDPOINT_URL_S3, env::AWS_ENDPOINT_URL]
            .into_iter()
            .find_map(|variable| Some((variable, self.get(variable)?)))
    }
}
