//! What a flag or a variable says of a scikit-learn artifact: the same for every command that loads one itself.

use clap::Args;

use crate::cli::settings::Settings;
use crate::env::{self, Environment};
use byoc_formats::rows::EstimatesForm;
use byoc_formats::suggest;
use byoc_sklearn::preprocessor::{Dtypes, LabelChoice, Method, Overrides, ToldLabel};

/// The flags that win over `columns.json`.
#[derive(Args, Debug, Default)]
pub(super) struct OverrideArguments {
    /// Method of a scikit-learn artifact that answers: transform, predict, predict_proba or decision_function [env: BYOC_METHOD] [default: that of columns.json, else predict of an estimator]
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,
    /// Label of a scikit-learn artifact's rows: a column's name, none, or first or last where the model was fitted without it [env: BYOC_LABEL] [default: that of columns.json, else a column of numbers at an end that nothing uses]
    #[arg(long, value_name = "LABEL")]
    label: Option<String>,
    /// Types of columns of a scikit-learn artifact, str, float64, int64 or bool: '{"zip": "str"}' [env: BYOC_DTYPES] [default: those of columns.json, else what was fitted shows and cells look like]
    #[arg(long, value_name = "JSON")]
    dtypes: Option<String>,
    /// What a scorer's answers are in JSON: list, as of AWS's scikit-learn container, or predictions, as of the linear learner [env: BYOC_SCORER_JSON] [default: that of columns.json, else list]
    #[arg(long, value_name = "FORM")]
    scorer_json: Option<String>,
}

/// A setting that somebody made, as it was written.
pub(super) struct Said {
    pub(super) flag: &'static str,
    pub(super) variable: &'static str,
    pub(super) text: String,
    /// Whether by the flag.
    pub(super) is_typed: bool,
}

impl OverrideArguments {
    /// What is said, by flags, else by the environment, for a container that reads it from its own.
    pub(super) fn said(&self, environment: &Environment) -> Vec<Said> {
        let settings = [
            ("method", &self.method, env::BYOC_METHOD),
            ("label", &self.label, env::BYOC_LABEL),
            ("dtypes", &self.dtypes, env::BYOC_DTYPES),
            ("scorer-json", &self.scorer_json, env::BYOC_SCORER_JSON),
        ];
        let said = |(flag, typed, variable): (&'static str, &Option<String>, &'static str)| {
            let text = typed.as_deref().or_else(|| environment.get(variable))?.to_owned();
            Some(Said { flag, variable, text, is_typed: typed.is_some() })
        };
        settings.into_iter().filter_map(said).collect()
    }

    /// What the flags say, else the environment.
    pub(super) fn resolve(&self, settings: &mut Settings<'_>) -> Overrides {
        let label_source = match self.label {
            Some(_) => "--label".to_owned(),
            None => format!("environment variable {}", env::BYOC_LABEL),
        };
        let label = settings.get(("label", self.label.as_deref()), &[env::BYOC_LABEL], label);
        let dtypes_source = match self.dtypes {
            Some(_) => "--dtypes".to_owned(),
            None => format!("environment variable {}", env::BYOC_DTYPES),
        };
        let dtypes = settings.get(("dtypes", self.dtypes.as_deref()), &[env::BYOC_DTYPES], |text| {
            Dtypes::of_setting(text, dtypes_source.clone())
        });
        Overrides {
            dtypes,
            method: settings.get(("method", self.method.as_deref()), &[env::BYOC_METHOD], method),
            label: label.map(|choice| ToldLabel { choice, source: label_source }),
            json: settings.get(("scorer-json", self.scorer_json.as_deref()), &[env::BYOC_SCORER_JSON], form),
        }
    }
}

fn method(text: &str) -> Result<Method, String> {
    let names = || Method::ALL.map(Method::name).join(", ");
    Method::from_name(text.trim()).ok_or_else(|| {
        format!("{}expected one of {}", suggest::did_you_mean(text.trim(), Method::ALL.map(Method::name)), names())
    })
}

fn form(text: &str) -> Result<EstimatesForm, String> {
    let names = || EstimatesForm::ALL.map(EstimatesForm::name).join(" or ");
    EstimatesForm::from_name(text.trim()).ok_or_else(|| {
        format!(
            "{}expected {}",
            suggest::did_you_mean(text.trim(), EstimatesForm::ALL.map(EstimatesForm::name)),
            names()
        )
    })
}

fn label(text: &str) -> Result<LabelChoice, String> {
    match text.trim() {
        "" => Err("expected a column's name, first, last or none".to_owned()),
        text => Ok(LabelChoice::parse(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_a_word_or_a_name_and_knows_who_said_it() {
        let environment = Environment::from([("BYOC_LABEL", " PRICE ")]);
        let resolve = |label: Option<&str>| {
            let mut settings = Settings::new(&environment);
            let arguments = OverrideArguments { label: label.map(str::to_owned), ..OverrideArguments::default() };
            let overrides = arguments.resolve(&mut settings);
            settings.finish().map(|()| overrides.label)
        };
        let told = |choice, source: &str| Some(ToldLabel { choice, source: source.to_owned() });
        let named = LabelChoice::Named("PRICE".to_owned());
        assert_eq!(resolve(None).unwrap(), told(named, "environment variable BYOC_LABEL"));
        assert_eq!(resolve(Some("first")).unwrap(), told(LabelChoice::First, "--label"));
        assert_eq!(resolve(Some("last")).unwrap(), told(LabelChoice::Last, "--label"));
        assert_eq!(resolve(Some("none")).unwrap(), told(LabelChoice::None, "--label"));
        let message = resolve(Some("")).unwrap_err().to_string();
        assert!(message.contains("--label is \"\": expected a column's name, first, last or none"), "{message}");
    }

    #[test]
    fn the_flag_for_the_form_of_a_scorers_answers_wins_over_the_variable() {
        let environment = Environment::from([("BYOC_SCORER_JSON", " predictions ")]);
        let resolve = |environment: &Environment, form: Option<&str>| {
            let mut settings = Settings::new(environment);
            let arguments = OverrideArguments { scorer_json: form.map(str::to_owned), ..OverrideArguments::default() };
            let overrides = arguments.resolve(&mut settings);
            settings.finish().map(|()| overrides.json)
        };
        assert_eq!(resolve(&Environment::default(), None).unwrap(), None);
        assert_eq!(resolve(&environment, None).unwrap(), Some(EstimatesForm::Predictions));
        assert_eq!(resolve(&environment, Some("list")).unwrap(), Some(EstimatesForm::List));
        let message = resolve(&environment, Some("lines")).unwrap_err().to_string();
        assert!(message.contains("--scorer-json is \"lines\": expected list or predictions"), "{message}");
    }
}
