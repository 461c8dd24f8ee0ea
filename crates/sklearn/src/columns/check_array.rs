//! `sklearn.utils.check_array`: converts the columns of a frame to one array, and refuses some values.
//!
//! Columns of one type are an array already, such as the output of another transformer.

use std::borrow::Cow;

use crate::columns::dtype::{Dtype, objects, stack};
use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, Refuses, objects_as_floats, refuse, refuse_missing};
use crate::version::Version;
use byoc_formats::rows::table::Column;

/// The differences between versions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct CheckArray {
    /// From 1.1 on, a frame with bool columns has the type that numpy promotes all its types to; before, it was as
    /// pandas makes an array of it: of objects, if there is a bool column next to numbers
    /// (`_pandas_dtype_needs_early_conversion`).
    promotes_bools: bool,
    /// From 0.23 to 1.0, bool columns of a frame count as objects if numbers are required.
    numbers_of_bools_are_floats: bool,
    /// From 0.21 on, missing values among objects are refused if those among floats are.
    looks_at_objects: bool,
}

impl CheckArray {
    pub(crate) fn of(version: Version) -> CheckArray {
        CheckArray {
            promotes_bools: version >= Version::new(1, 1),
            numbers_of_bools_are_floats: (Version::new(0, 23)..Version::new(1, 1)).contains(&version),
            looks_at_objects: version >= Version::new(0, 21),
        }
    }

    /// Whether missing values among objects are searched for.
    pub(crate) fn looks_at_objects(self) -> bool {
        self.looks_at_objects
    }

    /// `dtype=None`: the type that all columns have in common.
    pub(crate) fn any<'c, 'a>(self, features: Vec<Feature<'c, 'a>>) -> Vec<Feature<'c, 'a>> {
        let bools = bools(&features);
        if self.promotes_bools || bools == 0 || bools == features.len() {
            stack(features)
        } else {
            each_as_objects(features)
        }
    }

    /// `dtype='numeric'`: the same, and objects as floats.
    ///
    /// # Errors
    /// For text that is not a number.
    pub(crate) fn numeric<'c, 'a>(self, features: Vec<Feature<'c, 'a>>) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        let features = if self.numbers_of_bools_are_floats && bools(&features) > 0 {
            each_as_objects(features)
        } else {
            self.any(features)
        };
        features.into_iter().map(objects_as_floats).collect()
    }

    /// `dtype=object`: each value as an object of the type that it has in the array; in a frame with bool columns,
    /// from 1.1 on, of the type of its column.
    pub(crate) fn objects<'c, 'a>(self, features: Vec<Feature<'c, 'a>>) -> Vec<Feature<'c, 'a>> {
        each_as_objects(if bools(&features) > 0 { features } else { stack(features) })
    }

    /// `force_all_finite`, which from 1.6 on is `ensure_all_finite`.
    ///
    /// # Errors
    /// For the first value that is refused.
    pub(crate) fn refuse(self, features: &[Feature<'_, '_>], refuses: Refuses) -> Result<(), Fault> {
        for feature in features {
            match &*feature.data {
                Column::Float64(values) => refuse(feature.origin, values, refuses)?,
                Column::Float32(values) => {
                    let values: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
                    refuse(feature.origin, &values, refuses)?;
                }
                Column::Object(_) if self.looks_at_objects && refuses == Refuses::InfinityAndMissing => {
                    refuse_missing(feature)?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn bools(features: &[Feature<'_, '_>]) -> usize {
    features.iter().filter(|feature| Dtype::of(&feature.data) == Dtype::Bool).count()
}

fn each_as_objects<'c, 'a>(mut features: Vec<Feature<'c, 'a>>) -> Vec<Feature<'c, 'a>> {
    for feature in &mut features {
        if Dtype::of(&feature.data) != Dtype::Object {
            feature.data = Cow::Owned(Column::Object(objects(&feature.data)));
        }
    }
    features
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::origin::Origin;
    use byoc_formats::rows::table::Cell;

    fn frame(columns: Vec<Column<'static>>) -> Vec<Feature<'static, 'static>> {
        columns.into_iter().map(|column| Feature::new(Origin::NONE, column)).collect()
    }

    fn columns(features: Vec<Feature<'static, 'static>>) -> Vec<Column<'static>> {
        features.into_iter().map(|feature| feature.data.into_owned()).collect()
    }

    fn bool_and_integer() -> Vec<Feature<'static, 'static>> {
        frame(vec![Column::Bool(vec![true]), Column::Int64(vec![7])])
    }

    const OLD: Version = Version::new(1, 0);
    const NEW: Version = Version::new(1, 1);

    #[test]
    fn a_bool_beside_a_number_is_a_number_from_1_1_on() {
        let of = |version| columns(CheckArray::of(version).any(bool_and_integer()));
        assert_eq!(of(NEW), [Column::Int64(vec![1]), Column::Int64(vec![7])]);
        assert_eq!(of(OLD), [Column::Object(vec![Cell::Bool(true)]), Column::Object(vec![Cell::Int(7)])]);
        let numeric = |version| columns(CheckArray::of(version).numeric(bool_and_integer()).unwrap());
        assert_eq!(numeric(NEW), [Column::Int64(vec![1]), Column::Int64(vec![7])]);
        assert_eq!(numeric(OLD), [Column::Float64(vec![1.0]), Column::Float64(vec![7.0])]);
        let only = |version| columns(CheckArray::of(version).numeric(frame(vec![Column::Bool(vec![true])])).unwrap());
        assert_eq!(only(Version::new(0, 22)), [Column::Bool(vec![true])]);
        assert_eq!(only(OLD), [Column::Float64(vec![1.0])]);
        assert_eq!(only(NEW), [Column::Bool(vec![true])]);
    }

    #[test]
    fn numbers_become_objects_of_their_common_type_unless_there_is_a_bool_column() {
        let of = |frame| columns(CheckArray::of(NEW).objects(frame));
        let numbers = of(frame(vec![Column::Int64(vec![7]), Column::Float64(vec![f64::NAN])]));
        assert_eq!(numbers, [Column::Object(vec![Cell::Float(7.0)]), Column::Object(vec![Cell::Missing])]);
        assert_eq!(of(bool_and_integer())[1], Column::Object(vec![Cell::Int(7)]));
        let text = || Column::Object(vec![Cell::Text("x".into())]);
        assert_eq!(of(frame(vec![Column::Int64(vec![7]), text()])), [Column::Object(vec![Cell::Int(7)]), text()]);
    }

    #[test]
    fn missing_values_among_objects_are_refused_from_0_21_on() {
        let gap = frame(vec![Column::Object(vec![Cell::Missing])]);
        let refuse = |version, refuses| CheckArray::of(version).refuse(&gap, refuses).is_err();
        assert!(refuse(Version::new(0, 21), Refuses::InfinityAndMissing));
        assert!(!refuse(Version::new(0, 20), Refuses::InfinityAndMissing));
        assert!(!refuse(NEW, Refuses::Infinity));
    }
}
