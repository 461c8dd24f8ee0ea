//! Places by name: a path, a `file://` URL or an `s3://` URL.

use std::fmt;
use std::path::{Path, PathBuf};

/// Where an object is, or a folder or prefix of objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// On this machine.
    Local(PathBuf),
    /// In S3.
    S3 {
        /// The bucket.
        bucket: String,
        /// The key, or the prefix of keys.
        key: String,
    },
}

impl Location {
    /// What a name says. A relative path is relative to `folder`.
    ///
    /// # Errors
    /// Why it is no such name, as a message that quotes it.
    pub fn parse(as_written: &str, folder: &Path) -> Result<Location, String> {
        if as_written.is_empty() || as_written.contains('\0') {
            return Err("expected a path, a file:// URL or an s3:// URL".to_owned());
        }
        match as_written.split_once("://") {
            None => Ok(Location::Local(folder.join(as_written))),
            Some(("file", path)) => Ok(Location::Local(folder.join(path))),
            Some(("s3", rest)) => match rest.split_once('/').unwrap_or((rest, "")) {
                ("", _) => Err(format!("\"{as_written}\": expected s3://BUCKET/KEY")),
                (bucket, key) => Ok(Location::S3 { bucket: bucket.to_owned(), key: key.to_owned() }),
            },
            Some((scheme, _)) => Err(format!(
                "\"{as_written}\": {scheme}:// is not known here; give a path, a file:// URL or an s3:// URL"
            )),
        }
    }

    /// What is called `name` below this place, with exactly one slash between the two.
    pub fn below(&self, name: &str) -> Location {
        match self {
            Location::Local(folder) => Location::Local(folder.join(name)),
            Location::S3 { bucket, key } => {
                let prefix = key.trim_end_matches('/');
                let key = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
                Location::S3 { bucket: bucket.clone(), key }
            }
        }
    }
}

impl fmt::Display for Location {
    /// As a URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Local(path) => write!(f, "file://{}", path.display()),
            Location::S3 { bucket, key } => write!(f, "s3://{bucket}/{key}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_path_or_a_url_of_a_file_or_of_s3() {
        let s3 = |bucket: &str, key: &str| Location::S3 { bucket: bucket.into(), key: key.into() };
        for (name, expected, url) in [
            ("a/b", Location::Local("/folder/a/b".into()), "file:///folder/a/b"),
            ("/a", Location::Local("/a".into()), "file:///a"),
            ("file:///a/b", Location::Local("/a/b".into()), "file:///a/b"),
            ("s3://bucket/k/e/y", s3("bucket", "k/e/y"), "s3://bucket/k/e/y"),
            ("s3://bucket", s3("bucket", ""), "s3://bucket/"),
        ] {
            let location = Location::parse(name, Path::new("/folder")).unwrap();
            assert_eq!(location, expected);
            assert_eq!(location.to_string(), url);
        }
        for (name, message) in [
            ("", "expected a path"),
            ("a\0b", "expected a path"),
            ("s3:///key", "expected s3://BUCKET/KEY"),
            ("gs://bucket/key", "\"gs://bucket/key\": gs:// is not known here"),
        ] {
            let error = Location::parse(name, Path::new("/folder")).unwrap_err();
            assert!(error.contains(message), "{name:?}: {error}");
        }
    }

    #[test]
    fn what_lies_below_a_place_is_one_slash_away() {
        for (place, expected) in [
            ("s3://bucket", "s3://bucket/a/b"),
            ("s3://bucket/", "s3://bucket/a/b"),
            ("s3://bucket/prefix", "s3://bucket/prefix/a/b"),
            ("s3://bucket/prefix/", "s3://bucket/prefix/a/b"),
            ("/folder/", "file:///folder/a/b"),
        ] {
            assert_eq!(Location::parse(place, Path::new("/")).unwrap().below("a/b").to_string(), expected);
        }
    }
}
