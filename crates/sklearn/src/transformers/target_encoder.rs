//! `sklearn.preprocessing.TargetEncoder` (1.3): the mean target of each category, once for each class of a multiclass
//! target.

use crate::artifact::attributes::{Attributes, one_dimensional};
use crate::artifact::builder::{Builder, Built, Input};
use crate::columns::categories::Categories;
use crate::columns::fault::Fault;
use crate::columns::feature::Feature;
use crate::feature_names::bounds::Bounds;
use crate::feature_names::names::{self, Name, Names};
use crate::feature_names::values::texts;
use crate::transformers::Transformer;
use crate::transformers::encoder;
use byoc_formats::error::Result;
use byoc_formats::pickle::Value;
use byoc_formats::rows::table::Column;
use std::sync::Arc;

/// Encodings for each feature and class, and what stands for an unknown category.
#[derive(Debug)]
pub(crate) struct TargetEncoder {
    categories: Box<[Arc<Categories>]>,
    /// Feature by feature, the classes of each together.
    encodings: Box<[Arc<[f64]>]>,
    /// The mean target of each class; of one, unless the target is multiclass.
    means: Arc<[f64]>,
}

/// Reads `categories_`, `encodings_`, `target_mean_` and `target_type_`.
pub(crate) fn build<'t>(
    encoder: Attributes<'t>,
    input: &Input<'t>,
    builder: &mut Builder<'t, '_>,
) -> Result<Built<'t>> {
    let categories = encoder::categories(encoder, input, builder)?;
    let multiclass =
        encoder.choice("target_type_", &[("continuous", false), ("binary", false), ("multiclass", true)])?;
    let means = if multiclass {
        builder.numbers_in(encoder, "target_mean_")?
    } else {
        builder.one_number(encoder.number("target_mean_")?)?
    };
    let width = categories.len().saturating_mul(means.len());
    let mismatched = encoder.required("encodings_")?.items().map_or(0, |items| items.len()) != width;
    if !mismatched {
        builder.keep_items::<Arc<Categories>>(categories.len())?;
        builder.keep_items::<Arc<[f64]>>(width)?;
        builder.work.charge_items::<Value<'_>>(width)?;
    }
    let mut encodings = Vec::new();
    for (index, array) in encoder.items_of("encodings_", width)?.into_iter().enumerate() {
        let expected = categories.get(index / means.len().max(1)).map_or(0, |categories| categories.len());
        let numbers = builder.numbers(array)?.filter(|encodings| encodings.len() == expected);
        encodings.push(
            numbers.ok_or_else(|| {
                encoder.mismatch("encodings_", format_args!("arrays of {expected} numbers here"), array)
            })?,
        );
    }
    let encodings = encodings.into();
    let encoder = TargetEncoder { categories: categories.into(), encodings, means };
    Ok(Built::array(Transformer::TargetEncoder(encoder), width))
}

impl TargetEncoder {
    pub(crate) fn apply<'c, 'a>(&self, features: &[Feature<'c, 'a>]) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        let mut answer = Vec::with_capacity(self.encodings.len());
        let by_feature = self.encodings.chunks(self.means.len().max(1));
        for ((categories, encodings), feature) in self.categories.iter().zip(by_feature).zip(features) {
            let mut codes = Vec::with_capacity(feature.data.len());
            let cannot_be_unknown = categories.begins_below_zero() && matches!(*feature.data, Column::UInt64(_));
            categories.encode(feature, |row, category| {
                if category.is_none() && cannot_be_unknown {
                    // scikit-learn puts the first category in the place of an unknown one, and raises an IndexError for what
                    // a negative number becomes there.
                    let message = format!(
                        "the column has integers beyond 9223372036854775807, among which scikit-learn does not encode an \
                         unknown one where a category is negative: expected one of {}",
                        categories.some()
                    );
                    return Err(Fault::of_value(feature.origin, row, message));
                }
                codes.push(category);
                Ok(())
            })?;
            for (encoding, mean) in encodings.iter().zip(self.means.iter()) {
                let value = |category: &Option<u32>| {
                    category.and_then(|category| encoding.get(category as usize)).copied().unwrap_or(*mean)
                };
                answer.push(Feature::new(feature.origin, Column::Float64(codes.iter().map(value).collect())));
            }
        }
        Ok(answer)
    }

    /// How many columns it gives.
    pub(crate) fn width(&self) -> usize {
        self.encodings.len()
    }
}

/// A multiclass target gives a feature for each class, named after it.
pub(crate) fn feature_names_out(encoder: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
    let given = names::names_in(encoder, given, bounds)?;
    if encoder.text("target_type_")? != "multiclass" {
        return Ok(given);
    }
    let value = encoder.required("classes_")?;
    let classes = one_dimensional(value).map(|classes| texts(classes, false, bounds)).transpose()?;
    let classes = classes.ok_or_else(|| encoder.mismatch("classes_", "a one-dimensional array", value))?;
    bounds.collect(given.iter().flat_map(|name| classes.iter().map(move |class| format!("{name}_{class}"))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transformers::testing::{columns_of, texts};
    use crate::version::Version;

    #[test]
    fn each_class_has_a_column_and_an_unknown_category_the_mean_of_the_class() {
        let encoder = TargetEncoder {
            categories: [Categories::of_texts(&[Some("a"), Some("b")], Version::new(1, 9)).into()].into(),
            encodings: [[0.1, 0.2].into(), [0.9, 0.8].into()].into(),
            means: [0.15, 0.85].into(),
        };
        let columns = columns_of(encoder.apply(&[texts(&[Some("b"), Some("x")])]));
        assert_eq!(columns, [Column::Float64(vec![0.2, 0.15]), Column::Float64(vec![0.8, 0.85])]);
    }
}
