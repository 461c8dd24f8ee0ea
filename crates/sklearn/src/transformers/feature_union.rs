//! `sklearn.pipeline.FeatureUnion`: transformers side by side, each given all columns.

use super::{Transformer, given_on};
use crate::artifact::attributes::Attributes;
use crate::artifact::builder::{Builder, Built, Input, Shape, shorten};
use crate::columns::demand::Demand;
use crate::columns::dtype::{Dtype, stack_beside, stack_frame};
use crate::columns::fault::Fault;
use crate::columns::feature::Feature;
use crate::columns::readings::Origins;
use crate::describe::Child;
use crate::feature_names::bounds::Bounds;
use crate::feature_names::names::{self, Name, Names, NoNames};
use crate::transformers::pipeline::named;
use crate::transformers::weight::{self, Weight, Weights};
use byoc_formats::error::Result;
use byoc_formats::pickle::Value;
use byoc_formats::rows::table::Column;

/// The parts, in the order of their answers.
#[derive(Debug)]
pub(crate) struct FeatureUnion {
    parts: Box<[Part]>,
    /// Whether a part gives a sparse matrix: then the answer is one, which holds no objects.
    sparse: bool,
    /// `set_output(transform="pandas")`: the columns of the answer keep their types.
    frames: bool,
}

#[derive(Debug)]
struct Part {
    transformer: Transformer,
    weight: Option<Weight>,
}

/// Reads `transformer_list`, in which `'drop'` (or `None`, until 0.24) leaves a part out, and `transformer_weights`.
pub(crate) fn build<'t>(union: Attributes<'t>, input: &Input<'t>, builder: &mut Builder<'t, '_>) -> Result<Built<'t>> {
    let mut width = Some(0usize);
    let mut sparse = false;
    let list = named(union, "transformer_list", &builder.work)?;
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
        let built = Transformer::build(part, input, builder)
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
    // A part that passes a request through is as wide as the request, which is known when another part was fitted on
    // it.
    let shape = width.map_or(input.shape, Shape::Fixed);
    let origins = Origins::side_by_side(&origins, builder)?;
    let transformer =
        Transformer::FeatureUnion(FeatureUnion { parts: parts.into(), sparse, frames: union.gives_frames() });
    Ok(Built { transformer, output: Input { names: None, shape, sparse, frame: false, origins } })
}

impl FeatureUnion {
    pub(crate) fn apply<'c, 'a>(
        &'a self,
        features: &[Feature<'c, 'a>],
        rows: usize,
    ) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        let mut all = Vec::new();
        let mut empty = None;
        let before = Dtype::common(features);
        for part in &self.parts {
            let mut given = part.transformer.apply(features.to_vec(), rows)?;
            if part.transformer.keeps_frames() && !self.frames {
                given = stack_frame(given);
            }
            if given.is_empty() {
                let dtype = weight::dtype(part.weight, part.transformer.dtype_of_no_columns(before));
                empty = Some(empty.map_or(dtype, |empty: Dtype| empty.promote(dtype)));
            }
            if let Some(weight) = part.weight {
                given = weight.apply(given)?;
            }
            all.extend(given);
        }
        if self.sparse
            && let Some(text) = all.iter().find(|feature| matches!(*feature.data, Column::Object(_)))
        {
            let message = "the column holds text beside a sparse matrix, which takes numbers only";
            return Err(Fault::of_column(text.origin, message));
        }
        Ok(if self.frames { all } else { stack_beside(all, empty) })
    }

    pub(crate) fn dtype_of_no_columns(&self, given: Dtype) -> Dtype {
        let parts =
            self.parts.iter().map(|part| weight::dtype(part.weight, part.transformer.dtype_of_no_columns(given)));
        parts.reduce(Dtype::promote).unwrap_or(Dtype::Float64)
    }

    pub(crate) fn gives_frames(&self) -> bool {
        self.frames
    }

    pub(crate) fn demand(&self, given: usize) -> Demand {
        let parts = self.parts.iter().map(|part| part.transformer.demand(given));
        let all = parts.fold(Demand::default(), |all, part| all + part);
        all.then(Demand::of_columns(all.width))
    }
}

/// The parts that are applied, each given all names.
pub(crate) fn parts<'t>(union: Attributes<'t>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Result<Vec<Child<'t>>> {
    let applied = named(union, "transformer_list", &bounds.work)?.into_iter();
    let applied = applied.filter(|(_, part)| !part.is_none() && part.as_str() != Some("drop"));
    let part = |(name, transformer)| {
        let given = given.map(|given| bounds.copy(given.iter())).transpose()?;
        Ok(Child { name, transformer, given })
    };
    applied.map(part).collect()
}

pub(crate) fn feature_names_out(union: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
    let mut named = Vec::new();
    for part in parts(union, given, bounds)? {
        if !crate::transformers::has_feature_names_out(part.transformer) {
            let class = part.transformer.class().map_or("str", |(_, class)| class);
            return Err(NoNames::no_method(part.name, class, "get_feature_names_out"));
        }
        named.push((part.name, crate::transformers::feature_names_out(part.transformer, given, bounds)?));
    }
    names::prefixed(union, named, bounds)
}
