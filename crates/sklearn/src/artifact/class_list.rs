//! A list of the classes and functions of scikit-learn that a pickle may name.

use byoc_formats::pickle::{AllowList, Listed, Usage};
use std::collections::HashMap;

/// Names that may each be in any of several modules, because scikit-learn has moved classes between modules.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClassNames {
    pub(crate) modules: &'static [&'static str],
    pub(crate) names: &'static [&'static str],
    pub(crate) usage: Usage,
}

/// The list, by full names.
pub(crate) struct ClassList {
    by_name: HashMap<(&'static str, &'static str), Listed>,
    reason: fn(&str, &str) -> String,
}

impl ClassList {
    /// A list of names; `reason` says why one that is not on it is refused.
    pub(crate) fn new(all: impl Iterator<Item = ClassNames>, reason: fn(&str, &str) -> String) -> ClassList {
        let mut by_name = HashMap::new();
        for ClassNames { modules, names, usage } in all {
            for (module, name) in modules.iter().flat_map(|module| names.iter().map(move |name| (*module, *name))) {
                by_name.insert((module, name), Listed { module, name, usage });
            }
        }
        ClassList { by_name, reason }
    }
}

impl AllowList for ClassList {
    fn find(&self, module: &str, name: &str) -> Option<Listed> {
        self.by_name.get(&(module, name)).copied()
    }

    fn reason(&self, module: &str, name: &str) -> String {
        (self.reason)(module, name)
    }
}
