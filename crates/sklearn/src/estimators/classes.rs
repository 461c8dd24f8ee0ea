//! `classes_`: the labels that a classifier predicts, in the type that they had at fit.

use crate::artifact::attributes::Attributes;
use crate::artifact::builder::Builder;
use crate::estimators::linear::Values;
use byoc_formats::error::Result;
use byoc_formats::pickle::{ArrayView, ItemKind, Value};
use byoc_formats::rows::table::{Cell, Column};
use std::borrow::Cow;
use std::sync::Arc;

/// The classes in the order of `classes_`; two or more.
#[derive(Debug)]
pub(crate) enum Classes {
    /// Of a numeric type of numpy, or bools.
    Plain(Column<'static>),
    /// Text, or objects of several types.
    Objects(Box<[Class]>),
}

/// A class that is an object of Python's.
#[derive(Clone, Debug)]
pub(crate) enum Class {
    Text(Arc<str>),
    Bool(bool),
    Integer(i64),
    Float(f64),
}

impl Classes {
    /// Reads `classes_`, which must fit the outputs of the linear function: one for two classes, else one for each.
    /// RidgeClassifier keeps them in its `_label_binarizer`.
    pub(crate) fn read<'t>(object: Attributes<'t>, outputs: usize, builder: &mut Builder<'t, '_>) -> Result<Classes> {
        let kept = object.get("classes_").or_else(|| object.get("_label_binarizer")?.attribute("classes_"));
        let value = kept.map_or_else(|| object.required("classes_"), Ok)?;
        let of_many_labels = object.get("_label_binarizer").and_then(|binarizer| binarizer.attribute("y_type_"));
        if of_many_labels.and_then(Value::as_str).is_some_and(|kind| kind.starts_with("multilabel")) {
            return Err(object.error("it was fitted on several labels a row; expected one"));
        }
        let array = value.as_array().filter(|array| array.shape().len() == 1);
        let classes = array.map(|array| classes(array, builder)).transpose()?.flatten();
        let classes = classes.ok_or_else(|| {
            object.mismatch("classes_", "a one-dimensional array of numbers, text or plain objects", value)
        })?;
        let expected = if outputs == 1 { 2 } else { outputs };
        if classes.len() != expected {
            let found = classes.len();
            return Err(
                object.error(format_args!("expected {expected} classes_ for a coef_ of {outputs} rows, found {found}"))
            );
        }
        Ok(classes)
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        match self {
            Classes::Plain(column) => column.len(),
            Classes::Objects(classes) => classes.len(),
        }
    }

    /// The class of each row: of two classes the second if the value is above 0, else the class of the first highest
    /// value.
    pub(crate) fn of(&self, values: &Values) -> Column<'_> {
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
        let column = match self {
            Classes::Plain(column) => column,
            Classes::Objects(classes) => {
                let cells = indices.iter().filter_map(|index| classes.get(*index)).map(Class::cell);
                return Column::Object(cells.collect());
            }
        };
        match column {
            Column::Int64(values) => Column::Int64(pick(values, indices)),
            Column::UInt64(values) => Column::UInt64(pick(values, indices)),
            Column::Float64(values) => Column::Float64(pick(values, indices)),
            Column::Float32(values) => Column::Float32(pick(values, indices)),
            Column::Bool(values) => Column::Bool(pick(values, indices)),
            // Objects remain objects.
            Column::Object(_) => Column::Object(Vec::new()),
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

fn classes<'t>(array: ArrayView<'t>, builder: &mut Builder<'t, '_>) -> Result<Option<Classes>> {
    let (kind, length) = (array.dtype().kind, array.len());
    match kind {
        ItemKind::Text | ItemKind::Object => builder.keep_items::<Class>(length)?,
        _ => builder.keep_items::<u64>(length)?,
    }
    let column = match kind {
        ItemKind::Int | ItemKind::UInt => array.to_i64().ok().map(Column::Int64),
        ItemKind::Bool => {
            let bools = array.to_i64().ok().map(|values| values.into_iter().map(|value| value != 0).collect());
            bools.map(Column::Bool)
        }
        ItemKind::Float => array.to_f64().ok().map(Column::Float64),
        ItemKind::Text => {
            let mut texts = Vec::with_capacity(length);
            let mut kept = Ok(());
            let read = array.each_text(|text| {
                if kept.is_ok() {
                    kept = builder.new_text(text).map(|text| texts.push(Class::Text(text)));
                }
            });
            kept?;
            return Ok(read.ok().map(|()| Classes::Objects(texts.into())));
        }
        ItemKind::Object => {
            let Some(objects) = array.objects() else { return Ok(None) };
            let mut classes = Vec::with_capacity(length);
            for value in objects {
                let Some(class) = Class::build(value, builder)? else { return Ok(None) };
                classes.push(class);
            }
            return Ok(Some(Classes::Objects(classes.into())));
        }
        ItemKind::Bytes => None,
    };
    Ok(column.map(Classes::Plain))
}

impl Class {
    fn build<'t>(value: Value<'t>, builder: &mut Builder<'t, '_>) -> Result<Option<Class>> {
        if let Some(text) = builder.text(value)? {
            return Ok(Some(Class::Text(text)));
        }
        let plain = value.as_bool().map(Class::Bool).or_else(|| value.as_i64().map(Class::Integer));
        Ok(plain.or_else(|| value.as_float().filter(|value| !value.is_nan()).map(Class::Float)))
    }

    fn cell(&self) -> Cell<'_> {
        match self {
            Class::Text(text) => Cell::Text(Cow::Borrowed(text)),
            Class::Bool(value) => Cell::Bool(*value),
            Class::Integer(value) => Cell::Int(*value),
            Class::Float(value) => Cell::Float(*value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_classes_the_second_wins_above_zero_and_of_more_the_first_highest() {
        let two = Classes::Objects(["no", "yes"].map(|text| Class::Text(text.into())).into());
        let texts = |texts: [&'static str; 3]| Column::Object(texts.map(|text| Cell::Text(text.into())).into());
        assert_eq!(two.of(&Values::of(vec![vec![-0.5, 0.0, 0.5]])), texts(["no", "no", "yes"]));
        let three = Classes::Plain(Column::Int64(vec![7, 8, 9]));
        let values = Values::of(vec![vec![1.0, 2.0], vec![1.0, 3.0], vec![0.5, 3.0]]);
        assert_eq!(three.of(&values), Column::Int64(vec![7, 8]));
    }
}
