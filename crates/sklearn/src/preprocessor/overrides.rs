//! Settings of the command line and the environment for a scikit-learn artifact, which win over `columns.json`.

use crate::method::Method;
use crate::preprocessor::dtypes::Dtypes;
use byoc_formats::media_types::prediction_style::JsonForm;

/// What a flag or a variable says of a scikit-learn artifact; each member wins over the same of `columns.json`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    /// The method that answers; what the artifact says if `None`.
    pub method: Option<Method>,
    /// Which column of a row is the label; what the artifact says if `None`.
    pub label: Option<LabelSetting>,
    /// The types of columns; what `columns.json` says if `None`.
    pub dtypes: Option<Dtypes>,
    /// What a scorer's answers are in JSON; what `columns.json` says if `None`.
    pub json: Option<JsonForm>,
}

/// The label of a row, as a setting says it.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelSetting {
    /// What is said.
    pub choice: LabelChoice,
    /// Who says it, for messages: `--label` or a variable.
    pub source: String,
}

/// What may be said of the label of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum LabelChoice {
    /// It is the column of this name.
    Named(String),
    /// It comes first, before the columns that the model was fitted on.
    First,
    /// It comes last, behind them.
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
