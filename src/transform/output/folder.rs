//! Outputs in a local folder.
//!
//! Unfinished outputs are in its subfolder `.byoc-transform`, which is on the same disk, so that an output appears
//! under its name atomically. A job locks the folder: two jobs cannot write to it at the same time.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tempfile::NamedTempFile;

use super::journal::{Journal, MadeFrom};
use crate::error::{Cause, Error, Result};

/// The folder of a job's own state.
pub(in crate::transform) const STATE_FOLDER: &str = ".byoc-transform";
const JOURNAL: &str = "journal.jsonl";
const LOCK: &str = "lock";
const DRAFT_PREFIX: &str = "draft-";

#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    state_folder: PathBuf,
    journal: Mutex<Journal>,
    /// The lock ends when the file is closed, also if the process is killed.
    _lock: File,
}

pub(super) struct FolderDraft {
    folder: Arc<Folder>,
    file_name: String,
    fingerprint: String,
    /// Deleted when it is dropped.
    file: Option<NamedTempFile>,
    bytes: u64,
}

impl Folder {
    pub(super) fn open(path: &Path) -> Result<Folder> {
        let state_folder = path.join(STATE_FOLDER);
        std::fs::create_dir_all(&state_folder).map_err(|error| Error::io("create the folder", &state_folder, error))?;
        let lock = File::create(state_folder.join(LOCK)).map_err(|error| Error::io("write", &state_folder, error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = format!("{}: another byoc transform is writing there", path.display());
                return Err(Error::new(Cause::BadSetting, message));
            }
            Err(TryLockError::Error(error)) => return Err(Error::io("lock", &state_folder, error)),
        }
        for entry in
            std::fs::read_dir(&state_folder).map_err(|error| Error::io("list", &state_folder, error))?.flatten()
        {
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(DRAFT_PREFIX)) {
                std::fs::remove_file(entry.path()).map_err(|error| Error::io("remove", &entry.path(), error))?;
            }
        }
        let journal = Mutex::new(Journal::open(&state_folder.join(JOURNAL))?);
        Ok(Folder { path: path.to_owned(), state_folder, journal, _lock: lock })
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        // An entry is written in one step, so that a panic cannot leave the journal inconsistent.
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_done(&self, file_name: &str, fingerprint: &str) -> bool {
        let existing = std::fs::metadata(self.path.join(file_name));
        let is_what_was_made = |made: &MadeFrom| {
            made.fingerprint == fingerprint && existing.is_ok_and(|file| file.is_file() && file.len() == made.bytes)
        };
        self.journal().get(file_name).is_some_and(is_what_was_made)
    }

    pub(super) fn begin(self: &Arc<Folder>, file_name: String, fingerprint: &str) -> Result<FolderDraft> {
        let made = tempfile::Builder::new()
            .prefix(DRAFT_PREFIX)
            .permissions(readable_by_all())
            .tempfile_in(&self.state_folder);
        let file = made.map_err(|error| Error::io("create a file in", &self.state_folder, error))?;
        let fingerprint = fingerprint.to_owned();
        Ok(FolderDraft { folder: Arc::clone(self), file_name, fingerprint, file: Some(file), bytes: 0 })
    }

    pub(super) fn remove(&self, file_name: &str) -> Result<()> {
        self.journal().note(file_name, None)?;
        let path = self.path.join(file_name);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound || is_taken(&error) || path.is_dir() => Ok(()),
            removed => removed.map_err(|error| Error::io("remove", &path, error)),
        }
    }
}

/// Whether a file is in the place of a needed folder, or a folder in the place of a file.
fn is_taken(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotADirectory | ErrorKind::IsADirectory)
}

/// The permissions of an ordinary file, before the umask is applied.
fn readable_by_all() -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::Permissions::from_mode(0o666)
}

impl FolderDraft {
    pub(super) async fn write(&mut self, content: Bytes) -> Result<()> {
        let Some(mut file) = self.file.take() else { return Ok(()) };
        self.bytes += content.len() as u64;
        let writing = tokio::task::spawn_blocking(move || {
            let written = file.write_all(&content);
            (file, written)
        });
        let (file, written) =
            writing.await.map_err(|error| Error::new(Cause::Internal, "writing did not finish").caused_by(error))?;
        let path = file.path().to_owned();
        self.file = Some(file);
        written.map_err(|error| Error::io("write", &path, error))
    }

    pub(super) async fn finish(&mut self) -> Result<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let path = self.folder.path.join(&self.file_name);
        let failed = |error: std::io::Error| {
            let cause = if is_taken(&error) { Cause::ObjectsFailed } else { Cause::Io };
            Error::io("write", &path, error).because(cause)
        };
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        // Before the file is replaced: if the process were killed in between, the new file would be taken for the old
        // one.
        self.folder.journal().note(&self.file_name, None)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
        let made = MadeFrom { fingerprint: self.fingerprint.clone(), bytes: self.bytes };
        self.folder.journal().note(&self.file_name, Some(made))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn write(folder: &Arc<Folder>, name: &str, fingerprint: &str, content: &str) {
        let mut draft = folder.begin(name.to_owned(), fingerprint).unwrap();
        block_on(async {
            for byte in content.bytes() {
                draft.write(Bytes::from(vec![byte])).await.unwrap();
            }
            draft.finish().await.unwrap();
        });
    }

    #[test]
    fn an_output_is_done_while_it_exists_and_its_fingerprint_matches() {
        let place = tempfile::tempdir().unwrap();
        let folder = Arc::new(Folder::open(place.path()).unwrap());
        assert!(!folder.is_done("a/x.out", "1"));
        write(&folder, "a/x.out", "1", "answer");
        assert_eq!(std::fs::read_to_string(place.path().join("a/x.out")).unwrap(), "answer");
        assert!(folder.is_done("a/x.out", "1"));
        assert!(!folder.is_done("a/x.out", "2"), "made of something else");
        drop(folder);
        let folder = Arc::new(Folder::open(place.path()).unwrap());
        assert!(folder.is_done("a/x.out", "1"), "also for the next job");
        write(&folder, "a/x.out", "2", "other!");
        assert!(!folder.is_done("a/x.out", "1"));
        std::fs::write(place.path().join("a/x.out"), "cut").unwrap();
        assert!(!folder.is_done("a/x.out", "2"), "it was changed since");
        folder.remove("a/x.out").unwrap();
        assert!(!place.path().join("a/x.out").exists() && !folder.is_done("a/x.out", "2"));
    }

    #[test]
    fn an_unfinished_output_has_no_name_and_is_removed_by_the_next_job() {
        let place = tempfile::tempdir().unwrap();
        let folder = Arc::new(Folder::open(place.path()).unwrap());
        let mut draft = folder.begin("x.out".to_owned(), "1").unwrap();
        block_on(draft.write(Bytes::from("half"))).unwrap();
        let state_folder = place.path().join(STATE_FOLDER);
        let drafts = || {
            std::fs::read_dir(&state_folder)
                .unwrap()
                .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(DRAFT_PREFIX))
                .count()
        };
        assert_eq!(drafts(), 1);
        assert!(!place.path().join("x.out").exists());
        // As a kill leaves it.
        std::mem::forget(draft);
        let journal = state_folder.join(JOURNAL);
        std::fs::write(&journal, "{\"file\":\"y.out\",\"made\":{\"finger").unwrap();
        drop(folder);
        // The leaked draft keeps the folder and its lock, unlike a killed process.
        let locked = Folder::open(place.path()).unwrap_err();
        assert!(locked.message().contains("another byoc transform"), "{locked}");
        std::fs::remove_file(state_folder.join(LOCK)).unwrap();
        let folder = Folder::open(place.path()).unwrap();
        assert_eq!(drafts(), 0);
        assert!(!folder.is_done("y.out", ""));
    }
}
