//! `byoc train`: the training contract.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use byoc_account::system;

use crate::cli::settings::description::Description;
use crate::cli::settings::problems::Problems;
use crate::cli::settings::raw::Group as _;
use crate::cli::settings::raw::RawSettings;
use crate::cli::settings::source::Source;
use crate::cli::table::train::{Files, Train, local_model_path};
use crate::error::Result;
use crate::storage::absolute;
use crate::telemetry::logs;
use crate::training::{self, Config, Output, Task};

/// The memory to assume if the system reports none.
const FALLBACK_MEMORY: u64 = 1 << 30;

pub(super) fn run(raw: &RawSettings) -> Result<()> {
    let (settings, problems) = raw.read::<Train>();
    let (level, filter) = (settings.log_level, settings.log_filter.clone());
    let config = resolve(settings, problems, raw)?;
    logs::start(level, filter.as_deref());
    training::run(&config)?;
    if let (Task::Files(_), Output::Folder(place) | Output::Archive(place)) = (&config.task, &config.output) {
        log::info!("serve it: byoc serve --model-dir {}", place.display());
    }
    Ok(())
}

fn resolve(settings: Train, mut problems: Problems, raw: &RawSettings) -> Result<Config> {
    let (task, output) = if files_flags(raw).is_empty() {
        let base_dir = absolute(&settings.base_dir);
        let folder = settings.model_dir.map_or_else(|| base_dir.join("model"), |folder| absolute(&folder));
        (Task::Tree(base_dir), Output::Folder(folder))
    } else {
        let output = output(&settings.files, raw, &mut problems);
        (Task::Files(files(settings.files, raw, &mut problems)), output)
    };
    problems.finish()?;
    let all_memory = system::memory().unwrap_or(FALLBACK_MEMORY);
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    Ok(Config {
        task,
        output,
        threads: settings.threads.unwrap_or_else(cores),
        memory: settings.memory.unwrap_or(all_memory / 2),
        all_memory,
        is_interactive: std::io::stdout().is_terminal(),
    })
}

/// The flags for training on files that the command line has.
fn files_flags(raw: &RawSettings) -> Vec<String> {
    let typed = Files::descriptions().into_iter().filter(|setting| raw.has_flag(setting));
    typed.filter_map(|setting| Some(format!("--{}", setting.flag?.name))).collect()
}

/// The job on files that the flags describe.
fn files(settings: Files, raw: &RawSettings, problems: &mut Problems) -> training::Files {
    if !raw.has_flag(&Files::train.description()) {
        let flags = files_flags(raw).join(", ");
        problems.add(format!("{flags} without --train: give the file or the folder to train on as --train PATH"));
    }
    if raw.has_flag(&Train::base_dir.description()) {
        let base_dir = settings_text(raw, &Train::base_dir.description());
        problems.add(format!(
            "--base-dir is {base_dir:?} together with --train: give --base-dir for data in SageMaker's folders below \
             it, or --train for files anywhere"
        ));
    }
    let channels = [("train", settings.train), ("validation", settings.validation), ("test", settings.test)];
    training::Files {
        // If a hyperparameter is repeated, the last value wins.
        hyperparameters: settings.hp.unwrap_or_default().into_iter().collect(),
        channels: channels.into_iter().filter_map(|(name, path)| Some((name.to_owned(), path?))).collect(),
        content_type: settings.content_type,
    }
}

/// Where a job on files writes its model. SM_MODEL_DIR applies only to training jobs on SageMaker's folders.
fn output(settings: &Files, raw: &RawSettings, problems: &mut Problems) -> Output {
    let model_dir = Train::model_dir.description();
    let model_dir = raw.has_flag(&model_dir).then(|| settings_text(raw, &model_dir));
    let output = match (&settings.output, model_dir) {
        (Some(output), None) => output.clone(),
        (None, Some(folder)) => local_model_path(folder.as_ref()).unwrap_or_else(|invalid| {
            problems.add_invalid(&Source::Flag("model-dir"), &folder, invalid);
            PathBuf::new()
        }),
        (None, None) => PathBuf::from("model"),
        (Some(output), Some(folder)) => {
            let output = output.display();
            problems.add(format!("--output is \"{output}\" and --model-dir {folder:?}: give one of them"));
            PathBuf::new()
        }
    };
    let text = output.to_string_lossy();
    let is_archive = text.ends_with(".tar.gz") || text.ends_with(".tgz");
    let output = absolute(&output);
    if is_archive { Output::Archive(output) } else { Output::Folder(output) }
}

fn settings_text(raw: &RawSettings, setting: &Description) -> String {
    raw.value(setting).map(|(_, text)| text.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing::raw_settings;
    use crate::env::Environment;

    fn read(flags: &[&str], environment: &Environment) -> Result<Config> {
        let raw = raw_settings("train", flags, environment.clone());
        let (settings, problems) = raw.read();
        resolve(settings, problems, &raw)
    }

    #[test]
    fn the_defaults_are_those_of_a_sagemaker_container() {
        let config = read(&[], &Environment::default()).unwrap();
        assert!(matches!(config.task, Task::Tree(folder) if *folder == *"/opt/ml"));
        assert!(matches!(config.output, Output::Folder(folder) if *folder == *"/opt/ml/model"));
        assert_eq!(config.threads, std::thread::available_parallelism().map_or(1, usize::from));
        let memory = system::memory().unwrap_or(FALLBACK_MEMORY);
        assert_eq!((config.memory, config.all_memory), (memory / 2, memory));
    }

    #[test]
    fn flags_win_over_variables_and_all_invalid_settings_are_reported_at_once() {
        let environment = Environment::from([("SAGEMAKER_BASE_DIR", "/b"), ("BYOC_TRAINING_THREADS", "3")]);
        let config = read(&["--base-dir", "/a", "--memory", "2K"], &environment).unwrap();
        assert!(matches!(config.task, Task::Tree(folder) if *folder == *"/a"));
        assert_eq!((config.threads, config.memory), (3, 2048));
        let environment = Environment::from([("BYOC_TRAINING_THREADS", "0"), ("BYOC_TRAINING_MEMORY", "much")]);
        let error = read(&[], &environment).unwrap_err();
        for part in [
            "2 settings are wrong",
            "environment variable BYOC_TRAINING_THREADS is \"0\": expected",
            "environment variable BYOC_TRAINING_MEMORY is \"much\": expected",
        ] {
            assert!(error.message().contains(part), "{part}: {error}");
        }
    }

    fn on_files(flags: &[&str]) -> Result<Config> {
        read(flags, &Environment::from([("SAGEMAKER_BASE_DIR", "/b")]))
    }

    #[test]
    fn flags_describe_the_same_job_as_sagemakers_folders() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("houses.csv");
        std::fs::write(&file, "1,2\n").unwrap();
        let (folder, file) = (folder.path().to_str().unwrap(), file.to_str().unwrap());
        let text = format!("text=@{file}");
        let flags = [
            "--train",
            file,
            "--validation",
            folder,
            "--hp=epochs=2",
            "--hp=predictor_type = regressor",
            "--hp=epochs=3",
            "--hp",
            &text,
        ];
        let with_output = |output| on_files(&[&flags[..], &["--output", output]].concat()).unwrap();
        let config = with_output("/x/model.tar.gz");
        assert!(matches!(config.output, Output::Archive(path) if *path == *"/x/model.tar.gz"));
        let Task::Files(files) = config.task else { panic!("it reads SageMaker's folders") };
        let expected = [("epochs", "3"), ("predictor_type", " regressor"), ("text", "1,2\n")];
        assert!(files.hyperparameters.iter().map(|(name, value)| (&**name, &**value)).eq(expected));
        assert_eq!(files.content_type, "text/csv");
        assert!(files.channels.keys().eq(["train", "validation"]));
        assert!(matches!(with_output("/x/y").output, Output::Folder(path) if *path == *"/x/y"));
        let default = on_files(&flags).unwrap().output;
        assert!(matches!(default, Output::Folder(path) if path.is_absolute() && path.ends_with("model")));
    }

    #[test]
    fn all_invalid_flags_of_a_job_on_files_are_reported_with_suggestions() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("houses.csv"), "1,2\n").unwrap();
        let train = folder.path().join("house.csv");
        let preprocessor = format!("--hp=preprocessor=@{}", folder.path().join("none.json").display());
        let flags = [
            "--train",
            train.to_str().unwrap(),
            "--test=s3://bucket/test",
            "--hp=epochs",
            "--hp==3",
            &preprocessor,
            "--base-dir=/a",
            "--model-dir=/m",
            "--output=/o",
        ];
        let error = on_files(&flags).unwrap_err();
        for part in [
            "7 settings are wrong",
            "did you mean",
            "has houses.csv",
            "--test is \"s3://bucket/test\": expected a file or a folder on this machine",
            "--hp is \"epochs\": expected NAME=VALUE",
            "--hp is \"=3\": expected",
            "--hp is \"preprocessor=@",
            "--base-dir is \"/a\" together with --train",
            "--output is \"/o\" and --model-dir \"/m\"",
        ] {
            assert!(error.message().contains(part), "{part}: {error}");
        }
        let error = on_files(&["--hp", "a=b"]).unwrap_err();
        assert!(error.message().contains("--hp without --train: give the file"), "{error}");
        for flag in ["--output", "--model-dir"] {
            let train = folder.path().to_str().unwrap();
            let error = on_files(&["--train", train, flag, "s3://bucket/model"]).unwrap_err();
            let expected = format!("{flag} is \"s3://bucket/model\": expected a folder or a .tar.gz on this machine");
            assert!(error.message().contains(&expected), "{error}");
        }
    }
}
