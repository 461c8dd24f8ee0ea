//! Checks that only the files of its folder and the list of transformers name a transformer.

use super::{CLASSES, FOLDERS};
use std::path::{Path, PathBuf};

/// Classes that contain another class in scikit-learn, by their folder.
const MADE_OF: &[(&str, &str)] = &[
    ("column_transformer/", "FunctionTransformer"),
    ("feature_union/", "FunctionTransformer"),
    ("k_bins_discretizer/", "OneHotEncoder"),
    ("power_transformer/", "StandardScaler"),
];

/// Messages that give an example of a document.
const EXAMPLES: &[(&str, &str)] = &[("document/mod.rs", "StandardScaler"), ("registry.rs", "StandardScaler")];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("transformers/mod.rs")
        {
            found.push(path);
        }
    }
}

fn is_named(text: &str, name: &str) -> bool {
    let is_part = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    text.match_indices(name)
        .any(|(at, _)| !is_part(text[..at].chars().next_back()) && !is_part(text[at + name.len()..].chars().next()))
}

#[test]
fn a_transformer_is_named_only_in_its_folder() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for package in ["src", "../formats/src"] {
        sources(&own.join(package), &mut files);
    }
    let mut elsewhere = Vec::new();
    for path in files {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        if shown.ends_with("_test.rs") || shown.ends_with("testing.rs") {
            continue;
        }
        for (folder, name) in FOLDERS
            .iter()
            .zip(CLASSES)
            .flat_map(|(folder, class)| class.names().iter().map(move |name| (*folder, *name)))
        {
            let is_allowed = shown.contains(&format!("/transformers/{folder}/"))
                || MADE_OF.iter().any(|(folder, part)| *part == name && shown.contains(folder))
                || EXAMPLES.iter().any(|(file, example)| *example == name && shown.ends_with(file));
            if !is_allowed && is_named(code, name) {
                elsewhere.push(format!("{shown} names {name}"));
            }
        }
    }
    assert!(elsewhere.is_empty(), "move it to the folder of the transformer:\n{}", elsewhere.join("\n"));
}
