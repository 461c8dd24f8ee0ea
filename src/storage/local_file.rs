//! Local files that clients name.
//!
//! A path may lead to a pipe without a writer, an endless device or a hanging file system. So only regular files are
//! read, and no more bytes than their size. Each read has its own thread, on which neither other requests nor the end
//! of the process wait.

use std::fs::{File, Metadata, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use byoc_account::Deadline;
use bytes::Bytes;
use tokio::sync::oneshot;

use super::StorageError;
use crate::error::{Cause, Error, Reason};
use crate::leased_bytes::{LeasedBuffer, MemoryShare};

/// The most threads that may read files at the same time. A thread hangs if its file system does.
const MAX_THREADS: usize = 64;
/// Bytes per read.
const CHUNK_SIZE: usize = 256 << 10;

static THREADS: AtomicUsize = AtomicUsize::new(0);

/// Folders below which clients may name files.
#[derive(Clone, Debug, Default)]
pub struct Folders {
    /// Absolute paths, with links.
    as_given: Vec<PathBuf>,
    /// Canonical paths, without links.
    real: Vec<PathBuf>,
}

impl Folders {
    /// Allows these folders. A folder that does not exist contains no files.
    pub fn below(folders: impl IntoIterator<Item = PathBuf>) -> Folders {
        let as_given: Vec<PathBuf> =
            folders.into_iter().map(|folder| std::path::absolute(&folder).unwrap_or(folder)).collect();
        let real = as_given.iter().filter_map(|folder| folder.canonicalize().ok()).collect();
        Folders { as_given, real }
    }

    /// Whether a path, which need not exist yet, is below one of the folders. This check only reports errors early:
    /// reading checks the opened file again.
    pub async fn may_contain(&self, path: &Path) -> bool {
        // A path with `..` must be resolved first: the operating system resolves links before `..`.
        let climbs = path.components().any(|component| component == Component::ParentDir);
        if !climbs && self.as_given.iter().chain(&self.real).any(|folder| path.starts_with(folder)) {
            return true;
        }
        let (path, real) = (path.to_owned(), self.real.clone());
        let found = in_own_thread(move |_| {
            let real_path = path.ancestors().find_map(|ancestor| {
                let rest = path.strip_prefix(ancestor).ok()?;
                let plain = rest.components().all(|component| matches!(component, Component::Normal(_)));
                Some(ancestor.canonicalize().ok().filter(|_| plain)?.join(rest))
            });
            Ok(real_path.is_some_and(|path| real.iter().any(|folder| path.starts_with(folder))))
        });
        matches!(tokio::time::timeout(RESOLVE_TIMEOUT, found).await, Ok(Ok(true)))
    }

    /// Whether the file that was opened at this path is below one of the folders, even if the path or a link in it has
    /// been replaced since.
    fn contain(&self, path: &Path, opened: &Metadata) -> bool {
        let Ok(real) = path.canonicalize() else { return false };
        let is_it = std::fs::symlink_metadata(&real)
            .is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == (opened.dev(), opened.ino()));
        is_it && self.real.iter().any(|folder| real.starts_with(folder))
    }
}

/// How long resolving a path may take.
const RESOLVE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(2);

/// Reads a file of at most `limit` bytes into memory leased from `memory`. If `folders` are given, the file must be
/// below one of them.
pub(super) async fn read(
    path: &Path,
    limit: u64,
    memory: &MemoryShare,
    folders: Option<&Folders>,
) -> Result<Bytes, StorageError> {
    let (path, memory, folders) = (path.to_owned(), memory.clone(), folders.cloned());
    in_own_thread(move |deadline| read_now(&path, limit, &memory, folders.as_ref(), deadline)).await
}

fn read_now(
    path: &Path,
    limit: u64,
    memory: &MemoryShare,
    folders: Option<&Folders>,
    deadline: &Deadline,
) -> Result<Bytes, StorageError> {
    let of_file = |error: std::io::Error| StorageError::from_io(path, error);
    let (file, metadata) = open(path)?;
    if folders.is_some_and(|folders| !folders.contain(path, &metadata)) {
        return Err(StorageError::AccessDenied(Reason::new("it is not below an allowed folder")));
    }
    let bytes = metadata.len();
    if bytes > limit {
        return Err(StorageError::TooLarge { bytes, limit });
    }
    let mut arriving = LeasedBuffer::new(memory, usize::try_from(bytes).unwrap_or(usize::MAX));
    let mut piece = vec![0; CHUNK_SIZE.min(usize::try_from(bytes).unwrap_or(CHUNK_SIZE).saturating_add(1))];
    let mut file = file.take(bytes.saturating_add(1));
    loop {
        if deadline.has_passed() {
            return Err(StorageError::Unavailable(Reason::new("the caller stopped waiting for it")));
        }
        let count = file.read(&mut piece).map_err(of_file)?;
        let Some(read) = piece.get(..count).filter(|read| !read.is_empty()) else { break };
        arriving.push(read).map_err(StorageError::InsufficientMemory)?;
    }
    if arriving.len() as u64 != bytes {
        return Err(StorageError::Unavailable(Reason::new(format!(
            "it had {bytes} bytes and changed while it was read"
        ))));
    }
    Ok(arriving.finish())
}

/// Opens a regular file. Never blocks on a pipe or a device.
fn open(path: &Path) -> Result<(File, Metadata), StorageError> {
    let of_file = |error: std::io::Error| StorageError::from_io(path, error);
    // Checked before opening, because opening a device may affect it, and after, because the path may have been
    // replaced.
    if !std::fs::metadata(path).map_err(of_file)?.is_file() {
        return Err(StorageError::NotARegularFile);
    }
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).map_err(of_file)?;
    let metadata = file.metadata().map_err(of_file)?;
    if metadata.is_file() { Ok((file, metadata)) } else { Err(StorageError::NotARegularFile) }
}

/// Runs work that may hang in its own thread. The deadline passes when the caller stops waiting.
async fn in_own_thread<T: Send + 'static>(
    work: impl FnOnce(&Deadline) -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    let slot = Slot::take()?;
    let (deadline, _waiting) = Deadline::never().cancelable();
    let (sender, result) = oneshot::channel();
    let spawned = std::thread::Builder::new().name("byoc-file".to_owned()).spawn(move || {
        let result = work(&deadline);
        drop(slot);
        let _ = sender.send(result);
    });
    spawned.map_err(|error| {
        StorageError::Internal(Reason::new(Error::new(Cause::Io, "no thread could be started").caused_by(error)))
    })?;
    result.await.unwrap_or_else(|_| Err(StorageError::Internal(Reason::new("the thread that reads it has panicked"))))
}

/// One of the threads that may read files.
struct Slot;

impl Slot {
    fn take() -> Result<Slot, StorageError> {
        let slot = Slot;
        // If there are too many, dropping `slot` decrements the count again.
        if THREADS.fetch_add(1, Ordering::AcqRel) < MAX_THREADS {
            return Ok(slot);
        }
        Err(StorageError::Unavailable(Reason::new(format!("{MAX_THREADS} other files are being read already"))))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        THREADS.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::*;

    async fn read_all(path: &Path, folders: Option<&Folders>) -> Result<Bytes, StorageError> {
        let memory = MemoryShare::unbounded();
        let reading = read(path, 1 << 20, &memory, folders);
        tokio::time::timeout(Duration::from_secs(20), reading).await.expect("reading never blocks")
    }

    #[actix_web::test]
    async fn only_regular_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        for other in [pipe.as_path(), folder.path(), Path::new("/dev/zero"), Path::new("/dev/null"), &link] {
            assert_eq!(read_all(other, None).await, Err(StorageError::NotARegularFile), "{}", other.display());
        }
        // Its size is 0, but reading it yields bytes.
        let endless = read_all(Path::new("/proc/self/maps"), None).await;
        assert!(matches!(endless, Err(StorageError::Unavailable(_) | StorageError::NotFound)), "{endless:?}");
        assert_eq!(read_all(&folder.path().join("none"), None).await, Err(StorageError::NotFound));
    }

    #[actix_web::test]
    async fn files_outside_the_folders_are_not_read_even_through_links() {
        let allowed = tempfile::tempdir().unwrap();
        let other = tempfile::tempdir().unwrap();
        let (inside, outside) = (allowed.path().join("a"), other.path().join("b"));
        std::fs::write(&inside, "in").unwrap();
        std::fs::write(&outside, "out").unwrap();
        let link_out = allowed.path().join("link");
        std::os::unix::fs::symlink(&outside, &link_out).unwrap();
        let link_in = other.path().join("link");
        std::os::unix::fs::symlink(allowed.path(), &link_in).unwrap();
        let climbs = allowed.path().join("..").join(other.path().file_name().unwrap()).join("b");
        let folders = Folders::below([allowed.path().to_owned(), PathBuf::from("/none/such")]);
        for path in [inside.clone(), link_in.join("a")] {
            assert!(folders.may_contain(&path).await, "{}", path.display());
            assert_eq!(read_all(&path, Some(&folders)).await.unwrap(), "in");
        }
        assert!(folders.may_contain(&allowed.path().join("not/yet")).await);
        for path in [&outside, &climbs, Path::new("/etc/passwd"), Path::new("/none/such/../../etc/passwd")] {
            assert!(!folders.may_contain(path).await, "{}", path.display());
        }
        for path in [&outside, &climbs, &link_out] {
            let read = read_all(path, Some(&folders)).await;
            assert!(matches!(read, Err(StorageError::AccessDenied(_))), "{}: {read:?}", path.display());
        }
    }

    #[actix_web::test]
    async fn the_bytes_of_a_file_are_leased() {
        use byoc_account::Account;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        std::fs::write(&file, vec![1; 300_000]).unwrap();
        let account = Account::new(1 << 20);
        let bytes = read(&file, 300_000, &MemoryShare::of(&account, 1 << 19), None).await.unwrap();
        assert_eq!((bytes.len(), account.used()), (300_000, 300_000));
        let second = read(&file, 300_000, &MemoryShare::of(&account, 200_000), None).await;
        assert_eq!(
            second,
            Err(StorageError::InsufficientMemory(crate::leased_bytes::InsufficientMemory::NeverFits(200_000)))
        );
        drop(bytes);
        assert_eq!(account.used(), 0);
    }
}
