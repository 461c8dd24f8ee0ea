//! The failure file: why a job failed. SageMaker shows it in the description of the job.

use crate::error::Error;
use crate::training::tree::Tree;
use byoc_formats::error::chain;

/// SageMaker truncates the reason to this length
/// (docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-signal-success-failure.html).
const MAX_CHARACTERS: usize = 1024;

/// Removes the failure file of an earlier run: a job that succeeds has none.
pub(in crate::training) fn remove(tree: &Tree) {
    let path = tree.failure();
    if let Err(error) = std::fs::remove_file(&path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        log::warn!("could not remove {}, which an earlier run wrote: {error}", path.display());
    }
}

/// Writes the reason. If it cannot be written, the job fails for its own reason: the exit code and the log have it too.
pub(in crate::training) fn write(tree: &Tree, error: &Error) {
    let path = tree.failure();
    let reason: String = chain(error).to_string().chars().take(MAX_CHARACTERS).collect();
    let written = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&path, reason));
    if let Err(error) = written {
        log::warn!("could not write {}: {error}", path.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_truncated_between_characters() {
        let base = tempfile::tempdir().unwrap();
        let tree = Tree::new(base.path());
        write(&tree, &Error::bad_payload("ü".repeat(3000)));
        let written = std::fs::read_to_string(base.path().join("output/failure")).unwrap();
        assert_eq!(written, "ü".repeat(1024));
        remove(&tree);
        assert!(!base.path().join("output/failure").exists());
        remove(&tree);
    }
}
