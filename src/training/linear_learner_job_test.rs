use super::*;
use crate::training::{Output, Task, run};
use byoc_account::Allowance;
use byoc_formats::media_types::{ContentType, MediaType};
use byoc_formats::rows::predictions::Scores;
use byoc_formats::rows::table::Column;
use byoc_linear_learner::LinearLearner;

struct Job {
    base: tempfile::TempDir,
}

impl Job {
    fn new(hyperparameters: &str, channels: &[(&str, &str)]) -> Job {
        let base = tempfile::tempdir().unwrap();
        let config = base.path().join("input/config");
        std::fs::create_dir_all(&config).unwrap();
        std::fs::write(config.join("hyperparameters.json"), hyperparameters).unwrap();
        let mut settings = serde_json::Map::new();
        for (name, text) in channels {
            let folder = base.path().join("input/data").join(name);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("part-00000"), text).unwrap();
            settings.insert(
                name.to_string(),
                serde_json::json!({"TrainingInputMode": "File", "ContentType": "text/csv;label_size=1"}),
            );
        }
        std::fs::write(config.join("inputdataconfig.json"), serde_json::to_vec(&settings).unwrap()).unwrap();
        Job { base }
    }

    fn run(&self) -> Result<()> {
        run(&Config {
            task: Task::Tree(self.base.path().to_owned()),
            output: Output::Folder(self.base.path().join("model")),
            threads: 2,
            memory: 1 << 30,
            all_memory: 1 << 31,
            is_interactive: false,
        })
    }

    fn failure(&self) -> Option<String> {
        std::fs::read_to_string(self.base.path().join("output/failure")).ok()
    }
}

fn plane(rows: usize) -> String {
    (0..rows)
        .map(|row| {
            let (x, y) = ((row * 7 % 13) as f64, (row * 5 % 11) as f64);
            format!("{},{x},{y}\n", 3.0 * x - 2.0 * y + 10.0)
        })
        .collect()
}

const SETTINGS: &str =
    r#"{"predictor_type": "regressor", "mini_batch_size": "20", "epochs": "5", "loss": "absolute_loss"}"#;

#[test]
fn a_job_writes_a_model_that_the_scorer_loads_and_that_knows_the_formula() {
    let job = Job::new(SETTINGS, &[("train", &plane(400)), ("validation", &plane(100)), ("test", &plane(50))]);
    job.run().unwrap();
    assert_eq!(job.failure(), None);
    let learner = LinearLearner::open(&job.base.path().join("model"), &Allowance::unbounded()).unwrap();
    let body = ContentType::of(MediaType::Csv);
    let predictions =
        learner.predict(&learner.read(body, b"1,1\n", &byoc_account::Allowance::unbounded()).unwrap()).unwrap();
    let Some(Scores::One(Column::Float32(scores))) = predictions.scores() else { panic!("float32 scores") };
    assert!((scores[0] - 11.0).abs() < 1e-4, "{scores:?}");
}

#[test]
fn the_reason_of_a_failure_is_in_the_failure_file_and_no_model_is_written() {
    let wrong = SETTINGS.replace("absolute_loss", "log");
    for (hyperparameters, channels, expected) in [
        (wrong.as_str(), &[("train", "1,2\n")][..], "loss is \"log\": expected auto, squared_loss"),
        (SETTINGS, &[("validation", "1,2\n")], "expected a channel train, found validation"),
        (SETTINGS, &[("train", "1,2\n")], "1 record: expected at least one mini-batch (mini_batch_size is 20)"),
        (SETTINGS, &[("train", "1,abc\n")], "part-00000: row 1, column 2, byte 2: expected a number"),
        (SETTINGS, &[("train", &plane(40)), ("validation", "1,2,3,4\n")], "part-00000: row 1, column 1: expected"),
    ] {
        let job = Job::new(hyperparameters, channels);
        let error = job.run().unwrap_err();
        let reason = job.failure().unwrap();
        assert_eq!(reason, error.to_string());
        assert!(reason.contains(expected), "{reason}");
        assert!(!job.base.path().join("model/model_algo-1").exists());
    }
}

#[test]
fn channels_of_different_widths_are_refused_with_the_file_and_both_widths() {
    for other in ["validation", "test"] {
        let job = Job::new(SETTINGS, &[("train", &plane(40)), (other, "1,2,3,4\n")]);
        let reason = job.run().unwrap_err().to_string();
        let (channel, place) = (format!("channel {other}: "), "part-00000: row 1, column 1: ");
        assert!(reason.starts_with(&channel) && reason.contains(place), "{reason}");
        assert!(reason.contains("expected 2 features as in the train channel, found 3"), "{reason}");
    }
}

#[test]
fn a_label_whose_square_exceeds_float32_is_reported() {
    let rows: String = (0..40).map(|row| format!("{}e19,{row}\n", row + 1)).collect();
    let settings = SETTINGS.replace("absolute_loss", "squared_loss");
    let reason = Job::new(&settings, &[("train", &rows)]).run().unwrap_err().to_string();
    assert!(reason.contains("labels up to 4e20, whose squares squared_loss adds up beyond"), "{reason}");
}

#[test]
fn a_model_larger_than_memory_is_refused_before_memory_is_taken() {
    let settings = SETTINGS.replace("\"20\"", "\"20\", \"num_models\": \"1000000\"");
    let wide: String = (0..40).map(|row| format!("{row}{}\n", ",1".repeat(2000))).collect();
    let job = Job::new(&settings, &[("train", &wide)]);
    let error = job.run().unwrap_err();
    assert_eq!(error.cause(), Cause::InsufficientMemory);
    assert!(error.message().contains("training 1000000 models of 2000 features and 1 output takes "), "{error}");
    assert_eq!(job.failure().unwrap(), error.to_string());
}

#[test]
fn a_successful_job_removes_the_failure_file_of_an_earlier_run() {
    let job = Job::new(SETTINGS, &[("train", &plane(400))]);
    let folder = job.base.path().join("model/model_algo-1");
    std::fs::create_dir_all(&folder).unwrap();
    let error = job.run().unwrap_err();
    assert_eq!(error.cause(), Cause::Io);
    assert!(job.failure().unwrap().contains("it is a folder, expected a file"), "{error}");
    std::fs::remove_dir(folder).unwrap();
    job.run().unwrap();
    assert_eq!(job.failure(), None);
}
