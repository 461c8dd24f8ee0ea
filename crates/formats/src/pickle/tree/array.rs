//! numpy arrays of a tree: their dtypes, shapes, and items as Rust values.

use std::ops::Range;

use super::{Node, NodeId, Tree, Value};
use crate::error::{Error, Result};
use crate::numbers::half::half_to_f64;

/// numpy's `dtype`, as far as an artifact may use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DType {
    /// What one item is.
    pub kind: ItemKind,
    /// Bytes of one item; 0 for objects.
    pub item_size: usize,
    /// Whether the bytes of an item are most significant first.
    pub big_endian: bool,
}

/// The kinds of array items that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// `f2`, `f4`, `f8`.
    Float,
    /// `i1` to `i8`.
    Int,
    /// `u1` to `u8`.
    UInt,
    /// `b1`.
    Bool,
    /// `U<n>`: UTF-32 text, padded with NUL.
    Text,
    /// `S<n>`: bytes, padded with NUL.
    Bytes,
    /// `O`: values of the pickle.
    Object,
}

/// A numpy array whose shape, item size and byte count agree.
#[derive(Debug)]
pub(in crate::pickle) struct Array {
    pub(in crate::pickle) dtype: DType,
    pub(in crate::pickle) shape: Vec<usize>,
    /// Whether the bytes are in column-major order. Object items are always in row-major order.
    pub(in crate::pickle) fortran: bool,
    pub(in crate::pickle) data: ArrayData,
}

/// Where the items of an array are.
#[derive(Debug)]
pub(in crate::pickle) enum ArrayData {
    /// As bytes in the file.
    Span(Range<usize>),
    /// In a value of the tree that owns its bytes.
    Bytes(NodeId),
    /// Values of the tree, in row-major order.
    Objects(Vec<NodeId>),
}

/// A numpy array in its tree.
#[derive(Clone, Copy)]
pub struct ArrayView<'t> {
    tree: &'t Tree,
    array: &'t Array,
}

impl<'t> ArrayView<'t> {
    pub(in crate::pickle) fn new(tree: &'t Tree, array: &'t Array) -> ArrayView<'t> {
        ArrayView { tree, array }
    }

    /// The type of its items.
    pub fn dtype(self) -> DType {
        self.array.dtype
    }

    /// Its shape; empty for a zero-dimensional array.
    pub fn shape(self) -> &'t [usize] {
        &self.array.shape
    }

    /// How many items it has.
    pub fn len(self) -> usize {
        self.array.shape.iter().product()
    }

    /// Whether it has no item.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The items in row-major order as `float64`, from any float, integer or bool dtype.
    ///
    /// # Errors
    /// If the items are text, bytes or objects.
    pub fn to_f64(self) -> Result<Vec<f64>> {
        let dtype = self.array.dtype;
        self.map_items(|item| match dtype.kind {
            ItemKind::Float => float(item),
            ItemKind::UInt => Some(unsigned(item) as f64),
            ItemKind::Int => Some(signed(item) as f64),
            ItemKind::Bool => Some(f64::from(u8::from(item[0] != 0))),
            _ => None,
        })
        .ok_or_else(|| Error::bad_artifact(format!("expected an array of numbers, found one of {:?}", dtype.kind)))
    }

    /// The items in row-major order as `int64`, from any integer or bool dtype.
    ///
    /// # Errors
    /// If the items are not integers, or one is above `i64::MAX`.
    pub fn to_i64(self) -> Result<Vec<i64>> {
        let dtype = self.array.dtype;
        self.map_items(|item| match dtype.kind {
            ItemKind::Int => Some(signed(item)),
            ItemKind::UInt => i64::try_from(unsigned(item)).ok(),
            ItemKind::Bool => Some(i64::from(item[0] != 0)),
            _ => None,
        })
        .ok_or_else(|| Error::bad_artifact(format!("expected an array of integers, found one of {:?}", dtype.kind)))
    }

    /// The items in row-major order as unsigned integers, from an unsigned dtype.
    ///
    /// # Errors
    /// If the items are not unsigned integers.
    pub fn to_u64(self) -> Result<Vec<u64>> {
        let dtype = self.array.dtype;
        self.map_items(|item| (dtype.kind == ItemKind::UInt).then(|| unsigned(item))).ok_or_else(|| {
            Error::bad_artifact(format!("expected an array of unsigned integers, found one of {:?}", dtype.kind))
        })
    }

    /// The items in row-major order as text, from a `U<n>` dtype (trailing NULs are padding).
    ///
    /// # Errors
    /// If the items are not text, or not Unicode.
    pub fn to_text(self) -> Result<Vec<String>> {
        let mut texts = Vec::with_capacity(self.len());
        self.each_text(|text| texts.push(text.to_owned()))?;
        Ok(texts)
    }

    /// Calls `each` for every item of a `U<n>` dtype, in row-major order.
    ///
    /// # Errors
    /// As for [`ArrayView::to_text`].
    pub fn each_text(self, mut each: impl FnMut(&str)) -> Result<()> {
        let dtype = self.array.dtype;
        if dtype.kind != ItemKind::Text {
            return Err(Error::bad_artifact(format!("expected an array of text, found one of {:?}", dtype.kind)));
        }
        let mut read = String::new();
        let is_whole = self.each_item(|item| {
            read.clear();
            push_text(item, &mut read).map(|()| each(&read))
        });
        is_whole.ok_or_else(|| Error::bad_artifact("an array of text holds something that is not Unicode"))
    }

    /// The items in row-major order as bytes, from an `S<n>` dtype (trailing NULs are padding).
    ///
    /// # Errors
    /// If the items are not bytes.
    pub fn to_bytes(self) -> Result<Vec<Vec<u8>>> {
        let dtype = self.array.dtype;
        self.map_items(|item| (dtype.kind == ItemKind::Bytes).then(|| unpadded(item).to_vec()))
            .ok_or_else(|| Error::bad_artifact(format!("expected an array of bytes, found one of {:?}", dtype.kind)))
    }

    /// The items of an object array, in row-major order.
    pub fn objects(self) -> Option<impl ExactSizeIterator<Item = Value<'t>> + use<'t>> {
        let tree = self.tree;
        match &self.array.data {
            ArrayData::Objects(items) => Some(items.iter().map(move |id| Value::new(tree, *id))),
            _ => None,
        }
    }

    /// Maps each item's bytes, converted to little-endian, with `read`, in row-major order.
    fn map_items<T>(self, read: impl Fn(&[u8]) -> Option<T>) -> Option<Vec<T>> {
        // The length was checked against the bytes of the file.
        let mut items = Vec::with_capacity(self.len());
        self.each_item(|item| {
            items.push(read(item)?);
            Some(())
        })?;
        Some(items)
    }

    /// Calls `read` for each item's bytes, converted to little-endian, in row-major order, until it returns `None`.
    fn each_item(self, mut read: impl FnMut(&[u8]) -> Option<()>) -> Option<()> {
        let bytes: &[u8] = match &self.array.data {
            ArrayData::Span(span) => self.tree.bytes.get(span.clone())?,
            ArrayData::Bytes(id) => match self.tree.nodes.get(id.0 as usize)? {
                Node::OwnedBytes(bytes) => bytes,
                _ => return None,
            },
            ArrayData::Objects(_) => return None,
        };
        let dtype = self.array.dtype;
        if dtype.item_size == 0 {
            return (0..self.len()).try_for_each(|_| read(&[]));
        }
        let mut turned = Vec::new();
        let mut read = |item: &[u8]| {
            if !dtype.big_endian {
                return read(item);
            }
            turned.clear();
            turned.extend(item.chunks(dtype.unit()).flat_map(|unit| unit.iter().rev()));
            read(&turned)
        };
        if !self.array.fortran || self.array.shape.len() < 2 {
            return bytes.chunks_exact(dtype.item_size).try_for_each(read);
        }
        ColumnMajor::new(&self.array.shape)
            .try_for_each(|index| read(bytes.get(index * dtype.item_size..)?.get(..dtype.item_size)?))
    }
}

/// The indices of a column-major array's items, in row-major order.
struct ColumnMajor<'s> {
    shape: &'s [usize],
    strides: Vec<usize>,
    index: Vec<usize>,
    offset: usize,
    left: usize,
}

impl<'s> ColumnMajor<'s> {
    fn new(shape: &'s [usize]) -> ColumnMajor<'s> {
        let strides =
            shape.iter().scan(1, |stride, length| Some(std::mem::replace(stride, *stride * length))).collect();
        ColumnMajor { shape, strides, index: vec![0; shape.len()], offset: 0, left: shape.iter().product() }
    }
}

impl Iterator for ColumnMajor<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let current = self.offset;
        for axis in (0..self.shape.len()).rev() {
            self.index[axis] += 1;
            self.offset += self.strides[axis];
            if self.index[axis] < self.shape[axis] {
                break;
            }
            self.offset -= self.strides[axis] * self.shape[axis];
            self.index[axis] = 0;
        }
        Some(current)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl DType {
    /// The number of bytes that are swapped together when the byte order is converted.
    fn unit(self) -> usize {
        match self.kind {
            ItemKind::Text => 4,
            ItemKind::Bytes => 1,
            _ => self.item_size,
        }
    }

    /// The value of one item, given as its bytes. `None` for text that is not Unicode.
    pub(in crate::pickle) fn scalar(self, item: &[u8]) -> Option<Node> {
        let little: Vec<u8> = match self.big_endian {
            true => item.chunks(self.unit().max(1)).flat_map(|unit| unit.iter().rev().copied()).collect(),
            false => item.to_vec(),
        };
        Some(match self.kind {
            ItemKind::Float => Node::Float(float(&little)?),
            ItemKind::Int => Node::Int(signed(&little)),
            ItemKind::UInt => i64::try_from(unsigned(&little)).map_or(Node::BigInt, Node::Int),
            ItemKind::Bool => Node::Bool(little.first().is_some_and(|byte| *byte != 0)),
            ItemKind::Text => Node::OwnedText(text(&little)?.into()),
            ItemKind::Bytes => Node::OwnedBytes(unpadded(&little).into()),
            ItemKind::Object => return None,
        })
    }
}

/// IEEE 754 binary16, binary32 or binary64, exactly.
fn float(little_endian: &[u8]) -> Option<f64> {
    match little_endian.len() {
        8 => Some(f64::from_le_bytes(little_endian.try_into().ok()?)),
        4 => Some(f64::from(f32::from_le_bytes(little_endian.try_into().ok()?))),
        2 => Some(half_to_f64(u16::from_le_bytes(little_endian.try_into().ok()?))),
        _ => None,
    }
}

/// UTF-32 with trailing NULs as padding.
fn text(little_endian: &[u8]) -> Option<String> {
    let mut text = String::new();
    push_text(little_endian, &mut text)?;
    Some(text)
}

fn push_text(little_endian: &[u8], text: &mut String) -> Option<()> {
    let (units, _) = little_endian.as_chunks::<4>();
    let units = units.get(..units.iter().rposition(|unit| *unit != [0; 4]).map_or(0, |last| last + 1))?;
    for unit in units {
        text.push(char::from_u32(u32::from_le_bytes(*unit))?);
    }
    Some(())
}

/// Bytes without trailing NULs.
fn unpadded(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    bytes.get(..end).unwrap_or_default()
}

fn unsigned(little_endian: &[u8]) -> u64 {
    little_endian.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

fn signed(little_endian: &[u8]) -> i64 {
    let shift = 64 - 8 * little_endian.len() as u32;
    (unsigned(little_endian) << shift) as i64 >> shift
}
