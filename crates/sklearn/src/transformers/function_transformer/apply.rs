//! Applies a fitted FunctionTransformer to columns.

use crate::columns::check_array::CheckArray;
use crate::columns::dtype::half;
use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, Floats, Refuses, describe, has_only_nulls};

use crate::columns::demand::{Demand, cost};
use crate::transformers::transformer::Apply;
use byoc_formats::error::Result;
use byoc_formats::rows::table::{Cell, Column};

/// A function of each value.
#[derive(Debug)]
pub(super) struct FunctionTransformer {
    pub(super) function: Function,
    /// `validate`: a frame is made an array first, of numbers; missing values and infinity are refused.
    pub(super) validate: Option<CheckArray>,
}

/// The function for floats, and for integers if their results are integers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Function {
    pub(super) of_floats: fn(f64) -> f64,
    pub(super) of_integers: Option<fn(i64) -> i64>,
    pub(super) of_unsigned: Option<fn(u64) -> u64>,
    pub(super) of_bools: OfBools,
    /// The function for a float among objects.
    pub(super) of_float_objects: FloatObjects,
}

/// The results of numpy for True and False.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum OfBools {
    /// Its smallest floats.
    Halves,
    Same,
    Integers,
    Refused,
}

/// The results of Python's operators and `math` for a float, which numpy uses for objects.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum FloatObjects {
    Floats,
    Integers,
    Refused,
}

pub(super) const fn floats(of_floats: fn(f64) -> f64) -> Function {
    let of_float_objects = FloatObjects::Refused;
    Function { of_floats, of_integers: None, of_unsigned: None, of_bools: OfBools::Halves, of_float_objects }
}

pub(super) const fn both(
    of_floats: fn(f64) -> f64,
    of_integers: fn(i64) -> i64,
    of_unsigned: fn(u64) -> u64,
    of_bools: OfBools,
) -> Function {
    let (of_integers, of_unsigned) = (Some(of_integers), Some(of_unsigned));
    Function { of_floats, of_integers, of_unsigned, of_bools, of_float_objects: FloatObjects::Floats }
}

/// A function whose values are integers.
pub(super) const fn whole(of_floats: fn(f64) -> f64) -> Function {
    let of_integers: Option<fn(i64) -> i64> = Some(|value| value);
    let of_unsigned: Option<fn(u64) -> u64> = Some(|value| value);
    Function { of_floats, of_integers, of_unsigned, of_bools: OfBools::Same, of_float_objects: FloatObjects::Integers }
}

/// No function, with `validate`.
pub(super) const IDENTITY: Function = both(|value| value, |value| value, |value| value, OfBools::Same);

/// The functions, by numpy's names.
pub(super) const FUNCTIONS: &[(&str, Function)] = &[
    ("abs", both(f64::abs, i64::wrapping_abs, |value| value, OfBools::Same)),
    ("absolute", both(f64::abs, i64::wrapping_abs, |value| value, OfBools::Same)),
    ("arccos", floats(f64::acos)),
    ("arccosh", floats(f64::acosh)),
    ("arcsin", floats(f64::asin)),
    ("arcsinh", floats(f64::asinh)),
    ("arctan", floats(f64::atan)),
    ("arctanh", floats(f64::atanh)),
    ("cbrt", floats(f64::cbrt)),
    ("ceil", whole(f64::ceil)),
    ("cos", floats(f64::cos)),
    ("cosh", floats(f64::cosh)),
    ("deg2rad", floats(|value| value * (std::f64::consts::PI / 180.0))),
    ("exp", floats(f64::exp)),
    ("exp2", floats(f64::exp2)),
    ("expm1", floats(f64::exp_m1)),
    ("fabs", floats(f64::abs)),
    ("floor", whole(f64::floor)),
    ("log", floats(f64::ln)),
    ("log10", floats(f64::log10)),
    ("log1p", floats(f64::ln_1p)),
    ("log2", floats(f64::log2)),
    ("negative", both(|value| -value, i64::wrapping_neg, u64::wrapping_neg, OfBools::Refused)),
    ("positive", both(|value| value, |value| value, |value| value, OfBools::Refused)),
    ("rad2deg", floats(|value| value * (180.0 / std::f64::consts::PI))),
    ("rint", floats(f64::round_ties_even)),
    (
        "sign",
        Function {
            of_float_objects: FloatObjects::Integers,
            ..both(sign, i64::signum, |value| value.min(1), OfBools::Refused)
        },
    ),
    ("sin", floats(f64::sin)),
    ("sinh", floats(f64::sinh)),
    ("sqrt", floats(f64::sqrt)),
    (
        "square",
        both(
            |value| value * value,
            |value| value.wrapping_mul(value),
            |value| value.wrapping_mul(value),
            OfBools::Integers,
        ),
    ),
    ("tan", floats(f64::tan)),
    ("tanh", floats(f64::tanh)),
    ("trunc", whole(f64::trunc)),
];

/// The functions that a sparse matrix of scipy has as well.
pub(super) const OF_SPARSE: &[&str] = &[
    "abs", "absolute", "arcsin", "arcsinh", "arctan", "arctanh", "deg2rad", "expm1", "log1p", "negative", "positive",
    "rad2deg", "rint", "sin", "sinh", "sqrt", "tan", "tanh",
];

/// 0 for both zeros, as numpy has it, and NaN for NaN.
pub(super) fn sign(value: f64) -> f64 {
    if value == 0.0 || value.is_nan() { value + 0.0 } else { value.signum() }
}

impl Apply for FunctionTransformer {
    /// numpy's functions return a frame for a frame; `validate` converts it to an array first.
    fn keeps_frames(&self) -> bool {
        self.validate.is_none()
    }

    fn apply<'c, 'a>(&'a self, features: Vec<Feature<'c, 'a>>, _rows: usize) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        let Some(check) = self.validate else {
            return features.into_iter().map(|feature| self.apply_to(feature)).collect();
        };
        let features = check.numeric(features)?;
        check.refuse(&features, Refuses::InfinityAndMissing)?;
        features.into_iter().map(|feature| self.apply_to(feature)).collect()
    }

    fn demand(&self, given: usize) -> Demand {
        Demand::of(given, given, cost::LOGARITHM + cost::TEXT_TO_NUMBER)
    }
}

impl FunctionTransformer {
    fn apply_to<'c, 'a>(&self, mut feature: Feature<'c, 'a>) -> Result<Feature<'c, 'a>, Fault> {
        let Function { of_floats, of_integers, of_unsigned, of_bools, .. } = self.function;
        match &*feature.data {
            Column::Int64(_) => {
                if let Some(of_integers) = of_integers
                    && let Column::Int64(values) = feature.data.to_mut()
                {
                    values.iter_mut().for_each(|value| *value = of_integers(*value));
                    return Ok(feature);
                }
            }
            Column::UInt64(_) => {
                if let Some(of_unsigned) = of_unsigned
                    && let Column::UInt64(values) = feature.data.to_mut()
                {
                    values.iter_mut().for_each(|value| *value = of_unsigned(*value));
                    return Ok(feature);
                }
            }
            Column::Object(cells) if !has_only_nulls(&feature) => {
                let apply = |(row, cell)| {
                    self.function.of_object(cell).ok_or_else(|| {
                        let found = describe(cell);
                        let message = format!("expected numbers, found {found} in a column of objects");
                        Fault::of_value(feature.origin, row, message)
                    })
                };
                let cells = cells.iter().enumerate().map(apply).collect::<Result<_, _>>()?;
                return Ok(Feature::new(feature.origin, Column::Object(cells)));
            }
            Column::Bool(values) => {
                let column = match of_bools {
                    OfBools::Same => return Ok(feature),
                    OfBools::Integers => Column::Int64(values.iter().map(|value| i64::from(*value)).collect()),
                    OfBools::Halves => {
                        let (no, yes) = (half(of_floats(0.0)), half(of_floats(1.0)));
                        Column::Float64(values.iter().map(|value| if *value { yes } else { no }).collect())
                    }
                    OfBools::Refused => {
                        let message = "the column holds True and False, which the function does not take";
                        return Err(Fault::of_column(feature.origin, message));
                    }
                };
                return Ok(Feature::new(feature.origin, column));
            }
            _ => {}
        }
        let mut floats = Floats::from_features(vec![feature], Refuses::Nothing)?;
        floats.map_column(0, of_floats);
        floats.into_features().pop().ok_or_else(|| Fault::new("a column was lost"))
    }
}

impl Function {
    /// The result for one object; `None` if Python has none.
    fn of_object<'a>(&self, cell: &Cell<'a>) -> Option<Cell<'a>> {
        match (cell, self.of_integers) {
            (Cell::Int(value), Some(of_integers)) => Some(Cell::Int(of_integers(*value))),
            (Cell::Bool(value), Some(of_integers)) => Some(Cell::Int(of_integers(i64::from(*value)))),
            (Cell::Float(value), _) => match (self.of_float_objects, (self.of_floats)(*value)) {
                (FloatObjects::Floats, value) => Some(Cell::Float(value)),
                (FloatObjects::Integers, value) if value.abs() < 9e18 => Some(Cell::Int(value as i64)),
                _ => None,
            },
            (Cell::Missing | Cell::None, _) => (self.of_float_objects == FloatObjects::Floats).then_some(Cell::Missing),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::origin::Origin;
    use crate::transformers::shared::testing::{apply_floats, column as column_of, message, texts};
    use crate::version::Version;

    #[test]
    fn a_function_is_applied_to_each_value_and_gives_nan_outside_its_domain() {
        let function = FunctionTransformer { function: floats(f64::ln_1p), validate: None };
        let values = apply_floats(|features| function.apply(features, 1), vec![vec![0.0, 1.0, -2.0, f64::INFINITY]]);
        assert_eq!(values[0][..2], [0.0, std::f64::consts::LN_2]);
        assert!(values[0][2].is_nan() && values[0][3] == f64::INFINITY);
    }

    #[test]
    fn integers_stay_integers_if_numpy_has_an_integer_function() {
        let apply = |name: &str, column: Column<'static>| {
            let (_, function) = *FUNCTIONS.iter().find(|(known, _)| *known == name).unwrap();
            let transformer = FunctionTransformer { function, validate: None };
            column_of(transformer.apply(vec![Feature::new(Origin::NONE, column)], 1))
        };
        assert_eq!(apply("abs", Column::Int64(vec![-3])), Column::Int64(vec![3]));
        assert_eq!(apply("negative", Column::UInt64(vec![1])), Column::UInt64(vec![u64::MAX]));
        assert_eq!(apply("sign", Column::Float64(vec![-0.0, -2.5])), Column::Float64(vec![0.0, -1.0]));
        assert_eq!(apply("sqrt", Column::Int64(vec![9])), Column::Float64(vec![3.0]));
        // numpy.floor(numpy.array([2.5, True, 3], dtype=object)) has integers.
        let objects = Column::Object(vec![Cell::Float(2.5), Cell::Bool(true), Cell::Int(3)]);
        assert_eq!(apply("floor", objects), Column::Object(vec![Cell::Int(2), Cell::Int(1), Cell::Int(3)]));
        assert_eq!(apply("floor", Column::Bool(vec![true])), Column::Bool(vec![true]));
        // numpy.log1p(numpy.array([True])) is float16.
        assert_eq!(apply("log1p", Column::Bool(vec![true, false])), Column::Float64(vec![0.693359375, 0.0]));
    }

    #[test]
    fn text_is_refused_unless_validate_reads_it_as_numbers() {
        let transformer = |validate| FunctionTransformer { function: floats(f64::sqrt), validate };
        let text = || vec![texts(&[Some("4")])];
        let validating = transformer(Some(CheckArray::of(Version::new(1, 9))));
        assert_eq!(column_of(validating.apply(text(), 1)), Column::Float64(vec![2.0]));
        let plain = transformer(None);
        assert_eq!(
            message(plain.apply(text(), 1)),
            "row 1, column 1: expected numbers, found \"4\" in a column of objects"
        );
    }
}
