//! The memory and time that transforming a row takes, estimated before any row is read.

use crate::columns::feature::Feature;
use byoc_account::Allowance;
use byoc_formats::error::Result;
use byoc_formats::rows::table::Cell;
use byoc_formats::rows::{Block, Frame};
use std::ops::Add;

/// The memory and time that a transformer takes for each row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// The number of output columns.
    pub width: usize,
    /// The most columns that it holds at once: input, output and intermediate ones.
    pub columns: usize,
    /// The bytes of their cells.
    pub bytes: usize,
    /// The time in nanoseconds on a slow core: a rough estimate that only separates cheap from expensive.
    pub nanoseconds: u64,
    /// Whether the output of a row depends on all other rows of the body.
    pub all_rows: bool,
}

/// What transformers cost for each value, in nanoseconds on a slow core.
pub(crate) mod cost {
    pub(crate) const ARITHMETIC: u64 = 5;
    pub(crate) const TEXT_TO_NUMBER: u64 = 25;
    pub(crate) const LOGARITHM: u64 = 60;
    pub(crate) const SEARCH: u64 = 120;
    pub(crate) const QUANTILE: u64 = 250;
}

/// The time to move a cell from one column to another.
const MOVE: u64 = 5;

/// The memory of a column beside its cells: itself, and the overhead of the allocator.
const COLUMN: usize = size_of::<Feature<'_, '_>>() + 32;

/// The bytes of cells in a block of rows: enough that the fixed cost of a block is negligible, and no more than fit
/// into a cache.
const BLOCK: usize = 512 << 10;

/// A cell of any type, and one of a float.
const CELL: usize = size_of::<Cell<'_>>();
const FLOAT: usize = size_of::<f64>();

impl Demand {
    /// Columns that are passed on unchanged, or converted to another type.
    pub fn of_columns(width: usize) -> Demand {
        Demand {
            width,
            columns: width,
            bytes: width.saturating_mul(CELL),
            nanoseconds: MOVE.saturating_mul(width as u64),
            all_rows: false,
        }
    }

    /// A transformer from `given` columns to `width` columns of numbers, which takes `nanoseconds_each` for a value.
    pub fn of(given: usize, width: usize, nanoseconds_each: u64) -> Demand {
        let work = nanoseconds_each.saturating_mul(given.max(width) as u64);
        let moves = MOVE.saturating_mul(given.saturating_add(width) as u64);
        // The input is first converted to floats, and the results are converted to columns.
        let columns = given.saturating_add(width).saturating_mul(2);
        let bytes = given.saturating_mul(CELL + FLOAT).saturating_add(width.saturating_mul(2 * FLOAT));
        Demand { width, columns, bytes, nanoseconds: work.saturating_add(moves), all_rows: false }
    }

    /// The demand of this transformer followed by another one.
    #[must_use]
    pub fn then(self, next: Demand) -> Demand {
        Demand { width: next.width, ..self + next }
    }

    /// How many rows make a block.
    pub fn rows_of_a_block(&self) -> usize {
        if self.all_rows { usize::MAX } else { (BLOCK / self.bytes.max(1)).max(1) }
    }

    /// Calls `then` with a body's rows in blocks, each with its memory.
    ///
    /// # Errors
    /// Those of `then`; and if there is not enough memory or time for a block.
    pub fn each_block(
        &self,
        frame: Frame<'_>,
        allowance: &Allowance,
        mut then: impl FnMut(Block<'_>) -> Result<()>,
    ) -> Result<()> {
        frame.each_block(self.rows_of_a_block(), |block| {
            allowance.check_time()?;
            let bytes = self.bytes_of(block.table.rows);
            allowance.take(bytes)?;
            let done = then(block);
            allowance.give_back(bytes);
            done
        })
    }

    /// The bytes that this number of rows takes.
    pub fn bytes_of(&self, rows: usize) -> usize {
        self.bytes.saturating_mul(rows).saturating_add(self.columns.saturating_mul(COLUMN))
    }
}

/// Side by side: the outputs of both are in memory.
impl Add for Demand {
    type Output = Demand;

    fn add(self, other: Demand) -> Demand {
        Demand {
            width: self.width.saturating_add(other.width),
            columns: self.columns.saturating_add(other.columns),
            bytes: self.bytes.saturating_add(other.bytes),
            nanoseconds: self.nanoseconds.saturating_add(other.nanoseconds),
            all_rows: self.all_rows || other.all_rows,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_larger_than_a_block_is_a_block_and_nothing_overflows() {
        let narrow = Demand::of(8, 10, 10);
        assert_eq!(narrow.rows_of_a_block(), BLOCK / (8 * (CELL + FLOAT) + 10 * 2 * FLOAT));
        assert!(narrow.bytes_of(narrow.rows_of_a_block()) <= BLOCK + 36 * COLUMN);
        let wide = Demand::of(1, usize::MAX, u64::MAX);
        assert_eq!((wide.rows_of_a_block(), wide.bytes_of(3)), (1, usize::MAX));
        assert_eq!((wide + wide).then(wide).columns, usize::MAX);
        let all_rows = Demand { all_rows: true, ..narrow };
        assert_eq!((narrow + all_rows).then(narrow).rows_of_a_block(), usize::MAX);
        assert_eq!((Demand::of_columns(3) + Demand::of_columns(4)).width, 7);
    }
}
