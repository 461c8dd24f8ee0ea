//! Names of features, as scikit-learn's `get_feature_names_out` makes them (`_check_feature_names_in` of
//! `sklearn.utils.validation`, `_add_prefix_for_feature_names_out` of `sklearn.compose`).

use super::name::{Name, Names, NoNames};
use crate::artifact::attributes::Attributes;
use crate::feature_names::bounds::Bounds;
use byoc_formats::error::Error;
use byoc_formats::pickle::Value;
use std::collections::HashMap;

/// The names of a transformer's input: those of its parent, which must equal those of fit, else those of fit, else x0,
/// x1, …
pub(crate) fn names_in(transformer: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
    choose(fitted(transformer, bounds)?.as_deref(), count_in(transformer), given, bounds)
}

/// The names of the columns that a transformer was fitted on.
pub(crate) fn fitted<'t>(transformer: Attributes<'t>, bounds: &Bounds<'_>) -> Result<Option<Vec<&'t str>>, Error> {
    let array = transformer.get("feature_names_in_").and_then(Value::as_array);
    bounds.work.charge_items::<&str>(array.map_or(0, |array| array.len()))?;
    transformer.feature_names_in()
}

/// As [`names_in`], if the names and the number of the features at fit are known already.
pub(crate) fn choose(
    fitted: Option<&[&str]>,
    count: Option<usize>,
    given: Option<&[Name]>,
    bounds: &Bounds<'_>,
) -> Names {
    match (given, fitted, count) {
        (Some(given), Some(fitted), _) if !given.iter().map(|name| &**name).eq(fitted.iter().copied()) => {
            Err(NoNames::raised("ValueError: input_features is not equal to feature_names_in_"))
        }
        (Some(given), _, Some(count)) if given.len() != count => Err(NoNames::raised(format!(
            "ValueError: input_features should have length equal to number of features ({count}), got {}",
            given.len()
        ))),
        (Some(given), _, _) => Ok(bounds.copy(given.iter())?),
        (None, Some(fitted), _) => bounds.collect(fitted.iter().copied()),
        (None, None, Some(count)) => Ok(bounds.numbered(count)?),
        (None, None, None) => {
            Err(NoNames::raised("ValueError: Unable to generate feature names without n_features_in_"))
        }
    }
}

/// How many features a transformer was fitted on: `n_features_in_`, or before 0.23 the length of a fitted attribute.
fn count_in(transformer: Attributes<'_>) -> Option<usize> {
    const FITTED: &[&str] = &["mean_", "scale_", "center_", "max_abs_", "statistics_", "lambdas_", "bin_edges_"];
    const SELECTORS: &[&str] = &["variances_", "scores_", "support_", "categories_"];
    let counted = ["n_features_in_", "n_input_features_"].iter().find_map(|name| transformer.get(name)?.as_i64());
    if let Some(count) = counted {
        return usize::try_from(count).ok();
    }
    if let Some(quantiles) = transformer.get("quantiles_").and_then(Value::as_array) {
        return quantiles.shape().get(1).copied();
    }
    let length = |value: Value<'_>| match value.as_array() {
        Some(array) => array.shape().first().copied(),
        None => value.items().map(|items| items.len()),
    };
    FITTED.iter().chain(SELECTORS).find_map(|name| length(transformer.get(name)?))
}

/// The names of parts side by side, by `verbose_feature_names_out` of the whole: the part's
/// name and two underscores before each, another format (a text, from 1.6 on), or nothing if they differ anyway.
pub(crate) fn prefixed(parent: Attributes<'_>, parts: Vec<(&str, Vec<Name>)>, bounds: &Bounds<'_>) -> Names {
    let verbose = parent.get("verbose_feature_names_out");
    let form = match verbose {
        None => "{transformer_name}__{feature_name}",
        Some(value) => match (value.as_bool(), value.as_str()) {
            (Some(true), _) => "{transformer_name}__{feature_name}",
            (Some(false), _) => return unprefixed(parts),
            (None, Some(form)) => form,
            (None, None) => return Err(NoNames("verbose_feature_names_out is a function, and is not called".into())),
        },
    };
    let pieces = pieces(form).ok_or_else(|| {
        NoNames(format!(
            "verbose_feature_names_out is {form:?}: expected text with {{transformer_name}} and {{feature_name}} only"
        ))
    })?;
    let length_of = |piece: &Piece<'_>, part: &str, feature: &str| match piece {
        Piece::Text(text) => text.len(),
        Piece::Transformer => part.len(),
        Piece::Feature => feature.len(),
    };
    let count = parts.iter().map(|(_, names)| names.len()).fold(0, usize::saturating_add);
    bounds.take(count.saturating_mul(size_of::<Name>()))?;
    let mut all = Vec::with_capacity(count);
    for (part, names) in &parts {
        for feature in names {
            // A format may repeat a long name a thousand times.
            let length = pieces.iter().map(|piece| length_of(piece, part, feature)).fold(0, usize::saturating_add);
            bounds.work.charge(pieces.len())?;
            bounds.take_names(1, length)?;
            let mut name = String::with_capacity(length);
            for piece in &pieces {
                name.push_str(match piece {
                    Piece::Text(text) => text,
                    Piece::Transformer => part,
                    Piece::Feature => feature,
                });
            }
            all.push(name.into());
        }
    }
    Ok(all)
}

/// A piece of a format for `str.format`.
#[derive(Clone, Copy)]
enum Piece<'f> {
    Text(&'f str),
    Transformer,
    Feature,
}

/// `None` if `str.format` would raise, and for its conversions and widths.
fn pieces(form: &str) -> Option<Vec<Piece<'_>>> {
    let mut pieces = Vec::new();
    let mut rest = form;
    while let Some(at) = rest.find(['{', '}']) {
        let (text, brace) = rest.split_at(at);
        pieces.push(Piece::Text(text));
        let known = [
            ("{{", Piece::Text("{")),
            ("}}", Piece::Text("}")),
            ("{transformer_name}", Piece::Transformer),
            ("{feature_name}", Piece::Feature),
        ];
        let (piece, after) = known.iter().find_map(|(begin, piece)| Some((*piece, brace.strip_prefix(begin)?)))?;
        pieces.push(piece);
        rest = after;
    }
    pieces.push(Piece::Text(rest));
    Some(pieces)
}

fn unprefixed(parts: Vec<(&str, Vec<Name>)>) -> Names {
    let names: Vec<Name> = parts.into_iter().flat_map(|(_, names)| names).collect();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for name in &names {
        *counts.entry(name).or_default() += 1;
    }
    if counts.len() == names.len() {
        return Ok(names);
    }
    let mut repeated: Vec<&str> = counts.into_iter().filter(|(_, count)| *count > 1).map(|(name, _)| name).collect();
    repeated.sort_unstable();
    let more = if repeated.len() > 5 { ", ..." } else { "" };
    let shown: Vec<String> = repeated.iter().take(5).map(|name| format!("'{name}'")).collect();
    Err(NoNames(format!(
        "ValueError: Output feature names: [{}{more}] are not unique. Please set verbose_feature_names_out=True to add \
         prefixes to feature names",
        shown.join(", ")
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::Version;
    use byoc_account::Allowance;

    fn owned(names: &[&str]) -> Vec<Name> {
        names.iter().map(|name| Name::from(*name)).collect()
    }

    #[test]
    fn names_are_given_or_from_the_fit_or_else_numbers() {
        let given = owned(&["a", "b"]);
        let allowance = Allowance::unbounded();
        let bounds = Bounds::new(Version::new(1, 9), 100, &allowance);
        let choose = |fitted: Option<&[&str]>, count, given| choose(fitted, count, given, &bounds);
        assert_eq!(choose(Some(&["a", "b"]), Some(2), Some(&given)), Ok(given.clone()));
        assert_eq!(choose(Some(&["a", "b"]), Some(2), None), Ok(given.clone()));
        assert_eq!(choose(None, Some(2), None), Ok(owned(&["x0", "x1"])));
        assert!(choose(Some(&["b", "a"]), None, Some(&given)).unwrap_err().0.contains("is not equal"));
        assert!(choose(None, Some(3), Some(&given)).unwrap_err().0.ends_with("features (3), got 2"));
        assert!(choose(None, None, None).unwrap_err().0.contains("without n_features_in_"));
    }

    #[test]
    fn a_format_of_names_is_read_as_by_str_format() {
        let text = |form| {
            let piece = |piece: &Piece<'_>| match piece {
                Piece::Text(text) => (*text).to_owned(),
                Piece::Transformer => "T".into(),
                Piece::Feature => "F".into(),
            };
            pieces(form).map(|pieces| pieces.iter().map(piece).collect::<String>())
        };
        assert_eq!(text("{feature_name}[{transformer_name}]").as_deref(), Some("F[T]"));
        assert_eq!(text("{{{feature_name}}}").as_deref(), Some("{F}"));
        for form in ["{0}", "{feature_name:>9}", "{", "a}"] {
            assert_eq!(text(form), None, "{form}");
        }
    }

    #[test]
    fn names_without_a_prefix_must_differ() {
        let parts = |one: &[&str], two: &[&str]| vec![("one", owned(one)), ("two", owned(two))];
        assert_eq!(unprefixed(parts(&["a"], &["b"])), Ok(owned(&["a", "b"])));
        let error = unprefixed(parts(&["b", "a"], &["a", "b"])).unwrap_err().0;
        assert!(error.starts_with("ValueError: Output feature names: ['a', 'b'] are not unique"), "{error}");
    }
}
