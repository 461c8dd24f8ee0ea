//! The stack machine that executes a pickle's opcodes, but never calls what they name.
//!
//! Every value goes into one arena and is identified by its index, so sharing and cycles cost nothing while reading and
//! nothing is ever dropped recursively. What an opcode may do to the arena is bounded by the bytes that ask for it:
//! work and memory grow with the file, not with how often it refers to the same thing.

use std::ops::Range;

use byoc_account::{Allowance, LeasedGrowth as _};

use super::allow_list::{self, AllowList, Name};
use super::errors::{error, not_listed};
use super::memory::reserve_leased;
use super::opcodes as op;
use super::source::Source;
use super::stack::Stack;
use super::text;
use super::tree::{Node, NodeId, Tree, UnlistedName};
use crate::error::{Error, Place, Result};

/// The maximum number of values in any file. An encoder with a million categories stays well below it.
pub(super) const MAX_VALUES: usize = 1 << 22;

/// The maximum number of values in a small file. A larger file may hold two for each of its bytes on disk: every value
/// takes an opcode, and names and categories do not compress to less. So a bomb cannot hold more values than an honest
/// file of its size.
const MAX_VALUES_OF_SMALL_FILE: usize = 1 << 19;

/// How deep pickles may be nested. joblib writes one for each array of objects, and none inside that one.
const MAX_NESTED_PICKLES: usize = 4;

/// The initial capacity for values.
const FIRST_NODES: usize = 64;

/// The longest name of a class or function that is looked up, in bytes.
const MAX_NAME_LENGTH: usize = 256;

/// The maximum number of items of a tuple that is a key of a dict. They are checked each time it is used as a key.
const MAX_KEY_ITEMS: usize = 16;

/// The machine: the file and the values read from it so far.
pub(super) struct Machine<'a> {
    pub(super) source: Source<'a>,
    pub(super) allowance: &'a Allowance,
    nodes: Vec<Node>,
    /// Bytes that were copied or scanned to make text or bytes that are not in the file verbatim.
    converted: usize,
    nested: usize,
    max_values: usize,
    /// The classes of models that may be named.
    pub(super) list: &'a dyn AllowList,
    pub(super) unlisted: Unlisted,
}

/// How to treat a class or function that is not on the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unlisted {
    /// Refuse the file, as when a model is loaded.
    Refused,
    /// Keep its name, and its instances as objects of that name: for inspection, where no model is built.
    Kept,
}

/// The places of `None`, `True` and `False` in the arena, which exist once.
const NONE: NodeId = NodeId(0);
const TRUE: NodeId = NodeId(1);
const FALSE: NodeId = NodeId(2);

impl<'a> Machine<'a> {
    /// A machine at the first opcode of a file.
    ///
    /// # Errors
    /// If the allowance has no memory for it.
    pub(super) fn new(
        source: Source<'a>,
        list: &'a dyn AllowList,
        unlisted: Unlisted,
        allowance: &'a Allowance,
    ) -> Result<Machine<'a>> {
        let mut nodes = Vec::new();
        nodes.reserve_exact_leased(FIRST_NODES, allowance)?;
        nodes.extend([Node::None, Node::Bool(true), Node::Bool(false)]);
        let max_values = source.size().saturating_mul(2).clamp(MAX_VALUES_OF_SMALL_FILE, MAX_VALUES);
        Ok(Machine { source, allowance, nodes, converted: 0, nested: 0, max_values, list, unlisted })
    }

    /// The values as a tree, once the last pickle has been read.
    pub(super) fn finish(self, root: NodeId) -> Result<Tree> {
        Ok(Tree { bytes: self.source.finish()?, nodes: self.nodes, root, held: 0, is_of_file: true, is_of_json: false })
    }

    /// Reads one pickle up to its STOP and returns its value.
    pub(super) fn run(&mut self) -> Result<NodeId> {
        if self.nested > MAX_NESTED_PICKLES {
            return Err(self.here(format!("arrays of objects are nested deeper than {MAX_NESTED_PICKLES}")));
        }
        self.nested += 1;
        let start = self.source.position();
        let mut stack = Stack::new(self.allowance, start);
        let root = loop {
            let at = self.source.position();
            let opcode = self.source.byte()?;
            match self.step(&mut stack, opcode, at) {
                Ok(None) => {}
                Ok(Some(root)) => break root,
                Err(error) if at == 0 => {
                    return Err(error
                        .context("this does not begin like a joblib file or a pickle")
                        .at(Place::byte(at)));
                }
                Err(error) => return Err(error.at(Place::byte(at))),
            }
        };
        self.nested -= 1;
        Ok(root)
    }

    /// Executes one opcode. STOP returns the value of the pickle.
    pub(super) fn step(&mut self, stack: &mut Stack<'_>, opcode: u8, at: usize) -> Result<Option<NodeId>> {
        match opcode {
            op::PROTO => match self.source.byte()? {
                0..=5 => return Ok(None),
                version => return Err(error(format!("pickle protocol {version}; protocols 0 to 5 are read"))),
            },
            // Writers close a frame before array bytes, so its length adds nothing to the opcodes.
            op::FRAME => {
                let length = self.source.unsigned::<8>()?;
                self.source.claim(length)?;
                return Ok(None);
            }
            op::STOP => {
                let root = stack.pop()?;
                if !stack.is_empty() {
                    return Err(error("the pickle ends with values left over on its stack"));
                }
                return Ok(Some(root));
            }
            op::MARK => return stack.mark().map(|()| None),

            op::PUT => {
                let index = self.decimal_line()?;
                let index = u64::try_from(index).map_err(|_| error("a negative memo index"))?;
                return stack.put(index, self.max_memo(stack, at)).map(|()| None);
            }
            op::BINPUT => {
                let index = self.source.unsigned::<1>()?;
                return stack.put(index, self.max_memo(stack, at)).map(|()| None);
            }
            op::LONG_BINPUT => {
                let index = self.source.unsigned::<4>()?;
                return stack.put(index, self.max_memo(stack, at)).map(|()| None);
            }
            op::MEMOIZE => return stack.memoize(self.max_memo(stack, at)).map(|()| None),

            op::APPEND => {
                let value = stack.pop()?;
                return self.append(stack.top()?, &[value]).map(|()| None);
            }
            op::APPENDS => {
                let values = stack.pop_to_mark()?;
                self.append(stack.top()?, &values)?;
                return self.done_with(values);
            }
            op::ADDITEMS => {
                let values = stack.pop_to_mark()?;
                self.add_to_set(stack.top()?, &values)?;
                return self.done_with(values);
            }
            op::SETITEM => {
                let value = stack.pop()?;
                let key = stack.pop()?;
                return self.set_items(stack.top()?, &[key, value]).map(|()| None);
            }
            op::SETITEMS => {
                let values = stack.pop_to_mark()?;
                self.set_items(stack.top()?, &values)?;
                return self.done_with(values);
            }
            op::BUILD => {
                let state = stack.pop()?;
                let target = stack.pop()?;
                // The memo keeps joblib's array wrapper; only the stack gets the array instead.
                let built = self.build(target, state)?;
                return stack.push(built).map(|()| None);
            }
            _ => {}
        }
        let value = match opcode {
            op::NONE => NONE,
            op::NEWTRUE => TRUE,
            op::NEWFALSE => FALSE,
            op::INT => match self.short_line()? {
                "01" => TRUE,
                "00" => FALSE,
                digits => {
                    let node = text::integer(digits)?;
                    self.add(node)?
                }
            },
            op::LONG => {
                let line = self.short_line()?;
                let node = text::integer(line.strip_suffix('L').unwrap_or(line))?;
                self.add(node)?
            }
            op::BININT => {
                let value = i32::from_le_bytes(self.source.fixed()?);
                self.add(Node::Int(i64::from(value)))?
            }
            op::BININT1 => {
                let value = self.source.byte()?;
                self.add(Node::Int(i64::from(value)))?
            }
            op::BININT2 => {
                let value = u16::from_le_bytes(self.source.fixed()?);
                self.add(Node::Int(i64::from(value)))?
            }
            op::LONG1 => {
                let length = i32::from(self.source.byte()?);
                self.long(length)?
            }
            op::LONG4 => {
                let length = i32::from_le_bytes(self.source.fixed()?);
                self.long(length)?
            }
            op::FLOAT => {
                let line = self.short_line()?;
                let value = line.parse().map_err(|_| error(format!("expected a float, found {line:?}")))?;
                self.add(Node::Float(value))?
            }
            op::BINFLOAT => {
                let value = f64::from_be_bytes(self.source.fixed()?);
                self.add(Node::Float(value))?
            }

            op::UNICODE => {
                let span = self.source.line()?;
                let node = text::raw_unicode_escape(self.source.get(&span), span)?;
                self.add_converted(node)?
            }
            op::SHORT_BINUNICODE => {
                let span = self.source.counted::<1>()?;
                self.unicode(span)?
            }
            op::BINUNICODE => {
                let span = self.source.counted::<4>()?;
                self.unicode(span)?
            }
            op::BINUNICODE8 => {
                let span = self.source.counted::<8>()?;
                self.unicode(span)?
            }
            op::STRING => {
                let span = self.source.line()?;
                let node = text::python2_literal(self.source.get(&span), span)?;
                self.add_converted(node)?
            }
            op::SHORT_BINSTRING => {
                let span = self.source.counted::<1>()?;
                self.python2_string(span)?
            }
            op::BINSTRING => {
                let span = self.source.counted::<4>()?;
                self.python2_string(span)?
            }
            op::SHORT_BINBYTES => {
                let span = self.source.counted::<1>()?;
                self.add(Node::Bytes(span))?
            }
            op::BINBYTES => {
                let span = self.source.counted::<4>()?;
                self.add(Node::Bytes(span))?
            }
            op::BINBYTES8 | op::BYTEARRAY8 => {
                let span = self.source.counted::<8>()?;
                self.add(Node::Bytes(span))?
            }

            op::EMPTY_LIST => self.add(Node::List(Vec::new()))?,
            op::LIST => {
                let items = stack.pop_to_mark()?;
                self.add(Node::List(items))?
            }
            op::EMPTY_TUPLE => self.add(Node::Tuple(Vec::new()))?,
            op::TUPLE => {
                let items = stack.pop_to_mark()?;
                self.add(Node::Tuple(items))?
            }
            op::TUPLE1 => {
                let items = stack.pop_last(1)?;
                self.add(Node::Tuple(items))?
            }
            op::TUPLE2 => {
                let items = stack.pop_last(2)?;
                self.add(Node::Tuple(items))?
            }
            op::TUPLE3 => {
                let items = stack.pop_last(3)?;
                self.add(Node::Tuple(items))?
            }
            op::EMPTY_DICT => self.add(Node::Dict(Vec::new()))?,
            op::DICT => {
                let items = stack.pop_to_mark()?;
                let dict = self.add(Node::Dict(Vec::new()))?;
                self.set_items(dict, &items)?;
                self.done_with(items)?;
                dict
            }
            op::EMPTY_SET => self.add(Node::Set(Vec::new()))?,
            op::FROZENSET => {
                let items = stack.pop_to_mark()?;
                let set = self.add(Node::Set(Vec::new()))?;
                self.add_to_set(set, &items)?;
                self.done_with(items)?;
                set
            }

            op::GET => {
                let index = self.decimal_line()?;
                stack.get(u64::try_from(index).unwrap_or(u64::MAX))?
            }
            op::BINGET => stack.get(self.source.unsigned::<1>()?)?,
            op::LONG_BINGET => stack.get(self.source.unsigned::<4>()?)?,

            op::GLOBAL => {
                let module = self.source.line()?;
                let name = self.source.line()?;
                let named = self.named(self.source.get(&module), self.source.get(&name));
                self.add(named.map_err(|error| self.in_steps(error, stack))?)?
            }
            op::STACK_GLOBAL => {
                let name = stack.pop()?;
                let module = stack.pop()?;
                let (Some(module), Some(name)) = (self.text_bytes(module), self.text_bytes(name)) else {
                    return Err(error("a class or function is named by something that is not text"));
                };
                let named = self.named(module, name);
                self.add(named.map_err(|error| self.in_steps(error, stack))?)?
            }
            op::REDUCE => {
                let arguments = stack.pop()?;
                let function = stack.pop()?;
                self.reduce(function, arguments, at).map_err(|error| self.in_steps(error, stack))?
            }
            op::NEWOBJ => {
                let arguments = stack.pop()?;
                let class = stack.pop()?;
                self.instance(class, arguments, at)?
            }
            op::NEWOBJ_EX if self.unlisted == Unlisted::Kept => {
                let _keywords = stack.pop()?;
                let arguments = stack.pop()?;
                let class = stack.pop()?;
                self.instance(class, arguments, at)?
            }
            op::POP if self.unlisted == Unlisted::Kept => return stack.pop().map(|_| None),
            _ => return Err(refused(opcode)),
        };
        stack.push(value)?;
        Ok(None)
    }

    /// An error at the next byte, with the names that lead there: a named part of another object is written as a
    /// tuple that begins with its name, while the enclosing object waits on the stack with its name before it.
    fn in_steps(&self, error: Error, stack: &Stack<'_>) -> Error {
        let mut segments: Vec<&[NodeId]> = stack.segments().collect();
        let innermost = segments.pop().unwrap_or_default();
        let last = innermost.last();
        let holders = segments.iter().filter_map(|segment| match segment {
            [.., name, object, state] => {
                let is_holder =
                    matches!(self.node(*object), Node::Object { .. }) && matches!(self.node(*state), Node::Dict(_));
                is_holder.then_some(name)
            }
            _ => None,
        });
        // A list of one item is appended to without a mark.
        let is_in_list = innermost
            .len()
            .checked_sub(2)
            .and_then(|before| innermost.get(before))
            .is_some_and(|container| matches!(self.node(*container), Node::List(_)));
        let is_attribute = !is_in_list
            && segments
                .last()
                .and_then(|segment| segment.last())
                .is_some_and(|container| matches!(self.node(*container), Node::Dict(_)));
        let step = |id: &NodeId| self.short_text(*id).map(|name| format!("step {name:?}"));
        let mut path: Vec<String> = holders.filter_map(step).collect();
        path.extend(last.and_then(|id| match is_attribute {
            true => self.short_text(*id).map(|name| format!("attribute {name}")),
            false => step(id),
        }));
        if path.is_empty() { error } else { error.context(path.join(": ")) }
    }

    /// The largest memo index that an opcode at byte `at` may name. Writers number the values of a pickle one by one,
    /// so an index never exceeds the number of bytes before it in the same pickle. (If it were counted from the start
    /// of the file, each of a thousand small nested pickles could have a memo as long as the file.)
    fn max_memo(&self, stack: &Stack<'_>, at: usize) -> usize {
        at.saturating_sub(stack.start()).min(self.max_values)
    }

    /// The number of values.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// A value of the arena.
    pub(super) fn node(&self, id: NodeId) -> &Node {
        // Only `add` makes ids, and the arena never shrinks.
        &self.nodes[id.0 as usize]
    }

    pub(super) fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.0 as usize]
    }

    /// Puts a value into the arena.
    pub(super) fn add(&mut self, node: Node) -> Result<NodeId> {
        if self.nodes.len() >= self.max_values {
            return Err(error(format!("the file holds more than {} values", self.max_values)));
        }
        self.allowance.take(node.own_bytes())?;
        reserve_leased(&mut self.nodes, 1, self.allowance)?;
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(node);
        Ok(id)
    }

    /// Counts bytes that are copied or scanned because of a reference to them. Honest files convert each text that
    /// they hold once, so the total does not exceed the bytes read so far.
    pub(super) fn convert(&mut self, bytes: usize) -> Result<()> {
        self.converted = self.converted.saturating_add(bytes);
        if self.converted > self.source.position() {
            return Err(error("the file converts the same text over and over"));
        }
        Ok(())
    }

    /// Replaces a value by another.
    pub(super) fn replace(&mut self, id: NodeId, node: Node) -> Result<()> {
        self.allowance.take(node.own_bytes())?;
        let before = std::mem::replace(self.node_mut(id), node);
        self.allowance.give_back(before.own_bytes());
        Ok(())
    }

    /// Gives back the memory of the values of one opcode.
    pub(super) fn done_with(&self, values: Vec<NodeId>) -> Result<Option<NodeId>> {
        self.allowance.give_back_items::<NodeId>(values.capacity());
        Ok(None)
    }

    fn add_converted(&mut self, node: Node) -> Result<NodeId> {
        match &node {
            Node::OwnedText(text) => self.convert(text.len() / 2)?,
            Node::OwnedBytes(bytes) => self.convert(bytes.len())?,
            _ => {}
        }
        self.add(node)
    }

    fn long(&mut self, length: i32) -> Result<NodeId> {
        let length = u64::try_from(length).map_err(|_| error("an integer of negative length"))?;
        if length > text::MAX_INTEGER_LENGTH as u64 {
            return Err(error(format!("an integer of {length} bytes; at most {} are read", text::MAX_INTEGER_LENGTH)));
        }
        let span = self.source.take(length)?;
        let node = text::little_endian_integer(self.source.get(&span));
        self.add(node)
    }

    fn unicode(&mut self, span: Range<usize>) -> Result<NodeId> {
        match std::str::from_utf8(self.source.get(&span)) {
            Ok(_) => self.add(Node::Text(span)),
            Err(_) => Err(error("a text is not UTF-8")),
        }
    }

    fn python2_string(&mut self, span: Range<usize>) -> Result<NodeId> {
        let node = text::python2_string(self.source.get(&span), span);
        self.add(node)
    }

    /// A line that holds a number or a keyword.
    fn short_line(&mut self) -> Result<&str> {
        let span = self.source.line()?;
        let line = self.source.get(&span);
        match std::str::from_utf8(line) {
            Ok(line) if line.len() <= text::MAX_NUMBER_LENGTH => Ok(line.trim_end_matches('\r')),
            _ => Err(error(format!("expected a number of at most {} digits", text::MAX_NUMBER_LENGTH))),
        }
    }

    fn decimal_line(&mut self) -> Result<i64> {
        let line = self.short_line()?;
        line.parse().map_err(|_| error(format!("expected a memo index, found {line:?}")))
    }

    /// The UTF-8 bytes of a text, without a scan, so the length does not matter.
    pub(super) fn text_bytes(&self, id: NodeId) -> Option<&[u8]> {
        match self.node(id) {
            Node::Text(span) => Some(self.source.get(span)),
            Node::OwnedText(text) => Some(text.as_bytes()),
            _ => None,
        }
    }

    /// A text, if it is short enough to be a name or a code.
    pub(super) fn short_text(&self, id: NodeId) -> Option<&str> {
        let bytes = self.text_bytes(id).filter(|bytes| bytes.len() <= MAX_NAME_LENGTH)?;
        std::str::from_utf8(bytes).ok()
    }

    /// The class or function that a value names, if it names one.
    pub(super) fn symbol(&self, id: NodeId) -> Option<Name> {
        match self.node(id) {
            Node::Symbol(name) => Some(**name),
            _ => None,
        }
    }

    fn append(&mut self, list: NodeId, values: &[NodeId]) -> Result<()> {
        let (allowance, keeps_unlisted) = (self.allowance, self.unlisted == Unlisted::Kept);
        match self.node_mut(list) {
            Node::List(items) => extend(items, values, allowance)?,
            Node::Object { .. } if keeps_unlisted => {}
            other => return Err(error(format!("items are appended to {}, not to a list", other.kind()))),
        }
        Ok(())
    }

    pub(super) fn add_to_set(&mut self, set: NodeId, values: &[NodeId]) -> Result<()> {
        self.check_keys(values.iter())?;
        let (allowance, keeps_unlisted) = (self.allowance, self.unlisted == Unlisted::Kept);
        match self.node_mut(set) {
            Node::Set(items) => extend(items, values, allowance)?,
            Node::Object { .. } if keeps_unlisted => {}
            other => return Err(error(format!("items are added to {}, not to a set", other.kind()))),
        }
        Ok(())
    }

    fn set_items(&mut self, dict: NodeId, values: &[NodeId]) -> Result<()> {
        let (pairs, odd) = values.as_chunks::<2>();
        if !odd.is_empty() {
            return Err(error("a key of a dict has no value"));
        }
        self.check_keys(pairs.iter().map(|[key, _]| key))?;
        let (allowance, keeps_unlisted) = (self.allowance, self.unlisted == Unlisted::Kept);
        match self.node_mut(dict) {
            Node::Dict(entries) => {
                reserve_leased(entries, pairs.len(), allowance)?;
                entries.extend(pairs.iter().map(|[key, value]| (*key, *value)));
            }
            Node::Object { .. } if keeps_unlisted => {}
            other => return Err(error(format!("entries are set on {}, not on a dict", other.kind()))),
        }
        Ok(())
    }

    /// Refuses keys that Python cannot hash, and kinds of keys that no model has.
    fn check_keys<'k>(&self, mut keys: impl Iterator<Item = &'k NodeId>) -> Result<()> {
        let plain = |id: &NodeId| {
            matches!(
                self.node(*id),
                Node::None
                    | Node::Bool(_)
                    | Node::Int(_)
                    | Node::BigInt
                    | Node::Float(_)
                    | Node::Text(_)
                    | Node::OwnedText(_)
                    | Node::Bytes(_)
                    | Node::OwnedBytes(_)
                    | Node::Symbol(_)
                    | Node::Unlisted(_)
            )
        };
        let keeps_unlisted = self.unlisted == Unlisted::Kept;
        let bad = keys.find(|id| match self.node(**id) {
            Node::Tuple(items) => items.len() > MAX_KEY_ITEMS || !items.iter().all(plain),
            Node::Object { .. } if keeps_unlisted => false,
            _ => !plain(id),
        });
        match bad {
            Some(id) => Err(error(format!("{} is used as a key of a dict or an item of a set", self.node(*id).kind()))),
            None => Ok(()),
        }
    }

    /// The class or function of a name: from the allow-list, or as [`Unlisted`] says.
    fn named(&self, module: &[u8], name: &[u8]) -> Result<Node> {
        let text = |bytes| std::str::from_utf8(bytes).ok().filter(|text| text.len() <= MAX_NAME_LENGTH);
        let (Some(module), Some(name)) = (text(module), text(name)) else {
            return Err(error(format!(
                "the name of a class or function is not text of at most {MAX_NAME_LENGTH} bytes"
            )));
        };
        self.named_by(module, name)
    }

    pub(super) fn named_by(&self, module: &str, name: &str) -> Result<Node> {
        match allow_list::find(self.list, module, name) {
            Some(known) => Ok(Node::Symbol(Box::new(known))),
            None if self.unlisted == Unlisted::Kept => {
                Ok(Node::Unlisted(Box::new(UnlistedName { module: module.into(), name: name.into() })))
            }
            None => Err(not_listed(self.list, module, name)),
        }
    }

    /// An error at the next byte.
    pub(super) fn here(&self, message: impl Into<String>) -> Error {
        error(message).at(Place::byte(self.source.position()))
    }
}

fn extend(items: &mut Vec<NodeId>, values: &[NodeId], allowance: &Allowance) -> Result<()> {
    reserve_leased(items, values.len(), allowance)?;
    items.extend_from_slice(values);
    Ok(())
}

fn refused(opcode: u8) -> Error {
    match op::REFUSED.iter().find(|(refused, _)| *refused == opcode) {
        Some((_, name)) => error(format!("the opcode {name} is refused: no model that joblib or pickle writes has it")),
        None => error(format!("0x{opcode:02X} is not an opcode of a pickle")),
    }
}
