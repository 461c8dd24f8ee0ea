//! Fits a OneHotEncoder: the categories of each column, and which one is dropped
//! (`sklearn/preprocessing/_encoders.py`).

use super::write::{Drop, HandleUnknown, OneHotEncoder, OneHotEncoderFit};
use crate::columns::fault::Fault;
use crate::columns::feature::Feature;
use crate::parameters::class::Property;
use crate::parameters::class::{Fitted, InputFeatures};
use crate::parameters::values::{Categories, Scalar, WordOr};
use crate::transformers::FittedTransformer;
use crate::transformers::learn::{FitInput, Learn};
use crate::transformers::shared::category_fit::SeenCategories;
use crate::transformers::specification::Fit;

impl Fit for OneHotEncoder {
    fn learner(self, input: &FitInput) -> Box<dyn Learn> {
        Box::new(OneHot::new(self, input))
    }
}

struct OneHot {
    parameters: OneHotEncoder,
    seen: SeenCategories,
}

impl OneHot {
    fn new(parameters: OneHotEncoder, input: &FitInput) -> OneHot {
        OneHot { parameters, seen: SeenCategories::new(input) }
    }

    /// The dropped category of each feature, if any are.
    fn dropped(
        &self,
        categories: &[Categories],
        infrequent: Option<&Vec<Option<Categories>>>,
    ) -> Result<Option<Vec<Option<usize>>>, Fault> {
        let rare = |feature: usize| infrequent.and_then(|all| all.get(feature)?.as_ref()).map(Categories::scalars);
        // The first category that is not infrequent; if all are, the group that they form.
        let first = |feature: usize, own: &Categories| {
            let rare = rare(feature).unwrap_or_default();
            own.scalars().iter().position(|value| !rare.contains(value)).unwrap_or(0)
        };
        let all = || categories.iter().enumerate();
        match &self.parameters.drop {
            None => Ok(None),
            Some(WordOr::Word(Drop::First)) => {
                Ok(Some(all().map(|(feature, own)| Some(first(feature, own))).collect()))
            }
            Some(WordOr::Word(Drop::IfBinary)) => {
                let index = |(feature, own): (usize, &Categories)| {
                    let columns = own.len() + 1 - rare(feature).map_or(1, |rare| rare.len());
                    (columns == 2).then(|| first(feature, own))
                };
                Ok(Some(all().map(index).collect()))
            }
            Some(WordOr::Given(given)) => {
                if given.len() != categories.len() {
                    return Err(Fault::new(format!(
                        "expected drop to have a category for each of {} features, found {}",
                        categories.len(),
                        given.len()
                    )));
                }
                let index = |((feature, own), wanted): ((usize, &Categories), &Scalar)| {
                    let origin = self.seen.origin(feature);
                    if rare(feature).is_some_and(|rare| rare.contains(wanted)) {
                        let message = format!("the category {} cannot be dropped: it is infrequent", wanted.describe());
                        return Err(Fault::of_column(origin, message));
                    }
                    let found = own.scalars().iter().position(|value| value == wanted);
                    found.map(Some).ok_or_else(|| {
                        let message = format!("the category {} is to be dropped, but was not found", wanted.describe());
                        Fault::of_column(origin, message)
                    })
                };
                all().zip(given).map(index).collect::<Result<_, _>>().map(Some)
            }
        }
    }
}

impl Learn for OneHot {
    fn see(&mut self, features: Vec<Feature<'_, '_>>, rows: usize) -> Result<(), Fault> {
        self.seen.add(&features, rows)
    }

    fn finish(self: Box<Self>, features: InputFeatures) -> Result<FittedTransformer, Fault> {
        let parameters = &self.parameters;
        let refuses = parameters.handle_unknown == HandleUnknown::Error;
        let categories = self.seen.categories(&parameters.categories, refuses)?;
        let infrequent = self.seen.infrequent(&categories, parameters.min_frequency, parameters.max_categories, false);
        let dropped = self.dropped(&categories, infrequent.as_ref())?;
        let attributes = OneHotEncoderFit {
            categories_: categories,
            drop_idx_: Property(dropped),
            infrequent_categories_: Property(infrequent),
        };
        Ok(Fitted { parameters: self.parameters, features, attributes }.into())
    }
}
