//! `byoc transform`: a batch transform job on one machine.

use std::io::IsTerminal as _;
use std::sync::Arc;

use log::LevelFilter;

use crate::cli::containers;
use crate::cli::overrides::{GivenOverride, given_overrides};
use crate::cli::settings::problems::{InvalidValue, Problems};
use crate::cli::settings::raw::RawSettings;
use crate::cli::table::transform::{Transform, row};
use crate::env;
use crate::error::{Cause, Error, Result};
use crate::platform::environment::ContainerEnvironment;
use crate::storage::{S3Access, Storage};
use crate::telemetry::logs;
use crate::transform::{self, LaunchSettings, MISSING, Member, ModelSource, Problem};

pub(super) fn run(raw: &RawSettings) -> Result<()> {
    let is_interactive = std::io::stdout().is_terminal();
    let (settings, problems) = raw.read::<Transform>();
    let level = settings.log_level.unwrap_or(if is_interactive { LevelFilter::Warn } else { LevelFilter::Info });
    let filter = settings.log_filter.clone();
    let settings = resolve(settings, problems, raw, level, is_interactive)?;
    logs::start(level, filter.as_deref());
    if !matches!(settings.model, ModelSource::Model(_)) {
        // The variable may be set for `byoc serve`.
        for GivenOverride { variable, .. } in given_overrides(raw) {
            log::warn!("environment variable {variable} is ignored: {}", set_instead(&settings.model, variable));
        }
    }
    transform::run(settings)
}

/// Where to set the variable of a scikit-learn artifact if the model is not a single artifact.
fn set_instead(model: &ModelSource, variable: &str) -> String {
    match model {
        ModelSource::Running(url) => format!("set {variable} where the container at {url} is started"),
        _ => format!("set {variable} in the Environment of the container that it is meant for, in --model's file"),
    }
}

/// A problem with its source: a flag, a variable or the job's file.
fn with_source(problem: &Problem, raw: &RawSettings) -> String {
    let path = || problem.member.split('.');
    let is_it = |name: &str| path().next() == Some(name) || path().next_back() == Some(name);
    let member = Member::ALL.iter().find(|member| is_it(member.name()));
    let setting = member.map(|member| row(*member));
    if let Some((source, _)) = setting.and_then(|setting| raw.value(&setting)) {
        // The flag or variable names the member, except for one of several variables in Environment.
        let is_named = path().next_back() == member.map(|member| member.name());
        return if is_named { format!("{source}: {}", problem.message) } else { format!("{source}: {problem}") };
    }
    let problem_of_file = match raw.value(&Transform::job.description()) {
        Some((_, file)) => format!("{}: {problem}", file.to_string_lossy()),
        None => problem.to_string(),
    };
    match setting.and_then(|setting| setting.flag) {
        Some(flag) if problem.message == MISSING => format!("{problem_of_file}; give --{}", flag.name),
        _ => problem_of_file,
    }
}

fn resolve(
    settings: Transform,
    mut problems: Problems,
    raw: &RawSettings,
    level: LevelFilter,
    is_interactive: bool,
) -> Result<transform::Settings> {
    let is_given = |setting| raw.value(&setting).is_some();
    let is_unreadable = settings.job.is_none() && is_given(Transform::job.description());
    let mut request = settings.job.unwrap_or_default();
    for given in settings.members.0 {
        if let Err(message) = request.set(given.member, &given.text) {
            problems.add_invalid(&given.source, &given.text, InvalidValue::Other(message));
        }
    }
    let overrides = given_overrides(raw);
    match &settings.model {
        Some(model @ (ModelSource::Running(_) | ModelSource::Containers(_))) => {
            for GivenOverride { variable, source, .. } in overrides.iter().filter(|setting| setting.is_from_flag()) {
                let instead = set_instead(model, variable);
                problems.add(format!("{source} applies only to a single model: {instead}"));
            }
        }
        // The container reads them from its environment. Reading them here reports invalid ones before it starts.
        Some(ModelSource::Model(_)) | None => drop(settings.scikit_learn.read_now(raw, &mut problems)),
    }
    let job = match request.check() {
        Ok(job) => Some(job),
        // If the job's file cannot be read, missing members are no mistakes of the user.
        Err(_) if is_unreadable => None,
        Err(wrong) => {
            wrong.iter().for_each(|problem| problems.add(with_source(problem, raw)));
            None
        }
    };
    if !is_given(Transform::model.description()) {
        problems.add(format!("no model; give {}", Transform::model.flag()));
    }
    problems.finish()?;
    let (Some(mut job), Some(model)) = (job, settings.model) else {
        return Err(Error::new(Cause::Internal, "settings are missing, but no problem was reported"));
    };
    if matches!(model, ModelSource::Model(_)) {
        for setting in overrides {
            // The job's Environment wins over a variable of this process, which may be meant for another command.
            if setting.is_from_flag() || !job.has_variable(setting.variable) {
                job.set_variable(setting.variable, setting.text);
            }
        }
    }
    let mut inherited = containers::inherited(raw.environment());
    // Containers log at the level of this process.
    inherited.insert(env::SAGEMAKER_CONTAINER_LOG_LEVEL.to_owned(), level.as_str().to_ascii_lowercase());
    let launch = LaunchSettings {
        executable: containers::executable()?,
        environment: ContainerEnvironment { inherited, region: settings.region },
        health_check_timeout: settings.health_check_timeout,
        storage: Arc::new(Storage::new(S3Access::of(raw.environment()))),
    };
    Ok(transform::Settings { job, model, launch, is_interactive })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::settings::description::Default;
    use crate::cli::testing::raw_settings;
    use crate::env::Environment;

    fn read(flags: &[&str], environment: &Environment) -> Result<transform::Settings> {
        let raw = raw_settings("transform", flags, environment.clone());
        let (settings, problems) = raw.read();
        resolve(settings, problems, &raw, LevelFilter::Info, false)
    }

    #[test]
    fn flags_suffice_and_win_over_variables_and_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("job.json");
        let text = r#"{"TransformJobName": "j", "MaxPayloadInMB": 1, "BatchStrategy": "SingleRecord",
            "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "in"}}},
            "TransformOutput": {"S3OutputPath": "out"}}"#;
        std::fs::write(&file, text).unwrap();
        let (place, job) = (folder.path().to_str().unwrap(), file.to_str().unwrap());
        let model = "http://127.0.0.1:1";
        let flags = ["--input", place, "--output", place, "--model", model];
        assert_eq!(read(&flags, &Environment::default()).unwrap().job.name, "transform");

        let flags = ["--job", job, "--model", model];
        let environment = Environment::from([("BYOC_TRANSFORM_MAX_PAYLOAD_IN_MB", "2")]);
        let from_file = read(&flags, &Environment::default()).unwrap();
        let from_variable = read(&flags, &environment).unwrap();
        let from_flag = read(&[&flags[..], &["--max-payload-in-mb", "3"]].concat(), &environment).unwrap();
        let payloads = [from_file, from_variable, from_flag].map(|settings| format!("{:?}", settings.job));
        for (job, expected) in payloads.iter().zip(["Some(1)", "Some(2)", "Some(3)"]) {
            assert!(job.contains(&format!("max_payload_in_mb: {expected}")), "{job}");
            assert!(job.contains("SingleRecord"), "{job}");
        }
    }

    #[test]
    fn the_tables_defaults_equal_the_jobs_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().to_str().unwrap();
        let flags = ["--input", place, "--output", place, "--model", "http://127.0.0.1:1"];
        let without = read(&flags, &Environment::default()).unwrap().job;
        let mut defaults = 0;
        for member in Member::ALL {
            let setting = row(*member);
            let (Some(flag), Default::Value(text)) = (setting.flag, setting.default) else { continue };
            let explicit = format!("--{}={text}", flag.name);
            let with = read(&[&flags[..], &[&explicit]].concat(), &Environment::default()).unwrap().job;
            assert_eq!(with, without, "{explicit}");
            defaults += 1;
        }
        assert_eq!(defaults, 9);
    }

    #[test]
    fn all_invalid_settings_are_reported_at_once() {
        let flags = ["--model", "/none/model", "--split-type", "Lines", "--job", "/none/job.json"];
        let environment = Environment::from([("BYOC_TRANSFORM_INVOCATIONS_MAX_RETRIES", "many")]);
        let error = read(&flags, &environment).unwrap_err();
        for part in ["4 settings are wrong", "--job", "--split-type is \"Lines\"", "--model", "MAX_RETRIES is \"many\""]
        {
            assert!(error.message().contains(part), "{part}: {error}");
        }
        let error = read(&[], &Environment::default()).unwrap_err();
        for part in ["S3DataSource.S3Uri: missing; give --input", "missing; give --output", "no model; give --model"] {
            assert!(error.message().contains(part), "{part}: {error}");
        }
    }

    #[test]
    fn a_problem_names_its_flag_variable_or_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("job.json");
        std::fs::write(&file, r#"{"ModelClientConfig": {"InvocationsMaxRetries": 9}, "TransformJobName": "a_b"}"#)
            .unwrap();
        let file = file.to_str().unwrap();
        let flags = [
            "--job",
            file,
            "--model=http://127.0.0.1:1",
            "--max-payload-in-mb=200",
            "--split-type=Lines",
            "--content-type=text/csv",
            "--accept=text/csv",
            "--input-filter=$.a",
            "--environment=1A=x",
        ];
        let environment = Environment::from([("BYOC_TRANSFORM_INVOCATIONS_TIMEOUT_IN_SECONDS", "0")]);
        let error = read(&flags, &environment).unwrap_err();
        for part in [
            "--split-type is \"Lines\"".to_owned(),
            "--max-payload-in-mb: 200; give 0 to 100".to_owned(),
            "--input-filter: Invalid InputFilter".to_owned(),
            "--environment: Environment.1A: a variable's name".to_owned(),
            "environment variable BYOC_TRANSFORM_INVOCATIONS_TIMEOUT_IN_SECONDS: 0; give 1 to 3600".to_owned(),
            format!("{file}: ModelClientConfig.InvocationsMaxRetries: 9; give 0 to 3"),
            format!("{file}: TransformJobName: \"a_b\""),
            format!("{file}: TransformOutput.S3OutputPath: missing; give --output"),
        ] {
            assert!(error.message().contains(&part), "{part}: {error}");
        }
    }
}
