//! What a pickle says, as data: a tree of values in one arena.
//!
//! Values refer to each other by number, so that a hostile file can share, nest or cycle as it likes without recursion,
//! reference counts or a deep drop; [`Tree`]s are only made once such shapes have been refused. Text and array bytes are
//! spans of the (uncompressed) file.

use std::ops::Range;

use super::allow_list::Name;
use crate::error::{Error, Place, Result};

/// A pickle that was read: the file's bytes and the values made of them.
#[derive(Debug)]
pub struct Tree {
    pub(super) bytes: Vec<u8>,
    pub(super) nodes: Vec<Node>,
    pub(super) root: NodeId,
}

/// The number of a value in its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct NodeId(pub(super) u32);

/// One value.
#[derive(Debug)]
pub(super) enum Node {
    None,
    Bool(bool),
    Int(i64),
    /// An integer outside `i64`: nothing that is read needs its value.
    BigInt,
    Float(f64),
    /// UTF-8 text in the file.
    Text(Range<usize>),
    /// Text that does not stand in the file as it is (escapes of protocol 0).
    OwnedText(Box<str>),
    Bytes(Range<usize>),
    /// Bytes that do not stand in the file as they are (`_codecs.encode` of protocol 2).
    OwnedBytes(Box<[u8]>),
    List(Vec<NodeId>),
    Tuple(Vec<NodeId>),
    Set(Vec<NodeId>),
    Dict(Vec<(NodeId, NodeId)>),
    /// A class or function that the file names. Inert: nothing is ever imported or called.
    Symbol(Box<Name>),
    /// An instance of an allowed class, or a call of an allowed constructor, kept as what was said.
    Object {
        class: NodeId,
        arguments: NodeId,
        state: Option<NodeId>,
        byte: usize,
    },
    DType(DType),
    Array(Box<Array>),
}

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

/// A numpy array whose shape, item size and byte count have been found to agree.
#[derive(Debug)]
pub(super) struct Array {
    pub(super) dtype: DType,
    pub(super) shape: Vec<usize>,
    /// Whether the bytes are in column-major order. Object items always stand in row-major order.
    pub(super) fortran: bool,
    pub(super) data: ArrayData,
}

/// Where the items of an array are.
#[derive(Debug)]
pub(super) enum ArrayData {
    /// As bytes in the file.
    Span(Range<usize>),
    /// In a value of the tree that holds bytes of its own.
    Bytes(NodeId),
    /// Values of the tree, in row-major order.
    Objects(Vec<NodeId>),
}

impl Node {
    /// What kind of value this is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Node::None => "None",
            Node::Bool(_) => "a bool",
            Node::Int(_) | Node::BigInt => "an integer",
            Node::Float(_) => "a float",
            Node::Text(_) | Node::OwnedText(_) => "text",
            Node::Bytes(_) | Node::OwnedBytes(_) => "bytes",
            Node::List(_) => "a list",
            Node::Tuple(_) => "a tuple",
            Node::Set(_) => "a set",
            Node::Dict(_) => "a dict",
            Node::Symbol(_) => "a class or function",
            Node::Object { .. } => "an object",
            Node::DType(_) => "a dtype",
            Node::Array(_) => "an array",
        }
    }
}

impl Tree {
    /// The value that the pickle stands for.
    pub fn root(&self) -> Value<'_> {
        Value { tree: self, id: self.root }
    }

    /// How many bytes the file has once uncompressed.
    pub fn plain_bytes(&self) -> usize {
        self.bytes.len()
    }
}

/// A value in its tree. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Value<'t> {
    tree: &'t Tree,
    id: NodeId,
}

impl<'t> Value<'t> {
    fn node(self) -> &'t Node {
        &self.tree.nodes[self.id.0 as usize]
    }

    fn other(self, id: NodeId) -> Value<'t> {
        Value { tree: self.tree, id }
    }

    /// What kind of value this is, in Python's words, for messages: `a list`, `None`, `sklearn….StandardScaler`.
    pub fn describe(self) -> String {
        match self.node() {
            Node::None => "None".into(),
            Node::Bool(value) => if *value { "True" } else { "False" }.into(),
            Node::Int(value) => format!("the integer {value}"),
            Node::BigInt => "a large integer".into(),
            Node::Float(value) => format!("the float {value}"),
            Node::Text(_) | Node::OwnedText(_) => {
                let text = self.as_str().unwrap_or_default();
                format!("the text {:?}", text.chars().take(80).collect::<String>())
            }
            Node::Bytes(_) | Node::OwnedBytes(_) => "bytes".into(),
            Node::List(items) => format!("a list of {}", items.len()),
            Node::Tuple(items) => format!("a tuple of {}", items.len()),
            Node::Set(items) => format!("a set of {}", items.len()),
            Node::Dict(items) => format!("a dict of {}", items.len()),
            Node::Symbol(symbol) => format!("{}.{}", symbol.module, symbol.name),
            Node::Object { .. } => match self.class() {
                Some((module, name)) => format!("{module}.{name}"),
                None => "an object".into(),
            },
            Node::DType(dtype) => format!("a dtype ({:?}, {} bytes)", dtype.kind, dtype.item_size),
            Node::Array(array) => format!("an array of shape {:?} ({:?})", array.shape, array.dtype.kind),
        }
    }

    /// Whether this is `None`.
    pub fn is_none(self) -> bool {
        matches!(self.node(), Node::None)
    }

    /// A `bool`, also from a numpy scalar (which the reader unwraps).
    pub fn as_bool(self) -> Option<bool> {
        match self.node() {
            Node::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// An `int` that fits `i64`.
    pub fn as_i64(self) -> Option<i64> {
        match self.node() {
            Node::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// A `float`.
    pub fn as_float(self) -> Option<f64> {
        match self.node() {
            Node::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// A `float`, or an `int` or `bool` as one, as Python's arithmetic would take it.
    pub fn as_number(self) -> Option<f64> {
        match self.node() {
            Node::Float(value) => Some(*value),
            Node::Int(value) => Some(*value as f64),
            Node::Bool(value) => Some(f64::from(u8::from(*value))),
            _ => None,
        }
    }

    /// Text.
    pub fn as_str(self) -> Option<&'t str> {
        match self.node() {
            // The reader has checked every text of the file.
            Node::Text(span) => std::str::from_utf8(self.tree.bytes.get(span.clone())?).ok(),
            Node::OwnedText(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a list, a tuple or a set.
    pub fn items(self) -> Option<impl ExactSizeIterator<Item = Value<'t>> + use<'t>> {
        match self.node() {
            Node::List(items) | Node::Tuple(items) | Node::Set(items) => {
                Some(items.iter().map(move |id| self.other(*id)))
            }
            _ => None,
        }
    }

    /// The items of a tuple or list that has exactly `N`.
    pub fn array_of<const N: usize>(self) -> Option<[Value<'t>; N]> {
        match self.node() {
            Node::List(items) | Node::Tuple(items) => {
                let ids: &[NodeId; N] = items.as_slice().try_into().ok()?;
                Some(ids.map(|id| self.other(id)))
            }
            _ => None,
        }
    }

    /// The entries of a dict, in the file's order. Of a key that is set twice the last one counts: see [`Value::get`].
    pub fn entries(self) -> Option<impl ExactSizeIterator<Item = (Value<'t>, Value<'t>)> + use<'t>> {
        match self.node() {
            Node::Dict(entries) => Some(entries.iter().map(move |(key, value)| (self.other(*key), self.other(*value)))),
            _ => None,
        }
    }

    /// The value of a text key of a dict.
    pub fn get(self, key: &str) -> Option<Value<'t>> {
        match self.node() {
            Node::Dict(entries) => {
                let (_, value) = entries.iter().rev().find(|(name, _)| self.other(*name).as_str() == Some(key))?;
                Some(self.other(*value))
            }
            _ => None,
        }
    }

    /// Module and name of a symbol: a class or function that the file only names.
    pub fn symbol(self) -> Option<(&'t str, &'t str)> {
        match self.node() {
            Node::Symbol(symbol) => Some((symbol.module, symbol.name)),
            _ => None,
        }
    }

    /// Module and name of the class of an object.
    pub fn class(self) -> Option<(&'t str, &'t str)> {
        match self.node() {
            Node::Object { class, .. } => self.other(*class).symbol(),
            _ => None,
        }
    }

    /// The arguments that an object was made with: a tuple.
    pub fn arguments(self) -> Option<Value<'t>> {
        match self.node() {
            Node::Object { arguments, .. } => Some(self.other(*arguments)),
            _ => None,
        }
    }

    /// The state that an object was given: for an estimator the dict of its attributes.
    pub fn state(self) -> Option<Value<'t>> {
        match self.node() {
            Node::Object { state, .. } => state.map(|id| self.other(id)),
            _ => None,
        }
    }

    /// An attribute of an object.
    pub fn attribute(self, name: &str) -> Option<Value<'t>> {
        self.state()?.get(name)
    }

    /// Where in the (uncompressed) file an object was made.
    pub fn byte(self) -> Option<usize> {
        match self.node() {
            Node::Object { byte, .. } => Some(*byte),
            _ => None,
        }
    }

    /// A dtype.
    pub fn as_dtype(self) -> Option<DType> {
        match self.node() {
            Node::DType(dtype) => Some(*dtype),
            _ => None,
        }
    }

    /// A numpy array.
    pub fn as_array(self) -> Option<ArrayView<'t>> {
        match self.node() {
            Node::Array(array) => Some(ArrayView { tree: self.tree, array }),
            _ => None,
        }
    }

    /// An error about this value.
    pub fn error(self, message: impl Into<String>) -> Error {
        let error = Error::bad_artifact(message);
        match self.byte() {
            Some(byte) => error.at(Place::byte(byte)),
            None => error,
        }
    }
}

impl std::fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.describe())
    }
}

/// A numpy array in its tree.
#[derive(Clone, Copy)]
pub struct ArrayView<'t> {
    tree: &'t Tree,
    array: &'t Array,
}

impl<'t> ArrayView<'t> {
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
    /// When the items are text, bytes or objects.
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
    /// When the items are not integers, or one is above `i64::MAX`.
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

    /// The items in row-major order as text, from a `U<n>` dtype (trailing NULs are padding).
    ///
    /// # Errors
    /// When the items are not text, or not Unicode.
    pub fn to_text(self) -> Result<Vec<String>> {
        let dtype = self.array.dtype;
        if dtype.kind != ItemKind::Text {
            return Err(Error::bad_artifact(format!("expected an array of text, found one of {:?}", dtype.kind)));
        }
        self.map_items(text).ok_or_else(|| Error::bad_artifact("an array of text holds something that is not Unicode"))
    }

    /// The items of an object array, in row-major order.
    pub fn objects(self) -> Option<impl ExactSizeIterator<Item = Value<'t>> + use<'t>> {
        let tree = self.tree;
        match &self.array.data {
            ArrayData::Objects(items) => Some(items.iter().map(move |id| Value { tree, id: *id })),
            _ => None,
        }
    }

    /// Calls `read` for each item's bytes, turned little-endian, in row-major order.
    fn map_items<T>(self, read: impl Fn(&[u8]) -> Option<T>) -> Option<Vec<T>> {
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
            return (0..self.len()).map(|_| read(&[])).collect();
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
            return bytes.chunks_exact(dtype.item_size).map(read).collect();
        }
        ColumnMajor::new(&self.array.shape)
            .map(|index| read(bytes.get(index * dtype.item_size..)?.get(..dtype.item_size)?))
            .collect()
    }
}

/// Where the items of a column-major array stand, visited in row-major order.
struct ColumnMajor<'s> {
    shape: &'s [usize],
    index: Vec<usize>,
    offset: usize,
    left: usize,
}

impl<'s> ColumnMajor<'s> {
    fn new(shape: &'s [usize]) -> ColumnMajor<'s> {
        ColumnMajor { shape, index: vec![0; shape.len()], offset: 0, left: shape.iter().product() }
    }
}

impl Iterator for ColumnMajor<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let current = self.offset;
        let mut strides: usize = self.shape.iter().product();
        for (length, index) in self.shape.iter().zip(&mut self.index).rev() {
            strides /= length;
            *index += 1;
            self.offset += strides;
            if *index < *length {
                break;
            }
            self.offset -= strides * *length;
            *index = 0;
        }
        Some(current)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl DType {
    /// How many bytes change places together between the byte orders.
    fn unit(self) -> usize {
        match self.kind {
            ItemKind::Text => 4,
            ItemKind::Bytes => 1,
            _ => self.item_size,
        }
    }

    /// The value of one item, given as its bytes. None for text that is not Unicode.
    pub(super) fn scalar(self, item: &[u8]) -> Option<Node> {
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
            ItemKind::Bytes => {
                let end = little.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
                Node::OwnedBytes(little.get(..end)?.into())
            }
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

/// UTF-32, of which trailing NULs are padding.
fn text(little_endian: &[u8]) -> Option<String> {
    let (units, _) = little_endian.as_chunks::<4>();
    let mut text = units.iter().map(|unit| char::from_u32(u32::from_le_bytes(*unit))).collect::<Option<String>>()?;
    text.truncate(text.trim_end_matches('\0').len());
    Some(text)
}

fn unsigned(little_endian: &[u8]) -> u64 {
    little_endian.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

fn signed(little_endian: &[u8]) -> i64 {
    let shift = 64 - 8 * little_endian.len() as u32;
    (unsigned(little_endian) << shift) as i64 >> shift
}

/// IEEE 754 binary16 to binary64, exactly.
fn half_to_f64(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let exponent = i32::from(bits >> 10 & 0x1f);
    let fraction = f64::from(bits & 0x3ff);
    sign * match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
    }
}
