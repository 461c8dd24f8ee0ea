//! numpy's values in pickles: dtypes, arrays and scalars.
//!
//! The forms are those of `numpy/_core/src/multiarray/{descriptor,methods,scalartypes}.c` (`__reduce__` and
//! `__setstate__`). Only plain items are read: numbers, bools, text, bytes and objects. A datetime without its metadata
//! crashes numpy itself, and no attribute that a prediction needs holds records, complex numbers or long doubles.

use super::allow_list::{Meaning, Name};
use super::errors::error;
use super::machine::{Machine, Unlisted};
use super::tree::array::{Array, ArrayData, DType, ItemKind};
use super::tree::{Node, NodeId};
use crate::error::Result;

/// numpy's own limit before 2.0.
const MAX_DIMENSIONS: usize = 32;

/// The largest product of the other dimensions of an empty array, which the size of the file does not bound.
const MAX_BESIDE_ZERO: usize = 1 << 24;

impl Machine<'_> {
    /// `numpy.dtype("f8", False, True)`: little-endian until its state says otherwise.
    pub(super) fn dtype(&self, code: NodeId) -> Result<Node> {
        let Some(code) = self.short_text(code) else {
            return Err(error(format!("a dtype is made of {}; expected a code", self.node(code).kind())));
        };
        let opaque = || if self.unlisted == Unlisted::Kept { opaque_dtype(code) } else { None };
        parse_dtype(code).or_else(opaque).map(Node::DType).ok_or_else(|| {
            error(format!(
                "arrays of dtype {code:?} are not supported; b1, i1 to i8, u1 to u8, f2 to f8, S, U and O are"
            ))
        })
    }

    /// The state of a dtype: `(3, "<", None, None, None, -1, -1, 0)`. The three in the middle are for records.
    pub(super) fn dtype_with_state(&self, dtype: DType, state: NodeId) -> Result<DType> {
        let Node::Tuple(items) = self.node(state) else {
            return Err(error(format!("the state of a dtype is {}; expected a tuple", self.node(state).kind())));
        };
        if self.unlisted == Unlisted::Kept && dtype.kind == ItemKind::Bytes {
            return Ok(dtype);
        }
        let [_, order, base, names, fields, _, _, _] = items.as_slice() else {
            return Err(error(format!("the state of a dtype has {} items; expected 8", items.len())));
        };
        if [base, names, fields].iter().any(|part| !matches!(self.node(**part), Node::None)) {
            return Err(error("arrays of records are not supported"));
        }
        match self.short_text(*order) {
            Some(">") => Ok(DType { big_endian: true, ..dtype }),
            Some("<" | "|" | "=") => Ok(DType { big_endian: false, ..dtype }),
            _ => Err(error("the byte order of a dtype is none of < > | =")),
        }
    }

    /// `_reconstruct(numpy.ndarray, (0,), b"b")`: an array of no items, which BUILD fills.
    pub(super) fn empty_array(&self, class: NodeId) -> Result<Node> {
        match self.symbol(class) {
            Some(Name { meaning: Meaning::ArrayClass, .. }) => {
                let dtype = DType { kind: ItemKind::Int, item_size: 1, big_endian: false };
                Ok(Node::Array(Box::new(Array { dtype, shape: vec![0], fortran: false, data: ArrayData::Span(0..0) })))
            }
            _ => Err(error("an array is made of something that is not a class of arrays")),
        }
    }

    /// The state of an array: `(1, shape, dtype, is_fortran, items)`, with the items as bytes or as a list.
    pub(super) fn array_from_state(&mut self, state: NodeId) -> Result<Array> {
        let Node::Tuple(items) = self.node(state) else {
            return Err(error(format!("the state of an array is {}; expected a tuple", self.node(state).kind())));
        };
        let [_, shape, dtype, fortran, data] = *items.as_slice() else {
            return Err(error(format!("the state of an array has {} items; expected 5", items.len())));
        };
        let fortran = match self.node(fortran) {
            Node::Bool(fortran) => *fortran,
            Node::Int(fortran) => *fortran != 0,
            other => return Err(error(format!("the order of an array is {}; expected a bool", other.kind()))),
        };
        let dtype = self.dtype_of(dtype)?;
        let shape = self.shape_of(shape)?;
        if dtype.kind != ItemKind::Object {
            return self.array_of_bytes(dtype, shape, fortran, data);
        }
        let count = count_items(&shape)?;
        match self.node_mut(data) {
            Node::List(items) if items.len() == count => {
                // The list moves into the array: writers make it for this state alone. Its items are in row-major order
                // even when the array says Fortran.
                let items = std::mem::take(items);
                Ok(Array { dtype, shape, fortran: false, data: ArrayData::Objects(items) })
            }
            Node::List(items) => Err(error(format!("an array of {count} objects is given {}", items.len()))),
            other => Err(error(format!("an array of objects is given {}; expected a list", other.kind()))),
        }
    }

    /// `_frombuffer(bytes, dtype, shape, "C")`: how protocol 5 writes an array.
    pub(super) fn array_from_buffer(&self, bytes: NodeId, dtype: NodeId, shape: NodeId, order: NodeId) -> Result<Node> {
        let fortran = self.order_of(order)?;
        let dtype = self.dtype_of(dtype)?;
        let shape = self.shape_of(shape)?;
        Ok(Node::Array(Box::new(self.array_of_bytes(dtype, shape, fortran, bytes)?)))
    }

    fn array_of_bytes(&self, dtype: DType, shape: Vec<usize>, fortran: bool, bytes: NodeId) -> Result<Array> {
        let expected = count_bytes(dtype, &shape)?;
        let found = self.raw(bytes)?.len();
        if found != expected {
            return Err(error(format!("an array of shape {shape:?} has {found} bytes; expected {expected}")));
        }
        let data = match self.node(bytes) {
            Node::Bytes(span) | Node::Text(span) => ArrayData::Span(span.clone()),
            _ => ArrayData::Bytes(bytes),
        };
        Ok(Array { dtype, shape, fortran, data })
    }

    /// `scalar(dtype, bytes)`: the number, bool or text itself.
    pub(super) fn scalar(&mut self, dtype: NodeId, value: NodeId) -> Result<NodeId> {
        let dtype = self.dtype_of(dtype)?;
        if dtype.kind == ItemKind::Object {
            return Ok(value);
        }
        let found = self.raw(value)?.len();
        if found != dtype.item_size {
            return Err(error(format!("a numpy scalar of {} bytes is given {found}", dtype.item_size)));
        }
        self.convert(found / 4)?;
        let allowance = self.allowance;
        // Converted to little-endian if necessary.
        let _held = allowance.hold(found.saturating_mul(2))?;
        let node = dtype.scalar(self.raw(value)?).ok_or_else(|| error("a numpy scalar is not Unicode"))?;
        self.add(node)
    }

    /// The bytes of a value. Python 2 wrote them as a `str`, which is read as text if it is ASCII.
    fn raw(&self, id: NodeId) -> Result<&[u8]> {
        match self.node(id) {
            Node::Bytes(span) => Ok(self.source.get(span)),
            Node::OwnedBytes(bytes) => Ok(bytes),
            Node::Text(span) => Ok(self.source.get(span)),
            other => Err(error(format!("the items of an array are {}; expected bytes", other.kind()))),
        }
    }

    pub(super) fn dtype_of(&self, id: NodeId) -> Result<DType> {
        match self.node(id) {
            Node::DType(dtype) => Ok(*dtype),
            other => Err(error(format!("{} stands where a dtype should", other.kind()))),
        }
    }

    /// A shape: a tuple of integers, not negative.
    pub(super) fn shape_of(&self, id: NodeId) -> Result<Vec<usize>> {
        let dimensions = match self.node(id) {
            Node::Tuple(dimensions) if dimensions.len() <= MAX_DIMENSIONS => dimensions,
            Node::Tuple(dimensions) => {
                return Err(error(format!(
                    "an array has {} dimensions; at most {MAX_DIMENSIONS} are read",
                    dimensions.len()
                )));
            }
            other => return Err(error(format!("the shape of an array is {}; expected a tuple", other.kind()))),
        };
        let dimension = |id: &NodeId| match self.node(*id) {
            Node::Int(length) => {
                usize::try_from(*length).map_err(|_| error(format!("a dimension of an array is {length}")))
            }
            other => Err(error(format!("a dimension of an array is {}; expected an integer", other.kind()))),
        };
        dimensions.iter().map(dimension).collect()
    }

    /// Whether an order is Fortran's (column-major) and not C's (row-major).
    pub(super) fn order_of(&self, id: NodeId) -> Result<bool> {
        match self.short_text(id) {
            Some("C") => Ok(false),
            Some("F") => Ok(true),
            _ => Err(error("the order of an array is neither C nor F")),
        }
    }
}

/// A dtype by its code: `f8`, `<f8`, `U12`, `O8`.
fn parse_dtype(code: &str) -> Option<DType> {
    let (big_endian, code) = match code.as_bytes().first()? {
        b'>' => (true, &code[1..]),
        b'<' | b'|' | b'=' => (false, &code[1..]),
        _ => (false, code),
    };
    let kind = match code.as_bytes().first()? {
        b'f' => ItemKind::Float,
        b'i' => ItemKind::Int,
        b'u' => ItemKind::UInt,
        b'b' => ItemKind::Bool,
        b'U' => ItemKind::Text,
        b'S' => ItemKind::Bytes,
        b'O' => ItemKind::Object,
        _ => return None,
    };
    let size = &code[1..];
    if !size.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let size = if kind == ItemKind::Object { Some(0) } else { size.parse::<u32>().ok() }? as usize;
    let item_size = match (kind, size) {
        (ItemKind::Float, 2 | 4 | 8) | (ItemKind::Int | ItemKind::UInt, 1 | 2 | 4 | 8) | (ItemKind::Bool, 1) => size,
        (ItemKind::Text, _) => size.checked_mul(4)?,
        (ItemKind::Bytes | ItemKind::Object, _) => size,
        _ => return None,
    };
    Some(DType { kind, item_size, big_endian })
}

/// An unsupported dtype as bytes of its items' size, for arrays that are only skipped (records, dates, complex
/// numbers).
fn opaque_dtype(code: &str) -> Option<DType> {
    let code = code.trim_start_matches(['<', '>', '|', '=']);
    let kind = code.chars().next()?;
    let digits = code.get(1..)?;
    let end = digits.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(digits.len());
    let size = match kind {
        'g' => 16,
        'G' => 32,
        'M' | 'm' => 8,
        _ => digits.get(..end)?.parse::<u32>().ok()? as usize,
    };
    Some(DType { kind: ItemKind::Bytes, item_size: size, big_endian: false })
}

/// The number of items of an array of a shape.
fn count_items(shape: &[usize]) -> Result<usize> {
    let too_large = || error(format!("an array of shape {shape:?} is too large"));
    let mut beside_zero = shape.iter().filter(|length| **length != 0);
    let product =
        beside_zero.try_fold(1, |product: usize, length| product.checked_mul(*length)).ok_or_else(too_large)?;
    match shape.contains(&0) {
        false => Ok(product),
        true if product <= MAX_BESIDE_ZERO => Ok(0),
        true => Err(too_large()),
    }
}

/// The number of bytes of an array's items. The caller compares it with the bytes in the file.
pub(super) fn count_bytes(dtype: DType, shape: &[usize]) -> Result<usize> {
    let count = count_items(shape)?;
    if dtype.item_size == 0 && count > 0 {
        return Err(error(format!("an array of shape {shape:?} has items of no bytes")));
    }
    count.checked_mul(dtype.item_size).ok_or_else(|| error(format!("an array of shape {shape:?} is too large")))
}
