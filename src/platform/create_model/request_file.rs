//! Files of requests that flags name, and which flag a file is for.

use serde_json::Value;

/// A file that a flag names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileOf {
    /// The JSON of an endpoint, for `byoc endpoint --config`.
    Endpoint,
    /// The JSON of CreateTransformJob, for `byoc transform --job`.
    TransformJob,
    /// Principals and their policies, for `byoc endpoint --iam`.
    Iam,
}

impl FileOf {
    /// Members of the top level that only this file has, and what the file is.
    const ALL: [(FileOf, &[&str], &str); 3] = [
        (
            FileOf::Endpoint,
            &["EndpointName", "PrimaryContainer", "Containers", "ProductionVariants"],
            "the configuration of an endpoint, for byoc endpoint --config",
        ),
        (
            FileOf::TransformJob,
            &["TransformInput", "TransformOutput", "TransformResources"],
            "the request of CreateTransformJob, for byoc transform --job",
        ),
        (FileOf::Iam, &["Principals"], "a file of principals, for byoc endpoint --iam"),
    ];

    /// Refuses a file that belongs to another flag, instead of reporting each of its members.
    ///
    /// # Errors
    /// What the file is, and for which flag.
    pub(crate) fn check(self, text: &str) -> Result<(), String> {
        let Ok(Value::Object(members)) = serde_json::from_str(text) else { return Ok(()) };
        let has = |names: &[&str]| names.iter().any(|name| members.contains_key(*name));
        if FileOf::ALL.iter().any(|(file, names, _)| *file == self && has(names)) {
            return Ok(());
        }
        let other = FileOf::ALL.iter().find(|(_, names, _)| has(names));
        other.map_or(Ok(()), |(_, _, what)| Err(format!("this is {what}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_another_flag_is_refused_with_the_flag_that_it_is_for() {
        let config = r#"{"EndpointName": "e", "PrimaryContainer": {}}"#;
        let job = r#"{"TransformInput": {}, "Tags": []}"#;
        let iam = r#"{"Account": "123456789012", "Principals": []}"#;
        for (file, text, flag) in [
            (FileOf::Endpoint, job, "byoc transform --job"),
            (FileOf::Endpoint, iam, "byoc endpoint --iam"),
            (FileOf::TransformJob, config, "byoc endpoint --config"),
            (FileOf::Iam, job, "byoc transform --job"),
        ] {
            let message = file.check(text).unwrap_err();
            assert!(message.starts_with("this is ") && message.ends_with(flag), "{message}");
        }
        for (file, text) in [(FileOf::Endpoint, config), (FileOf::TransformJob, job), (FileOf::Iam, iam)] {
            assert_eq!(file.check(text), Ok(()));
            assert_eq!(file.check("{}"), Ok(()));
        }
    }
}
