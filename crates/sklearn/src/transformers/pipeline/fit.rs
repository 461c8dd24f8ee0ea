//! Fits a Pipeline: each step learns from the output of the steps before it, in a separate pass.

use super::write::{FittedPipeline, Pipeline};
use crate::columns::dtype::stack;
use crate::columns::fault::Fault;
use crate::columns::feature::Feature;
use crate::transformers::FittedTransformer;
use crate::transformers::Specified;
use crate::transformers::fitting::{Composite, FittedNode, Node, ReportKept, borrowed, check_names, fitted, wrong};
use crate::transformers::learn::FitInput;
use crate::transformers::specification::Plan;
use byoc_formats::error::Result;

impl Plan for Pipeline {
    fn node(&self, path: &str) -> Result<Node> {
        let pipeline = self;
        let path = format!("{path}.steps");
        if pipeline.steps.is_empty() {
            return Err(wrong(&path, "expected at least one step, found none"));
        }
        check_names(pipeline.steps.iter().map(|(name, _)| name.as_str()), &path)?;
        let step = |(at, (name, step)): (usize, &(String, Specified))| {
            let path = format!("{path}[{at}]");
            if *step == Specified::Drop {
                return Err(wrong(&path, "a step cannot be \"drop\": expected a transformer or \"passthrough\""));
            }
            Ok((name.clone(), step.node(&path)?))
        };
        let steps = pipeline.steps.iter().enumerate().map(step).collect::<Result<_>>()?;
        Ok(Node::Composite(Box::new(FittingPipeline { specified: pipeline.clone(), steps, input: None })))
    }
}

struct FittingPipeline {
    specified: Pipeline,
    steps: Vec<(String, Node)>,
    input: Option<FitInput>,
}

impl Composite for FittingPipeline {
    fn prepare(&mut self, input: &FitInput) -> Result<()> {
        self.input.get_or_insert_with(|| input.clone());
        let mut input = input.clone();
        for (_, step) in &mut self.steps {
            step.prepare(&input)?;
            let Some(fitted) = step.fitted() else { return Ok(()) };
            input = fitted.output.clone();
        }
        Ok(())
    }

    fn learning(&self) -> Vec<&'static str> {
        self.steps.iter().flat_map(|(_, step)| step.learning()).collect()
    }

    fn see(&mut self, features: &[Feature<'_, '_>], rows: usize) -> Result<(), Fault> {
        let fitted = self.steps.iter().take_while(|(_, step)| step.fitted().is_some()).count();
        let (fitted, rest) = self.steps.split_at_mut(fitted);
        let Some((_, next)) = rest.first_mut() else { return Ok(()) };
        let mut features = borrowed(features);
        for transformer in fitted.iter().filter_map(|(_, step)| step.fitted()).map(|fitted| &fitted.transformer) {
            features = transformer.apply(features, rows)?;
            if !transformer.keeps_frames() {
                features = stack(features);
            }
        }
        next.see(&features, rows)
    }

    fn settle(&mut self, report: ReportKept<'_>) -> Result<(), Fault> {
        self.steps.iter_mut().try_for_each(|(_, step)| step.settle(report))
    }

    fn finish(&mut self) -> Result<Option<FittedNode>, Fault> {
        if self.steps.iter().any(|(_, step)| step.fitted().is_none()) {
            return Ok(None);
        }
        let steps = std::mem::take(&mut self.steps);
        let output = steps.last().and_then(|(_, step)| step.fitted()).map(|fitted| fitted.output.clone());
        let whole = FittedTransformer::from(FittedPipeline {
            steps: fitted(steps),
            transform_input: self.specified.transform_input,
            memory: self.specified.memory,
            verbose: self.specified.verbose,
        });
        let input = self.input.take().unwrap_or_else(FitInput::none);
        let mut node = FittedNode::new(whole, &input)?;
        node.output = output.unwrap_or(node.output);
        Ok(Some(node))
    }
}
