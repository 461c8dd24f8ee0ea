//! `BatchStrategy` of a batch transform job, which the job and its containers spell differently.

use serde::{Deserialize, Serialize};

/// The number of records in a request (docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html).
///
/// Read as the API spells it, `MultiRecord`; written as containers do, `MULTI_RECORD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all(serialize = "SCREAMING_SNAKE_CASE"))]
pub enum BatchStrategy {
    /// As many as fit into `MaxPayloadInMB`.
    MultiRecord,
    /// One.
    SingleRecord,
}

impl BatchStrategy {
    /// The name in a request of CreateTransformJob.
    pub fn name_in_job(self) -> &'static str {
        match self {
            BatchStrategy::MultiRecord => "MultiRecord",
            BatchStrategy::SingleRecord => "SingleRecord",
        }
    }

    /// The name in `SAGEMAKER_BATCH_STRATEGY`, as SageMaker sets it for a container.
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
    fn a_job_and_its_containers_have_names_of_their_own() {
        for strategy in [BatchStrategy::MultiRecord, BatchStrategy::SingleRecord] {
            assert_eq!(serde_json::to_value(strategy).unwrap(), strategy.name_in_container());
            let name = serde_json::Value::from(strategy.name_in_job());
            assert_eq!(serde_json::from_value::<BatchStrategy>(name).unwrap(), strategy);
        }
    }
}
