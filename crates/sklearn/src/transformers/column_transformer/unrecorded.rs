//! The columns at fit of a ColumnTransformer of scikit-learn 0.20.0 to 0.20.3 and 0.21.0 to 0.21.2, which stores
//! neither their number nor their names (`compose/_column_transformer.py`: `_n_features` and `_df_columns` came with
//! 0.20.4 and 0.21.3).
//!
//! Every column is in an entry of `transformers_`, at least in that of the remainder, which has positions. So the
//! entries give the number of columns; but the positions of columns that are taken by name are not known.

use std::collections::HashSet;

use crate::artifact::attributes::{Attributes, one_dimensional};
use crate::artifact::builder::shorten;
use crate::artifact::work::{MAX_COLUMNS, Work};
use crate::columns::column_names::ColumnNames;
use crate::transformers::column_transformer::listed_names::names;
use byoc_formats::error::Result;
use byoc_formats::pickle::{ItemKind, Value};

/// The names by which columns are selected, in the order of their first use, and the number of columns.
pub(crate) fn read<'t>(transformer: Attributes<'t>, work: &Work<'_>) -> Result<(Option<ColumnNames<'t>>, usize)> {
    let mut found = Found::default();
    for entry in transformer.items("transformers_")? {
        let Some([_, _, columns]): Option<[Value<'t>; 3]> = entry.array_of() else { continue };
        let listed = columns.items().map(|items| items.len()).or_else(|| columns.as_array().map(|array| array.len()));
        let sliced = columns.arguments().and_then(|arguments| arguments.array_of::<3>()?[1].as_i64());
        let sliced = sliced.and_then(|stop| usize::try_from(stop).ok()).filter(|stop| *stop <= MAX_COLUMNS);
        work.charge_items::<[&str; 4]>(listed.or(sliced).unwrap_or(1))?;
        found.add(columns);
    }
    let Found { named, seen: _, positions, mask, counts_from_end } = found;
    if counts_from_end && mask.is_none() {
        return Err(transformer.error(
            "it counts columns from the end, or takes a slice of them without an end or between names, and this \
             version of scikit-learn does not keep how many there were and what they were called: expected columns by \
             position or name; 0.20.4, 0.21.3 and later keep it",
        ));
    }
    // The remainder has a position for each column that is not named, so that positions and names together are all.
    let all = positions.len().saturating_add(named.len());
    let last = positions.iter().max().map_or(0, |last| last.saturating_add(1));
    let n_features = mask.unwrap_or(0).max(all).max(last);
    transformer.check_width("columns", n_features)?;
    let known = (!named.is_empty()).then(|| ColumnNames::new(named));
    Ok((known, n_features))
}

/// Why rows without column names cannot be used.
pub(crate) fn needs_names(name: &str) -> String {
    format!(
        "the model takes the column {} by its name and does not know where it stands, as scikit-learn before 0.20.4 \
         and from 0.21.0 to 0.21.2 does not keep the names of a frame: expected the names of all columns, in their \
         order, as \"columns\" in a columns.json beside the model",
        shorten(name)
    )
}

/// The combined information of the entries.
#[derive(Default)]
struct Found<'t> {
    /// Each name once, in order.
    named: Vec<&'t str>,
    seen: HashSet<&'t str>,
    positions: HashSet<usize>,
    mask: Option<usize>,
    counts_from_end: bool,
}

impl<'t> Found<'t> {
    fn add(&mut self, columns: Value<'t>) {
        if let Some(name) = columns.as_str() {
            self.add_name(name);
        } else if let Some(position) = columns.as_i64() {
            self.add_position(position);
        } else if let Some((_, "slice")) = columns.class() {
            self.add_slice(columns.arguments());
        } else if let Some(names) = names(columns).filter(|names| !names.is_empty()) {
            names.into_iter().for_each(|name| self.add_name(name));
        } else if let Some(array) = one_dimensional(columns) {
            match array.dtype().kind {
                ItemKind::Bool => self.mask = Some(array.len()),
                _ => array.to_i64().unwrap_or_default().into_iter().for_each(|position| self.add_position(position)),
            }
        } else if let Some(items) = columns.items() {
            let length = items.len();
            for item in items {
                match item.as_i64() {
                    Some(position) => self.add_position(position),
                    None if item.as_bool().is_some() => self.mask = Some(length),
                    // The lookup of the columns reports the error.
                    None => {}
                }
            }
        }
    }

    fn add_name(&mut self, name: &'t str) {
        if self.seen.insert(name) {
            self.named.push(name);
        }
    }

    fn add_position(&mut self, position: i64) {
        match usize::try_from(position) {
            Ok(position) => {
                self.positions.insert(position);
            }
            Err(_) => self.counts_from_end = true,
        }
    }

    /// A slice between two positions is taken to end there. One by names has others in between, and one without an
    /// end has as many as there are.
    fn add_slice(&mut self, arguments: Option<Value<'t>>) {
        let bounds = arguments.and_then(|arguments| {
            let [start, stop, step]: [Value<'t>; 3] = arguments.array_of()?;
            let start = if start.is_none() { 0 } else { usize::try_from(start.as_i64()?).ok()? };
            let step = if step.is_none() { 1 } else { usize::try_from(step.as_i64()?).ok()? };
            Some((start, usize::try_from(stop.as_i64()?).ok()?, step))
        });
        match bounds {
            Some((start, stop, step)) if step > 0 && stop <= MAX_COLUMNS => {
                self.positions.extend((start..stop).step_by(step));
            }
            _ => self.counts_from_end = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::allow_list::ScikitLearn;
    use byoc_account::Allowance;
    use byoc_formats::pickle;

    /// The result for a ColumnTransformer whose entries have these columns, given as pickles of protocol 0.
    fn read_of(columns: &[&str]) -> Result<(Option<Vec<String>>, usize)> {
        let entries: String = columns.iter().map(|columns| format!("(Vs\nVdrop\n{columns}ta")).collect();
        let program = format!(
            "ccopy_reg\n_reconstructor\n(csklearn.compose._column_transformer\nColumnTransformer\nc__builtin__\nobject\nNtR\
             (dVtransformers_\n(l{entries}sb."
        );
        let allowance = Allowance::unbounded();
        let tree = pickle::read(program.into_bytes(), &ScikitLearn, &allowance).unwrap();
        let work = Work::of_file(tree.plain_bytes(), 1 << 20, &allowance);
        let (known, count) = read(Attributes::of(tree.root()).unwrap(), &work)?;
        Ok((known.map(|known| known.iter().map(|name| (*name).to_owned()).collect()), count))
    }

    #[test]
    fn the_number_of_fitted_columns_follows_from_the_entries() {
        let cases: [(&[&str], &[&str], usize); 8] = [
            (&["(lI0\naI2\na", "(lI1\na"], &[], 3),
            (&["I4\n"], &[], 5),
            (&["(lI01\naI00\naI00\na"], &[], 3),
            (&["(lI01\naI00\naI00\na", "(lI-1\na"], &[], 3),
            (&["c__builtin__\nslice\n(NI3\nNtR", "(lI4\na"], &[], 5),
            (&["(lVc\naVa\na", "Vb\n", "(lI1\na"], &["c", "a", "b"], 4),
            (&["(lVa\na", "(lVa\na"], &["a"], 1),
            (&["(l", "N"], &[], 0),
        ];
        for (columns, names, count) in cases {
            let known = (!names.is_empty()).then(|| names.iter().map(|name| (*name).to_owned()).collect());
            assert_eq!(read_of(columns).unwrap(), (known, count), "{columns:?}");
        }
    }

    #[test]
    fn selections_that_depend_on_an_unknown_number_of_columns_are_refused() {
        let slices = ["c__builtin__\nslice\n(I1\nNNtR", "c__builtin__\nslice\n(Va\nVc\nNtR"];
        for columns in ["(lI0\naI-1\na", "I-1\n", slices[0], slices[1], "c__builtin__\nslice\n(I0\nI99999999\nNtR"] {
            let error = read_of(&[columns]).unwrap_err();
            assert!(error.message().contains("0.20.4, 0.21.3 and later keep it"), "{columns:?}: {error}");
        }
        let error = read_of(&["I99999999\n"]).unwrap_err();
        assert!(error.message().contains("expected at most"), "{error}");
    }
}
