//! Learns the categories of the columns of an encoder, and which are infrequent (`sklearn/preprocessing/_encoders.py`).

use super::fitted_categories::Auto;
use crate::columns::fault::Fault;
use crate::columns::feature::Feature;
use crate::columns::origin::Origin;
use crate::parameters::values::{AtLeast, Categories, Frequency, Scalar, WordOr};
use crate::statistics::counts::Counts;
use crate::transformers::learn::FitInput;

/// `categories`: found in the data, or given.
pub(in crate::transformers) type Given = WordOr<Auto, Vec<Categories>>;

/// The values seen in each column.
pub(in crate::transformers) struct SeenCategories {
    counts: Vec<Counts>,
    origins: Vec<Origin>,
    rows: usize,
    is_sparse: bool,
}

impl SeenCategories {
    pub(in crate::transformers) fn new(input: &FitInput) -> SeenCategories {
        SeenCategories {
            counts: vec![Counts::default(); input.features.count],
            origins: Vec::new(),
            rows: 0,
            is_sparse: input.is_sparse,
        }
    }

    pub(in crate::transformers) fn add(&mut self, features: &[Feature<'_, '_>], rows: usize) -> Result<(), Fault> {
        self.rows += rows;
        if self.origins.is_empty() {
            self.origins = features.iter().map(|feature| feature.origin).collect();
        }
        self.counts.iter_mut().zip(features).try_for_each(|(counts, feature)| counts.add(feature))
    }

    pub(in crate::transformers) fn origin(&self, feature: usize) -> Origin {
        self.origins.get(feature).copied().unwrap_or(Origin::NONE)
    }

    /// The categories of all features: those that were found, or those given.
    pub(in crate::transformers) fn categories(
        &self,
        given: &Given,
        refuses_unknown: bool,
    ) -> Result<Vec<Categories>, Fault> {
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
                            format!("the column has {}, which is not among the given categories", unknown.describe()),
                        ));
                    }
                }
                Ok(categories)
            })
            .collect()
    }

    /// Which categories of each feature are infrequent, if that is asked.
    pub(in crate::transformers) fn infrequent(
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
            Some(Frequency::Share(share)) => (*count as f64) < rows as f64 * share,
        })
        .collect();
    let left = counts.len() - mask.iter().filter(|is_infrequent| **is_infrequent).count() + 1;
    if let Some(most) = max_categories.filter(|most| most.count() < left) {
        // Of equally frequent categories the later ones stay.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equally_infrequent_categories_the_later_ones_stay() {
        let most = |most| Some(AtLeast(most));
        assert_eq!(infrequent(&[2, 2, 2, 5], 11, None, most(3)), [true, true, false, false]);
        assert_eq!(infrequent(&[2, 2, 5], 9, None, most(1)), [true, true, true]);
        assert_eq!(infrequent(&[1, 3, 5], 9, Some(Frequency::Count(3)), None), [true, false, false]);
        assert_eq!(infrequent(&[1, 3, 5], 9, Some(Frequency::Share(0.4)), most(3)), [true, true, false]);
        assert_eq!(infrequent(&[1, 3], 4, None, most(3)), [false, false]);
    }
}
