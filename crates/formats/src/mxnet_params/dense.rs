//! Converts stored values to numbers, and sparse arrays to dense ones.

use super::{Array, DataType, Layout};
use crate::error::{Error, Result};

/// A sparse array may expand to this many values however small its file is: 256 MiB of `float32`.
const MAX_UNFOLDED: u64 = 1 << 26;

impl DataType {
    /// One value from its little-endian bytes.
    pub(super) fn read(self, bytes: &[u8]) -> f64 {
        let mut padded = [0; 8];
        for (to, from) in padded.iter_mut().zip(bytes) {
            *to = *from;
        }
        let bits = u64::from_le_bytes(padded);
        // Casts keep the low bits, which are the value's own.
        match self {
            DataType::Float32 => f32::from_bits(bits as u32).into(),
            DataType::Float64 => f64::from_bits(bits),
            DataType::Float16 => float16(bits as u16),
            DataType::BFloat16 => f32::from_bits((bits as u32) << 16).into(),
            DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => bits as f64,
            DataType::Bool => f64::from(u8::from(bits != 0)),
            DataType::Int8 => (bits as i8).into(),
            DataType::Int16 => (bits as i16).into(),
            DataType::Int32 => (bits as i32).into(),
            DataType::Int64 => bits as i64 as f64,
        }
    }
}

/// IEEE 754 half precision: 1 sign, 5 exponent and 10 fraction bits.
fn float16(bits: u16) -> f64 {
    let fraction = f64::from(bits & 0x3ff) / 1024.0;
    let magnitude = match (bits >> 10) & 0x1f {
        0 => fraction * 2_f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (1.0 + fraction) * 2_f64.powi(i32::from(exponent) - 15),
    };
    if bits >> 15 == 0 { magnitude } else { -magnitude }
}

impl Array<'_> {
    pub(super) fn dense<T: Copy + Default>(&self, read: impl Fn(&[u8]) -> T) -> Result<Vec<T>> {
        let size = self.header.data_type.size();
        let values = self.data.chunks_exact(size).map(read);
        match self.header.layout {
            Layout::Dense => Ok(values.collect()),
            Layout::RowSparse => self.unfold_rows(values),
            Layout::Csr => self.unfold_csr(values),
        }
    }

    fn zeros<T: Copy + Default>(&self) -> Result<Vec<T>> {
        let size = self.shape().iter().try_fold(1_u64, |size, &length| size.checked_mul(length));
        match size.and_then(|size| usize::try_from(size).ok()).filter(|&size| size as u64 <= MAX_UNFOLDED) {
            Some(size) => Ok(vec![T::default(); size]),
            None => Err(Error::bad_artifact(format!(
                "a sparse array of shape {:?} is too large: expected at most {MAX_UNFOLDED} values",
                self.shape()
            ))),
        }
    }

    /// An auxiliary array: row or column numbers.
    fn indices(&self, which: usize) -> Vec<usize> {
        let (Some((data_type, _)), Some(bytes)) = (self.header.auxiliary.get(which), self.auxiliary.get(which)) else {
            return Vec::new();
        };
        // Below the limit float64 is exact. A number that no index can have becomes one that is out of range.
        let index = |bytes| match data_type.read(bytes) {
            index if index >= 0.0 && index < MAX_UNFOLDED as f64 => index as usize,
            _ => usize::MAX,
        };
        bytes.chunks_exact(data_type.size()).map(index).collect()
    }

    fn unfold_rows<T: Copy + Default>(&self, values: impl Iterator<Item = T>) -> Result<Vec<T>> {
        let mut dense = self.zeros()?;
        let values: Vec<_> = values.collect();
        let rows = self.indices(0);
        let width = values.len().checked_div(rows.len()).unwrap_or(0);
        for (row, values) in rows.into_iter().zip(values.chunks_exact(width.max(1))) {
            row.checked_mul(width)
                .and_then(|start| dense.get_mut(start..)?.get_mut(..width))
                .ok_or_else(|| self.outside(row))?
                .copy_from_slice(values);
        }
        Ok(dense)
    }

    fn unfold_csr<T: Copy + Default>(&self, values: impl Iterator<Item = T>) -> Result<Vec<T>> {
        let mut dense = self.zeros()?;
        let values: Vec<_> = values.collect();
        let [rows, width] = match *self.shape() {
            [rows, width] => [rows as usize, width as usize],
            _ => {
                return Err(Error::bad_artifact(format!("a csr array has the shape {:?}: expected two", self.shape())));
            }
        };
        let (starts, columns) = (self.indices(0), self.indices(1));
        if starts.len() != rows + 1 {
            return Err(Error::bad_artifact(format!(
                "a csr array of {rows} rows has {} row starts: expected {}",
                starts.len(),
                rows + 1
            )));
        }
        for (row, bounds) in starts.windows(2).enumerate() {
            let &[start, end] = bounds else { continue };
            let cells = values.get(start..end).zip(columns.get(start..end));
            let (values, columns) = cells.ok_or_else(|| self.outside(end))?;
            let dense_row = dense.get_mut(row * width..(row + 1) * width).unwrap_or_default();
            for (&value, &column) in values.iter().zip(columns) {
                *dense_row.get_mut(column).ok_or_else(|| self.outside(column))? = value;
            }
        }
        Ok(dense)
    }

    fn outside(&self, index: usize) -> Error {
        let shape = self.shape();
        Error::bad_artifact(format!("a sparse array of shape {shape:?} has the index {index}, which is outside of it"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn float16_values_are_read_by_their_definition() {
        for (bits, value) in [
            (0x0000, 0.0),
            (0x0001, 5.960_464_477_539_063e-8),
            (0x03ff, 6.097_555_160_522_461e-5),
            (0x0400, 6.103_515_625e-5),
            (0x3555, 0.333_251_953_125),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x7c00, f64::INFINITY),
            (0xfc00, f64::NEG_INFINITY),
        ] {
            assert_eq!(float16(bits), value, "{bits:#x}");
        }
        assert!(float16(0x7e00).is_nan());
        assert!(float16(0x8000).is_sign_negative());
    }

    #[test]
    fn each_type_reads_its_own_bytes() {
        for (data_type, bytes, value) in [
            (DataType::Float32, &[0, 0, 0xc0, 0xbf][..], -1.5),
            (DataType::Float64, &[0, 0, 0, 0, 0, 0, 0xf8, 0xbf], -1.5),
            (DataType::BFloat16, &[0xc0, 0xbf], -1.5),
            (DataType::UInt8, &[0xff], 255.0),
            (DataType::Int8, &[0xff], -1.0),
            (DataType::Int16, &[0xfe, 0xff], -2.0),
            (DataType::UInt16, &[0xfe, 0xff], 65534.0),
            (DataType::Int32, &[0xfe, 0xff, 0xff, 0xff], -2.0),
            (DataType::UInt32, &[0xfe, 0xff, 0xff, 0xff], 4_294_967_294.0),
            (DataType::Int64, &[0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], -3.0),
            (DataType::UInt64, &[3, 0, 0, 0, 0, 0, 0, 0x10], 1_152_921_504_606_846_979.0),
            (DataType::Bool, &[7], 1.0),
        ] {
            assert_eq!(data_type.read(bytes), value, "{data_type:?}");
            assert_eq!(bytes.len(), data_type.size(), "{data_type:?}");
        }
    }
}
