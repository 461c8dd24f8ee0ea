//! The header of an array that `numpy.save` wrote (`numpy/lib/format.py`): always with the same keys in the same order.

use super::error;
use crate::error::Result;

/// The limit of `numpy.load` for untrusted files (`max_header_size`).
const MAX_HEADER_LENGTH: usize = 10_000;
const MAX_DIMENSIONS: usize = 32;

/// The dtype, order and shape of an array.
pub(super) struct Header {
    /// `<f8`, `|b1`, `<U12`.
    pub(super) code: String,
    pub(super) fortran: bool,
    pub(super) shape: Vec<i64>,
}

impl Header {
    /// Reads the header of a file and returns it with the bytes that follow.
    pub(super) fn read(file: &[u8]) -> Result<(Header, &[u8])> {
        let not_one = || error("expected an array as numpy.save writes it");
        let rest = file.strip_prefix(b"\x93NUMPY").ok_or_else(not_one)?;
        let (version, rest) = rest.split_first_chunk::<2>().ok_or_else(not_one)?;
        let (length, rest) = match version {
            [1, 0] => rest.split_first_chunk::<2>().map(|(length, rest)| (u16::from_le_bytes(*length).into(), rest)),
            [2 | 3, 0] => {
                rest.split_first_chunk::<4>().map(|(length, rest)| (u32::from_le_bytes(*length) as usize, rest))
            }
            _ => None,
        }
        .ok_or_else(not_one)?;
        let (text, data) = rest.split_at_checked(length).filter(|_| length <= MAX_HEADER_LENGTH).ok_or_else(not_one)?;
        let text = std::str::from_utf8(text).map_err(|_| not_one())?;
        let header = Header::parse(text).ok_or_else(|| {
            let shown: String = text.chars().take(120).collect();
            error(format!("expected the header of an array of numbers, text or bytes, found {:?}", shown.trim_end()))
        })?;
        Ok((header, data))
    }

    fn parse(text: &str) -> Option<Header> {
        let rest = text.strip_prefix("{'descr': '")?;
        let (code, rest) = rest.split_once("', 'fortran_order': ")?;
        let (fortran, rest) = rest.split_once(", 'shape': (")?;
        let fortran = match fortran {
            "True" => true,
            "False" => false,
            _ => return None,
        };
        let (shape, rest) = rest.split_once("), }")?;
        if code.len() > 16 || !code.is_ascii() || !rest.trim().is_empty() {
            return None;
        }
        let lengths = shape.split(',').map(str::trim).filter(|length| !length.is_empty());
        let shape: Vec<i64> =
            lengths.take(MAX_DIMENSIONS + 1).map(|length| length.parse().ok()).collect::<Option<_>>()?;
        (shape.len() <= MAX_DIMENSIONS).then(|| Header { code: code.to_owned(), fortran, shape })
    }
}
