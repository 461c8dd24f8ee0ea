//! Lists the objects of a job: those below a prefix or in a folder, or those that a manifest names.

use std::collections::{HashMap, HashSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::create_transform_job::S3DataType;
use super::output::STATE_FOLDER;
use super::storage_error::read_failed;
use crate::error::{Cause, Error, Result};
use crate::platform::fetch::suggestion;
use crate::storage::{Location, Storage, StorageError, missing_path_message};

/// The largest manifest, in bytes.
const LARGEST_MANIFEST: u64 = 64 << 20;
/// How many objects of a manifest are looked up concurrently.
const LOOKED_AT: usize = 16;

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
        S3DataType::ManifestFile => list_manifest(storage, input).await?,
        _ => list_input(storage, input).await?,
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

async fn list_input(storage: &Storage, input: &Location) -> Result<Vec<Object>> {
    match input {
        Location::Local(path) => list_folder(path),
        Location::S3 { bucket, key: prefix } => {
            let listed = storage.bucket(bucket)?.list(prefix).await.map_err(|failure| read_failed(input, &failure))?;
            let mut objects = Vec::new();
            for entry in listed {
                // The S3 console makes an empty object for a folder. It is listed here without the slash at the end of
                // its key, and no object has that name.
                if entry.bytes == 0 && is_folder(&storage.bucket(bucket)?.head(&entry.key).await) {
                    continue;
                }
                objects.push(Object {
                    name: name_below(prefix, &entry.key),
                    location: Location::S3 { bucket: bucket.clone(), key: entry.key },
                    bytes: entry.bytes,
                    version: entry.version,
                });
            }
            Ok(objects)
        }
    }
}

fn is_folder<T>(looked: &Result<T, StorageError>) -> bool {
    matches!(looked, Err(StorageError::NotFound))
}

/// A key's name below a prefix: the part after the prefix if that is a folder, else the part after its last slash.
fn name_below(prefix: &str, key: &str) -> String {
    let folder = prefix.trim_end_matches('/');
    let within =
        if folder.is_empty() { Some(key) } else { key.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')) };
    let parent = folder.rsplit_once('/').map_or("", |(parent, _)| parent);
    let beside =
        if parent.is_empty() { Some(key) } else { key.strip_prefix(parent).and_then(|rest| rest.strip_prefix('/')) };
    within.or(beside).unwrap_or(key).trim_start_matches('/').to_owned()
}

fn list_folder(path: &Path) -> Result<Vec<Object>> {
    let metadata = std::fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Error::new(Cause::BadSetting, format!("the input: {}", missing_path_message(path)))
        }
        _ => Error::io("read the input", path, error).because(Cause::BadSetting),
    })?;
    if !metadata.is_dir() {
        if !metadata.is_file() {
            let message = format!("{}: expected a folder or a file, found neither", path.display());
            return Err(Error::new(Cause::BadSetting, message));
        }
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("object").to_owned();
        return Ok(vec![file_object(path, name, &metadata)]);
    }
    let mut objects = Vec::new();
    collect_files(path, "", &mut vec![identity(&metadata)], &mut objects)?;
    Ok(objects)
}

/// The identity of a folder, independent of its path: device and inode.
type Identity = (u64, u64);

fn identity(metadata: &std::fs::Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.dev(), metadata.ino())
}

/// Collects the files of a folder and its subfolders. Hidden files are included, since S3 has no hidden objects. Links
/// are followed, except dangling ones and those that lead back to one of `ancestors`.
fn collect_files(folder: &Path, above: &str, ancestors: &mut Vec<Identity>, objects: &mut Vec<Object>) -> Result<()> {
    let failed = |error: std::io::Error| Error::io("list", folder, error);
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            return Err(Error::new(Cause::BadSetting, format!("{}: its name is not Unicode", path.display())));
        };
        if is_state_folder(name) {
            continue;
        }
        let name = if above.is_empty() { name.to_owned() } else { format!("{above}/{name}") };
        let metadata = match std::fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound || path.is_symlink() => {
                log::warn!("{}: skipped, a dangling link: {error}", path.display());
                continue;
            }
            Err(error) => return Err(Error::io("look at", &path, error)),
        };
        if metadata.is_file() {
            objects.push(file_object(&path, name, &metadata));
        } else if !metadata.is_dir() {
            log::warn!("{}: skipped, neither a file nor a folder", path.display());
        } else if ancestors.contains(&identity(&metadata)) {
            log::warn!("{}: skipped, a link to a folder that contains it", path.display());
        } else {
            ancestors.push(identity(&metadata));
            collect_files(&path, &name, ancestors, objects)?;
            ancestors.pop();
        }
    }
    Ok(())
}

fn file_object(path: &Path, name: String, metadata: &std::fs::Metadata) -> Object {
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    Object {
        location: Location::Local(path.to_owned()),
        name,
        bytes: metadata.len(),
        version: modified.map_or_else(String::new, |time| time.as_nanos().to_string()),
    }
}

/// The objects of a manifest: a JSON list whose first element is `{"prefix": "s3://…"}` and whose others are keys
/// relative to that prefix (docs.aws.amazon.com/sagemaker/latest/APIReference/API_TransformS3DataSource.html).
async fn list_manifest(storage: &Storage, manifest: &Location) -> Result<Vec<Object>> {
    let text = storage.read(manifest, LARGEST_MANIFEST).await.map_err(|failure| read_failed(manifest, &failure))?;
    let folder = match manifest {
        Location::Local(path) => path.parent().map(PathBuf::from).unwrap_or_default(),
        Location::S3 { .. } => PathBuf::new(),
    };
    let entries = entries_of(&text, &folder)
        .map_err(|problem| Error::new(Cause::BadSetting, format!("{manifest}: {problem}")))?;
    let look_at = |(location, name): (Location, String)| async move {
        let failed = |failure: StorageError| read_failed(&location, &failure);
        match &location {
            Location::Local(path) => {
                let metadata = std::fs::metadata(path).map_err(|error| Error::io("read the input", path, error))?;
                if !metadata.is_file() {
                    return Err(Error::new(Cause::BadSetting, format!("{location}: expected a file")));
                }
                Ok(file_object(path, name, &metadata))
            }
            Location::S3 { bucket, key } => {
                let (entry, _) = storage.bucket(bucket)?.head(key).await.map_err(failed)?;
                Ok(Object { location: location.clone(), name, bytes: entry.bytes, version: entry.version })
            }
        }
    };
    stream::iter(entries).map(look_at).buffered(LOOKED_AT).try_collect().await
}

fn entries_of(text: &[u8], folder: &Path) -> Result<Vec<(Location, String)>, String> {
    const EXPECTED: &str = "expected a JSON list such as [{\"prefix\": \"s3://bucket/data/\"}, \"a.csv\", \"b.csv\"]";
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Entry {
        Prefix { prefix: String },
        Key(String),
    }
    let entries: Vec<Entry> = serde_json::from_slice(text).map_err(|error| format!("{EXPECTED}: {error}"))?;
    let mut entries = entries.into_iter();
    let Some(Entry::Prefix { prefix }) = entries.next() else { return Err(EXPECTED.to_owned()) };
    entries
        .map(|entry| match entry {
            Entry::Prefix { .. } => Err(format!("{EXPECTED}; it has a second prefix")),
            Entry::Key(key) if key.is_empty() || key.split('/').any(|part| part == "..") => {
                Err(format!("\"{key}\" is no name below the prefix"))
            }
            Entry::Key(key) => {
                let location = match Location::parse(&prefix, folder)? {
                    // Only the prefix of an https:// URL is percent-encoded, not the keys.
                    Location::S3 { bucket, key: prefix } if !prefix.is_empty() => {
                        Location::S3 { bucket, key: format!("{prefix}{key}") }
                    }
                    _ => Location::parse(&format!("{prefix}{key}"), folder)?,
                };
                Ok((location, key.trim_start_matches('/').to_owned()))
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn names_are_relative_to_the_prefix_or_to_its_folder() {
        for (prefix, key, name) in [
            ("in/", "in/a/b.csv", "a/b.csv"),
            ("in", "in/a/b.csv", "a/b.csv"),
            ("in/da", "in/data1.csv", "data1.csv"),
            ("in/a.csv", "in/a.csv", "a.csv"),
            ("in", "in2/a.csv", "in2/a.csv"),
            ("", "a/b.csv", "a/b.csv"),
            ("part", "part-1.csv", "part-1.csv"),
        ] {
            assert_eq!(name_below(prefix, key), name, "{prefix} {key}");
        }
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

    #[test]
    fn the_prefix_of_a_manifest_is_decoded_as_a_url_and_its_keys_are_not() {
        for (prefix, expected) in [
            ("s3://b/data/", "s3://b/data/a%20b+.csv"),
            ("https://b.s3.eu-west-1.amazonaws.com/my%20data/", "s3://b/my data/a%20b+.csv"),
            ("https://s3.amazonaws.com/b/pre-", "s3://b/pre-a%20b+.csv"),
        ] {
            let text = format!(r#"[{{"prefix": "{prefix}"}}, "a%20b+.csv"]"#);
            let entries = entries_of(text.as_bytes(), Path::new("/")).unwrap();
            assert_eq!(entries[0].0.to_string(), expected);
            assert_eq!(entries[0].1, "a%20b+.csv");
        }
    }

    #[test]
    fn a_manifest_names_objects_below_its_prefix() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["data/x/a.csv", "data/b.csv"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "1\n").unwrap();
        }
        let manifest = folder.path().join("manifest.json");
        let find = |text: &str| {
            std::fs::write(&manifest, text).unwrap();
            let output = Location::Local(folder.path().join("out"));
            let manifest = Location::Local(manifest.clone());
            block_on(super::find(&Storage::default(), S3DataType::ManifestFile, &manifest, &output))
        };
        let objects = find(r#"[{"prefix": "data/"}, "x/a.csv", "b.csv"]"#).unwrap();
        let found: Vec<_> = objects.iter().map(|one| (one.name.as_str(), one.location.clone())).collect();
        let at = |name: &str| Location::Local(folder.path().join(name));
        assert_eq!(found, [("b.csv", at("data/b.csv")), ("x/a.csv", at("data/x/a.csv"))]);
        for (text, expected) in [
            (r#"["a.csv"]"#, "expected a JSON list"),
            ("{}", "expected a JSON list"),
            (r#"[{"prefix": "data/"}, "../manifest.json"]"#, "no name below the prefix"),
            (r#"[{"prefix": "data/"}, {"prefix": "x"}]"#, "second prefix"),
            (r#"[{"prefix": "data/"}, "none.csv"]"#, "none.csv"),
            (r#"[{"prefix": "data/"}, "b.csv", "b.csv"]"#, "would both be written to b.csv.out"),
            (r#"[{"prefix": "data/"}]"#, "there are no objects"),
        ] {
            let error = find(text).unwrap_err();
            assert!(error.message().contains(expected), "{text}: {error}");
        }
    }
}
