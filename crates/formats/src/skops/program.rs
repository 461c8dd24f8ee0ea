//! The pickle that is equivalent to a skops model. Each value is written with the opcodes that Python's pickle module
//! uses, with a memo only for the bytes of arrays.

use byoc_account::{Allowance, LeasedGrowth as _};

use super::npy::Header;
use crate::error::Result;

/// The opcodes so far.
pub(super) struct Program<'a> {
    out: Vec<u8>,
    memoized: u32,
    allowance: &'a Allowance,
}

impl<'a> Program<'a> {
    pub(super) fn new(allowance: &'a Allowance) -> Result<Program<'a>> {
        let mut program = Program { out: Vec::new(), memoized: 0, allowance };
        program.op(b"\x80\x04")?;
        Ok(program)
    }

    /// Appends opcodes with their operands.
    pub(super) fn op(&mut self, bytes: &[u8]) -> Result<()> {
        if self.out.capacity() - self.out.len() < bytes.len() {
            self.out.reserve_leased(bytes.len(), self.allowance)?;
        }
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn sized(&mut self, short: u8, long: u8, longest: u8, bytes: &[u8]) -> Result<()> {
        if let Ok(length) = u8::try_from(bytes.len()) {
            self.op(&[short, length])?;
        } else if let Ok(length) = u32::try_from(bytes.len()) {
            self.op(&[long])?;
            self.op(&length.to_le_bytes())?;
        } else {
            self.op(&[longest])?;
            self.op(&(bytes.len() as u64).to_le_bytes())?;
        }
        self.op(bytes)
    }

    pub(super) fn text(&mut self, text: &str) -> Result<()> {
        self.sized(0x8c, b'X', 0x8d, text.as_bytes())
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.sized(b'C', b'B', 0x8e, bytes)
    }

    /// A class or function by its name.
    pub(super) fn symbol(&mut self, module: &str, name: &str) -> Result<()> {
        self.text(module)?;
        self.text(name)?;
        self.op(b"\x93")
    }

    /// An integer of any length.
    pub(super) fn int(&mut self, digits: &str) -> Result<()> {
        match digits.parse::<i64>() {
            Ok(value) => {
                self.op(b"\x8a\x08")?;
                self.op(&value.to_le_bytes())
            }
            Err(_) => {
                self.op(b"L")?;
                self.op(digits.as_bytes())?;
                self.op(b"L\n")
            }
        }
    }

    pub(super) fn float(&mut self, value: f64) -> Result<()> {
        self.op(b"G")?;
        self.op(&value.to_be_bytes())
    }

    /// Stores the last value in the memo and returns its index.
    pub(super) fn remember(&mut self) -> Result<u32> {
        self.op(b"\x94")?;
        self.memoized += 1;
        Ok(self.memoized - 1)
    }

    /// The value of a memo index.
    pub(super) fn again(&mut self, number: u32) -> Result<()> {
        self.op(b"j")?;
        self.op(&number.to_le_bytes())
    }

    /// `numpy.dtype(code, False, True)`
    pub(super) fn dtype(&mut self, code: &str) -> Result<()> {
        self.symbol("numpy", "dtype")?;
        self.text(code)?;
        self.op(b"\x89\x88\x87R")
    }

    /// The beginning of an array, up to its items: `_reconstruct(class, (0,), b"b")` and `(1, shape, dtype, fortran,`.
    pub(super) fn array(&mut self, class: (&str, &str), header: &Header) -> Result<()> {
        self.symbol("numpy.core.multiarray", "_reconstruct")?;
        self.symbol(class.0, class.1)?;
        self.op(b"K\0\x85")?;
        self.bytes(b"b")?;
        self.op(b"\x87R(K\x01(")?;
        for length in &header.shape {
            self.int(&length.to_string())?;
        }
        self.op(b"t")?;
        self.dtype(&header.code)?;
        self.op(if header.fortran { b"\x88" } else { b"\x89" })
    }

    /// The end of an array, after its items.
    pub(super) fn end_of_array(&mut self) -> Result<()> {
        self.op(b"tb")
    }

    /// The pickle, with its capacity reduced to its length.
    pub(super) fn finish(mut self) -> Result<Vec<u8>> {
        self.op(b".")?;
        let spare = self.out.capacity() - self.out.len();
        let _copied = self.allowance.hold(self.out.len())?;
        self.out.shrink_to_fit();
        self.allowance.give_back(spare);
        Ok(self.out)
    }
}
