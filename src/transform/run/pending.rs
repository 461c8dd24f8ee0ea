//! The objects of a job whose outputs are missing or outdated.

use std::sync::atomic::AtomicBool;

use futures_util::stream::{self, StreamExt as _};

use crate::error::Result;
use crate::transform::fingerprint::JobFingerprint;
use crate::transform::objects::Object;
use crate::transform::output::{Draft, Output};

/// An object that needs an output.
#[derive(Debug)]
pub(super) struct PendingObject {
    pub(super) object: Object,
    pub(super) fingerprint: String,
    /// Once a part of it has failed, its other parts are skipped.
    pub(super) has_failed: AtomicBool,
    /// Whether a mismatch of records and result lines was already logged.
    pub(super) is_count_reported: AtomicBool,
}

impl PendingObject {
    /// Begins the object's output.
    pub(super) fn begin(&self, output: &Output) -> Result<Draft> {
        output.begin(&self.object.name, &self.fingerprint)
    }
}

/// The objects whose outputs are missing or outdated.
pub(super) async fn pending_objects(
    objects: Vec<Object>,
    output: &Output,
    job: &JobFingerprint,
) -> Result<Vec<PendingObject>> {
    let looked = stream::iter(objects).map(|object| async move {
        let fingerprint = job.of_object(&object);
        let is_done = output.is_done(&object.name, &fingerprint).await?;
        Ok((!is_done).then_some(PendingObject {
            object,
            fingerprint,
            has_failed: AtomicBool::new(false),
            is_count_reported: AtomicBool::new(false),
        }))
    });
    let looked: Vec<Result<Option<PendingObject>>> = looked.buffered(16).collect().await;
    looked.into_iter().filter_map(Result::transpose).collect()
}
