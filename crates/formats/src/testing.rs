//! What tests share.

use crate::pickle::{AllowList, Listed, Usage};
use byoc_account::Allowance;

/// An allowance without bounds, valid until the end of the process.
pub(crate) fn unbounded() -> &'static Allowance {
    Box::leak(Box::new(Allowance::unbounded()))
}

/// Classes of models for tests of the readers: all of some packages of scikit-learn, whatever they are.
pub(crate) const SCIKIT_LEARN: &dyn AllowList = &ScikitLearn;

struct ScikitLearn;

impl AllowList for ScikitLearn {
    fn find(&self, module: &str, name: &str) -> Option<Listed> {
        const PACKAGES: &[&str] = &[
            "compose",
            "feature_selection",
            "impute",
            "linear_model",
            "metrics",
            "model_selection",
            "pipeline",
            "preprocessing",
            "svm",
            "utils",
        ];
        let is_loss = module == "_loss" || ["sgd_fast", "_loss"].iter().any(|end| module.ends_with(end));
        if is_loss {
            let (module, name) = (String::from(module).leak(), String::from(name).leak());
            return Some(Listed { module, name, usage: Usage::Call });
        }
        let package = module.strip_prefix("sklearn.")?.split('.').next()?;
        let is_name = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        if !PACKAGES.contains(&package)
            || ["._bayes", "._bunch"].iter().any(|end| module.ends_with(end))
            || !is_name
            || name.is_empty()
        {
            return None;
        }
        let is_class = name.contains(|letter: char| letter.is_ascii_uppercase()) || package == "compose";
        let usage = if is_class { Usage::Object } else { Usage::Name };
        let (module, name) = (String::from(module).leak(), String::from(name).leak());
        Some(Listed { module, name, usage })
    }

    fn reason(&self, _module: &str, _name: &str) -> String {
        "which is not supported".to_owned()
    }
}
