//! ModelDataUrl or ModelDataSource: where a container's model is stored, and in which form.
//!
//! See docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelDataSource.html and API_S3ModelDataSource.html.
//! SageMaker does not support ModelDataSource in batch transform jobs; here, jobs support it like endpoints.

use std::path::Path;

use super::Validator;
use super::request::{Mode, ModelCompressionType, ModelDataSource, S3ModelDataSource, S3ModelDataType};
use crate::storage::{Location, absolute};

/// A ModelDataUrl, or the equivalent ModelDataSource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelDataUrl {
    /// The URL or path as it is written in the configuration.
    pub as_written: String,
    /// The location that it denotes.
    pub location: Location,
    /// The form of the data there.
    pub form: ModelForm,
}

/// The form in which a model is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ModelForm {
    /// A tar archive compressed with gzip; for a multi-model container, a prefix of such archives.
    #[default]
    Archive,
    /// A folder or prefix with one file or object for each file of the model.
    Files,
    /// A single file, which is the whole model.
    File,
}

impl ModelDataUrl {
    /// The local folder of an unpacked model, if the location is one.
    pub fn folder(&self) -> Option<&Path> {
        match &self.location {
            Location::Local(path) if self.form != ModelForm::File && path.is_dir() => Some(path),
            _ => None,
        }
    }

    /// The location for the log; an absolute path if it is local.
    pub fn display_location(&self) -> String {
        match &self.location {
            Location::Local(path) => absolute(path).display().to_string(),
            Location::S3 { .. } => self.as_written.clone(),
        }
    }

    /// The member and its value, for messages.
    pub fn display_member(&self) -> String {
        let member = if self.form == ModelForm::Archive { "ModelDataUrl" } else { "ModelDataSource" };
        format!("{member} \"{}\"", self.as_written)
    }
}

impl Validator<'_> {
    /// The model data that ModelDataUrl and ModelDataSource denote. DescribeModel may return both for a model that was
    /// created with one of them; then they denote the same archive.
    pub(super) fn model_data(
        &mut self,
        path: &str,
        mode: Mode,
        url: Option<String>,
        source: Option<ModelDataSource>,
    ) -> Option<ModelDataUrl> {
        let url = url.map(|as_written| {
            let location = self.location(format_args!("{path}.ModelDataUrl"), &as_written);
            ModelDataUrl { as_written, location, form: ModelForm::Archive }
        });
        let Some(source) = source else { return url };
        let member = format!("{path}.ModelDataSource");
        let problems = self.problems.len();
        let Some(source) = self.model_data_source(&member, source) else { return url };
        if self.problems.len() > problems {
            return url;
        }
        match (url, mode) {
            (Some(url), Mode::MultiModel) if is_same_prefix(&url.location, &source.location) => Some(url),
            (Some(url), Mode::SingleModel) if url.location == source.location && url.form == source.form => Some(url),
            (Some(url), _) => {
                self.problem(member, "cannot be combined with a different ModelDataUrl; give one of the two");
                Some(url)
            }
            (None, Mode::SingleModel) => Some(source),
            (None, Mode::MultiModel) => {
                self.problem(
                    member,
                    "not allowed for a container of Mode MultiModel; give ModelDataUrl, the prefix of its archives",
                );
                Some(ModelDataUrl { form: ModelForm::Archive, ..source })
            }
        }
    }

    fn model_data_source(&mut self, path: &str, typed: ModelDataSource) -> Option<ModelDataUrl> {
        self.unknown(&format!("{path}."), &typed.unknown);
        let path = format!("{path}.S3DataSource");
        let Some(typed) = typed.s3_data_source else {
            self.problem(&path, "missing");
            return None;
        };
        self.unknown(&format!("{path}."), &typed.unknown);
        if typed.manifest_s3_uri.is_some() {
            self.problem(format_args!("{path}.ManifestS3Uri"), "not supported here; give an S3Uri without a manifest");
        }
        let S3ModelDataSource { s3_uri, s3_data_type, compression_type, .. } = typed;
        for (member, is_missing) in [
            ("S3Uri", s3_uri.is_none()),
            ("S3DataType", s3_data_type.is_none()),
            ("CompressionType", compression_type.is_none()),
        ] {
            if is_missing {
                self.problem(format_args!("{path}.{member}"), "missing");
            }
        }
        let (as_written, data_type, compression) = (s3_uri?, s3_data_type?, compression_type?);
        let form = match (data_type, compression) {
            (S3ModelDataType::S3Object, ModelCompressionType::Gzip) => ModelForm::Archive,
            (S3ModelDataType::S3Object, ModelCompressionType::None) => ModelForm::File,
            (S3ModelDataType::S3Prefix, ModelCompressionType::None) => ModelForm::Files,
            (S3ModelDataType::S3Prefix, ModelCompressionType::Gzip) => {
                let message =
                    "Gzip requires S3DataType S3Object, a single archive; use CompressionType None for a prefix";
                self.problem(format_args!("{path}.CompressionType"), message);
                return None;
            }
        };
        let uri = format!("{path}.S3Uri");
        let location = self.location(&uri, &as_written);
        if let Location::S3 { key, .. } = &location {
            let is_prefix = key.is_empty() || key.ends_with('/');
            match form {
                ModelForm::Files if !is_prefix => {
                    self.problem(
                        uri,
                        format_args!("\"{as_written}\": with S3DataType S3Prefix, the URI must end with a slash"),
                    );
                }
                ModelForm::Archive | ModelForm::File if is_prefix => {
                    self.problem(
                        uri,
                        format_args!("\"{as_written}\": expected an object for S3DataType S3Object, found a prefix"),
                    );
                }
                _ => {}
            }
        }
        Some(ModelDataUrl { as_written, location, form })
    }
}

/// Whether two locations are the same, except for a final slash.
fn is_same_prefix(one: &Location, other: &Location) -> bool {
    let without_slash = |location: &Location| location.to_string().trim_end_matches('/').to_owned();
    without_slash(one) == without_slash(other)
}

#[cfg(test)]
#[path = "model_data_test.rs"]
mod tests;
