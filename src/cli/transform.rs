//! `byoc transform`: a batch transform job on one machine.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use crate::cli::overrides::{OverrideArguments, Said};
use crate::cli::settings::{Settings, number, text};
use crate::env::{self, Environment};
use crate::error::{Cause, Error, Result};
use crate::platform::environment::ContainerEnvironment;
use crate::storage::{S3Access, Storage};
use crate::telemetry::logs;
use crate::transform::{self, LaunchSettings, MISSING, ModelSource, Problem, Request};

/// Run a batch transform job: each object of a folder or of S3 through a model, to an object.out
#[derive(Args, Debug, Default)]
pub(super) struct Arguments {
    /// The job as CreateTransformJob has it, in JSON; S3Uri and S3OutputPath may be paths, relative to the file; flags win over it [env: BYOC_TRANSFORM_JOB]
    #[arg(long, value_name = "FILE")]
    job: Option<String>,
    /// A model's folder, archive or file such as model.joblib (also s3://…), a .json file with CreateModel's request for a pipeline, or the URL of a container that runs [env: BYOC_TRANSFORM_MODEL]
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// S3Uri: a folder, a file, an s3:// prefix, or a manifest [env: BYOC_TRANSFORM_INPUT]
    #[arg(long, value_name = "PLACE")]
    input: Option<String>,
    /// S3Prefix or ManifestFile [env: BYOC_TRANSFORM_S3_DATA_TYPE] [default: S3Prefix]
    #[arg(long, value_name = "TYPE")]
    s3_data_type: Option<String>,
    /// Content-Type of requests [env: BYOC_TRANSFORM_CONTENT_TYPE] [default: none is sent]
    #[arg(long, value_name = "MEDIA_TYPE")]
    content_type: Option<String>,
    /// None or Gzip [env: BYOC_TRANSFORM_COMPRESSION_TYPE] [default: None]
    #[arg(long, value_name = "TYPE")]
    compression_type: Option<String>,
    /// What a record is: None (the object), Line, RecordIO or TFRecord [env: BYOC_TRANSFORM_SPLIT_TYPE] [default: None]
    #[arg(long, value_name = "TYPE")]
    split_type: Option<String>,
    /// S3OutputPath: a folder or an s3:// prefix [env: BYOC_TRANSFORM_OUTPUT]
    #[arg(long, value_name = "PLACE")]
    output: Option<String>,
    /// Accept of requests [env: BYOC_TRANSFORM_ACCEPT] [default: none is sent]
    #[arg(long, value_name = "MEDIA_TYPE")]
    accept: Option<String>,
    /// What stands after each answer: None or Line [env: BYOC_TRANSFORM_ASSEMBLE_WITH] [default: None]
    #[arg(long, value_name = "TYPE")]
    assemble_with: Option<String>,
    /// MultiRecord or SingleRecord [env: BYOC_TRANSFORM_BATCH_STRATEGY] [default: the container's wish, else MultiRecord]
    #[arg(long, value_name = "STRATEGY")]
    batch_strategy: Option<String>,
    /// Most MiB of a request, up to 100; 0 streams whole objects [env: BYOC_TRANSFORM_MAX_PAYLOAD_IN_MB] [default: the container's wish, else 6; then requests of several records have at most 1]
    #[arg(long, value_name = "MB")]
    max_payload_in_mb: Option<String>,
    /// Requests sent at once [env: BYOC_TRANSFORM_MAX_CONCURRENT_TRANSFORMS] [default: the container's wish, else 1]
    #[arg(long, value_name = "COUNT")]
    max_concurrent_transforms: Option<String>,
    /// JSONPath of what the container sees of a record [env: BYOC_TRANSFORM_INPUT_FILTER] [default: $]
    #[arg(long, value_name = "PATH")]
    input_filter: Option<String>,
    /// None, or Input to join each answer with its record [env: BYOC_TRANSFORM_JOIN_SOURCE] [default: None]
    #[arg(long, value_name = "SOURCE")]
    join_source: Option<String>,
    /// JSONPath of what is written of an answer, after the join [env: BYOC_TRANSFORM_OUTPUT_FILTER] [default: $]
    #[arg(long, value_name = "PATH")]
    output_filter: Option<String>,
    /// Seconds that an invocation may take [env: BYOC_TRANSFORM_INVOCATIONS_TIMEOUT_IN_SECONDS] [default: 600]
    #[arg(long, value_name = "SECONDS")]
    invocations_timeout_in_seconds: Option<String>,
    /// How often an invocation is tried again, up to 3 times [env: BYOC_TRANSFORM_INVOCATIONS_MAX_RETRIES] [default: 3]
    #[arg(long, value_name = "COUNT")]
    invocations_max_retries: Option<String>,
    /// Variables of the containers, NAME=VALUE, separated by commas; may be repeated [env: BYOC_TRANSFORM_ENVIRONMENT]
    #[arg(long, value_name = "NAME=VALUE,…")]
    environment: Vec<String>,
    #[command(flatten)]
    overrides: OverrideArguments,
    /// Seconds that a container may take until it is healthy [env: BYOC_HEALTH_CHECK_TIMEOUT_SECONDS] [default: 480]
    #[arg(long, value_name = "SECONDS")]
    health_check_timeout: Option<String>,
    /// What to log: error, warning, info, debug, trace, or Python's numbers [env: SAGEMAKER_CONTAINER_LOG_LEVEL] [default: info; warning at a terminal]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

/// What a container may see of our environment: where programs, home and temporary files are, and what to log.
const INHERITED: [&str; 5] = ["PATH", "HOME", "TMPDIR", env::RUST_LOG, env::SAGEMAKER_CONTAINER_LOG_LEVEL];
const DEFAULT_REGION: &str = "us-east-1";
/// Seconds that a container may take until it is healthy, as the platform has it, and the most that the platform grants.
const DEFAULT_HEALTH_CHECK: u64 = 480;
const LONGEST_HEALTH_CHECK: u64 = 3600;

pub(super) fn run(arguments: &Arguments, environment: &Environment) -> Result<()> {
    let is_watched = std::io::stdout().is_terminal();
    let (settings, level) = arguments.resolve(environment, is_watched)?;
    logs::start(level, environment.get(env::RUST_LOG));
    if !matches!(settings.model, ModelSource::Model(_)) {
        for said in arguments.overrides.said(environment) {
            // It may be there for `byoc serve`.
            let Said { variable, .. } = said;
            log::warn!("environment variable {variable} is passed over: {}", say_instead(&settings.model, variable));
        }
    }
    transform::run(settings)
}

/// Where a setting of a scikit-learn artifact is said to a model that is not one artifact.
fn say_instead(model: &ModelSource, variable: &str) -> String {
    match model {
        ModelSource::Running(url) => format!("set {variable} where the container at {url} is started"),
        _ => format!(
            "of several containers, set {variable} in the Environment of the one that it is for, in --model's file"
        ),
    }
}

impl Arguments {
    /// Flags, variables and members of the API's request that are one.
    fn members(&self) -> [(&'static str, Option<String>, &'static str, &'static str); 17] {
        [
            ("input", self.input.clone(), env::BYOC_TRANSFORM_INPUT, "S3Uri"),
            ("s3-data-type", self.s3_data_type.clone(), env::BYOC_TRANSFORM_S3_DATA_TYPE, "S3DataType"),
            ("content-type", self.content_type.clone(), env::BYOC_TRANSFORM_CONTENT_TYPE, "ContentType"),
            (
                "compression-type",
                self.compression_type.clone(),
                env::BYOC_TRANSFORM_COMPRESSION_TYPE,
                "CompressionType",
            ),
            ("split-type", self.split_type.clone(), env::BYOC_TRANSFORM_SPLIT_TYPE, "SplitType"),
            ("output", self.output.clone(), env::BYOC_TRANSFORM_OUTPUT, "S3OutputPath"),
            ("accept", self.accept.clone(), env::BYOC_TRANSFORM_ACCEPT, "Accept"),
            ("assemble-with", self.assemble_with.clone(), env::BYOC_TRANSFORM_ASSEMBLE_WITH, "AssembleWith"),
            ("batch-strategy", self.batch_strategy.clone(), env::BYOC_TRANSFORM_BATCH_STRATEGY, "BatchStrategy"),
            (
                "max-payload-in-mb",
                self.max_payload_in_mb.clone(),
                env::BYOC_TRANSFORM_MAX_PAYLOAD_IN_MB,
                "MaxPayloadInMB",
            ),
            (
                "max-concurrent-transforms",
                self.max_concurrent_transforms.clone(),
                env::BYOC_TRANSFORM_MAX_CONCURRENT_TRANSFORMS,
                "MaxConcurrentTransforms",
            ),
            ("input-filter", self.input_filter.clone(), env::BYOC_TRANSFORM_INPUT_FILTER, "InputFilter"),
            ("join-source", self.join_source.clone(), env::BYOC_TRANSFORM_JOIN_SOURCE, "JoinSource"),
            ("output-filter", self.output_filter.clone(), env::BYOC_TRANSFORM_OUTPUT_FILTER, "OutputFilter"),
            (
                "invocations-timeout-in-seconds",
                self.invocations_timeout_in_seconds.clone(),
                env::BYOC_TRANSFORM_INVOCATIONS_TIMEOUT_IN_SECONDS,
                "InvocationsTimeoutInSeconds",
            ),
            (
                "invocations-max-retries",
                self.invocations_max_retries.clone(),
                env::BYOC_TRANSFORM_INVOCATIONS_MAX_RETRIES,
                "InvocationsMaxRetries",
            ),
            (
                "environment",
                (!self.environment.is_empty()).then(|| self.environment.join(",")),
                env::BYOC_TRANSFORM_ENVIRONMENT,
                "Environment",
            ),
        ]
    }

    /// A problem with where its member was set: by a flag, a variable or the job's file.
    fn placed(&self, problem: &Problem, environment: &Environment) -> String {
        let file = self.job.as_deref().or_else(|| environment.get(env::BYOC_TRANSFORM_JOB));
        let of_file = || file.map_or_else(|| problem.to_string(), |file| format!("{file}: {problem}"));
        let mut path = problem.member.split('.');
        let (first, last) = (problem.member.split('.').next(), path.next_back());
        let is_it = |member: &str| last == Some(member) || first == Some(member);
        let Some((flag, typed, variable, _)) = self.members().into_iter().find(|(.., member)| is_it(member)) else {
            return of_file();
        };
        if typed.is_some() {
            return format!("--{flag}: {problem}");
        }
        if environment.get(variable).is_some() {
            return format!("environment variable {variable}: {problem}");
        }
        if problem.message == MISSING { format!("{}; give --{flag}", of_file()) } else { of_file() }
    }

    fn resolve(&self, environment: &Environment, is_watched: bool) -> Result<(transform::Settings, log::LevelFilter)> {
        let mut settings = Settings::new(environment);
        let request = settings.get(("job", self.job.as_deref()), &[env::BYOC_TRANSFORM_JOB], |file| {
            Request::read(Path::new(file)).map(std::cell::RefCell::new)
        });
        let has_job = self.job.is_some() || environment.get(env::BYOC_TRANSFORM_JOB).is_some();
        let is_unreadable = has_job && request.is_none();
        let request = request.unwrap_or_default();
        for (flag, typed, variable, member) in self.members() {
            settings.get((flag, typed.as_deref()), &[variable], |text| request.borrow_mut().set(member, text));
        }
        let model = settings.get(("model", self.model.as_deref()), &[env::BYOC_TRANSFORM_MODEL], ModelSource::parse);
        let named = self.model.as_deref().or_else(|| environment.get(env::BYOC_TRANSFORM_MODEL));
        if model.is_none() && named.is_some_and(|name| !name.contains("://") && !Path::new(name).exists()) {
            settings.last_was_missing();
        }
        let said = self.overrides.said(environment);
        match &model {
            Some(model @ (ModelSource::Running(_) | ModelSource::Containers(_))) => {
                for Said { flag, variable, .. } in said.iter().filter(|said| said.is_typed) {
                    let instead = say_instead(model, variable);
                    settings.problem(format!("--{flag} is for one model that a container is started for: {instead}"));
                }
            }
            // The container reads them from its environment; what makes no sense is said before it starts.
            Some(ModelSource::Model(_)) | None => drop(self.overrides.resolve(&mut settings)),
        }
        let health_check = settings.get(
            ("health-check-timeout", self.health_check_timeout.as_deref()),
            &[env::BYOC_HEALTH_CHECK_TIMEOUT_SECONDS],
            number(1, LONGEST_HEALTH_CHECK),
        );
        let level = settings.get(
            ("log-level", self.log_level.as_deref()),
            &[env::SAGEMAKER_CONTAINER_LOG_LEVEL],
            logs::parse_level,
        );
        let region = settings.get(("", None), &[env::AWS_REGION, env::AWS_DEFAULT_REGION], text);
        let job = match request.into_inner().check() {
            Ok(job) => Some(job),
            // Of a file that cannot be read nobody knows what it says.
            Err(_) if is_unreadable => None,
            Err(problems) => {
                problems.iter().for_each(|problem| settings.problem(self.placed(problem, environment)));
                None
            }
        };
        if self.model.is_none() && environment.get(env::BYOC_TRANSFORM_MODEL).is_none() {
            settings.problem("no model; give --model".to_owned());
        }
        settings.finish()?;
        let (Some(mut job), Some(model)) = (job, model) else {
            return Err(Error::new(Cause::Internal, "settings are missing, and nothing is wrong with them"));
        };
        if matches!(model, ModelSource::Model(_)) {
            for Said { variable, text, is_typed, .. } in said {
                // What the job's own Environment says is meant for this job, and a variable of ours may not be.
                if is_typed || !job.has_variable(variable) {
                    job.set_variable(variable, text);
                }
            }
        }
        let executable = std::env::current_exe()
            .map_err(|error| Error::new(Cause::Io, format!("could not find this program's own file: {error}")))?;
        let level = level.unwrap_or(if is_watched { log::LevelFilter::Warn } else { log::LevelFilter::Info });
        let set = |name: &str| Some((name.to_owned(), environment.get(name)?.to_owned()));
        let mut inherited: BTreeMap<String, String> = INHERITED.into_iter().filter_map(set).collect();
        // The containers say as much as we do.
        inherited.insert(env::SAGEMAKER_CONTAINER_LOG_LEVEL.to_owned(), level.as_str().to_ascii_lowercase());
        let launch = LaunchSettings {
            executable,
            environment: ContainerEnvironment {
                inherited,
                region: region.unwrap_or_else(|| DEFAULT_REGION.to_owned()),
            },
            health_check_timeout: Duration::from_secs(health_check.unwrap_or(DEFAULT_HEALTH_CHECK)),
            storage: Arc::new(Storage::new(S3Access::of(environment))),
        };
        Ok((transform::Settings { job, model, launch, is_watched }, level))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_all_that_is_needed_and_win_over_variables_and_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("job.json");
        let text = r#"{"TransformJobName": "j", "MaxPayloadInMB": 1, "BatchStrategy": "SingleRecord",
            "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "in"}}},
            "TransformOutput": {"S3OutputPath": "out"}}"#;
        std::fs::write(&file, text).unwrap();
        let resolve = |arguments: Arguments, environment| arguments.resolve(&environment, false).unwrap().0;
        let (place, model) = (folder.path().to_str().map(str::to_owned), Some("http://127.0.0.1:1".to_owned()));
        let flags = Arguments { input: place.clone(), output: place, model: model.clone(), ..Arguments::default() };
        assert_eq!(resolve(flags, Environment::default()).job.name, "transform");

        let job = file.to_str().map(str::to_owned);
        let arguments = Arguments { job: job.clone(), model: model.clone(), ..Arguments::default() };
        let from_file = resolve(arguments, Environment::default());
        let environment = Environment::from([("BYOC_TRANSFORM_MAX_PAYLOAD_IN_MB", "2")]);
        let arguments = Arguments { job: job.clone(), model: model.clone(), ..Arguments::default() };
        let from_variable = resolve(arguments, environment.clone());
        let flags = Arguments { job, model, max_payload_in_mb: Some("3".into()), ..Arguments::default() };
        let from_flag = resolve(flags, environment);
        let payloads = [from_file, from_variable, from_flag].map(|settings| format!("{:?}", settings.job));
        for (job, expected) in payloads.iter().zip(["Some(1)", "Some(2)", "Some(3)"]) {
            assert!(job.contains(&format!("max_payload_in_mb: {expected}")), "{job}");
            assert!(job.contains("SingleRecord"), "{job}");
        }
    }

    #[test]
    fn all_wrong_settings_are_reported_at_once() {
        let arguments = Arguments {
            model: Some("/none/model".into()),
            split_type: Some("Lines".into()),
            job: Some("/none/job.json".into()),
            ..Arguments::default()
        };
        let environment = Environment::from([("BYOC_TRANSFORM_INVOCATIONS_MAX_RETRIES", "many")]);
        let error = arguments.resolve(&environment, false).unwrap_err();
        for part in ["4 settings are wrong", "--job", "--split-type is \"Lines\"", "--model", "MAX_RETRIES is \"many\""]
        {
            assert!(error.message().contains(part), "{part}: {error}");
        }
        let error = Arguments::default().resolve(&Environment::default(), false).unwrap_err();
        for part in ["S3DataSource.S3Uri: missing; give --input", "missing; give --output", "no model; give --model"] {
            assert!(error.message().contains(part), "{part}: {error}");
        }
    }

    #[test]
    fn what_is_wrong_says_by_which_flag_variable_or_file_it_was_set() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("job.json");
        std::fs::write(&file, r#"{"ModelClientConfig": {"InvocationsMaxRetries": 9}, "TransformJobName": "a_b"}"#)
            .unwrap();
        let file = file.to_str().unwrap();
        let arguments = Arguments {
            job: Some(file.to_owned()),
            model: Some("http://127.0.0.1:1".into()),
            max_payload_in_mb: Some("200".into()),
            split_type: Some("Lines".into()),
            content_type: Some("text/csv".into()),
            accept: Some("text/csv".into()),
            input_filter: Some("$.a".into()),
            environment: vec!["1A=x".into()],
            ..Arguments::default()
        };
        let environment = Environment::from([("BYOC_TRANSFORM_INVOCATIONS_TIMEOUT_IN_SECONDS", "0")]);
        let error = arguments.resolve(&environment, false).unwrap_err();
        for part in [
            "--split-type is \"Lines\"".to_owned(),
            "--max-payload-in-mb: MaxPayloadInMB: 200; give 0 to 100".to_owned(),
            "--input-filter: DataProcessing.InputFilter: Invalid InputFilter".to_owned(),
            "--environment: Environment.1A: a variable's name".to_owned(),
            "environment variable BYOC_TRANSFORM_INVOCATIONS_TIMEOUT_IN_SECONDS: ModelClientConfig.".to_owned(),
            format!("{file}: ModelClientConfig.InvocationsMaxRetries: 9; give 0 to 3"),
            format!("{file}: TransformJobName: \"a_b\""),
            format!("{file}: TransformOutput.S3OutputPath: missing; give --output"),
        ] {
            assert!(error.message().contains(&part), "{part}: {error}");
        }
    }
}
