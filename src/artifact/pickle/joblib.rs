//! joblib's arrays: their bytes stand in the middle of the opcodes.
//!
//! `joblib.numpy_pickle.NumpyArrayWrapper` takes the place of each array; when its BUILD has been read, the array follows in
//! the same stream (`NumpyArrayWrapper.write_array` and `read_array` in joblib's `numpy_pickle.py`).

use super::allow_list::Meaning;
use super::array::{Array, ArrayData, ItemKind};
use super::machine::{MAX_LOOKED_AT, Machine, error};
use super::numpy::count_bytes;
use super::tree::{Node, NodeId};
use crate::error::Result;

impl Machine {
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
            // No padding here: a whole pickle follows, which has the shape and order once more. The allow-list holds in
            // there too (joblib's own reader forgot its caller's until 1.6: GHSA-m62q-453p-gv66).
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
            // How much padding there is depends on where the writer's stream began, so it is read and not computed.
            let padding = self.source.byte()?;
            self.source.take(u64::from(padding))?;
        }
        let span = self.source.take(length as u64)?;
        self.add(Node::Array(Box::new(Array { dtype, shape, fortran, data: ArrayData::Span(span) })))
    }

    /// Whether padding stands before the items: since joblib 1.2, unless the writer could not tell where it was.
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
            Node::Dict(fields) if fields.len() <= MAX_LOOKED_AT => {
                let field = fields.iter().rev().find(|(key, _)| self.short_text(*key) == Some(name));
                Ok(field.map(|(_, value)| *value))
            }
            other => {
                Err(error(format!("the state of joblib's array wrapper is {}; expected a small dict", other.kind())))
            }
        }
    }
}
