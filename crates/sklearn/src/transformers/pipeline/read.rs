//! Reads a Pipeline from a pickled object.

use crate::artifact::attributes::Attributes;
use crate::artifact::builder::{Builder, Input};
use crate::feature_names::bounds::Bounds;
use crate::feature_names::name::{Name, Names, NoNames};
use crate::feature_names::names;
use crate::transformers::chain::chain;
use crate::transformers::class::{self, Part, PickledClass};
use crate::transformers::columns_used::ColumnsUsed;
use crate::transformers::shared::named_parts::{named_parts, unnamed_parts};
use crate::transformers::steps::Step;
use crate::transformers::transformer::Built;
use byoc_formats::error::Result;
use byoc_formats::pickle::Value;

/// The class as pickles have it.
pub(in crate::transformers) struct Class;

/// A list of name and transformer; `None` and `'passthrough'` do nothing.
const STEPS: &str = "steps";

impl PickledClass for Class {
    fn names(&self) -> &'static [&'static str] {
        &["Pipeline"]
    }

    fn modules(&self) -> &'static [&'static str] {
        &["sklearn.pipeline"]
    }

    /// Reads `steps`.
    fn build<'t>(
        &self,
        pipeline: Attributes<'t>,
        input: &Input<'t>,
        builder: &mut Builder<'t, '_>,
    ) -> Result<Built<'t>> {
        let steps = named_parts(pipeline, STEPS, &builder.work)?;
        chain(steps.into_iter().map(|(name, value)| Step::named(name, value)).collect(), input, builder)
    }

    fn feature_names_out(&self, pipeline: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
        let mut names = given.map(|given| bounds.copy(given.iter())).transpose()?;
        for (name, step) in
            named_parts(pipeline, "steps", &bounds.work)?.into_iter().filter(|(_, step)| !passes_on(*step))
        {
            if !class::has_feature_names_out(step) {
                return Err(NoNames::raised(format!(
                    "AttributeError: Estimator {name} does not provide get_feature_names_out. Did you mean to call \
                     pipeline[:-1].get_feature_names_out()?"
                )));
            }
            names = Some(class::feature_names_out(step, names.as_deref(), bounds)?);
        }
        // If all steps only pass their input on, scikit-learn returns None.
        names::choose(None, None, names.as_deref(), bounds)
    }

    fn names_in(&self, pipeline: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
        class::names_in_of_first_part(pipeline, STEPS, given, bounds)
    }

    /// The steps, each with the output names of the one before, if it has names.
    fn parts<'t>(
        &self,
        pipeline: Attributes<'t>,
        given: Option<&[Name]>,
        bounds: &Bounds<'_>,
    ) -> Result<Vec<Part<'t>>> {
        let mut given = given.map(|given| bounds.copy(given.iter())).transpose()?;
        let mut parts = Vec::new();
        for (name, transformer) in
            named_parts(pipeline, "steps", &bounds.work)?.into_iter().filter(|(_, step)| !step.is_none())
        {
            let names = if passes_on(transformer) {
                given.as_ref().map(|given| bounds.copy(given.iter())).transpose()?
            } else {
                class::feature_names_out(transformer, given.as_deref(), bounds).ok()
            };
            parts.push(Part { name, transformer, given });
            given = names;
        }
        Ok(parts)
    }

    /// Its parts have noted it.
    fn gives_sparse(&self, _object: Attributes<'_>, _input: &Input<'_>, output: &Input<'_>) -> Result<bool> {
        Ok(output.sparse)
    }

    /// Those of the first step that uses any.
    fn columns_used<'t>(&self, pipeline: Attributes<'t>, builder: &mut Builder<'t, '_>) -> Result<ColumnsUsed<'t>> {
        for step in unnamed_parts(pipeline, STEPS, builder)? {
            match class::columns_used(step, builder)? {
                ColumnsUsed::PassedOn => {}
                used => return Ok(used),
            }
        }
        Ok(ColumnsUsed::PassedOn)
    }

    fn steps(&self) -> Option<&'static str> {
        Some(STEPS)
    }
}

fn passes_on(step: Value<'_>) -> bool {
    step.is_none() || step.as_str() == Some("passthrough")
}
