//! `sklearn.preprocessing.LabelBinarizer`: a column of marks for each class of one column of labels.

use super::Transformer;
use crate::error::Result;
use crate::payload::table::Column;
use crate::preprocessor::attributes::Attributes;
use crate::preprocessor::build::{Builder, Built, Input, RequestWidth, Shape};
use crate::preprocessor::categories::Categories;
use crate::preprocessor::fault::Fault;
use crate::preprocessor::feature::Feature;
use std::sync::Arc;

/// The classes and the two marks.
#[derive(Debug)]
pub(in crate::preprocessor) struct LabelBinarizer {
    classes: Arc<Categories>,
    negative: i64,
    positive: i64,
}

/// Reads `classes_`, `neg_label`, `pos_label` and `y_type_`.
pub(super) fn build<'t>(
    binarizer: Attributes<'t>,
    input: &Input<'t>,
    builder: &mut Builder<'t, '_>,
) -> Result<Built<'t>> {
    binarizer.choice("y_type_", &[("binary", ()), ("multiclass", ())])?;
    match input.shape {
        Shape::Request { .. } => builder.require_width(RequestWidth::Exactly(1)),
        Shape::Fixed(1) => {}
        Shape::Fixed(width) => return Err(binarizer.error(format_args!("it takes one column, but is given {width}"))),
    }
    let value = binarizer.required("classes_")?;
    let classes = builder.categories(value)?;
    let classes =
        classes.ok_or_else(|| binarizer.mismatch("classes_", "a one-dimensional array of numbers or text", value))?;
    let mark = |name| {
        let value = binarizer.required(name)?;
        value.as_i64().ok_or_else(|| binarizer.mismatch(name, "an integer", value))
    };
    builder.keep(size_of::<LabelBinarizer>())?;
    let binarizer = LabelBinarizer { classes, negative: mark("neg_label")?, positive: mark("pos_label")? };
    let width = binarizer.width();
    Ok(Built::array(Transformer::LabelBinarizer(Box::new(binarizer)), width))
}

impl LabelBinarizer {
    /// Two classes need one column only, that of the second.
    fn width(&self) -> usize {
        if self.classes.len() <= 2 { 1 } else { self.classes.len() }
    }

    pub(super) fn apply<'c, 'a>(&self, features: Vec<Feature<'c, 'a>>) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        let Some(labels) = features.into_iter().next() else { return Ok(Vec::new()) };
        super::limit_cells(labels.data.len(), self.width())?;
        let mut columns = vec![vec![self.negative; labels.data.len()]; self.width()];
        self.classes.encode(&labels, |row, class| {
            let column = match (class, self.classes.len()) {
                (None, _) | (_, 1) => None,
                (Some(class), 2) => class.checked_sub(1),
                (class, _) => class,
            };
            let column = column.and_then(|column| columns.get_mut(column as usize));
            if let Some(mark) = column.and_then(|column| column.get_mut(row)) {
                *mark = self.positive;
            }
            Ok(())
        })?;
        Ok(columns.into_iter().map(|marks| Feature::new(labels.origin, Column::Int64(marks))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preprocessor::transformers::testing::{columns_of, texts};
    use crate::preprocessor::version::Version;

    #[test]
    fn two_classes_have_one_column_and_an_unknown_label_is_no_class() {
        let binarize = |classes: &[Option<&str>]| {
            let classes = Categories::of_texts(classes, Version::new(1, 9)).into();
            let binarizer = LabelBinarizer { classes, negative: -1, positive: 2 };
            columns_of(binarizer.apply(vec![texts(&[Some("a"), Some("b"), Some("x")])]))
        };
        assert_eq!(binarize(&[Some("a")]), [Column::Int64(vec![-1, -1, -1])]);
        assert_eq!(binarize(&[Some("a"), Some("b")]), [Column::Int64(vec![-1, 2, -1])]);
        let three = binarize(&[Some("a"), Some("b"), Some("c")]);
        let expected = [vec![2, -1, -1], vec![-1, 2, -1], vec![-1, -1, -1]].map(Column::Int64);
        assert_eq!(three, expected);
    }
}
