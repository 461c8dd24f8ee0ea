//! Checks the shape of the finished graph before anything walks it.
//!
//! With the memo, a file of a kilobyte can describe a list that contains itself, or forty levels of lists that each
//! contain the one below ten times. Both are harmless as a graph in an arena, but a recursive walk of them would not
//! end. So this module visits each value once, without recursion, and refuses such graphs.

use byoc_account::Allowance;

use super::allow_list::Meaning;
use super::errors::error;
use super::machine::MAX_VALUES;
use super::objects::MAX_ATTRIBUTES;
use super::tree::array::ArrayData;
use super::tree::{Node, NodeId, Tree};
use crate::error::Result;

/// How deep values may be nested. Each level of named parts, as in a pipeline, adds four; no model nests thirty levels.
const MAX_DEPTH: usize = 128;

/// How many bytes of text the values may refer to in total: a multiple of the size of the file, plus a fixed amount.
/// A reader scans the whole text at each reference, however short the reference is.
const EACH_TEXT: usize = 32;
const SMALL_TEXTS: usize = 16 << 20;

/// The maximum number of values that a walk visits, with a shared value counted each time.
const MAX_UNFOLDED: usize = MAX_VALUES;

/// What is known about a value so far.
#[derive(Clone, Copy, PartialEq)]
enum Seen {
    Never,
    /// It contains the current value: meeting it again is a cycle.
    Open,
    Measured {
        /// The number of values in a walk from this one on, including itself.
        unfolded: u32,
        height: u16,
    },
}

/// A value whose parts are being visited.
struct Visit {
    id: NodeId,
    next: usize,
    unfolded: usize,
    height: usize,
}

/// Refuses a tree that contains itself, or that is too deep or too large to be walked.
pub(super) fn check(tree: &Tree, allowance: &Allowance) -> Result<()> {
    let _held = allowance.hold(tree.nodes.len().saturating_mul(size_of::<Seen>()))?;
    let mut text_left = tree.bytes.len().saturating_mul(EACH_TEXT).saturating_add(SMALL_TEXTS);
    let mut seen = vec![Seen::Never; tree.nodes.len()];
    let mut path: Vec<Visit> = vec![Visit { id: tree.root, next: 0, unfolded: 1, height: 1 }];
    while let Some(visit) = path.last_mut() {
        let node = &tree.nodes[visit.id.0 as usize];
        if visit.next == 0 {
            check_attributes(tree, node)?;
        }
        let Some(part) = part(node, visit.next) else {
            seen[visit.id.0 as usize] = Seen::Measured { unfolded: visit.unfolded as u32, height: visit.height as u16 };
            path.pop();
            continue;
        };
        if let Seen::Measured { .. } = seen[part.0 as usize] {
            text_left = text_left
                .checked_sub(tree.nodes[part.0 as usize].text_bytes())
                .ok_or_else(|| error("the values refer to the same long texts over and over"))?;
        }
        match seen[part.0 as usize] {
            Seen::Measured { unfolded, height } => {
                visit.next += 1;
                visit.unfolded += unfolded as usize;
                visit.height = visit.height.max(height as usize + 1);
                if visit.unfolded > MAX_UNFOLDED {
                    return Err(error(format!(
                        "the values refer to each other so often that a walk meets more than {MAX_UNFOLDED}"
                    )));
                }
            }
            Seen::Open => return Err(error("a value holds itself")),
            Seen::Never => {
                seen[part.0 as usize] = Seen::Open;
                path.push(Visit { id: part, next: 0, unfolded: 1, height: 1 });
            }
        }
        if path.len() > MAX_DEPTH || path.last().is_some_and(|visit| visit.height > MAX_DEPTH) {
            return Err(error(format!("values are nested deeper than {MAX_DEPTH}")));
        }
    }
    Ok(())
}

/// Checks the number of attributes again: a file can add to the dict after BUILD has checked it.
fn check_attributes(tree: &Tree, node: &Node) -> Result<()> {
    let Node::Object { class, state: Some(state), .. } = node else { return Ok(()) };
    let node = |id: NodeId| &tree.nodes[id.0 as usize];
    match (node(*class), node(*state)) {
        (Node::Symbol(name), Node::Dict(entries))
            if name.meaning == Meaning::Instance && entries.len() > MAX_ATTRIBUTES =>
        {
            let found = entries.len();
            Err(error(format!(
                "{}.{} has {found} attributes: expected at most {MAX_ATTRIBUTES}",
                name.module, name.name
            )))
        }
        _ => Ok(()),
    }
}

/// The parts of a value, one by one.
fn part(node: &Node, index: usize) -> Option<NodeId> {
    match node {
        Node::List(items) | Node::Tuple(items) | Node::Set(items) => items.get(index).copied(),
        Node::Dict(entries) => {
            entries.get(index / 2).map(|(key, value)| if index.is_multiple_of(2) { *key } else { *value })
        }
        Node::Object { class, arguments, state, .. } => match index {
            0 => Some(*class),
            1 => Some(*arguments),
            2 => *state,
            _ => None,
        },
        Node::Array(array) => match &array.data {
            ArrayData::Objects(items) => items.get(index).copied(),
            ArrayData::Bytes(bytes) => (index == 0).then_some(*bytes),
            ArrayData::Span(_) => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;
    use crate::testing::SCIKIT_LEARN;

    /// A list of `inner` and nine references to it, so that it has ten times its leaves.
    fn ten_of(inner: Vec<u8>, place: u8) -> Vec<u8> {
        [b"(".to_vec(), inner, vec![b'q', place], [b'h', place].repeat(9), b"l".to_vec()].concat()
    }

    fn nested_lists(depth: usize) -> Vec<u8> {
        [b"]".repeat(depth), b"a".repeat(depth - 1), b".".to_vec()].concat()
    }

    fn refusal(program: Vec<u8>) -> String {
        read(program, SCIKIT_LEARN, &Allowance::unbounded()).map(|_| ()).expect_err("read").to_string()
    }

    #[test]
    fn lists_that_expand_beyond_the_limit_of_values_are_refused() {
        let levels = |count: u8| {
            let lists = (0..count).fold(b"N".to_vec(), ten_of);
            [lists, b".".to_vec()].concat()
        };
        assert!(read(levels(5), SCIKIT_LEARN, &Allowance::unbounded()).is_ok());
        assert!(refusal(levels(7)).contains("refer to each other so often"));
        assert!(refusal(levels(40)).contains("refer to each other so often"));
    }

    #[test]
    fn values_that_contain_themselves_are_refused() {
        let pipeline = b"csklearn.pipeline\nPipeline\n)\x81q\0}\x8c\x05stepsh\0sb.";
        let array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\0\x85C\x01btRq\0\
            (K\x01K\x01\x85cnumpy\ndtype\n(\x8c\x02O8tR\x89](h\0etb.";
        let programs: [&[u8]; 5] = [b"]q\0h\0a.", b"}q\0Nh\0s.", b"]q\0h\0\x85a.", pipeline, array];
        for program in programs {
            let error = refusal(program.to_vec());
            assert!(error.contains("holds itself"), "{error}");
        }
    }

    #[test]
    fn values_may_be_nested_as_deep_as_the_limit_and_no_deeper() {
        assert!(read(nested_lists(MAX_DEPTH), SCIKIT_LEARN, &Allowance::unbounded()).is_ok());
        assert!(refusal(nested_lists(MAX_DEPTH + 1)).contains("nested deeper"));
        assert!(refusal(nested_lists(100_000)).contains("nested deeper"));
    }

    #[test]
    fn depth_includes_values_that_were_measured_before() {
        // Two lists of 100 levels, the second around a reference to the first: 200 levels, though no new path is longer
        // than 101.
        let deep = [b"]".repeat(100), b"a".repeat(99), b"q\0".to_vec()].concat();
        let program =
            [b"(".to_vec(), deep, b"]".repeat(100), b"h\0".to_vec(), b"a".repeat(100), b"l.".to_vec()].concat();
        assert!(refusal(program).contains("nested deeper"));
    }
}
