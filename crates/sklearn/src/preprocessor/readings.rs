//! How each column of a request is read: as the fitted model shows, or as a setting requires.

use crate::artifact::builder::Builder;
use crate::version::Version;
use byoc_formats::error::Result;
use byoc_formats::pickle::Tree;
use byoc_formats::rows::missing_texts::{MissingTexts, Pandas};
use byoc_formats::rows::reading::{ReadAs, Reading};
use std::collections::BTreeMap;

/// How each column of a request is read.
#[derive(Debug, Default)]
pub(crate) struct Readings {
    /// The columns that are not read by default, in order; a label is the last column.
    columns: Box<[ColumnReading]>,
    /// The missing texts of all other columns.
    missing: MissingTexts,
}

/// How one column is read, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ColumnReading {
    pub(crate) column: u32,
    pub(crate) reading: Reading,
    /// Its dtype is set by `--dtypes` or `columns.json`.
    pub(crate) is_set: bool,
    /// It was fitted on text that looks like numbers, but nothing shows whether a request's numbers are text.
    pub(crate) is_undecided: bool,
    pub(crate) tells_kinds_apart: bool,
}

impl Readings {
    /// Combines what the builder noted about columns with the dtypes that are set, by the index of the column.
    pub(crate) fn new(
        dtypes: &BTreeMap<u32, ReadAs>,
        pandas: Pandas,
        builder: &mut Builder<'_, '_>,
    ) -> Result<Readings> {
        let missing = MissingTexts::of(pandas);
        let seen = std::mem::take(&mut builder.seen);
        builder.keep_items::<ColumnReading>(seen.len().saturating_add(dtypes.len()))?;
        let mut columns = BTreeMap::new();
        for (column, seen) in seen {
            let dtype = seen.is_text.then_some(ReadAs::Str);
            let reading = Reading { dtype, missing: missing.without(seen.text) };
            let is_plain = reading == Reading { dtype: None, missing } && !seen.tells_kinds_apart;
            if !is_plain {
                let tells_kinds_apart = seen.tells_kinds_apart;
                let is_undecided = seen.is_undecided && !seen.is_text && tells_kinds_apart;
                let known = ColumnReading { column, reading, is_set: false, is_undecided, tells_kinds_apart };
                columns.insert(column, known);
            }
        }
        for (column, dtype) in dtypes {
            let reading = Reading { dtype: None, missing };
            let plain = ColumnReading {
                column: *column,
                reading,
                is_set: false,
                is_undecided: false,
                tells_kinds_apart: false,
            };
            let known = columns.entry(*column).or_insert(plain);
            known.reading.dtype = Some(*dtype);
            known.is_set = true;
            known.is_undecided = false;
        }
        Ok(Readings { columns: columns.into_values().collect(), missing })
    }

    /// How a column is read.
    pub(crate) fn of(&self, column: usize) -> Reading {
        let found = self.columns.binary_search_by_key(&column, |known| known.column as usize);
        let found = found.ok().and_then(|at| self.columns.get(at));
        found.map_or(Reading { dtype: None, missing: self.missing }, |known| known.reading)
    }

    /// Whether a column is read as text, also where it has no value.
    pub(crate) fn is_text(&self, column: usize) -> bool {
        self.of(column).dtype == Some(ReadAs::Str)
    }

    /// The columns that are not read by default.
    pub(crate) fn columns(&self) -> &[ColumnReading] {
        &self.columns
    }

    /// The missing texts of all other columns.
    pub(crate) fn missing(&self) -> MissingTexts {
        self.missing
    }
}

/// The release of pandas with which a model was fitted, judged by its pickle.
///
/// scikit-learn 1.3 is the first release after pandas 2.0 (June and April 2023), 0.22 the first in the time of
/// pandas 1.0; AWS's images up to 1.2-1 have pandas 1.1.3. pandas 2 removed the index classes for numbers.
pub(crate) fn pandas_of(tree: &Tree, version: Version) -> Pandas {
    if version < Version::new(0, 22) {
        Pandas::V0
    } else if version < Version::new(1, 3) || tree.names("pandas.core.indexes.numeric") {
        Pandas::V1
    } else {
        Pandas::V2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::allow_list::ScikitLearn;

    #[test]
    fn the_release_of_pandas_follows_from_the_version_and_from_classes_that_pandas_2_removed() {
        let allowance = byoc_account::Allowance::unbounded();
        let tree = |pickle: &[u8]| byoc_formats::pickle::read(pickle.to_vec(), &ScikitLearn, &allowance).unwrap();
        let plain = tree(b"\x80\x02N.");
        for (version, pandas) in [
            ((0, 20), Pandas::V0),
            ((0, 21), Pandas::V0),
            ((0, 22), Pandas::V1),
            ((1, 2), Pandas::V1),
            ((1, 3), Pandas::V2),
            ((1, 9), Pandas::V2),
        ] {
            assert_eq!(pandas_of(&plain, Version::new(version.0, version.1)), pandas, "{version:?}");
        }
        let index = tree(b"\x80\x02cpandas.core.indexes.numeric\nInt64Index\n.");
        assert_eq!(pandas_of(&index, Version::new(1, 3)), Pandas::V1);
    }
}
