//! What all containers of an endpoint share.

use std::sync::Arc;
use std::time::Duration;

use super::model_cache::CacheSettings;
use crate::platform::environment::ContainerEnvironment;
use crate::storage::Storage;

/// What is the same for all containers.
#[derive(Clone, Debug)]
pub struct ContainerSettings {
    /// What of the environment is the same for all of them.
    pub environment: ContainerEnvironment,
    /// How long a container may be unhealthy, at its start and later: 8 minutes on the platform
    /// (ContainerStartupHealthCheckTimeoutInSeconds of
    /// docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html).
    pub health_check_timeout: Duration,
    /// How models are kept.
    pub cache: CacheSettings,
    /// Where models lie. Containers do not see it.
    pub storage: Arc<Storage>,
}
