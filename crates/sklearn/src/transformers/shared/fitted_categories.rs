//! The fitted categories of an encoder in `preprocessor.json` and in Python.

use crate::parameters::class::State;
use crate::parameters::values::{Categories, Scalar, words};
use byoc_formats::error::{Cause, Error, Result};
use byoc_formats::pickle::{Items, Python};
use std::collections::{HashMap, HashSet};

words! {
    /// `categories`
    Auto { Auto = "auto" }
}

/// The infrequent categories of each feature, which are grouped into one.
pub(in crate::transformers) struct Groups {
    /// The infrequent ones; none for a feature without any.
    pub(in crate::transformers) infrequent: Vec<Option<Vec<i64>>>,
    /// The number of each category after the infrequent ones are grouped into one, the last.
    pub(in crate::transformers) mappings: Vec<Option<Vec<i64>>>,
    /// The number of categories of each feature after the infrequent ones are grouped into one: its one-hot columns.
    pub(in crate::transformers) widths: Vec<usize>,
}

impl Groups {
    pub(in crate::transformers) fn of(
        categories: &[Categories],
        infrequent: Option<&Vec<Option<Categories>>>,
        skips_missing: bool,
    ) -> Groups {
        let mut groups = Groups { infrequent: Vec::new(), mappings: Vec::new(), widths: Vec::new() };
        for (feature, own) in categories.iter().enumerate() {
            let own_infrequent = infrequent.and_then(|all| all.get(feature)?.as_ref());
            let Some(own_infrequent) = own_infrequent else {
                groups.infrequent.push(None);
                groups.mappings.push(None);
                groups.widths.push(own.len());
                continue;
            };
            let (all, rare) = (own.scalars(), own_infrequent.scalars());
            let mut by_key: HashMap<_, Vec<&Scalar>> = HashMap::new();
            rare.iter().for_each(|rare| by_key.entry(key(rare)).or_default().push(rare));
            let is_rare = |category: &Scalar| by_key.get(&key(category)).is_some_and(|rare| rare.contains(&category));
            let counted = all.len() - usize::from(skips_missing && own.ends_missing());
            let is_rare: Vec<bool> = all.iter().take(counted).map(is_rare).collect();
            let frequent = is_rare.iter().filter(|is_rare| !**is_rare).count() as i64;
            let mut next = 0;
            let mapping = is_rare.iter().map(|is_rare| {
                if *is_rare {
                    return frequent;
                }
                next += 1;
                next - 1
            });
            groups.mappings.push(Some(mapping.collect()));
            let indices = (0..).zip(&is_rare).filter(|(_, is_rare)| **is_rare).map(|(index, _)| index);
            groups.infrequent.push(Some(indices.collect()));
            groups.widths.push(all.len() + 1 - rare.len());
        }
        groups
    }

    pub(in crate::transformers) fn state(&self) -> State {
        let arrays = |lists: &[Option<Vec<i64>>]| {
            let array = |list: &Option<Vec<i64>>| {
                list.as_ref().map_or(Python::None, |list| Python::array(Items::Int64(list.clone())))
            };
            Python::List(lists.iter().map(array).collect())
        };
        vec![
            ("_infrequent_indices".to_owned(), arrays(&self.infrequent)),
            ("_default_to_infrequent_mappings".to_owned(), arrays(&self.mappings)),
        ]
    }
}

/// Categories are different ones, and of one type where they were learned: scikit-learn sorts them. Given ones stay as
/// they are.
pub(in crate::transformers) fn check_categories(categories: &[Categories], are_given: bool, path: &str) -> Result<()> {
    for (feature, own) in categories.iter().enumerate() {
        let wrong = |at: usize, message: String| {
            Err(Error::new(Cause::BadDocument, format!("{path}.categories_[{feature}][{at}]: {message}")))
        };
        let scalars = own.scalars();
        let mut seen = HashSet::new();
        for (at, category) in scalars.iter().enumerate() {
            if !seen.insert(key(category)) {
                return wrong(at, format!("expected different categories, found {} twice", category.describe()));
            }
            if category.is_nan() && at + 1 < scalars.len() {
                return wrong(at, "expected \"NaN\", the missing value, to be the last category".to_owned());
            }
        }
        if are_given {
            continue;
        }
        let is_text = |category: &Scalar| matches!(category, Scalar::Text(_));
        let mut values = scalars.iter().filter(|category| !category.is_nan());
        let Some(first) = values.next() else { continue };
        if let Some(other) = values.find(|other| is_text(other) != is_text(first)) {
            let at = scalars.iter().position(|category| category == other).unwrap_or(0);
            let (first, other) = (first.describe(), other.describe());
            return wrong(
                at,
                format!("expected categories of one type as a fit learns them, found {first} and {other}"),
            );
        }
    }
    Ok(())
}

/// A key that is equal for categories that are equal in Python: `1`, `1.0` and `True`, but not text.
fn key(category: &Scalar) -> (Option<&str>, u64) {
    match category {
        Scalar::Text(text) => (Some(text), 0),
        Scalar::Large(value) => (None, (*value as f64).to_bits()),
        other if other.is_nan() => (None, f64::NAN.to_bits()),
        // Zero has two signs.
        other => (None, (other.number() + 0.0).to_bits()),
    }
}
