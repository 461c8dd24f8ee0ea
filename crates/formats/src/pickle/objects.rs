//! REDUCE, NEWOBJ and BUILD: a pickle's calls, evaluated if they are pure and on the allow-list, and refused
//! otherwise.

use super::allow_list::{Constructor, Meaning, Name};
use super::errors::error;
use super::errors::not_listed;
use super::machine::{Machine, Unlisted};
use super::tree::{Node, NodeId};
use crate::error::Result;

/// The maximum number of attributes of an object. They are checked for each object.
pub(super) const MAX_ATTRIBUTES: usize = 256;

impl Machine<'_> {
    /// The value of a call.
    pub(super) fn reduce(&mut self, function: NodeId, arguments: NodeId, at: usize) -> Result<NodeId> {
        let keeps_unlisted = self.unlisted == Unlisted::Kept;
        let kept = Node::Object { class: function, arguments, state: None, byte: at };
        let Some(name) = self.symbol(function) else {
            if keeps_unlisted {
                return self.add(kept);
            }
            return Err(error(format!("{} is called; expected a function", self.node(function).kind())));
        };
        let full_name = format_args!("{}.{}", name.module, name.name);
        let Meaning::Constructor(constructor) = name.meaning else {
            if keeps_unlisted {
                return self.add(kept);
            }
            return Err(error(format!("{full_name} may be named, but not called")));
        };
        let Node::Tuple(items) = self.node(arguments) else {
            let kind = self.node(arguments).kind();
            return Err(error(format!("{full_name} is called with {kind}; expected a tuple of arguments")));
        };
        if constructor == Constructor::Kept {
            return self.add(kept);
        }
        let value = match (constructor, items.as_slice()) {
            (Constructor::DType, [code, ..]) => self.dtype(*code)?,
            (Constructor::EmptyArray, [class, ..]) => self.empty_array(*class)?,
            (Constructor::ArrayFromBuffer, [bytes, dtype, shape, order]) => {
                self.array_from_buffer(*bytes, *dtype, *shape, *order)?
            }
            (Constructor::Scalar, [dtype, value]) => return self.scalar(*dtype, *value),
            (Constructor::Ufunc, [module, ufunc]) => self.ufunc(*module, *ufunc)?,
            (Constructor::Encode, [text, encoding]) => self.encode(*text, *encoding)?,
            (Constructor::Bytes, []) => Node::Bytes(0..0),
            (Constructor::Bytes, [bytes]) => self.bytes_again(*bytes)?,
            (Constructor::Bytes, [text, encoding]) => self.encode(*text, *encoding)?,
            (Constructor::Set, []) => Node::Set(Vec::new()),
            (Constructor::Set, [list]) => return self.set_of(*list),
            (Constructor::Dict, []) => Node::Dict(Vec::new()),
            (Constructor::Dict, [factory]) if self.symbol(*factory).is_some() => Node::Dict(Vec::new()),
            (Constructor::TypeByName, [name]) => self.type_by_name(*name)?,
            (Constructor::Member, [module, name]) => self.member(*module, *name)?,
            (Constructor::ArrayWithState, [make, arguments, state] | [make, arguments, state, _]) => {
                self.array_with_state(*make, *arguments, *state)?
            }
            (Constructor::Instance, [class, base, initial]) => return self.reconstruct(*class, *base, *initial, at),
            (_, items) => {
                let count = items.len();
                return Err(error(format!(
                    "{full_name} is called with {count} arguments, which no pickle writer does"
                )));
            }
        };
        self.add(value)
    }

    /// An object of a listed class, still without attributes.
    pub(super) fn instance(&mut self, class: NodeId, arguments: NodeId, at: usize) -> Result<NodeId> {
        match self.symbol(class) {
            Some(Name { meaning: Meaning::Instance | Meaning::ArrayWrapper, .. }) => {}
            _ if self.unlisted == Unlisted::Kept => {
                return self.add(Node::Object { class, arguments, state: None, byte: at });
            }
            Some(name) => {
                return Err(error(format!("{}.{} may be named, but not made an object of", name.module, name.name)));
            }
            None => return Err(error(format!("an object is made of {}, not of a class", self.node(class).kind()))),
        }
        match self.node(arguments) {
            Node::Tuple(items) if items.is_empty() => {
                self.add(Node::Object { class, arguments, state: None, byte: at })
            }
            _ => Err(error("an object is made with arguments; expected an empty tuple")),
        }
    }

    /// Sets the state of a value and returns the value that replaces it.
    pub(super) fn build(&mut self, target: NodeId, state: NodeId) -> Result<NodeId> {
        match self.node(target) {
            Node::Object { class, state: before, .. } => {
                let Some(name) = self.symbol(*class) else {
                    if self.unlisted == Unlisted::Kept {
                        if let Node::Object { state: place, .. } = self.node_mut(target) {
                            *place = Some(state);
                        }
                        return Ok(target);
                    }
                    return Err(error("a state is given to an object without a class"));
                };
                if before.is_some() {
                    return Err(error(format!("{}.{} is given a state twice", name.module, name.name)));
                }
                if name.meaning == Meaning::ArrayWrapper {
                    return self.inline_array(state);
                }
                if name.meaning == Meaning::Instance {
                    self.check_attributes(name, state)?;
                }
                if let Node::Object { state: place, .. } = self.node_mut(target) {
                    *place = Some(state);
                }
            }
            Node::DType(dtype) => {
                let dtype = self.dtype_with_state(*dtype, state)?;
                self.replace(target, Node::DType(dtype))?;
            }
            Node::Array(array) if array.shape == [0] => {
                let array = self.array_from_state(state)?;
                self.replace(target, Node::Array(Box::new(array)))?;
            }
            other => return Err(error(format!("a state is given to {}, which has none", other.kind()))),
        }
        Ok(target)
    }

    /// Checks that the attributes are a dict with text keys. (Python also accepts a pair of a dict and slots.)
    fn check_attributes(&self, name: Name, state: NodeId) -> Result<()> {
        let wrong = match self.node(state) {
            Node::Dict(entries) if entries.len() > MAX_ATTRIBUTES => format!("{} attributes", entries.len()),
            Node::Dict(entries) => match entries.iter().find(|(key, _)| self.text_bytes(*key).is_none()) {
                None => return Ok(()),
                Some((key, _)) => format!("{} as the name of an attribute", self.node(*key).kind()),
            },
            other => other.kind().to_owned(),
        };
        Err(error(format!("the state of {}.{} should be a dict of attributes, found {wrong}", name.module, name.name)))
    }

    /// `_ufunc_reconstruct("numpy", "log1p")`, as numpy before 1.20 wrote a ufunc: the name itself.
    fn ufunc(&self, module: NodeId, ufunc: NodeId) -> Result<Node> {
        let named = self.short_text(module).zip(self.short_text(ufunc));
        let Some((module, ufunc)) = named else {
            return Err(error("a ufunc is named by something that is not text"));
        };
        match self.named_by(module, ufunc)? {
            Node::Symbol(name) if name.meaning != Meaning::Inert => Err(not_listed(self.list, module, ufunc)),
            named => Ok(named),
        }
    }

    /// `_codecs.encode(text, "latin1")`: how protocols 0 to 2 write bytes.
    fn encode(&mut self, text: NodeId, encoding: NodeId) -> Result<Node> {
        if !matches!(self.short_text(encoding), Some("latin1" | "latin-1")) {
            return Err(error("bytes are written in an encoding other than latin1"));
        }
        let length = match self.node(text) {
            Node::Text(span) => span.len(),
            Node::OwnedText(text) => text.len(),
            other => return Err(error(format!("{} is encoded as bytes; expected text", other.kind()))),
        };
        self.convert(length / 2)?;
        let allowance = self.allowance;
        // Each character, of one or two UTF-8 bytes, becomes one byte.
        let _held = allowance.hold(length)?;
        let text = match self.node(text) {
            Node::Text(span) if self.source.get(span).is_ascii() => return Ok(Node::Bytes(span.clone())),
            Node::Text(span) => std::str::from_utf8(self.source.get(span)).unwrap_or_default(),
            Node::OwnedText(text) => text,
            _ => "",
        };
        let bytes: Option<Box<[u8]>> = text.chars().map(|character| u8::try_from(character).ok()).collect();
        bytes.map(Node::OwnedBytes).ok_or_else(|| error("bytes are written as text that is not latin1"))
    }

    /// `bytearray(bytes)`
    fn bytes_again(&mut self, bytes: NodeId) -> Result<Node> {
        match self.node(bytes) {
            Node::Bytes(span) => Ok(Node::Bytes(span.clone())),
            Node::OwnedBytes(bytes) => {
                let length = bytes.len();
                let _held = self.allowance.hold(length)?;
                let bytes = bytes.clone();
                self.convert(length)?;
                Ok(Node::OwnedBytes(bytes))
            }
            other => Err(error(format!("bytes are made of {}", other.kind()))),
        }
    }

    /// `set([…])`. The items move: writers make the list for this call alone.
    fn set_of(&mut self, list: NodeId) -> Result<NodeId> {
        let items = match self.node_mut(list) {
            Node::List(items) => std::mem::take(items),
            other => return Err(error(format!("a set is made of {}; expected a list", other.kind()))),
        };
        let set = self.add(Node::Set(Vec::new()))?;
        self.add_to_set(set, &items)?;
        self.done_with(items)?;
        Ok(set)
    }

    /// `copyreg._reconstructor(class, object, None)`: how protocols 0 and 1 write an instance.
    fn reconstruct(&mut self, class: NodeId, base: NodeId, initial: NodeId, at: usize) -> Result<NodeId> {
        let base_is_object = self.symbol(base).is_some_and(|base| base.name == "object");
        if !base_is_object || !matches!(self.node(initial), Node::None) {
            return Err(error("an object is made from a value of another class"));
        }
        let no_arguments = self.add(Node::Tuple(Vec::new()))?;
        self.instance(class, no_arguments, at)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Tree, Value, read};
    use crate::testing::SCIKIT_LEARN;
    use byoc_account::Allowance;

    fn tree(program: &[u8]) -> Tree {
        read([program, b"."].concat(), SCIKIT_LEARN, &Allowance::unbounded())
            .unwrap_or_else(|error| panic!("{}: {error}", program.escape_ascii()))
    }

    #[test]
    fn bytes_are_read_in_each_way_that_protocols_without_bytes_write_them() {
        let programs: [(&[u8], &[u8]); 6] = [
            (b"c_codecs\nencode\n(X\x02\0\0\0abX\x06\0\0\0latin1tR", b"ab"),
            (b"c_codecs\nencode\n(X\x04\0\0\0\xc3\xa9\xc2\x80X\x06\0\0\0latin1tR", b"\xe9\x80"),
            (b"c__builtin__\nbytes\n)R", b""),
            (b"c__builtin__\nbytearray\n(X\x02\0\0\0\xc3\xa9X\x07\0\0\0latin-1tR", b"\xe9"),
            (b"cbuiltins\nbytearray\nC\x02ab\x85R", b"ab"),
            (b"cbuiltins\nbytearray\n)R", b""),
        ];
        for (program, expected) in programs {
            assert_eq!(tree(program).root().as_bytes(), Some(expected), "{}", program.escape_ascii());
        }
    }

    #[test]
    fn sets_and_ordered_dicts_are_read_as_their_items() {
        let set = tree(b"c__builtin__\nset\n](K\x01K\x02e\x85R");
        let items: Vec<_> = set.root().items().unwrap().map(Value::as_i64).collect();
        assert_eq!(items, [Some(1), Some(2)]);
        for maker in [&b"ccollections\nOrderedDict\n)R"[..], b"ccollections\ndefaultdict\ncbuiltins\nlist\n\x85R"] {
            let dict = tree(&[maker, b"(\x8c\x01aK\x01u"].concat());
            assert_eq!(dict.root().get("a").and_then(Value::as_i64), Some(1));
        }
        assert!(read(b"ccollections\nOrderedDict\n]\x85R.".to_vec(), SCIKIT_LEARN, &Allowance::unbounded()).is_err());
    }

    #[test]
    fn a_ufunc_is_read_as_its_name_in_every_form_of_numpy() {
        for program in [
            &b"cnumpy.core\n_ufunc_reconstruct\n(X\x05\0\0\0numpyX\x05\0\0\0log1ptR"[..],
            b"cnumpy\nlog1p\n",
            b"cnumpy.core._multiarray_umath\nlog1p\n",
            b"cnumpy._core._multiarray_umath\nlog1p\n",
        ] {
            let tree = tree(program);
            let (module, name) = tree.root().symbol().unwrap();
            assert!(module.starts_with("numpy") && name == "log1p", "{module}.{name}");
        }
    }

    #[test]
    fn an_instance_of_protocol_0_has_its_attributes() {
        let tree = tree(b"ccopy_reg\n_reconstructor\n(csklearn.preprocessing.data\nNormalizer\nc__builtin__\nobject\nNtR(dVnorm\nVl2\nsb");
        assert_eq!(tree.root().class(), Some(("sklearn.preprocessing.data", "Normalizer")));
        assert_eq!(tree.root().attribute("norm").and_then(Value::as_str), Some("l2"));
    }

    #[test]
    fn unused_objects_are_kept_and_the_data_of_a_pandas_index_is_readable() {
        let index =
            tree(b"cpandas.core.indexes.base\n_new_Index\n(cpandas\nIndex\n}\x8c\x04data](\x8c\x01a\x8c\x01bestR");
        assert_eq!(index.root().class(), Some(("pandas.core.indexes.base", "_new_Index")));
        let [class, fields] = index.root().arguments().unwrap().array_of::<2>().unwrap();
        assert_eq!(class.symbol(), Some(("pandas", "Index")));
        assert_eq!(fields.get("data").unwrap().items().unwrap().next().unwrap().as_str(), Some("a"));

        let random = tree(b"cnumpy.random._pickle\n__randomstate_ctor\n\x8c\x07MT19937\x85R}\x8c\x03posK\x07sb");
        assert_eq!(random.root().attribute("pos").and_then(Value::as_i64), Some(7));
        let loss = tree(b"c_loss\nCyHalfBinomialLoss\n)R");
        assert_eq!(loss.root().class(), Some(("_loss", "CyHalfBinomialLoss")));
    }

    #[test]
    fn a_scalar_of_an_object_dtype_is_the_object() {
        let tree = tree(b"cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n\x8c\x02O8\x85R\x8c\x01xtR");
        assert_eq!(tree.root().as_str(), Some("x"));
    }
}
