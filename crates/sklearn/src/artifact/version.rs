//! Which version of scikit-learn made an artifact.

use super::attributes::Attributes;
use crate::version::Version;
use byoc_formats::error::{Cause, Error, Result};
use byoc_formats::pickle::Value;

/// The error for an intact artifact that is not a model.
fn no_model(root: Value<'_>) -> Error {
    const MAX_KEYS: usize = 5;
    const MAX_KEY_LENGTH: usize = 40;
    let mut message =
        format!("the file holds {}, and no fitted scikit-learn transformer or linear model", root.describe());
    if let Some(entries) = root.entries() {
        let left_out = entries.len().saturating_sub(MAX_KEYS);
        let mut keys: Vec<String> = entries
            .take(MAX_KEYS)
            .map(|(key, value)| {
                let key = key.as_str().map_or_else(|| key.describe(), |key| shorten(key, MAX_KEY_LENGTH));
                format!("{key:?}: {}", value.class().map_or_else(|| value.describe(), |(_, class)| class.to_owned()))
            })
            .collect();
        if left_out > 0 {
            keys.push(format!("and {left_out} more"));
        }
        message.push_str(&format!(" ({}); dump the model alone, not a dict that has it", keys.join(", ")));
    } else if root.items().is_some() {
        message.push_str("; dump the model alone");
    }
    root.error(message).because(Cause::Unsupported)
}

fn shorten(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// The version of scikit-learn that made an artifact.
pub(crate) fn version_of(root: Value<'_>) -> Result<Version> {
    let Some(object) = Attributes::of(root) else {
        return Err(no_model(root));
    };
    let version = object.text("_sklearn_version")?;
    let version = Version::parse(version)
        .ok_or_else(|| object.error(format_args!("expected _sklearn_version to be a version, found {version:?}")))?;
    if version < Version::new(0, 20) {
        return Err(object.error(format_args!("it is of scikit-learn {version}; expected 0.20 or later")));
    }
    Ok(version)
}
