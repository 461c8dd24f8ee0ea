//! numpy's types and their promotion: what `numpy.hstack` does to columns of several types.

use std::borrow::Cow;

use crate::columns::fault::Fault;
use crate::columns::feature::Feature;
use crate::columns::origin::Origin;
use crate::columns::python_number::parse_float;
use byoc_formats::rows::table::{Cell, Column};

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dtype {
    /// `bool`
    Bool,
    /// `int64`
    Int64,
    /// `uint64`
    UInt64,
    /// `float32`
    Float32,
    /// `float64`
    Float64,
    /// `object`: text, and columns of several types.
    Object,
}

impl Dtype {
    /// The type of a column.
    pub(crate) fn of(column: &Column<'_>) -> Dtype {
        match column {
            Column::Bool(_) => Dtype::Bool,
            Column::Int64(_) => Dtype::Int64,
            Column::UInt64(_) => Dtype::UInt64,
            Column::Float32(_) => Dtype::Float32,
            Column::Float64(_) => Dtype::Float64,
            Column::Object(_) => Dtype::Object,
        }
    }

    /// `numpy.promote_types`.
    pub(crate) fn promote(self, other: Dtype) -> Dtype {
        match (self, other) {
            (one, other) if one == other => one,
            (Dtype::Object, _) | (_, Dtype::Object) => Dtype::Object,
            (Dtype::Bool, other) | (other, Dtype::Bool) => other,
            _ => Dtype::Float64,
        }
    }

    /// The type of an array that holds all of these features; `float64` for none.
    pub(crate) fn common(features: &[Feature<'_, '_>]) -> Dtype {
        let dtypes = features.iter().map(|feature| Dtype::of(&feature.data));
        dtypes.reduce(Dtype::promote).unwrap_or(Dtype::Float64)
    }
}

/// Gives all features one type, as columns of one array.
pub(crate) fn stack<'c, 'a>(features: Vec<Feature<'c, 'a>>) -> Vec<Feature<'c, 'a>> {
    let dtype = Dtype::common(&features);
    stack_as(features, dtype)
}

/// As [`stack`], with arrays of no columns, whose types also count.
pub(crate) fn stack_beside<'c, 'a>(features: Vec<Feature<'c, 'a>>, empty: Option<Dtype>) -> Vec<Feature<'c, 'a>> {
    let dtype = Dtype::common(&features);
    stack_as(features, empty.map_or(dtype, |empty| dtype.promote(empty)))
}

fn stack_as<'c, 'a>(mut features: Vec<Feature<'c, 'a>>, dtype: Dtype) -> Vec<Feature<'c, 'a>> {
    for feature in &mut features {
        if Dtype::of(&feature.data) != dtype {
            feature.data = Cow::Owned(convert(&feature.data, dtype));
        }
    }
    features
}

/// Gives the columns of a pandas frame one type, as `DataFrame.to_numpy` does: a bool beside a number makes both
/// objects.
pub(crate) fn stack_frame<'c, 'a>(mut features: Vec<Feature<'c, 'a>>) -> Vec<Feature<'c, 'a>> {
    let bools = features.iter().filter(|feature| matches!(*feature.data, Column::Bool(_))).count();
    if bools == 0 || bools == features.len() {
        return stack(features);
    }
    for feature in &mut features {
        feature.data = Cow::Owned(convert(&feature.data, Dtype::Object));
    }
    features
}

/// Converts a column to a type to which its own can be promoted.
pub(crate) fn convert<'a>(column: &Column<'a>, dtype: Dtype) -> Column<'a> {
    match dtype {
        Dtype::Object => Column::Object(objects(column)),
        Dtype::Float64 => Column::Float64(numbers(column, |value| value)),
        Dtype::Float32 => Column::Float32(numbers(column, |value| value as f32)),
        Dtype::UInt64 => Column::UInt64(numbers(column, |value| value as u64)),
        Dtype::Int64 => Column::Int64(numbers(column, |value| value as i64)),
        // Only bool is promoted to bool.
        Dtype::Bool => column.clone(),
    }
}

fn numbers<T>(column: &Column<'_>, convert: impl Fn(f64) -> T) -> Vec<T> {
    match column {
        Column::Bool(values) => values.iter().map(|value| convert(f64::from(u8::from(*value)))).collect(),
        Column::Int64(values) => values.iter().map(|value| convert(*value as f64)).collect(),
        Column::UInt64(values) => values.iter().map(|value| convert(*value as f64)).collect(),
        Column::Float32(values) => values.iter().map(|value| convert(f64::from(*value))).collect(),
        Column::Float64(values) => values.iter().map(|value| convert(*value)).collect(),
        // Objects are only ever promoted to objects.
        Column::Object(_) => Vec::new(),
    }
}

/// The values of a column as Python objects.
pub(crate) fn objects<'a>(column: &Column<'a>) -> Vec<Cell<'a>> {
    match column {
        Column::Object(cells) => cells.clone(),
        Column::Bool(values) => values.iter().map(|value| Cell::Bool(*value)).collect(),
        Column::Int64(values) => values.iter().map(|value| Cell::Int(*value)).collect(),
        Column::UInt64(values) => values
            .iter()
            .map(|value| i64::try_from(*value).map_or_else(|_| Cell::Text(Cow::Owned(value.to_string())), Cell::Int))
            .collect(),
        Column::Float32(values) => values.iter().map(|value| float_object(f64::from(*value))).collect(),
        Column::Float64(values) => values.iter().map(|value| float_object(*value)).collect(),
    }
}

fn float_object<'a>(value: f64) -> Cell<'a> {
    if value.is_nan() { Cell::Missing } else { Cell::Float(value) }
}

/// The label as `numpy.insert` puts it before the features: cast to their type, so that an integer type truncates a
/// float label.
///
/// # Errors
/// For a label that is not a number with features that are.
pub(crate) fn cast_label<'a>(label: Column<'a>, dtype: Dtype, origin: Origin) -> Result<Column<'a>, Fault> {
    if Dtype::of(&label) == dtype {
        return Ok(label);
    }
    let label = match (label, dtype) {
        (label, Dtype::Object) => return Ok(Column::Object(objects(&label))),
        (Column::Object(cells), _) => Column::Float64(label_floats(&cells, origin)?),
        (label, _) => label,
    };
    // NaN and values out of range become the smallest integer, as in numpy on x86.
    let truncate = |value: f64| if value.is_nan() || value.abs() >= 9.3e18 { i64::MIN } else { value as i64 };
    Ok(match (label, dtype) {
        (label, Dtype::Float64) => Column::Float64(numbers(&label, |value| value)),
        (label, Dtype::Float32) => Column::Float32(numbers(&label, |value| value as f32)),
        (Column::UInt64(values), Dtype::Int64) => Column::Int64(values.into_iter().map(|value| value as i64).collect()),
        (Column::Int64(values), Dtype::UInt64) => {
            Column::UInt64(values.into_iter().map(|value| value as u64).collect())
        }
        (label, Dtype::Int64) => Column::Int64(numbers(&label, truncate)),
        (label, Dtype::UInt64) => Column::UInt64(numbers(&label, |value| truncate(value) as u64)),
        (label, _) => Column::Bool(numbers(&label, |value| value != 0.0)),
    })
}

fn label_floats(cells: &[Cell<'_>], origin: Origin) -> Result<Vec<f64>, Fault> {
    let float = |(row, cell): (usize, &Cell<'_>)| {
        match cell {
            Cell::Missing | Cell::None => Ok(f64::NAN),
            Cell::Bool(value) => Ok(f64::from(u8::from(*value))),
            Cell::Int(value) => Ok(*value as f64),
            Cell::Float(value) => Ok(*value),
            Cell::Text(text) => parse_float(text).ok_or(()),
        }
        .map_err(|()| {
            Fault::of_value(
                origin,
                row,
                format!("could not read the label {} as a number", crate::columns::feature::describe(cell)),
            )
        })
    };
    cells.iter().enumerate().map(float).collect()
}

/// The numpy `float16` nearest to a number within its range.
pub(crate) fn half(value: f64) -> f64 {
    let exponent = value.abs().log2().floor().max(-14.0);
    let unit = (exponent - 10.0).exp2();
    if unit.is_finite() { (value / unit).round_ties_even() * unit } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feature(column: Column<'static>) -> Feature<'static, 'static> {
        Feature::new(Origin::NONE, column)
    }

    fn dtypes(features: &[Feature<'_, '_>]) -> Vec<Dtype> {
        features.iter().map(|feature| Dtype::of(&feature.data)).collect()
    }

    #[test]
    fn types_are_promoted_as_numpy_promotes_them() {
        use Dtype::*;
        let column = |dtype| match dtype {
            Bool => Column::Bool(vec![true]),
            Int64 => Column::Int64(vec![2]),
            UInt64 => Column::UInt64(vec![3]),
            Float32 => Column::Float32(vec![0.5]),
            Float64 => Column::Float64(vec![1.5]),
            Object => Column::Object(vec![Cell::Text("x".into())]),
        };
        let cases = [
            (Bool, Int64, Int64),
            (Bool, Float32, Float32),
            (Int64, UInt64, Float64),
            (Int64, Float32, Float64),
            (Float32, Float64, Float64),
            (Float64, Object, Object),
            (Bool, Bool, Bool),
        ];
        for (one, other, expected) in cases {
            let stacked = stack(vec![feature(column(one)), feature(column(other))]);
            assert_eq!(dtypes(&stacked), [expected, expected], "{one:?} {other:?}");
        }
        let stacked = stack(vec![feature(Column::Bool(vec![true])), feature(Column::Int64(vec![7]))]);
        assert_eq!(*stacked[0].data, Column::Int64(vec![1]));
    }

    #[test]
    fn an_array_of_no_columns_has_a_type_too() {
        // numpy.hstack([numpy.ones((1, 1), bool), numpy.ones((1, 0))]) is float64.
        let truth = || vec![feature(Column::Bool(vec![true]))];
        assert_eq!(dtypes(&stack_beside(truth(), Some(Dtype::Float64))), [Dtype::Float64]);
        assert_eq!(dtypes(&stack_beside(truth(), None)), [Dtype::Bool]);
    }

    #[test]
    fn a_bool_beside_a_number_in_a_frame_makes_both_objects() {
        let stacked = stack_frame(vec![feature(Column::Bool(vec![true])), feature(Column::Int64(vec![7]))]);
        assert_eq!(*stacked[0].data, Column::Object(vec![Cell::Bool(true)]));
        assert_eq!(*stacked[1].data, Column::Object(vec![Cell::Int(7)]));
    }

    #[test]
    fn a_label_takes_the_type_of_the_features() {
        let cast = |label, dtype| cast_label(label, dtype, Origin::NONE);
        assert_eq!(cast(Column::Float64(vec![1.7, -1.7]), Dtype::Int64).unwrap(), Column::Int64(vec![1, -1]));
        assert_eq!(cast(Column::Float64(vec![f64::NAN]), Dtype::Int64).unwrap(), Column::Int64(vec![i64::MIN]));
        assert_eq!(cast(Column::Int64(vec![3]), Dtype::Float64).unwrap(), Column::Float64(vec![3.0]));
        let text = |text: &'static str| Column::Object(vec![Cell::Text(text.into())]);
        assert_eq!(cast(text("1"), Dtype::Float64).unwrap(), Column::Float64(vec![1.0]));
        assert!(cast(text("high"), Dtype::Float64).is_err());
        assert_eq!(cast(text("high"), Dtype::Object).unwrap(), text("high"));
    }
}
