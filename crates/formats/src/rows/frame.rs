//! The rows of a request: columns with one dtype over the whole body, handed on in blocks of rows.
//!
//! Transformed rows are usually larger than the rows themselves. They are computed block by block, so that at most one
//! block of them is in memory, whatever the size of the body. A column with values in few rows stores those values
//! only.

use crate::error::Result;
use crate::rows::convert::{Refused, convert_series};
use crate::rows::schema::{Schema, cell_place};
use crate::rows::series::{Series, owned, spread};
use crate::rows::table::{Column, Table, ValueKind};
use byoc_account::Allowance;

/// Columns of equal length.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame<'a> {
    rows: usize,
    columns: Vec<Series<'a>>,
}

/// Consecutive rows of a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Block<'a> {
    /// Their values.
    pub table: Table<'a>,
    /// The number of rows of the body before them.
    pub first_row: usize,
    /// Which columns have a value in some row of the body. `None` if the block is the whole body.
    pub has_values: Option<&'a [bool]>,
}

impl<'a> From<Table<'a>> for Frame<'a> {
    fn from(table: Table<'a>) -> Frame<'a> {
        Frame { rows: table.rows, columns: table.columns.into_iter().map(Series::Dense).collect() }
    }
}

impl<'a> From<Table<'a>> for Block<'a> {
    fn from(table: Table<'a>) -> Block<'a> {
        Block { table, first_row: 0, has_values: None }
    }
}

impl<'a> Frame<'a> {
    /// A frame of columns with `rows` rows each.
    pub(crate) fn new(rows: usize, columns: Vec<Series<'a>>) -> Frame<'a> {
        Frame { rows, columns }
    }

    /// A frame of the table's columns.
    pub(crate) fn from_table(table: Table<'a>, allowance: &Allowance) -> Result<Frame<'a>> {
        let width = table.columns.len();
        allowance.take_items::<Series<'_>>(width)?;
        let frame = Frame::from(table);
        allowance.give_back_items::<Column<'_>>(width);
        Ok(frame)
    }

    /// The frame with each column converted to the dtype that the schema sets for it.
    pub(crate) fn with_dtypes(mut self, schema: &dyn Schema, allowance: &Allowance) -> Result<Frame<'a>> {
        let width = self.columns.len();
        for (column, series) in self.columns.iter_mut().enumerate() {
            let Some(dtype) = schema.reading(column, width).dtype else { continue };
            let nothing = Series::Dense(Column::Object(Vec::new()));
            let converted = convert_series(std::mem::replace(series, nothing), self.rows, dtype, column, allowance)?;
            *series = converted.map_err(|Refused { row, error }| error.at(cell_place(schema, row, column, width)))?;
        }
        Ok(self)
    }

    /// The kind of a column's values; `None` if no row has one.
    pub fn kind(&self, column: usize) -> Option<ValueKind> {
        let (Series::Dense(values) | Series::Sparse { values, .. }) = self.columns.get(column)?;
        ValueKind::of(values)
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// The values of a column, counted from 0: of all rows, or of the rows that have one.
    pub fn values(&self, column: usize) -> Option<&Column<'a>> {
        self.columns.get(column).map(|(Series::Dense(values) | Series::Sparse { values, .. })| values)
    }

    /// The row of the `value`th value of a column, all counted from 0.
    pub fn row_of(&self, column: usize, value: usize) -> Option<usize> {
        match self.columns.get(column)? {
            Series::Dense(_) => Some(value),
            Series::Sparse { rows, .. } => rows.get(value).map(|row| *row as usize),
        }
    }

    /// Calls `then` with blocks of at most `max_rows` rows.
    ///
    /// # Errors
    /// Those of `then`.
    pub fn each_block(self, max_rows: usize, mut then: impl FnMut(Block<'_>) -> Result<()>) -> Result<()> {
        let is_dense = self.columns.iter().all(|series| matches!(series, Series::Dense(_)));
        if is_dense && self.rows <= max_rows {
            return then(self.into_table().into());
        }
        let has_values: Vec<bool> = self.columns.iter().map(Series::has_values).collect();
        let mut first_row = 0;
        while first_row < self.rows {
            let rows = first_row..first_row.saturating_add(max_rows.max(1)).min(self.rows);
            let columns = self.columns.iter().map(|series| series.part(rows.clone())).collect();
            let table = Table { rows: rows.len(), columns };
            then(Block { table, first_row, has_values: Some(&has_values) })?;
            first_row = rows.end;
        }
        Ok(())
    }

    /// All rows as one table.
    pub fn into_table(self) -> Table<'a> {
        let rows = self.rows;
        let dense = |series| match series {
            Series::Dense(column) => column,
            Series::Sparse { rows: given, values } => {
                spread(&given, values.part(0..values.len()).into_owned(), 0..rows)
            }
        };
        Table { rows, columns: self.columns.into_iter().map(dense).collect() }
    }
}

impl Frame<'_> {
    /// The frame with owned text.
    pub(crate) fn into_owned(self, allowance: &Allowance) -> Result<Frame<'static>> {
        let owned = |series| {
            Ok(match series {
                Series::Dense(column) => Series::Dense(owned(column, allowance)?),
                Series::Sparse { rows, values } => Series::Sparse { rows, values: owned(values, allowance)? },
            })
        };
        let columns = self.columns.into_iter().map(owned).collect::<Result<_>>()?;
        Ok(Frame { rows: self.rows, columns })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::table::Cell;

    fn blocks(frame: &Frame<'static>, max_rows: usize) -> Vec<(usize, Vec<String>)> {
        let mut blocks = Vec::new();
        let keep = |block: Block<'_>| {
            let columns = block.table.columns.iter().map(|column| format!("{column:?}")).collect();
            blocks.push((block.first_row, columns));
            Ok(())
        };
        frame.clone().each_block(max_rows, keep).unwrap();
        blocks
    }

    #[test]
    fn consecutive_blocks_make_the_whole_batch() {
        let sparse = Series::Sparse { rows: vec![1, 4], values: Column::Float64(vec![0.5, 2.5]) };
        let text = Column::Object(["a", "b", "c", "d", "e"].map(|text| Cell::Text(text.into())).into());
        let frame = Frame::new(5, vec![sparse, Series::Dense(text), Series::Dense(Column::Int64(vec![1, 2, 3, 4, 5]))]);
        assert_eq!(
            blocks(&frame, 2),
            [
                (
                    0,
                    vec![
                        "Float64([NaN, 0.5])".into(),
                        "Object([Text(\"a\"), Text(\"b\")])".into(),
                        "Int64([1, 2])".into()
                    ]
                ),
                (
                    2,
                    vec![
                        "Float64([NaN, NaN])".into(),
                        "Object([Text(\"c\"), Text(\"d\")])".into(),
                        "Int64([3, 4])".into()
                    ]
                ),
                (4, vec!["Float64([2.5])".into(), "Object([Text(\"e\")])".into(), "Int64([5])".into()]),
            ]
        );
        let whole = blocks(&frame, 100);
        assert_eq!(whole.len(), 1);
        assert_eq!(whole[0].1[0], "Float64([NaN, 0.5, NaN, NaN, 2.5])");
        assert_eq!(whole[0].1[0], format!("{:?}", frame.into_table().columns[0]));
    }

    #[test]
    fn a_block_says_which_columns_have_a_value_elsewhere() {
        let nulls = |last| Series::Dense(Column::Object(vec![Cell::Missing, Cell::None, last]));
        let frame = Frame::new(3, vec![nulls(Cell::Int(1)), nulls(Cell::Missing)]);
        let mut seen = Vec::new();
        let see = |block: Block<'_>| {
            seen.push(block.has_values.map(<[bool]>::to_vec));
            Ok(())
        };
        frame.each_block(2, see).unwrap();
        assert_eq!(seen, [Some(vec![true, false]), Some(vec![true, false])]);
    }
}
