//! Guesses whether an artifact that cannot be read is still being written.
//!
//! Only time distinguishes a writer that pauses from one that has finished: an artifact that was modified within the
//! last [`QUIET_PERIOD`] may still become complete, and the model that it replaces keeps answering.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::storage::{absolute, last_modified};
use byoc_formats::file_kind;

/// How long an artifact must be unmodified until it counts as complete.
pub(super) const QUIET_PERIOD: Duration = Duration::from_secs(10);

/// Whether a file, or any file below a folder, was modified within the last [`QUIET_PERIOD`].
pub(super) fn was_modified_recently(path: &Path) -> bool {
    last_modified(path).is_ok_and(|time| {
        let now = SystemTime::now();
        // The clock of a file server may be slightly ahead.
        now.duration_since(time).unwrap_or_else(|ahead| ahead.duration()) < QUIET_PERIOD
    })
}

/// Whether an incomplete archive may still be being written: it was modified recently and starts like an archive.
pub(super) fn may_become_archive(file: &Path) -> bool {
    was_modified_recently(file) && starts_like_archive(file)
}

/// Whether a model file or folder that cannot be loaded may still be being written: it was modified recently, and it is
/// not unpacked from an archive, which would have failed.
pub(super) fn may_become_model(path: &Path) -> bool {
    (path.is_dir() || file_kind::is_lone(path, path)) && was_modified_recently(path)
}

/// The log message for an incomplete artifact that is to replace a loaded model.
pub(super) fn incomplete_artifact(path: &Path, why: &str) -> String {
    format!(
        "{} is still being written, or broken: {why}; requests are answered by the model that it replaces, until it is \
         whole, or nobody has written to it for {} s",
        absolute(path).display(),
        QUIET_PERIOD.as_secs()
    )
}

/// Whether the file starts with the bytes of gzip or of a tar header, or is empty.
fn starts_like_archive(file: &Path) -> bool {
    /// The offset of `ustar` in a tar header.
    const MAGIC: std::ops::Range<usize> = 257..262;
    let mut first = Vec::new();
    let read = File::open(file).and_then(|file| file.take(512).read_to_end(&mut first));
    let is_gzip = first.iter().zip([0x1f, 0x8b]).all(|(found, expected)| *found == expected);
    read.is_ok() && (is_gzip || first.get(MAGIC) == Some(b"ustar"))
}

#[cfg(test)]
mod tests {
    use std::fs::FileTimes;

    use super::*;

    fn age(path: &Path, by: Duration) {
        let times = FileTimes::new().set_modified(SystemTime::now() - by);
        File::open(path).unwrap().set_times(times).unwrap();
    }

    #[test]
    fn only_a_recently_modified_file_that_starts_like_an_archive_may_become_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("model.tar.gz");
        let tar = [&[b'a'; 257][..], b"ustar\0"].concat();
        for (bytes, expected) in [
            (&b""[..], true),
            (b"\x1f", true),
            (b"\x1f\x8b\x08 cut off", true),
            (&tar, true),
            (b"no archive", false),
            (b"<html>", false),
        ] {
            std::fs::write(&file, bytes).unwrap();
            assert_eq!(may_become_archive(&file), expected, "{bytes:?}");
            age(&file, QUIET_PERIOD);
            assert!(!may_become_archive(&file), "{bytes:?}");
        }
        assert!(!may_become_archive(&folder.path().join("none")));
    }

    #[test]
    fn a_folder_counts_as_being_written_while_one_of_its_files_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("model_algo-1");
        std::fs::write(&file, "half").unwrap();
        age(folder.path(), QUIET_PERIOD);
        assert!(may_become_model(folder.path()));
        age(&file, QUIET_PERIOD);
        assert!(!may_become_model(folder.path()));
        age(folder.path(), Duration::ZERO);
        assert!(may_become_model(folder.path()), "one of its files was added or removed");
    }
}
