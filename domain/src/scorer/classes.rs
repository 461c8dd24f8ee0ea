//! `classes_`: what a classifier answers, of whatever type its labels were at fit.

use super::linear::Values;
use crate::artifact::pickle::{ArrayView, ItemKind, Value};
use crate::error::Result;
use crate::payload::table::{Cell, Column};
use crate::preprocessor::Attributes;
use std::borrow::Cow;

/// The classes in the order of `classes_`; two or more.
#[derive(Debug)]
pub(super) struct Classes(Column<'static>);

impl Classes {
    /// Reads `classes_`, which must fit the outputs of the linear function: one for two classes, else one for each.
    /// RidgeClassifier keeps them in its `_label_binarizer`.
    pub(super) fn read(object: Attributes<'_>, outputs: usize) -> Result<Classes> {
        let kept = object.get("classes_").or_else(|| object.get("_label_binarizer")?.attribute("classes_"));
        let value = kept.map_or_else(|| object.required("classes_"), Ok)?;
        let of_many_labels = object.get("_label_binarizer").and_then(|binarizer| binarizer.attribute("y_type_"));
        if of_many_labels.and_then(Value::as_str).is_some_and(|kind| kind.starts_with("multilabel")) {
            return Err(object.error("it was fitted on several labels a row; expected one"));
        }
        let array = value.as_array().filter(|array| array.shape().len() == 1);
        let column = array.and_then(column).ok_or_else(|| {
            object.mismatch("classes_", "a one-dimensional array of numbers, text or plain objects", value)
        })?;
        let expected = if outputs == 1 { 2 } else { outputs };
        if column.len() != expected {
            let found = column.len();
            return Err(
                object.error(format_args!("expected {expected} classes_ for a coef_ of {outputs} rows, found {found}"))
            );
        }
        Ok(Classes(column))
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The class of each row: of two the second where the value is above 0, else that of the first highest value.
    pub(super) fn of(&self, values: &Values) -> Column<'_> {
        let winners: Vec<usize> = match values.outputs.as_slice() {
            [only] => only.iter().map(|value| usize::from(*value > 0.0)).collect(),
            outputs => highest(outputs),
        };
        self.take(&winners)
    }

    fn take(&self, indices: &[usize]) -> Column<'_> {
        fn pick<T: Copy>(values: &[T], indices: &[usize]) -> Vec<T> {
            indices.iter().filter_map(|index| values.get(*index)).copied().collect()
        }
        match &self.0 {
            Column::Int64(values) => Column::Int64(pick(values, indices)),
            Column::UInt64(values) => Column::UInt64(pick(values, indices)),
            Column::Float64(values) => Column::Float64(pick(values, indices)),
            Column::Float32(values) => Column::Float32(pick(values, indices)),
            Column::Bool(values) => Column::Bool(pick(values, indices)),
            Column::Object(cells) => {
                let borrowed = |index: &usize| {
                    cells.get(*index).map(|cell| match cell {
                        Cell::Text(text) => Cell::Text(Cow::Borrowed(&**text)),
                        other => other.clone(),
                    })
                };
                Column::Object(indices.iter().filter_map(borrowed).collect())
            }
        }
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        match &self.0 {
            Column::Object(cells) => {
                let text = |cell: &Cell<'_>| if let Cell::Text(text) = cell { text.len() } else { 0 };
                size_of_val(&**cells) + cells.iter().map(text).sum::<usize>()
            }
            Column::Bool(values) => values.len(),
            other => 8 * other.len(),
        }
    }
}

/// `argmax` along the rows: the first of equal values.
fn highest(outputs: &[Vec<f64>]) -> Vec<usize> {
    let Some((first, others)) = outputs.split_first() else { return Vec::new() };
    let mut winners = vec![0; first.len()];
    let mut best = first.clone();
    for (index, values) in (1..).zip(others) {
        for ((winner, best), value) in winners.iter_mut().zip(&mut best).zip(values) {
            if value > best {
                (*winner, *best) = (index, *value);
            }
        }
    }
    winners
}

fn column(array: ArrayView<'_>) -> Option<Column<'static>> {
    match array.dtype().kind {
        ItemKind::Int | ItemKind::UInt => array.to_i64().ok().map(Column::Int64),
        ItemKind::Bool => Some(Column::Bool(array.to_i64().ok()?.into_iter().map(|value| value != 0).collect())),
        ItemKind::Float => array.to_f64().ok().map(Column::Float64),
        ItemKind::Text => {
            let texts = array.to_text().ok()?;
            Some(Column::Object(texts.into_iter().map(|text| Cell::Text(Cow::Owned(text))).collect()))
        }
        ItemKind::Object => array.objects()?.map(cell).collect::<Option<_>>().map(Column::Object),
        ItemKind::Bytes => None,
    }
}

fn cell(value: Value<'_>) -> Option<Cell<'static>> {
    let text = value.as_str().map(|text| Cell::Text(Cow::Owned(text.to_owned())));
    let plain = text.or_else(|| value.as_bool().map(Cell::Bool)).or_else(|| value.as_i64().map(Cell::Int));
    plain.or_else(|| value.as_float().filter(|value| !value.is_nan()).map(Cell::Float))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_classes_the_second_wins_above_zero_and_of_more_the_first_highest() {
        let two = Classes(Column::Object(vec![Cell::Text("no".into()), Cell::Text("yes".into())]));
        let texts = |texts: [&'static str; 3]| Column::Object(texts.map(|text| Cell::Text(text.into())).into());
        assert_eq!(two.of(&Values::of(vec![vec![-0.5, 0.0, 0.5]])), texts(["no", "no", "yes"]));
        let three = Classes(Column::Int64(vec![7, 8, 9]));
        let values = Values::of(vec![vec![1.0, 2.0], vec![1.0, 3.0], vec![0.5, 3.0]]);
        assert_eq!(three.of(&values), Column::Int64(vec![7, 8]));
    }
}
