//! The endpoint's identity: the names that AWS puts into error messages.

/// The variant of an endpoint whose configuration names none: the name that the console and the Python SDK give to a
/// single variant.
pub(super) const VARIANT: &str = "AllTraffic";

/// An endpoint's name, region and account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// EndpointName.
    pub endpoint: String,
    /// The region in errors, such as `us-east-1`.
    pub region: String,
    /// The twelve digits of the account in errors.
    pub account: String,
}

impl Identity {
    /// The ARN of the log group, as `LogStreamArn` of a ModelError carries it.
    pub fn log_group_arn(&self) -> String {
        let Identity { endpoint, region, account } = self;
        format!("arn:aws:logs:{region}:{account}:log-group:/aws/sagemaker/Endpoints/{endpoint}")
    }

    /// The sentence at the end of every ModelError.
    pub fn where_to_look(&self) -> String {
        let Identity { endpoint, region, account } = self;
        format!(
            "See https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}\
             #logEventViewer:group=/aws/sagemaker/Endpoints/{endpoint} in account {account} for more information."
        )
    }
}
