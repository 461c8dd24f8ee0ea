//! Reads a request's body piece by piece, within the limits of size, time and memory.

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

/// The most bytes of a body that are read before the sender is known: what usually arrives together with the headers.
const PAGE: usize = 4 << 10;
/// How long to wait for it.
const PAGE_LIMIT: Duration = Duration::from_millis(200);

/// A body that is being received, and its limits.
pub(super) struct Incoming<'a> {
    pub(super) payload: Payload,
    /// Content-Length; `None` for a chunked body.
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

    /// Reads the whole body.
    ///
    /// # Errors
    /// If it is too large, there is not enough memory, it is cut short, or does not arrive in time.
    pub(super) async fn take(self) -> Result<Bytes, AwsError> {
        let mut arriving = self.buffer()?;
        self.each_piece(|piece| arriving.push(piece).map_err(out_of_memory)).await?;
        Ok(arriving.finish())
    }

    /// Reads the whole body and computes its digest as the pieces arrive.
    ///
    /// # Errors
    /// As [`Incoming::take`].
    pub(super) async fn take_with_digest(self) -> Result<(Bytes, Sha256Digest), AwsError> {
        let mut arriving = self.buffer()?;
        let mut digest = Sha256::new();
        let whole = self.each_piece(|piece| {
            digest.update(piece);
            arriving.push(piece).map_err(out_of_memory)
        });
        whole.await?;
        Ok((arriving.finish(), digest.finalize().into()))
    }

    /// Computes the digest of a body without keeping it.
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

    /// Reads and drops a small body, so that its connection can be reused. A larger one is not read: the
    /// connection is closed after the response.
    pub(super) async fn drop_if_small(self) {
        if self.announced.is_some_and(|bytes| bytes <= PAGE as u64) {
            let _ = tokio::time::timeout(PAGE_LIMIT, self.each_piece(|_| Ok(()))).await;
        }
    }

    /// A buffer for the announced length, unless that exceeds the budget.
    fn buffer(&self) -> Result<LeasedBuffer, AwsError> {
        let limit = self.limits.request_bytes;
        let announced = self.announced.unwrap_or(0);
        if announced > limit as u64 {
            return Err(AwsError::payload_too_large(limit));
        }
        if announced > self.memory.max_body_bytes() {
            return Err(out_of_memory(InsufficientMemory::NeverFits(self.memory.max_body_bytes())));
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
        // A client that stops in the middle of a body would otherwise hold the connection and the memory for ever.
        let limit = limits.call.container_timeout;
        tokio::time::timeout(limit, arriving).await.unwrap_or_else(|_| {
            Err(AwsError::validation(format!(
                "The request body did not arrive within {} s; send as many bytes as Content-Length announces.",
                limit.as_secs()
            )))
        })
    }
}

fn out_of_memory(why: InsufficientMemory) -> AwsError {
    match why {
        InsufficientMemory::NeverFits(most) => AwsError::payload_too_large(usize::try_from(most).unwrap_or(usize::MAX)),
        InsufficientMemory::NotNow => AwsError::no_memory(),
    }
}

#[cfg(test)]
#[path = "body_test.rs"]
mod tests;
