//! Where the inputs and outputs of asynchronous invocations lie: on this machine.
//!
//! On the platform they lie on S3. Whoever reads and writes S3 here adds it to [`Input`] and [`Output`], and nowhere else.

use std::io::Write as _;
use std::path::{Component, Path, PathBuf};

use actix_web::web::Bytes;

/// The largest input on S3: 1 GB (docs.aws.amazon.com/sagemaker/latest/dg/async-inference.html).
pub(super) const LARGEST_INPUT: u64 = 1 << 30;
/// The largest input that a request brings along (botocore's model).
pub(super) const LARGEST_INLINE: usize = 128_000;

/// What a request is about.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// It came along.
    Inline(Bytes),
    /// It lies in a file.
    File(PathBuf),
}

impl Input {
    /// The place that InputLocation names.
    ///
    /// # Errors
    /// Why nothing can be read there, as a sentence.
    pub(super) fn at(location: &str) -> Result<Input, String> {
        match location.split_once("://") {
            Some(("file", path)) if path.starts_with('/') => Ok(Input::File(path.into())),
            None if location.starts_with('/') => Ok(Input::File(location.into())),
            _ => Err(format!(
                "InputLocation {location:?} cannot be read by a local endpoint; give a file:// URL or an absolute path."
            )),
        }
    }

    /// Reads it.
    ///
    /// # Errors
    /// Why it cannot be read, as a sentence.
    pub(super) async fn read(self) -> Result<Bytes, String> {
        let path = match self {
            Input::Inline(body) => return Ok(body),
            Input::File(path) => path,
        };
        let cannot = |error: std::io::Error| format!("The input {} could not be read: {error}.", path.display());
        let size = tokio::fs::metadata(&path).await.map_err(cannot)?.len();
        if size > LARGEST_INPUT {
            return Err(format!("The input {} has {size} bytes; at most {LARGEST_INPUT}.", path.display()));
        }
        tokio::fs::read(&path).await.map(Bytes::from).map_err(cannot)
    }
}

/// A file that will hold an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Output(PathBuf);

impl Output {
    /// A file below a folder: `extension` is S3OutputPathExtension, empty if there is none.
    ///
    /// # Errors
    /// That it is not below the folder, as a sentence.
    pub(super) fn below(folder: &Path, extension: &str, name: &str) -> Result<Output, String> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "!_.*'()/-".contains(c);
        let below = Path::new(extension).components().all(|component| matches!(component, Component::Normal(_)));
        if extension.len() > 512 || !extension.chars().all(allowed) || !below {
            return Err(format!(
                "S3OutputPathExtension {extension:?} must be a path of at most 512 letters, digits and !_.*'()/- that \
                 stays below the output path."
            ));
        }
        Ok(Output(folder.join(extension).join(name)))
    }

    /// Where it is, as a client is told.
    pub(super) fn url(&self) -> String {
        format!("file://{}", self.0.display())
    }

    /// Writes it whole or not at all: whoever sees the file sees all of it.
    ///
    /// # Errors
    /// Why it could not be written.
    pub(super) async fn write(self, content: Bytes) -> std::io::Result<()> {
        let writing = tokio::task::spawn_blocking(move || {
            let folder = self.0.parent().unwrap_or(Path::new("/"));
            std::fs::create_dir_all(folder)?;
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(&content)?;
            file.persist(&self.0)?;
            Ok(())
        });
        writing.await.unwrap_or_else(|error| Err(std::io::Error::other(error)))
    }
}

/// Whether a Filename is one: the API's pattern, `^(?!.*\..*\.)[a-zA-Z0-9][a-zA-Z0-9-_\.]*$`, and its length.
pub(super) fn is_file_name(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().filter(|byte| *byte == b'.').count() <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_a_file_of_this_machine() {
        assert_eq!(Input::at("file:///a/b"), Ok(Input::File("/a/b".into())));
        assert_eq!(Input::at("/a/b"), Ok(Input::File("/a/b".into())));
        for bad in ["s3://bucket/key", "https://host/key", "file://host/key", "a/b", ""] {
            assert!(Input::at(bad).unwrap_err().contains("cannot be read by a local endpoint"), "{bad}");
        }
    }

    #[test]
    fn an_output_stays_below_its_folder() {
        let folder = Path::new("/out");
        assert_eq!(Output::below(folder, "", "a.out").unwrap().url(), "file:///out/a.out");
        assert_eq!(Output::below(folder, "x/y/", "a.out").unwrap().url(), "file:///out/x/y/a.out");
        for bad in ["..", "../x", "/etc", "x/../../y", "a b", &"x".repeat(513)] {
            assert!(Output::below(folder, bad, "a.out").is_err(), "{bad}");
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

    #[actix_web::test]
    async fn a_file_is_written_whole_and_in_place_of_an_earlier_one() {
        let folder = tempfile::tempdir().unwrap();
        for content in ["first", "second"] {
            let output = Output::below(folder.path(), "deeper", "a.out").unwrap();
            output.write(Bytes::from(content)).await.unwrap();
            assert_eq!(std::fs::read_to_string(folder.path().join("deeper/a.out")).unwrap(), content);
        }
        assert_eq!(std::fs::read_dir(folder.path().join("deeper")).unwrap().count(), 1, "nothing else is left there");
    }
}
