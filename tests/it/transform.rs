//! `byoc transform` as a user runs it: objects in, objects out, an exit code; and how it handles containers that fail.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use crate::support::artifacts::{fixture, linear_learner, model_dir, scikit_learn};
use crate::support::http::Client;
use crate::support::program::{Container, byoc, wait_until};
use byoc_fake_container::{FakeContainer, Reaction};

/// A job's folders.
struct Job {
    folder: TempDir,
    flags: Vec<String>,
}

impl Job {
    fn new(model: &str, objects: &[(&str, &str)]) -> Job {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("in")).unwrap();
        let job = Job { folder, flags: Vec::new() };
        for (name, content) in objects {
            job.put(name, content.as_bytes());
        }
        let (input, output) = (job.path("in"), job.path("out"));
        job.with(&["--model", model, "--input", input.to_str().unwrap(), "--output", output.to_str().unwrap()])
    }

    fn with(mut self, flags: &[&str]) -> Job {
        self.flags.extend(flags.iter().map(|flag| (*flag).to_owned()));
        self
    }

    /// Splits the input by lines of CSV.
    fn by_lines(self) -> Job {
        self.with(&["--content-type", "text/csv", "--accept", "text/csv", "--split-type", "Line"])
            .with(&["--assemble-with", "Line"])
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, content: &[u8]) {
        let path = self.path("in").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn command(&self) -> Command {
        let mut arguments = vec!["transform"];
        arguments.extend(self.flags.iter().map(String::as_str));
        let mut command = byoc(&arguments);
        command.stdin(Stdio::null());
        command
    }

    fn run(&self) -> Output {
        let output = self.command().output().unwrap();
        println!("{}", String::from_utf8_lossy(&output.stderr));
        output
    }

    #[track_caller]
    fn completes(&self) {
        let output = self.run();
        assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    }

    /// All outputs by name. The folder must contain nothing but outputs and the job's own folder.
    fn outputs(&self) -> BTreeMap<String, String> {
        fn walk(folder: &Path, above: &str, found: &mut BTreeMap<String, String>) {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                let name = format!("{above}{}", path.file_name().unwrap().to_str().unwrap());
                if path.is_dir() {
                    walk(&path, &format!("{name}/"), found);
                } else {
                    found.insert(name, fs::read_to_string(&path).unwrap());
                }
            }
        }
        let mut found = BTreeMap::new();
        walk(&self.path("out"), "", &mut found);
        found.retain(|name, _| !name.starts_with(".byoc-transform/"));
        assert!(found.keys().all(|name| name.ends_with(".out")), "{found:?}");
        found
    }

    fn output(&self, name: &str) -> String {
        self.outputs().remove(name).unwrap_or_else(|| panic!("no {name}"))
    }
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The answer to each line: the line in brackets.
fn bracketed(body: &str) -> Vec<u8> {
    body.lines().filter(|line| !line.trim().is_empty()).map(|line| format!("[{line}]\n")).collect::<String>().into()
}

fn echo() -> FakeContainer {
    FakeContainer::with_invocations(None, |_, body| Reaction::csv(200, bracketed(body)))
}

fn numbered(prefix: &str, count: usize) -> String {
    (0..count).map(|line| format!("{prefix}{line}\n")).collect()
}

fn expected(prefix: &str, count: usize) -> String {
    (0..count).map(|line| format!("[{prefix}{line}]\n")).collect()
}

fn houses(count: usize) -> String {
    let input = fs::read_to_string(fixture("sklearn/1.4.2/housing/input.csv")).unwrap();
    input.lines().cycle().take(count).map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_model_that_is_a_single_file_serves_a_job_as_it_serves_requests() {
    let folder = scikit_learn("1.4.2/housing");
    let whole = Job::new(&model_dir(&folder), &[("a.csv", &houses(100))]).by_lines();
    whole.completes();
    let plain = tempfile::tempdir().unwrap();
    fs::copy(folder.path().join("model.joblib"), plain.path().join("sklearn-model")).unwrap();
    fs::copy(folder.path().join("columns.json"), plain.path().join("columns.json")).unwrap();
    for model in [folder.path().join("model.joblib"), plain.path().join("sklearn-model")] {
        let single = Job::new(model.to_str().unwrap(), &[("a.csv", &houses(100))]).by_lines();
        single.completes();
        assert_eq!(single.outputs(), whole.outputs());
    }
    let learner = linear_learner("regressor_housing");
    let features = "0.5,-1,0,0,1.25,0,1,0,1,0\n";
    let single = Job::new(&format!("{}/model_algo-1", model_dir(&learner)), &[("a.csv", features)]).by_lines();
    single.completes();
    let other = Job::new("README.md", &[("a.csv", features)]).by_lines();
    assert_ne!(other.run().status.code(), Some(0));
}

#[test]
fn a_folder_goes_through_a_model_to_a_folder_of_the_same_shape() {
    let folder = scikit_learn("1.4.2/housing");
    let job =
        Job::new(&model_dir(&folder), &[("a.csv", &houses(100)), ("deep/er/b.csv", &houses(7)), ("empty.csv", "")]);
    let job = job.by_lines();
    job.completes();
    let container = Container::ready(&["--model-dir", &model_dir(&folder)], &[]);
    let csv = [("content-type", "text/csv"), ("accept", "text/csv")];
    let direct = container.post("/invocations", &csv, houses(100));
    let outputs = job.outputs();
    assert_eq!(outputs.keys().collect::<Vec<_>>(), ["a.csv.out", "deep/er/b.csv.out", "empty.csv.out"]);
    assert_eq!(outputs["a.csv.out"], direct.text());
    assert_eq!(
        outputs["deep/er/b.csv.out"],
        direct.text().lines().take(7).map(|line| format!("{line}\n")).collect::<String>()
    );
    assert_eq!(outputs["empty.csv.out"], "");
}

#[test]
fn a_bad_record_fails_its_object_and_the_final_error_says_which_why_and_where() {
    let folder = scikit_learn("1.4.2/housing");
    let bad = format!("{}\n{}", houses(3), "1993,big,6,3.0,0.7,1,y,y\n");
    let job = Job::new(&model_dir(&folder), &[("bad.csv", &bad), ("good.csv", &houses(5))]).by_lines();
    let output = job.run();
    assert_eq!(output.status.code(), Some(1));
    let byte = houses(3).len() + 1;
    let message = errors(&output);
    let report = message.split(" no output").nth(1).unwrap();
    assert!(report.contains(&format!("bad.csv: record 4 (byte {byte}): container primary answered 400")), "{report}");
    assert!(report.contains("column 2 (SQUARE_FEET)"), "{report}");
    assert_eq!(job.outputs().into_keys().collect::<Vec<_>>(), ["good.csv.out"]);

    // Only the corrected object is processed.
    job.put("bad.csv", houses(4).as_bytes());
    let output = job.run();
    assert_eq!(output.status.code(), Some(0));
    assert!(errors(&output).contains("1 of 2 outputs are there already"));
    assert_eq!(job.output("bad.csv.out").lines().count(), 4);
}

#[test]
fn an_error_in_a_payload_is_reported_by_its_position_in_the_object() {
    let folder = scikit_learn("1.4.2/housing");
    let names = "YEAR_BUILT,SQUARE_FEET,NUM_BEDROOMS,NUM_BATHROOMS,LOT_ACRES,GARAGE_SPACES,FRONT_PORCH,DECK\n";
    let bad = "1993,big,6,3.0,0.7,1,y,y\n";
    let rows = houses(60_000);
    let job = Job::new(&model_dir(&folder), &[("bad.csv", &format!("{rows}{bad}"))]).by_lines();
    let named = Job::new(&model_dir(&folder), &[("bad.csv", &format!("{names}{rows}{bad}"))]).by_lines();
    let named = named.with(&["--content-type", "text/csv; header=present"]);
    for (job, before) in [(job, 0), (named, names.len())] {
        let output = job.run();
        assert_eq!(output.status.code(), Some(1));
        let byte = before + rows.len();
        let message = errors(&output);
        let report = message.split(" no output").nth(1).unwrap();
        let said = format!(
            "bad.csv: record 60001 (byte {byte}): container primary answered 400: \
             column 2 (SQUARE_FEET), byte {}: could not",
            byte + 5
        );
        assert!(report.contains(&said), "{said}: {report}");
        assert!(!report.contains("row "), "{report}");
    }
    // After a filter, the position in the object is unknown.
    let job = Job::new(&model_dir(&folder), &[("bad.csv", &format!("id1,{}id2,{bad}", houses(1)))]).by_lines();
    let job = job.with(&["--input-filter", "$[1:]"]);
    let message = errors(&job.run());
    let byte = houses(1).len() + 4;
    let said = format!(
        "record 2 (byte {byte}): container primary answered 400: \
         column 2 (SQUARE_FEET) of what InputFilter left: could not"
    );
    assert!(message.contains(&said), "{message}");
}

#[test]
fn a_header_line_goes_with_each_payload_but_not_into_the_output() {
    let folder = scikit_learn("1.4.2/housing");
    // More rows than fit in a payload, with the columns in another order and other columns between them.
    let rows = houses(50_000);
    let named = |names: &str, row: &dyn Fn(usize, &str) -> String| {
        let rows = rows.lines().enumerate().map(|(number, line)| row(number, line)).collect::<String>();
        format!("{names}\r\n{rows}")
    };
    let names = "YEAR_BUILT,SQUARE_FEET,NUM_BEDROOMS,NUM_BATHROOMS,LOT_ACRES,GARAGE_SPACES,FRONT_PORCH,DECK";
    let plain = Job::new(&model_dir(&folder), &[("a.csv", &rows), ("few.csv", &houses(3))]).by_lines();
    plain.completes();
    let (expected, few) = (plain.output("a.csv.out"), plain.output("few.csv.out"));

    let reordered = named(&format!("\"the, id\",DECK,{}", names.trim_end_matches(",DECK")), &|number, line| {
        let (rest, deck) = line.rsplit_once(',').unwrap();
        format!("{number},{deck},{rest}\n")
    });
    let few_of = |text: &str| text.lines().take(4).map(|line| format!("{line}\n")).collect::<String>();
    let objects =
        [("a.csv", reordered.as_str()), ("few.csv", &few_of(&reordered)), ("none.csv", "id,DECK\n"), ("empty.csv", "")];
    let job = Job::new(&model_dir(&folder), &objects).by_lines();
    let job = job.with(&["--content-type", "text/csv; header=present", "--max-concurrent-transforms", "2"]);
    job.completes();
    let outputs = job.outputs();
    assert_eq!(outputs["a.csv.out"], expected);
    assert_eq!((outputs["none.csv.out"].as_str(), outputs["empty.csv.out"].as_str()), ("", ""));

    // Joined and filtered, in one payload and in several.
    let job = job.with(&["--input-filter", "$[1:]", "--join-source", "Input", "--output-filter", "$[0,9:]"]);
    let refused = job.run();
    assert_eq!(refused.status.code(), Some(78), "{}", errors(&refused));
    let job = job.with(&["--output-filter", "$[0,-1]"]);
    job.completes();
    let last = |line: &str| line.rsplit(',').next().unwrap().to_owned();
    let joined = |answers: &str| {
        answers.lines().enumerate().map(|(number, line)| format!("{number},{}\n", last(line))).collect::<String>()
    };
    assert_eq!(job.output("a.csv.out"), joined(&expected));

    let job = Job::new(&model_dir(&folder), &[("few.csv", &few_of(&reordered))]).by_lines();
    let job = job.with(&["--content-type", "text/csv; header=present", "--batch-strategy", "SingleRecord"]);
    job.completes();
    assert_eq!(job.output("few.csv.out"), few);
    let job = job.with(&["--input-filter", "$[1:]", "--join-source", "Input", "--output-filter", "$[0,-1]"]);
    job.completes();
    assert_eq!(job.output("few.csv.out"), joined(&few));
    // An object that is not split contains its header line, which is not joined with an answer.
    let job = Job::new(&model_dir(&folder), &[("few.csv", &few_of(&reordered))]);
    let job = job.with(&["--content-type", "text/csv; header=present", "--accept", "text/csv"]);
    let job = job.with(&["--input-filter", "$[1:]", "--join-source", "Input", "--output-filter", "$[0,-1]"]);
    job.completes();
    assert_eq!(job.output("few.csv.out"), joined(&few));
}

#[test]
fn settings_of_a_scikit_learn_artifact_reach_the_container_of_one_model() {
    let folder = scikit_learn("1.4.2/housing");
    let (rows, model) = (houses(3), model_dir(&folder));
    let plain = Job::new(&model, &[("a.csv", &rows)]).by_lines();
    plain.completes();
    let expected = plain.output("a.csv.out");
    // The label is the last column, by position; without it the answer has no label.
    let labelled: String = rows.lines().map(|line| format!("{line},1\n")).collect();
    let job = Job::new(&model, &[("a.csv", &labelled)]).by_lines();
    job.completes();
    let with_label = job.output("a.csv.out");
    assert_ne!(with_label, expected);
    let refused = |label: &str, environment: &[(&str, &str)], code: i32| {
        let job = Job::new(&model, &[("a.csv", &labelled)]).by_lines().with(&["--label", label]);
        let output = job.command().envs(environment.iter().copied()).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{label}: {}", errors(&output));
        errors(&output)
    };
    // `none` says that no column is the label: the flag wins over the variable.
    let said = refused("none", &[("BYOC_LABEL", "PRICE")], 1);
    assert!(said.contains("no output"), "{said}");
    refused("NO_SUCH_COLUMN", &[], 78);
    // The output is written again, because a setting has changed.
    let mut command = job.command();
    let output = command.env("BYOC_LABEL", "none").output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
    for (flag, value) in [("--label", ""), ("--dtypes", "{"), ("--method", "fit"), ("--scorer-json", "lines")] {
        let output = Job::new(&model, &[("a.csv", &rows)]).by_lines().with(&[flag, value]).run();
        assert_eq!(output.status.code(), Some(78), "{flag}");
        assert!(errors(&output).contains(&format!("{flag} is {value:?}")), "{flag}: {}", errors(&output));
    }

    let fake = echo();
    let job = Job::new(&fake.url(), &[("a.csv", "1\n")]).by_lines();
    let output = job.command().env("BYOC_LABEL", "last").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    assert!(errors(&output).contains("environment variable BYOC_LABEL is ignored: set"), "{}", errors(&output));
    let output = job.with(&["--label", "last"]).run();
    assert_eq!(output.status.code(), Some(78));
    assert!(errors(&output).contains("--label applies only to a single model"), "{}", errors(&output));
}

/// Each of these objects once had an empty output, and the job completed.
#[test]
fn a_header_line_without_an_end_loses_no_records() {
    let folder = scikit_learn("1.4.2/housing");
    let names = "YEAR_BUILT,SQUARE_FEET,NUM_BEDROOMS,NUM_BATHROOMS,LOT_ACRES,GARAGE_SPACES,FRONT_PORCH,DECK";
    let plain = Job::new(&model_dir(&folder), &[("a.csv", &houses(3))]).by_lines();
    plain.completes();
    let present = ["--content-type", "text/csv; header=present"];
    let open = names.replace("DECK", "\"DECK");
    let returns = format!("{names}\n{}", houses(3)).replace('\n', "\r");
    let marked = format!("\u{feff}\"{}\"\n{}", names.replace(',', "\",\""), houses(3));
    let objects = [
        ("open.csv", format!("{open}\n{}", houses(3))),
        ("returns.csv", returns),
        ("marked.csv", marked),
        ("names.csv", names.to_owned()),
    ];
    let objects: Vec<(&str, &str)> = objects.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let job = Job::new(&model_dir(&folder), &objects).by_lines().with(&present);
    let output = job.run();
    assert_eq!(output.status.code(), Some(1));
    let byte = open.find('"').unwrap();
    let said = format!("the header line: a quote does not close (column 8, byte {byte})");
    assert!(errors(&output).contains(&said), "{said}: {}", errors(&output));
    let outputs = job.outputs();
    assert!(!outputs.contains_key("open.csv.out"));
    assert_eq!(outputs["returns.csv.out"], plain.output("a.csv.out"));
    assert_eq!(outputs["marked.csv.out"], plain.output("a.csv.out"));
    assert_eq!(outputs["names.csv.out"], "");

    let job = Job::new(&model_dir(&folder), &objects[2..3]).by_lines().with(&present);
    let job = job.with(&["--join-source", "Input", "--output-filter", "$[8:]"]);
    job.completes();
    assert_eq!(job.output("marked.csv.out"), plain.output("a.csv.out"));
    let both = job.with(&["--content-type", "text/csv; header=present; header=absent"]).run();
    assert_eq!(both.status.code(), Some(78));
    assert!(
        errors(&both)
            .contains("--content-type: Content-Type \"text/csv; header=present; header=absent\" has header twice"),
        "{}",
        errors(&both)
    );
}

#[test]
fn a_running_container_also_gets_the_header_line_with_each_payload() {
    let fake = FakeContainer::with_invocations(None, |_, body| {
        let rows = body.strip_prefix("a,b\n").unwrap();
        Reaction::csv(200, bracketed(rows))
    });
    let job = Job::new(&fake.url(), &[("x", "a,b\n1,2\n3,4\n"), ("y", "a,b\r\n5,6\r\n")]).by_lines();
    let job = job.with(&["--content-type", "text/csv;header=present", "--batch-strategy", "SingleRecord"]);
    job.completes();
    assert_eq!(fake.invocation_bodies(), ["a,b\n1,2", "a,b\n3,4", "a,b\n5,6"]);
    assert_eq!(job.output("x.out"), "[1,2]\n[3,4]\n");
    let absent = job.with(&["--content-type", "text/csv;header=absent"]);
    assert_eq!(absent.run().status.code(), Some(1), "then the line is a record");
}

#[test]
fn rows_with_wrong_quotes_fail_their_object_if_the_job_reads_rows() {
    let fake = FakeContainer::with_invocations(None, |_, body| Reaction::csv(200, "1\n".repeat(body.lines().count())));
    let objects = [
        ("bare.csv", "id0,x\nid1,say \"hi\" there\n"),
        ("after.csv", "\"abc\"def,say\n"),
        ("good.csv", "\"a,\"\"b\"\"\",\"\"\n"),
    ];
    for filters in [["--input-filter", "$[1:]"], ["--join-source", "Input"], ["--output-filter", "$[0]"]] {
        let job = Job::new(&fake.url(), &objects).by_lines().with(&filters);
        let output = job.run();
        assert_eq!(output.status.code(), Some(1));
        for said in [
            "bare.csv: record 2 (byte 6): bare \" in non quoted field (column 2, byte 14): expected",
            "found near: say \"hi\" there\n",
            "after.csv: record 1 (byte 0): text after the quote that closes a field (column 1, byte 5): expected",
        ] {
            assert!(errors(&output).contains(said), "{said}: {}", errors(&output));
        }
        assert_eq!(job.outputs().into_keys().collect::<Vec<_>>(), ["good.csv.out"], "{filters:?}");
    }
    let job = Job::new(&fake.url(), &objects).by_lines();
    job.completes();
    assert_eq!(job.outputs().len(), 3, "without them the container decides");
}

#[test]
fn warnings_of_a_container_are_shown() {
    let folder = scikit_learn("1.4.2/housing");
    fs::write(folder.path().join("columns.json"), r#"{"columns": ["A", "B"]}"#).unwrap();
    let job = Job::new(&model_dir(&folder), &[("a.csv", "1,2\n")]).by_lines().with(&["--log-level", "warning"]);
    let output = job.run();
    let message = errors(&output);
    assert!(message.lines().any(|line| line.starts_with("[primary] ") && line.contains(" WARN ")), "{message}");
    assert!(!message.contains(" INFO "), "{message}");
}

#[test]
fn an_output_is_written_again_only_if_something_has_changed() {
    let fake = echo();
    let job = Job::new(&fake.url(), &[("a", "a\n"), ("b", "b\n"), ("c", "c\n")]).by_lines();
    job.completes();
    assert_eq!(fake.invocation_bodies(), ["a", "b", "c"]);
    job.completes();
    assert_eq!(fake.invocation_bodies().len(), 3, "no output is missing");
    job.put("b", b"bb\n");
    fs::remove_file(job.path("out/c.out")).unwrap();
    job.completes();
    assert_eq!(fake.invocation_bodies()[3..], ["bb", "c"]);
    // Another job in the same folder: it does not reuse the outputs of the first.
    let job = job.with(&["--batch-strategy", "SingleRecord"]);
    job.completes();
    assert_eq!(fake.invocation_bodies()[5..], ["a", "bb", "c"]);
    // An object that fails now does not keep its old output.
    let job = job.with(&["--input-filter", "$[1]"]);
    assert_eq!(job.run().status.code(), Some(1));
    assert_eq!(job.outputs(), BTreeMap::new());
}

#[test]
fn strategy_size_and_concurrency_come_from_the_job_or_else_from_the_container() {
    let under_way = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
    let counters = Arc::clone(&under_way);
    let parameters = r#"{"MaxConcurrentTransforms": 3, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 1}"#;
    let fake = FakeContainer::with_invocations(Some(parameters), move |_, body| {
        let now = counters.0.fetch_add(1, Ordering::SeqCst) + 1;
        counters.1.fetch_max(now, Ordering::SeqCst);
        wait_until("others have come too", || counters.1.load(Ordering::SeqCst) == 3);
        counters.0.fetch_sub(1, Ordering::SeqCst);
        Reaction::csv(200, bracketed(body))
    });
    let job = Job::new(&fake.url(), &[("a", &numbered("a", 6)), ("b", &numbered("b", 6))]).by_lines();
    job.completes();
    assert_eq!(under_way.1.load(Ordering::SeqCst), 3);
    assert_eq!(fake.invocation_bodies().len(), 12, "one record per request");
    assert_eq!(job.output("a.out"), expected("a", 6));
    let job = job.with(&["--batch-strategy", "MultiRecord", "--max-concurrent-transforms", "1"]);
    job.completes();
    assert_eq!(fake.invocation_bodies()[12..], [numbered("a", 6).trim_end(), numbered("b", 6).trim_end()]);
}

#[test]
fn no_record_is_lost_or_duplicated_if_a_container_fails_hangs_or_dies() {
    for (name, trouble) in [
        ("fails", (|_| Reaction::csv(503, b"busy".to_vec())) as fn(Vec<u8>) -> Reaction),
        ("hangs", |_| Reaction::Hang),
        ("hangs up", |_| Reaction::HangUp),
        ("hangs up midway", Reaction::Half),
    ] {
        let tried: Mutex<BTreeMap<String, usize>> = Mutex::default();
        let fake = FakeContainer::with_invocations(None, move |_, body| {
            let mut tried = tried.lock().unwrap();
            let count = tried.entry(body.to_owned()).or_default();
            *count += 1;
            // Every third record needs two more attempts.
            let is_troubled = body.ends_with(['0', '3', '6', '9']) && *count < 3;
            if is_troubled { trouble(bracketed(body)) } else { Reaction::csv(200, bracketed(body)) }
        });
        let job = Job::new(&fake.url(), &[("a", &numbered("a", 12)), ("b", &numbered("b", 5))]).by_lines();
        let job = job.with(&["--batch-strategy", "SingleRecord", "--max-concurrent-transforms", "4"]);
        let job = job.with(&["--invocations-timeout-in-seconds", "1"]);
        job.completes();
        assert_eq!(job.output("a.out"), expected("a", 12), "{name}");
        assert_eq!(job.output("b.out"), expected("b", 5), "{name}");
    }
}

#[test]
fn a_payload_that_still_fails_after_the_retries_fails_only_its_object() {
    let fake = FakeContainer::with_invocations(None, |_, body| match body {
        "bad" => Reaction::csv(500, b"no".to_vec()),
        "refused" => Reaction::csv(415, b"what is that".to_vec()),
        _ => Reaction::csv(200, bracketed(body)),
    });
    let job = Job::new(&fake.url(), &[("a", "good\nbad\nnever\n"), ("b", "refused\n"), ("c", "good\n")]).by_lines();
    let job = job.with(&["--batch-strategy", "SingleRecord", "--invocations-max-retries", "2"]);
    let output = job.run();
    assert_eq!(output.status.code(), Some(1));
    let message = errors(&output);
    assert!(message.contains("a: record 2 (byte 5): container at http://127.0.0.1:"), "{message}");
    assert!(message.contains(&format!("container at {} answered 500: no (tried 3 times)", fake.url())), "{message}");
    let expected = format!("b: record 1 (byte 0): container at {} answered 415: what is that\n", fake.url());
    assert!(message.contains(&expected), "{message}");
    assert_eq!(job.outputs(), BTreeMap::from([("c.out".to_owned(), "[good]\n".to_owned())]));
    let bodies = fake.invocation_bodies();
    let count = |body: &str| bodies.iter().filter(|seen| *seen == body).count();
    assert_eq!((count("bad"), count("refused"), count("never")), (3, 1, 0));
}

/// The children of a process.
fn children(parent: u32) -> Vec<u32> {
    let list = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output().unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    let pairs = list.lines().filter_map(|line| {
        let mut numbers = line.split_whitespace().map(|number| number.parse::<u32>().unwrap());
        Some((numbers.next()?, numbers.next()?))
    });
    pairs.filter(|(_, ppid)| *ppid == parent).map(|(pid, _)| pid).collect()
}

fn kill(pid: u32, signal: &str) {
    assert!(Command::new("kill").args(["-s", signal, &pid.to_string()]).status().unwrap().success());
}

/// Starts a long job, which starts its own container, and returns it once the first object is written.
fn long_job() -> (TempDir, Job, Child) {
    let folder = scikit_learn("1.4.2/housing");
    let objects: Vec<(String, String)> = (0..8).map(|number| (format!("{number}.csv"), houses(6000))).collect();
    let objects: Vec<_> = objects.iter().map(|(name, content)| (name.as_str(), content.as_str())).collect();
    let job = Job::new(&model_dir(&folder), &objects).by_lines();
    let process = job.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until("an object is written", || job.path("out/0.csv.out").exists());
    (folder, job, process)
}

#[track_caller]
fn assert_whole(job: &Job) {
    let outputs = job.outputs();
    let first = outputs["0.csv.out"].clone();
    assert_eq!(first.lines().count(), 6000);
    for (name, output) in outputs {
        assert_eq!(output, first, "{name}");
    }
}

#[test]
fn a_container_that_the_job_started_is_restarted_when_it_is_killed() {
    let (_model, job, mut process) = long_job();
    for child in children(process.id()) {
        kill(child, "KILL");
    }
    let status = process.wait().unwrap();
    assert_eq!(status.code(), Some(0));
    assert_eq!(job.outputs().len(), 8);
    assert_whole(&job);
}

#[test]
fn a_job_that_was_killed_or_stopped_resumes_where_it_ended() {
    for (signal, code) in [("KILL", None), ("TERM", Some(75)), ("INT", Some(75))] {
        let (_model, job, mut process) = long_job();
        let containers = children(process.id());
        assert_eq!(containers.len(), 1);
        kill(process.id(), signal);
        assert_eq!(process.wait().unwrap().code(), code, "{signal}");
        assert_whole(&job);
        // Its container ends with it, or shortly after.
        wait_until("no container is left", || {
            let alive = Command::new("kill").args(["-0", &containers[0].to_string()]).stderr(Stdio::null()).status();
            !alive.unwrap().success()
        });
        let written = job.outputs().len();
        let output = job.run();
        assert_eq!(output.status.code(), Some(0), "{signal}");
        if written < 8 {
            let said = format!("{written} of 8 outputs are there already");
            assert!(errors(&output).contains(&said), "{signal} {said}: {}", errors(&output));
        }
        assert_eq!(job.outputs().len(), 8);
        assert_whole(&job);
        let drafts = fs::read_dir(job.path("out/.byoc-transform")).unwrap();
        let drafts = drafts.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("draft"));
        assert_eq!(drafts.count(), 0, "{signal}: no partial output is left");
    }
}

#[test]
fn a_pipeline_of_create_model_runs_its_containers_one_after_the_other() {
    let (first, second) = (scikit_learn("1.4.2/housing"), linear_learner("regressor_housing"));
    let containers = json!({ "ModelName": "housing", "Containers": [
        { "Image": "byoc", "ModelDataUrl": model_dir(&first),
              "Environment": {"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv"} },
        { "Image": "byoc", "ModelDataUrl": model_dir(&second) }
    ]});
    let file = first.path().join("pipeline.json");
    fs::write(&file, containers.to_string()).unwrap();
    let input =
        houses(50).lines().map(|line| line.split(',').take(8).collect::<Vec<_>>().join(",") + "\n").collect::<String>();
    let job = Job::new(file.to_str().unwrap(), &[("a.csv", &input)]).by_lines();
    let job = job.with(&["--join-source", "Input", "--output-filter", "$[0,-1]"]);
    job.completes();
    let csv = [("content-type", "text/csv"), ("accept", "text/csv")];
    let ask = |folder: &TempDir, body: &str| {
        Container::ready(&["--model-dir", &model_dir(folder)], &[]).post("/invocations", &csv, body).text().to_owned()
    };
    let scores = ask(&second, &ask(&first, &input));
    let joined: String = input
        .lines()
        .zip(scores.lines())
        .map(|(line, score)| format!("{},{score}\n", line.split(',').next().unwrap()))
        .collect();
    assert_eq!(job.output("a.csv.out"), joined);
}

#[test]
fn json_lines_are_filtered_joined_and_filtered_again() {
    let learner = linear_learner("regressor_housing");
    let features = "[0,0,0,0,0,0,1,0,1,0]";
    let lines = format!("{{\"id\": 1.0, \"data\": {{\"features\": {features}}}}}\n").repeat(3);
    let job = Job::new(&model_dir(&learner), &[("a.jsonl", &lines)]).with(&[
        "--content-type",
        "application/jsonlines",
        "--accept",
        "application/jsonlines",
        "--split-type",
        "Line",
        "--assemble-with",
        "Line",
        "--input-filter",
        "$.data",
        "--join-source",
        "Input",
        "--output-filter",
        "$['id','SageMakerOutput']",
    ]);
    job.completes();
    let output = job.output("a.jsonl.out");
    assert_eq!(output.lines().count(), 3);
    assert!(output.lines().all(|line| line.starts_with("{\"id\":1.0,\"SageMakerOutput\":{\"score\":")), "{output}");
}

#[test]
fn a_job_may_be_the_json_of_create_transform_job_with_a_manifest_of_gzip_objects() {
    let fake = echo();
    let job = Job::new(&fake.url(), &[]);
    for name in ["x/a.gz", "b.gz", "unlisted.gz"] {
        // Two gzip members in one file, as `cat` makes them.
        let mut packed = Vec::new();
        for part in ["1\n2\n", "3\n"] {
            let mut encoder = flate2::write::GzEncoder::new(&mut packed, flate2::Compression::fast());
            encoder.write_all(part.as_bytes()).unwrap();
            encoder.finish().unwrap();
        }
        job.put(name, &packed);
    }
    job.put("plain.gz", b"1\n");
    fs::write(job.path("manifest.json"), r#"[{"prefix": "in/"}, "x/a.gz", "b.gz", "plain.gz"]"#).unwrap();
    let request = json!({
        "TransformJobName": "from-a-manifest", "ModelName": "echo",
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": "manifest.json"}},
            "ContentType": "text/csv", "CompressionType": "Gzip", "SplitType": "Line"
        },
        "TransformOutput": {"S3OutputPath": "out", "Accept": "text/csv", "AssembleWith": "Line"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1}
    });
    fs::write(job.path("job.json"), request.to_string()).unwrap();
    let file = job.path("job.json");
    let output = byoc(&["transform", "--job", file.to_str().unwrap(), "--model", &fake.url()]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
    assert!(errors(&output).contains("plain.gz: it is not compressed with gzip"), "{}", errors(&output));
    let one = "[1]\n[2]\n[3]\n".to_owned();
    assert_eq!(job.outputs(), BTreeMap::from([("b.gz.out".to_owned(), one.clone()), ("x/a.gz.out".to_owned(), one)]));
}

#[test]
fn a_job_that_the_service_would_refuse_is_refused_before_anything_starts() {
    let fake = echo();
    let job =
        Job::new(&fake.url(), &[("a", "1\n")]).with(&["--input-filter", "$[0:2,4:]", "--content-type", "text/csv"]);
    let output = job.with(&["--max-payload-in-mb", "200"]).run();
    assert_eq!(output.status.code(), Some(78));
    for part in ["only single range filters", "--max-payload-in-mb: 200", "Accept: with DataProcessing"] {
        assert!(errors(&output).contains(part), "{part}: {}", errors(&output));
    }
    assert_eq!(fake.invocation_bodies().len(), 0);
}

#[test]
fn two_jobs_do_not_write_to_one_folder_at_the_same_time() {
    let fake = FakeContainer::with_invocations(None, |_, _| Reaction::Hang);
    let job = Job::new(&fake.url(), &[("a", "1\n")]).by_lines();
    let mut first = job.command().stderr(Stdio::null()).spawn().unwrap();
    wait_until("it has begun", || fake.invocation_bodies().len() == 1);
    let second = job.run();
    assert_eq!(second.status.code(), Some(78));
    assert!(errors(&second).contains("another byoc transform is writing there"), "{}", errors(&second));
    kill(first.id(), "TERM");
    assert_eq!(first.wait().unwrap().code(), Some(75));
}

/// The peak resident memory of a process, in KiB.
fn peak(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    status.split("VmHWM:").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn a_whole_object_is_streamed_through_a_container_in_constant_memory() {
    let folder = scikit_learn("1.4.2/housing");
    let container = Container::ready(
        &["--model-dir", &model_dir(&folder)],
        &[("SAGEMAKER_BATCH", "true"), ("SAGEMAKER_MAX_PAYLOAD_IN_MB", "0")],
    );
    let wishes = container.get("/execution-parameters").json();
    assert_eq!((wishes["MaxPayloadInMB"].as_u64(), wishes["BatchStrategy"].as_str()), (Some(0), Some("MULTI_RECORD")));
    let rows = 500_000;
    let job = Job::new(&format!("http://{}", container.address()), &[("a.csv", &houses(rows))]).by_lines();
    let job = job.with(&["--max-payload-in-mb", "0"]);
    job.completes();
    assert!(fs::metadata(job.path("in/a.csv")).unwrap().len() > 16 << 20, "a smaller object would be read whole");
    let output = job.output("a.csv.out");
    let csv = [("content-type", "text/csv"), ("accept", "text/csv")];
    let some = container.post("/invocations", &csv, houses(1000));
    assert_eq!(output.lines().count(), rows);
    let repeated = some.text().lines().cycle();
    assert!(output.lines().zip(repeated).all(|(a, b)| a == b));
    if cfg!(target_os = "linux") {
        let peak = peak(container.pid());
        assert!(peak < 150 << 10, "{peak} KiB");
    }
}

#[test]
fn an_answer_that_has_begun_is_cut_off_if_a_later_row_is_wrong() {
    let folder = scikit_learn("1.4.2/housing");
    let mut container = Container::ready(&["--model-dir", &model_dir(&folder)], &[("SAGEMAKER_BATCH", "True")]);
    let client: Client = container.client();
    let csv = [("content-type", "text/csv"), ("accept", "text/csv")];
    let rows = 500_000;
    let late = format!("{}x,big\n", houses(rows));
    assert!(client.try_send("POST", "/invocations", &csv, late.as_bytes()).is_err(), "no complete response");
    container.wait_for_log(&format!("an answer is broken off: row {}", rows + 1));
    let early = format!("1993,big,6,3.0,0.7,1,y,y\n{}", houses(rows));
    let message = container.post("/invocations", &csv, early).error(400, "BadRequestException");
    assert!(message.starts_with("row 1, column 2"), "{message}");
    let json = [("content-type", "application/json")];
    let refused = container.post("/invocations", &json, vec![b' '; (100 << 20) + 2]);
    assert!(refused.error(413, "PayloadTooLargeException").contains("application/jsonlines"));
}

/// Starts a healthy container that reads only some kilobytes of an invocation before it answers with this text.
/// Returns its URL.
fn early_answer(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut open = Vec::new();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut head = [0; 4096];
            let count = stream.read(&mut head).unwrap_or(0);
            if head[..count].starts_with(b"POST") {
                let _ = stream.write_all(answer.as_bytes());
                open.push(stream);
            } else {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            }
        }
    });
    url
}

#[test]
fn an_answer_to_only_part_of_a_request_is_an_error() {
    let url = early_answer("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n0.5");
    // More than the system buffers for a connection.
    let object = "1,2,3,4,5,6\n".repeat(26 << 20 >> 3);
    let job = Job::new(&url, &[("a", &object)]).with(&["--invocations-max-retries", "1"]);
    for megabytes in ["100", "0"] {
        let output = job.command().args(["--max-payload-in-mb", megabytes]).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
        let said = format!(
            "container at {url} sent an incomplete response: it answered before it had taken the whole request"
        );
        assert!(errors(&output).contains(&said), "{}", errors(&output));
        assert!(errors(&output).contains("(tried 2 times)"), "{}", errors(&output));
        assert_eq!(job.outputs(), BTreeMap::new());
    }
}

#[test]
fn a_redirect_is_an_error_that_names_its_target() {
    let url = early_answer("HTTP/1.1 302 Found\r\nlocation: https://elsewhere/\r\ncontent-length: 0\r\n\r\n");
    let output = Job::new(&url, &[("a", "1\n")]).run();
    assert_eq!(output.status.code(), Some(1));
    let said = format!("container at {url} answered 302: it redirects to https://elsewhere/, which is not followed");
    assert!(errors(&output).contains(&said), "{}", errors(&output));
}

#[test]
fn a_url_that_does_not_answer_is_logged_while_the_job_waits() {
    let url = format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    let output = Job::new(&url, &[("a", "1\n")]).with(&["--health-check-timeout", "1"]).run();
    assert_eq!(output.status.code(), Some(69));
    assert!(errors(&output).contains(&format!("waiting for {url}/ping, up to 1 s")), "{}", errors(&output));
    assert!(errors(&output).contains(&format!("container at {url}: Model container failed")), "{}", errors(&output));
}

#[test]
fn a_record_that_would_break_the_output_file_is_never_joined() {
    let fake = FakeContainer::with_invocations(None, |_, body| Reaction::csv(200, "1\n".repeat(body.lines().count())));
    let job = Job::new(&fake.url(), &[("good", "{\"a\":1}\n"), ("bad", "{\"a\":1}\n{\"a\":NaN}\n")]);
    let json = ["--content-type", "application/jsonlines", "--accept", "application/jsonlines"];
    let join = ["--split-type", "Line", "--assemble-with", "Line", "--join-source", "Input"];
    let job = job.with(&json).with(&join);
    let output = job.run();
    assert_eq!(output.status.code(), Some(1));
    assert!(errors(&output).contains("bad: record 2 (byte 8): expected JSON: "), "{}", errors(&output));
    assert_eq!(
        job.outputs(),
        BTreeMap::from([("good.out".to_owned(), "{\"a\":1,\"SageMakerOutput\":1}\n".to_owned())])
    );

    let job = Job::new(&fake.url(), &[("cut", "1,2\n3,\"a\nb\"\n")]).by_lines();
    let job = job.with(&["--join-source", "Input", "--batch-strategy", "SingleRecord"]);
    let output = job.run();
    assert_eq!(output.status.code(), Some(1));
    assert!(errors(&output).contains("cut: record 2 (byte 4): a quote does not close"), "{}", errors(&output));
    assert_eq!(job.outputs(), BTreeMap::new());
}

#[test]
fn blank_lines_are_not_sent_and_filters_never_produce_them() {
    // A container that answers every line, blank ones included.
    let each = |body: &str| body.split('\n').map(|line| format!("[{line}]\n").replace('"', "'")).collect::<String>();
    let fake = FakeContainer::with_invocations(None, move |_, body| Reaction::csv(200, each(body)));
    let job = Job::new(&fake.url(), &[("a", "\n1,x\n \n\n2,y\r\n3,\n\n")]).by_lines();
    let job = job.with(&["--join-source", "Input"]);
    job.completes();
    assert_eq!(job.output("a.out"), "1,x,[1,x]\n2,y,[2,y]\n3,,[3,]\n");
    let job = job.with(&["--input-filter", "$[-1]"]);
    job.completes();
    assert_eq!(fake.invocation_bodies().last().unwrap(), "x\ny\n\"\"");
    assert_eq!(job.output("a.out").lines().count(), 3);

    let job = Job::new(&fake.url(), &[("a", "1,x,y\n2,z\n")]).by_lines().with(&["--input-filter", "$[2:]"]);
    let output = job.run();
    assert_eq!(output.status.code(), Some(1));
    let said = "a: record 2 (byte 6): InputFilter $[2:]: it leaves nothing of the record";
    assert!(errors(&output).contains(said), "{}", errors(&output));
}

#[test]
fn answers_that_do_not_match_records_are_reported_once_per_object() {
    let fake = FakeContainer::with_invocations(None, |_, _| Reaction::csv(200, b"one\n".to_vec()));
    let job = Job::new(&fake.url(), &[("a", &numbered("a", 250_000))]).by_lines();
    let output = job.run();
    assert_eq!(output.status.code(), Some(0));
    assert!(fake.invocation_bodies().len() > 1);
    assert_eq!(errors(&output).matches("the container answered 1 line to").count(), 1, "{}", errors(&output));
}

#[test]
fn an_output_path_that_cannot_be_written_fails_only_its_object() {
    let fake = echo();
    let job = Job::new(&fake.url(), &[("a", "1\n"), ("b", "2\n"), (".c", "3\n"), ("d/e", "4\n")]).by_lines();
    fs::create_dir_all(job.path("out/a.out")).unwrap();
    fs::write(job.path("out/d"), "a file where a folder is needed").unwrap();
    let output = job.run();
    assert_eq!(output.status.code(), Some(1));
    for said in ["2 of 4 objects have no output", "\n    a: could not write ", "\n    d/e: could not write "] {
        assert!(errors(&output).contains(said), "{said}: {}", errors(&output));
    }
    fs::remove_file(job.path("out/d")).unwrap();
    assert_eq!(job.outputs().into_keys().collect::<Vec<_>>(), [".c.out", "b.out"]);
}

#[test]
fn if_an_answer_is_cut_off_the_job_quotes_the_last_error_of_the_containers_log() {
    let folder = scikit_learn("1.4.2/housing");
    let rows = 500_000;
    let job = Job::new(&model_dir(&folder), &[("a.csv", &format!("{}x,big\n", houses(rows)))]).by_lines();
    let job = job.with(&["--max-payload-in-mb", "0", "--invocations-max-retries", "0", "--log-level", "warning"]);
    let output = job.run();
    assert_eq!(output.status.code(), Some(1));
    let message = errors(&output);
    let report = message.split(" no output").nth(1).unwrap();
    assert!(report.contains("a.csv: container primary broke off its answer after it had begun"), "{report}");
    let said = format!("the last error in its log: an answer is broken off: row {}", rows + 1);
    assert!(report.contains(&said), "{report}");
    assert!(!message.contains("listening on"), "{message}");
    // For a payload, the message names the object.
    let job = job.with(&["--max-payload-in-mb", "50"]);
    let message = errors(&job.run());
    let report = message.split(" no output").nth(1).unwrap();
    assert!(report.contains(&format!("a.csv: record {} (byte {}): ", rows + 1, houses(rows).len())), "{report}");
    assert!(report.contains("in its log: an answer is broken off: column 1 (YEAR_BUILT), byte "), "{report}");
}

#[test]
fn a_streamed_body_is_not_buffered_while_the_client_does_not_read() {
    let folder = scikit_learn("1.4.2/housing");
    let container = Container::ready(&["--model-dir", &model_dir(&folder)], &[("SAGEMAKER_BATCH", "true")]);
    let mut stream = TcpStream::connect(container.address()).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(3))).unwrap();
    let head = "POST /invocations HTTP/1.1\r\nhost: x\r\ncontent-type: text/csv\r\naccept: text/csv\r\n\
                transfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let rows = houses(10_000);
    let chunk = format!("{:x}\r\n{rows}\r\n", rows.len());
    let mut sent = 0;
    // Send until the container stops reading.
    while stream.write_all(chunk.as_bytes()).is_ok() {
        sent += rows.len();
        assert!(sent < 100 << 20, "the container reads everything");
    }
    assert!(sent > 12 << 20, "{sent}");
    if cfg!(target_os = "linux") {
        let peak = peak(container.pid());
        println!("{sent} bytes sent, {peak} KiB at most");
        assert!(peak < 120 << 10, "{peak} KiB");
    }
}
