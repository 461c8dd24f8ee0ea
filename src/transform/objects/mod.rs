//! Lists the objects of a job: those below a prefix or in a folder, or those that a manifest names.

mod folder;
mod manifest;
mod prefix;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::create_transform_job::S3DataType;
use super::output::STATE_FOLDER;
use crate::error::{Cause, Error, Result};
use crate::platform::fetch::suggestion;
use crate::storage::{Location, Storage};

/// One object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Object {
    /// Its location.
    pub(super) location: Location,
    /// Its path below the job's input, with slashes. The output's name is this with `.out` appended.
    pub(super) name: String,
    /// Its size in bytes.
    pub(super) bytes: u64,
    /// Changes when its content does.
    pub(super) version: String,
}

/// Finds all objects of a job, sorted by name. If `output` is within the input, the job's outputs are left out.
///
/// # Errors
/// [`Cause::BadSetting`] if there are no objects, or two would be written to the same output; [`Cause::Io`] and
/// [`Cause::Unreachable`] if they cannot be listed.
pub(super) async fn find(
    storage: &Storage,
    data_type: S3DataType,
    input: &Location,
    output: &Location,
) -> Result<Vec<Object>> {
    let mut objects = match data_type {
        S3DataType::ManifestFile => manifest::list(storage, input).await?,
        _ => match input {
            Location::Local(path) => folder::list(path)?,
            Location::S3 { bucket, key } => prefix::list(storage, bucket, key).await?,
        },
    };
    objects.sort_by(|a, b| a.name.cmp(&b.name));
    let mut resolved = Resolved::default();
    let place = resolved.place(output);
    let written = |object: &Object| place.below(&format!("{}.out", object.name)).to_string();
    let written: HashSet<String> = objects.iter().map(written).collect();
    objects.retain(|object| {
        !written.contains(&resolved.place(&object.location).to_string()) && !is_state_folder(&object.name)
    });
    if objects.is_empty() {
        let suggestion = match input {
            Location::S3 { bucket, .. } if data_type != S3DataType::ManifestFile => {
                suggestion(&*storage.bucket(bucket)?, input).await
            }
            _ => None,
        };
        let suggestion = suggestion.unwrap_or_default();
        return Err(Error::new(Cause::BadSetting, format!("{input}: there are no objects{suggestion}")));
    }
    for pair in objects.windows(2) {
        if let [a, b] = pair
            && a.name == b.name
        {
            let message = format!("{} and {} would both be written to {}.out", a.location, b.location, a.name);
            return Err(Error::new(Cause::BadSetting, message));
        }
    }
    if let (Location::Local(_), Some((file, folder))) = (output, file_and_folder(&objects)) {
        let message = format!(
            "{} would be written to {}.out, and {} to a folder of that name: rename one of them, or write to S3",
            file.location, file.name, folder.location
        );
        return Err(Error::new(Cause::BadSetting, message));
    }
    Ok(objects)
}

/// Local paths without links and `..`, cached by folder, so that equal locations compare equal.
#[derive(Default)]
struct Resolved(HashMap<PathBuf, PathBuf>);

impl Resolved {
    fn place(&mut self, location: &Location) -> Location {
        match location {
            Location::Local(path) => Location::Local(self.path(path)),
            Location::S3 { .. } => location.clone(),
        }
    }

    /// Resolves the folder of a path. A path that does not exist yet (an output) stays as written.
    fn path(&mut self, path: &Path) -> PathBuf {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        };
        if let Some(known) = self.0.get(folder) {
            return known.join(name);
        }
        let resolved = std::fs::canonicalize(folder).unwrap_or_else(|_| self.path(folder));
        self.0.insert(folder.to_owned(), resolved.clone());
        resolved.join(name)
    }
}

/// Whether the file is in the folder in which a job keeps its own state; such files are not data.
fn is_state_folder(name: &str) -> bool {
    name.split('/').any(|part| part == STATE_FOLDER)
}

/// Two objects of which one's output would be a file where the other's output needs a folder.
fn file_and_folder(objects: &[Object]) -> Option<(&Object, &Object)> {
    let files: HashMap<String, &Object> =
        objects.iter().map(|object| (format!("{}.out", object.name), object)).collect();
    objects.iter().find_map(|object| {
        let above = object.name.match_indices('/').filter_map(|(at, _)| object.name.get(..at));
        let file = above.filter_map(|folder| files.get(folder)).next()?;
        Some((*file, object))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn state_files_and_link_cycles_are_skipped_and_hidden_files_are_data() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join("in").join(name);
        std::fs::create_dir_all(at("deep/.byoc-transform")).unwrap();
        for name in [".hidden.csv", "deep/a.csv", "deep/.byoc-transform/journal.jsonl"] {
            std::fs::write(at(name), "1\n").unwrap();
        }
        for (to, link) in [(".", "loop"), ("..", "deep/up"), ("none", "dangling"), ("self", "self"), ("deep", "again")]
        {
            std::os::unix::fs::symlink(to, at(link)).unwrap();
        }
        std::os::unix::fs::symlink("deep/a.csv", at("link.csv")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(at("fifo")).status().unwrap().success());
        let output = Location::Local(folder.path().join("out"));
        let find = |input: PathBuf| {
            block_on(super::find(&Storage::default(), S3DataType::S3Prefix, &Location::Local(input), &output))
        };
        let names: Vec<_> = find(at("")).unwrap().into_iter().map(|object| object.name).collect();
        assert_eq!(names, [".hidden.csv", "again/a.csv", "deep/a.csv", "link.csv"]);
        let error = find(at("fifo")).unwrap_err();
        assert_eq!((error.cause(), error.message().contains("a folder or a file")), (Cause::BadSetting, true));
    }

    #[test]
    fn outputs_that_need_a_file_and_a_folder_of_one_name_are_refused_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join("in").join(name);
        std::fs::create_dir_all(at("x.out/deep")).unwrap();
        for name in ["x", "x.out/deep/y", "z"] {
            std::fs::write(at(name), "1\n").unwrap();
        }
        let find = |output: Location| {
            block_on(super::find(&Storage::default(), S3DataType::S3Prefix, &Location::Local(at("")), &output))
        };
        let message = find(Location::Local(folder.path().join("out"))).unwrap_err().message().to_owned();
        assert!(message.contains("in/x would be written to x.out, and file://"), "{message}");
        assert!(message.contains("in/x.out/deep/y to a folder of that name"), "{message}");
        assert_eq!(find(Location::S3 { bucket: "b".into(), key: "out".into() }).unwrap().len(), 3);
    }

    #[test]
    fn a_folder_is_read_recursively_without_the_jobs_own_files() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.csv", "a/2.csv", ".hidden", ".byoc-transform/x"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "1\n").unwrap();
        }
        let storage = Storage::default();
        let input = Location::Local(folder.path().to_owned());
        let output = Location::Local(folder.path().join("out"));
        let find = |input: &Location| block_on(super::find(&storage, S3DataType::S3Prefix, input, &output));
        let objects = find(&input).unwrap();
        let names: Vec<_> = objects.iter().map(|object| object.name.as_str()).collect();
        assert_eq!(names, [".hidden", "a/2.csv", "b.csv"]);
        assert_eq!(objects[1].bytes, 2);
        let file = Location::Local(folder.path().join("b.csv"));
        assert_eq!(find(&file).unwrap()[0].name, "b.csv");
        let none = Location::Local(folder.path().join("none"));
        assert_eq!(find(&none).unwrap_err().cause(), Cause::BadSetting);
        // Outputs of an earlier run are not inputs of the next,
        std::fs::create_dir_all(folder.path().join("out/a")).unwrap();
        std::fs::write(folder.path().join("out/a/2.csv.out"), "1\n").unwrap();
        std::fs::write(folder.path().join("out/other.csv"), "1\n").unwrap();
        let names: Vec<_> = find(&input).unwrap().into_iter().map(|object| object.name).collect();
        assert_eq!(names, [".hidden", "a/2.csv", "b.csv", "out/other.csv"]);
        // not even by another path to the same folder.
        let roundabout = Location::Local(folder.path().join("a/../out/../out"));
        let found = block_on(super::find(&storage, S3DataType::S3Prefix, &input, &roundabout)).unwrap();
        assert_eq!(found.len(), 4, "{found:?}");
    }
}
