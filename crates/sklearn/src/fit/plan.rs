//! The tree of a preprocessor that is being fitted: what is done, and what is still to be learned.

use crate::artifact::builder::list_names;
use crate::columns::dtype::stack;
use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, Floats, Refuses};
use crate::document::{
    Columns, Features, FittedColumnTransformer, FittedFeatureUnion, FittedPipeline, FittedTransformer, NamePlaces,
    REMAINDER, Specified, Weights, outputs, resolve, to_python,
};
use crate::fit::Event;
use crate::fit::encoders::{OneHot, Ordinal};
use crate::fit::imputer::Imputer;
use crate::fit::k_bins::KBins;
use crate::fit::learn::{ByFeature, Learn};
use crate::fit::power::Power;
use crate::fit::scalers::{MaxAbs, MinMax, Quantiles, Robust, Standard, Variances};
use crate::fit::stateless::Stateless;
use crate::transformers::one::OneTransformer;
use byoc_account::Allowance;
use byoc_formats::error::{Cause, Error, Result};
use byoc_formats::pickle;
use byoc_formats::suggest;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// What a transformer is given.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) features: Features,
    /// Whether scikit-learn would hold it as a sparse matrix.
    pub(crate) is_sparse: bool,
}

/// A transformer on its way.
pub(crate) enum Node {
    /// Its input is not known yet.
    Waiting(Specified),
    Learning(Learning),
    Pipeline(PipelineNode),
    Union(UnionNode),
    Columns(Box<ColumnsNode>),
    Done(Box<Done>),
    /// Only while one state becomes another.
    Moving,
}

pub(crate) struct Learning {
    name: &'static str,
    learner: Box<dyn Learn>,
    input: Input,
    is_told: bool,
}

pub(crate) struct PipelineNode {
    specified: crate::document::Pipeline,
    steps: Vec<(String, Node)>,
    input: Option<Input>,
}

pub(crate) struct UnionNode {
    specified: crate::document::FeatureUnion,
    parts: Vec<(String, Node)>,
    input: Option<Input>,
}

pub(crate) struct ColumnsNode {
    specified: crate::document::ColumnTransformer,
    branches: Vec<Branch>,
    input: Option<Input>,
    density: Density,
}

struct Branch {
    name: String,
    /// Where its columns stand in the document.
    path: String,
    node: Node,
    columns: Columns,
    positions: Vec<usize>,
}

/// Whether the answer is sparse, which for scikit-learn depends on how many of its cells are not zero.
enum Density {
    /// Not known to matter.
    Unknown,
    Counting {
        cells: u64,
        filled: u64,
    },
    Known {
        is_sparse: bool,
    },
}

/// A transformer that is fitted.
pub(crate) struct Done {
    fitted: FittedTransformer,
    transformer: OneTransformer,
    output: Input,
}

impl Node {
    /// A tree of which nothing is learned; `path` is where in the document it stands.
    ///
    /// # Errors
    /// For words and names that cannot stand where they do.
    pub(crate) fn new(specified: &Specified, path: &str) -> Result<Node> {
        if matches!(specified, Specified::Passthrough | Specified::Drop) {
            return Err(wrong(path, "expected a transformer, found a word"));
        }
        Node::part(specified, path)
    }

    fn part(specified: &Specified, path: &str) -> Result<Node> {
        let path = format!("{path}.{}", specified.name());
        Ok(match specified {
            Specified::Pipeline(pipeline) => {
                let path = format!("{path}.steps");
                if pipeline.steps.is_empty() {
                    return Err(wrong(&path, "expected at least one step, found none"));
                }
                check_names(pipeline.steps.iter().map(|(name, _)| name.as_str()), &path)?;
                let step = |(at, (name, step)): (usize, &(String, Specified))| {
                    let path = format!("{path}[{at}]");
                    if *step == Specified::Drop {
                        return Err(wrong(
                            &path,
                            "a step cannot be \"drop\": expected a transformer or \"passthrough\"",
                        ));
                    }
                    Ok((name.clone(), Node::part(step, &path)?))
                };
                let steps = pipeline.steps.iter().enumerate().map(step).collect::<Result<_>>()?;
                Node::Pipeline(PipelineNode { specified: pipeline.clone(), steps, input: None })
            }
            Specified::FeatureUnion(union) => {
                let path = format!("{path}.transformer_list");
                check_names(union.transformer_list.iter().map(|(name, _)| name.as_str()), &path)?;
                let part = |(at, (name, part)): (usize, &(String, Specified))| {
                    Ok((name.clone(), Node::part(part, &format!("{path}[{at}]"))?))
                };
                let parts: Vec<_> = union.transformer_list.iter().enumerate().map(part).collect::<Result<_>>()?;
                if parts.iter().all(|(_, part)| matches!(part, Node::Waiting(Specified::Drop))) {
                    return Err(wrong(&path, "expected at least one part that is not dropped"));
                }
                check_weights(&union.transformer_weights, parts.iter().map(|(name, _)| name.as_str()), &path)?;
                Node::Union(UnionNode { specified: union.clone(), parts, input: None })
            }
            Specified::ColumnTransformer(columns) => {
                let path = format!("{path}.transformers");
                check_names(columns.transformers.iter().map(|(name, _, _)| name.as_str()), &path)?;
                let branch = |(at, (name, part, columns)): (usize, &(String, Specified, Columns))| {
                    let path = format!("{path}[{at}]");
                    let is_empty = match columns {
                        Columns::Names(names) => names.is_empty(),
                        Columns::Positions(positions) => positions.is_empty(),
                    };
                    if is_empty {
                        return Err(wrong(&path, "expected at least one column, found none"));
                    }
                    if name == REMAINDER {
                        return Err(wrong(&path, "the name remainder is scikit-learn's own: expected another"));
                    }
                    let node = Node::part(part, &path)?;
                    let path = format!("{path}[2]");
                    Ok(Branch { name: name.clone(), path, node, columns: columns.clone(), positions: Vec::new() })
                };
                let branches: Vec<Branch> =
                    columns.transformers.iter().enumerate().map(branch).collect::<Result<_>>()?;
                let names = branches.iter().map(|branch| branch.name.as_str()).chain([REMAINDER]);
                check_weights(&columns.transformer_weights, names, &path)?;
                let node =
                    ColumnsNode { specified: (**columns).clone(), branches, input: None, density: Density::Unknown };
                Node::Columns(Box::new(node))
            }
            other => Node::Waiting(other.clone()),
        })
    }

    fn done(&self) -> Option<&Done> {
        if let Node::Done(done) = self { Some(done) } else { None }
    }

    /// Starts to learn what can be learned now that the input is known, and settles what has nothing to learn.
    ///
    /// # Errors
    /// Where columns are named that are not there.
    pub(crate) fn prepare(&mut self, input: &Input) -> Result<()> {
        match self {
            Node::Waiting(specified) => {
                *self = match std::mem::replace(specified, Specified::Drop) {
                    Specified::Passthrough => Node::Done(Box::new(Done {
                        fitted: FittedTransformer::Passthrough,
                        transformer: OneTransformer::passthrough(),
                        output: input.clone(),
                    })),
                    Specified::Drop => Node::Done(Box::new(Done {
                        fitted: FittedTransformer::Drop,
                        transformer: OneTransformer::passthrough(),
                        output: Input { features: Features::default(), is_sparse: false },
                    })),
                    specified => Node::Learning(Learning {
                        name: specified.name(),
                        learner: learner(specified, input)?,
                        input: input.clone(),
                        is_told: false,
                    }),
                };
                Ok(())
            }
            Node::Pipeline(pipeline) => {
                pipeline.input.get_or_insert_with(|| input.clone());
                let mut input = input.clone();
                for (_, step) in &mut pipeline.steps {
                    step.prepare(&input)?;
                    let Some(done) = step.done() else { return Ok(()) };
                    input = done.output.clone();
                }
                self.close()
            }
            Node::Union(union) => {
                union.input.get_or_insert_with(|| input.clone());
                for (_, part) in &mut union.parts {
                    part.prepare(input)?;
                }
                self.close()
            }
            Node::Columns(columns) => {
                columns.prepare(input)?;
                self.close()
            }
            Node::Learning(_) | Node::Done(_) | Node::Moving => Ok(()),
        }
    }

    /// The names of the classes that are learning.
    pub(crate) fn learning(&self) -> Vec<&'static str> {
        match self {
            Node::Learning(learning) => vec![learning.name],
            Node::Pipeline(pipeline) => pipeline.steps.iter().flat_map(|(_, step)| step.learning()).collect(),
            Node::Union(union) => union.parts.iter().flat_map(|(_, part)| part.learning()).collect(),
            Node::Columns(columns) => {
                let mut names: Vec<_> = columns.branches.iter().flat_map(|branch| branch.node.learning()).collect();
                if matches!(columns.density, Density::Counting { .. }) {
                    names.push("ColumnTransformer");
                }
                names
            }
            Node::Waiting(_) | Node::Done(_) | Node::Moving => Vec::new(),
        }
    }

    /// Shows rows to everything that is learning.
    pub(crate) fn see(&mut self, features: &[Feature<'_, '_>], rows: usize) -> Result<(), Fault> {
        match self {
            Node::Learning(learning) => learning.learner.see(borrowed(features), rows),
            Node::Pipeline(pipeline) => {
                let done = pipeline.steps.iter().take_while(|(_, step)| step.done().is_some()).count();
                let (done, rest) = pipeline.steps.split_at_mut(done);
                let Some((_, next)) = rest.first_mut() else { return Ok(()) };
                let mut features = borrowed(features);
                for transformer in done.iter().filter_map(|(_, step)| step.done()).map(|done| &done.transformer) {
                    features = transformer.apply(features, rows)?;
                    if !transformer.keeps_frames() {
                        features = stack(features);
                    }
                }
                next.see(&features, rows)
            }
            Node::Union(union) => union.parts.iter_mut().try_for_each(|(_, part)| part.see(features, rows)),
            Node::Columns(columns) => columns.see(features, rows),
            Node::Waiting(_) | Node::Done(_) | Node::Moving => Ok(()),
        }
    }

    /// Ends a walk: what was learning is fitted.
    ///
    /// # Errors
    /// Where scikit-learn's `fit` raises.
    pub(crate) fn settle(&mut self, tell: &mut dyn FnMut(Event)) -> Result<(), Fault> {
        match self {
            Node::Learning(learning) => {
                let kept = learning.learner.kept_columns();
                if kept > 0 && !learning.is_told {
                    learning.is_told = true;
                    tell(Event::Kept(learning.name, kept));
                }
                if let Node::Learning(Learning { learner, input, .. }) = std::mem::replace(self, Node::Moving) {
                    let fitted = learner.finish(input.features.clone())?;
                    *self = Node::Done(Box::new(Done::new(fitted, &input)?));
                }
                Ok(())
            }
            Node::Pipeline(pipeline) => pipeline.steps.iter_mut().try_for_each(|(_, step)| step.settle(tell)),
            Node::Union(union) => union.parts.iter_mut().try_for_each(|(_, part)| part.settle(tell)),
            Node::Columns(columns) => {
                if let Density::Counting { cells, filled } = columns.density {
                    let is_sparse = (filled as f64) / (cells as f64) < columns.specified.sparse_threshold;
                    columns.density = Density::Known { is_sparse };
                }
                columns.branches.iter_mut().try_for_each(|branch| branch.node.settle(tell))
            }
            Node::Waiting(_) | Node::Done(_) | Node::Moving => Ok(()),
        }
    }

    /// Makes one fitted transformer of parts that all are.
    fn close(&mut self) -> Result<()> {
        let is_complete = match self {
            Node::Pipeline(pipeline) => pipeline.steps.iter().all(|(_, step)| step.done().is_some()),
            Node::Union(union) => union.parts.iter().all(|(_, part)| part.done().is_some()),
            Node::Columns(columns) => columns.decides(),
            _ => false,
        };
        if !is_complete {
            return Ok(());
        }
        let internal = |fault: Fault| fault.into_error(|_| None).because(Cause::Internal);
        let done = match std::mem::replace(self, Node::Moving) {
            Node::Pipeline(PipelineNode { specified, steps, input }) => {
                let output = steps.last().and_then(|(_, step)| step.done()).map(|done| done.output.clone());
                let fitted = FittedTransformer::Pipeline(FittedPipeline {
                    steps: fitted(steps),
                    transform_input: specified.transform_input,
                    memory: specified.memory,
                    verbose: specified.verbose,
                });
                let input = input.unwrap_or_else(|| Input { features: Features::default(), is_sparse: false });
                let mut done = Done::new(fitted, &input).map_err(internal)?;
                done.output = output.unwrap_or(done.output);
                done
            }
            Node::Union(UnionNode { specified, parts, input }) => {
                let outputs_of = || parts.iter().filter_map(|(_, part)| part.done()).map(|done| &done.output);
                let is_sparse = outputs_of().any(|output| output.is_sparse);
                let input = input.unwrap_or_else(|| Input { features: Features::default(), is_sparse: false });
                let fitted = FittedTransformer::FeatureUnion(FittedFeatureUnion {
                    feature_names_in_: input.features.names.clone(),
                    n_features_in_: input.features.count,
                    transformer_list: fitted(parts),
                    n_jobs: specified.n_jobs,
                    transformer_weights: specified.transformer_weights,
                    verbose: specified.verbose,
                    verbose_feature_names_out: specified.verbose_feature_names_out,
                });
                let mut done = Done::new(fitted, &input).map_err(internal)?;
                done.output.is_sparse = is_sparse;
                done
            }
            Node::Columns(columns) => columns.close().map_err(internal)?,
            other => {
                *self = other;
                return Ok(());
            }
        };
        *self = Node::Done(Box::new(done));
        Ok(())
    }

    /// The whole, once it is fitted.
    pub(crate) fn into_fitted(self) -> Option<FittedTransformer> {
        if let Node::Done(done) = self { Some(done.fitted) } else { None }
    }
}

fn wrong(path: &str, message: &str) -> Error {
    Error::new(Cause::BadSetting, format!("{path}: {message}"))
}

/// Names of parts: different ones, without two underscores, which scikit-learn puts between names of its own.
fn check_names<'n>(names: impl Iterator<Item = &'n str>, path: &str) -> Result<()> {
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

fn check_weights<'n>(weights: &Weights, mut names: impl Iterator<Item = &'n str>, path: &str) -> Result<()> {
    let Some(weights) = weights else { return Ok(()) };
    let names: BTreeSet<&str> = names.by_ref().collect();
    match weights.keys().find(|name| !names.contains(name.as_str())) {
        Some(name) => Err(wrong(path, &format!("transformer_weights names {name:?}, which is none of the parts"))),
        None => Ok(()),
    }
}

/// A position that stands twice.
fn twice(positions: &[usize]) -> Option<usize> {
    let mut seen = BTreeSet::new();
    positions.iter().copied().find(|position| !seen.insert(*position))
}

fn fitted(parts: Vec<(String, Node)>) -> Vec<(String, FittedTransformer)> {
    parts.into_iter().filter_map(|(name, node)| Some((name, node.into_fitted()?))).collect()
}

/// The same features, borrowed for as long as these are.
fn borrowed<'s>(features: &'s [Feature<'_, '_>]) -> Vec<Feature<'s, 's>> {
    features.iter().map(|feature| Feature { data: Cow::Borrowed(&*feature.data), ..*feature }).collect()
}

impl ColumnsNode {
    fn prepare(&mut self, input: &Input) -> Result<()> {
        if self.input.is_none() {
            self.resolve(input)?;
            self.input = Some(input.clone());
        }
        for branch in &mut self.branches {
            let names = input.features.names.as_ref();
            let own = |names: &Vec<String>| branch.positions.iter().filter_map(|at| names.get(*at).cloned()).collect();
            let features = Features { count: branch.positions.len(), names: names.map(own) };
            branch.node.prepare(&Input { features, is_sparse: input.is_sparse })?;
        }
        if matches!(self.density, Density::Unknown) && self.branches.iter().all(|branch| branch.node.done().is_some()) {
            let mut outputs = self.branches.iter().filter_map(|branch| branch.node.done()).map(|done| &done.output);
            self.density = match outputs.any(|output| output.is_sparse) {
                true => Density::Counting { cells: 0, filled: 0 },
                false => Density::Known { is_sparse: false },
            };
        }
        Ok(())
    }

    /// Finds the columns, and the remaining ones.
    fn resolve(&mut self, input: &Input) -> Result<()> {
        let (names, width) = (input.features.names.as_deref(), input.features.count);
        let places = names.map(NamePlaces::of);
        let mut used = vec![false; width];
        for branch in &mut self.branches {
            branch.positions = resolve(&branch.columns, places.as_ref(), width).map_err(|missing| {
                let known = names.map_or_else(
                    || format!("expected positions below {width}"),
                    |names| {
                        let listed = list_names(&names.iter().map(String::as_str).collect::<Vec<_>>());
                        format!(
                            "{}expected {listed}",
                            suggest::did_you_mean(&missing, names.iter().map(String::as_str))
                        )
                    },
                );
                Error::new(
                    Cause::BadSetting,
                    format!("the columns of the transformer {:?}: {known}, found {missing}", branch.name),
                )
            })?;
            // A frame of two columns of one name is none that scikit-learn fits on; an array has no names.
            if let Some(names) = names
                && let Some(at) = twice(&branch.positions)
                && !matches!(branch.node, Node::Waiting(Specified::Drop))
            {
                let name = names.get(at).map(String::as_str).unwrap_or_default();
                return Err(wrong(&branch.path, &format!("expected different columns, found {name:?} twice")));
            }
            for at in &branch.positions {
                if let Some(used) = used.get_mut(*at) {
                    *used = true;
                }
            }
        }
        let rest: Vec<usize> = (0..width).filter(|at| used.get(*at) == Some(&false)).collect();
        if rest.is_empty() {
            return Ok(());
        }
        // By name where all others are, as scikit-learn writes them since 1.7.
        let by_name = self.branches.iter().all(|branch| matches!(branch.columns, Columns::Names(_)));
        let columns = match names {
            Some(names) if by_name => Columns::Names(rest.iter().filter_map(|at| names.get(*at).cloned()).collect()),
            _ => Columns::Positions(rest.iter().map(|at| *at as i64).collect()),
        };
        let node = Node::part(&self.specified.remainder, "remainder")?;
        let (name, path) = (REMAINDER.to_owned(), REMAINDER.to_owned());
        self.branches.push(Branch { name, path, node, columns, positions: rest });
        Ok(())
    }

    fn see(&mut self, features: &[Feature<'_, '_>], rows: usize) -> Result<(), Fault> {
        for branch in &mut self.branches {
            let given = || branch.positions.iter().filter_map(|at| features.get(*at).cloned()).collect::<Vec<_>>();
            match &mut branch.node {
                Node::Done(done) => {
                    let Density::Counting { cells, filled } = &mut self.density else { continue };
                    if done.fitted == FittedTransformer::Drop {
                        continue;
                    }
                    let given = given();
                    let made = done.transformer.apply(borrowed(&given), rows)?;
                    let own_cells = (made.len() * rows) as u64;
                    *cells += own_cells;
                    *filled += if done.output.is_sparse { not_zero(made)? } else { own_cells };
                }
                node => node.see(&given(), rows)?,
            }
        }
        Ok(())
    }

    /// Whether everything is known.
    fn decides(&self) -> bool {
        matches!(self.density, Density::Known { .. }) && self.branches.iter().all(|branch| branch.node.done().is_some())
    }

    fn close(self) -> Result<Done, Fault> {
        let is_sparse = matches!(self.density, Density::Known { is_sparse: true });
        let input = self.input.unwrap_or_else(|| Input { features: Features::default(), is_sparse: false });
        let part = |branch: Branch| Some((branch.name, branch.node.into_fitted()?, branch.columns));
        let fitted = FittedTransformer::ColumnTransformer(Box::new(FittedColumnTransformer {
            remainder: self.specified.remainder,
            sparse_threshold: self.specified.sparse_threshold,
            n_jobs: self.specified.n_jobs,
            transformer_weights: self.specified.transformer_weights,
            verbose: self.specified.verbose,
            verbose_feature_names_out: self.specified.verbose_feature_names_out,
            feature_names_in_: input.features.names.clone(),
            n_features_in_: input.features.count,
            transformers_: self.branches.into_iter().filter_map(part).collect(),
            sparse_output_: is_sparse,
        }));
        let mut done = Done::new(fitted, &input)?;
        done.output.is_sparse = is_sparse;
        done.output.features.names = None;
        Ok(done)
    }
}

/// How many values are not zero.
fn not_zero(features: Vec<Feature<'_, '_>>) -> Result<u64, Fault> {
    let floats = Floats::from_features(features, Refuses::Nothing)?;
    let count = |values: &[f64]| values.iter().filter(|value| **value != 0.0).count() as u64;
    Ok(floats.columns.iter().map(|column| count(&column.values)).sum())
}

impl Done {
    /// A fitted transformer, ready to be applied: built of the object that it would be in a pickle, as any other.
    fn new(fitted: FittedTransformer, input: &Input) -> Result<Done, Fault> {
        let internal = |error: Error| Fault::new(error.to_string());
        // What is fitted is bounded by what was read of the data, not by the account of a container.
        let allowance = Allowance::unbounded();
        let tree = pickle::read(pickle::write(&to_python(&fitted)), &allowance).map_err(internal)?;
        let names = input.features.names.as_ref().map(|names| names.iter().map(String::as_str).collect());
        let transformer = OneTransformer::build(&tree, names, input.features.count, input.is_sparse, &allowance);
        let transformer = transformer.map_err(internal)?;
        let keeps_names = match &fitted {
            FittedTransformer::FunctionTransformer(function) => !function.parameters.validate,
            _ => false,
        };
        let names = input.features.names.clone().filter(|_| keeps_names);
        let features = Features { count: outputs(&fitted, input.features.count), names };
        let is_sparse = gives_sparse(&fitted, input.is_sparse);
        Ok(Done { fitted, transformer, output: Input { features, is_sparse } })
    }
}

/// Whether scikit-learn's answer is a sparse matrix.
fn gives_sparse(fitted: &FittedTransformer, is_given: bool) -> bool {
    match fitted {
        FittedTransformer::OneHotEncoder(encoder) => encoder.parameters.sparse_output,
        FittedTransformer::KBinsDiscretizer(discretizer) => {
            discretizer.parameters.encode == crate::document::BinEncoding::OneHot
        }
        FittedTransformer::ColumnTransformer(columns) => columns.sparse_output_,
        _ => is_given,
    }
}

/// What learns for a class.
fn learner(specified: Specified, input: &Input) -> Result<Box<dyn Learn>> {
    let is_sparse = input.is_sparse;
    Ok(match specified {
        Specified::Binarizer(parameters) => Box::new(Stateless::Binarizer(parameters)),
        Specified::FunctionTransformer(parameters) => Box::new(Stateless::FunctionTransformer(parameters)),
        Specified::Normalizer(parameters) => Box::new(Stateless::Normalizer(parameters)),
        Specified::PolynomialFeatures(parameters) => Box::new(Stateless::PolynomialFeatures(parameters)),
        Specified::KBinsDiscretizer(parameters) => Box::new(KBins::new(parameters, input)),
        Specified::MaxAbsScaler(parameters) => Box::new(ByFeature::new(MaxAbs(parameters), input)),
        Specified::MinMaxScaler(parameters) => Box::new(ByFeature::new(MinMax { parameters, is_sparse }, input)),
        Specified::OneHotEncoder(parameters) => Box::new(OneHot::new(parameters, input)),
        Specified::OrdinalEncoder(parameters) => Box::new(Ordinal::new(parameters, input)),
        Specified::PowerTransformer(parameters) => Box::new(ByFeature::new(Power { parameters, is_sparse }, input)),
        Specified::QuantileTransformer(parameters) => {
            Box::new(ByFeature::new(Quantiles { parameters, is_sparse }, input))
        }
        Specified::RobustScaler(parameters) => Box::new(ByFeature::new(Robust { parameters, is_sparse }, input)),
        Specified::SimpleImputer(parameters) => Box::new(Imputer::new(parameters, input)),
        Specified::StandardScaler(parameters) => Box::new(ByFeature::new(Standard { parameters, is_sparse }, input)),
        Specified::VarianceThreshold(parameters) => Box::new(ByFeature::new(Variances(parameters), input)),
        Specified::Passthrough
        | Specified::Drop
        | Specified::ColumnTransformer(_)
        | Specified::FeatureUnion(_)
        | Specified::Pipeline(_) => return Err(Error::new(Cause::Internal, "nothing to learn")),
    })
}
