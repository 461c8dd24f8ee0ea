//! The content of a pickle as data: a tree of values in one arena.
//!
//! Values refer to each other by index, so that the sharing, nesting and cycles of a hostile file cause no recursion,
//! reference counts or deep drops; a [`Tree`] is only made after such shapes have been refused. Text and array bytes
//! are spans of the (uncompressed) file.

pub(super) mod array;

use std::collections::HashMap;
use std::ops::Range;

use byoc_account::Allowance;

use super::allow_list::Name;
use crate::error::{Error, Place};
use array::{Array, ArrayView, DType};

/// A pickle that was read: the file's bytes and the values in them.
#[derive(Debug)]
pub struct Tree {
    pub(super) bytes: Vec<u8>,
    pub(super) nodes: Vec<Node>,
    pub(super) root: NodeId,
    /// Bytes that were taken from the allowance while it was read.
    pub(super) held: usize,
    /// Whether the bytes are those of the file, so that a position in them is one in the file.
    pub(super) is_of_file: bool,
    /// Whether it was made from JSON, so that messages describe values in JSON's terms.
    pub(super) is_of_json: bool,
}

/// The index of a value in its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct NodeId(pub(super) u32);

/// One value.
#[derive(Debug)]
pub(super) enum Node {
    None,
    Bool(bool),
    Int(i64),
    /// An integer outside `i64`: no supported attribute needs its value.
    BigInt,
    Float(f64),
    /// UTF-8 text in the file.
    Text(Range<usize>),
    /// Text that is not in the file verbatim (escapes of protocol 0).
    OwnedText(Box<str>),
    Bytes(Range<usize>),
    /// Bytes that are not in the file verbatim (`_codecs.encode` of protocol 2).
    OwnedBytes(Box<[u8]>),
    List(Vec<NodeId>),
    Tuple(Vec<NodeId>),
    Set(Vec<NodeId>),
    Dict(Vec<(NodeId, NodeId)>),
    /// A class or function that the file names. Nothing is ever imported or called.
    Symbol(Box<Name>),
    /// The name of a class or function that is not on the list: only in an [`Outline`](super::Outline).
    Unlisted(Box<UnlistedName>),
    /// An instance of an allowed class, or a call of an allowed constructor, as written.
    Object {
        class: NodeId,
        arguments: NodeId,
        state: Option<NodeId>,
        byte: usize,
    },
    DType(DType),
    Array(Box<Array>),
}

/// A class or function that is not on the list.
#[derive(Debug)]
pub(super) struct UnlistedName {
    pub(super) module: Box<str>,
    pub(super) name: Box<str>,
}

impl Node {
    /// Bytes on the heap, without the items of lists, tuples, sets and dicts, which are counted as they grow.
    pub(super) fn own_bytes(&self) -> usize {
        match self {
            Node::OwnedText(text) => text.len(),
            Node::OwnedBytes(bytes) => bytes.len(),
            Node::Symbol(name) => size_of_val(&**name),
            Node::Unlisted(name) => size_of_val(&**name) + name.module.len() + name.name.len(),
            Node::Array(array) => size_of_val(&**array) + array.shape.capacity() * size_of::<usize>(),
            _ => 0,
        }
    }

    /// The length of a text or bytes; 0 for other values.
    pub(super) fn text_bytes(&self) -> usize {
        match self {
            Node::Text(span) | Node::Bytes(span) => span.len(),
            Node::OwnedText(text) => text.len(),
            Node::OwnedBytes(bytes) => bytes.len(),
            _ => 0,
        }
    }

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
            Node::Symbol(_) | Node::Unlisted(_) => "a class or function",
            Node::Object { .. } => "an object",
            Node::DType(_) => "a dtype",
            Node::Array(_) => "an array",
        }
    }
}

impl Tree {
    /// Marks the tree as made from a JSON document: its errors say `null` instead of `None`, and name no bytes.
    pub fn of_json(self) -> Tree {
        Tree { is_of_json: true, is_of_file: false, ..self }
    }

    /// The value of the pickle.
    pub fn root(&self) -> Value<'_> {
        Value { tree: self, id: self.root }
    }

    /// Drops the tree and gives its memory back.
    pub fn give_back_to(self, allowance: &Allowance) {
        let held = self.held;
        drop(self);
        allowance.give_back(held);
    }

    /// Whether the file names a class or a function of a module.
    pub fn names(&self, module: &str) -> bool {
        self.nodes.iter().any(|node| matches!(node, Node::Symbol(name) if name.module == module))
    }

    /// The size of the uncompressed file in bytes.
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
    /// The value of an index in a tree.
    pub(super) fn new(tree: &'t Tree, id: NodeId) -> Value<'t> {
        Value { tree, id }
    }

    fn node(self) -> &'t Node {
        &self.tree.nodes[self.id.0 as usize]
    }

    fn other(self, id: NodeId) -> Value<'t> {
        Value { tree: self.tree, id }
    }

    /// The index of the value in its tree: the same at each reference to it.
    pub fn id(self) -> u32 {
        self.id.0
    }

    /// The values of a dict by its text keys, for lookups of many keys. If a key is set twice, the last value counts.
    pub fn by_text(self) -> Option<HashMap<&'t str, Value<'t>>> {
        let entries = self.entries()?;
        Some(entries.filter_map(|(key, value)| Some((key.as_str()?, value))).collect())
    }

    /// The kind of value, in Python's terms, for messages: `a list`, `None`, or the name of a class.
    pub fn describe(self) -> String {
        match self.node() {
            Node::None if self.tree.is_of_json => "null".into(),
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
            Node::List(items) => format!("a list of {}", item_count(items.len())),
            Node::Tuple(items) => format!("a tuple of {}", item_count(items.len())),
            Node::Set(items) => format!("a set of {}", item_count(items.len())),
            Node::Dict(items) => format!("a dict of {}", item_count(items.len())),
            Node::Symbol(symbol) => format!("{}.{}", symbol.module, symbol.name),
            Node::Unlisted(symbol) => format!("{}.{}", symbol.module, symbol.name),
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

    /// The number of bytes of a text, without reading them; 0 for any other value.
    pub fn text_bytes(self) -> usize {
        match self.node() {
            Node::Text(_) | Node::OwnedText(_) => self.node().text_bytes(),
            _ => 0,
        }
    }

    /// Whether this is a text, without reading it.
    pub fn is_some_text(self) -> bool {
        matches!(self.node(), Node::Text(_) | Node::OwnedText(_))
    }

    /// Text. Counts as a scan of all of it.
    pub fn as_str(self) -> Option<&'t str> {
        match self.node() {
            // The reader has checked every text of the file.
            Node::Text(span) => std::str::from_utf8(self.tree.bytes.get(span.clone())?).ok(),
            Node::OwnedText(text) => Some(text),
            _ => None,
        }
    }

    /// Whether this is a text, and which.
    fn is_text(self, text: &str) -> bool {
        match self.node() {
            Node::Text(span) => self.tree.bytes.get(span.clone()) == Some(text.as_bytes()),
            Node::OwnedText(own) => **own == *text,
            _ => false,
        }
    }

    /// Bytes.
    pub fn as_bytes(self) -> Option<&'t [u8]> {
        match self.node() {
            Node::Bytes(span) => self.tree.bytes.get(span.clone()),
            Node::OwnedBytes(bytes) => Some(bytes),
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

    /// The entries of a dict, in the file's order. If a key is set twice, the last one counts: see [`Value::get`].
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
                let (_, value) = entries.iter().rev().find(|(name, _)| self.other(*name).is_text(key))?;
                Some(self.other(*value))
            }
            _ => None,
        }
    }

    /// Module and name of a symbol: a class or function that the file only names.
    pub fn symbol(self) -> Option<(&'t str, &'t str)> {
        match self.node() {
            Node::Symbol(symbol) => Some((symbol.module, symbol.name)),
            Node::Unlisted(symbol) => Some((&symbol.module, &symbol.name)),
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

    /// Whether this is an object of a class that is not on the list: only in an [`Outline`](super::Outline).
    pub fn is_unlisted(self) -> bool {
        match self.node() {
            Node::Object { class, .. } => !matches!(self.other(*class).node(), Node::Symbol(_)),
            _ => false,
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

    /// The position in the (uncompressed) file at which an object was created, if the tree has the bytes of the file.
    pub fn byte(self) -> Option<usize> {
        match self.node() {
            Node::Object { byte, .. } => Some(*byte).filter(|_| self.tree.is_of_file),
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
            Node::Array(array) => Some(ArrayView::new(self.tree, array)),
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

fn item_count(count: usize) -> String {
    format!("{count} {}", if count == 1 { "item" } else { "items" })
}

impl std::fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.describe())
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;
    use crate::testing::SCIKIT_LEARN;

    /// A tree made by a program without its STOP.
    fn tree(program: &[u8]) -> Tree {
        read([program, b"."].concat(), SCIKIT_LEARN, &Allowance::unbounded()).unwrap()
    }

    #[test]
    fn each_kind_of_value_is_accessible_only_as_its_own_kind() {
        type Check = fn(Value<'_>) -> bool;
        let answers: [(&str, Check); 12] = [
            ("none", |value| value.is_none()),
            ("bool", |value| value.as_bool() == Some(true)),
            ("int", |value| value.as_i64() == Some(7)),
            ("float", |value| value.as_float() == Some(2.5)),
            ("text", |value| value.as_str() == Some("ab")),
            ("bytes", |value| value.as_bytes() == Some(b"ab")),
            ("items", |value| value.items().is_some_and(|items| items.len() == 1)),
            ("dict", |value| value.entries().is_some_and(|entries| entries.len() == 1)),
            ("symbol", |value| value.symbol() == Some(("numpy", "float64"))),
            ("object", |value| value.class() == Some(("sklearn.pipeline", "Pipeline"))),
            ("dtype", |value| value.as_dtype().is_some_and(|dtype| dtype.item_size == 8)),
            ("array", |value| value.as_array().is_some_and(|array| array.is_empty())),
        ];
        let programs: [(&str, &[u8]); 14] = [
            ("none", b"N"),
            ("bool", b"\x88"),
            ("int", b"K\x07"),
            ("float", b"G@\x04\0\0\0\0\0\0"),
            ("text", b"\x8c\x02ab"),
            ("bytes", b"C\x02ab"),
            ("items", b"]Na"),
            ("items", b"N\x85"),
            ("items", b"\x8f(N\x90"),
            ("dict", b"}\x8c\x01aNs"),
            ("symbol", b"cnumpy\nfloat64\n"),
            ("object", b"csklearn.pipeline\nPipeline\n)\x81"),
            ("dtype", b"cnumpy\ndtype\n\x8c\x02f8\x85R"),
            ("array", b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\0\x85C\x01btR"),
        ];
        for (kind, program) in programs {
            let tree = tree(program);
            for (asked, answer) in answers {
                assert_eq!(answer(tree.root()), asked == kind, "{asked} of {kind}");
            }
        }
    }

    #[test]
    fn a_number_is_a_float_an_int_or_a_bool() {
        for (program, number) in
            [(&b"\x89"[..], Some(0.0)), (b"K\x07", Some(7.0)), (b"G@\x04\0\0\0\0\0\0", Some(2.5)), (b"N", None)]
        {
            assert_eq!(tree(program).root().as_number(), number, "{program:?}");
        }
    }

    #[test]
    fn attributes_are_found_by_name_and_the_last_of_a_name_counts() {
        let tree = tree(b"csklearn.pipeline\nPipeline\n)\x81}(\x8c\x01aK\x01\x8c\x01bK\x02\x8c\x01aK\x03ub");
        assert_eq!(tree.root().attribute("a").and_then(Value::as_i64), Some(3));
        assert_eq!(tree.root().attribute("b").and_then(Value::as_i64), Some(2));
        assert!(tree.root().attribute("c").is_none());
    }

    #[test]
    fn the_arguments_of_a_constructor_are_kept() {
        let tree = tree(b"cbuiltins\nslice\n(K\x01NK\x02tR");
        assert_eq!(tree.root().class(), Some(("builtins", "slice")));
        let [start, stop, step] = tree.root().arguments().unwrap().array_of::<3>().unwrap();
        assert_eq!((start.as_i64(), stop.is_none(), step.as_i64()), (Some(1), true, Some(2)));
        assert!(tree.root().arguments().unwrap().array_of::<2>().is_none());
        assert!(tree.root().state().is_none());
    }

    #[test]
    fn an_error_about_an_object_says_where_it_was_made() {
        let tree = tree(b"(csklearn.pipeline\nPipeline\n)\x81l");
        let object = tree.root().items().unwrap().next().unwrap();
        assert_eq!(object.byte(), Some(29));
        assert_eq!(object.error("odd").to_string(), "byte 29: odd");
        assert_eq!(tree.root().error("odd").to_string(), "odd");
    }

    #[test]
    fn values_are_described_in_pythons_terms() {
        for (program, words) in [
            (&b"N"[..], "None"),
            (b"\x88", "True"),
            (b"\x8c\x02ab", "the text \"ab\""),
            (b"](NNe", "a list of 2 items"),
            (b"cnumpy\nfloat64\n", "numpy.float64"),
            (b"csklearn.pipeline\nPipeline\n)\x81", "sklearn.pipeline.Pipeline"),
        ] {
            assert_eq!(tree(program).root().describe(), words);
        }
    }
}
