//! Files of this machine that others name.
//!
//! Nothing is known of them: a name may lead to a pipe that nobody writes to, to a device without an end, or to a file system
//! that does not answer. So only regular files are read, no more of them than they said that they have, and on a thread of
//! their own, for which neither the queue nor the end of this process waits.

use std::fs::{File, Metadata, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use byoc_account::Deadline;
use bytes::Bytes;
use tokio::sync::oneshot;

use super::StorageError;
use crate::leased_bytes::{LeasedBuffer, MemoryShare};

/// The most threads that may wait for files at once. They hang where a file system does.
const MOST_THREADS: usize = 64;
/// How much is read at once.
const PIECE: usize = 256 << 10;

static THREADS: AtomicUsize = AtomicUsize::new(0);

/// Folders below which files may lie.
#[derive(Clone, Debug, Default)]
pub struct Folders {
    /// As they were given, and where links lead.
    as_given: Vec<PathBuf>,
    real: Vec<PathBuf>,
}

impl Folders {
    /// These folders. One that is not there holds nothing.
    pub fn below(folders: impl IntoIterator<Item = PathBuf>) -> Folders {
        let as_given: Vec<PathBuf> =
            folders.into_iter().map(|folder| std::path::absolute(&folder).unwrap_or(folder)).collect();
        let real = as_given.iter().filter_map(|folder| folder.canonicalize().ok()).collect();
        Folders { as_given, real }
    }

    /// Whether a file of this name, which need not be there yet, may lie below one of the folders. What counts in the end is
    /// where the opened file lies.
    pub async fn may_hold(&self, path: &Path) -> bool {
        // What is there of the path, with its links followed, and the rest. Only then do two dots mean what they seem to.
        let climbs = path.components().any(|component| component == Component::ParentDir);
        if !climbs && self.as_given.iter().chain(&self.real).any(|folder| path.starts_with(folder)) {
            return true;
        }
        let (path, real) = (path.to_owned(), self.real.clone());
        let found = on_a_thread_of_its_own(move |_| {
            let real_path = path.ancestors().find_map(|ancestor| {
                let rest = path.strip_prefix(ancestor).ok()?;
                let plain = rest.components().all(|component| matches!(component, Component::Normal(_)));
                Some(ancestor.canonicalize().ok().filter(|_| plain)?.join(rest))
            });
            Ok(real_path.is_some_and(|path| real.iter().any(|folder| path.starts_with(folder))))
        });
        matches!(tokio::time::timeout(LOOK_LIMIT, found).await, Ok(Ok(true)))
    }

    /// Whether this open file, which was opened by that name, lies below one of the folders: whatever links were on the way
    /// then, and whatever has been put in their place since.
    fn hold(&self, path: &Path, opened: &Metadata) -> bool {
        let Ok(real) = path.canonicalize() else { return false };
        let is_it = std::fs::symlink_metadata(&real)
            .is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == (opened.dev(), opened.ino()));
        is_it && self.real.iter().any(|folder| real.starts_with(folder))
    }
}

/// How long it may take to find out where a name leads.
const LOOK_LIMIT: std::time::Duration = std::time::Duration::from_secs(2);

/// Reads a file of at most `limit` bytes, which are leased from `memory`; one that lies below these folders, if there are any.
pub(super) async fn read(
    path: &Path,
    limit: u64,
    memory: &MemoryShare,
    folders: Option<&Folders>,
) -> Result<Bytes, StorageError> {
    let (path, memory, folders) = (path.to_owned(), memory.clone(), folders.cloned());
    on_a_thread_of_its_own(move |deadline| read_now(&path, limit, &memory, folders.as_ref(), deadline)).await
}

fn read_now(
    path: &Path,
    limit: u64,
    memory: &MemoryShare,
    folders: Option<&Folders>,
    deadline: &Deadline,
) -> Result<Bytes, StorageError> {
    let of_file = |error: std::io::Error| StorageError::from_io(path, &error);
    let (file, metadata) = open(path)?;
    if folders.is_some_and(|folders| !folders.hold(path, &metadata)) {
        return Err(StorageError::AccessDenied("it does not lie below a folder that is allowed".to_owned()));
    }
    let bytes = metadata.len();
    if bytes > limit {
        return Err(StorageError::TooLarge { bytes, limit });
    }
    let mut arriving = LeasedBuffer::new(memory, usize::try_from(bytes).unwrap_or(usize::MAX));
    let mut piece = vec![0; PIECE.min(usize::try_from(bytes).unwrap_or(PIECE).saturating_add(1))];
    let mut file = file.take(bytes.saturating_add(1));
    loop {
        if deadline.has_passed() {
            return Err(StorageError::Unavailable("nobody waits for it any more".to_owned()));
        }
        let count = file.read(&mut piece).map_err(of_file)?;
        let Some(read) = piece.get(..count).filter(|read| !read.is_empty()) else { break };
        arriving.push(read).map_err(StorageError::InsufficientMemory)?;
    }
    if arriving.len() as u64 != bytes {
        return Err(StorageError::Unavailable(format!("it had {bytes} bytes, and has changed while it was read")));
    }
    Ok(arriving.finish())
}

/// Opens what is a regular file, and does not wait for what is not.
fn open(path: &Path) -> Result<(File, Metadata), StorageError> {
    let of_file = |error: std::io::Error| StorageError::from_io(path, &error);
    // Looked at before, since opening a device may do something to it, and after, since it may be another one by then.
    if !std::fs::metadata(path).map_err(of_file)?.is_file() {
        return Err(StorageError::NotARegularFile);
    }
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).map_err(of_file)?;
    let metadata = file.metadata().map_err(of_file)?;
    if metadata.is_file() { Ok((file, metadata)) } else { Err(StorageError::NotARegularFile) }
}

/// Does what may hang where nobody has to wait for it. Work whose result nobody wants any more is told so by its deadline.
async fn on_a_thread_of_its_own<T: Send + 'static>(
    work: impl FnOnce(&Deadline) -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    let slot = Slot::take()?;
    let (deadline, _waiting) = Deadline::never().or_given_up();
    let (sender, result) = oneshot::channel();
    let spawned = std::thread::Builder::new().name("byoc-file".to_owned()).spawn(move || {
        let result = work(&deadline);
        drop(slot);
        let _ = sender.send(result);
    });
    spawned.map_err(|error| StorageError::Internal(format!("no thread could be started: {error}")))?;
    result.await.unwrap_or_else(|_| Err(StorageError::Internal("reading was broken off".to_owned())))
}

/// One of the threads that may wait for files.
struct Slot;

impl Slot {
    fn take() -> Result<Slot, StorageError> {
        let slot = Slot;
        // Given back by the drop of `slot` if there are too many.
        if THREADS.fetch_add(1, Ordering::AcqRel) < MOST_THREADS {
            return Ok(slot);
        }
        Err(StorageError::Unavailable(format!("{MOST_THREADS} other files are waited for already")))
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
        tokio::time::timeout(Duration::from_secs(20), reading).await.expect("nothing is waited for")
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
        // It says that it has no bytes, and has some.
        let endless = read_all(Path::new("/proc/self/maps"), None).await;
        assert!(matches!(endless, Err(StorageError::Unavailable(_) | StorageError::NotFound)), "{endless:?}");
        assert_eq!(read_all(&folder.path().join("none"), None).await, Err(StorageError::NotFound));
    }

    #[actix_web::test]
    async fn files_lie_below_the_folders_wherever_links_lead() {
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
            assert!(folders.may_hold(&path).await, "{}", path.display());
            assert_eq!(read_all(&path, Some(&folders)).await.unwrap(), "in");
        }
        assert!(folders.may_hold(&allowed.path().join("not/yet")).await);
        for path in [&outside, &climbs, Path::new("/etc/passwd"), Path::new("/none/such/../../etc/passwd")] {
            assert!(!folders.may_hold(path).await, "{}", path.display());
        }
        for path in [&outside, &climbs, &link_out] {
            let read = read_all(path, Some(&folders)).await;
            assert!(matches!(read, Err(StorageError::AccessDenied(_))), "{}: {read:?}", path.display());
        }
    }

    #[actix_web::test]
    async fn what_is_read_is_leased() {
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
