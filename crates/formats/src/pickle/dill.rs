//! What dill pickles differently from `pickle`: arrays, and the names of Python's built-in classes and functions.
//!
//! The forms are those of dill 0.2 to 0.4 (`dill/_dill.py`: `_create_array`, `_load_type` with `_reverse_typemap`,
//! `_get_attr`, `_import_module`). joblib writes some of them too in a process that has imported dill. Functions and
//! classes that dill pickles by their code are on no allow-list and are therefore refused by name.

use super::allow_list::{Constructor, Meaning};
use super::errors::error;
use super::machine::Machine;
use super::tree::{Node, NodeId};
use crate::error::Result;

/// Python's built-in classes by the names that they had in Python 2's module `types`, which dill still uses.
const NAMES_OF_PYTHON_2: &[(&str, &str)] = &[
    ("BooleanType", "bool"),
    ("ComplexType", "complex"),
    ("DictType", "dict"),
    ("DictionaryType", "dict"),
    ("FloatType", "float"),
    ("IntType", "int"),
    ("ListType", "list"),
    ("LongType", "int"),
    ("ObjectType", "object"),
    ("SliceType", "slice"),
    ("StringType", "str"),
    ("StringTypes", "str"),
    ("TupleType", "tuple"),
    ("UnicodeType", "str"),
    ("XRangeType", "range"),
];

impl Machine<'_> {
    /// `_load_type("float")`: the class itself, if it is on the allow-list.
    pub(super) fn type_by_name(&self, name: NodeId) -> Result<Node> {
        let Some(name) = self.short_text(name) else {
            return Err(error(format!("dill names a class by {}; expected text", self.node(name).kind())));
        };
        let of_python_2 = NAMES_OF_PYTHON_2.iter().find(|(old, _)| *old == name);
        self.named_by("builtins", of_python_2.map_or(name, |(_, now)| now))
    }

    /// `_get_attr(_import_module("numpy.core.multiarray"), "scalar")`: the function itself, if it is on the allow-list.
    /// dill writes Python's built-in functions as `_get_attr("builtins", "len")`.
    pub(super) fn member(&self, module: NodeId, name: NodeId) -> Result<Node> {
        let module = match self.node(module) {
            Node::Object { class, arguments, .. } => {
                let is_import = self.symbol(*class).is_some_and(|class| class.name == "_import_module");
                match self.node(*arguments) {
                    Node::Tuple(items) if is_import => items.first().and_then(|module| self.short_text(*module)),
                    _ => None,
                }
            }
            _ => self.short_text(module).filter(|module| matches!(*module, "builtins" | "__builtin__")),
        };
        match module.zip(self.short_text(name)) {
            Some((module, name)) => self.named_by(module, name),
            None => Err(error("dill names a function by something else than its module and name")),
        }
    }

    /// `_create_array(_reconstruct, (ndarray, (0,), b"b"), state, None)`: the empty array, and the state that fills it.
    /// The last argument holds attributes of a user-defined array class; they do not affect the items.
    pub(super) fn array_with_state(&mut self, function: NodeId, arguments: NodeId, state: NodeId) -> Result<Node> {
        let makes_arrays =
            self.symbol(function).is_some_and(|name| name.meaning == Meaning::Constructor(Constructor::EmptyArray));
        if !makes_arrays {
            return Err(error("dill makes an array by something else than _reconstruct"));
        }
        match self.node(arguments) {
            Node::Tuple(items) => match items.as_slice() {
                [class, ..] => self.empty_array(*class)?,
                [] => return Err(error("dill makes an array of no class")),
            },
            other => return Err(error(format!("dill makes an array of {}; expected a tuple", other.kind()))),
        };
        Ok(Node::Array(Box::new(self.array_from_state(state)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use crate::testing::SCIKIT_LEARN;
    use byoc_account::Allowance;

    fn refusal(program: &[u8]) -> String {
        read(program.to_vec(), SCIKIT_LEARN, &Allowance::unbounded()).map(drop).unwrap_err().to_string()
    }

    #[test]
    fn dills_names_for_python_and_numpy_resolve_to_listed_names() {
        for (program, expected) in [
            (&b"cdill._dill\n_load_type\n\x8c\x05float\x85R."[..], ("builtins", "float")),
            (b"cdill.dill\n_load_type\n\x8c\x0aObjectType\x85R.", ("builtins", "object")),
            (
                b"cdill._dill\n_get_attr\n(cdill._dill\n_import_module\n\x8c\x07_codecs\x85R\x8c\x06encodetR.",
                ("_codecs", "encode"),
            ),
            (b"cdill._dill\n_get_attr\n(\x8c\x08builtins\x8c\x05slicetR.", ("builtins", "slice")),
        ] {
            let tree = read(program.to_vec(), SCIKIT_LEARN, &Allowance::unbounded()).unwrap();
            assert_eq!(tree.root().symbol(), Some(expected));
        }
    }

    #[test]
    fn unlisted_names_are_refused_under_dills_names_too() {
        for (program, expected) in [
            (&b"cdill._dill\n_load_type\n\x8c\x08CodeType\x85R."[..], "builtins.CodeType"),
            (b"cdill._dill\n_load_type\n\x8c\x04type\x85R.", "builtins.type"),
            (b"cdill._dill\n_load_type\nK\x01\x85R.", "by an integer"),
            (b"cdill._dill\n_get_attr\n(\x8c\x08builtins\x8c\x04evaltR.", "builtins.eval"),
            (b"cdill._dill\n_get_attr\n(cdill._dill\n_import_module\n\x8c\x02os\x85R\x8c\x06systemtR.", "os.system"),
            (b"cdill._dill\n_get_attr\n(\x8c\x02os\x8c\x06systemtR.", "something else than its module"),
            (b"cdill._dill\n_get_attr\n(cbuiltins\nslice\n(\x8c\x02ostR\x8c\x06systemtR.", "something else than its module"),
            (b"cdill._dill\n_create_array\n(cnumpy\nndarray\n))NtR.", "something else than _reconstruct"),
            (b"cdill._dill\n_create_array\n(cnumpy.core.multiarray\n_reconstruct\n))NtR.", "of no class"),
            (
                b"cdill._dill\n_create_array\n(cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\0\x85C\x01bt)NtR.",
                "has 0 items; expected 5",
            ),
            (b"cdill._dill\n_create_function\n.", "dill._dill._create_function, which"),
        ] {
            let message = refusal(program);
            assert!(message.contains(expected), "{}: {message}", program.escape_ascii());
        }
    }
}
