//! What precedes the data of an array: magic number, shapes, types. It can be read without the data, to learn how much
//! memory loading takes.

use crate::error::{Error, Place, Result};
use std::io::Read;

const FILE_MAGIC: u64 = 0x112;
const V1: u32 = 0xF993_FAC8;
const V2: u32 = 0xF993_FAC9;
const V3: u32 = 0xF993_FACA;

/// numpy's own limit on dimensions; MXNet's arrays have five at most.
const MAX_DIMENSIONS: u32 = 32;

/// The most arrays that are read: more than any network has, and few enough that a file of empty ones takes little
/// memory.
const MAX_ARRAYS: u64 = 65_536;

/// The longest name that is read.
const MAX_NAME_LENGTH: u64 = 64 * 1024;

/// The type of an array's values (`mshadow/base.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum DataType {
    Float32,
    Float64,
    Float16,
    UInt8,
    Int32,
    Int8,
    Int64,
    Bool,
    Int16,
    UInt16,
    UInt32,
    UInt64,
    BFloat16,
}

impl DataType {
    /// In the order of their numbers in the file.
    const ALL: [DataType; 13] = [
        DataType::Float32,
        DataType::Float64,
        DataType::Float16,
        DataType::UInt8,
        DataType::Int32,
        DataType::Int8,
        DataType::Int64,
        DataType::Bool,
        DataType::Int16,
        DataType::UInt16,
        DataType::UInt32,
        DataType::UInt64,
        DataType::BFloat16,
    ];

    /// The number of bytes of a value.
    pub fn size(self) -> usize {
        match self {
            DataType::UInt8 | DataType::Int8 | DataType::Bool => 1,
            DataType::Float16 | DataType::Int16 | DataType::UInt16 | DataType::BFloat16 => 2,
            DataType::Float32 | DataType::Int32 | DataType::UInt32 => 4,
            DataType::Float64 | DataType::Int64 | DataType::UInt64 => 8,
        }
    }
}

/// How an array's values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// All of them.
    Dense,
    /// Some rows, and their numbers.
    RowSparse,
    /// Compressed sparse rows.
    Csr,
}

impl Layout {
    fn auxiliary_arrays(self) -> usize {
        match self {
            Layout::Dense => 0,
            Layout::RowSparse => 1,
            Layout::Csr => 2,
        }
    }
}

/// An array without its data.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) shape: Vec<u64>,
    pub(super) layout: Layout,
    pub(super) data_type: DataType,
    /// The number of stored values.
    pub(super) stored: u64,
    /// The types and lengths of the auxiliary arrays of a sparse array.
    pub(super) auxiliary: Vec<(DataType, u64)>,
}

impl Header {
    fn empty() -> Header {
        Header {
            shape: Vec::new(),
            layout: Layout::Dense,
            data_type: DataType::Float32,
            stored: 0,
            auxiliary: Vec::new(),
        }
    }

    pub(super) fn data_bytes(&self) -> u64 {
        self.stored.saturating_mul(self.data_type.size() as u64)
    }

    pub(super) fn auxiliary_bytes(&self) -> impl Iterator<Item = u64> {
        self.auxiliary.iter().map(|(data_type, length)| length.saturating_mul(data_type.size() as u64))
    }
}

/// Reads the parts of a file, and knows how many bytes are left.
pub(super) struct Reader<R> {
    source: R,
    length: u64,
    left: u64,
}

impl<R: Read> Reader<R> {
    pub(super) fn new(source: R, length: u64) -> Reader<R> {
        Reader { source, length, left: length }
    }

    pub(super) fn offset(&self) -> u64 {
        self.length - self.left
    }

    fn error(&self, message: impl Into<String>) -> Error {
        Error::bad_artifact(message).at(Place::byte(usize::try_from(self.offset()).unwrap_or(usize::MAX)))
    }

    /// Refuses a size larger than the rest of the file.
    pub(super) fn check(&self, bytes: u64) -> Result<()> {
        if bytes > self.left {
            return Err(self.error(format!("expected {bytes} more bytes, found {} to the end of the file", self.left)));
        }
        Ok(())
    }

    fn claim(&mut self, bytes: u64) -> Result<()> {
        self.check(bytes)?;
        self.left -= bytes;
        Ok(())
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.claim(N as u64)?;
        let mut bytes = [0; N];
        match self.source.read_exact(&mut bytes) {
            Ok(()) => Ok(bytes),
            Err(error) => Err(self.error("cannot be read").caused_by(error)),
        }
    }

    fn u32(&mut self) -> Result<u32> {
        self.bytes().map(u32::from_le_bytes)
    }

    fn i32(&mut self) -> Result<i32> {
        self.bytes().map(i32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64> {
        self.bytes().map(u64::from_le_bytes)
    }

    pub(super) fn skip(&mut self, bytes: u64) -> Result<()> {
        self.claim(bytes)?;
        match std::io::copy(&mut self.source.by_ref().take(bytes), &mut std::io::sink()) {
            Ok(copied) if copied == bytes => Ok(()),
            Ok(copied) => Err(self.error(format!("expected {bytes} bytes of data, found {copied}"))),
            Err(error) => Err(self.error("cannot be read").caused_by(error)),
        }
    }

    /// Reads a text into one that is used again and again.
    pub(super) fn text(&mut self, length: u64, text: &mut String) -> Result<()> {
        self.claim(length)?;
        text.clear();
        match self.source.by_ref().take(length).read_to_string(text) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.error("an array's name cannot be read").caused_by(error)),
        }
    }

    /// Reads data, for which memory has been taken.
    pub(super) fn data(&mut self, length: u64) -> Result<Vec<u8>> {
        self.claim(length)?;
        let capacity = usize::try_from(length).map_err(|_| self.error("the data do not fit into memory"))?;
        let mut data = Vec::with_capacity(capacity);
        match self.source.by_ref().take(length).read_to_end(&mut data) {
            Ok(read) if read == capacity => Ok(data),
            Ok(read) => Err(self.error(format!("expected {length} bytes of data, found {read}"))),
            Err(error) => Err(self.error("cannot be read").caused_by(error)),
        }
    }

    /// Reads over an array whose header has been read.
    pub(super) fn skip_data(&mut self, header: &Header) -> Result<()> {
        self.skip(header.data_bytes())?;
        header.auxiliary_bytes().try_for_each(|bytes| self.skip(bytes))
    }

    /// Reads the start of the file, and returns the number of arrays that follow.
    pub(super) fn start(&mut self) -> Result<u64> {
        let magic = self.u64()?;
        if magic != FILE_MAGIC {
            return Err(Error::bad_artifact(format!(
                "not an MXNet .params file: expected the number {FILE_MAGIC:#x} at its start, found {magic:#x}"
            )));
        }
        self.u64()?;
        let count = self.u64()?;
        if count > MAX_ARRAYS {
            return Err(self.error(format!("expected at most {MAX_ARRAYS} arrays, found a count of {count}")));
        }
        Ok(count)
    }

    /// Reads the number of names after the arrays.
    pub(super) fn name_count(&mut self, arrays: u64) -> Result<u64> {
        match self.u64()? {
            count if count == 0 || count == arrays => Ok(count),
            count => Err(self.error(format!("expected {arrays} names for as many arrays, or none, found {count}"))),
        }
    }

    pub(super) fn name_length(&mut self) -> Result<u64> {
        match self.u64()? {
            length if length <= MAX_NAME_LENGTH => Ok(length),
            length => Err(self.error(format!("expected a name of at most {MAX_NAME_LENGTH} bytes, found {length}"))),
        }
    }

    /// Reads the header of an array.
    pub(super) fn header(&mut self) -> Result<Header> {
        match self.u32()? {
            V3 => self.header_v2_or_v3(V3),
            V2 => self.header_v2_or_v3(V2),
            V1 => {
                let shape = self.shape_i64()?.unwrap_or_default();
                self.plain_header(shape)
            }
            dimensions if dimensions <= MAX_DIMENSIONS => {
                let shape = (0..dimensions).map(|_| self.u32().map(u64::from)).collect::<Result<_>>()?;
                self.plain_header(shape)
            }
            magic => Err(self.error(format!("expected the start of an array, found the number {magic:#x}"))),
        }
    }

    fn plain_header(&mut self, shape: Vec<u64>) -> Result<Header> {
        if shape.is_empty() {
            return Ok(Header::empty());
        }
        self.device()?;
        let data_type = self.data_type()?;
        let stored = self.product(&shape)?;
        Ok(Header { shape, layout: Layout::Dense, data_type, stored, auxiliary: Vec::new() })
    }

    /// The version decides whether no dimension means no array (V2) or a scalar (V3, written in np-shape mode).
    fn header_v2_or_v3(&mut self, version: u32) -> Result<Header> {
        let layout = match self.i32()? {
            // Undefined: an array that was never filled, whose shape is empty.
            -1 | 0 => Layout::Dense,
            1 => Layout::RowSparse,
            2 => Layout::Csr,
            other => return Err(self.error(format!("expected a storage type from -1 to 2, found {other}"))),
        };
        let stored_shape = if layout == Layout::Dense { None } else { self.shape_i64()? };
        let shape = match self.shape_i64()? {
            Some(shape) if version == V3 || !shape.is_empty() => shape,
            _ => return Ok(Header::empty()),
        };
        self.device()?;
        let data_type = self.data_type()?;
        let auxiliary = (0..layout.auxiliary_arrays())
            .map(|_| {
                let data_type = self.data_type()?;
                let shape = self.shape_i64()?.unwrap_or_default();
                Ok((data_type, self.product(&shape)?))
            })
            .collect::<Result<Vec<_>>>()?;
        // MXNet may write a storage shape of 0 for a sparse array; then the auxiliary arrays have the size.
        let stored = match (layout, auxiliary.as_slice()) {
            (Layout::RowSparse, [(_, rows)]) => {
                let row = self.product(shape.get(1..).unwrap_or_default())?;
                rows.checked_mul(row)
            }
            (Layout::Csr, [_, (_, columns)]) => Some(*columns),
            _ => Some(self.product(&shape)?),
        };
        let stored = stored.ok_or_else(|| self.error("a sparse array's size overflows"))?;
        if let Some(stored_shape) = stored_shape.filter(|shape| !shape.is_empty())
            && let claimed = self.product(&stored_shape)?
            && claimed != stored
            && claimed != 0
        {
            return Err(self.error(format!("expected {stored} stored values by the row numbers, found {claimed}")));
        }
        Ok(Header { shape, layout, data_type, stored, auxiliary })
    }

    /// A shape of 64-bit lengths, or none when it is not known (np-shape mode writes -1 then).
    fn shape_i64(&mut self) -> Result<Option<Vec<u64>>> {
        let dimensions = match self.i32()? {
            -1 => return Ok(None),
            dimensions => {
                u32::try_from(dimensions).ok().filter(|&dimensions| dimensions <= MAX_DIMENSIONS).ok_or_else(|| {
                    self.error(format!("expected at most {MAX_DIMENSIONS} dimensions, found {dimensions}"))
                })?
            }
        };
        let shape = (0..dimensions).map(|_| self.u64()).collect::<Result<Vec<_>>>()?;
        // -1 means an unknown length. Other negative lengths are huge as unsigned sizes, and are refused as such.
        Ok((!shape.contains(&u64::MAX)).then_some(shape))
    }

    fn device(&mut self) -> Result<()> {
        // Device type and id. Values are plain whichever device they were on.
        self.u64().map(drop)
    }

    fn data_type(&mut self) -> Result<DataType> {
        let number = self.i32()?;
        usize::try_from(number)
            .ok()
            .and_then(|number| DataType::ALL.get(number).copied())
            .ok_or_else(|| self.error(format!("expected a data type from 0 to 12, found {number}")))
    }

    fn product(&self, shape: &[u64]) -> Result<u64> {
        shape
            .iter()
            .try_fold(1, |product: u64, &length| product.checked_mul(length))
            .ok_or_else(|| self.error(format!("the size of the shape {shape:?} overflows")))
    }
}

impl<'a> Reader<&'a [u8]> {
    /// The next bytes, in place.
    pub(super) fn borrow(&mut self, bytes: u64) -> Result<&'a [u8]> {
        self.claim(bytes)?;
        let taken = usize::try_from(bytes).ok().and_then(|bytes| self.source.split_at_checked(bytes));
        let (taken, rest) = taken.ok_or_else(|| self.error("the data end too early"))?;
        self.source = rest;
        Ok(taken)
    }
}
