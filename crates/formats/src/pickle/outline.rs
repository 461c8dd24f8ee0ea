//! The content of a pickle that cannot be loaded, for inspection: names that are not on the list are kept as names.
//!
//! No model is built from an [`Outline`], which is why it is not a [`Tree`]. All bounds of reading apply here too.

use super::allow_list::AllowList;
use super::machine::{Machine, Unlisted};
use super::read_with;
use super::source::Source;
use super::tree::{Node, NodeId, Tree, Value};
use crate::error::Result;
use byoc_account::Allowance;

/// A pickle as written, with the names of classes that are not supported.
#[derive(Debug)]
pub struct Outline(Tree);

impl Outline {
    /// Reads a pickle regardless of the names in it.
    ///
    /// # Errors
    /// As for [`read`](super::read), except that no name is refused.
    pub fn read(bytes: Vec<u8>, list: &dyn AllowList, allowance: &Allowance) -> Result<Outline> {
        read_with(bytes, list, Unlisted::Kept, allowance).map(Outline)
    }

    /// The value of the pickle.
    pub fn root(&self) -> Value<'_> {
        self.0.root()
    }

    /// The size of the uncompressed file in bytes.
    pub fn plain_bytes(&self) -> usize {
        self.0.plain_bytes()
    }
}

/// The top-level value of a pickle, as far as its first opcodes show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopLevelValue {
    /// An object of a class.
    Class {
        /// The class, without its module.
        name: String,
        /// Whether the class is supported.
        is_listed: bool,
    },
    /// A built-in value of Python: `a dict`, `a list`.
    Value(&'static str),
}

/// How many opcodes may precede the first name of a class.
const MAX_OPCODES: usize = 64;

impl TopLevelValue {
    /// Reads only the first opcodes of a pickle. The first class that they name is that of the top-level value.
    pub fn from_first_opcodes(start: Vec<u8>, list: &dyn AllowList, allowance: &Allowance) -> Option<TopLevelValue> {
        let mut machine = Machine::new(Source::open(start, allowance).ok()?, list, Unlisted::Kept, allowance).ok()?;
        machine.first_value(MAX_OPCODES)
    }
}

impl Machine<'_> {
    /// The first class that is named, or the first built-in value.
    fn first_value(&mut self, max_opcodes: usize) -> Option<TopLevelValue> {
        // These modules are named before the class in protocols 0 and 1.
        const MAKERS: &[&str] = &["copyreg", "copy_reg"];
        let mut stack = super::stack::Stack::new(self.allowance, 0);
        for _ in 0..max_opcodes {
            let at = self.source.position();
            let opcode = self.source.byte().ok()?;
            let before = self.len();
            self.step(&mut stack, opcode, at).ok()?;
            if self.len() == before {
                continue;
            }
            let id = NodeId(u32::try_from(before).ok()?);
            let (name, is_listed) = match self.node(id) {
                Node::Symbol(name) if MAKERS.contains(&name.module) => continue,
                Node::Symbol(name) if name.module.contains("joblib") || name.module.starts_with("numpy") => {
                    return Some(TopLevelValue::Value("a NumPy array or number"));
                }
                Node::Symbol(name) => (name.name.to_owned(), true),
                Node::Unlisted(name) => (format!("{}.{}", name.module, name.name), false),
                // The module and name of the class are strings on the stack.
                Node::Text(_) | Node::OwnedText(_) => continue,
                other => return Some(TopLevelValue::Value(other.kind())),
            };
            return Some(TopLevelValue::Class { name, is_listed });
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;
    use crate::testing::SCIKIT_LEARN;
    use std::path::Path;

    fn fixture(name: &str) -> Vec<u8> {
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(name)).unwrap()
    }

    #[test]
    fn a_refused_pickle_is_outlined_by_its_own_names() {
        for (name, class) in [
            ("pickle/unsupported/bayesian_ridge.joblib", "Pipeline"),
            ("pickle/unsupported/nested_pca.joblib", "Pipeline"),
            ("pickle/writers/refused_function_dill_0.4.1.pkl", "FunctionTransformer"),
            ("pickle/writers/refused_named_function_cloudpickle_3.1.3.pkl", "FunctionTransformer"),
        ] {
            assert!(read(fixture(name), SCIKIT_LEARN, &Allowance::unbounded()).is_err());
            let outline = Outline::read(fixture(name), SCIKIT_LEARN, &Allowance::unbounded())
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(outline.root().class().map(|(_, class)| class), Some(class), "{name}");
            assert!(!outline.root().is_unlisted());
            let value = TopLevelValue::from_first_opcodes(fixture(name), SCIKIT_LEARN, &Allowance::unbounded());
            assert_eq!(value, Some(TopLevelValue::Class { name: class.to_owned(), is_listed: true }), "{name}");
        }
    }

    #[test]
    fn objects_of_unknown_classes_are_kept_in_every_form() {
        for program in [
            &b"cxgboost.core\nBooster\n)\x81}\x8c\x01aK\x01sb."[..],
            b"cxgboost.core\nBooster\n)}\x92.",
            b"cxgboost.core\nBooster\n(K\x01\x8c\x01atR}b}b.",
            b"cxgboost.core\nBooster\n)R(\x8c\x01aK\x01u(K\x01e.",
            b"cbuiltins\ngetattr\n(cxgboost.core\nBooster\n\x8c\x01atR)R.",
            b"cxgboost.core\nBooster\n)\x81N0.",
        ] {
            assert!(read(program.to_vec(), SCIKIT_LEARN, &Allowance::unbounded()).is_err());
            let outline = Outline::read(program.to_vec(), SCIKIT_LEARN, &Allowance::unbounded());
            let outline = outline.unwrap_or_else(|error| panic!("{}: {error}", program.escape_ascii()));
            assert!(outline.root().is_unlisted(), "{}", program.escape_ascii());
        }
        let records = b"cnumpy\ndtype\n\x8c\x03V56\x85R(K\x03\x8c\x01|N\x8c\x01a}K8K\x01K\x10tb.";
        assert!(Outline::read(records.to_vec(), SCIKIT_LEARN, &Allowance::unbounded()).is_ok());
    }

    #[test]
    fn the_bounds_of_reading_apply_to_an_outline_as_well() {
        let refusal = |program: &[u8]| {
            Outline::read(program.to_vec(), SCIKIT_LEARN, &Allowance::unbounded()).unwrap_err().to_string()
        };
        let of_itself = b"cxgboost.core\nBooster\n)\x81q\0}\x8c\x01ah\0sb.";
        assert!(refusal(of_itself).contains("holds itself"));
        let deep = [b"cos\nx\n(".repeat(200), b"tR".repeat(200), b".".to_vec()].concat();
        assert!(refusal(&deep).contains("nested deeper"));
        assert!(refusal(b"cos\nx\nP1\n.").contains("PERSID is refused"));
        let long = [b"c", &b"a".repeat(300)[..], b"\nb\n."].concat();
        assert!(refusal(&long).contains("not text of at most"));
        let wide = [&b"cnumpy\ndtype\n\x8c\x0aV999999999\x85R."[..]].concat();
        let array = [
            &b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\0\x85C\x01btR(K\x01K\x02\x85"[..],
            &wide[..wide.len() - 1],
            b"\x89C\x01atb.",
        ];
        assert!(refusal(&array.concat()).contains("has 1 bytes; expected 1999999998"));
        let values = [b"(".to_vec(), b"cos\nx\n".repeat(10), b"l.".to_vec()].concat();
        let few = Outline::read(
            values.clone(),
            SCIKIT_LEARN,
            &Allowance::of_bytes(values.len() as u64 + 100, byoc_account::Purpose::Load),
        );
        assert_eq!(few.unwrap_err().cause(), crate::error::Cause::InsufficientMemory);
    }

    #[test]
    fn the_first_opcodes_tell_the_top_level_value() {
        for (program, expected) in [
            (&b"\x80\x04}."[..], TopLevelValue::Value("a dict")),
            (b"\x80\x04]", TopLevelValue::Value("a list")),
            (b"\x80\x04K\x01.", TopLevelValue::Value("an integer")),
            (b"cos\nsystem\n", TopLevelValue::Class { name: "os.system".to_owned(), is_listed: false }),
            (
                b"ccopy_reg\n_reconstructor\n(csklearn.preprocessing.data\nNormalizer\n",
                TopLevelValue::Class { name: "Normalizer".to_owned(), is_listed: true },
            ),
        ] {
            assert_eq!(
                TopLevelValue::from_first_opcodes(program.to_vec(), SCIKIT_LEARN, &Allowance::unbounded()),
                Some(expected)
            );
        }
        assert_eq!(
            TopLevelValue::from_first_opcodes(b"no pickle".to_vec(), SCIKIT_LEARN, &Allowance::unbounded()),
            None
        );
        assert_eq!(TopLevelValue::from_first_opcodes(Vec::new(), SCIKIT_LEARN, &Allowance::unbounded()), None);
    }
}
