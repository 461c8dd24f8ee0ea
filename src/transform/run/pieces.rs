//! Splits the objects of a job into payloads, on a separate thread.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::mpsc::{Receiver, channel};

use super::pending::PendingObject;
use super::plan::Plan;
use crate::error::Error;
use crate::transform::source::Opener;
use crate::transform::split::{Cutter, Payload};

/// The results of splitting objects, in order.
pub(super) enum Piece {
    Payload(usize, Payload),
    End(usize, u64),
    Failed(usize, Error),
    Whole(usize),
}

/// Splits all objects, one after another, on a separate thread.
pub(super) fn cut(objects: Arc<Vec<PendingObject>>, opener: Opener, plan: &Plan) -> Receiver<Piece> {
    let (pieces, received) = channel(1);
    let (packing, streams) = (plan.packing.clone(), plan.streams);
    tokio::task::spawn_blocking(move || {
        for (index, pending) in objects.iter().enumerate() {
            if streams {
                if pieces.blocking_send(Piece::Whole(index)).is_err() {
                    return;
                }
                continue;
            }
            let mut records = 0;
            let mut cutter = match opener.open(&pending.object) {
                Ok(bytes) => Cutter::new(bytes, packing.clone()),
                Err(error) => {
                    // The job is over and the receiver was dropped.
                    if pieces.blocking_send(Piece::Failed(index, error)).is_err() {
                        return;
                    }
                    continue;
                }
            };
            let last = loop {
                if pending.has_failed.load(Ordering::Relaxed) {
                    break Piece::End(index, records);
                }
                match cutter.next() {
                    Ok(Some(payload)) => {
                        records += payload.count;
                        if pieces.blocking_send(Piece::Payload(index, payload)).is_err() {
                            return;
                        }
                    }
                    Ok(None) => break Piece::End(index, records),
                    Err(error) => break Piece::Failed(index, error),
                }
            };
            if pieces.blocking_send(last).is_err() {
                return;
            }
        }
    });
    received
}
