//! Translates the nodes of `schema.json` into opcodes.
//!
//! A node is an object with `__module__`, `__class__`, `__loader__` and what the loader needs (skops' `io/_general.py`,
//! `_numpy.py`, `_scipy.py` and `_sklearn.py`, protocols 0 to 2). Every name goes into the pickle as a name, which the
//! pickle reader looks up in its allow-list. The schema writes a shared object in full at each reference; only shared
//! arrays are stored once, in one file.

use std::collections::HashMap;

use byoc_account::Allowance;

use super::archive::Archive;
use super::error;
use super::json::At;
use super::npy::Header;
use super::program::Program;
use crate::error::{Cause, Error, Result};
use crate::pickle::{AllowList, is_instance, is_listed};

/// How deep nodes may be nested: slightly deeper than the pickle reader allows, so that its error is the one reported.
const MAX_DEPTH: usize = 136;

/// numpy's random number generators, which predictions do not use.
const RANDOM: &str = "numpy.random._pickle";

/// The memory of an entry of `arrays`, in bytes: its slot, twice because the table grows, its code and its shape.
const EACH_ARRAY: usize = 2 * size_of::<(usize, Written)>() + 512;

/// Writes nodes as opcodes.
pub(super) struct Nodes<'a, 'b> {
    archive: Archive<'b>,
    program: Program<'a>,
    list: &'a dyn AllowList,
    allowance: &'a Allowance,
    /// The arrays that have been written, by the index of their file.
    arrays: HashMap<usize, Written>,
    depth: usize,
}

/// An array that has been written once.
struct Written {
    header: Header,
    /// The memo index of its bytes.
    number: u32,
}

/// A node without its content.
struct Node<'j> {
    module: String,
    class: String,
    loader: String,
    at: At<'j>,
}

impl<'j> Node<'j> {
    fn of(at: At<'j>) -> Result<Node<'j>> {
        const MAX_LENGTH: usize = 512;
        let text = |key: &str| match at.get(key) {
            Some(value) if value.len() <= MAX_LENGTH => value.text().map(|text| text.into_owned()),
            _ => Err(at.wrong(format!("an object of skops with {key}"))),
        };
        Ok(Node { module: text("__module__")?, class: text("__class__")?, loader: text("__loader__")?, at })
    }

    fn required(&self, key: &str) -> Result<At<'j>> {
        self.at.get(key).ok_or_else(|| self.at.wrong(format!("a {} with {key}", self.loader)))
    }

    fn content(&self) -> Result<At<'j>> {
        self.required("content")
    }

    fn is(&self, module: &str, classes: &[&str]) -> bool {
        self.module == module && classes.contains(&&*self.class)
    }

    /// The error for an unsupported class or loader.
    fn unsupported(&self) -> Error {
        Error::new(
            Cause::Unsupported,
            format!("{}.{}, which skops wrote as {}, is not read", self.module, self.class, self.loader),
        )
    }
}

impl<'a, 'b> Nodes<'a, 'b> {
    pub(super) fn new(
        archive: Archive<'b>,
        list: &'a dyn AllowList,
        allowance: &'a Allowance,
    ) -> Result<Nodes<'a, 'b>> {
        let program = Program::new(allowance)?;
        Ok(Nodes { archive, program, list, allowance, arrays: HashMap::new(), depth: 0 })
    }

    /// Returns the pickle and gives the other memory back.
    pub(super) fn finish(self) -> Result<Vec<u8>> {
        self.archive.done(self.allowance);
        let arrays = self.arrays.len();
        drop(self.arrays);
        self.allowance.give_back(arrays * EACH_ARRAY);
        self.program.finish()
    }

    /// Writes a node.
    pub(super) fn write(&mut self, at: At<'_>) -> Result<()> {
        if self.depth > MAX_DEPTH {
            return Err(error(format!("values are nested deeper than {MAX_DEPTH}")));
        }
        self.depth += 1;
        let node = Node::of(at)?;
        self.write_node(&node)?;
        self.depth -= 1;
        Ok(())
    }

    fn write_node(&mut self, node: &Node<'_>) -> Result<()> {
        match &*node.loader {
            "JsonNode" => self.json(node),
            "ObjectNode" => self.object(node),
            "DictNode" => self.dict(node),
            "DefaultDictNode" => {
                let main = node.content()?.get("main").ok_or_else(|| node.at.wrong("the entries of a defaultdict"))?;
                self.write(main)
            }
            "ListNode" => self.items(node, &["list"], b"](", b"e"),
            "TupleNode" => self.items(node, &["tuple"], b"(", b"t"),
            "SetNode" => self.items(node, &["set", "frozenset"], b"\x8f(", b"\x90"),
            "SliceNode" => self.slice(node),
            "TypeNode" => self.program.symbol(&node.module, &node.class),
            "FunctionNode" => self.function(node),
            "NdArrayNode" => self.array(node),
            "DTypeNode" => {
                let code = self.code_of(&Node::of(node.content()?)?)?;
                self.program.dtype(&code)
            }
            "BytesNode" | "BytearrayNode" => self.bytes(node),
            "RandomStateNode" => self.called(RANDOM, "__randomstate_ctor"),
            "RandomGeneratorNode" => self.called(RANDOM, "__generator_ctor"),
            // Of cv_results_. Nothing supported needs its items.
            "MaskedArrayNode" => self.called("numpy.ma.core", "_mareconstruct"),
            // The loss function of an SGD estimator.
            "LossNode" | "SGDNode" => self.called(&node.module, &node.class),
            "ConstructorFromReduceNode" => {
                self.program.symbol(&node.module, &node.class)?;
                self.write(node.content()?)?;
                self.program.op(b"R")
            }
            // Methods, partial functions, trees, sparse matrices and loaders of later versions.
            _ if is_listed(self.list, &node.module, &node.class) => Err(node.unsupported()),
            _ => self.instance(node),
        }
    }

    /// A call of a constructor whose arguments are not needed.
    fn called(&mut self, module: &str, name: &str) -> Result<()> {
        self.program.symbol(module, name)?;
        self.program.op(b")R")
    }

    fn instance(&mut self, node: &Node<'_>) -> Result<()> {
        self.program.symbol(&node.module, &node.class)?;
        self.program.op(b")\x81")
    }

    fn object(&mut self, node: &Node<'_>) -> Result<()> {
        if node.is("pandas._libs.missing", &["NAType"]) {
            // A singleton, which is pickled by its name.
            return self.program.symbol(&node.module, "NA");
        }
        // A pandas index, for example, which skops itself cannot load back either.
        if is_listed(self.list, &node.module, &node.class) && !is_instance(self.list, &node.module, &node.class) {
            return Err(node.unsupported());
        }
        self.instance(node)?;
        let Some(state) = node.at.get("content") else { return Ok(()) };
        let is_nothing = |state: &Node<'_>| {
            let content = state.at.get("content").filter(|content| content.len() < 16);
            state.loader == "JsonNode" && content.is_some_and(|content| content.text().is_ok_and(|text| text == "null"))
        };
        if is_nothing(&Node::of(state)?) {
            return Ok(());
        }
        self.write(state)?;
        self.program.op(b"b")
    }

    /// The items of a collection. For a subclass, writes its name instead, which the pickle reader refuses.
    fn items(&mut self, node: &Node<'_>, classes: &[&str], begin: &[u8], end: &[u8]) -> Result<()> {
        if !node.is("builtins", classes) {
            return self.other_class(node);
        }
        self.program.op(begin)?;
        let items = node.content()?;
        for item in items.items().ok_or_else(|| items.wrong("a list"))? {
            self.write(item)?;
        }
        self.program.op(end)
    }

    fn other_class(&mut self, node: &Node<'_>) -> Result<()> {
        if is_listed(self.list, &node.module, &node.class) { Err(node.unsupported()) } else { self.instance(node) }
    }

    fn dict(&mut self, node: &Node<'_>) -> Result<()> {
        if !node.is("builtins", &["dict"]) && !node.is("collections", &["OrderedDict"]) {
            return self.other_class(node);
        }
        self.program.op(b"}(")?;
        let content = node.content()?;
        let entries = content.entries().ok_or_else(|| content.wrong("an object"))?;
        let types = Node::of(node.required("key_types")?)?.content()?;
        let mut types = types.items().ok_or_else(|| types.wrong("the types of the keys"))?;
        for (key, value) in entries {
            let of_key = types.next().ok_or_else(|| key.wrong("a type for each key"))?;
            let name = {
                let _held = self.allowance.hold(key.len())?;
                let text = key.text()?;
                self.key(&Node::of(of_key)?, &text)?;
                text.chars().take(80).collect::<String>()
            };
            self.write(value).map_err(|error| match error.cause() {
                Cause::InsufficientMemory => error,
                _ => error.context(name),
            })?;
        }
        self.program.op(b"u")
    }

    /// A key in its original type, which JSON has turned into text.
    fn key(&mut self, class: &Node<'_>, text: &str) -> Result<()> {
        match &*class.class {
            "str" | "str_" => self.program.text(text),
            name if name.starts_with("int") || name.starts_with("uint") || name.starts_with("float") => {
                self.number(text).unwrap_or_else(|| Err(class.at.wrong("the type of a key that is a number")))
            }
            // `bool("False")` is True in Python, so skops itself does not restore bools either.
            "bool" | "bool_" | "NoneType" => self.program.text(text),
            _ => Err(class.unsupported()),
        }
    }

    /// A number as Python writes it.
    fn number(&mut self, text: &str) -> Option<Result<()>> {
        let special = match text {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        };
        let digits = text.strip_prefix('-').unwrap_or(text);
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(self.program.int(text));
        }
        let is_number = digits.starts_with(|first: char| first.is_ascii_digit());
        let value = special.or_else(|| text.parse().ok().filter(|_| is_number))?;
        Some(self.program.float(value))
    }

    /// A built-in value of Python, stored as a JSON string that contains JSON.
    fn json(&mut self, node: &Node<'_>) -> Result<()> {
        let content = node.content()?;
        let _held = self.allowance.hold(content.len().saturating_mul(2))?;
        let json = content.text()?;
        match &*json {
            "null" => self.program.op(b"N"),
            "true" => self.program.op(b"\x88"),
            "false" => self.program.op(b"\x89"),
            text if text.starts_with('"') => {
                let text: String = serde_json::from_str(text).map_err(|_| content.wrong("a text in a text of JSON"))?;
                self.program.text(&text)
            }
            number => self
                .number(number)
                .unwrap_or_else(|| Err(content.wrong("null, true, false, a number or a text in a text of JSON"))),
        }
    }

    fn slice(&mut self, node: &Node<'_>) -> Result<()> {
        let content = node.content()?;
        self.program.symbol("builtins", "slice")?;
        for bound in ["start", "stop", "step"] {
            let value = content.get(bound).ok_or_else(|| content.wrong("start, stop and step of a slice"))?;
            match value.literal() {
                Some("null") => self.program.op(b"N")?,
                Some(number) => self.number(number).unwrap_or_else(|| Err(value.wrong("a number or null")))?,
                None => {
                    let _held = self.allowance.hold(value.len())?;
                    let text = value.text()?;
                    self.program.text(&text)?;
                }
            }
        }
        self.program.op(b"\x87R")
    }

    /// A function by its name; in protocol 0 the name is in the content.
    fn function(&mut self, node: &Node<'_>) -> Result<()> {
        let Some(content) = node.at.get("content") else { return self.program.symbol(&node.module, &node.class) };
        let text = |key: &str| {
            let value = content.get(key).filter(|value| value.len() < 512);
            value.ok_or_else(|| content.wrong("module_path and function"))?.text()
        };
        self.program.symbol(&text("module_path")?, &text("function")?)
    }

    fn array(&mut self, node: &Node<'_>) -> Result<()> {
        match &*node.required("type")?.text()? {
            "numpy" => self.array_of_numbers(node),
            "json" => self.array_of_objects(node),
            _ => Err(node.unsupported()),
        }
    }

    fn array_of_numbers(&mut self, node: &Node<'_>) -> Result<()> {
        let file = node.required("file")?;
        let file = self.archive.find(&file.text()?)?;
        let is_array = node.is("numpy", &["ndarray", "matrix", "memmap"]) || node.module != "numpy";
        if is_array {
            return self.whole_array(node, file);
        }
        if !is_listed(self.list, &node.module, &node.class) {
            return self.instance(node);
        }
        // A numpy scalar is stored as an array without dimensions, with the class of the scalar.
        self.program.symbol("numpy.core.multiarray", "scalar")?;
        let _held = self.allowance.hold(self.archive.memory(file))?;
        let bytes = self.archive.read(file, self.allowance)?;
        let (header, data) = Header::read(&bytes)?;
        if !header.shape.is_empty() {
            return Err(node.at.wrong("a single number in the file of one"));
        }
        self.program.dtype(&header.code)?;
        self.program.bytes(data)?;
        self.program.op(b"\x86R")
    }

    /// An array. Its bytes go into the memo, for later references to the same file.
    fn whole_array(&mut self, node: &Node<'_>, file: usize) -> Result<()> {
        let class = (&*node.module, &*node.class);
        if let Some(Written { header, number }) = self.arrays.get(&file) {
            self.program.array(class, header)?;
            self.program.again(*number)?;
            return self.program.end_of_array();
        }
        self.allowance.take(EACH_ARRAY)?;
        let _held = self.allowance.hold(self.archive.memory(file))?;
        let bytes = self.archive.read(file, self.allowance)?;
        let (header, data) = Header::read(&bytes)?;
        self.program.array(class, &header)?;
        self.program.bytes(data)?;
        let number = self.program.remember()?;
        self.arrays.insert(file, Written { header, number });
        self.program.end_of_array()
    }

    fn array_of_objects(&mut self, node: &Node<'_>) -> Result<()> {
        let shape = Node::of(node.required("shape")?)?.content()?;
        let mut lengths = Vec::new();
        for length in shape.items().ok_or_else(|| shape.wrong("the shape of an array"))? {
            let content = Node::of(length)?.content()?;
            let length = content.text()?.parse::<i64>().ok().filter(|_| lengths.len() < 32);
            lengths.push(length.ok_or_else(|| content.wrong("at most 32 dimensions, each an integer"))?);
        }
        if lengths.is_empty() {
            return Err(node.unsupported());
        }
        let dimensions = lengths.len();
        let header = Header { code: "O8".to_owned(), fortran: false, shape: lengths };
        self.program.array((&node.module, &node.class), &header)?;
        self.program.op(b"](")?;
        self.objects(node.content()?, dimensions)?;
        self.program.op(b"e")?;
        self.program.end_of_array()
    }

    /// The items of an array of objects: nested lists, one level for each dimension.
    fn objects(&mut self, items: At<'_>, dimensions: usize) -> Result<()> {
        for item in items.items().ok_or_else(|| items.wrong("a list of the items of an array"))? {
            match dimensions {
                1 => self.write(item)?,
                _ => self.objects(Node::of(item)?.content()?, dimensions - 1)?,
            }
        }
        Ok(())
    }

    /// The dtype of an array's items, which skops stores as an empty array.
    fn code_of(&mut self, array: &Node<'_>) -> Result<String> {
        if array.required("type")?.text()? == "json" {
            return Ok("O8".to_owned());
        }
        let file = self.archive.find(&array.required("file")?.text()?)?;
        if let Some(Written { header, .. }) = self.arrays.get(&file) {
            return Ok(header.code.clone());
        }
        let _held = self.allowance.hold(self.archive.memory(file))?;
        let bytes = self.archive.read(file, self.allowance)?;
        Header::read(&bytes).map(|(header, _)| header.code)
    }

    fn bytes(&mut self, node: &Node<'_>) -> Result<()> {
        let file = self.archive.find(&node.required("file")?.text()?)?;
        let _held = self.allowance.hold(self.archive.memory(file))?;
        let bytes = self.archive.read(file, self.allowance)?;
        self.program.bytes(&bytes)
    }
}
