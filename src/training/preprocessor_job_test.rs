use crate::error::Result;
use crate::model::Artifact;
use crate::training::{Config, run};
use crate::training::{Output, Task};
use byoc_account::Allowance;
use byoc_sklearn::preprocessor::Overrides;
use std::path::Path;

const SPECIFICATION: &str = r#"{"version": 1, "columns": ["a", "b"], "label": "y", "label_position": "first",
    "transformer": {"ColumnTransformer": {"transformers": [
        ["n", {"StandardScaler": {}}, ["a"]], ["w", {"OneHotEncoder": {}}, ["b"]]
    ]}}}"#;
const ROWS: &str = "7,1,x\n8,2,y\n9,6,x\n";

struct Job(tempfile::TempDir);

impl Job {
    /// A job with these files below `input`.
    fn new(files: &[(&str, &str)]) -> Job {
        let base = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = base.path().join("input").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Job(base)
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, memory: u64) -> Result<()> {
        run(&Config {
            task: Task::Tree(self.0.path().to_owned()),
            output: Output::Folder(self.path("model")),
            threads: 1,
            memory,
            all_memory: 1 << 31,
            is_interactive: false,
        })
    }
}

fn hyperparameters() -> String {
    serde_json::json!({"preprocessor": SPECIFICATION, "sagemaker_region": "\"eu-west-1\""}).to_string()
}

fn statistics(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("model/preprocessor.json")).unwrap()
}

#[test]
fn a_specification_comes_as_a_hyperparameter_or_in_a_channel() {
    let by_hyperparameter =
        Job::new(&[("config/hyperparameters.json", &hyperparameters()), ("data/train/rows.csv", ROWS)]);
    let in_train = Job::new(&[("data/train/preprocessor.json", SPECIFICATION), ("data/train/rows.csv", ROWS)]);
    let in_another = Job::new(&[("data/setup/preprocessor.json", SPECIFICATION), ("data/training/rows.csv", ROWS)]);
    let in_one_of_any_name =
        Job::new(&[("data/houses/preprocessor.json", SPECIFICATION), ("data/houses/rows.csv", ROWS)]);
    for job in [&by_hyperparameter, &in_train, &in_another, &in_one_of_any_name] {
        job.run(1 << 20).unwrap();
        assert!(!job.path("output/failure").exists());
        assert_eq!(statistics(job.0.path()), statistics(by_hyperparameter.0.path()));
        assert!(job.path("model/model.joblib").is_file());
    }
    assert!(statistics(by_hyperparameter.0.path()).contains("\"mean_\": [3.0]"));
}

#[test]
fn both_files_in_the_folder_are_one_model() {
    let job = Job::new(&[("config/hyperparameters.json", &hyperparameters()), ("data/train/rows.csv", ROWS)]);
    job.run(1 << 20).unwrap();
    let answer = |folder: &Path| {
        let model = Artifact::find(folder).unwrap().load(&Overrides::default(), &Allowance::unbounded()).unwrap();
        let invocation = crate::model::Invocation {
            content_type: Some("text/csv"),
            accept: Some("text/csv"),
            default_accept: None,
            body: b"2,y\n5,x\n",
        };
        let allowance = byoc_account::Allowance::unbounded();
        String::from_utf8(model.invoke(invocation, &allowance).unwrap().into_body()).unwrap()
    };
    let both = answer(&job.path("model"));
    std::fs::remove_file(job.path("model/preprocessor.json")).unwrap();
    assert_eq!(answer(&job.path("model")), both);
}

#[test]
fn a_channel_larger_than_memory_is_read_in_each_pass_with_the_same_result() {
    let rows: String = (0..5000).map(|row| format!("{row},{},\"w{}\"\n", row % 97, row % 3)).collect();
    let files = [("config/hyperparameters.json", hyperparameters()), ("data/train/rows.csv", rows)];
    let job = |memory| {
        let job = Job::new(&files.each_ref().map(|(name, text)| (*name, text.as_str())));
        job.run(memory).unwrap();
        statistics(job.0.path())
    };
    assert_eq!(job(10), job(1 << 30));
}

#[test]
fn the_reason_of_a_failure_is_in_the_failure_file() {
    let wrong = serde_json::json!({"preprocessor": "{}"}).to_string();
    let with_another = serde_json::json!({"preprocessor": SPECIFICATION, "predictor_type": "regressor"}).to_string();
    let recordio = r#"{"train": {"ContentType": "application/x-recordio-protobuf"}}"#;
    let hyperparameters = hyperparameters();
    let cases: &[(&[(&str, &str)], &str)] = &[
        (
            &[("config/hyperparameters.json", &wrong), ("data/train/r", ROWS)],
            "the hyperparameter preprocessor: missing field `version`",
        ),
        (
            &[("config/hyperparameters.json", &hyperparameters), ("data/train/preprocessor.json", SPECIFICATION)],
            "a hyperparameter preprocessor and",
        ),
        (
            &[("data/a/preprocessor.json", SPECIFICATION), ("data/b/preprocessor.json", SPECIFICATION)],
            "expected one of them",
        ),
        (
            &[("config/hyperparameters.json", &with_another), ("data/train/r", ROWS)],
            "the hyperparameter predictor_type",
        ),
        (&[("config/hyperparameters.json", &hyperparameters), ("data/a/r", ROWS), ("data/b/r", ROWS)], "found a, b"),
        (&[("data/setup/preprocessor.json", SPECIFICATION)], "no channel of data"),
        (
            &[
                ("config/hyperparameters.json", &hyperparameters),
                ("config/inputdataconfig.json", recordio),
                ("data/train/r", ROWS),
            ],
            "expected ContentType text/csv",
        ),
        (
            &[
                ("config/hyperparameters.json", &hyperparameters),
                ("data/train/r", ROWS),
                ("data/train/s", "1,z,x\n2,1\n"),
            ],
            "s: row 1, column 2 (a): ",
        ),
        (
            &[("config/hyperparameters.json", &hyperparameters), ("data/train/r", ROWS), ("data/train/s", "1,2,x,4\n")],
            "expected 3 fields as in the first row, found 4",
        ),
    ];
    for (files, expected) in cases {
        let job = Job::new(files);
        let error = job.run(1 << 20).unwrap_err();
        let reason = std::fs::read_to_string(job.path("output/failure")).unwrap();
        assert_eq!(reason, error.to_string());
        assert!(reason.contains(expected), "{reason}");
        assert!(!job.path("model").exists());
    }
}

#[test]
fn a_pipe_is_read_once_if_it_fits_into_memory_or_else_once_in_each_pass() {
    let config = r#"{"train": {"TrainingInputMode": "Pipe", "ContentType": "text/csv"}}"#;
    // One pass for the types of the columns, one for the fit, and one for the sparsity of the answer.
    for (memory, fifos) in [(1 << 20, 1), (1, 3)] {
        let job = Job::new(&[
            ("config/hyperparameters.json", &hyperparameters()),
            ("config/inputdataconfig.json", config),
            ("data/nothing", ""),
        ]);
        let fifo = |pass: usize| job.path(&format!("input/data/train_{pass}"));
        for pass in 0..fifos {
            assert!(std::process::Command::new("mkfifo").arg(fifo(pass)).status().unwrap().success());
        }
        std::thread::scope(|scope| {
            scope.spawn(|| (0..fifos).for_each(|pass| std::fs::write(fifo(pass), ROWS).unwrap()));
            job.run(memory).unwrap();
        });
        assert!(statistics(job.0.path()).contains("\"mean_\": [3.0]"));
    }
}

#[test]
fn a_header_line_is_detected_in_each_file_and_skipped_if_the_channel_announces_it() {
    let config = |content_type: &str| format!(r#"{{"train": {{"ContentType": "{content_type}"}}}}"#);
    let (plain, present) = (config("text/csv"), config("text/csv; header=present"));
    let hyperparameters = hyperparameters();
    let job = |config: &str, first: &str, second: &str| {
        Job::new(&[
            ("config/hyperparameters.json", &hyperparameters),
            ("config/inputdataconfig.json", config),
            ("data/train/1.csv", first),
            ("data/train/2.csv", second),
        ])
    };
    let with_header = |header: &str| format!("{header}\n7,4,x\n");
    for header in ["y,a,b", "\"y\",\"a\",\"b\""] {
        let error = job(&plain, ROWS, &with_header(header)).run(1 << 20).unwrap_err().to_string();
        assert!(error.contains("2.csv: row 1: this looks like a header line"), "{error}");
    }
    // Other words in the place of numbers are no header by themselves; a column's own name is.
    let error = job(&plain, ROWS, "7,4,x\ny,a,q\n").run(1 << 20).unwrap_err().to_string();
    assert!(error.contains("row 2, column 2 (a)") && error.contains("looks like a header line"), "{error}");

    for memory in [1 << 20, 1] {
        let skipped = job(&present, &format!("y,a,b\n{ROWS}"), &with_header("y,a,b"));
        skipped.run(memory).unwrap();
        let without = job(&plain, ROWS, "7,4,x\n");
        without.run(memory).unwrap();
        assert_eq!(statistics(skipped.0.path()), statistics(without.0.path()));
    }
    let error = job(&present, "y,a,b\n7,z,x\n", &with_header("y,a,b")).run(1 << 20).unwrap_err().to_string();
    assert!(error.contains("1.csv: row 2, column 2 (a)"), "{error}");
    let error = job(&present, ROWS, &with_header("y,a,b")).run(1 << 20).unwrap_err().to_string();
    assert!(error.contains("expected a line of the names y,a,b or a,b, found 7,1,x"), "{error}");
}

#[test]
fn a_label_size_that_contradicts_the_specification_is_refused() {
    let unlabelled = r#"{"version": 1, "columns": ["a", "b", "c"], "transformer": {"OrdinalEncoder": {}}}"#;
    let last = SPECIFICATION.replace("first", "last");
    for (specification, size, expected) in [
        (
            unlabelled,
            1,
            Some("the specification has no label: expected \"label\" with its name, and expected \"label_position\""),
        ),
        (unlabelled, 0, None),
        (SPECIFICATION, 1, None),
        (SPECIFICATION, 0, Some("says that there is no label, but the specification has the label \"y\"")),
        (&last, 1, Some("has the label \"y\" last (label_position)")),
        (SPECIFICATION, 2, Some("expected label_size=0 or label_size=1")),
    ] {
        let config = format!(r#"{{"train": {{"ContentType": "text/csv;label_size={size}"}}}}"#);
        let job = Job::new(&[
            ("config/hyperparameters.json", &serde_json::json!({"preprocessor": specification}).to_string()),
            ("config/inputdataconfig.json", &config),
            ("data/train/rows.csv", ROWS),
        ]);
        match (job.run(1 << 20), expected) {
            (Ok(()), None) => {}
            (Err(error), Some(expected)) => assert!(error.message().contains(expected), "{error}"),
            (outcome, _) => panic!("{specification} label_size={size}: {outcome:?}"),
        }
    }
}

#[test]
fn a_specification_under_a_misspelt_name_is_reported_with_a_suggestion() {
    let hyperparameter = |name: &str| serde_json::json!({name: SPECIFICATION}).to_string();
    for name in ["preprocesor", "Preprocessor", "pre_processor", "perprocessor"] {
        let job = Job::new(&[("config/hyperparameters.json", &hyperparameter(name)), ("data/train/rows.csv", ROWS)]);
        let message = job.run(1 << 20).unwrap_err().to_string();
        assert_eq!(message, format!("{name} is not a hyperparameter: did you mean preprocessor?"));
    }
    for name in ["Preprocessor.JSON", "preprocesor.json", "preprocessor.jsn"] {
        let job = Job::new(&[(&format!("data/train/{name}"), SPECIFICATION), ("data/train/rows.csv", ROWS)]);
        let message = job.run(1 << 20).unwrap_err().to_string();
        assert!(
            message.ends_with(&format!(
                "{name} does not have the name of a specification: did you mean preprocessor.json?"
            )),
            "{message}"
        );
    }
}
