//! `BatchStrategy` of a batch transform job. The API and containers spell its values differently.

use serde::{Deserialize, Serialize};

/// The number of records in a request (docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html).
///
/// It is deserialized from the API's spelling, `MultiRecord`, and serialized in that of containers, `MULTI_RECORD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all(serialize = "SCREAMING_SNAKE_CASE"))]
pub enum BatchStrategy {
    /// As many records as fit into `MaxPayloadInMB`.
    MultiRecord,
    /// One record.
    SingleRecord,
}

impl BatchStrategy {
    /// The name in a CreateTransformJob request.
    pub fn name_in_job(self) -> &'static str {
        match self {
            BatchStrategy::MultiRecord => "MultiRecord",
            BatchStrategy::SingleRecord => "SingleRecord",
        }
    }

    /// The name in `SAGEMAKER_BATCH_STRATEGY`, which SageMaker sets in a container.
    pub fn name_in_container(self) -> &'static str {
        match self {
            BatchStrategy::MultiRecord => "MULTI_RECORD",
            BatchStrategy::SingleRecord => "SINGLE_RECORD",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_and_containers_have_different_names() {
        for strategy in [BatchStrategy::MultiRecord, BatchStrategy::SingleRecord] {
            assert_eq!(serde_json::to_value(strategy).unwrap(), strategy.name_in_container());
            let name = serde_json::Value::from(strategy.name_in_job());
            assert_eq!(serde_json::from_value::<BatchStrategy>(name).unwrap(), strategy);
        }
    }
}
