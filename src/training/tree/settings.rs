//! The three JSON files that configure a job: hyperparameters, channels and hosts.

use crate::error::{Cause, Error, Result};
use crate::training::channel::Channel;
use crate::training::tree::Tree;
use byoc_formats::error;
use byoc_formats::json_document;
use byoc_linear_learner::train::Given;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// The members of `resourceconfig.json` that matter to a single host.
#[derive(Debug, Deserialize)]
struct Resources {
    current_host: String,
    #[serde(default)]
    hosts: Vec<String>,
}

/// The name of the host if no file has it, as on a laptop.
pub(in crate::training) const ONLY_HOST: &str = "algo-1";

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("read", path, error)),
    };
    json_document::parse(&bytes, "JSON of the training contract", error::Cause::BadSetting)
        .map(Some)
        .map_err(|error| Error::from(error).context(path.display()))
}

/// Reads the hyperparameters; none if there is no file.
pub(in crate::training) fn hyperparameters_or_none(tree: &Tree) -> Result<Given> {
    if tree.hyperparameters().exists() { hyperparameters(tree) } else { Ok(Given::new()) }
}

/// Reads the hyperparameters. Every value is a string; the Python SDK writes JSON into some of them (`"\"adam\""`).
pub(in crate::training) fn hyperparameters(tree: &Tree) -> Result<Given> {
    let path = tree.hyperparameters();
    let Some(given) = read::<BTreeMap<String, Value>>(&path)? else {
        return Err(Error::new(
            Cause::BadSetting,
            format!(
                "{} is missing: expected an object of hyperparameters, predictor_type among them; for files wherever \
                 they lie: byoc train --train FILE --hp predictor_type=regressor",
                path.display()
            ),
        ));
    };
    given
        .into_iter()
        .filter_map(|(name, value)| match text(value) {
            Some(Ok(text)) => Some(Ok((name, text))),
            Some(Err(found)) => Some(Err(Error::new(
                Cause::BadSetting,
                format!("{name} in {}: expected text, found {found}", path.display()),
            ))),
            None => None,
        })
        .collect()
}

/// The text of a value: `None` for null; for a value that cannot be a hyperparameter, an error with what it is.
fn text(value: Value) -> Option<Result<String, String>> {
    match value {
        Value::String(text) if text.starts_with('"') => match serde_json::from_str::<String>(&text) {
            Ok(inner) => Some(Ok(inner)),
            Err(_) => Some(Ok(text)),
        },
        Value::String(text) if text == "null" => None,
        Value::String(text) => Some(Ok(text)),
        Value::Number(number) => Some(Ok(number.to_string())),
        Value::Bool(truth) => Some(Ok(truth.to_string())),
        Value::Null => None,
        other => Some(Err(other.to_string())),
    }
}

/// Reads the name of this host. Refuses a job of several hosts.
pub(in crate::training) fn host(tree: &Tree) -> Result<String> {
    let Some(resources) = read::<Resources>(&tree.resource_config())? else { return Ok(ONLY_HOST.to_owned()) };
    match resources.hosts.as_slice() {
        [] | [_] => Ok(resources.current_host),
        hosts => Err(Error::new(
            Cause::BadSetting,
            format!(
                "training on several hosts is not supported: resourceconfig.json names {} ({}), expected one; set \
                 InstanceCount to 1",
                hosts.len(),
                hosts.join(", ")
            ),
        )),
    }
}

/// Reads the channels of any job. Without the file, each folder of data is a channel in File mode.
pub(in crate::training) fn all_channels(tree: &Tree) -> Result<BTreeMap<String, Channel>> {
    if let Some(channels) = read::<BTreeMap<String, Channel>>(&tree.input_data_config())? {
        return Ok(channels);
    }
    let Ok(folders) = std::fs::read_dir(tree.data()) else { return Ok(BTreeMap::new()) };
    let folders = folders.filter_map(|folder| folder.ok()).filter(|folder| folder.path().is_dir());
    let names = folders.filter_map(|folder| folder.file_name().into_string().ok());
    Ok(names.filter(|name| !name.starts_with('.')).map(|name| (name, Channel::default())).collect())
}

/// Reads the channels of a linear learner. Without the file, each folder of data is a channel in File mode.
pub(in crate::training) fn channels(tree: &Tree) -> Result<BTreeMap<String, Channel>> {
    let path = tree.input_data_config();
    let wanted = ["train", "validation", "test"];
    let Some(channels) = read::<BTreeMap<String, Channel>>(&path)? else {
        let found = wanted.into_iter().filter(|name| tree.channel(name).is_dir());
        return Ok(found.map(|name| (name.to_owned(), Channel::default())).collect());
    };
    if !channels.contains_key("train") {
        let names: Vec<_> = channels.keys().map(String::as_str).collect();
        let found = if names.is_empty() { "no channel".to_owned() } else { names.join(", ") };
        return Err(Error::new(
            Cause::BadSetting,
            format!("{}: expected a channel train, found {found}", path.display()),
        ));
    }
    if let Some(other) = channels.keys().find(|name| !wanted.contains(&name.as_str())) {
        return Err(Error::new(
            Cause::BadSetting,
            format!("{}: expected the channels train, validation and test, found {other}", path.display()),
        ));
    }
    Ok(channels)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Tree) {
        let base = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = base.path().join("input/config").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let tree = Tree::new(base.path());
        (base, tree)
    }

    #[test]
    fn values_written_by_the_sdk_and_by_people_are_read_alike() {
        let text = r#"{"a": "adam", "b": "\"adam\"", "c": "0.1", "d": 0.1, "e": true, "f": null, "g": "null"}"#;
        let (_base, tree) = tree(&[("hyperparameters.json", text)]);
        let found: Vec<_> = hyperparameters(&tree).unwrap().into_iter().collect();
        let expected = [("a", "adam"), ("b", "adam"), ("c", "0.1"), ("d", "0.1"), ("e", "true")];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        for (text, expected) in [("{", "expected JSON of the training contract"), (r#"{"a": [1]}"#, "a in ")] {
            let (_base, tree) = tree(&[("hyperparameters.json", text)]);
            let error = hyperparameters(&tree).unwrap_err();
            assert_eq!(error.cause(), Cause::BadSetting);
            assert!(error.message().contains(expected) && error.message().contains("hyperparameters.json"), "{error}");
        }
        let (_base, empty) = tree(&[]);
        assert!(hyperparameters(&empty).unwrap_err().message().contains("is missing"));
    }

    #[test]
    fn a_mistake_in_a_file_is_reported_with_its_place_or_its_path() {
        let (_base, cut) = tree(&[("hyperparameters.json", "{\"a\": 1,\n")]);
        let error = hyperparameters(&cut).unwrap_err();
        assert!(error.message().contains("hyperparameters.json: line 2, column 0: this is not JSON"), "{error}");
        assert!(error.message().contains("found the end of the text"), "{error}");
        let (_base, typo) = tree(&[("inputdataconfig.json", r#"{"train": {"TrainingInputMode": "Fil"}}"#)]);
        let error = channels(&typo).unwrap_err();
        let expected = "train.TrainingInputMode: did you mean File? expected ";
        assert!(error.message().contains(expected) && error.message().ends_with("found \"Fil\""), "{error}");
    }

    #[test]
    fn several_hosts_are_refused_and_one_is_named() {
        let (_base, one) = tree(&[("resourceconfig.json", r#"{"current_host": "algo-7", "hosts": ["algo-7"]}"#)]);
        assert_eq!(host(&one).unwrap(), "algo-7");
        let (_base, none) = tree(&[]);
        assert_eq!(host(&none).unwrap(), "algo-1");
        let two = r#"{"current_host": "algo-1", "hosts": ["algo-1", "algo-2"], "network_interface_name": "eth0"}"#;
        let (_base, two) = tree(&[("resourceconfig.json", two)]);
        let error = host(&two).unwrap_err();
        assert!(error.message().contains("names 2 (algo-1, algo-2), expected one"), "{error}");
    }

    #[test]
    fn a_channel_that_is_not_one_of_three_is_refused() {
        for (text, expected) in [
            (r#"{"training": {}}"#, "expected a channel train, found training"),
            ("{}", "expected a channel train, found no channel"),
            (r#"{"train": {}, "extra": {}}"#, "expected the channels train, validation and test, found extra"),
        ] {
            let (_base, tree) = tree(&[("inputdataconfig.json", text)]);
            assert!(channels(&tree).unwrap_err().message().contains(expected));
        }
        let (base, tree) = tree(&[]);
        std::fs::create_dir_all(base.path().join("input/data/train")).unwrap();
        assert_eq!(channels(&tree).unwrap().into_keys().collect::<Vec<_>>(), ["train"]);
    }
}
