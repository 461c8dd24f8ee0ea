//! `(x - center) / scale`, each step rounded.

use std::sync::Arc;

use crate::columns::demand::{Demand, cost};
use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, Floats, Refuses};
use crate::transformers::transformer::Apply;
use crate::version::Version;

/// From 1.8 on, parameters are rounded to `float32` for `float32` input; before, only the result was.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ParameterRounding(bool);

impl ParameterRounding {
    /// The behaviour of a version.
    pub(crate) fn of(version: Version) -> ParameterRounding {
        ParameterRounding(version >= Version::new(1, 8))
    }

    /// A parameter in the precision of these values.
    pub(crate) fn apply(self, parameter: f64, floats: &Floats) -> f64 {
        if self.0 && floats.single() { f64::from(parameter as f32) } else { parameter }
    }
}

/// Two steps of a column, each rounded, as numpy does them: never a product by the reciprocal.
#[derive(Debug)]
pub(crate) struct CenterAndScale {
    /// One for each feature, unless centering is off.
    pub(crate) center: Option<Arc<[f64]>>,
    /// One for each feature, unless scaling is off. A constant feature has 1 here since fit.
    pub(crate) scale: Option<Arc<[f64]>>,
    pub(crate) rounding: ParameterRounding,
}

impl Apply for CenterAndScale {
    /// Centers and scales every feature. Missing values stay, infinity is refused.
    fn apply<'c, 'a>(&'a self, features: Vec<Feature<'c, 'a>>, _rows: usize) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        let mut floats = Floats::from_features(features, Refuses::Infinity)?;
        for (column, center) in self.center.iter().flat_map(|center| center.iter()).enumerate() {
            let center = self.rounding.apply(*center, &floats);
            floats.map_column(column, |value| value - center);
        }
        for (column, scale) in self.scale.iter().flat_map(|scale| scale.iter()).enumerate() {
            let scale = self.rounding.apply(*scale, &floats);
            floats.map_column(column, |value| value / scale);
        }
        Ok(floats.into_features())
    }

    fn demand(&self, given: usize) -> Demand {
        Demand::of(given, given, cost::ARITHMETIC + cost::TEXT_TO_NUMBER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transformers::shared::testing::{apply_floats, column};
    use byoc_formats::rows::table::Column;

    fn scaler(version: Version) -> CenterAndScale {
        let rounding = ParameterRounding::of(version);
        CenterAndScale { center: Some([0.1].into()), scale: Some([3.0].into()), rounding }
    }

    #[test]
    fn values_are_centered_and_then_divided() {
        let scaler = scaler(Version::new(1, 9));
        assert_eq!(apply_floats(|features| scaler.apply(features, 1), vec![vec![10.1, f64::NAN]])[0][0], 10.0 / 3.0);
        let neither = CenterAndScale { center: None, scale: None, ..scaler };
        assert_eq!(apply_floats(|features| neither.apply(features, 1), vec![vec![10.1]]), [[10.1]]);
    }

    #[test]
    fn float32_stays_float32_and_its_parameters_are_rounded_from_1_8_on() {
        let apply = |version| match column(
            scaler(version)
                .apply(vec![Feature::new(crate::columns::origin::Origin::NONE, Column::Float32(vec![0.1]))], 1),
        ) {
            Column::Float32(values) => values[0],
            other => panic!("{other:?}"),
        };
        assert_eq!(apply(Version::new(1, 8)), 0.0);
        assert_ne!(apply(Version::new(1, 7)), 0.0);
    }
}
