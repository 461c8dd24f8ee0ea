//! `sklearn.compose.ColumnTransformer`: transformers side by side, each given some of the columns.

mod selection;

use super::weight::Weight;
use super::{FittedColumns, Transformer};
use crate::artifact::pickle::Value;
use crate::error::Result;
use crate::preprocessor::attributes::Attributes;
use crate::preprocessor::build::{Builder, Built, Input, LabelPosition, RequestWidth, Shape, list_names};
use crate::preprocessor::demand::Demand;
use crate::preprocessor::describe::Child;
use crate::preprocessor::describe::names::{self, Names, NoNames};
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
    let is_used = |index: usize| branches.iter().any(|branch| branch.positions.contains(&index));
    let uses_last = n_features.checked_sub(1).is_some_and(is_used);
    Ok(names.map(|names| {
        let may_be_absent = version >= Version::new(1, 0);
        let unused = names.iter().enumerate().filter(|(index, _)| may_be_absent && !is_used(*index));
        let unused = unused.map(|(_, name)| *name).collect();
        FittedColumns { names, uses_last, unused }
    }))
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
            .misfit(format!("the columns of a row are {given}, but the model was fitted on {fitted}, in this order"));
    }
    Ok(false)
}

/// Where a column of this name is given.
fn find(name: &str, given: &[&str], input: &Input<'_>, builder: &mut Builder, branch: &str) -> usize {
    let Some(position) = given.iter().position(|given| *given == name) else {
        let given = list_names(given);
        builder.misfit(format!("transformer {branch:?} uses the column {name}, but the columns of a row are {given}"));
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

    pub(super) fn demand(&self) -> Demand {
        let parts = self.branches.iter().map(|branch| branch.transformer.demand(branch.columns.len()));
        let all = parts.fold(Demand::default(), |all, part| all + part);
        all.then(Demand::of_columns(all.width))
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let branch = |branch: &Branch| branch.transformer.heap_bytes() + size_of_val(&*branch.columns);
        size_of_val(&*self.branches) + self.branches.iter().map(branch).sum::<usize>()
    }
}

/// The names of the frame that it was fitted on, or those that it is given.
pub(super) fn names_in(transformer: Attributes<'_>, given: Option<&[String]>, version: Version) -> Names {
    let Branches { names, n_features, .. } = Branches::read(transformer, version)?;
    names::choose(names, Some(n_features), given)
}

/// The branches, each with the names of its columns.
pub(super) fn parts<'t>(
    transformer: Attributes<'t>,
    given: Option<&[String]>,
    version: Version,
) -> Result<Vec<Child<'t>>> {
    let Branches { names, n_features, branches } = Branches::read(transformer, version)?;
    // Names that are not those of fit are an error of the names, not of the columns.
    let columns =
        names::choose(names, Some(n_features), given).or_else(|_| names::choose(None, Some(n_features), None));
    let columns = columns.unwrap_or_default();
    let name = |position: &usize| columns.get(*position).cloned();
    let part = |branch: &selection::BranchSpec<'t>| Child {
        name: branch.name,
        transformer: branch.transformer,
        given: Some(branch.positions.iter().filter_map(name).collect()),
    };
    Ok(branches.iter().map(part).collect())
}

/// The columns that no branch takes.
pub(in crate::preprocessor) fn unused(
    transformer: Attributes<'_>,
    columns: &[String],
    version: Version,
) -> Result<Vec<String>> {
    let Branches { branches, n_features, .. } = Branches::read(transformer, version)?;
    let mut used = vec![false; n_features];
    for position in branches.iter().flat_map(|branch| &branch.positions) {
        if let Some(used) = used.get_mut(*position) {
            *used = true;
        }
    }
    Ok(columns.iter().zip(used).filter(|(_, used)| !used).map(|(name, _)| name.clone()).collect())
}

pub(super) fn feature_names_out(transformer: Attributes<'_>, given: Option<&[String]>, version: Version) -> Names {
    names_in(transformer, given, version)?;
    let mut named = Vec::new();
    for part in parts(transformer, given, version)? {
        let names = if super::has_feature_names_out(part.transformer) {
            super::feature_names_out(part.transformer, part.given.as_deref(), version)?
        } else {
            names_of_frame(transformer, part.name).ok_or_else(|| {
                let class = part.transformer.class().map_or("str", |(_, class)| class);
                NoNames::no_method(part.name, class, "get_feature_names_out")
            })?
        };
        named.push((part.name, names));
    }
    names::prefixed(transformer, named)
}

/// The names of a part that gave a frame at fit, which some versions keep for parts that cannot name their features.
fn names_of_frame(transformer: Attributes<'_>, part: &str) -> Option<Vec<String>> {
    let all = transformer.present("_transformers_feature_names_out")?.as_array()?;
    let [start, stop, _]: [Value<'_>; 3] = transformer.get("output_indices_")?.get(part)?.arguments()?.array_of()?;
    let (start, stop) = (usize::try_from(start.as_i64()?).ok()?, usize::try_from(stop.as_i64()?).ok()?);
    let name = |name: Value<'_>| name.as_str().map(str::to_owned);
    all.objects()?.skip(start).take(stop.checked_sub(start)?).map(name).collect()
}

/// The names before 1.0. `'passthrough'` raised before 0.23, and has no prefix since.
pub(super) fn get_feature_names(transformer: Attributes<'_>, version: Version) -> Names {
    let mut all = Vec::new();
    for part in parts(transformer, None, version)? {
        if part.transformer.as_str() != Some("passthrough") {
            all.extend(super::legacy_names::of_part(part.name, part.transformer, version)?);
        } else if version >= Version::new(0, 23) {
            all.extend(part.given.unwrap_or_default());
        } else {
            return Err(NoNames::raised(
                "NotImplementedError: get_feature_names is not yet supported when using a 'passthrough' transformer.",
            ));
        }
    }
    Ok(all)
}
