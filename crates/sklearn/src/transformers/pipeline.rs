//! `sklearn.pipeline.Pipeline`: transformers one after the other.

use crate::artifact::attributes::Attributes;
use crate::artifact::builder::{Builder, Built, Input};
use crate::artifact::work::Work;
use crate::columns::demand::Demand;
use crate::columns::dtype::{Dtype, stack};
use crate::columns::fault::Fault;
use crate::columns::feature::Feature;
use crate::describe::Child;
use crate::feature_names::bounds::Bounds;
use crate::feature_names::names::{self, Name, Names, NoNames};
use crate::transformers::Transformer;
use crate::transformers::steps::Step;
use byoc_formats::error::Result;
use byoc_formats::pickle::Value;

/// Two steps or more; steps that change nothing are left out.
#[derive(Debug)]
pub(crate) struct Pipeline {
    steps: Box<[Transformer]>,
}

/// Reads `steps`: a list of name and transformer, where `None` and `'passthrough'` do nothing.
pub(crate) fn build<'t>(
    pipeline: Attributes<'t>,
    input: &Input<'t>,
    builder: &mut Builder<'t, '_>,
) -> Result<Built<'t>> {
    let steps = named(pipeline, "steps", &builder.work)?;
    chain(steps.into_iter().map(|(name, value)| Step::named(name, value)).collect(), input, builder)
}

/// One transformer of several, each given what the one before it gives.
pub(crate) fn chain<'t>(values: Vec<Step<'t>>, input: &Input<'t>, builder: &mut Builder<'t, '_>) -> Result<Built<'t>> {
    let count = values.len();
    let allowance = builder.allowance();
    let _held = allowance.hold(count.saturating_mul(size_of::<Step<'_>>() + size_of::<Transformer>()))?;
    let mut steps = Vec::with_capacity(count);
    let mut input = input.clone();
    for step in values {
        if step.value.is_none() {
            continue;
        }
        let built = Transformer::build(step.value, &input, builder).map_err(|error| step.error(error))?;
        input = built.output;
        if !matches!(built.transformer, Transformer::Passthrough) {
            steps.push(built.transformer);
        }
    }
    let transformer = match steps.len() {
        0 => Transformer::Passthrough,
        1 => steps.remove(0),
        count => {
            builder.keep_items::<Transformer>(count)?;
            Transformer::Pipeline(Pipeline { steps: steps.into() })
        }
    };
    Ok(Built { transformer, output: input })
}

/// The named parts of an estimator that is made of others: a list of tuples that begin with a name and the part.
pub(crate) fn named<'t>(parent: Attributes<'t>, attribute: &str, work: &Work<'_>) -> Result<Vec<(&'t str, Value<'t>)>> {
    let length = parent.get(attribute).and_then(Value::items).map_or(0, |items| items.len());
    work.charge_items::<(&str, Value<'_>)>(length)?;
    let part = |value: Value<'t>| {
        let [name, part] = value.array_of()?;
        Some((name.as_str()?, part))
    };
    let mut parts = Vec::with_capacity(length);
    for value in parent.items(attribute)? {
        work.charge(value.array_of().map_or(0, |[name, _]: [Value<'t>; 2]| name.text_bytes()))?;
        let mismatch = || parent.error(format_args!("expected {attribute} to be a list of names with transformers"));
        parts.push(part(value).ok_or_else(mismatch)?);
    }
    Ok(parts)
}

impl Pipeline {
    pub(crate) fn apply<'c, 'a>(
        &'a self,
        mut features: Vec<Feature<'c, 'a>>,
        rows: usize,
    ) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        for step in &self.steps {
            features = step.apply(features, rows)?;
            if !step.keeps_frames() {
                features = stack(features);
            }
        }
        Ok(features)
    }

    pub(crate) fn dtype_of_no_columns(&self, given: Dtype) -> Dtype {
        self.steps.iter().fold(given, |given, step| step.dtype_of_no_columns(given))
    }

    pub(crate) fn keeps_frames(&self) -> bool {
        self.steps.iter().all(Transformer::keeps_frames)
    }

    pub(crate) fn demand(&self, given: usize) -> Demand {
        self.steps.iter().fold(Demand { width: given, ..Demand::default() }, |demand, step| {
            let step = step.demand(demand.width);
            // Between two steps the columns become one array, of one type.
            demand.then(step).then(Demand::of_columns(step.width))
        })
    }
}

/// The steps, each with the names that the one before gives; none, where it has none.
pub(crate) fn parts<'t>(
    pipeline: Attributes<'t>,
    given: Option<&[Name]>,
    bounds: &Bounds<'_>,
) -> Result<Vec<Child<'t>>> {
    let mut given = given.map(|given| bounds.copy(given.iter())).transpose()?;
    let mut parts = Vec::new();
    for (name, transformer) in named(pipeline, "steps", &bounds.work)?.into_iter().filter(|(_, step)| !step.is_none()) {
        let names = if passes_on(transformer) {
            given.as_ref().map(|given| bounds.copy(given.iter())).transpose()?
        } else {
            crate::transformers::feature_names_out(transformer, given.as_deref(), bounds).ok()
        };
        parts.push(Child { name, transformer, given });
        given = names;
    }
    Ok(parts)
}

fn passes_on(step: Value<'_>) -> bool {
    step.is_none() || step.as_str() == Some("passthrough")
}

pub(crate) fn feature_names_out(pipeline: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
    let mut names = given.map(|given| bounds.copy(given.iter())).transpose()?;
    for (name, step) in named(pipeline, "steps", &bounds.work)?.into_iter().filter(|(_, step)| !passes_on(*step)) {
        if !crate::transformers::has_feature_names_out(step) {
            return Err(NoNames::raised(format!(
                "AttributeError: Estimator {name} does not provide get_feature_names_out. Did you mean to call \
                 pipeline[:-1].get_feature_names_out()?"
            )));
        }
        names = Some(crate::transformers::feature_names_out(step, names.as_deref(), bounds)?);
    }
    // Of steps that only pass on, scikit-learn answers None.
    names::choose(None, None, names.as_deref(), bounds)
}
