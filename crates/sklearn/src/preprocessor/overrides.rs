//! Settings of the command line and the environment for a scikit-learn artifact, which override `columns.json`.

use crate::method::Method;
use crate::preprocessor::dtypes::Dtypes;
use byoc_formats::media_types::prediction_style::JsonForm;

/// Settings by flags or variables; each member overrides that of `columns.json`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    /// The method; that of the artifact if `None`.
    pub method: Option<Method>,
    /// The label; that of the artifact if `None`.
    pub label: Option<LabelSetting>,
    /// The dtypes of columns; those of `columns.json` if `None`.
    pub dtypes: Option<Dtypes>,
    /// The form of a scorer's answers in JSON; that of `columns.json` if `None`.
    pub json: Option<JsonForm>,
}

/// The label of a row by a setting.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelSetting {
    /// The value.
    pub choice: LabelChoice,
    /// The source, for messages: `--label` or a variable.
    pub source: String,
}

/// The possible values.
#[derive(Clone, Debug, PartialEq)]
pub enum LabelChoice {
    /// It is the column of this name.
    Named(String),
    /// It comes first, before the columns that the model was fitted on.
    First,
    /// It comes last, after them.
    Last,
    /// Rows have no label.
    None,
}

impl LabelChoice {
    /// The label that a setting or `columns.json` names: `first`, `last`, `none`, or a column.
    pub fn parse(text: &str) -> LabelChoice {
        match text {
            "first" => LabelChoice::First,
            "last" => LabelChoice::Last,
            "none" => LabelChoice::None,
            name => LabelChoice::Named(name.to_owned()),
        }
    }
}
