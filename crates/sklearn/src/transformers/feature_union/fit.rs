//! Fits a FeatureUnion: all parts learn from the same input.

use super::write::{FeatureUnion, FittedFeatureUnion};
use crate::columns::fault::Fault;
use crate::columns::feature::Feature;
use crate::transformers::FittedTransformer;
use crate::transformers::Specified;
use crate::transformers::fitting::{
    Composite, FittedNode, Node, ReportKept, check_names, check_weights, fitted, wrong,
};
use crate::transformers::learn::FitInput;
use crate::transformers::specification::Plan;
use byoc_formats::error::Result;

impl Plan for FeatureUnion {
    fn node(&self, path: &str) -> Result<Node> {
        let union = self;
        let path = format!("{path}.transformer_list");
        check_names(union.transformer_list.iter().map(|(name, _)| name.as_str()), &path)?;
        let part = |(at, (name, part)): (usize, &(String, Specified))| {
            Ok((name.clone(), part.node(&format!("{path}[{at}]"))?))
        };
        let parts: Vec<_> = union.transformer_list.iter().enumerate().map(part).collect::<Result<_>>()?;
        if parts.iter().all(|(_, part)| matches!(part, Node::Drop)) {
            return Err(wrong(&path, "expected at least one part that is not dropped"));
        }
        check_weights(&union.transformer_weights, parts.iter().map(|(name, _)| name.as_str()), &path)?;
        Ok(Node::Composite(Box::new(FittingUnion { specified: union.clone(), parts, input: None })))
    }
}

struct FittingUnion {
    specified: FeatureUnion,
    parts: Vec<(String, Node)>,
    input: Option<FitInput>,
}

impl Composite for FittingUnion {
    fn prepare(&mut self, input: &FitInput) -> Result<()> {
        self.input.get_or_insert_with(|| input.clone());
        self.parts.iter_mut().try_for_each(|(_, part)| part.prepare(input))
    }

    fn learning(&self) -> Vec<&'static str> {
        self.parts.iter().flat_map(|(_, part)| part.learning()).collect()
    }

    fn see(&mut self, features: &[Feature<'_, '_>], rows: usize) -> Result<(), Fault> {
        self.parts.iter_mut().try_for_each(|(_, part)| part.see(features, rows))
    }

    fn settle(&mut self, report: ReportKept<'_>) -> Result<(), Fault> {
        self.parts.iter_mut().try_for_each(|(_, part)| part.settle(report))
    }

    fn finish(&mut self) -> Result<Option<FittedNode>, Fault> {
        if self.parts.iter().any(|(_, part)| part.fitted().is_none()) {
            return Ok(None);
        }
        let parts = std::mem::take(&mut self.parts);
        let mut outputs = parts.iter().filter_map(|(_, part)| part.fitted()).map(|fitted| &fitted.output);
        let is_sparse = outputs.any(|output| output.is_sparse);
        let input = self.input.take().unwrap_or_else(FitInput::none);
        let whole = FittedTransformer::from(FittedFeatureUnion {
            feature_names_in_: input.features.names.clone(),
            n_features_in_: input.features.count,
            transformer_list: fitted(parts),
            n_jobs: self.specified.n_jobs,
            transformer_weights: self.specified.transformer_weights.take(),
            verbose: self.specified.verbose,
            verbose_feature_names_out: self.specified.verbose_feature_names_out,
        });
        let mut node = FittedNode::new(whole, &input)?;
        node.output.is_sparse = is_sparse;
        Ok(Some(node))
    }
}
