//! Transformers one after the other.

use super::steps::Step;
use super::transformer::{Apply, Built, Transformer};
use crate::artifact::builder::{Builder, Input};
use crate::columns::demand::Demand;
use crate::columns::dtype::{Dtype, stack};
use crate::columns::fault::Fault;
use crate::columns::feature::Feature;
use crate::transformers::class;
use byoc_formats::error::Result;

/// Two or more transformers, each applied to the output of the one before; those that return their input are left out.
#[derive(Debug)]
pub(crate) struct Chain {
    steps: Box<[Transformer]>,
}

/// Combines transformers, each applied to the output of the one before, into one.
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
        let built = class::build(step.value, &input, builder).map_err(|error| step.error(error))?;
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
            builder.keep(size_of::<Chain>())?;
            Transformer::Of(Box::new(Chain { steps: steps.into() }))
        }
    };
    Ok(Built { transformer, output: input })
}

impl Apply for Chain {
    fn apply<'c, 'a>(&'a self, mut features: Vec<Feature<'c, 'a>>, rows: usize) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        for step in &self.steps {
            features = step.apply(features, rows)?;
            if !step.keeps_frames() {
                features = stack(features);
            }
        }
        Ok(features)
    }

    fn dtype_of_no_columns(&self, given: Dtype) -> Dtype {
        self.steps.iter().fold(given, |given, step| step.dtype_of_no_columns(given))
    }

    fn keeps_frames(&self) -> bool {
        self.steps.iter().all(Transformer::keeps_frames)
    }

    fn demand(&self, given: usize) -> Demand {
        self.steps.iter().fold(Demand { width: given, ..Demand::default() }, |demand, step| {
            let step = step.demand(demand.width);
            // Between two steps the columns become one array, of one type.
            demand.then(step).then(Demand::of_columns(step.width))
        })
    }
}
