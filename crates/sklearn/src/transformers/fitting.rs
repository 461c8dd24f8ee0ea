//! The tree of transformers during a fit: the fitted ones, and those that are still to learn.

use super::class::{self, TRANSFORMERS_ALONE};
use super::learn::{FitInput, Learn};
use super::shared::parts_document::Weights;
use super::transformer::Transformer;
use super::{FittedTransformer, Specified};
use crate::artifact::builder::{Builder, Input, Shape};
use crate::artifact::version::version_of;
use crate::columns::column_names::ColumnNames;
use crate::columns::fault::Fault;
use crate::columns::feature::Feature;
use crate::columns::readings::Origins;
use crate::parameters::class::InputFeatures;
use byoc_account::Allowance;
use byoc_formats::error::{Cause, Error, Result};
use byoc_formats::pickle;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Called with the class of a transformer that keeps columns in memory for their quantiles, and their number.
pub(crate) type ReportKept<'r> = &'r mut dyn FnMut(&'static str, usize);

/// Creates the learner of a transformer once its input is known.
type MakeLearner = Box<dyn FnOnce(&FitInput) -> Box<dyn Learn>>;

/// A transformer of the tree.
pub(crate) enum Node {
    /// `"passthrough"`, whose input is not known yet.
    Passthrough,
    /// `"drop"`, whose input is not known yet.
    Drop,
    /// Its input is not known yet.
    Waiting(&'static str, MakeLearner),
    Learning(Learning),
    /// It has parts.
    Composite(Box<dyn Composite>),
    Fitted(Box<FittedNode>),
    /// Only while one state becomes another.
    Moving,
}

/// A transformer with parts, while these are being fitted.
pub(crate) trait Composite {
    /// Prepares the parts whose input is known.
    ///
    /// # Errors
    /// Where columns are named that do not exist.
    fn prepare(&mut self, input: &FitInput) -> Result<()>;

    /// The names of the classes that are learning.
    fn learning(&self) -> Vec<&'static str>;

    /// Shows rows to every part that is learning.
    ///
    /// # Errors
    /// Where scikit-learn's `fit` raises.
    fn see(&mut self, features: &[Feature<'_, '_>], rows: usize) -> Result<(), Fault>;

    /// Ends a pass over the rows: what was learning is fitted.
    ///
    /// # Errors
    /// Where scikit-learn's `fit` raises.
    fn settle(&mut self, report: ReportKept<'_>) -> Result<(), Fault>;

    /// The fitted transformer, once all parts are fitted; it is taken out.
    ///
    /// # Errors
    /// When it cannot be built.
    fn finish(&mut self) -> Result<Option<FittedNode>, Fault>;
}

/// A transformer that learns from the rows of a pass.
pub(crate) struct Learning {
    name: &'static str,
    learner: Box<dyn Learn>,
    input: FitInput,
    is_reported: bool,
}

/// A transformer that is fitted, ready to be applied.
pub(crate) struct FittedNode {
    pub(crate) fitted: FittedTransformer,
    pub(crate) transformer: Transformer,
    pub(crate) output: FitInput,
}

impl Node {
    /// The tree of a specification; `path` is its path in the document.
    ///
    /// # Errors
    /// For words and names that are not allowed in their position.
    pub(crate) fn root(specified: &Specified, path: &str) -> Result<Node> {
        if matches!(specified, Specified::Passthrough | Specified::Drop) {
            return Err(wrong(path, "expected a transformer, found a word"));
        }
        specified.node(path)
    }

    /// The transformer, once it is fitted.
    pub(crate) fn fitted(&self) -> Option<&FittedNode> {
        if let Node::Fitted(fitted) = self { Some(fitted) } else { None }
    }

    /// Starts to learn what can be learned now that the input is known, and settles what has nothing to learn.
    ///
    /// # Errors
    /// Where columns are named that do not exist.
    pub(crate) fn prepare(&mut self, input: &FitInput) -> Result<()> {
        match self {
            Node::Passthrough => {
                *self = Node::Fitted(Box::new(FittedNode {
                    fitted: FittedTransformer::Passthrough,
                    transformer: Transformer::Passthrough,
                    output: input.clone(),
                }));
            }
            Node::Drop => {
                *self = Node::Fitted(Box::new(FittedNode {
                    fitted: FittedTransformer::Drop,
                    transformer: Transformer::Passthrough,
                    output: FitInput::none(),
                }));
            }
            Node::Waiting(..) => {
                if let Node::Waiting(name, learner) = std::mem::replace(self, Node::Moving) {
                    let learner = learner(input);
                    *self = Node::Learning(Learning { name, learner, input: input.clone(), is_reported: false });
                }
            }
            Node::Composite(composite) => {
                composite.prepare(input)?;
                let internal = |fault: Fault| fault.into_error(|_| None).because(Cause::Internal);
                if let Some(fitted) = composite.finish().map_err(internal)? {
                    *self = Node::Fitted(Box::new(fitted));
                }
            }
            Node::Learning(_) | Node::Fitted(_) | Node::Moving => {}
        }
        Ok(())
    }

    /// The names of the classes that are learning.
    pub(crate) fn learning(&self) -> Vec<&'static str> {
        match self {
            Node::Learning(learning) => vec![learning.name],
            Node::Composite(composite) => composite.learning(),
            _ => Vec::new(),
        }
    }

    /// Shows rows to everything that is learning.
    ///
    /// # Errors
    /// Where scikit-learn's `fit` raises.
    pub(crate) fn see(&mut self, features: &[Feature<'_, '_>], rows: usize) -> Result<(), Fault> {
        match self {
            Node::Learning(learning) => learning.learner.see(borrowed(features), rows),
            Node::Composite(composite) => composite.see(features, rows),
            _ => Ok(()),
        }
    }

    /// Ends a pass over the rows: what was learning is fitted.
    ///
    /// # Errors
    /// Where scikit-learn's `fit` raises.
    pub(crate) fn settle(&mut self, report: ReportKept<'_>) -> Result<(), Fault> {
        match self {
            Node::Learning(learning) => {
                let kept = learning.learner.kept_columns();
                if kept > 0 && !learning.is_reported {
                    learning.is_reported = true;
                    report(learning.name, kept);
                }
                if let Node::Learning(Learning { learner, input, .. }) = std::mem::replace(self, Node::Moving) {
                    let fitted = learner.finish(input.features.clone())?;
                    *self = Node::Fitted(Box::new(FittedNode::new(fitted, &input)?));
                }
                Ok(())
            }
            Node::Composite(composite) => composite.settle(report),
            _ => Ok(()),
        }
    }

    /// The whole, once it is fitted.
    pub(crate) fn into_fitted(self) -> Option<FittedTransformer> {
        if let Node::Fitted(fitted) = self { Some(fitted.fitted) } else { None }
    }
}

/// The error of a setting at a place of the document.
pub(crate) fn wrong(path: &str, message: &str) -> Error {
    Error::new(Cause::BadSetting, format!("{path}: {message}"))
}

/// Names of parts: unique and without two underscores, with which scikit-learn joins names.
pub(crate) fn check_names<'n>(names: impl Iterator<Item = &'n str>, path: &str) -> Result<()> {
    let mut seen = BTreeSet::new();
    for (at, name) in names.enumerate() {
        let path = format!("{path}[{at}][0]");
        if !seen.insert(name) {
            return Err(wrong(&path, &format!("expected different names, found {name:?} twice")));
        }
        if name.contains("__") || name.is_empty() {
            return Err(wrong(&path, &format!("expected a name without two underscores in a row, found {name:?}")));
        }
    }
    Ok(())
}

/// Checks that weights belong to existing parts.
pub(crate) fn check_weights<'n>(weights: &Weights, mut names: impl Iterator<Item = &'n str>, path: &str) -> Result<()> {
    let Some(weights) = weights else { return Ok(()) };
    let names: BTreeSet<&str> = names.by_ref().collect();
    match weights.keys().find(|name| !names.contains(name.as_str())) {
        Some(name) => Err(wrong(path, &format!("transformer_weights names {name:?}, which is not one of the parts"))),
        None => Ok(()),
    }
}

/// The parts, which are all fitted.
pub(crate) fn fitted(parts: Vec<(String, Node)>) -> Vec<(String, FittedTransformer)> {
    parts.into_iter().filter_map(|(name, node)| Some((name, node.into_fitted()?))).collect()
}

/// The same features, borrowed.
pub(crate) fn borrowed<'s>(features: &'s [Feature<'_, '_>]) -> Vec<Feature<'s, 's>> {
    features.iter().map(|feature| Feature { data: Cow::Borrowed(&*feature.data), ..*feature }).collect()
}

impl FittedNode {
    /// A fitted transformer, ready to be applied: built like any other from the object that a pickle would have.
    ///
    /// # Errors
    /// When attributes do not fit each other.
    pub(crate) fn new(fitted: FittedTransformer, input: &FitInput) -> Result<FittedNode, Fault> {
        let internal = |error: Error| Fault::new(error.to_string());
        // Its size is bounded by the data that were read, not by the memory account of a container.
        let allowance = Allowance::unbounded();
        let tree =
            pickle::read(pickle::write(&fitted.to_python()), &*TRANSFORMERS_ALONE, &allowance).map_err(internal)?;
        let names = input.features.names.as_ref().map(|names| names.iter().map(String::as_str).collect());
        let given = Input {
            frame: input.features.names.is_some(),
            names: names.map(ColumnNames::new),
            shape: Shape::Fixed(input.features.count),
            sparse: input.is_sparse,
            origins: Origins::Changed,
        };
        let version = version_of(tree.root()).map_err(internal)?;
        let mut builder = Builder::new(version, tree.plain_bytes(), &allowance);
        let built = class::build(tree.root(), &given, &mut builder).map_err(internal)?;
        let names = input.features.names.clone().filter(|_| fitted.keeps_names());
        let features = InputFeatures { count: fitted.width(input.features.count), names };
        let is_sparse = fitted.gives_sparse(input.is_sparse);
        Ok(FittedNode { fitted, transformer: built.transformer, output: FitInput { features, is_sparse } })
    }
}
