//! Messages for paths that do not exist, with the absolute path and similar existing names.

use std::path::{Path, PathBuf};

use crate::error::{Cause, Error, Result};
use byoc_formats::suggest;

/// The most names of a folder that are read for suggestions.
const MAX_NAMES_READ: usize = 4096;

/// Makes a path absolute for a message, whose reader may not know the current folder.
pub fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The message for a path that does not exist. Lists the contents of its nearest existing parent, the most similar name
/// first.
pub fn missing_path_message(path: &Path) -> String {
    let path = absolute(path);
    let nothing = format!("there is nothing at {}", path.display());
    if let Some((link, target)) = path.ancestors().find_map(broken_link) {
        let link = if link == path { "it".to_owned() } else { link.display().to_string() };
        return format!("{nothing}: {link} is a link to {}, which does not exist", target.display());
    }
    let mut below = path.as_path();
    for folder in path.ancestors().skip(1) {
        if folder.is_file() {
            return format!("{nothing}: {} is a file", folder.display());
        }
        let Ok(names) = names_in(folder) else {
            below = folder;
            continue;
        };
        let wanted = below.file_name().unwrap_or_default().to_string_lossy();
        let known = names.iter().map(String::as_str);
        let meant = suggest::nearest(&wanted, known.clone()).map(|name| folder.join(name));
        let meant = meant.map(|near| nearest_below(&near, path.strip_prefix(below).unwrap_or(Path::new(""))));
        let meant = meant.map(|meant| format!(": did you mean {}?", meant.display()));
        let (meant, joint) = meant.map_or((String::new(), ";"), |meant| (meant, ""));
        return format!("{nothing}{meant}{joint} {} has {}", folder.display(), suggest::listed(&wanted, known));
    }
    nothing
}

/// Follows `rest` below the folder `near`, choosing at each step the exact or the most similar name. Returns `near` if
/// a step has no similar name.
fn nearest_below(near: &Path, rest: &Path) -> PathBuf {
    let mut place = near.to_owned();
    for wanted in rest.components() {
        let as_written = place.join(wanted);
        if as_written.exists() {
            place = as_written;
            continue;
        }
        let names = names_in(&place).unwrap_or_default();
        match suggest::nearest(&wanted.as_os_str().to_string_lossy(), names.iter().map(String::as_str)) {
            Some(name) => place = place.join(name),
            None => return near.to_owned(),
        }
    }
    place
}

/// A broken link and its target.
fn broken_link(path: &Path) -> Option<(&Path, PathBuf)> {
    let is_link = std::fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    if !is_link || path.exists() {
        return None;
    }
    let target = std::fs::read_link(path).ok()?;
    // A relative target is relative to the link's folder.
    Some((path, path.parent().unwrap_or(Path::new("/")).join(target)))
}

/// Reads a text file that a user names.
///
/// # Errors
/// [`Cause::BadSetting`], with the absolute path.
pub fn read_text(file: &Path) -> Result<String> {
    let bytes = std::fs::read(file).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::new(Cause::BadSetting, missing_path_message(file)),
        _ => Error::io("read", &absolute(file), error).because(Cause::BadSetting),
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let found = match error.as_bytes() {
            [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => "UTF-16; save the file as UTF-8".to_owned(),
            _ => format!("another byte at byte {}", error.utf8_error().valid_up_to()),
        };
        let message = format!("{}: expected text in UTF-8, found {found}", absolute(file).display());
        Error::new(Cause::BadSetting, message)
    })
}

/// The names in a folder, sorted, without hidden files.
fn names_in(folder: &Path) -> std::io::Result<Vec<String>> {
    let entries = std::fs::read_dir(folder)?.take(MAX_NAMES_READ);
    let names = entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()));
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use byoc_formats::error::chain;

    #[test]
    fn a_file_that_cannot_be_read_is_named_and_the_systems_error_is_the_source() {
        let folder = tempfile::tempdir().unwrap();
        let error = read_text(folder.path()).unwrap_err();
        let expected = format!("could not read {}: Is a directory (os error 21)", folder.path().display());
        assert_eq!((error.cause(), chain(&error).to_string()), (Cause::BadSetting, expected));
        assert!(std::error::Error::source(&error).is_some_and(|source| source.is::<std::io::Error>()));
        let file = folder.path().join("b");
        for (bytes, found) in
            [(&b"\xFF\xFE{\0}\0"[..], "UTF-16; save the file as UTF-8"), (b"{\xE9}", "another byte at byte 1")]
        {
            std::fs::write(&file, bytes).unwrap();
            let expected = format!("{}: expected text in UTF-8, found {found}", file.display());
            assert_eq!(chain(&read_text(&file).unwrap_err()).to_string(), expected);
        }
        let missing = read_text(&folder.path().join("a")).unwrap_err();
        assert!(missing.message().starts_with("there is nothing at "), "{missing}");
    }

    #[test]
    fn a_missing_path_is_reported_with_the_closest_existing_names() {
        let base = tempfile::tempdir().unwrap();
        let at = |name: &str| base.path().join(name);
        for name in ["models/a", "models/preprocessor", "models/.hidden", "file"] {
            std::fs::create_dir_all(at(name).parent().unwrap()).unwrap();
            std::fs::write(at(name), "").unwrap();
        }
        let (root, models) = (base.path().display().to_string(), at("models").display().to_string());
        for (path, expected) in [
            ("models/preprocesor", format!(": did you mean {models}/preprocessor? {models} has preprocessor, a")),
            ("models/zzz", format!("; {models} has a, preprocessor")),
            ("model/a", format!(": did you mean {models}/a? {root} has models, file")),
            ("model/preprocesor", format!(": did you mean {models}/preprocessor? {root} has models, file")),
            ("model/zzz", format!(": did you mean {models}? {root} has models, file")),
            ("model/a/b", format!(": did you mean {models}? {root} has models, file")),
            ("file/a", format!(": {root}/file is a file")),
        ] {
            let said = missing_path_message(&at(path));
            assert_eq!(said, format!("there is nothing at {}{expected}", at(path).display()));
        }
        std::os::unix::fs::symlink("gone/model", at("link")).unwrap();
        for (path, link) in [("link", "it".to_owned()), ("link/a", at("link").display().to_string())] {
            let said = missing_path_message(&at(path));
            let expected =
                format!("{}: {link} is a link to {root}/gone/model, which does not exist", at(path).display());
            assert_eq!(said, format!("there is nothing at {expected}"));
        }
        assert!(missing_path_message(Path::new("no-such-thing-at-all")).starts_with("there is nothing at /"));
    }
}
