//! The columns that each transformer of a ColumnTransformer takes, in every layout of attributes since 0.20.
//!
//! From 1.0 on `_transformer_to_input_indices` has the positions, in whatever form the user gave the columns. Before,
//! `transformers_` has the user's form (except callables), and the columns are searched for at each request.

use super::listed_names::names;
use super::unrecorded;
use crate::artifact::attributes::{Attributes, one_dimensional};
use crate::artifact::builder::shorten;
use crate::artifact::work::Work;
use crate::columns::column_names::ColumnNames;
use crate::transformers::columns_used::Use;
use crate::version::Version;
use byoc_formats::error::Result;
use byoc_formats::pickle::{ItemKind, Value};
use std::collections::HashMap;

/// The branches that a ColumnTransformer applies: dropped ones and ones without a column are left out.
pub(crate) struct Branches<'t> {
    /// The names of the frame that it was fitted on, if these are text and their order is known.
    pub(crate) names: Option<ColumnNames<'t>>,
    /// The names of a branch's columns, if they are selected by name.
    pub(crate) known: Option<ColumnNames<'t>>,
    /// Whether it records the number of columns that it was fitted on.
    pub(crate) is_recorded: bool,
    pub(crate) n_features: usize,
    pub(crate) branches: Vec<BranchSpec<'t>>,
    /// The columns that a `('name', 'drop', [columns])` has; those that only `remainder='drop'` drops are not among
    /// them.
    dropped: Vec<usize>,
}

/// One of them.
pub(crate) struct BranchSpec<'t> {
    pub(crate) name: &'t str,
    pub(crate) transformer: Value<'t>,
    /// Positions in the columns at fit, each below `n_features`.
    pub(crate) positions: Vec<usize>,
    pub(crate) by: By,
}

/// How columns of a request are found before 1.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Name,
    Position,
}

impl<'t> Branches<'t> {
    /// The use of each of the columns at fit.
    pub(crate) fn uses(&self) -> Vec<Use> {
        let mut uses = vec![Use::Left; self.n_features];
        let taken = self.branches.iter().flat_map(|branch| &branch.positions).map(|position| (position, Use::Taken));
        let dropped = self.dropped.iter().map(|position| (position, Use::Dropped));
        for (position, becomes) in dropped.chain(taken) {
            if let Some(used) = uses.get_mut(*position) {
                *used = becomes;
            }
        }
        uses
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        let positions: usize = self.branches.iter().map(|branch| branch.positions.capacity()).sum();
        self.branches.capacity() * size_of::<BranchSpec<'_>>()
            + (positions + self.dropped.capacity()) * size_of::<usize>()
    }

    /// Reads the branches.
    pub(crate) fn read(transformer: Attributes<'t>, version: Version, work: &Work<'_>) -> Result<Branches<'t>> {
        let resolved = version >= Version::new(1, 0);
        let is_recorded = resolved || transformer.get("_n_features").is_some();
        let (names, n_features) = if resolved {
            (feature_names_in(transformer, work)?, transformer.columns("n_features_in_")?)
        } else if is_recorded {
            (legacy_names(transformer, work)?, transformer.columns("_n_features")?)
        } else {
            (None, 0)
        };
        let (known, n_features) = match is_recorded {
            true => (names.clone(), n_features),
            false => unrecorded::read(transformer, work)?,
        };
        if let Some(names) = names.as_ref().filter(|names| names.len() != n_features) {
            let found = names.len();
            return Err(transformer.error(format_args!("it has {found} names of columns for {n_features} features")));
        }
        let indices = if resolved { Some(Indices::read(transformer, work)?) } else { None };
        let values = transformer.required("transformers_")?;
        let count = values.items().map_or(0, |items| items.len());
        work.charge_items::<BranchSpec<'_>>(count)?;
        // The user's entries come first; one more is the remainder.
        let given = transformer.get("transformers").and_then(Value::items).map_or(count, |items| items.len());
        let (mut branches, mut dropped) = (Vec::new(), Vec::new());
        for (index, value) in transformer.items("transformers_")?.into_iter().enumerate() {
            work.charge(value.array_of().map_or(0, |[name, _, _]: [Value<'t>; 3]| name.text_bytes()))?;
            let parts = value
                .array_of()
                .and_then(|[name, part, columns]: [Value<'t>; 3]| Some((name.as_str()?, part, columns)));
            let Some((name, part, columns)) = parts else {
                return Err(transformer.mismatch("transformers_", "a list of name, transformer and columns", value));
            };
            let is_dropped = part.as_str() == Some("drop");
            if is_dropped && index >= given {
                continue;
            }
            let (positions, by) = if let Some(indices) = &indices {
                if is_dropped && !indices.has(name) {
                    continue;
                }
                (indices.positions(name, n_features, work)?, By::Position)
            } else {
                work.charge_items::<usize>(max_positions(columns, n_features))?;
                let selected = positions(columns, known.as_ref(), n_features);
                // scikit-learn does not search for dropped columns.
                if is_dropped && selected.is_none() {
                    continue;
                }
                selected.ok_or_else(|| {
                    transformer.mismatch(
                        &format!("the columns of {name:?}"),
                        format_args!("names, positions below {n_features}, a slice or a mask"),
                        columns,
                    )
                })?
            };
            if is_dropped {
                dropped.extend(positions);
            } else if !positions.is_empty() {
                branches.push(BranchSpec { name, transformer: part, positions, by });
            }
        }
        Ok(Branches { names, known, is_recorded, n_features, branches, dropped })
    }
}

/// `_transformer_to_input_indices`, by the names of the branches.
struct Indices<'t> {
    transformer: Attributes<'t>,
    all: Value<'t>,
    by_name: HashMap<&'t str, Value<'t>>,
}

impl<'t> Indices<'t> {
    fn read(transformer: Attributes<'t>, work: &Work<'_>) -> Result<Indices<'t>> {
        let all = transformer.required("_transformer_to_input_indices")?;
        let count = all.entries().map_or(0, |entries| entries.len());
        work.charge_items::<(&str, Value<'_>)>(count)?;
        Ok(Indices { transformer, all, by_name: all.by_text().unwrap_or_default() })
    }

    fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    fn positions(&self, name: &str, n_features: usize, work: &Work<'_>) -> Result<Vec<usize>> {
        let own = self.by_name.get(name).copied();
        let array = own.and_then(Value::as_array);
        let length = array.map(|array| array.len()).or_else(|| Some(own?.items()?.len())).unwrap_or(0);
        work.charge_items::<usize>(length)?;
        let positions = own.and_then(|own| match array {
            Some(array) => array.to_i64().ok(),
            None => own.items()?.map(Value::as_i64).collect(),
        });
        let position = |position: i64| usize::try_from(position).ok().filter(|position| *position < n_features);
        let positions = positions.and_then(|positions| positions.into_iter().map(position).collect::<Option<_>>());
        positions.ok_or_else(|| {
            let expected = format_args!("positions below {n_features} for {:?}", shorten(name)).to_string();
            self.transformer.mismatch("_transformer_to_input_indices", expected, own.unwrap_or(self.all))
        })
    }
}

/// The names at fit before 1.0: `_df_columns`, a pandas index, or `_feature_names_in` (0.22), an array. Neither is
/// there for a fit on an array, and 0.20 to 0.22 write the first only when columns were given by name.
fn legacy_names<'t>(transformer: Attributes<'t>, work: &Work<'_>) -> Result<Option<ColumnNames<'t>>> {
    for name in ["_df_columns", "_feature_names_in"] {
        let Some(value) = transformer.present(name) else { continue };
        work.charge_items::<&str>(transformer.columns("_n_features")?)?;
        if let Some(names) = names(value) {
            return Ok(Some(ColumnNames::new(names)));
        }
    }
    Ok(None)
}

fn feature_names_in<'t>(transformer: Attributes<'t>, work: &Work<'_>) -> Result<Option<ColumnNames<'t>>> {
    let length = transformer.get("feature_names_in_").and_then(Value::as_array).map_or(0, |array| array.len());
    work.charge_items::<&str>(length)?;
    Ok(transformer.feature_names_in()?.map(ColumnNames::new))
}

/// The most positions of a specification of columns: as many as it lists, or all.
fn max_positions(columns: Value<'_>, n_features: usize) -> usize {
    let listed = columns.items().map(|items| items.len()).or_else(|| columns.as_array().map(|array| array.len()));
    listed.unwrap_or(if columns.class().is_some() { n_features } else { 1 })
}

/// The positions of a specification of columns: a name, a position, several of either, a slice, a mask.
fn positions(columns: Value<'_>, known: Option<&ColumnNames<'_>>, n_features: usize) -> Option<(Vec<usize>, By)> {
    if columns.is_none() {
        return Some((Vec::new(), By::Position));
    }
    let by_name = |name: &str| known?.position(name);
    if let Some(name) = columns.as_str() {
        return Some((vec![by_name(name)?], By::Name));
    }
    let position = |position: i64| {
        let position = if position < 0 { position.checked_add(i64::try_from(n_features).ok()?)? } else { position };
        usize::try_from(position).ok().filter(|position| *position < n_features)
    };
    if let Some(column) = columns.as_i64() {
        return Some((vec![position(column)?], By::Position));
    }
    if let Some((_, "slice")) = columns.class() {
        return slice(columns.arguments()?, by_name, n_features);
    }
    if let Some(names) = names(columns).filter(|names| !names.is_empty()) {
        return Some((names.into_iter().map(by_name).collect::<Option<_>>()?, By::Name));
    }
    let mask = |mask: Vec<bool>| {
        let set = mask.iter().enumerate().filter(|(_, set)| **set).map(|(position, _)| position);
        (mask.len() == n_features).then(|| set.collect::<Vec<_>>())
    };
    let positions = if let Some(array) = one_dimensional(columns) {
        let numbers = array.to_i64().ok()?;
        match array.dtype().kind {
            ItemKind::Bool => mask(numbers.into_iter().map(|number| number != 0).collect())?,
            _ => numbers.into_iter().map(position).collect::<Option<_>>()?,
        }
    } else {
        let items: Vec<Value<'_>> = columns.items()?.collect();
        match items.iter().map(|item| item.as_bool()).collect::<Option<Vec<bool>>>() {
            Some(set) if !set.is_empty() => mask(set)?,
            _ => items.into_iter().map(|item| position(item.as_i64()?)).collect::<Option<_>>()?,
        }
    };
    Some((positions, By::Position))
}

/// `slice(start, stop, step)`; a slice by names includes its stop.
fn slice(arguments: Value<'_>, by_name: impl Fn(&str) -> Option<usize>, n_features: usize) -> Option<(Vec<usize>, By)> {
    let [start, stop, step]: [Value<'_>; 3] = arguments.array_of()?;
    let named = start.as_str().is_some() || stop.as_str().is_some();
    let bound = |value: Value<'_>, default: usize, after: usize| {
        if value.is_none() {
            return Some(default);
        }
        if let Some(name) = value.as_str() {
            return Some(by_name(name)? + after);
        }
        let value = value.as_i64()?;
        let value = if value < 0 { value.saturating_add(i64::try_from(n_features).ok()?).max(0) } else { value };
        Some(usize::try_from(value).ok()?.min(n_features))
    };
    let step = if step.is_none() { 1 } else { usize::try_from(step.as_i64()?).ok().filter(|step| *step > 0)? };
    let positions = (bound(start, 0, 0)?..bound(stop, n_features, 1)?).step_by(step).collect();
    Some((positions, if named { By::Name } else { By::Position }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::allow_list::ScikitLearn;
    use byoc_account::Allowance;
    use byoc_formats::pickle;

    /// The positions of a specification, given as a pickle of protocol 0, among the columns a, b, c, d.
    fn selected(pickle: &str) -> Option<(Vec<usize>, By)> {
        let tree = pickle::read(pickle.as_bytes().to_vec(), &ScikitLearn, &Allowance::unbounded()).unwrap();
        positions(tree.root(), Some(&ColumnNames::new(vec!["a", "b", "c", "d"])), 4)
    }

    #[test]
    fn columns_are_found_in_every_way_that_a_user_may_write_them() {
        let cases = [
            ("N.", vec![], By::Position),
            ("Vc\n.", vec![2], By::Name),
            ("I-1\n.", vec![3], By::Position),
            ("(lVd\naVa\na.", vec![3, 0], By::Name),
            ("(lI1\naI-2\na.", vec![1, 2], By::Position),
            ("(lI01\naI00\naI00\naI01\na.", vec![0, 3], By::Position),
            ("(l.", vec![], By::Position),
            ("c__builtin__\nslice\n(I1\nNNtR.", vec![1, 2, 3], By::Position),
            ("c__builtin__\nslice\n(NI-1\nI2\ntR.", vec![0, 2], By::Position),
            ("c__builtin__\nslice\n(Vb\nVc\nNtR.", vec![1, 2], By::Name),
            ("c__builtin__\nslice\n(I3\nI1\nNtR.", vec![], By::Position),
        ];
        for (pickle, expected, by) in cases {
            assert_eq!(selected(pickle), Some((expected, by)), "{pickle:?}");
        }
    }

    #[test]
    fn missing_columns_are_refused() {
        for pickle in ["Vz\n.", "I4\n.", "I-5\n.", "(lI01\na.", "(lVa\naVz\na.", "F0.5\n.", "(lVa\naI0\na."] {
            assert_eq!(selected(pickle), None, "{pickle:?}");
        }
    }
}
