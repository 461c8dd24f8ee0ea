//! Reads a TargetEncoder from a pickled object.

use super::apply::TargetEncoder;
use crate::artifact::attributes::{Attributes, one_dimensional};
use crate::artifact::builder::{Builder, Input};
use crate::columns::categories::Categories;
use crate::feature_names::bounds::Bounds;
use crate::feature_names::name::{Name, Names};
use crate::feature_names::names;
use crate::feature_names::values::texts;
use crate::transformers::class::PickledClass;
use crate::transformers::shared::encoder;
use crate::transformers::transformer::Built;
use byoc_formats::error::Result;
use byoc_formats::pickle::Value;
use std::sync::Arc;

/// The class as pickles have it.
pub(in crate::transformers) struct Class;

impl PickledClass for Class {
    fn names(&self) -> &'static [&'static str] {
        &["TargetEncoder"]
    }

    fn modules(&self) -> &'static [&'static str] {
        &["sklearn.preprocessing._target_encoder"]
    }

    /// Reads `categories_`, `encodings_`, `target_mean_` and `target_type_`.
    fn build<'t>(
        &self,
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
            encodings.push(numbers.ok_or_else(|| {
                encoder.mismatch("encodings_", format_args!("arrays of {expected} numbers here"), array)
            })?);
        }
        let encodings = encodings.into();
        let encoder = TargetEncoder { categories: categories.into(), encodings, means };
        Built::array(encoder, width, builder)
    }

    /// A multiclass target gives a feature for each class, named after it.
    fn feature_names_out(&self, encoder: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
        let given = names::names_in(encoder, given, bounds)?;
        if encoder.text("target_type_")? != "multiclass" {
            return Ok(given);
        }
        let value = encoder.required("classes_")?;
        let classes = one_dimensional(value).map(|classes| texts(classes, false, bounds)).transpose()?;
        let classes = classes.ok_or_else(|| encoder.mismatch("classes_", "a one-dimensional array", value))?;
        bounds.collect(given.iter().flat_map(|name| classes.iter().map(move |class| format!("{name}_{class}"))))
    }
}
