//! The settings of `byoc transform`.

use std::path::Path;
use std::time::Duration;

use log::LevelFilter;

use crate::cli::settings::description::Description;
use crate::cli::settings::parse::text;
use crate::cli::settings::problems::{InvalidValue, Problems};
use crate::cli::settings::raw::Group;
use crate::cli::settings::raw::RawSettings;
use crate::cli::settings::row::{Defaulted, Deferred, Optional, Rows, flag};
use crate::cli::settings::settings;
use crate::cli::settings::source::Source;
use crate::cli::table::common;
use crate::cli::table::scikit_learn::ScikitLearn;
use crate::transform::{Member, ModelSource, Request};

settings! {
    /// Run a batch transform job: send each object of a folder or an S3 prefix through a model, and write NAME.out
    pub(in crate::cli) struct Transform {
        /// The job: JSON of CreateTransformJob; flags win over it
        ///
        /// S3Uri and S3OutputPath may be paths relative to the file.
        job: Optional<Request> = flag("job", "FILE")
            .variables(&["BYOC_TRANSFORM_JOB"])
            .parse(|file| Ok(Request::read(Path::new(file))?));

        /// The model: its folder, archive or file such as model.joblib (also s3://…), a .json file with CreateModel's
        /// request for a pipeline, or the URL of a running container
        model: Optional<ModelSource> = flag("model", "MODEL").variables(&["BYOC_TRANSFORM_MODEL"]).parse(model);

        members: Rows<Members> = Rows::ALL;

        scikit_learn: Deferred<ScikitLearn> = Deferred::ALL;

        /// Seconds that a container may take to become healthy
        health_check_timeout: Defaulted<Duration> = common::HEALTH_CHECK_TIMEOUT;

        log_level: Optional<LevelFilter> = common::LOG_LEVEL.otherwise("info; warning at a terminal");

        log_filter: Optional<String> = common::LOG_FILTER;

        region: Defaulted<String> = common::REGION;
    }
}

fn model(text: &str) -> Result<ModelSource, InvalidValue> {
    let is_missing = !text.contains("://") && !Path::new(text).exists();
    ModelSource::parse(text)
        .map_err(|message| if is_missing { InvalidValue::MissingPath(message) } else { message.into() })
}

/// The members of CreateTransformJob's request that flags or variables set.
#[derive(Debug)]
pub(in crate::cli) struct Members(pub(in crate::cli) Vec<GivenMember>);

/// A member of the request, not yet validated.
#[derive(Debug)]
pub(in crate::cli) struct GivenMember {
    pub(in crate::cli) member: Member,
    pub(in crate::cli) text: String,
    pub(in crate::cli) source: Source,
}

impl Group for Members {
    const ABOUT: &'static str = "Members of CreateTransformJob's request";

    fn descriptions() -> Vec<Description> {
        Member::ALL.iter().copied().map(row).collect()
    }

    fn read(raw: &RawSettings, _: &mut Problems) -> Members {
        let read = |&member: &Member| {
            let (source, text) = raw.value(&row(member))?;
            Some(GivenMember { member, text: text.to_string_lossy().into_owned(), source })
        };
        Members(Member::ALL.iter().filter_map(read).collect())
    }
}

/// The row of a member. [`crate::transform::Request::set`] parses its value.
pub(in crate::cli) const fn row(member: Member) -> Description {
    match member {
        Member::S3Uri => flag("input", "PLACE")
            .variables(&["BYOC_TRANSFORM_INPUT"])
            .parse(text)
            .documented("S3Uri: a folder, a file, an s3:// prefix or a manifest")
            .description(),
        Member::S3DataType => flag("s3-data-type", "TYPE")
            .variables(&["BYOC_TRANSFORM_S3_DATA_TYPE"])
            .parse(text)
            .default("S3Prefix")
            .documented("S3DataType: S3Prefix or ManifestFile")
            .description(),
        Member::ContentType => flag("content-type", "MEDIA_TYPE")
            .variables(&["BYOC_TRANSFORM_CONTENT_TYPE"])
            .parse(text)
            .otherwise("none is sent")
            .documented("Content-Type of requests")
            .description(),
        Member::CompressionType => flag("compression-type", "TYPE")
            .variables(&["BYOC_TRANSFORM_COMPRESSION_TYPE"])
            .parse(text)
            .default("None")
            .documented("CompressionType of the input: None or Gzip")
            .description(),
        Member::SplitType => flag("split-type", "TYPE")
            .variables(&["BYOC_TRANSFORM_SPLIT_TYPE"])
            .parse(text)
            .default("None")
            .documented("Record separator: None (the object is one record), Line, RecordIO or TFRecord")
            .description(),
        Member::S3OutputPath => flag("output", "PLACE")
            .variables(&["BYOC_TRANSFORM_OUTPUT"])
            .parse(text)
            .documented("S3OutputPath: a folder or an s3:// prefix")
            .description(),
        Member::Accept => flag("accept", "MEDIA_TYPE")
            .variables(&["BYOC_TRANSFORM_ACCEPT"])
            .parse(text)
            .otherwise("none is sent")
            .documented("Accept of requests")
            .description(),
        Member::AssembleWith => flag("assemble-with", "TYPE")
            .variables(&["BYOC_TRANSFORM_ASSEMBLE_WITH"])
            .parse(text)
            .default("None")
            .documented("Separator after each response: None or Line")
            .description(),
        Member::BatchStrategy => flag("batch-strategy", "STRATEGY")
            .variables(&["BYOC_TRANSFORM_BATCH_STRATEGY"])
            .parse(text)
            .otherwise("what the container asks for, else MultiRecord")
            .documented("BatchStrategy: MultiRecord or SingleRecord")
            .description(),
        Member::MaxPayloadInMB => flag("max-payload-in-mb", "MB")
            .variables(&["BYOC_TRANSFORM_MAX_PAYLOAD_IN_MB"])
            .parse(text)
            .otherwise("what the container asks for, else 6, or 1 for payloads of several records")
            .documented("Largest payload in MiB, up to 100; 0 streams whole objects")
            .description(),
        Member::MaxConcurrentTransforms => flag("max-concurrent-transforms", "COUNT")
            .variables(&["BYOC_TRANSFORM_MAX_CONCURRENT_TRANSFORMS"])
            .parse(text)
            .otherwise("what the container asks for, else 1")
            .documented("Number of requests to send at the same time")
            .description(),
        Member::InputFilter => flag("input-filter", "PATH")
            .variables(&["BYOC_TRANSFORM_INPUT_FILTER"])
            .parse(text)
            .default("$")
            .documented("JSONPath of the part of each record to send to the container")
            .description(),
        Member::JoinSource => flag("join-source", "SOURCE")
            .variables(&["BYOC_TRANSFORM_JOIN_SOURCE"])
            .parse(text)
            .default("None")
            .documented("JoinSource: None, or Input to join each response with its record")
            .description(),
        Member::OutputFilter => flag("output-filter", "PATH")
            .variables(&["BYOC_TRANSFORM_OUTPUT_FILTER"])
            .parse(text)
            .default("$")
            .documented("JSONPath of the part of each (joined) response to write")
            .description(),
        Member::InvocationsTimeoutInSeconds => flag("invocations-timeout-in-seconds", "SECONDS")
            .variables(&["BYOC_TRANSFORM_INVOCATIONS_TIMEOUT_IN_SECONDS"])
            .parse(text)
            .default("600")
            .documented("Seconds that an invocation may take, up to 3600")
            .description(),
        Member::InvocationsMaxRetries => flag("invocations-max-retries", "COUNT")
            .variables(&["BYOC_TRANSFORM_INVOCATIONS_MAX_RETRIES"])
            .parse(text)
            .default("3")
            .documented("Number of retries of a failed invocation, up to 3")
            .description(),
        Member::Environment => flag("environment", "NAME=VALUE,…")
            .variables(&["BYOC_TRANSFORM_ENVIRONMENT"])
            .parse(text)
            .joined()
            .documented("Environment variables of the containers")
            .description(),
    }
}
