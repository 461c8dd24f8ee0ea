//! The locations of inputs and outputs of asynchronous invocations: in S3 as on SageMaker, or on the local disk.

use std::path::{Component, Path};
use std::time::Duration;

use actix_web::web::Bytes;

use crate::leased_bytes::{InsufficientMemory, MemoryShare};
use crate::storage::{Folders, Location, Object, Storage, StorageError};
use byoc_formats::error::chain;

/// The largest input in S3: 1 GB (docs.aws.amazon.com/sagemaker/latest/dg/async-inference.html).
pub(in crate::endpoint::client_side) const MAX_INPUT: u64 = 1 << 30;
/// The largest input within a request (botocore's model).
pub(in crate::endpoint::client_side) const MAX_INLINE: usize = 128_000;

/// The pause before another attempt to read an input if there was no memory for it.
const UNTIL_THERE_IS_ROOM: Duration = Duration::from_millis(200);

/// The input of a request.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::endpoint::client_side) enum Input {
    /// In the request itself.
    Inline(Bytes),
    /// At a location.
    At(Location),
}

impl Input {
    /// Parses InputLocation. Relative paths are refused, since there is no base folder.
    ///
    /// # Errors
    /// Why it cannot be read, as a sentence.
    pub(in crate::endpoint::client_side) fn at(location: &str) -> Result<Input, String> {
        match Location::parse(location, Path::new("")) {
            Ok(Location::Local(path)) if !path.is_absolute() => {}
            Ok(Location::S3 { key, .. }) if key.is_empty() => {}
            Ok(location) => return Ok(Input::At(location)),
            Err(_) => {}
        }
        Err(format!(
            "InputLocation {location:?} cannot be read; give an s3://BUCKET/KEY or file:// URL, or an absolute path."
        ))
    }

    /// Checks that it may be read.
    ///
    /// # Errors
    /// If it may not, as a sentence that does not reveal whether it exists.
    pub(in crate::endpoint::client_side) async fn check(&self, folders: &Folders) -> Result<(), String> {
        match self {
            Input::At(Location::Local(path)) if !folders.may_contain(path).await => Err(format!(
                "InputLocation file://{} is not below an allowed folder; the endpoint's --async-input-root or \
                 BYOC_ENDPOINT_ASYNC_INPUT_ROOT allows one.",
                path.display()
            )),
            _ => Ok(()),
        }
    }

    /// Reads it. Waits if there is no memory for it at the moment.
    ///
    /// # Errors
    /// Why it cannot be read, as a sentence.
    pub(in crate::endpoint::client_side) async fn read(
        self,
        storage: &Storage,
        folders: &Folders,
        memory: &MemoryShare,
    ) -> Result<Object, String> {
        let location = match self {
            Input::Inline(content) => return Ok(Object { content, content_type: None }),
            Input::At(location) => location,
        };
        loop {
            match storage.read_within(&location, MAX_INPUT, memory, Some(folders)).await {
                Ok(object) => return Ok(object),
                Err(StorageError::InsufficientMemory(InsufficientMemory::NotNow)) => {
                    tokio::time::sleep(UNTIL_THERE_IS_ROOM).await
                }
                Err(failure) => return Err(format!("The input {location} could not be read: {}.", chain(&failure))),
            }
        }
    }
}

/// The object below an output path that will hold a response: `extension` is S3OutputPathExtension, or empty.
///
/// # Errors
/// If it is not below the path, as a sentence.
pub(in crate::endpoint::client_side) fn output(
    path: &Location,
    extension: &str,
    name: &str,
) -> Result<Location, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "!_.*'()/-".contains(c);
    let below = Path::new(extension).components().all(|component| matches!(component, Component::Normal(_)));
    if extension.len() > 512 || !extension.chars().all(allowed) || !below {
        return Err(format!(
            "S3OutputPathExtension {extension:?} must be a path of at most 512 letters, digits and !_.*'()/- that \
             stays below the output path."
        ));
    }
    // By components, so that a key has no double slashes.
    let extension: Vec<_> = extension.split('/').filter(|part| !part.is_empty()).collect();
    Ok(path.below(&extension.into_iter().chain([name]).collect::<Vec<_>>().join("/")))
}

/// Whether a Filename is valid: the API's pattern, `^(?!.*\..*\.)[a-zA-Z0-9][a-zA-Z0-9-_\.]*$`, and its length.
pub(in crate::endpoint::client_side) fn is_file_name(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().filter(|byte| *byte == b'.').count() <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_an_object_in_s3_or_a_local_file() {
        let at = |location: &str| Input::at(location).map(|input| format!("{input:?}"));
        for (location, place) in [
            ("file:///a/b", Location::Local("/a/b".into())),
            ("/a/b", Location::Local("/a/b".into())),
            ("s3://bucket/key", Location::S3 { bucket: "bucket".into(), key: "key".into() }),
            (
                "https://bucket.s3.eu-west-1.amazonaws.com/key",
                Location::S3 { bucket: "bucket".into(), key: "key".into() },
            ),
        ] {
            assert_eq!(Input::at(location), Ok(Input::At(place)));
        }
        for bad in [
            "https://host/key",
            "https://bucket.s3.amazonaws.com/",
            "file://host/key",
            "a/b",
            "",
            "s3://bucket",
            "s3:///key",
        ] {
            assert!(at(bad).unwrap_err().contains("cannot be read"), "{bad}");
        }
    }

    #[test]
    fn an_output_stays_below_its_path() {
        for (path, extension, url) in [
            (Location::Local("/out".into()), "", "file:///out/a.out"),
            (Location::Local("/out".into()), "x/y/", "file:///out/x/y/a.out"),
            (Location::S3 { bucket: "b".into(), key: "out/".into() }, "x//y/", "s3://b/out/x/y/a.out"),
            (Location::S3 { bucket: "b".into(), key: String::new() }, "", "s3://b/a.out"),
        ] {
            assert_eq!(output(&path, extension, "a.out").unwrap().to_string(), url);
            for bad in ["..", "../x", "/etc", "x/../../y", "a b", &"x".repeat(513)] {
                assert!(output(&path, bad, "a.out").is_err(), "{bad}");
            }
        }
    }

    #[test]
    fn a_filename_has_at_most_one_dot_and_no_folder() {
        for good in ["a", "a.csv", "a-b_c.json", "1"] {
            assert!(is_file_name(good), "{good}");
        }
        for bad in ["", ".a", "a.b.c", "a/b", "..", "-a", &"x".repeat(33)] {
            assert!(!is_file_name(bad), "{bad}");
        }
    }
}
