//! The fingerprint of an output: a job that runs again skips objects whose output has the same fingerprint.
//!
//! It is a hash of the members below, each under a name that is part of the format. Renaming a type or a field of this
//! program changes nothing; a change in the meaning of a member needs a new [`VERSION`], which makes each job run
//! again.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

use super::create_transform_job::{AssembleWith, CompressionType};
use super::job::Job;
use super::objects::Object;
use super::processing::DataProcessing;
use super::split::{Packing, SplitType};

/// The version of the format.
const VERSION: u64 = 3;

/// Everything that affects the outputs of a job, except the objects themselves.
#[derive(Clone, Debug)]
pub(super) struct JobFingerprint(BTreeMap<&'static str, Value>);

impl JobFingerprint {
    /// The members of a job, of how its payloads are made, and `model`, which changes when the model does.
    pub(super) fn new(job: &Job, packing: &Packing, model: Value) -> JobFingerprint {
        // ContentType covers the header line.
        let Packing { split, strategy, most, fill, processing, header: _ } = packing;
        let header = |value: &Option<reqwest::header::HeaderValue>| match value {
            None => Value::Null,
            Some(value) => String::from_utf8_lossy(value.as_bytes()).into(),
        };
        let compression = match job.compression {
            CompressionType::None => "None",
            CompressionType::Gzip => "Gzip",
        };
        let split = match split {
            SplitType::None => "None",
            SplitType::Line => "Line",
            SplitType::RecordIo => "RecordIO",
            SplitType::TfRecord => "TFRecord",
        };
        let assemble = match job.assemble {
            AssembleWith::None => "None",
            AssembleWith::Line => "Line",
        };
        let environment: serde_json::Map<String, Value> =
            job.environment.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        let processing = processing.as_deref();
        let mut members = BTreeMap::from([
            ("version", VERSION.into()),
            ("ContentType", header(&job.content_type)),
            ("Accept", header(&job.accept)),
            ("CompressionType", compression.into()),
            ("SplitType", split.into()),
            ("AssembleWith", assemble.into()),
            ("BatchStrategy", strategy.name_in_job().into()),
            ("payload_limit_bytes", (*most).into()),
            ("payload_fill_bytes", (*fill).into()),
            ("Environment", environment.into()),
            ("model", model),
        ]);
        let filters = processing.map(DataProcessing::members);
        members.extend(filters.into_iter().flatten().map(|(name, value)| (name, value.into())));
        JobFingerprint(members)
    }

    /// The fingerprint of an object's output: 32 hexadecimal digits.
    pub(super) fn of_object(&self, object: &Object) -> String {
        let mut members = self.0.clone();
        members.insert("object_location", object.location.to_string().into());
        members.insert("object_bytes", object.bytes.into());
        members.insert("object_version", object.version.as_str().into());
        // Sorted by name, at every depth.
        let text = Value::from_iter(members).to_string();
        Uuid::new_v5(&Uuid::NAMESPACE_URL, text.as_bytes()).simple().to_string()
    }
}

#[cfg(test)]
mod tests {
    use crate::platform::batch_strategy::BatchStrategy;
    use std::path::Path;
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::storage::Location;

    fn typed() -> Value {
        json!({
            "TransformJobName": "housing-1", "MaxPayloadInMB": 6,
            "Environment": {"A": "b"},
            "TransformInput": {
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/in/"}},
                "ContentType": "text/csv", "CompressionType": "Gzip", "SplitType": "Line"
            },
            "TransformOutput": {"S3OutputPath": "s3://bucket/out/", "Accept": "text/csv", "AssembleWith": "Line"},
            "DataProcessing": {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}
        })
    }

    fn fingerprint(typed: Value, model: Value, bytes: u64) -> String {
        let job = Job::check(serde_json::from_value(typed).unwrap(), Path::new("/")).unwrap();
        let packing = Packing {
            split: job.split,
            strategy: BatchStrategy::MultiRecord,
            most: 6 << 20,
            fill: 6 << 20,
            header: job.header,
            processing: job.processing.clone().map(Arc::new),
        };
        let object = Object {
            location: Location::S3 { bucket: "bucket".into(), key: "in/a.csv".into() },
            name: "a.csv".into(),
            bytes,
            version: "etag".into(),
        };
        JobFingerprint::new(&job, &packing, model).of_object(&object)
    }

    /// A recorded value: outputs with it must not be made again.
    #[test]
    fn the_fingerprint_of_a_job_is_the_recorded_one() {
        assert_eq!(fingerprint(typed(), json!("model"), 7), "8e6a6a619b9750ad8caf04f95b5ce307");
    }

    #[test]
    fn settings_that_affect_outputs_change_the_fingerprint_and_a_jobs_name_does_not() {
        let first = fingerprint(typed(), json!("model"), 7);
        let mut renamed = typed();
        renamed["TransformJobName"] = json!("housing-2");
        assert_eq!(fingerprint(renamed, json!("model"), 7), first);
        let mut known = std::collections::HashSet::from([first]);
        assert!(known.insert(fingerprint(typed(), json!("other"), 7)));
        assert!(known.insert(fingerprint(typed(), json!("model"), 8)));
        for (path, value) in [
            ("/Environment/A", json!("c")),
            ("/TransformInput/ContentType", json!("text/csv; header=present")),
            ("/TransformInput/CompressionType", json!("None")),
            ("/DataProcessing/InputFilter", json!("$[2:]")),
            ("/DataProcessing/JoinSource", json!("None")),
            ("/DataProcessing/OutputFilter", json!("$[0]")),
        ] {
            let mut typed = typed();
            *typed.pointer_mut(path).unwrap() = value;
            assert!(known.insert(fingerprint(typed, json!("model"), 7)), "{path}");
        }
    }
}
