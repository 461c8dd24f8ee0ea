//! The stack, marks and memo of one pickle.

use byoc_account::Allowance;

use super::errors::error;
use super::memory::reserve_leased;
use super::tree::NodeId;
use crate::error::{Error, Result};

/// The maximum number of values and marks on the stack. Writers append to lists and dicts in batches of 1,000; only a
/// tuple puts all its items there.
const MAX_STACK: usize = 1 << 20;

/// The stack and memo of one pickle; a nested pickle has its own.
pub(super) struct Stack<'a> {
    allowance: &'a Allowance,
    /// Where in the file the pickle begins.
    start: usize,
    values: Vec<NodeId>,
    marks: Vec<usize>,
    memo: Vec<Option<NodeId>>,
    /// The number of memo entries that are set.
    memoized: usize,
}

impl<'a> Stack<'a> {
    /// The empty stack of a pickle that begins at a byte.
    pub(super) fn new(allowance: &'a Allowance, start: usize) -> Stack<'a> {
        Stack { allowance, start, values: Vec::new(), marks: Vec::new(), memo: Vec::new(), memoized: 0 }
    }

    /// Where in the file the pickle begins.
    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// Where the values begin that opcodes may pop: above the last mark.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    /// The values between one mark and the next, from the outermost on.
    pub(super) fn segments(&self) -> impl DoubleEndedIterator<Item = &[NodeId]> {
        let starts = std::iter::once(0).chain(self.marks.iter().copied());
        let ends = self.marks.iter().copied().chain([self.values.len()]);
        starts.zip(ends).filter_map(|(start, end)| self.values.get(start..end)).collect::<Vec<_>>().into_iter()
    }

    /// Whether no value and no mark is left.
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty() && self.marks.is_empty()
    }

    pub(super) fn push(&mut self, value: NodeId) -> Result<()> {
        if self.values.len() >= MAX_STACK {
            return Err(error(format!("more than {MAX_STACK} values wait on the stack")));
        }
        reserve_leased(&mut self.values, 1, self.allowance)?;
        self.values.push(value);
        Ok(())
    }

    pub(super) fn mark(&mut self) -> Result<()> {
        if self.marks.len() >= MAX_STACK {
            return Err(error(format!("more than {MAX_STACK} marks wait on the stack")));
        }
        reserve_leased(&mut self.marks, 1, self.allowance)?;
        self.marks.push(self.values.len());
        Ok(())
    }

    pub(super) fn top(&self) -> Result<NodeId> {
        self.values.get(self.floor()..).and_then(|values| values.last()).copied().ok_or_else(empty)
    }

    pub(super) fn pop(&mut self) -> Result<NodeId> {
        let value = self.top()?;
        self.values.pop();
        Ok(value)
    }

    pub(super) fn pop_last(&mut self, count: usize) -> Result<Vec<NodeId>> {
        let start = self.values.len().checked_sub(count).filter(|start| *start >= self.floor()).ok_or_else(empty)?;
        self.allowance.take_items::<NodeId>(count)?;
        Ok(self.values.drain(start..).collect())
    }

    /// The values above the last mark. Their memory stays taken: the caller gives it back if it does not keep them.
    pub(super) fn pop_to_mark(&mut self) -> Result<Vec<NodeId>> {
        let start = self.marks.pop().ok_or_else(|| error("the stack has no mark"))?;
        self.allowance.take_items::<NodeId>(self.values.len() - start)?;
        Ok(self.values.drain(start..).collect())
    }

    /// Stores the top of the stack in the memo at `index`, which may be at most `most`.
    pub(super) fn put(&mut self, index: u64, most: usize) -> Result<()> {
        let value = self.top()?;
        let index = usize::try_from(index)
            .ok()
            .filter(|index| *index <= most)
            .ok_or_else(|| error(format!("memo index {index} is too large; at most {most} is possible here")))?;
        if index >= self.memo.len() {
            let missing = index + 1 - self.memo.len();
            reserve_leased(&mut self.memo, missing, self.allowance)?;
            self.memo.resize(index + 1, None);
        }
        if self.memo[index].replace(value).is_none() {
            self.memoized += 1;
        }
        Ok(())
    }

    /// Stores the top of the stack in the memo at the next index, which is the number of its entries.
    pub(super) fn memoize(&mut self, most: usize) -> Result<()> {
        self.put(self.memoized as u64, most)
    }

    pub(super) fn get(&self, index: u64) -> Result<NodeId> {
        let place = usize::try_from(index).ok().and_then(|index| self.memo.get(index).copied().flatten());
        place.ok_or_else(|| error(format!("memo index {index} has not been set")))
    }
}

impl Drop for Stack<'_> {
    fn drop(&mut self) {
        self.allowance.give_back_items::<NodeId>(self.values.capacity());
        self.allowance.give_back_items::<usize>(self.marks.capacity());
        self.allowance.give_back_items::<Option<NodeId>>(self.memo.capacity());
    }
}

fn empty() -> Error {
    error("an opcode takes a value from an empty stack")
}
