//! Applies a fitted Binarizer to columns.

use crate::columns::check_array::CheckArray;
use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, Refuses};

use crate::columns::demand::{Demand, cost};
use crate::transformers::transformer::Apply;
use byoc_formats::error::Result;
use byoc_formats::rows::table::Column;

/// A threshold for all values.
#[derive(Debug)]
pub(super) struct Binarizer {
    pub(super) threshold: f64,
    pub(super) check: CheckArray,
}

impl Apply for Binarizer {
    /// Compares each value, and keeps its type. Missing values and infinity are refused.
    fn apply<'c, 'a>(&'a self, features: Vec<Feature<'c, 'a>>, _rows: usize) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        let features = self.check.numeric(features)?;
        self.check.refuse(&features, Refuses::InfinityAndMissing)?;
        let above = |value: f64| u8::from(value > self.threshold);
        let binarize = |feature: Feature<'c, 'a>| {
            let column = match &*feature.data {
                Column::Int64(values) => {
                    Column::Int64(values.iter().map(|value| above(*value as f64).into()).collect())
                }
                Column::UInt64(values) => {
                    Column::UInt64(values.iter().map(|value| above(*value as f64).into()).collect())
                }
                Column::Float32(values) => {
                    Column::Float32(values.iter().map(|value| above((*value).into()).into()).collect())
                }
                Column::Float64(values) => Column::Float64(values.iter().map(|value| above(*value).into()).collect()),
                Column::Bool(values) => {
                    Column::Bool(values.iter().map(|value| above(u8::from(*value).into()) != 0).collect())
                }
                // No missing values are left here.
                Column::Object(cells) => Column::Object(cells.clone()),
            };
            Feature::new(feature.origin, column)
        };
        Ok(features.into_iter().map(binarize).collect())
    }

    fn demand(&self, given: usize) -> Demand {
        Demand::of(given, given, cost::ARITHMETIC + cost::TEXT_TO_NUMBER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::origin::Origin;
    use crate::version::Version;

    fn apply(threshold: f64, version: Version, column: Column<'static>) -> Column<'static> {
        let binarizer = Binarizer { threshold, check: CheckArray::of(version) };
        crate::transformers::shared::testing::column(binarizer.apply(vec![Feature::new(Origin::NONE, column)], 1))
    }

    #[test]
    fn the_threshold_itself_gives_zero_and_types_are_kept() {
        let newest = Version::new(1, 9);
        let floats = Column::Float64(vec![1.25, 1.5, -2.0]);
        assert_eq!(apply(1.25, newest, floats), Column::Float64(vec![0.0, 1.0, 0.0]));
        assert_eq!(apply(2.0, newest, Column::Int64(vec![2, 3])), Column::Int64(vec![0, 1]));
        assert_eq!(apply(0.0, newest, Column::UInt64(vec![1 << 63])), Column::UInt64(vec![1]));
        assert_eq!(apply(0.0, newest, Column::Bool(vec![true, false])), Column::Bool(vec![true, false]));
        assert_eq!(apply(1.0, newest, Column::Bool(vec![true, false])), Column::Bool(vec![false, false]));
    }
}
