//! Fits a ColumnTransformer: each branch learns from its columns. If a branch gives a sparse matrix, one more pass
//! counts the nonzero cells, which decide whether the output is sparse.

use super::write::{ColumnTransformer, Columns, FittedColumnTransformer, NamePlaces, REMAINDER, resolve};
use crate::artifact::builder::list_names;
use crate::columns::fault::Fault;
use crate::columns::feature::Feature;
use crate::columns::feature::{Floats, Refuses};
use crate::parameters::class::InputFeatures;
use crate::transformers::FittedTransformer;
use crate::transformers::Specified;
use crate::transformers::fitting::{
    Composite, FittedNode, Node, ReportKept, borrowed, check_names, check_weights, wrong,
};
use crate::transformers::learn::FitInput;
use crate::transformers::specification::Plan;
use byoc_formats::error::Result;
use byoc_formats::error::{Cause, Error};
use byoc_formats::suggest;
use std::collections::BTreeSet;

impl Plan for ColumnTransformer {
    fn node(&self, path: &str) -> Result<Node> {
        let columns = self;
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
            let node = part.node(&path)?;
            let path = format!("{path}[2]");
            Ok(Branch { name: name.clone(), path, node, columns: columns.clone(), positions: Vec::new() })
        };
        let branches: Vec<Branch> = columns.transformers.iter().enumerate().map(branch).collect::<Result<_>>()?;
        let names = branches.iter().map(|branch| branch.name.as_str()).chain([REMAINDER]);
        check_weights(&columns.transformer_weights, names, &path)?;
        let specified = columns.clone();
        let fitting = FittingColumns { specified, branches, input: None, density: Density::Unknown };
        Ok(Node::Composite(Box::new(fitting)))
    }
}

struct FittingColumns {
    specified: ColumnTransformer,
    branches: Vec<Branch>,
    input: Option<FitInput>,
    density: Density,
}

struct Branch {
    name: String,
    /// The path of its columns in the document.
    path: String,
    node: Node,
    columns: Columns,
    positions: Vec<usize>,
}

/// Whether the output is sparse, which in scikit-learn depends on the number of its nonzero cells.
enum Density {
    /// Not needed so far.
    Unknown,
    Counting {
        cells: u64,
        filled: u64,
    },
    Known {
        is_sparse: bool,
    },
}

impl Composite for FittingColumns {
    fn prepare(&mut self, input: &FitInput) -> Result<()> {
        if self.input.is_none() {
            self.resolve(input)?;
            self.input = Some(input.clone());
        }
        for branch in &mut self.branches {
            let names = input.features.names.as_ref();
            let own = |names: &Vec<String>| branch.positions.iter().filter_map(|at| names.get(*at).cloned()).collect();
            let features = InputFeatures { count: branch.positions.len(), names: names.map(own) };
            branch.node.prepare(&FitInput { features, is_sparse: input.is_sparse })?;
        }
        if matches!(self.density, Density::Unknown) && self.branches.iter().all(|branch| branch.node.fitted().is_some())
        {
            let mut outputs = self.branches.iter().filter_map(|branch| branch.node.fitted()).map(|done| &done.output);
            self.density = match outputs.any(|output| output.is_sparse) {
                true => Density::Counting { cells: 0, filled: 0 },
                false => Density::Known { is_sparse: false },
            };
        }
        Ok(())
    }

    fn learning(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.branches.iter().flat_map(|branch| branch.node.learning()).collect();
        if matches!(self.density, Density::Counting { .. }) {
            names.push("ColumnTransformer");
        }
        names
    }

    fn see(&mut self, features: &[Feature<'_, '_>], rows: usize) -> Result<(), Fault> {
        for branch in &mut self.branches {
            let given = || branch.positions.iter().filter_map(|at| features.get(*at).cloned()).collect::<Vec<_>>();
            match &mut branch.node {
                Node::Fitted(done) => {
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

    fn settle(&mut self, report: ReportKept<'_>) -> Result<(), Fault> {
        if let Density::Counting { cells, filled } = self.density {
            let is_sparse = (filled as f64) / (cells as f64) < self.specified.sparse_threshold;
            self.density = Density::Known { is_sparse };
        }
        self.branches.iter_mut().try_for_each(|branch| branch.node.settle(report))
    }

    fn finish(&mut self) -> Result<Option<FittedNode>, Fault> {
        let Density::Known { is_sparse } = self.density else { return Ok(None) };
        if self.branches.iter().any(|branch| branch.node.fitted().is_none()) {
            return Ok(None);
        }
        let input = self.input.take().unwrap_or_else(FitInput::none);
        let part = |branch: Branch| Some((branch.name, branch.node.into_fitted()?, branch.columns));
        let specified = self.specified.clone();
        let whole = FittedTransformer::from(FittedColumnTransformer {
            remainder: specified.remainder,
            sparse_threshold: specified.sparse_threshold,
            n_jobs: specified.n_jobs,
            transformer_weights: specified.transformer_weights,
            verbose: specified.verbose,
            verbose_feature_names_out: specified.verbose_feature_names_out,
            feature_names_in_: input.features.names.clone(),
            n_features_in_: input.features.count,
            transformers_: std::mem::take(&mut self.branches).into_iter().filter_map(part).collect(),
            sparse_output_: is_sparse,
        });
        let mut node = FittedNode::new(whole, &input)?;
        node.output.is_sparse = is_sparse;
        node.output.features.names = None;
        Ok(Some(node))
    }
}

impl FittingColumns {
    /// Finds the columns, and the remaining ones.
    fn resolve(&mut self, input: &FitInput) -> Result<()> {
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
            // scikit-learn does not fit on a frame with two columns of one name; an array has no names.
            if let Some(names) = names
                && let Some(at) = twice(&branch.positions)
                && !matches!(branch.node, Node::Drop)
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
        // By name if all others are, as scikit-learn writes them since 1.7.
        let by_name = self.branches.iter().all(|branch| matches!(branch.columns, Columns::Names(_)));
        let columns = match names {
            Some(names) if by_name => Columns::Names(rest.iter().filter_map(|at| names.get(*at).cloned()).collect()),
            _ => Columns::Positions(rest.iter().map(|at| *at as i64).collect()),
        };
        let node = self.specified.remainder.node(REMAINDER)?;
        let (name, path) = (REMAINDER.to_owned(), REMAINDER.to_owned());
        self.branches.push(Branch { name, path, node, columns, positions: rest });
        Ok(())
    }
}

/// A position that is given twice.
fn twice(positions: &[usize]) -> Option<usize> {
    let mut seen = BTreeSet::new();
    positions.iter().copied().find(|position| !seen.insert(*position))
}

/// The number of nonzero values.
fn not_zero(features: Vec<Feature<'_, '_>>) -> Result<u64, Fault> {
    let floats = Floats::from_features(features, Refuses::Nothing)?;
    let count = |values: &[f64]| values.iter().filter(|value| **value != 0.0).count() as u64;
    Ok(floats.columns.iter().map(|column| count(&column.values)).sum())
}
