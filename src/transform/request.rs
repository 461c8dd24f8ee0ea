//! Builds a request from a file and flags, and validates it as a job.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IntoDeserializer as _;
use serde::de::value::StrDeserializer;

use super::create_transform_job::CreateTransformJob;
use super::job::{Job, Problem};
use crate::platform::create_model::{FileOf, parse_request};
use crate::platform::problems::list_problems;
use crate::storage::read_text;
use byoc_formats::error::chain;
use byoc_formats::json_document::Mistake;

macro_rules! members {
    ($($member:ident)+) => {
        /// A scalar member of CreateTransformJob's request.
        #[allow(missing_docs, reason = "the variants are named as in the API")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Member { $($member),+ }

        impl Member {
            /// All members, in the order of the API.
            pub const ALL: &[Member] = &[$(Member::$member),+];

            /// Its name in the API.
            pub const fn name(self) -> &'static str {
                match self { $(Member::$member => stringify!($member)),+ }
            }
        }
    };
}

members! {
    S3Uri
    S3DataType
    ContentType
    CompressionType
    SplitType
    S3OutputPath
    Accept
    AssembleWith
    BatchStrategy
    MaxPayloadInMB
    MaxConcurrentTransforms
    InputFilter
    JoinSource
    OutputFilter
    InvocationsTimeoutInSeconds
    InvocationsMaxRetries
    Environment
}

/// CreateTransformJob's request, not validated yet.
#[derive(Debug, Default)]
pub struct Request {
    typed: CreateTransformJob,
    /// The file's path, for messages, and the base folder of its relative paths.
    file: Option<PathBuf>,
}

impl Request {
    /// Reads a request from a file.
    ///
    /// # Errors
    /// Why it is not valid.
    pub fn read(file: &Path) -> Result<Request, String> {
        let text = read_text(file).map_err(|error| chain(&error).to_string())?;
        FileOf::TransformJob.check(&text)?;
        let typed = parse_request(&text).map_err(|problems| list_problems(&problems))?;
        Ok(Request { typed, file: Some(std::path::absolute(file).unwrap_or_else(|_| file.to_owned())) })
    }

    /// Sets a member, overriding the file.
    ///
    /// # Errors
    /// The expected format.
    pub fn set(&mut self, member: Member, text: &str) -> Result<(), String> {
        let typed = &mut self.typed;
        let own = || Some(text.to_owned());
        match member {
            // A path from the command line is relative to the working directory, not to the file.
            Member::S3Uri => typed.transform_input.data_source.s3.uri = Some(absolute(text)),
            Member::S3OutputPath => typed.transform_output.s3_output_path = Some(absolute(text)),
            Member::S3DataType => typed.transform_input.data_source.s3.data_type = Some(variant(text)?),
            Member::ContentType => typed.transform_input.content_type = own(),
            Member::CompressionType => typed.transform_input.compression_type = variant(text)?,
            Member::SplitType => typed.transform_input.split_type = variant(text)?,
            Member::Accept => typed.transform_output.accept = own(),
            Member::AssembleWith => typed.transform_output.assemble_with = variant(text)?,
            Member::BatchStrategy => typed.batch_strategy = Some(variant(text)?),
            Member::MaxPayloadInMB => typed.max_payload_in_mb = Some(number(text)?),
            Member::MaxConcurrentTransforms => typed.max_concurrent_transforms = Some(number(text)?),
            Member::InputFilter => typed.data_processing.input_filter = own(),
            Member::JoinSource => typed.data_processing.join_source = variant(text)?,
            Member::OutputFilter => typed.data_processing.output_filter = own(),
            Member::InvocationsTimeoutInSeconds => {
                typed.model_client_config.invocations_timeout_in_seconds = Some(number(text)?);
            }
            Member::InvocationsMaxRetries => typed.model_client_config.invocations_max_retries = Some(number(text)?),
            Member::Environment => {
                for one in variables(text) {
                    let (name, value) = one.split_once('=').ok_or("expected NAME=VALUE")?;
                    typed.environment.insert(name.trim().to_owned(), value.to_owned());
                }
            }
        }
        Ok(())
    }

    /// Validates the request.
    ///
    /// # Errors
    /// All problems.
    pub fn check(self) -> Result<Job, Vec<Problem>> {
        let folder = match &self.file {
            Some(file) => file.parent().map(PathBuf::from).unwrap_or_default(),
            None => std::path::absolute(".").unwrap_or_default(),
        };
        Job::check(self.typed, &folder)
    }
}

/// Splits a list of variables at its commas, but not at those within a value that is a JSON object.
fn variables(text: &str) -> Vec<String> {
    let mut variables: Vec<String> = Vec::new();
    for piece in text.split(',') {
        let is_open = |variable: &&mut String| {
            let value = variable.split_once('=').map(|(_, value)| value.trim()).unwrap_or_default();
            value.starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(value).is_err()
        };
        match variables.last_mut().filter(is_open) {
            Some(open) => {
                open.push(',');
                open.push_str(piece);
            }
            None => variables.push(piece.to_owned()),
        }
    }
    variables
}

fn absolute(text: &str) -> String {
    if text.contains("://") {
        return text.to_owned();
    }
    std::path::absolute(text).ok().and_then(|path| path.to_str().map(str::to_owned)).unwrap_or_else(|| text.to_owned())
}

fn variant<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, String> {
    let deserializer: StrDeserializer<'a, Mistake> = text.into_deserializer();
    T::deserialize(deserializer).map_err(|mistake| mistake.expectation().unwrap_or_else(|| mistake.to_string()))
}

fn number(text: &str) -> Result<i64, String> {
    text.trim().parse().map_err(|_| "expected a whole number".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_in_a_json_object_do_not_separate_variables() {
        assert_eq!(variables("A=1,B=x=y"), ["A=1", "B=x=y"]);
        let text = r#"A=1,BYOC_DTYPES={"zip": "str", "a,b": "bool"},B=2"#;
        assert_eq!(variables(text), ["A=1", r#"BYOC_DTYPES={"zip": "str", "a,b": "bool"}"#, "B=2"]);
        assert_eq!(variables("A={,B=2"), ["A={,B=2"]);
    }

    #[test]
    fn all_members_of_a_wrong_type_are_reported_together() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("job.json");
        let text = r#"{"MaxPayloadInMB": "6", "Environment": {"A": 1, "B": "b"},
            "TransformInput": {"SplitType": "Lines"}, "ModelClientConfig": {"InvocationsMaxRetries": 1.5}}"#;
        std::fs::write(&file, text).unwrap();
        let problem = Request::read(&file).unwrap_err();
        for expected in [
            "MaxPayloadInMB: expected an integer, found \"6\"",
            "Environment.A: expected text, found 1",
            "TransformInput.SplitType: did you mean Line? expected None, Line, RecordIO or TFRecord, found \"Lines\"",
            "ModelClientConfig.InvocationsMaxRetries: expected an integer, found 1.5",
        ] {
            assert!(problem.contains(expected), "{expected}: {problem}");
        }
        std::fs::write(&file, "{\"MaxPayloadInMB\": 6").unwrap();
        assert!(Request::read(&file).unwrap_err().contains("found the end of the text"));
    }

    #[test]
    fn every_member_can_be_set_and_invalid_values_are_reported() {
        let mut request = Request::default();
        for (member, good, bad) in [
            (Member::S3DataType, "ManifestFile", "Manifest"),
            (Member::CompressionType, "Gzip", "gzip"),
            (Member::SplitType, "TFRecord", "TfRecord"),
            (Member::AssembleWith, "Line", "line"),
            (Member::BatchStrategy, "SingleRecord", "SINGLE_RECORD"),
            (Member::MaxPayloadInMB, "6", "six"),
            (Member::MaxConcurrentTransforms, "2", ""),
            (Member::JoinSource, "Input", "input"),
            (Member::InvocationsTimeoutInSeconds, "5", "5s"),
            (Member::InvocationsMaxRetries, "0", "x"),
            (Member::Environment, "A=1,B=2=3", "A"),
        ] {
            request.set(member, good).unwrap();
            let problem = request.set(member, bad).unwrap_err();
            assert!(problem.contains("expected"), "{}: {problem}", member.name());
        }
        for member in [
            Member::S3Uri,
            Member::S3OutputPath,
            Member::ContentType,
            Member::Accept,
            Member::InputFilter,
            Member::OutputFilter,
        ] {
            request.set(member, "?").unwrap();
        }
        assert_eq!(request.typed.environment["B"], "2=3");
    }
}
