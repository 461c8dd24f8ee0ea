//! Reads a FeatureUnion from a pickled object.

use super::apply::{FeatureUnion, Part};
use crate::artifact::attributes::Attributes;
use crate::artifact::builder::{Builder, Input, Shape, shorten};
use crate::columns::readings::Origins;
use crate::feature_names::bounds::Bounds;
use crate::feature_names::name::{Name, Names, NoNames};
use crate::feature_names::names;
use crate::transformers::class::{self, PickledClass};
use crate::transformers::columns_used::ColumnsUsed;
use crate::transformers::shared::named_parts::{named_parts, unnamed_parts};
use crate::transformers::shared::output::given_on;
use crate::transformers::shared::weight::Weights;
use crate::transformers::transformer::Built;
use byoc_formats::error::Result;
use byoc_formats::pickle::Value;

/// The class as pickles have it.
pub(in crate::transformers) struct Class;

/// A list of name and transformer.
const TRANSFORMER_LIST: &str = "transformer_list";

impl PickledClass for Class {
    fn names(&self) -> &'static [&'static str] {
        &["FeatureUnion"]
    }

    fn modules(&self) -> &'static [&'static str] {
        &["sklearn.pipeline"]
    }

    /// Reads `transformer_list`, in which `'drop'` (or `None`, until 0.24) leaves a part out, and
    /// `transformer_weights`.
    fn build<'t>(&self, union: Attributes<'t>, input: &Input<'t>, builder: &mut Builder<'t, '_>) -> Result<Built<'t>> {
        let mut width = Some(0usize);
        let mut sparse = false;
        let list = named_parts(union, TRANSFORMER_LIST, &builder.work)?;
        let weights = Weights::of(union, &builder.work)?;
        builder.keep_items::<Part>(list.len())?;
        let allowance = builder.allowance();
        let _held = allowance.hold(list.len().saturating_mul(size_of::<((&str, Value<'_>), (Origins, usize))>()))?;
        let mut parts = Vec::with_capacity(list.len());
        let mut origins = Vec::with_capacity(list.len());
        for (name, part) in list {
            if part.is_none() || part.as_str() == Some("drop") {
                continue;
            }
            let built = class::build(part, input, builder)
                .map_err(|error| error.context(format!("part {:?}", shorten(name))))?;
            sparse |= built.output.sparse;
            width = match (width, built.output.shape) {
                (Some(width), Shape::Fixed(more)) => width.checked_add(more),
                _ => None,
            };
            let weight = weights.get(name)?;
            origins.push(given_on(&built.output, weight.is_some()));
            parts.push(Part { transformer: built.transformer, weight });
        }
        // A part that passes a request through is as wide as the request, which is known if another part was fitted
        // on it.
        let shape = width.map_or(input.shape, Shape::Fixed);
        let origins = builder.side_by_side(&origins)?;
        let union = FeatureUnion { parts: parts.into(), sparse, frames: union.gives_frames() };
        Built::new(union, Input { names: None, shape, sparse, frame: false, origins }, builder)
    }

    /// The parts that are applied, each with all names.
    fn parts<'t>(
        &self,
        union: Attributes<'t>,
        given: Option<&[Name]>,
        bounds: &Bounds<'_>,
    ) -> Result<Vec<class::Part<'t>>> {
        let applied = named_parts(union, TRANSFORMER_LIST, &bounds.work)?.into_iter();
        let applied = applied.filter(|(_, part)| !part.is_none() && part.as_str() != Some("drop"));
        let part = |(name, transformer)| {
            let given = given.map(|given| bounds.copy(given.iter())).transpose()?;
            Ok(class::Part { name, transformer, given })
        };
        applied.map(part).collect()
    }

    fn feature_names_out(&self, union: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
        let mut named = Vec::new();
        for part in self.parts(union, given, bounds)? {
            if !class::has_feature_names_out(part.transformer) {
                let class = part.transformer.class().map_or("str", |(_, class)| class);
                return Err(NoNames::no_method(part.name, class, "get_feature_names_out"));
            }
            named.push((part.name, class::feature_names_out(part.transformer, given, bounds)?));
        }
        names::prefixed(union, named, bounds)
    }

    /// Its parts have noted it.
    fn gives_sparse(&self, _object: Attributes<'_>, _input: &Input<'_>, output: &Input<'_>) -> Result<bool> {
        Ok(output.sparse)
    }

    fn names_in(&self, union: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
        class::names_in_of_first_part(union, TRANSFORMER_LIST, given, bounds)
    }

    fn columns_used<'t>(&self, union: Attributes<'t>, builder: &mut Builder<'t, '_>) -> Result<ColumnsUsed<'t>> {
        let parts = unnamed_parts(union, TRANSFORMER_LIST, builder)?.into_iter();
        let parts = parts.filter(|part| !part.is_none() && part.as_str() != Some("drop"));
        ColumnsUsed::side_by_side(parts.map(|part| class::columns_used(part, builder)))
    }

    fn get_feature_names(&self, union: Attributes<'_>, bounds: &Bounds<'_>) -> Option<Names> {
        Some(get_feature_names(union, bounds))
    }
}

/// The names before 1.0.
fn get_feature_names(union: Attributes<'_>, bounds: &Bounds<'_>) -> Names {
    let mut all = Vec::new();
    for (name, part) in named_parts(union, TRANSFORMER_LIST, &bounds.work)? {
        if !part.is_none() && part.as_str() != Some("drop") {
            all.extend(class::get_feature_names_of_part(name, part, bounds)?);
        }
    }
    Ok(all)
}
