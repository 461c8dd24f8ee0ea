//! OneHotEncoder and OrdinalEncoder (`sklearn/preprocessing/_encoders.py`): categories, infrequent ones, dropped ones.

use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, Origin};
use crate::document::{
    AtLeast, Auto, Categories, Code, Drop, Features, Fitted, FittedTransformer, Frequency, HandleUnknown,
    HandleUnknownOrdinal, OneHotEncoder, OneHotEncoderFit, OrdinalEncoder, OrdinalEncoderFit, Property, Scalar, WordOr,
};
use crate::fit::counts::Counts;
use crate::fit::learn::Learn;
use crate::fit::plan::Input;

type Given = WordOr<Auto, Vec<Categories>>;

/// What was seen of each column.
struct Seen {
    counts: Vec<Counts>,
    origins: Vec<Origin>,
    rows: usize,
    is_sparse: bool,
}

impl Seen {
    fn new(input: &Input) -> Seen {
        Seen {
            counts: vec![Counts::default(); input.features.count],
            origins: Vec::new(),
            rows: 0,
            is_sparse: input.is_sparse,
        }
    }

    fn add(&mut self, features: &[Feature<'_, '_>], rows: usize) -> Result<(), Fault> {
        self.rows += rows;
        if self.origins.is_empty() {
            self.origins = features.iter().map(|feature| feature.origin).collect();
        }
        self.counts.iter_mut().zip(features).try_for_each(|(counts, feature)| counts.add(feature))
    }

    fn origin(&self, feature: usize) -> Origin {
        self.origins.get(feature).copied().unwrap_or(Origin::NONE)
    }

    /// The categories of all features: those that were found, or those that are given.
    fn categories(&self, given: &Given, refuses_unknown: bool) -> Result<Vec<Categories>, Fault> {
        if self.is_sparse {
            return Err(Fault::new(
                "an encoder does not take a sparse matrix: set sparse_output of the one before it to false",
            ));
        }
        let given = match given {
            WordOr::Word(Auto::Auto) => {
                let found = self.counts.iter().enumerate();
                return found.map(|(feature, counts)| counts.categories(self.origin(feature))).collect();
            }
            WordOr::Given(given) => given,
        };
        if given.len() != self.counts.len() {
            return Err(Fault::new(format!(
                "expected categories for each of {} features, found {}",
                self.counts.len(),
                given.len()
            )));
        }
        let checked = given.iter().zip(&self.counts).enumerate();
        checked
            .map(|(feature, (given, counts))| {
                let origin = self.origin(feature);
                let categories = as_column(given, counts)
                    .map_err(|found| Fault::of_column(origin, format!("categories: {found}")))?;
                if refuses_unknown {
                    let known = categories.scalars();
                    let found = counts.categories(origin)?.scalars();
                    if let Some(unknown) = found.iter().find(|value| !known.contains(value)) {
                        return Err(Fault::of_column(
                            origin,
                            format!("the column has {}, which is none of the given categories", unknown.describe()),
                        ));
                    }
                }
                Ok(categories)
            })
            .collect()
    }

    /// Which categories of each feature are infrequent, if that is asked.
    fn infrequent(
        &self,
        categories: &[Categories],
        min_frequency: Option<Frequency>,
        max_categories: Option<AtLeast<1>>,
        skips_missing: bool,
    ) -> Option<Vec<Option<Categories>>> {
        if min_frequency.is_none() && max_categories.is_none() {
            return None;
        }
        let of_feature = |(own, counts): (&Categories, &Counts)| {
            let mut values = own.scalars();
            if skips_missing && own.ends_missing() {
                values.pop();
            }
            let counted: Vec<u64> = values.iter().map(|value| counts.of(value)).collect();
            let is_infrequent = infrequent(&counted, self.rows, min_frequency, max_categories);
            is_infrequent.contains(&true).then(|| subset(own, &is_infrequent))
        };
        Some(categories.iter().zip(&self.counts).map(of_feature).collect())
    }
}

/// Which of some categories are infrequent (`_BaseEncoder._identify_infrequent`).
fn infrequent(
    counts: &[u64],
    rows: usize,
    min_frequency: Option<Frequency>,
    max_categories: Option<AtLeast<1>>,
) -> Vec<bool> {
    let mut mask: Vec<bool> = counts
        .iter()
        .map(|count| match min_frequency {
            None => false,
            Some(Frequency::Count(least)) => (*count as f64) < least as f64,
            Some(Frequency::MemoryShare(share)) => (*count as f64) < rows as f64 * share,
        })
        .collect();
    let left = counts.len() - mask.iter().filter(|is_infrequent| **is_infrequent).count() + 1;
    if let Some(most) = max_categories.filter(|most| most.count() < left) {
        // Of equally frequent ones those that stand later stay.
        let mut order: Vec<usize> = (0..counts.len()).collect();
        order.sort_by_key(|index| counts.get(*index).copied());
        order.truncate(counts.len().saturating_sub(most.count() - 1));
        for index in order {
            if let Some(is_infrequent) = mask.get_mut(index) {
                *is_infrequent = true;
            }
        }
    }
    mask
}

/// Those categories whose flag is set.
fn subset(categories: &Categories, flags: &[bool]) -> Categories {
    fn keep<T: Clone>(values: &[T], flags: &[bool]) -> Vec<T> {
        values.iter().zip(flags).filter(|(_, flag)| **flag).map(|(value, _)| value.clone()).collect()
    }
    match categories {
        Categories::Bool(values) => Categories::Bool(keep(values, flags)),
        Categories::Int64(values) => Categories::Int64(keep(values, flags)),
        Categories::UInt64(values) => Categories::UInt64(keep(values, flags)),
        Categories::Float64(values) => Categories::Float64(keep(values, flags)),
        Categories::Object(values) => Categories::Object(keep(values, flags)),
    }
}

/// Given categories as an array of the column's type; what is wrong with them where they cannot be.
fn as_column(given: &Categories, counts: &Counts) -> Result<Categories, String> {
    let values = given.scalars();
    let Some((last, front)) = values.split_last() else { return Err("expected at least one for a feature".into()) };
    if front.iter().any(Scalar::is_nan) {
        return Err("expected \"NaN\" to be the last".into());
    }
    if let Some(twice) = values.iter().enumerate().find(|(at, value)| values.iter().take(*at).any(|v| v == *value)) {
        return Err(format!("expected different ones, found {} twice", twice.1.describe()));
    }
    let wrong = |kind: &str| {
        let other = values.iter().find(|value| matches!(value, Scalar::Text(_))).unwrap_or(last);
        Err(format!("expected {kind} for a column of them, found {}", other.describe()))
    };
    let is_sorted = || {
        let numbers: Vec<f64> = values.iter().filter(|value| !value.is_nan()).map(Scalar::number).collect();
        if numbers.is_sorted() { Ok(()) } else { Err("expected numbers in ascending order".to_owned()) }
    };
    match counts {
        Counts::Object(_) | Counts::Nothing => Ok(Categories::Object(values)),
        Counts::Float64(..) if !matches!(given, Categories::Object(_)) => {
            is_sorted()?;
            Ok(Categories::Float64(values.iter().map(Scalar::number).collect()))
        }
        Counts::Float64(..) => wrong("numbers"),
        Counts::Int64(_) | Counts::UInt64(_) if matches!(given, Categories::Int64(_) | Categories::UInt64(_)) => {
            is_sorted()?;
            Ok(given.clone())
        }
        Counts::Int64(_) | Counts::UInt64(_) => wrong("integers"),
        Counts::Bool(_) if matches!(given, Categories::Bool(_)) => {
            is_sorted()?;
            Ok(given.clone())
        }
        Counts::Bool(_) => wrong("true and false"),
    }
}

pub(crate) struct OneHot {
    parameters: OneHotEncoder,
    seen: Seen,
}

impl OneHot {
    pub(crate) fn new(parameters: OneHotEncoder, input: &Input) -> OneHot {
        OneHot { parameters, seen: Seen::new(input) }
    }

    /// The dropped category of each feature, if any are.
    fn dropped(
        &self,
        categories: &[Categories],
        infrequent: Option<&Vec<Option<Categories>>>,
    ) -> Result<Option<Vec<Option<usize>>>, Fault> {
        let rare = |feature: usize| infrequent.and_then(|all| all.get(feature)?.as_ref()).map(Categories::scalars);
        // The first category that is not infrequent; where all are, the one that they make.
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

    fn finish(self: Box<Self>, features: Features) -> Result<FittedTransformer, Fault> {
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

pub(crate) struct Ordinal {
    parameters: OrdinalEncoder,
    seen: Seen,
}

impl Ordinal {
    pub(crate) fn new(parameters: OrdinalEncoder, input: &Input) -> Ordinal {
        Ordinal { parameters, seen: Seen::new(input) }
    }

    fn check_unknown_value(&self) -> Result<(), Fault> {
        let OrdinalEncoder { handle_unknown, unknown_value, dtype, .. } = &self.parameters;
        match (handle_unknown, unknown_value) {
            (HandleUnknownOrdinal::UseEncodedValue, None) => Err(Fault::new(
                "OrdinalEncoder: expected an unknown_value, an integer or \"NaN\", for handle_unknown use_encoded_value",
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

    fn finish(self: Box<Self>, features: Features) -> Result<FittedTransformer, Fault> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equally_infrequent_categories_the_later_ones_stay() {
        let most = |most| Some(AtLeast(most));
        assert_eq!(infrequent(&[2, 2, 2, 5], 11, None, most(3)), [true, true, false, false]);
        assert_eq!(infrequent(&[2, 2, 5], 9, None, most(1)), [true, true, true]);
        assert_eq!(infrequent(&[1, 3, 5], 9, Some(Frequency::Count(3)), None), [true, false, false]);
        assert_eq!(infrequent(&[1, 3, 5], 9, Some(Frequency::MemoryShare(0.4)), most(3)), [true, true, false]);
        assert_eq!(infrequent(&[1, 3], 4, None, most(3)), [false, false]);
    }
}
