//! What is said of a path where nothing lies: all of it, and what is there instead.

use std::path::{Path, PathBuf};

use crate::near;

/// How many names of a folder are looked at.
const MOST_LOOKED_AT: usize = 4096;

/// A path from the root, whatever folder it was written for: a message is read somewhere else than where it was made.
pub fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Says that nothing lies at a path, and what lies in the first folder above it that is there, the nearest name first.
pub fn nothing_at(path: &Path) -> String {
    let path = absolute(path);
    let nothing = format!("there is nothing at {}", path.display());
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
        let meant = near::nearest(&wanted, known.clone());
        let meant = meant.map(|name| format!(": did you mean {}?", folder.join(name).display()));
        let (meant, joint) = meant.map_or((String::new(), ";"), |meant| (meant, ""));
        return format!("{nothing}{meant}{joint} {} has {}", folder.display(), near::listed(&wanted, known));
    }
    nothing
}

/// Reads a text that a person wrote.
///
/// # Errors
/// Why it cannot be read, with its whole path.
pub fn read_text(file: &Path) -> Result<String, String> {
    std::fs::read_to_string(file).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => nothing_at(file),
        _ => format!("could not read {}: {error}", absolute(file).display()),
    })
}

/// The names in a folder, sorted; hidden ones are nobody's business.
fn names_in(folder: &Path) -> std::io::Result<Vec<String>> {
    let entries = std::fs::read_dir(folder)?.take(MOST_LOOKED_AT);
    let names = entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()));
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_path_is_said_and_what_is_there_instead_the_nearest_first() {
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
            ("model/a", format!(": did you mean {models}? {root} has models, file")),
            ("file/a", format!(": {root}/file is a file")),
        ] {
            let said = nothing_at(&at(path));
            assert_eq!(said, format!("there is nothing at {}{expected}", at(path).display()));
        }
        assert!(nothing_at(Path::new("no-such-thing-at-all")).starts_with("there is nothing at /"));
    }
}
