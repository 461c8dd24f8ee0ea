//! Fits a SimpleImputer: learns the value that fills each column (`sklearn/impute/_base.py`).

use super::write::{ImputeStrategy, SimpleImputer, SimpleImputerFit};
use crate::columns::dtype::{Dtype, stack_frame};
use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, Floats, Refuses, refuse};
use crate::columns::origin::Origin;
use crate::parameters::class::Property;
use crate::parameters::class::{Fitted, InputFeatures};
use crate::parameters::values::{NumpyType, Scalar};
use crate::statistics::counts::Counts;
use crate::statistics::kept::{Kept, median};
use crate::statistics::moments::Moments;
use crate::transformers::FittedTransformer;
use crate::transformers::learn::{FitInput, Learn};
use crate::transformers::specification::Fit;
use byoc_formats::rows::table::{Cell, Column};

impl Fit for SimpleImputer {
    fn learner(self, input: &FitInput) -> Box<dyn Learn> {
        Box::new(Imputer::new(self, input))
    }
}

struct Imputer {
    parameters: SimpleImputer,
    dtype: NumpyType,
    columns: Vec<Seen>,
}

/// The state of one column during the fit.
struct Seen {
    origin: Origin,
    has_value: bool,
    has_missing: bool,
    statistic: Statistic,
}

enum Statistic {
    Mean(Moments),
    Median(Kept),
    MostFrequent(Counts),
    Constant,
}

impl Imputer {
    fn new(parameters: SimpleImputer, input: &FitInput) -> Imputer {
        let statistic = || match parameters.strategy {
            ImputeStrategy::Mean => Statistic::Mean(Moments::default()),
            ImputeStrategy::Median => Statistic::Median(Kept::default()),
            ImputeStrategy::MostFrequent => Statistic::MostFrequent(Counts::default()),
            ImputeStrategy::Constant => Statistic::Constant,
        };
        let seen = || Seen { origin: Origin::NONE, has_value: false, has_missing: false, statistic: statistic() };
        let columns = std::iter::repeat_with(seen).take(input.features.count).collect();
        Imputer { parameters, dtype: NumpyType::Float64, columns }
    }

    fn takes_numbers(&self) -> bool {
        matches!(self.parameters.strategy, ImputeStrategy::Mean | ImputeStrategy::Median)
    }

    /// Converts the columns for the strategy: to floats, or to one array of their common dtype.
    fn converted<'c, 'a>(&mut self, features: Vec<Feature<'c, 'a>>) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        let refuses =
            if self.parameters.missing_values.is_nan() { Refuses::Infinity } else { Refuses::InfinityAndMissing };
        let features = if self.takes_numbers() {
            Floats::from_features(features, refuses)?.into_features()
        } else {
            stack_frame(features)
        };
        self.dtype = match Dtype::common(&features) {
            Dtype::Int64 => NumpyType::Int64,
            Dtype::UInt64 => NumpyType::UInt64,
            Dtype::Float32 => NumpyType::Float32,
            Dtype::Float64 => NumpyType::Float64,
            Dtype::Object => NumpyType::Object,
            Dtype::Bool => {
                return Err(Fault::new(
                    "SimpleImputer does not take columns of nothing but True and False: expected numbers or text",
                ));
            }
        };
        if self.dtype != NumpyType::Object && matches!(self.parameters.missing_values, Scalar::Text(_)) {
            return Err(Fault::new(format!(
                "SimpleImputer: missing_values is {}: expected a number for columns of numbers",
                self.parameters.missing_values.describe()
            )));
        }
        for feature in &features {
            match &*feature.data {
                Column::Float64(values) => refuse(feature.origin, values, refuses)?,
                Column::Object(cells) if refuses == Refuses::InfinityAndMissing => {
                    if let Some(row) = cells.iter().position(|cell| matches!(cell, Cell::Missing)) {
                        let message = "expected a value, found a missing one that is not what missing_values says";
                        return Err(Fault::of_value(feature.origin, row, message));
                    }
                }
                _ => {}
            }
        }
        Ok(features)
    }

    /// The fill for a column of nothing but missing values, if it is kept.
    fn fill_value(&self) -> Result<Scalar, Fault> {
        let Some(given) = &self.parameters.fill_value else {
            let is_object = self.dtype == NumpyType::Object;
            return Ok(if is_object { Scalar::Text("missing_value".into()) } else { Scalar::Int(0) });
        };
        let fits = match given {
            Scalar::Text(_) => self.dtype == NumpyType::Object,
            Scalar::Float(_) => self.dtype == NumpyType::Object || self.dtype.is_float(),
            Scalar::Bool(_) | Scalar::Int(_) | Scalar::Large(_) => true,
        };
        if fits {
            return Ok(given.clone());
        }
        let columns = match self.dtype {
            NumpyType::Int64 | NumpyType::UInt64 => "integers",
            _ => "numbers",
        };
        Err(Fault::new(format!("SimpleImputer: fill_value {} cannot fill columns of {columns}", given.describe())))
    }
}

/// Whether values are missing.
fn is_missing(column: &Column<'_>, missing: &Scalar) -> Vec<bool> {
    let wanted = missing.number();
    let number = |value: f64| value == wanted || value.is_nan() && missing.is_nan();
    match column {
        Column::Float64(values) => values.iter().map(|value| number(*value)).collect(),
        Column::Float32(values) => values.iter().map(|value| number(f64::from(*value))).collect(),
        Column::Int64(values) => values.iter().map(|value| number(*value as f64)).collect(),
        Column::UInt64(values) => values.iter().map(|value| number(*value as f64)).collect(),
        Column::Bool(values) => values.iter().map(|value| number(f64::from(u8::from(*value)))).collect(),
        Column::Object(cells) => cells
            .iter()
            .map(|cell| match cell {
                Cell::Missing => missing.is_nan(),
                Cell::None => false,
                Cell::Text(text) => matches!(missing, Scalar::Text(wanted) if wanted == text),
                Cell::Bool(value) => number(f64::from(u8::from(*value))),
                Cell::Int(value) => number(*value as f64),
                Cell::Float(value) => number(*value),
            })
            .collect(),
    }
}

impl Learn for Imputer {
    fn see(&mut self, features: Vec<Feature<'_, '_>>, _rows: usize) -> Result<(), Fault> {
        let features = self.converted(features)?;
        let missing = &self.parameters.missing_values;
        for (seen, feature) in self.columns.iter_mut().zip(&features) {
            seen.origin = feature.origin;
            let mask = is_missing(&feature.data, missing);
            seen.has_missing |= mask.contains(&true);
            seen.has_value |= mask.contains(&false);
            let present = |values: &[f64]| -> Vec<f64> {
                values.iter().zip(&mask).filter(|(_, missing)| !**missing).map(|(value, _)| *value).collect()
            };
            match (&mut seen.statistic, &*feature.data) {
                (Statistic::Mean(moments), Column::Float64(values)) => moments.add(&present(values)),
                (Statistic::Median(kept), Column::Float64(values)) => kept.add(&present(values)),
                (Statistic::MostFrequent(counts), _) => counts.add(feature)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, features: InputFeatures) -> Result<FittedTransformer, Fault> {
        let fill = if self.parameters.strategy == ImputeStrategy::Constant { Some(self.fill_value()?) } else { None };
        let (dtype, keeps) = (self.dtype, self.parameters.keep_empty_features);
        let columns = std::mem::take(&mut self.columns);
        let indicated: Vec<i64> =
            (0..).zip(&columns).filter(|(_, seen)| seen.has_missing).map(|(feature, _)| feature).collect();
        let parameters = self.parameters;
        let statistic = |seen: Seen| {
            let nothing = Scalar::Float(if keeps { 0.0 } else { f64::NAN });
            match seen.statistic {
                Statistic::Constant if seen.has_value || keeps => fill.clone().unwrap_or(nothing),
                Statistic::Constant => nothing,
                _ if !seen.has_value && dtype == NumpyType::Object && keeps => Scalar::Int(0),
                _ if !seen.has_value => nothing,
                Statistic::Mean(moments) => Scalar::Float(moments.mean()),
                Statistic::Median(kept) => Scalar::Float(median(&kept.sorted())),
                Statistic::MostFrequent(counts) => match counts.most_frequent(&parameters.missing_values) {
                    Some(value) if dtype == NumpyType::Object => value,
                    Some(value) => Scalar::Float(value.number()),
                    None => nothing,
                },
            }
        };
        let attributes = SimpleImputerFit {
            statistics_: Property(columns.into_iter().map(statistic).collect()),
            indicator_features_: Property(parameters.add_indicator.then_some(indicated)),
            fit_dtype: Property(dtype),
        };
        Ok(Fitted { parameters, features, attributes }.into())
    }

    fn kept_columns(&self) -> usize {
        self.columns.iter().filter(|seen| matches!(seen.statistic, Statistic::Median(_))).count()
    }
}
