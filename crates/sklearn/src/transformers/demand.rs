//! What each transformer takes for a row. A transformer that is added has to say it here, or nothing compiles.

use crate::columns::demand::Demand;
use crate::transformers::Transformer;

/// Nanoseconds a value, on a slow core.
const ARITHMETIC: u64 = 5;
const TEXT_TO_NUMBER: u64 = 25;
const LOGARITHM: u64 = 60;
const SEARCH: u64 = 120;
const QUANTILE: u64 = 250;

impl Transformer {
    /// What a row of so many columns takes.
    pub(crate) fn demand(&self, given: usize) -> Demand {
        match self {
            Transformer::Passthrough => Demand::of_columns(given),
            Transformer::Binarizer(_)
            | Transformer::MaxAbsScaler(_)
            | Transformer::MinMaxScaler(_)
            | Transformer::Normalizer(_)
            | Transformer::RobustScaler(_)
            | Transformer::StandardScaler(_) => Demand::of(given, given, ARITHMETIC + TEXT_TO_NUMBER),
            Transformer::FunctionTransformer(_) | Transformer::PowerTransformer(_) => {
                Demand::of(given, given, LOGARITHM + TEXT_TO_NUMBER)
            }
            Transformer::QuantileTransformer(_) => Demand::of(given, given, QUANTILE + TEXT_TO_NUMBER),
            // What it gives may be text, once as it was and once filled.
            Transformer::SimpleImputer(imputer) => Demand::of(given, imputer.width(), ARITHMETIC + TEXT_TO_NUMBER)
                .then(Demand::of_columns(imputer.width())),
            Transformer::FeatureSelection(selection) => {
                Demand::of_columns(given).then(Demand::of_columns(selection.width()))
            }
            Transformer::PolynomialFeatures(polynomial) => {
                Demand { width: polynomial.width(), ..Demand::of(given, polynomial.all_terms(), ARITHMETIC) }
            }
            Transformer::OneHotEncoder(encoder) => {
                Demand::of(given, 0, SEARCH).then(Demand::of(0, encoder.width(), ARITHMETIC))
            }
            Transformer::LabelBinarizer(binarizer) => {
                let demand = Demand::of(given, 0, SEARCH).then(Demand::of(0, binarizer.width(), ARITHMETIC));
                Demand { all_rows: binarizer.needs_all_rows(), ..demand }
            }
            Transformer::OrdinalEncoder(_) => Demand::of(given, given, SEARCH),
            Transformer::TargetEncoder(encoder) => {
                Demand::of(given, 0, SEARCH).then(Demand::of(0, encoder.width(), ARITHMETIC))
            }
            Transformer::KBinsDiscretizer(discretizer) => discretizer.demand(given),
            Transformer::ColumnTransformer(transformer) => transformer.demand(),
            Transformer::FeatureUnion(union) => union.demand(given),
            Transformer::Pipeline(pipeline) => pipeline.demand(given),
        }
    }
}
