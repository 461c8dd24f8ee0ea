//! A request's body: taken piece by piece, within the size, the time and the memory that a request has.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::Bytes;
use futures_util::StreamExt as _;
use sha2::{Digest as _, Sha256};

use super::authorization::Sha256Digest;
use super::aws_error::AwsError;
use crate::endpoint::limits::Limits;
use crate::leased_bytes::{InsufficientMemory, LeasedBuffer, MemoryShare};

/// As much of a body as is taken before it is known who sent it: what comes along with a head anyway.
const PAGE: usize = 4 << 10;
/// How long that is waited for.
const PAGE_LIMIT: Duration = Duration::from_millis(200);

/// A body on its way, and what bounds it.
pub(super) struct Incoming<'a> {
    pub(super) payload: Payload,
    /// Content-Length; there is none when the body comes in chunks.
    pub(super) announced: Option<u64>,
    pub(super) limits: &'a Limits,
    pub(super) memory: &'a MemoryShare,
}

impl<'a> Incoming<'a> {
    pub(super) fn new(
        request: &HttpRequest,
        payload: Payload,
        limits: &'a Limits,
        memory: &'a MemoryShare,
    ) -> Incoming<'a> {
        let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        Incoming { payload, announced, limits, memory }
    }

    /// Takes the whole body.
    ///
    /// # Errors
    /// Why there is none: too large, more than there is memory for, cut short, or not there in time.
    pub(super) async fn take(self) -> Result<Bytes, AwsError> {
        let mut arriving = self.buffer()?;
        self.each_piece(|piece| arriving.push(piece).map_err(no_room)).await?;
        Ok(arriving.finish())
    }

    /// The same, with the body's digest, which is made of the pieces as they come.
    ///
    /// # Errors
    /// As [`Incoming::take`].
    pub(super) async fn take_with_digest(self) -> Result<(Bytes, Sha256Digest), AwsError> {
        let mut arriving = self.buffer()?;
        let mut digest = Sha256::new();
        let whole = self.each_piece(|piece| {
            digest.update(piece);
            arriving.push(piece).map_err(no_room)
        });
        whole.await?;
        Ok((arriving.finish(), digest.finalize().into()))
    }

    /// The digest of a body that nobody wants: no piece of it is kept.
    ///
    /// # Errors
    /// As [`Incoming::take`].
    pub(super) async fn digest(self) -> Result<Sha256Digest, AwsError> {
        let mut digest = Sha256::new();
        let whole = self.each_piece(|piece| {
            digest.update(piece);
            Ok(())
        });
        whole.await?;
        Ok(digest.finalize().into())
    }

    /// Lets a small body come and drops it, so that its connection can go on. What is larger is not waited for: the
    /// connection ends after the answer then.
    pub(super) async fn drop_if_small(self) {
        if self.announced.is_some_and(|bytes| bytes <= PAGE as u64) {
            let _ = tokio::time::timeout(PAGE_LIMIT, self.each_piece(|_| Ok(()))).await;
        }
    }

    /// LeasedGrowth for what is announced, if that could ever be held.
    fn buffer(&self) -> Result<LeasedBuffer, AwsError> {
        let limit = self.limits.request_bytes;
        let announced = self.announced.unwrap_or(0);
        if announced > limit as u64 {
            return Err(AwsError::payload_too_large(limit));
        }
        if announced > self.memory.most() {
            return Err(no_room(InsufficientMemory::NeverFits(self.memory.most())));
        }
        Ok(match self.announced.and_then(|bytes| usize::try_from(bytes).ok()) {
            Some(announced) => LeasedBuffer::new(self.memory, announced),
            None => LeasedBuffer::of_unknown_size(self.memory, limit),
        })
    }

    async fn each_piece(self, mut take: impl FnMut(&[u8]) -> Result<(), AwsError>) -> Result<(), AwsError> {
        let Incoming { mut payload, limits, .. } = self;
        let arriving = async {
            let mut left = limits.request_bytes;
            while let Some(piece) = payload.next().await {
                let piece = piece
                    .map_err(|error| AwsError::validation(format!("The request body could not be read: {error}.")))?;
                left =
                    left.checked_sub(piece.len()).ok_or_else(|| AwsError::payload_too_large(limits.request_bytes))?;
                take(&piece)?;
            }
            Ok(())
        };
        // Whoever stops in the middle of a body would hold the connection, and its part of the body, for ever.
        let limit = limits.call.container_timeout;
        tokio::time::timeout(limit, arriving).await.unwrap_or_else(|_| {
            Err(AwsError::validation(format!(
                "The request body did not arrive within {} s; send as many bytes as Content-Length announces.",
                limit.as_secs()
            )))
        })
    }
}

fn no_room(why: InsufficientMemory) -> AwsError {
    match why {
        InsufficientMemory::NeverFits(most) => AwsError::payload_too_large(usize::try_from(most).unwrap_or(usize::MAX)),
        InsufficientMemory::NotNow => AwsError::no_memory(),
    }
}

#[cfg(test)]
#[path = "body_test.rs"]
mod tests;
