//! The environment, and the names of the variables that code outside `cli` uses.
//!
//! The table of settings (`cli/table`) documents each variable, and `docs/reference.md` is generated from it. A setting
//! that SageMaker or one of its containers already has keeps their name
//! (docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html and the environment of
//! github.com/aws/sagemaker-inference-toolkit); other names begin with `BYOC_`.

use std::collections::HashMap;

/// A copy of the environment, taken once at startup. Tests can pass their own.
#[derive(Clone, Debug, Default)]
pub struct Environment(HashMap<String, String>);

impl Environment {
    /// The environment of this process. Variables that are not Unicode are left out, because no setting accepts them.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn of_this_process() -> Environment {
        Environment(
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect(),
        )
    }

    /// The value of a variable. A variable whose value is empty or blank counts as not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.trim().is_empty())
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Environment {
        Environment(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// A variable that is not a setting of a command, with its documentation.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it means, for `docs/reference.md`.
    pub documentation: &'static str,
}

macro_rules! setting_names {
    ($($name:ident)+) => {
        $(
            /// The name of this variable. The table of settings documents it.
            pub const $name: &str = stringify!($name);
        )+

        /// The names above. A test checks that each of them is in the table of settings.
        pub const SETTINGS: &[&str] = &[$($name),+];
    };
}

macro_rules! aws_variables {
    ($($(#[doc = $doc:literal])+ $name:ident;)+) => {
        $(
            $(#[doc = $doc])+
            pub const $name: &str = stringify!($name);
        )+

        /// The variables of the AWS SDKs that configure access to S3.
        pub const S3: &[Variable] =
            &[$(Variable { name: $name, documentation: concat!($($doc, "\n"),+) }),+];
    };
}

setting_names! {
    BYOC_EXIT_ON_STDIN_EOF
    BYOC_HOST
    BYOC_MODELS_ROOT
    RUST_LOG
    SAGEMAKER_BASE_DIR
    SAGEMAKER_BATCH
    SAGEMAKER_BATCH_STRATEGY
    SAGEMAKER_BIND_TO_PORT
    SAGEMAKER_CONTAINER_LOG_LEVEL
    SAGEMAKER_MAX_CONCURRENT_TRANSFORMS
    SAGEMAKER_MAX_PAYLOAD_IN_MB
    SAGEMAKER_MULTI_MODEL
    SM_MODEL_DIR
}

aws_variables! {
    /// Region of the buckets.
    AWS_REGION;
    /// Region of the buckets if `AWS_REGION` is not set.
    AWS_DEFAULT_REGION;
    /// URL of an S3 server other than Amazon's, such as `http://127.0.0.1:9000`.
    AWS_ENDPOINT_URL_S3;
    /// URL of a server for all AWS services. `AWS_ENDPOINT_URL_S3` takes precedence.
    AWS_ENDPOINT_URL;
    /// Access key ID.
    AWS_ACCESS_KEY_ID;
    /// Secret access key.
    AWS_SECRET_ACCESS_KEY;
    /// Session token of temporary credentials.
    AWS_SESSION_TOKEN;
    /// Path of the credentials of an ECS task's or a SageMaker container's role. The platform sets it.
    AWS_CONTAINER_CREDENTIALS_RELATIVE_URI;
    /// Full URL of the credentials of a role, on EKS (Pod Identity).
    AWS_CONTAINER_CREDENTIALS_FULL_URI;
    /// File with the token for `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE;
    /// File with the token of a web identity (IRSA on EKS).
    AWS_WEB_IDENTITY_TOKEN_FILE;
    /// ARN of the role that the web identity assumes.
    AWS_ROLE_ARN;
    /// Session name for the assumed role.
    AWS_ROLE_SESSION_NAME;
    /// `false` allows byoc to get the role's credentials from the metadata service of an EC2 instance. Without it and
    /// without other credentials, byoc reports at once that there are none: on a laptop, where no metadata service
    /// answers, a request to it would only time out.
    AWS_EC2_METADATA_DISABLED;
    /// File of certificates to trust in addition to Mozilla's.
    AWS_CA_BUNDLE;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_variable_counts_as_not_set() {
        let environment = Environment::from([("A", "1"), ("B", ""), ("C", " ")]);
        assert_eq!(environment.get("A"), Some("1"));
        assert_eq!(environment.get("B"), None);
        assert_eq!(environment.get("C"), None);
        assert_eq!(environment.get("D"), None);
    }
}
