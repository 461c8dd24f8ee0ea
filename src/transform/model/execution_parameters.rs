//! The job parameters that a container asks for: `GET /execution-parameters`
//! (docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-batch-code.html).

use reqwest::Client;
use serde_json::Value;

use super::job_container::JobContainer;
use crate::leased_bytes::MemoryShare;
use crate::platform::batch_strategy::BatchStrategy;
use crate::platform::http::{Body, PING_LIMIT, read_body};
use byoc_formats::json_syntax;

/// The parameters that a container gives; each is optional.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::transform) struct ExecutionParameters {
    pub(in crate::transform) max_concurrent: Option<u64>,
    pub(in crate::transform) strategy: Option<BatchStrategy>,
    pub(in crate::transform) max_payload_in_mb: Option<u64>,
}

const MAX_BYTES: usize = 64 << 10;

/// Asks a container. One that does not answer gets the defaults.
pub(super) async fn ask(client: &Client, stage: &JobContainer) -> ExecutionParameters {
    let sent = client.get(stage.url("/execution-parameters")).timeout(PING_LIMIT).send().await;
    let Ok(response) = sent else { return ExecutionParameters::default() };
    if response.status() != 200 {
        return ExecutionParameters::default();
    }
    match read_body(response, MAX_BYTES, &MemoryShare::unbounded()).await {
        Ok(Body::Whole(body)) => ExecutionParameters::read(&body).unwrap_or_else(|problem| {
            log::warn!("container {}: /execution-parameters is not used: {problem}", stage.name());
            ExecutionParameters::default()
        }),
        _ => ExecutionParameters::default(),
    }
}

impl ExecutionParameters {
    /// Numbers may be strings, and strategies may be spelled as in the API or as containers spell them.
    fn read(body: &[u8]) -> Result<ExecutionParameters, String> {
        let document: Value = serde_json::from_slice(body).map_err(|error| json_syntax::describe(body, &error))?;
        let number = |name: &str| match document.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => text.trim().parse().map(Some).map_err(|_| format!("{name} is \"{text}\"")),
            Some(other) => other.as_u64().map(Some).ok_or_else(|| format!("{name} is {other}")),
        };
        let strategy = match document.get("BatchStrategy").and_then(Value::as_str) {
            None => None,
            Some(text) => Some(match text.replace('_', "").to_ascii_lowercase().as_str() {
                "multirecord" => BatchStrategy::MultiRecord,
                "singlerecord" => BatchStrategy::SingleRecord,
                _ => return Err(format!("BatchStrategy is \"{text}\"")),
            }),
        };
        Ok(ExecutionParameters {
            max_concurrent: number("MaxConcurrentTransforms")?.filter(|&number| number > 0),
            strategy,
            max_payload_in_mb: number("MaxPayloadInMB")?,
        })
    }

    /// The strictest combination of both.
    pub(super) fn merge(self, other: ExecutionParameters) -> ExecutionParameters {
        let least = |a: Option<u64>, b: Option<u64>| a.into_iter().chain(b).min();
        let strategies = [self.strategy, other.strategy];
        let strategy = if strategies.contains(&Some(BatchStrategy::SingleRecord)) {
            Some(BatchStrategy::SingleRecord)
        } else {
            self.strategy.or(other.strategy)
        };
        ExecutionParameters {
            max_concurrent: least(self.max_concurrent, other.max_concurrent),
            strategy,
            max_payload_in_mb: least(self.max_payload_in_mb, other.max_payload_in_mb),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_read_and_invalid_documents_are_ignored() {
        let read = |text: &str| ExecutionParameters::read(text.as_bytes());
        let of = |max_concurrent, strategy, max_payload_in_mb| ExecutionParameters {
            max_concurrent,
            strategy,
            max_payload_in_mb,
        };
        for (text, expected) in [
            (
                r#"{"MaxConcurrentTransforms": 8, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 6}"#,
                of(Some(8), Some(BatchStrategy::MultiRecord), Some(6)),
            ),
            (
                r#"{"BatchStrategy": "SingleRecord", "MaxPayloadInMB": "5"}"#,
                of(None, Some(BatchStrategy::SingleRecord), Some(5)),
            ),
            (r#"{"MaxConcurrentTransforms": 0}"#, of(None, None, None)),
            ("{}", of(None, None, None)),
        ] {
            assert_eq!(read(text), Ok(expected), "{text}");
        }
        for text in ["", "[", r#"{"BatchStrategy": "ALL"}"#, r#"{"MaxPayloadInMB": -1}"#, r#"{"MaxPayloadInMB": "x"}"#]
        {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_strictest_parameters_of_several_containers_are_used() {
        let one = ExecutionParameters {
            max_concurrent: Some(8),
            strategy: Some(BatchStrategy::MultiRecord),
            max_payload_in_mb: None,
        };
        let other = ExecutionParameters {
            max_concurrent: Some(2),
            strategy: Some(BatchStrategy::SingleRecord),
            max_payload_in_mb: Some(5),
        };
        assert_eq!(one.merge(other), other);
        assert_eq!(other.merge(one), other);
        assert_eq!(ExecutionParameters::default().merge(one), one);
    }
}
