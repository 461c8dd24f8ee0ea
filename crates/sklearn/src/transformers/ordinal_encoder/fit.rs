//! Fits an OrdinalEncoder: the categories of each column (`sklearn/preprocessing/_encoders.py`).

use super::write::{HandleUnknownOrdinal, OrdinalEncoder, OrdinalEncoderFit};
use crate::columns::fault::Fault;
use crate::columns::feature::Feature;
use crate::parameters::class::Property;
use crate::parameters::class::{Fitted, InputFeatures};
use crate::parameters::values::{Categories, Code};
use crate::transformers::FittedTransformer;
use crate::transformers::learn::{FitInput, Learn};
use crate::transformers::shared::category_fit::SeenCategories;
use crate::transformers::specification::Fit;

impl Fit for OrdinalEncoder {
    fn learner(self, input: &FitInput) -> Box<dyn Learn> {
        Box::new(Ordinal::new(self, input))
    }
}

struct Ordinal {
    parameters: OrdinalEncoder,
    seen: SeenCategories,
}

impl Ordinal {
    fn new(parameters: OrdinalEncoder, input: &FitInput) -> Ordinal {
        Ordinal { parameters, seen: SeenCategories::new(input) }
    }

    fn check_unknown_value(&self) -> Result<(), Fault> {
        let OrdinalEncoder { handle_unknown, unknown_value, dtype, .. } = &self.parameters;
        match (handle_unknown, unknown_value) {
            (HandleUnknownOrdinal::UseEncodedValue, None) => Err(Fault::new(
                "OrdinalEncoder: expected an unknown_value, an integer or \"NaN\", for handle_unknown \
                 use_encoded_value",
            )),
            (HandleUnknownOrdinal::UseEncodedValue, Some(Code::Nan)) if !dtype.is_float() => {
                Err(Fault::new("OrdinalEncoder: an unknown_value of NaN needs a float dtype"))
            }
            (HandleUnknownOrdinal::Error, Some(_)) => {
                Err(Fault::new("OrdinalEncoder: an unknown_value needs handle_unknown to be use_encoded_value"))
            }
            _ => Ok(()),
        }
    }
}

impl Learn for Ordinal {
    fn see(&mut self, features: Vec<Feature<'_, '_>>, rows: usize) -> Result<(), Fault> {
        self.seen.add(&features, rows)
    }

    fn finish(self: Box<Self>, features: InputFeatures) -> Result<FittedTransformer, Fault> {
        self.check_unknown_value()?;
        let parameters = &self.parameters;
        let refuses = parameters.handle_unknown == HandleUnknownOrdinal::Error;
        let categories = self.seen.categories(&parameters.categories, refuses)?;
        let infrequent = self.seen.infrequent(&categories, parameters.min_frequency, parameters.max_categories, true);
        for (feature, own) in categories.iter().enumerate() {
            let rare = infrequent.as_ref().and_then(|all| all.get(feature)?.as_ref()).map_or(0, Categories::len);
            let used = own.len() as i64 - rare as i64 - i64::from(own.ends_missing());
            let is_used = |code: &Code| matches!(code, Code::Int(code) if (0..used).contains(code));
            let origin = self.seen.origin(feature);
            if let Some(code @ Code::Int(value)) = parameters.unknown_value
                && is_used(&code)
            {
                let message = format!("unknown_value {value} is the number of a category: expected one that is not");
                return Err(Fault::of_column(origin, message));
            }
            if !own.ends_missing() {
                continue;
            }
            match parameters.encoded_missing_value {
                Code::Nan if !parameters.dtype.is_float() => {
                    let message = "the column has missing values: set encoded_missing_value, or dtype to a float";
                    return Err(Fault::of_column(origin, message));
                }
                code @ Code::Int(value) if is_used(&code) => {
                    let message = format!("encoded_missing_value {value} is the number of a category");
                    return Err(Fault::of_column(origin, message));
                }
                _ => {}
            }
        }
        let attributes = OrdinalEncoderFit { categories_: categories, infrequent_categories_: Property(infrequent) };
        Ok(Fitted { parameters: self.parameters, features, attributes }.into())
    }
}
