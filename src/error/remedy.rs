//! The flags, variables and files that apply a [`Remedy`].

use byoc_formats::error::Remedy;

/// The end of an error message that says what to set.
pub fn sentence(remedy: &Remedy) -> String {
    match remedy {
        Remedy::LabelAtAnEnd => {
            "if rows also have the label, set its position: --label first or last, or BYOC_LABEL".to_owned()
        }
        Remedy::LabelByName => "if rows do not have the label, set its column: --label NAME, or BYOC_LABEL".to_owned(),
        Remedy::IsLabel(name) => format!(
            "if it is not the label, set --label none (BYOC_LABEL=none, or {{\"label\": null}} in a columns.json \
             beside the artifact), and if it is, --label {name}"
        ),
        Remedy::IsText(Some(name)) => {
            let dtypes = serde_json::json!({name: "str"});
            format!(
                "set its type: --dtypes '{dtypes}' (BYOC_DTYPES, or {{\"dtypes\": {dtypes}}} in a columns.json beside \
                 the artifact)"
            )
        }
        Remedy::IsText(None) => {
            "set its type to \"str\" with --dtypes, BYOC_DTYPES or dtypes of a columns.json beside the artifact"
                .to_owned()
        }
        Remedy::FitSpecification => "byoc train writes that document from the specification".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use byoc_formats::error;

    #[test]
    fn a_converted_error_ends_with_the_settings_that_fix_it() {
        let error = error::Error::bad_payload("expected rows of 2 columns, found 3").remedied_by(Remedy::LabelAtAnEnd);
        assert_eq!(error.to_string(), "expected rows of 2 columns, found 3");
        let expected = "expected rows of 2 columns, found 3; if rows also have the label, set its position: --label \
                        first or last, or BYOC_LABEL";
        assert_eq!(Error::from(error).to_string(), expected);
    }

    #[test]
    fn a_dtype_is_shown_as_json() {
        let said = sentence(&Remedy::IsText(Some("a \"b\"".to_owned())));
        assert!(said.contains(r#"--dtypes '{"a \"b\"":"str"}' (BYOC_DTYPES, or "#), "{said}");
    }
}
