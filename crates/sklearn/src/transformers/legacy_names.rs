//! `get_feature_names`, which scikit-learn had before 1.0, for those transformers that it had it for.

use super::{one_hot_encoder, polynomial_features};
use crate::artifact::attributes::Attributes;
use crate::feature_names::bounds::Bounds;
use crate::feature_names::names::{Names, NoNames, names_in};
use crate::transformers::column_transformer;
use crate::transformers::pipeline::named;
use byoc_formats::pickle::Value;

/// The names, as the artifact's own version gives them.
pub(crate) fn get_feature_names(transformer: Value<'_>, bounds: &Bounds<'_>) -> Names {
    let class = transformer.class().map(|(_, class)| class).unwrap_or_default();
    let raised = || NoNames::raised(format!("AttributeError: '{class}' object has no attribute 'get_feature_names'"));
    let Some(object) = Attributes::of(transformer) else { return Err(raised()) };
    // Both take no names from a ColumnTransformer: their features are numbers.
    let by_number = || -> Names { Ok(bounds.numbered(names_in(object, None, bounds)?.len())?) };
    match class {
        "ColumnTransformer" => column_transformer::get_feature_names(object, bounds),
        "FeatureUnion" => {
            let mut all = Vec::new();
            for (name, part) in named(object, "transformer_list", &bounds.work)? {
                if !part.is_none() && part.as_str() != Some("drop") {
                    all.extend(of_part(name, part, bounds)?);
                }
            }
            Ok(all)
        }
        "OneHotEncoder" => one_hot_encoder::feature_names_out(object, Some(&by_number()?), bounds),
        "PolynomialFeatures" => polynomial_features::feature_names_out(object, Some(&by_number()?), bounds),
        _ => Err(raised()),
    }
}

/// The names of a part, each after the name of the part.
pub(crate) fn of_part(name: &str, part: Value<'_>, bounds: &Bounds<'_>) -> Names {
    let class = part.class().map_or("str", |(_, class)| class);
    if !matches!(class, "ColumnTransformer" | "FeatureUnion" | "OneHotEncoder" | "PolynomialFeatures") {
        return Err(NoNames::no_method(name, class, "get_feature_names"));
    }
    let names = get_feature_names(part, bounds)?;
    bounds.collect(names.iter().map(|feature| format!("{name}__{feature}")))
}
