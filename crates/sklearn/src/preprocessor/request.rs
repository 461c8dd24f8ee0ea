//! A request whose columns fit a model: which of them is the label, and how it is used.

use crate::artifact::builder::LabelPlace;
use byoc_formats::rows::table::Column;

/// Whether a row has the label, and how the model uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LabelOfRow {
    /// It has none.
    None,
    /// It has one, which is not an input of the model.
    Apart(LabelPlace),
    /// It has one, which the model was fitted on as one of its columns.
    Used(LabelPlace),
}

/// A request whose columns fit a model.
///
/// During an answer the label follows the other columns, whatever its position in a row, so that these have the same
/// numbers in rows without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    width: usize,
    label: LabelOfRow,
    /// Whether the answer has the label too.
    is_answered: bool,
}

impl Request {
    /// A request of this many columns.
    pub(crate) fn new(width: usize, label: LabelOfRow) -> Request {
        Request { width, label, is_answered: label != LabelOfRow::None }
    }

    /// The position of the label in a row, if it has one.
    fn place(&self) -> Option<usize> {
        match self.label {
            LabelOfRow::None => None,
            LabelOfRow::Apart(place) | LabelOfRow::Used(place) => Some(place.index(self.width.saturating_sub(1))),
        }
    }

    /// The position in a row of the column that is the label, or was taken for it.
    pub(crate) fn label(&self) -> Option<usize> {
        self.place()
    }

    /// Whether the answer has the label.
    pub fn has_label(&self) -> bool {
        self.is_answered
    }

    /// The same request after the column was found not to be the label: the model's input is the same, and the answer
    /// has only features.
    pub(crate) fn without_label(self) -> Request {
        Request { is_answered: false, ..self }
    }

    /// Moves the label behind the other columns, or removes it if it is not an input of the model.
    pub(crate) fn take_label<'a>(&self, columns: &mut Vec<Column<'a>>) -> Option<Column<'a>> {
        if let Some(behind) =
            self.place().and_then(|place| columns.get_mut(place..)).filter(|behind| !behind.is_empty())
        {
            behind.rotate_left(1);
        }
        if matches!(self.label, LabelOfRow::Apart(_)) { columns.pop() } else { None }
    }

    /// The place in a row, counted from 0, of a column as the transformers count it: the label last.
    pub(crate) fn place_in_row(&self, column: usize) -> usize {
        match self.place() {
            Some(place) if column + 1 == self.width => place,
            Some(place) if column >= place => column + 1,
            _ => column,
        }
    }

    /// Whether a column has a value in any row of the whole body. `of_row` has a flag for each column in the order of
    /// the body's rows; `column` is counted as the transformers do, with the label last.
    pub(crate) fn has_values(&self, of_row: Option<&[bool]>, column: usize) -> bool {
        of_row.and_then(|of_row| of_row.get(self.place_in_row(column)).copied()).unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_is_moved_behind_the_other_columns_and_each_keeps_its_number_in_messages() {
        for (place, index) in [(LabelPlace::First, 0), (LabelPlace::After(2), 2), (LabelPlace::Last, 3)] {
            let request = Request::new(4, LabelOfRow::Used(place));
            let mut columns: Vec<_> = (0..4).map(|column| Column::Int64(vec![column])).collect();
            assert_eq!(request.take_label(&mut columns), None);
            assert_eq!(request.place_in_row(3), index);
            for (column, values) in columns.iter().enumerate() {
                assert_eq!(*values, Column::Int64(vec![request.place_in_row(column) as i64]), "{place:?} {column}");
            }
            let apart = Request::new(4, LabelOfRow::Apart(place));
            let mut columns: Vec<_> = (0..4).map(|column| Column::Int64(vec![column])).collect();
            assert_eq!(apart.take_label(&mut columns), Some(Column::Int64(vec![index as i64])));
            assert_eq!(columns.len(), 3);
        }
        let without = Request::new(4, LabelOfRow::None);
        assert_eq!((0..4).map(|column| without.place_in_row(column)).collect::<Vec<_>>(), [0, 1, 2, 3]);
    }
}
