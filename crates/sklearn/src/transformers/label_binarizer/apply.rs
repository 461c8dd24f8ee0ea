//! Applies a fitted LabelBinarizer to columns.

use crate::columns::categories::Categories;
use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, describe, refuse_missing};

use crate::columns::demand::{Demand, cost};
use crate::transformers::transformer::Apply;
use crate::version::Version;
use byoc_formats::error::Result;
use byoc_formats::rows::table::{Cell, Column};
use std::sync::Arc;

/// The classes and the two marks.
#[derive(Debug)]
pub(super) struct LabelBinarizer {
    pub(super) classes: Arc<Categories>,
    pub(super) negative: i64,
    pub(super) positive: i64,
    pub(super) numbers: NumbersBesideTexts,
}

/// How numbers are matched with classes that are texts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum NumbersBesideTexts {
    /// They match no class.
    Unknown,
    /// Until 1.0, numpy has no type that floats and texts have in common.
    FloatsRefused,
    /// From 1.9 on, integers are compared with the texts as integers, and refused if a text is not an integer.
    IntegersRead { all: bool },
}

/// The type of a request's labels by `sklearn.utils.multiclass.type_of_target`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Target {
    /// No more than two different ones.
    Binary,
    Multiclass,
}

impl Apply for LabelBinarizer {
    fn apply<'c, 'a>(&'a self, features: Vec<Feature<'c, 'a>>, _rows: usize) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        let Some(labels) = features.into_iter().next() else { return Ok(Vec::new()) };
        let target = Target::of(&labels)?;
        let classes = self.classes.len();
        let mut columns = vec![vec![self.negative; labels.data.len()]; self.width()];
        self.encode(&labels, |row, class| {
            // With one class there is nothing to distinguish, unless there are more than two labels.
            let class = class.filter(|_| classes > 1 || target == Target::Multiclass);
            let column = class.and_then(|class| columns.get_mut(class as usize));
            if let Some(mark) = column.and_then(|column| column.get_mut(row)) {
                *mark = self.positive;
            }
            Ok(())
        })?;
        // Two labels need one column only, that of the second class.
        let first = usize::from(classes == 2 && target == Target::Binary);
        let columns = columns.into_iter().skip(first);
        Ok(columns.map(|marks| Feature::new(labels.origin, Column::Int64(marks))).collect())
    }

    fn demand(&self, given: usize) -> Demand {
        let demand = Demand::of(given, 0, cost::SEARCH).then(Demand::of(0, self.width(), cost::ARITHMETIC));
        // Up to two classes, the labels of all rows decide how many columns there are.
        Demand { all_rows: self.classes.len() <= 2, ..demand }
    }
}

impl LabelBinarizer {
    /// The most columns of its output.
    pub(super) fn width(&self) -> usize {
        self.classes.len().max(1)
    }
}

impl LabelBinarizer {
    fn encode(
        &self,
        labels: &Feature<'_, '_>,
        mut found: impl FnMut(usize, Option<u32>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let refused = match (self.numbers, &*labels.data) {
            (NumbersBesideTexts::IntegersRead { all: true }, Column::Int64(values)) => {
                let class = |value: &i64| self.classes.of_text(&value.to_string());
                return (0..).zip(values).try_for_each(|(row, value)| found(row, class(value)));
            }
            (NumbersBesideTexts::IntegersRead { all: true }, Column::UInt64(values)) => {
                let class = |value: &u64| self.classes.of_text(&value.to_string());
                return (0..).zip(values).try_for_each(|(row, value)| found(row, class(value)));
            }
            (NumbersBesideTexts::IntegersRead { .. }, Column::Int64(_) | Column::UInt64(_)) => "integers",
            (NumbersBesideTexts::FloatsRefused, Column::Float32(_) | Column::Float64(_)) => "floats",
            _ => return self.classes.encode_labels(labels, found),
        };
        let classes = self.classes.some();
        let message =
            format!("the column has only {refused}, which scikit-learn cannot compare with the classes {classes}");
        Err(Fault::of_column(labels.origin, message))
    }
}

impl NumbersBesideTexts {
    pub(super) fn of(classes: &Categories, version: Version) -> NumbersBesideTexts {
        match classes.as_texts() {
            Some(_) if version < Version::new(1, 1) => NumbersBesideTexts::FloatsRefused,
            Some(texts) if version >= Version::new(1, 9) => {
                let all = texts.iter().all(|text| text.parse::<i128>().is_ok());
                NumbersBesideTexts::IntegersRead { all }
            }
            _ => NumbersBesideTexts::Unknown,
        }
    }
}

impl Target {
    /// # Errors
    /// For labels that cannot be classes: missing ones, numbers that are not integers, and anything but text
    /// among objects.
    pub(super) fn of(labels: &Feature<'_, '_>) -> Result<Target, Fault> {
        let fault = |row, what: String| {
            let message = format!("{what}, which scikit-learn does not take for the label of a class");
            Err(Fault::of_value(labels.origin, row, message))
        };
        refuse_missing(labels)?;
        match &*labels.data {
            Column::Object(cells) => match cells.iter().position(|cell| !matches!(cell, Cell::Text(_))) {
                Some(row) => fault(
                    row,
                    format!("found {} in a column of objects", cells.get(row).map(describe).unwrap_or_default()),
                ),
                None => Ok(Target::of_values(cells)),
            },
            Column::Float64(values) => match values.iter().position(|value| !is_label(*value)) {
                Some(row) => fault(row, format!("found {}", values.get(row).copied().unwrap_or_default())),
                None => Ok(Target::of_values(values)),
            },
            Column::Float32(values) => match values.iter().position(|value| !is_label(f64::from(*value))) {
                Some(row) => fault(row, format!("found {}", values.get(row).copied().unwrap_or_default())),
                None => Ok(Target::of_values(values)),
            },
            Column::Int64(values) => Ok(Target::of_values(values)),
            Column::UInt64(values) => Ok(Target::of_values(values)),
            Column::Bool(_) => Ok(Target::Binary),
        }
    }

    fn of_values<T: PartialEq>(values: &[T]) -> Target {
        let Some(one) = values.first() else { return Target::Binary };
        let Some(other) = values.iter().find(|value| *value != one) else { return Target::Binary };
        let all = values.iter().all(|value| value == one || value == other);
        if all { Target::Binary } else { Target::Multiclass }
    }
}

/// A float that numpy's `astype(int)` does not change.
pub(super) fn is_label(value: f64) -> bool {
    value.fract() == 0.0 && (-TWO_TO_63..TWO_TO_63).contains(&value)
}

pub(super) const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::origin::Origin;
    use crate::transformers::shared::testing::{columns_of, message, texts};

    fn binarizer(classes: Categories, version: Version) -> LabelBinarizer {
        let numbers = NumbersBesideTexts::of(&classes, version);
        LabelBinarizer { classes: classes.into(), negative: -1, positive: 2, numbers }
    }

    fn binarize(classes: &[Option<&str>], labels: &[Option<&'static str>]) -> Vec<Column<'static>> {
        let binarizer = binarizer(Categories::of_texts(classes, Version::new(1, 9)), Version::new(1, 9));
        columns_of(binarizer.apply(vec![texts(labels)], 1))
    }

    #[test]
    fn two_classes_have_one_column_and_an_unknown_label_matches_no_class() {
        let binarize = |classes: &[Option<&str>]| binarize(classes, &[Some("a"), Some("b")]);
        assert_eq!(binarize(&[Some("a")]), [Column::Int64(vec![-1, -1])]);
        assert_eq!(binarize(&[Some("a"), Some("b")]), [Column::Int64(vec![-1, 2])]);
        assert_eq!(binarize(&[Some("a"), Some("c")]), [Column::Int64(vec![-1, -1])]);
        let three = binarize(&[Some("a"), Some("b"), Some("c")]);
        assert_eq!(three, [vec![2, -1], vec![-1, 2], vec![-1, -1]].map(Column::Int64));
    }

    #[test]
    fn more_than_two_labels_have_a_column_for_each_class() {
        // scikit-learn 0.24.2 and 1.6.1.
        let labels = [Some("a"), Some("b"), Some("x")];
        let two = binarize(&[Some("a"), Some("b")], &labels);
        assert_eq!(two, [vec![2, -1, -1], vec![-1, 2, -1]].map(Column::Int64));
        assert_eq!(binarize(&[Some("a")], &labels), [Column::Int64(vec![2, -1, -1])]);
    }

    #[test]
    fn a_value_that_is_not_a_label_is_refused() {
        let binarizer = binarizer(Categories::of_integers(&[1, 2], Version::new(1, 9)), Version::new(1, 9));
        let of = |column| message(binarizer.apply(vec![Feature::new(Origin::column(0), column)], 1));
        assert!(
            of(Column::Float64(vec![2.0, 1.5])).starts_with("row 2, column 1: found 1.5, which scikit-learn does not")
        );
        assert!(of(Column::Float64(vec![f64::INFINITY])).contains("found inf"));
        assert!(of(Column::Float64(vec![f64::NAN])).contains("found a missing one"));
        assert!(of(Column::Object(vec![Cell::Text("a".into()), Cell::Bool(true)])).contains("found True in a column"));
        let integers = Feature::new(Origin::column(0), Column::Float64(vec![2.0, 1.0]));
        assert_eq!(columns_of(binarizer.apply(vec![integers], 1)), [Column::Int64(vec![2, -1])]);
    }

    #[test]
    fn numbers_among_texts_are_unknown_refused_or_converted_depending_on_the_version() {
        let of = |texts: [&str; 3], version, column: Column<'static>| {
            let texts = texts.map(Some);
            let binarizer = binarizer(Categories::of_texts(&texts, version), version);
            let columns = binarizer.apply(vec![Feature::new(Origin::column(0), column)], 1);
            let last = columns.map(|columns| columns_of(Ok(columns)).remove(2));
            last.map_err(|fault| fault.into_error(|_| None).to_string())
        };
        let (floats, integers) = (|| Column::Float64(vec![3.0]), || Column::Int64(vec![3]));
        let (letters, digits) = (["a", "b", "c"], ["1", "2", "3"]);
        assert!(of(letters, Version::new(1, 0), floats()).unwrap_err().starts_with("the column has only floats"));
        assert_eq!(of(digits, Version::new(1, 6), floats()).unwrap(), Column::Int64(vec![-1]));
        assert_eq!(of(digits, Version::new(1, 6), integers()).unwrap(), Column::Int64(vec![-1]));
        assert_eq!(of(digits, Version::new(1, 9), integers()).unwrap(), Column::Int64(vec![2]));
        assert!(of(letters, Version::new(1, 9), integers()).unwrap_err().starts_with("the column has only integers"));
    }
}
