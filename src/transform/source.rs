//! An object as a blocking reader: from the local disk or from S3, decompressed if it is
//! compressed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Buf as _, Bytes};
use flate2::bufread::MultiGzDecoder;
use futures_util::StreamExt as _;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Receiver, channel};

use super::create_transform_job::CompressionType;
use super::objects::Object;
use super::storage_error::read_failed;
use crate::error::{Error, Result};
use crate::storage::{Location, Storage};

const BUFFER: usize = 256 << 10;
/// The number of pieces of a download that are buffered.
const AHEAD: usize = 4;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Opens objects.
#[derive(Clone, Debug)]
pub(super) struct Opener {
    pub(super) storage: Arc<Storage>,
    pub(super) compression: CompressionType,
    /// How many bytes of the stored objects have been read.
    pub(super) read: Arc<AtomicU64>,
}

impl Opener {
    /// Opens an object. Blocks, and must be called within the runtime.
    ///
    /// # Errors
    /// If it does not exist, cannot be read, or is not compressed as CompressionType says.
    pub(super) fn open(&self, object: &Object) -> Result<Box<dyn Read + Send>> {
        let bytes: Box<dyn Read + Send> = match &object.location {
            Location::Local(path) => Box::new(File::open(path).map_err(|error| Error::io("open", path, error))?),
            Location::S3 { bucket, key } => Box::new(self.download(&object.location, bucket, key)?),
        };
        let counted = Counted { bytes, read: Arc::clone(&self.read) };
        let mut bytes = BufReader::with_capacity(BUFFER, counted);
        let start = bytes.fill_buf().map_err(|error| Error::bad_payload("cannot be read").caused_by(error))?;
        let is_gzip = start.starts_with(&GZIP_MAGIC);
        match self.compression {
            CompressionType::None => Ok(Box::new(bytes)),
            CompressionType::Gzip if is_gzip || start.is_empty() => Ok(Box::new(MultiGzDecoder::new(bytes))),
            CompressionType::Gzip => {
                Err(Error::bad_payload("it is not compressed with gzip, as CompressionType Gzip says"))
            }
        }
    }

    fn download(&self, location: &Location, bucket: &str, key: &str) -> Result<Download> {
        let bucket = self.storage.bucket(bucket)?;
        let (key, location) = (key.to_owned(), location.clone());
        let (pieces, received) = channel(AHEAD);
        Handle::current().spawn(async move {
            let failed = |failure| io::Error::other(read_failed(&location, failure));
            match bucket.stream(&key).await {
                Err(failure) => _ = pieces.send(Err(failed(failure))).await,
                Ok(mut stream) => {
                    while let Some(piece) = stream.next().await {
                        if piece.as_ref().is_ok_and(Bytes::is_empty) {
                            continue;
                        }
                        let is_last = piece.is_err();
                        // The reader was dropped.
                        if pieces.send(piece.map_err(failed)).await.is_err() || is_last {
                            return;
                        }
                    }
                    let _ = pieces.send(Ok(Bytes::new())).await;
                }
            }
        });
        Ok(Download { pieces: received, piece: Bytes::new(), is_whole: false })
    }
}

/// A download, read as it arrives.
struct Download {
    pieces: Receiver<io::Result<Bytes>>,
    piece: Bytes,
    is_whole: bool,
}

impl Read for Download {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() && !self.is_whole {
            match self.pieces.blocking_recv() {
                Some(Ok(piece)) if piece.is_empty() => self.is_whole = true,
                Some(piece) => self.piece = piece?,
                None => return Err(io::Error::other("the download was broken off")),
            }
        }
        let count = buffer.len().min(self.piece.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), self.piece.get(..count)) {
            to.copy_from_slice(from);
        }
        self.piece.advance(count);
        Ok(count)
    }
}

struct Counted<R> {
    bytes: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
