//! `columns.json`: facts about the rows of a request that are not in the pickle.

use crate::artifact::builder::{LabelPosition, shorten};
use crate::artifact::work::MAX_COLUMNS;
use crate::method::Method;
use crate::preprocessor::dtypes::{Dtypes, DtypesFrom};
use crate::preprocessor::overrides::{LabelChoice, LabelSetting, Overrides};
use byoc_account::Allowance;
use byoc_formats::error::{Cause, Error, Result};
use byoc_formats::json_document;
use byoc_formats::media_types::prediction_style::JsonForm;
use byoc_formats::read_as_word;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// The names of the columns of a row without a header, and the place of its label.
///
/// ```json
/// {"columns": ["YEAR_BUILT", "DECK"], "label": "PRICE", "label_position": "last", "method": "transform",
///  "dtypes": {"YEAR_BUILT": "str"}}
/// ```
///
/// `"json"` is the form of a scorer's answers in JSON: `"list"`, or `"predictions"` as for the linear learner.
///
/// Every key may be absent or null. The label is not among the columns: a row may come with or without it. A label that
/// is null or `"none"`, rather than absent, means that rows never have one, even if the artifact suggests a label;
/// `"first"` and `"last"` are places, not names.
#[derive(Debug, Default)]
pub struct ColumnsJson {
    pub(crate) columns: Option<Vec<String>>,
    pub(crate) label: Label,
    /// The label from a setting, which overrides `label`.
    pub(crate) label_setting: Option<LabelSetting>,
    /// The method to call.
    pub method: Option<Method>,
    /// The dtypes of columns.
    pub dtypes: Option<Dtypes>,
    /// The form of a scorer's answers in JSON.
    pub json: Option<JsonForm>,
    /// The document that this was read from.
    pub(crate) source: ColumnsSource,
}

/// The document that gives the columns of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ColumnsSource {
    /// `columns.json`.
    #[default]
    ColumnsJson,
    /// `columns` and `label` of a `preprocessor.json`.
    PreprocessorJson,
}

impl ColumnsSource {
    /// The error for columns that do not fit the model, so that no request could be answered.
    pub(crate) fn mismatch(self, why: &str) -> Error {
        match self {
            ColumnsSource::ColumnsJson => {
                Error::new(Cause::BadColumns, format!("columns.json does not fit the model: {why}"))
            }
            ColumnsSource::PreprocessorJson => {
                Error::new(Cause::BadDocument, format!("columns does not fit transformer: {why}"))
            }
        }
    }
}

/// The label of a row, as specified.
#[derive(Debug, Default, PartialEq)]
pub(crate) enum Label {
    /// Not specified: the artifact may suggest one.
    #[default]
    Unspecified,
    /// `null` or `none`: a row never has a label.
    None,
    /// `first` or `last`: its place, under any name.
    AtEnd(LabelPosition),
    /// Its name and its place.
    Named(String, LabelPosition),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    columns: Option<Vec<String>>,
    /// Absent and null have different meanings.
    #[serde(default, deserialize_with = "present")]
    label: Option<Option<String>>,
    label_position: Option<WrittenPosition>,
    method: Option<Method>,
    dtypes: Option<BTreeMap<String, String>>,
    json: Option<JsonForm>,
    /// How a script passes rows to the artifact. The answer does not depend on it, so it is only checked.
    #[serde(rename = "input")]
    _input: Option<WrittenInput>,
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[derive(Clone, Copy)]
enum WrittenPosition {
    First,
    Last,
}

read_as_word! { WrittenPosition { First = "first", Last = "last" } }

#[derive(Clone, Copy)]
enum WrittenInput {
    Frame,
    Series,
    Numpy,
}

read_as_word! { WrittenInput { Frame = "frame", Series = "series", Numpy = "numpy" } }

/// The name of the file beside a pickle that names columns and their types, which a pickle does not.
pub const COLUMNS_JSON: &str = "columns.json";

/// An example of the document, for messages.
const EXPECTED: &str = "an object such as {\"columns\": [\"a\", \"b\"], \"label\": \"y\", \
                        \"label_position\": \"last\", \"method\": \"transform\"}";

impl ColumnsJson {
    /// Replaces values by those of settings.
    #[must_use]
    pub fn overridden(mut self, overrides: &Overrides) -> ColumnsJson {
        self.method = overrides.method.or(self.method);
        if let Some(dtypes) = &overrides.dtypes {
            self.dtypes = Some(dtypes.clone());
        }
        self.json = overrides.json.or(self.json);
        self.label_setting.clone_from(&overrides.label);
        self
    }

    /// Of the `columns` and the `label` of a `preprocessor.json`.
    pub fn of_document(columns: Option<Vec<String>>, label: Option<(String, LabelPosition)>) -> ColumnsJson {
        let label = label.map_or(Label::None, |(name, position)| Label::Named(name, position));
        ColumnsJson {
            columns,
            label,
            label_setting: None,
            method: None,
            dtypes: None,
            json: None,
            source: ColumnsSource::PreprocessorJson,
        }
    }

    /// Reads a `columns.json`.
    ///
    /// # Errors
    /// [`Cause::BadColumns`] for any other document, with the path of the mistake. Unknown keys and duplicate columns
    /// are refused by name.
    pub fn parse(json: &[u8], allowance: &Allowance) -> Result<ColumnsJson> {
        let wrong = |message: String| Err(Error::new(Cause::BadColumns, message));
        let Written { columns, label, label_position, method, dtypes, json: form, .. } =
            json_document::parse_within(json, EXPECTED, Cause::BadColumns, allowance)?;
        let count = columns.as_ref().map_or(0, Vec::len);
        if count > MAX_COLUMNS {
            return wrong(format!("columns: expected at most {MAX_COLUMNS} names, found {count}"));
        }
        // The set of names, while they are compared.
        let _held = allowance.hold(count.saturating_mul(2 * size_of::<&str>()))?;
        let label = label.map(|label| label.map_or(LabelChoice::None, |label| LabelChoice::parse(&label)));
        if let (Some(columns), Some(LabelChoice::Named(label))) = (&columns, &label)
            && columns.contains(label)
        {
            return wrong(format!(
                "columns: expected the columns without the label, found {:?} among them",
                shorten(label)
            ));
        }
        if let Some((at, name)) = columns.as_deref().and_then(twice) {
            return wrong(format!("columns[{at}]: expected different names, found {:?} twice", shorten(name)));
        }
        let label = match (label, label_position) {
            (None | Some(LabelChoice::None), Some(_)) => {
                return wrong("label_position: expected a label too".to_owned());
            }
            (Some(LabelChoice::First), Some(WrittenPosition::Last)) => {
                return wrong("label_position: expected \"first\" as label says, or none, found \"last\"".to_owned());
            }
            (Some(LabelChoice::Last), Some(WrittenPosition::First)) => {
                return wrong("label_position: expected \"last\" as label says, or none, found \"first\"".to_owned());
            }
            (None, None) => Label::Unspecified,
            (Some(LabelChoice::None), None) => Label::None,
            (Some(LabelChoice::First), _) => Label::AtEnd(LabelPosition::First),
            (Some(LabelChoice::Last), _) => Label::AtEnd(LabelPosition::Last),
            (Some(LabelChoice::Named(name)), Some(WrittenPosition::First)) => Label::Named(name, LabelPosition::First),
            (Some(LabelChoice::Named(name)), _) => Label::Named(name, LabelPosition::Last),
        };
        // The dtypes, while the texts that they are parsed from still exist.
        let _also_held = allowance.hold(dtypes.as_ref().map_or(0, BTreeMap::len).saturating_mul(Dtypes::BYTES))?;
        let words = dtypes.iter().flat_map(BTreeMap::values).map(|word| size_of::<String>() + word.len()).sum();
        let dtypes = match dtypes.map(|dtypes| Dtypes::new(dtypes, DtypesFrom::ColumnsJson)) {
            Some(Err(message)) => return wrong(format!("dtypes.{message}")),
            Some(Ok(dtypes)) => Some(dtypes),
            None => None,
        };
        allowance.give_back(words);
        Ok(ColumnsJson {
            columns,
            label,
            label_setting: None,
            method,
            dtypes,
            json: form,
            source: ColumnsSource::ColumnsJson,
        })
    }
}

/// The first duplicate name, with its index.
pub fn twice(names: &[String]) -> Option<(usize, &str)> {
    let mut seen = BTreeSet::new();
    names.iter().map(String::as_str).enumerate().find(|(_, name)| !seen.insert(*name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_may_be_absent_or_null_and_the_label_comes_last_by_default() {
        let parsed = ColumnsJson::parse(b"{}", &Allowance::unbounded()).unwrap();
        assert!(parsed.columns.is_none() && parsed.label == Label::Unspecified && parsed.method.is_none());
        let json = br#"{"columns": ["a", "b"], "label": "y", "label_position": null, "method": "transform", "input": "series"}"#;
        let parsed = ColumnsJson::parse(json, &Allowance::unbounded()).unwrap();
        assert_eq!(parsed.columns.unwrap(), ["a", "b"]);
        assert_eq!(parsed.label, Label::Named("y".into(), LabelPosition::Last));
        assert_eq!(ColumnsJson::parse(br#"{"label": null}"#, &Allowance::unbounded()).unwrap().label, Label::None);
        assert_eq!((parsed.method, parsed.json), (Some(Method::Transform), None));
        for (label, expected) in [
            (r#""none""#, Label::None),
            (r#""first""#, Label::AtEnd(LabelPosition::First)),
            (r#""last""#, Label::AtEnd(LabelPosition::Last)),
            (r#""first", "label_position": "first""#, Label::AtEnd(LabelPosition::First)),
            (r#""last", "label_position": "last""#, Label::AtEnd(LabelPosition::Last)),
            (r#""last", "columns": ["a", "last"]"#, Label::AtEnd(LabelPosition::Last)),
            (r#""First""#, Label::Named("First".into(), LabelPosition::Last)),
        ] {
            let json = format!("{{\"label\": {label}}}");
            assert_eq!(ColumnsJson::parse(json.as_bytes(), &Allowance::unbounded()).unwrap().label, expected, "{json}");
        }
        for form in JsonForm::ALL {
            let json = format!("{{\"json\": {:?}}}", form.name());
            assert_eq!(ColumnsJson::parse(json.as_bytes(), &Allowance::unbounded()).unwrap().json, Some(form));
        }
    }

    #[test]
    fn mistakes_are_refused_with_their_path() {
        let cases = [
            (r#"{"colums": []}"#, "unknown field `colums`"),
            (
                r#"{"method": "fit"}"#,
                "method: expected \"transform\", \"predict\", \"predict_proba\" or \"decision_function\", found \
                 \"fit\"",
            ),
            (
                r#"{"label": "y", "label_position": "middle"}"#,
                "label_position: expected \"first\" or \"last\", found \"middle\"",
            ),
            (r#"{"json": "lines"}"#, "json: expected \"list\" or \"predictions\", found \"lines\""),
            (r#"{"label_position": "last"}"#, "label_position: expected a label too"),
            (r#"{"label": "none", "label_position": "last"}"#, "label_position: expected a label too"),
            (
                r#"{"label": "first", "label_position": "last"}"#,
                "label_position: expected \"first\" as label says, or none, found \"last\"",
            ),
            (
                r#"{"label": "last", "label_position": "first"}"#,
                "label_position: expected \"last\" as label says, or none, found \"first\"",
            ),
            (
                r#"{"columns": ["a", "y"], "label": "y"}"#,
                "columns: expected the columns without the label, found \"y\" among them",
            ),
            (r#"{"columns": ["a", "b", "c", "c"]}"#, "columns[3]: expected different names, found \"c\" twice"),
            (r#"{"columns": "a,b"}"#, "columns: expected a list, found \"a,b\""),
            (r#"{"columns": ["a", 1]}"#, "columns[1]: expected text, found 1"),
            (
                r#"{"dtypes": {"zip": "object"}}"#,
                "dtypes.zip: expected \"str\", \"float64\", \"int64\" or \"bool\", found \"object\"; did you mean \
                 \"str\"?",
            ),
            (
                r#"{"dtypes": {"zip": "datetime64"}}"#,
                "dtypes.zip: expected \"str\", \"float64\", \"int64\" or \"bool\", found \"datetime64\"",
            ),
            (r#"{"dtypes": {"zip": 1}}"#, "dtypes.zip: expected text, found 1"),
            (r#"{"dtypes": ["zip"]}"#, "dtypes: expected an object, found"),
            ("[]", "expected an object such as {\"columns\": [\"a\", \"b\"]"),
            ("columns", "line 1, column 1: this is not JSON"),
        ];
        for (json, expected) in cases {
            let message = ColumnsJson::parse(json.as_bytes(), &Allowance::unbounded()).unwrap_err().to_string();
            assert!(message.contains(expected), "{json}: {message}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_ignored() {
        assert!(ColumnsJson::parse("\u{feff}{\"columns\": [\"a\"]}".as_bytes(), &Allowance::unbounded()).is_ok());
    }
}
