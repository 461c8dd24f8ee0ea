//! TargetModel: which artifact under a multi-model container's prefix a request is for.

use std::path::{Component, Path};

/// A TargetModel that stays below the prefix: one or more folder and file names joined by `/`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TargetModel(String);

impl TargetModel {
    /// Checks a TargetModel as a client sent it.
    ///
    /// The pattern is the API's (`\A\S[\p{Print}]*\z`, at most 1,024 characters: API_runtime_InvokeEndpoint.html). On S3 a
    /// TargetModel is the rest of a key and cannot lead out of the prefix; here it is the rest of a path, so that
    /// absolute paths and `..` are refused.
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
        let below = Path::new(text).components().all(|component| matches!(component, Component::Normal(_)));
        if !below || text.ends_with('/') || text.contains("//") || text.contains("/./") {
            return Err(format!(
                "{} must be a path below ModelDataUrl, such as NewYork_NY/NewYork_NY.tar.gz: not absolute, without .. in it.",
                quoted()
            ));
        }
        Ok(TargetModel(text.to_owned()))
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
        let long = "x".repeat(1025);
        for bad in [
            "",
            " a",
            "/etc/passwd",
            "..",
            "../a",
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
