//! The dtypes that a user sets for a request's columns: `{"zip": "str"}`, as `pandas.read_csv(dtype=…)` takes them.

use std::collections::BTreeMap;

use crate::artifact::builder::{RequestWidth, list_names, shorten};
use crate::artifact::work::MAX_COLUMNS;
use crate::columns::column_names::ColumnNames;
use byoc_formats::error::{Cause, Error, Result};
use byoc_formats::json_document;
use byoc_formats::rows::reading::ReadAs;
use byoc_formats::suggest::nearest;

/// The dtypes by column name or, if columns have no names, by position, counted from 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Dtypes {
    types: BTreeMap<String, ReadAs>,
    from: DtypesFrom,
}

/// Where dtypes are set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DtypesFrom {
    /// `dtypes` of `columns.json`.
    ColumnsJson,
    /// A setting of this name: `--dtypes`, or an environment variable.
    Setting(String),
}

/// An example of a setting's text, for messages.
const EXPECTED: &str = "an object such as {\"zip\": \"str\", \"age\": \"float64\"}";

impl Dtypes {
    /// The memory of one dtype in bytes, without its name.
    pub(crate) const BYTES: usize = 64;

    /// Parses the names of dtypes.
    ///
    /// # Errors
    /// With the column and what is wrong with its type.
    pub(crate) fn new(written: BTreeMap<String, String>, from: DtypesFrom) -> Result<Dtypes, String> {
        let read = |(column, name): (String, String)| match ReadAs::from_name(&name) {
            Some(dtype) => Ok((column, dtype)),
            None => {
                let names = ReadAs::ALL.map(ReadAs::name);
                let near = ReadAs::near(&name).map(ReadAs::name).or_else(|| nearest(&name, names));
                let near = near.map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
                let [one, two, three, four] = names;
                let (column, name) = (shorten(&column), shorten(&name));
                Err(format!("{column}: expected {one:?}, {two:?}, {three:?} or {four:?}, found {name:?}{near}"))
            }
        };
        let types: BTreeMap<String, ReadAs> = written.into_iter().map(read).collect::<Result<_, _>>()?;
        if types.len() > MAX_COLUMNS {
            return Err(format!("expected at most {MAX_COLUMNS} columns, found {}", types.len()));
        }
        Ok(Dtypes { types, from })
    }

    /// Parses a setting, which is a JSON object.
    ///
    /// # Errors
    /// With what is wrong with it.
    pub fn of_setting(text: &str, source: String) -> Result<Dtypes, String> {
        let written = json_document::parse(text.as_bytes(), EXPECTED, Cause::BadSetting);
        Dtypes::new(written.map_err(|error| error.message().to_owned())?, DtypesFrom::Setting(source))
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.types.len()
    }

    /// The dtype of a column by name.
    pub(crate) fn of(&self, name: &str) -> Option<ReadAs> {
        self.types.get(name).copied()
    }

    /// The dtypes by the index of the column: in `names`, with the label last, or in a row of this width.
    ///
    /// # Errors
    /// [`Cause::BadColumns`] or [`Cause::BadSetting`] for a column that the model does not have.
    pub(crate) fn columns(
        &self,
        names: Option<&ColumnNames<'_>>,
        width: RequestWidth,
    ) -> Result<BTreeMap<u32, ReadAs>> {
        let column = |(name, dtype): (&String, &ReadAs)| {
            let place = match names {
                Some(names) => names.position(name),
                None => position(name, width),
            };
            match place.and_then(|place| u32::try_from(place).ok()) {
                Some(place) => Ok((place, *dtype)),
                None => Err(self.no_column(name, names, width)),
            }
        };
        self.types.iter().map(column).collect()
    }

    fn no_column(&self, name: &str, names: Option<&ColumnNames<'_>>, width: RequestWidth) -> Error {
        let (cause, source) = match &self.from {
            DtypesFrom::ColumnsJson => (Cause::BadColumns, "columns.json: dtypes"),
            DtypesFrom::Setting(source) => (Cause::BadSetting, &**source),
        };
        let known = match (names, width) {
            (Some(names), _) => {
                let near = nearest(name, names.iter().copied()).map(|near| format!("did you mean {}? ", shorten(near)));
                format!("{}the columns of the model are {}", near.unwrap_or_default(), list_names(names))
            }
            (None, RequestWidth::Exactly(width)) => {
                format!(
                    "the columns of the model have no names, they are counted from \"0\" to \"{}\"",
                    width.saturating_sub(1)
                )
            }
            (None, _) => "the columns of the model have no names, they are counted from \"0\"".to_owned(),
        };
        Error::new(cause, format!("{source}: {}: no column of the model has this name; {known}", shorten(name)))
    }
}

/// The place of a column that has no name.
fn position(written: &str, width: RequestWidth) -> Option<usize> {
    let place = written.parse::<usize>().ok().filter(|place| place.to_string() == written)?;
    let is_there = match width {
        RequestWidth::Exactly(width) => place < width,
        RequestWidth::Any | RequestWidth::AtLeast(_) => place < MAX_COLUMNS,
    };
    is_there.then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(text: &str, names: Option<&[&str]>, width: RequestWidth) -> Result<Vec<(u32, ReadAs)>, String> {
        let dtypes = Dtypes::of_setting(text, "--dtypes".to_owned())?;
        let names = names.map(|names| ColumnNames::new(names.to_vec()));
        let columns = dtypes.columns(names.as_ref(), width).map_err(|error| error.to_string())?;
        Ok(columns.into_iter().collect())
    }

    #[test]
    fn columns_are_given_by_name_or_by_number_if_they_have_no_names() {
        let names: &[&str] = &["age", "zip", "PRICE"];
        let found = columns(r#"{"zip": "str", "PRICE": "float64"}"#, Some(names), RequestWidth::Any);
        assert_eq!(found, Ok(vec![(1, ReadAs::Str), (2, ReadAs::Float64)]));
        let found = columns(r#"{"1": "bool", "0": "int64"}"#, None, RequestWidth::Exactly(2));
        assert_eq!(found, Ok(vec![(0, ReadAs::Int64), (1, ReadAs::Bool)]));
        assert_eq!(columns("{}", None, RequestWidth::Any), Ok(vec![]));
    }

    #[test]
    fn a_wrong_column_or_type_is_reported_with_the_nearest_one() {
        let names: &[&str] = &["age", "zip"];
        let source = "--dtypes";
        for (text, names, expected) in [
            (
                r#"{"zipp": "str"}"#,
                Some(names),
                format!(
                    "{source}: zipp: no column of the model has this name; did you mean zip? \
                     the columns of the model are age, zip"
                ),
            ),
            (
                r#"{"1": "str"}"#,
                Some(names),
                format!("{source}: 1: no column of the model has this name; the columns of the model are age, zip"),
            ),
            (
                r#"{"2": "str"}"#,
                None,
                format!(
                    "{source}: 2: no column of the model has this name; the columns of the model have no names, \
                     they are counted from \"0\" to \"1\""
                ),
            ),
            (
                r#"{"zip": "string"}"#,
                Some(names),
                "zip: expected \"str\", \"float64\", \"int64\" or \"bool\", found \"string\"; did you mean \"str\"?".into(),
            ),
            (
                r#"{"zip": "flot64"}"#,
                Some(names),
                "zip: expected \"str\", \"float64\", \"int64\" or \"bool\", found \"flot64\"; did you mean \"float64\"?".into(),
            ),
        ] {
            assert_eq!(columns(text, names, RequestWidth::Exactly(2)), Err(expected), "{text}");
        }
        for text in ["zip=str", "[]", "\"str\""] {
            assert!(
                columns(text, Some(names), RequestWidth::Any).unwrap_err().contains("expected an object"),
                "{text}"
            );
        }
    }
}
