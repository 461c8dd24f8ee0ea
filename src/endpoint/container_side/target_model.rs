//! TargetModel: which artifact under a multi-model container's prefix a request is for.

use std::path::{Component, Path};

/// A TargetModel that stays below the prefix: one or more folder and file names joined by `/`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TargetModel(String);

impl TargetModel {
    /// Checks a TargetModel as a client sent it.
    ///
    /// The pattern is the API's (`\A\S[\p{Print}]*\z`, at most 1,024 characters: API_runtime_InvokeEndpoint.html). The
    /// service joins ModelDataUrl and TargetModel as paths are joined, so that `/a.tar.gz` is the same model as
    /// `a.tar.gz`, and AWS's own notebooks send it so. A TargetModel must not leave the prefix: `..` is refused. It is
    /// not a URL; `%2F` in it is three characters of a name.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence.
    pub fn parse(text: &str) -> Result<TargetModel, String> {
        let quoted = || format!("TargetModel {text:?}");
        if text.is_empty() || text.chars().count() > 1024 {
            return Err(format!("{} must have 1 to 1,024 characters.", quoted()));
        }
        if text.starts_with(char::is_whitespace) || text.contains(char::is_control) {
            return Err(format!("{} must be printable and must not start with white space.", quoted()));
        }
        // Normalized, so that a model has the same name in the cache, in the log and in requests to the container.
        let name = text.trim_start_matches('/');
        let below = Path::new(name).components().all(|component| matches!(component, Component::Normal(_)));
        if name.is_empty() || !below || name.ends_with('/') || name.contains("//") || name.contains("/./") {
            return Err(format!(
                "{} must be a path below ModelDataUrl, such as NewYork_NY/NewYork_NY.tar.gz: without .. and without an \
                 empty name in it.",
                quoted()
            ));
        }
        Ok(TargetModel(name.to_owned()))
    }

    /// The path below the prefix.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_model_is_a_path_below_the_prefix() {
        for good in ["a.tar.gz", "NewYork_NY/NewYork_NY.tar.gz", "a b/c", "..a/b..", "ü/x"] {
            assert_eq!(TargetModel::parse(good).unwrap().as_str(), good);
        }
        for (spelled, name) in [
            ("/a.tar.gz", "a.tar.gz"),
            ("/NewYork_NY/NewYork_NY.tar.gz", "NewYork_NY/NewYork_NY.tar.gz"),
            ("//a", "a"),
            ("/etc/passwd", "etc/passwd"),
            ("%2Fa", "%2Fa"),
            ("/..%2F..%2Fa", "..%2F..%2Fa"),
        ] {
            assert_eq!(TargetModel::parse(spelled).unwrap().as_str(), name, "{spelled}");
        }
        let long = "x".repeat(1025);
        for bad in [
            "",
            " a",
            "/",
            "//",
            "..",
            "../a",
            "/..",
            "/../a",
            "//../a",
            "/a/../b",
            "/./a",
            "/a//b",
            "/a/",
            "a/../../b",
            "a/..",
            "./a",
            "a/./b",
            "a//b",
            "a/",
            "a\0b",
            "a\nb",
            &long,
        ] {
            let problem = TargetModel::parse(bad).expect_err(bad);
            assert!(problem.starts_with("TargetModel \""), "{problem}");
        }
    }
}
