//! Helpers for the tests of transformers.

use crate::columns::fault::Fault;
use crate::columns::feature::Feature;
use crate::columns::origin::Origin;
use byoc_formats::rows::table::{Cell, Column};

type Applied<'a> = Result<Vec<Feature<'a, 'a>>, Fault>;

/// Applies a transformer to `float64` columns, and returns `float64` columns.
pub(crate) fn apply_floats<'a>(
    apply: impl FnOnce(Vec<Feature<'a, 'a>>) -> Applied<'a>,
    columns: Vec<Vec<f64>>,
) -> Vec<Vec<f64>> {
    let features = columns.into_iter().enumerate();
    let features = features.map(|(index, values)| Feature::new(Origin::column(index), Column::Float64(values)));
    columns_of(apply(features.collect()))
        .into_iter()
        .map(|column| match column {
            Column::Float64(values) => values,
            other => panic!("expected float64, found {other:?}"),
        })
        .collect()
}

/// The columns of an answer.
pub(crate) fn columns_of(applied: Applied<'_>) -> Vec<Column<'static>> {
    applied.unwrap().into_iter().map(|feature| owned(feature.data.into_owned())).collect()
}

fn owned(column: Column<'_>) -> Column<'static> {
    match column {
        Column::Object(cells) => Column::Object(
            cells
                .into_iter()
                .map(|cell| match cell {
                    Cell::Text(text) => Cell::Text(text.into_owned().into()),
                    Cell::Missing => Cell::Missing,
                    Cell::None => Cell::None,
                    Cell::Bool(value) => Cell::Bool(value),
                    Cell::Int(value) => Cell::Int(value),
                    Cell::Float(value) => Cell::Float(value),
                })
                .collect(),
        ),
        Column::Int64(values) => Column::Int64(values),
        Column::UInt64(values) => Column::UInt64(values),
        Column::Float64(values) => Column::Float64(values),
        Column::Float32(values) => Column::Float32(values),
        Column::Bool(values) => Column::Bool(values),
    }
}

/// The only column of an answer.
pub(crate) fn column(applied: Applied<'_>) -> Column<'static> {
    columns_of(applied).remove(0)
}

/// A column of text; `None` is a missing value.
pub(crate) fn texts<'a>(texts: &[Option<&'static str>]) -> Feature<'a, 'a> {
    let cell = |text: &Option<&'static str>| text.map_or(Cell::Missing, |text| Cell::Text(text.into()));
    Feature::new(Origin::column(0), Column::Object(texts.iter().map(cell).collect()))
}

/// The message of a fault, with row and column.
pub(crate) fn message(applied: Applied<'_>) -> String {
    applied.unwrap_err().into_error(|origin| Some((origin.index()? + 1, None))).to_string()
}
