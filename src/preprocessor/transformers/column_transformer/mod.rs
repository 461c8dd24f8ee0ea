//! `sklearn.compose.ColumnTransformer`: transformers side by side, each given some of the columns.

mod selection;

use super::weight::Weight;
use super::{FittedColumns, Transformer};
use crate::error::Result;
use crate::preprocessor::attributes::Attributes;
use crate::preprocessor::build::{Builder, Built, Input, LabelPosition, RequestWidth, Shape, list_names};
use crate::preprocessor::dtype::{stack, stack_frame};
use crate::preprocessor::fault::Fault;
use crate::preprocessor::feature::{Feature, objects_as_floats};
use crate::preprocessor::version::Version;
use selection::{Branches, By};

/// The branches in the order of `transformers_`, which is that of the answer's columns.
#[derive(Debug)]
pub(in crate::preprocessor) struct ColumnTransformer {
    branches: Box<[Branch]>,
    /// How many columns the answer has.
    width: usize,
    /// `sparse_output_`: all columns become numbers, as a sparse matrix has no others.
    sparse: bool,
}

#[derive(Debug)]
struct Branch {
    transformer: Transformer,
    /// Which columns it is given. The label counts as the last one.
    columns: Box<[u32]>,
    weight: Option<Weight>,
}

/// The names of the frame that a ColumnTransformer was fitted on, and whether some transformer uses the last one.
pub(super) fn fitted_columns<'t>(transformer: Attributes<'t>, version: Version) -> Result<Option<FittedColumns<'t>>> {
    let Branches { names, n_features, branches } = Branches::read(transformer, version)?;
    let uses_last = branches.iter().any(|branch| branch.positions.iter().any(|position| position + 1 == n_features));
    Ok(names.map(|names| FittedColumns { names, uses_last }))
}

/// Reads `transformers_`, which columns each takes, and `transformer_weights`.
pub(super) fn build<'t>(transformer: Attributes<'t>, input: &Input<'t>, builder: &mut Builder) -> Result<Built<'t>> {
    let read = Branches::read(transformer, builder.version)?;
    let by_name = demand(&read, input, builder, transformer)?;
    let mut branches = Vec::new();
    let mut width = Some(0usize);
    for branch in &read.branches {
        let context = |error: crate::error::Error| error.context(format!("transformer {:?}", branch.name));
        let place = |position: usize| match (&read.names, &input.names) {
            (Some(fitted), Some(given)) if by_name || branch.by == By::Name => {
                let name = fitted.get(position).copied().unwrap_or_default();
                find(name, given, input, builder, branch.name)
            }
            _ => place(position, read.n_features, input),
        };
        let columns: Vec<usize> = branch.positions.iter().copied().map(place).collect();
        let name = |given: &Vec<&'t str>, column: &usize| given.get(*column).copied().unwrap_or_default();
        let names = input.names.as_ref().map(|given| columns.iter().map(|column| name(given, column)).collect());
        let own_input = Input { names, shape: Shape::Fixed(columns.len()), sparse: input.sparse };
        let built = Transformer::build(branch.transformer, &own_input, builder).map_err(context)?;
        width = match (width, built.output.shape) {
            (Some(width), Shape::Fixed(more)) => width.checked_add(more),
            _ => None,
        };
        let columns = columns.into_iter().map(|column| u32::try_from(column).unwrap_or(u32::MAX)).collect();
        let weight = Weight::of(transformer, branch.name)?;
        branches.push(Branch { transformer: built.transformer, columns, weight });
    }
    let width = width.ok_or_else(|| transformer.error("the answer has too many columns"))?;
    let sparse = transformer.flag_or("sparse_output_", false)?;
    let transformer = ColumnTransformer { branches: branches.into(), width, sparse };
    Ok(Built::array(Transformer::ColumnTransformer(transformer), width))
}

/// Notes how wide a request must be and what its names must be; whether columns are found by name.
fn demand(read: &Branches<'_>, input: &Input<'_>, builder: &mut Builder, transformer: Attributes<'_>) -> Result<bool> {
    let by_name = builder.version >= Version::new(1, 0) && read.names.is_some() && input.names.is_some();
    if let Shape::Fixed(given) = input.shape {
        if given != read.n_features && !by_name {
            let expected = read.n_features;
            return Err(transformer.error(format_args!("it was fitted on {expected} features, but is given {given}")));
        }
        return Ok(by_name);
    }
    if by_name {
        return Ok(true);
    }
    // 0.20.0 took narrower rows if only unused columns were missing; from 0.20.1 to 0.23 rows might be wider, in 0.24
    // not.
    if builder.version >= Version::new(0, 24) {
        builder.require_width(RequestWidth::Exactly(read.n_features));
    } else if builder.version > Version::new(0, 20) {
        builder.require_width(RequestWidth::AtLeast(read.n_features));
    }
    if let (Some(fitted), Some(given)) = (&read.names, &input.names)
        && (Version::new(0, 24)..Version::new(1, 0)).contains(&builder.version)
        && given.get(..fitted.len()) != Some(fitted)
    {
        let (given, fitted) = (list_names(given), list_names(fitted));
        builder
            .refuse(format!("the columns of a row are {given}, but the model was fitted on {fitted}, in this order"));
    }
    Ok(false)
}

/// Where a column of this name is given.
fn find(name: &str, given: &[&str], input: &Input<'_>, builder: &mut Builder, branch: &str) -> usize {
    let Some(position) = given.iter().position(|given| *given == name) else {
        let given = list_names(given);
        builder.refuse(format!("transformer {branch:?} uses the column {name}, but the columns of a row are {given}"));
        return 0;
    };
    if matches!(input.shape, Shape::Request { label: Some(_) }) && position + 1 == given.len() {
        // Only a row with the label has this column.
        builder.require_width(RequestWidth::AtLeast(given.len()));
    }
    position
}

/// Where a column that is known by its position at fit is given: a label that comes first is counted last here.
fn place(position: usize, n_features: usize, input: &Input<'_>) -> usize {
    match (input.shape, &input.names) {
        (Shape::Request { label: Some(LabelPosition::First) }, Some(names)) if names.len() == n_features => {
            position.checked_sub(1).unwrap_or(n_features - 1)
        }
        _ => position,
    }
}

impl ColumnTransformer {
    pub(super) fn apply<'c, 'a>(
        &'a self,
        features: &[Feature<'c, 'a>],
        rows: usize,
    ) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        let mut all = Vec::with_capacity(self.width);
        for branch in &self.branches {
            let given = branch.columns.iter().map(|column| features.get(*column as usize).cloned());
            let Some(given) = given.collect() else {
                return Err(Fault::new("the row has fewer columns than the model was fitted on"));
            };
            let mut given = branch.transformer.apply(given, rows)?;
            if branch.transformer.keeps_frames() {
                given = stack_frame(given);
            }
            if let Some(weight) = branch.weight {
                given = weight.apply(given)?;
            }
            if self.sparse {
                given = given.into_iter().map(objects_as_floats).collect::<Result<_, _>>()?;
            }
            all.append(&mut given);
        }
        Ok(stack(all))
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let branch = |branch: &Branch| branch.transformer.heap_bytes() + size_of_val(&*branch.columns);
        size_of_val(&*self.branches) + self.branches.iter().map(branch).sum::<usize>()
    }
}
