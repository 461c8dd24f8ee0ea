//! Settings that all containers of an endpoint share.

use std::sync::Arc;
use std::time::Duration;

use super::model_cache::CacheSettings;
use crate::platform::environment::ContainerEnvironment;
use crate::storage::Storage;

/// Settings that all containers share.
#[derive(Clone, Debug)]
pub struct ContainerSettings {
    /// The environment variables that all of them get.
    pub environment: ContainerEnvironment,
    /// How long a container may be unhealthy, at its start and later: 8 minutes on SageMaker
    /// (ContainerStartupHealthCheckTimeoutInSeconds of
    /// docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html).
    pub health_check_timeout: Duration,
    /// The settings of the model cache.
    pub cache: CacheSettings,
    /// The storage of models. Containers do not access it.
    pub storage: Arc<Storage>,
}
