//! joblib's arrays, whose bytes are between the opcodes.
//!
//! `joblib.numpy_pickle.NumpyArrayWrapper` takes the place of each array; when its BUILD has been read, the array
//! follows in the same stream (`NumpyArrayWrapper.write_array` and `read_array` in joblib's `numpy_pickle.py`).

use super::allow_list::Meaning;
use super::errors::error;
use super::machine::Machine;
use super::numpy::count_bytes;
use super::tree::array::{Array, ArrayData, ItemKind};
use super::tree::{Node, NodeId};
use crate::error::Result;

/// How many fields a wrapper may have; joblib 1.5 writes six.
const MAX_FIELDS: usize = 16;

impl Machine<'_> {
    /// The array that a wrapper announces, from the bytes that follow.
    pub(super) fn inline_array(&mut self, state: NodeId) -> Result<NodeId> {
        let class = self.field(state, "subclass")?;
        if !self.symbol(class).is_some_and(|name| name.meaning == Meaning::ArrayClass) {
            return Err(error("joblib's array wrapper is for a class that is not one of arrays"));
        }
        let dtype = self.field(state, "dtype")?;
        let dtype = self.dtype_of(dtype)?;
        let shape = self.field(state, "shape")?;
        let shape = self.shape_of(shape)?;
        let order = self.field(state, "order")?;
        let fortran = self.order_of(order)?;

        if dtype.kind == ItemKind::Object {
            // No padding here: a whole pickle follows, which repeats the shape and order. The allow-list applies to
            // it too (joblib's own reader did not pass its caller's list on until 1.6: GHSA-m62q-453p-gv66).
            let value = self.run()?;
            return match self.node(value) {
                Node::Array(array) if array.dtype.kind == ItemKind::Object && array.shape == shape => Ok(value),
                Node::Array(array) => {
                    Err(error(format!("expected an array of objects of shape {shape:?}, found {:?}", array.shape)))
                }
                other => Err(error(format!("expected an array of objects, found {}", other.kind()))),
            };
        }

        let length = count_bytes(dtype, &shape)?;
        if self.is_aligned(state)? {
            // The padding depends on where the writer's stream began, so its length is read and not computed.
            let padding = self.source.byte()?;
            self.source.take(u64::from(padding))?;
        }
        let span = self.source.take(length as u64)?;
        self.add(Node::Array(Box::new(Array { dtype, shape, fortran, data: ArrayData::Span(span) })))
    }

    /// Whether padding precedes the items: since joblib 1.2, unless the writer did not know its position in the stream.
    fn is_aligned(&self, state: NodeId) -> Result<bool> {
        match self.optional_field(state, "numpy_array_alignment_bytes")?.map(|alignment| self.node(alignment)) {
            None | Some(Node::None) => Ok(false),
            Some(Node::Int(_)) => Ok(true),
            Some(other) => Err(error(format!("the alignment of an array is {}; expected an integer", other.kind()))),
        }
    }

    fn field(&self, state: NodeId, name: &str) -> Result<NodeId> {
        self.optional_field(state, name)?.ok_or_else(|| error(format!("joblib's array wrapper has no {name}")))
    }

    fn optional_field(&self, state: NodeId, name: &str) -> Result<Option<NodeId>> {
        match self.node(state) {
            Node::Dict(fields) if fields.len() <= MAX_FIELDS => {
                let field = fields.iter().rev().find(|(key, _)| self.text_bytes(*key) == Some(name.as_bytes()));
                Ok(field.map(|(_, value)| *value))
            }
            other => {
                Err(error(format!("the state of joblib's array wrapper is {}; expected a small dict", other.kind())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Tree, read};
    use crate::testing::SCIKIT_LEARN;
    use byoc_account::Allowance;

    const NEW: &[u8] = b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81";
    const F8: &[u8] = b"cnumpy\ndtype\nX\x02\0\0\0f8\x85R(K\x03X\x01\0\0\0<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb";
    const OBJECT: &[u8] = b"cnumpy\ndtype\nX\x02\0\0\0O8\x85R";

    /// The opcodes of a string of fewer than 256 bytes.
    fn text(text: &str) -> Vec<u8> {
        [&[0x8C, text.len() as u8], text.as_bytes()].concat()
    }

    /// A wrapper in a list, with an integer after the array to check that reading continues at the right byte.
    fn program(class: &str, shape: &[u8], order: &str, dtype: &[u8], more: &[u8], follows: &[u8]) -> Vec<u8> {
        let state = [
            text("subclass"),
            class.into(),
            text("shape"),
            shape.into(),
            text("order"),
            text(order),
            text("dtype"),
            dtype.into(),
            more.into(),
        ];
        [b"(", NEW, b"}(", &state.concat(), b"ub", follows, b"K\x2al."].concat()
    }

    fn array_of(program: Vec<u8>) -> Tree {
        let tree = read(program, SCIKIT_LEARN, &Allowance::unbounded()).unwrap();
        let [array, behind] = tree.root().array_of::<2>().unwrap();
        assert!(array.as_array().is_some() && behind.as_i64() == Some(42), "{array:?} {behind:?}");
        tree
    }

    fn numbers(tree: &Tree) -> Vec<f64> {
        tree.root().items().unwrap().next().unwrap().as_array().unwrap().to_f64().unwrap()
    }

    fn doubles(values: &[f64]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    #[test]
    fn padding_is_read_only_if_the_wrapper_is_aligned() {
        let data = doubles(&[1.5, -2.0]);
        let alignment = |value: &[u8]| [text("numpy_array_alignment_bytes"), value.to_vec()].concat();
        let padded = |padding: u8| [vec![padding], vec![0xFF; usize::from(padding)], data.clone()].concat();
        for (more, follows) in [
            (vec![], data.clone()),
            (alignment(b"N"), data.clone()),
            (alignment(b"K\x10"), padded(16)),
            (alignment(b"K\x10"), padded(3)),
            (alignment(b"K\x10"), padded(0)),
        ] {
            let tree = array_of(program("cnumpy\nndarray\n", b"K\x02\x85", "C", F8, &more, &follows));
            assert_eq!(numbers(&tree), [1.5, -2.0]);
        }
        let empty = program("cnumpy\nndarray\n", b"K\0\x85", "C", F8, &alignment(b"K\x10"), b"\x02\xff\xff");
        assert!(numbers(&array_of(empty)).is_empty());
    }

    #[test]
    fn an_array_has_the_shape_order_and_class_of_its_wrapper() {
        let data = doubles(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let ndarray = "cnumpy\nndarray\n";
        let row_major = array_of(program(ndarray, b"K\x02K\x03\x86", "C", F8, b"", &data));
        assert_eq!(numbers(&row_major), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let column_major = array_of(program(ndarray, b"K\x02K\x03\x86", "F", F8, b"", &data));
        assert_eq!(numbers(&column_major), [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
        let no_dimension = array_of(program("cnumpy\nmemmap\n", b")", "C", F8, b"", &doubles(&[7.0])));
        assert_eq!(numbers(&no_dimension), [7.0]);
        assert!(
            read(
                program("cnumpy\nfloat64\n", b")", "C", F8, b"", &doubles(&[7.0])),
                SCIKIT_LEARN,
                &Allowance::unbounded()
            )
            .is_err()
        );
    }

    #[test]
    fn an_array_of_objects_is_a_whole_pickle_with_a_memo_of_its_own() {
        let nested = [
            b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\0\x85C\x01btR(K\x01K\x02\x85",
            OBJECT,
            b"\x89](X\x01\0\0\0aq\0h\0etb.",
        ];
        let tree = array_of(program("cnumpy\nndarray\n", b"K\x02\x85", "C", OBJECT, b"", &nested.concat()));
        let array = tree.root().items().unwrap().next().unwrap().as_array().unwrap();
        assert_eq!(array.objects().unwrap().map(|item| item.as_str()).collect::<Vec<_>>(), [Some("a"); 2]);
        let other_shape = program("cnumpy\nndarray\n", b"K\x03\x85", "C", OBJECT, b"", &nested.concat());
        assert!(
            read(other_shape, SCIKIT_LEARN, &Allowance::unbounded())
                .unwrap_err()
                .message()
                .contains("of shape [3], found [2]")
        );
    }

    #[test]
    fn a_wrapper_of_protocol_0_is_read_as_well() {
        let program = [
            b"(lp0\nccopy_reg\n_reconstructor\np1\n(cjoblib.numpy_pickle\nNumpyArrayWrapper\np2\nc__builtin__\nobject\np3\nNtp4\nRp5\n(dp6\n\
              Vsubclass\np7\ncnumpy\nndarray\np8\nsVshape\np9\n(I2\ntp10\nsVorder\np11\nVC\np12\nsVdtype\np13\ncnumpy\ndtype\np14\n\
              (Vf8\np15\nI00\nI01\ntp16\nRp17\n(I3\nV<\np18\nNNNI-1\nI-1\nI0\ntp19\nbsVallow_mmap\np20\nI01\ns\
              Vnumpy_array_alignment_bytes\np21\nI16\nsb\x01\xff"
                .to_vec(),
            doubles(&[0.5, 0.25]),
            b"aI42\na.".to_vec(),
        ];
        assert_eq!(numbers(&array_of(program.concat())), [0.5, 0.25]);
    }
}
