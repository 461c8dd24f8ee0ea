//! `sklearn.preprocessing.Binarizer`: 1 above a threshold, 0 up to it.

use super::Transformer;
use crate::error::Result;
use crate::payload::table::Column;
use crate::preprocessor::attributes::Attributes;
use crate::preprocessor::build::{Builder, Built, Input};
use crate::preprocessor::fault::Fault;
use crate::preprocessor::feature::{Feature, Floats, Refuses};

/// Reads `threshold`. Nothing is fitted.
pub(super) fn build<'t>(
    binarizer: Attributes<'t>,
    input: &Input<'t>,
    builder: &mut Builder<'t, '_>,
) -> Result<Built<'t>> {
    let threshold = binarizer.number("threshold")?;
    let output = super::unfitted_output(binarizer, input, builder)?;
    Ok(Built { transformer: Transformer::Binarizer { threshold }, output })
}

/// Compares each value. Integers stay integers; missing values and infinity are refused.
pub(super) fn apply<'c, 'a>(threshold: f64, features: Vec<Feature<'c, 'a>>) -> Result<Vec<Feature<'c, 'a>>, Fault> {
    let integers = features.iter().all(|feature| matches!(*feature.data, Column::Int64(_) | Column::Bool(_)));
    let mut floats = Floats::from_features(features, Refuses::InfinityAndMissing)?;
    for column in 0..floats.columns.len() {
        floats.map_column(column, |value| f64::from(u8::from(value > threshold)));
    }
    if !integers {
        return Ok(floats.into_features());
    }
    let integers = |values: Vec<f64>| Column::Int64(values.into_iter().map(|value| value as i64).collect());
    Ok(floats.columns.into_iter().map(|column| Feature::new(column.origin, integers(column.values))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preprocessor::feature::Origin;
    use crate::preprocessor::transformers::testing::{apply_floats, column};

    #[test]
    fn the_threshold_itself_gives_zero_and_integers_stay_integers() {
        assert_eq!(apply_floats(|features| apply(1.25, features), vec![vec![1.25, 1.5, -2.0]]), [[0.0, 1.0, 0.0]]);
        let integers = Feature::new(Origin::NONE, Column::Int64(vec![2, 3]));
        assert_eq!(column(apply(2.0, vec![integers])), Column::Int64(vec![0, 1]));
    }
}
