//! What transforming a row takes, known before any row is: memory and time are reckoned by it.

use super::feature::Feature;
use crate::error::Result;
use crate::payload::table::Cell;
use crate::payload::{Block, Frame};
use byoc_account::Allowance;
use std::ops::Add;

/// What a transformer takes for each row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// How many columns it gives.
    pub width: usize,
    /// How many cells it holds at once, at most, each in a column of its own: what it is given, what it gives, and what stands between.
    pub cells: usize,
    /// How long it takes, in nanoseconds on a slow core. It tells what is heavy from what is not, no more.
    pub nanoseconds: u64,
}

/// What moving a cell from one column to another takes.
const MOVE: u64 = 5;

/// What a column takes beside its cells: itself, and what an allocator adds to its memory.
const COLUMN: usize = size_of::<Feature<'_, '_>>() + 32;

/// Cells that a block of rows may hold: it stays in the cache.
const BLOCK_CELLS: usize = 32 << 10;

impl Demand {
    /// Columns that are given on as they are, or converted to another type.
    pub fn of_columns(width: usize) -> Demand {
        Demand { width, cells: width, nanoseconds: MOVE.saturating_mul(width as u64) }
    }

    /// A transformer of so many columns to so many, each of which takes so long.
    pub fn of(given: usize, width: usize, nanoseconds_each: u64) -> Demand {
        let work = nanoseconds_each.saturating_mul(given.max(width) as u64);
        let moves = MOVE.saturating_mul(given.saturating_add(width) as u64);
        // Floats are made of what is given before it is worked on.
        let cells = given.saturating_mul(2).saturating_add(width.saturating_mul(2));
        Demand { width, cells, nanoseconds: work.saturating_add(moves) }
    }

    /// The same where another transformer is given what this one gives.
    #[must_use]
    pub fn then(self, next: Demand) -> Demand {
        Demand {
            width: next.width,
            cells: self.cells.saturating_add(next.cells),
            nanoseconds: self.nanoseconds.saturating_add(next.nanoseconds),
        }
    }

    /// How many rows make a block.
    pub fn rows_of_a_block(&self) -> usize {
        (BLOCK_CELLS / self.cells.max(1)).max(1)
    }

    /// Hands on a body's rows in blocks, each with the memory that it takes.
    ///
    /// # Errors
    /// Those of `then`; and where there is not the memory or the time for a block.
    pub fn each_block(
        &self,
        frame: Frame<'_>,
        allowance: &Allowance,
        mut then: impl FnMut(Block<'_>) -> Result<()>,
    ) -> Result<()> {
        frame.each_block(self.rows_of_a_block(), |block| {
            allowance.check_time()?;
            let bytes = self.bytes(block.table.rows);
            allowance.take(bytes)?;
            let done = then(block);
            allowance.give_back(bytes);
            done
        })
    }

    /// The bytes that so many rows take.
    pub fn bytes(&self, rows: usize) -> usize {
        let column = rows.saturating_mul(size_of::<Cell<'_>>()).saturating_add(COLUMN);
        self.cells.saturating_mul(column)
    }
}

/// Side by side: the answers of both are held.
impl Add for Demand {
    type Output = Demand;

    fn add(self, other: Demand) -> Demand {
        Demand {
            width: self.width.saturating_add(other.width),
            cells: self.cells.saturating_add(other.cells),
            nanoseconds: self.nanoseconds.saturating_add(other.nanoseconds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_is_larger_than_a_block_is_one_and_nothing_overflows() {
        let narrow = Demand::of(8, 10, 10);
        assert_eq!(narrow.rows_of_a_block(), BLOCK_CELLS / 36);
        let wide = Demand::of(1, usize::MAX, u64::MAX);
        assert_eq!((wide.rows_of_a_block(), wide.bytes(3)), (1, usize::MAX));
        assert_eq!((wide + wide).then(wide).cells, usize::MAX);
        assert_eq!((Demand::of_columns(3) + Demand::of_columns(4)).width, 7);
    }
}
