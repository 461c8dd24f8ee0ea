//! The failure file: why a job failed, for the job's description.

use super::tree::Tree;
use crate::error::Error;
use byoc_formats::error::chain;

/// The platform shows no more of it (docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-signal-success-failure.html).
const MOST_CHARACTERS: usize = 1024;

/// Takes away what a run before this one left: a job that succeeds has no failure file.
pub(super) fn clear(tree: &Tree) {
    let path = tree.failure();
    if let Err(error) = std::fs::remove_file(&path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        log::warn!("could not remove {}, which an earlier run wrote: {error}", path.display());
    }
}

/// Writes the reason. That it cannot be written is no second failure: the exit code and the log tell it too.
pub(super) fn write(tree: &Tree, error: &Error) {
    let path = tree.failure();
    let reason: String = chain(error).to_string().chars().take(MOST_CHARACTERS).collect();
    let written = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&path, reason));
    if let Err(error) = written {
        log::warn!("could not write {}: {error}", path.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_cut_at_a_character_and_never_longer_than_is_shown() {
        let base = tempfile::tempdir().unwrap();
        let tree = Tree::new(base.path());
        write(&tree, &Error::bad_payload("ü".repeat(3000)));
        let written = std::fs::read_to_string(base.path().join("output/failure")).unwrap();
        assert_eq!(written, "ü".repeat(1024));
        clear(&tree);
        assert!(!base.path().join("output/failure").exists());
        clear(&tree);
    }
}
