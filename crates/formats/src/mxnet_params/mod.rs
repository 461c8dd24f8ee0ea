//! MXNet's `.params` files: named arrays, in every version of the format that MXNet has written.
//!
//! The format is MXNet's own serialisation of `NDArray` (github.com/apache/mxnet, `src/ndarray/ndarray.cc`,
//! `include/mxnet/tuple.h`), little-endian throughout. Arrays borrow the file's bytes and are converted when asked.

mod dense;
mod header;
mod stream;

pub use header::{DataType, Layout};
pub use stream::Places;

use crate::error::{Error, Place, Result};
use header::{Header, Reader};

/// The arrays of a `.params` file.
#[derive(Debug)]
pub struct Params<'a> {
    /// In the order of the file.
    pub arrays: Vec<Array<'a>>,
    /// A name for each array, or no names at all: then the file is a list.
    pub names: Vec<&'a str>,
}

/// One array.
#[derive(Debug)]
pub struct Array<'a> {
    header: Header,
    data: &'a [u8],
    /// `row_sparse`: the row numbers. `csr`: where each row starts and ends, then the column numbers.
    auxiliary: Vec<&'a [u8]>,
}

impl<'a> Params<'a> {
    /// Reads a whole file.
    ///
    /// # Errors
    /// [`crate::error::Cause::BadArtifact`] with the byte: not such a file, a file cut short, or a size that the file
    /// cannot hold. Nothing is allocated for a size before the bytes are known to be there.
    pub fn parse(bytes: &'a [u8]) -> Result<Params<'a>> {
        let mut reader = Reader::new(bytes, bytes.len() as u64);
        let count = reader.start()?;
        let mut arrays = Vec::new();
        for index in 0..count {
            let header = reader.header().map_err(|error| error.context(format_args!("array {index}")))?;
            let data = reader.borrow(header.data_bytes())?;
            let auxiliary = header.auxiliary_bytes().map(|bytes| reader.borrow(bytes)).collect::<Result<_>>()?;
            arrays.push(Array { header, data, auxiliary });
        }
        // What follows the names is ignored, as MXNet ignores it.
        let names = (0..reader.name_count(count)?)
            .map(|_| {
                let length = reader.name_length()?;
                let at = reader.offset();
                std::str::from_utf8(reader.borrow(length)?).map_err(|error| {
                    Error::bad_artifact("an array's name is not UTF-8")
                        .caused_by(error)
                        .at(Place::byte(usize::try_from(at).unwrap_or(usize::MAX)))
                })
            })
            .collect::<Result<_>>()?;
        Ok(Params { arrays, names })
    }

    /// The array with this name.
    pub fn get(&self, name: &str) -> Option<&Array<'a>> {
        let index = self.names.iter().position(|own| *own == name)?;
        self.arrays.get(index)
    }
}

impl Array<'_> {
    /// The lengths of the dimensions. Empty for an array without data, and for a scalar.
    pub fn shape(&self) -> &[u64] {
        &self.header.shape
    }

    /// The number of values, zeros included; `usize::MAX` if it does not fit.
    pub fn values(&self) -> usize {
        let product = self.header.shape.iter().try_fold(1_u64, |product, length| product.checked_mul(*length));
        product.and_then(|product| usize::try_from(product).ok()).unwrap_or(usize::MAX)
    }

    /// The number of bytes in the file.
    pub fn stored_bytes(&self) -> usize {
        self.data.len() + self.auxiliary.iter().map(|part| part.len()).sum::<usize>()
    }

    /// The type of the values as they are stored.
    pub fn data_type(&self) -> DataType {
        self.header.data_type
    }

    /// How the values are stored.
    pub fn layout(&self) -> Layout {
        self.header.layout
    }

    /// All values in C order, sparse ones among zeros, rounded to float32.
    ///
    /// # Errors
    /// [`crate::error::Cause::BadArtifact`] when a sparse array contradicts itself, or unfolds to far more values than
    /// a file of its length should hold.
    pub fn to_f32(&self) -> Result<Vec<f32>> {
        match self.header.data_type {
            DataType::Float32 => self.dense(|bytes| f32::from_le_bytes(bytes.try_into().unwrap_or_default())),
            _ => self.dense(|bytes| self.header.data_type.read(bytes) as f32),
        }
    }

    /// All values in C order, sparse ones among zeros, as float64: exact for all types but 64-bit integers.
    ///
    /// # Errors
    /// As [`Array::to_f32`].
    pub fn to_f64(&self) -> Result<Vec<f64>> {
        self.dense(|bytes| self.header.data_type.read(bytes))
    }
}

#[cfg(test)]
mod read_test;
