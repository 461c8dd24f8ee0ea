//! Settings for scikit-learn artifacts, shared by all commands that load one.

use byoc_formats::media_types::prediction_style::JsonForm;
use byoc_formats::suggest;
use byoc_sklearn::method::Method;
use byoc_sklearn::preprocessor::{Dtypes, LabelChoice, LabelSetting};

use crate::cli::settings::problems::InvalidValue;
use crate::cli::settings::row::{Optional, flag};
use crate::cli::settings::settings;
use crate::cli::settings::source::Source;

settings! {
    /// Settings that win over `columns.json`
    pub(in crate::cli) struct ScikitLearn {
        /// Method of a scikit-learn artifact to call: transform, predict, predict_proba or decision_function
        method: Optional<Method> = flag("method", "METHOD")
            .variables(&["BYOC_METHOD"])
            .parse(method)
            .otherwise("that of columns.json, else predict for an estimator and transform for anything else");

        /// Label column of the rows of a scikit-learn artifact: a column's name, none, or first or last if the model
        /// was fitted without it
        ///
        /// With a column's name, rows have the columns that the model was fitted on (or those of `columns.json`), with
        /// or without the label. With `first` or `last`, rows have the columns that the model was fitted on, optionally
        /// preceded or followed by the label. With `none`, all columns are features.
        label: Optional<LabelSetting> = flag("label", "LABEL")
            .variables(&["BYOC_LABEL"])
            .parse_sourced(label)
            .otherwise("that of columns.json, else a numeric first or last column that no transformer uses");

        /// Types of a scikit-learn artifact's columns, each str, float64, int64 or bool: '{"zip": "str"}'
        dtypes: Optional<Dtypes> = flag("dtypes", "JSON")
            .variables(&["BYOC_DTYPES"])
            .parse_sourced(dtypes)
            .otherwise("those of columns.json, else inferred from the fitted model and the cells");

        /// JSON form of a scorer's responses: list, as in AWS's scikit-learn container, or predictions, as in the
        /// linear learner
        scorer_json: Optional<JsonForm> = flag("scorer-json", "FORM")
            .variables(&["BYOC_SCORER_JSON"])
            .parse(form)
            .otherwise("that of columns.json, else list");
    }
}

fn method(text: &str) -> Result<Method, InvalidValue> {
    let names = || Method::ALL.map(Method::name).join(", ");
    Method::from_name(text.trim()).ok_or_else(|| {
        format!("{}expected one of {}", suggest::did_you_mean(text.trim(), Method::ALL.map(Method::name)), names())
            .into()
    })
}

fn form(text: &str) -> Result<JsonForm, InvalidValue> {
    let names = || JsonForm::ALL.map(JsonForm::name).join(" or ");
    JsonForm::from_name(text.trim()).ok_or_else(|| {
        format!("{}expected {}", suggest::did_you_mean(text.trim(), JsonForm::ALL.map(JsonForm::name)), names()).into()
    })
}

fn label(text: &str, source: Source) -> Result<LabelSetting, InvalidValue> {
    match text.trim() {
        "" => Err("expected a column's name, first, last or none".into()),
        text => Ok(LabelSetting { choice: LabelChoice::parse(text), source: source.to_string() }),
    }
}

fn dtypes(text: &str, source: Source) -> Result<Dtypes, InvalidValue> {
    Ok(Dtypes::of_setting(text, source.to_string())?)
}
