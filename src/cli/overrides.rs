//! Converts the settings of a scikit-learn artifact for the loader and for containers.

use byoc_sklearn::preprocessor::Overrides;

use crate::cli::settings::description::Description;
use crate::cli::settings::raw::Group as _;
use crate::cli::settings::raw::RawSettings;
use crate::cli::settings::source::Source;
use crate::cli::table::scikit_learn::ScikitLearn;

/// The settings that win over `columns.json`.
pub(super) fn from(settings: ScikitLearn) -> Overrides {
    let ScikitLearn { method, label, dtypes, scorer_json } = settings;
    Overrides { dtypes, method, label, json: scorer_json }
}

/// A setting of a scikit-learn artifact as text, for the environment of a container.
pub(super) struct GivenOverride {
    pub(super) variable: &'static str,
    pub(super) text: String,
    pub(super) source: Source,
}

impl GivenOverride {
    pub(super) fn is_from_flag(&self) -> bool {
        matches!(self.source, Source::Flag(_))
    }
}

/// The settings of a scikit-learn artifact that flags or variables set.
pub(super) fn given_overrides(raw: &RawSettings) -> Vec<GivenOverride> {
    let read = |setting: Description| {
        let (source, text) = raw.value(&setting)?;
        Some(GivenOverride { variable: setting.variables.first()?, text: text.to_string_lossy().into_owned(), source })
    };
    ScikitLearn::descriptions().into_iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use byoc_formats::media_types::prediction_style::JsonForm;
    use byoc_sklearn::preprocessor::{LabelChoice, LabelSetting};

    use super::*;
    use crate::cli::testing::raw_settings;
    use crate::env::Environment;
    use crate::error::Result;

    fn resolve(flags: &[&str], environment: &Environment) -> Result<Overrides> {
        let (settings, problems) = raw_settings("serve", flags, environment.clone()).read();
        problems.finish().map(|()| from(settings))
    }

    #[test]
    fn a_label_is_a_keyword_or_a_name_and_has_its_source() {
        let environment = Environment::from([("BYOC_LABEL", " PRICE ")]);
        let resolve = |label: Option<&str>| {
            let flag = label.map(|label| format!("--label={label}"));
            resolve(flag.as_deref().as_slice(), &environment).map(|overrides| overrides.label)
        };
        let told = |choice, source: &str| Some(LabelSetting { choice, source: source.to_owned() });
        let named = LabelChoice::Named("PRICE".to_owned());
        assert_eq!(resolve(None).unwrap(), told(named, "environment variable BYOC_LABEL"));
        assert_eq!(resolve(Some("first")).unwrap(), told(LabelChoice::First, "--label"));
        assert_eq!(resolve(Some("last")).unwrap(), told(LabelChoice::Last, "--label"));
        assert_eq!(resolve(Some("none")).unwrap(), told(LabelChoice::None, "--label"));
        let message = resolve(Some("")).unwrap_err().to_string();
        assert!(message.contains("--label is \"\": expected a column's name, first, last or none"), "{message}");
    }

    #[test]
    fn the_flag_for_a_scorers_json_form_wins_over_the_variable() {
        let environment = Environment::from([("BYOC_SCORER_JSON", " predictions ")]);
        let resolve = |environment: &Environment, form: Option<&str>| {
            let flag = form.map(|form| format!("--scorer-json={form}"));
            resolve(flag.as_deref().as_slice(), environment).map(|overrides| overrides.json)
        };
        assert_eq!(resolve(&Environment::default(), None).unwrap(), None);
        assert_eq!(resolve(&environment, None).unwrap(), Some(JsonForm::Predictions));
        assert_eq!(resolve(&environment, Some("list")).unwrap(), Some(JsonForm::List));
        let message = resolve(&environment, Some("lines")).unwrap_err().to_string();
        assert!(message.contains("--scorer-json is \"lines\": expected list or predictions"), "{message}");
    }
}
