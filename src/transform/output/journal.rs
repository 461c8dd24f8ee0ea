//! The journal of outputs in a folder: a JSON line for each output, appended when the output is finished.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A line. Without a fingerprint, the earlier entry of the file is revoked.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    file: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    made: Option<MadeFrom>,
}

/// The fingerprint and the size of an output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MadeFrom {
    pub(super) fingerprint: String,
    pub(super) bytes: u64,
}

#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    known: HashMap<String, MadeFrom>,
}

impl Journal {
    /// Reads a journal, or begins one. A line that was cut off when the process was killed is ignored.
    pub(super) fn open(path: &Path) -> Result<Journal> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Error::io("read", path, error)),
        };
        let mut known = HashMap::new();
        for line in text.lines() {
            match serde_json::from_str(line) {
                Ok(Line { file, made: Some(made) }) => _ = known.insert(file, made),
                Ok(Line { file, made: None }) => _ = known.remove(&file),
                Err(_) => {}
            }
        }
        let file = File::options().create(true).append(true).open(path);
        let mut file = file.map_err(|error| Error::io("write", path, error))?;
        if !text.is_empty() && !text.ends_with('\n') {
            file.write_all(b"\n").map_err(|error| Error::io("write", path, error))?;
        }
        Ok(Journal { path: path.to_owned(), file, known })
    }

    pub(super) fn get(&self, file: &str) -> Option<&MadeFrom> {
        self.known.get(file)
    }

    /// Records what an output was made from; `None` revokes the entry.
    pub(super) fn note(&mut self, file: &str, made: Option<MadeFrom>) -> Result<()> {
        if made.is_none() && !self.known.contains_key(file) {
            return Ok(());
        }
        let mut line = serde_json::to_vec(&Line { file: file.to_owned(), made: made.clone() }).unwrap_or_default();
        line.push(b'\n');
        self.file.write_all(&line).map_err(|error| Error::io("write", &self.path, error))?;
        match made {
            Some(made) => _ = self.known.insert(file.to_owned(), made),
            None => _ = self.known.remove(file),
        }
        Ok(())
    }
}
