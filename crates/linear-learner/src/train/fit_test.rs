use super::super::hyperparameters::tests::parsed;
use super::super::metrics::Metric;
use super::super::rows::FeatureMatrix;
use super::*;
use serde_json::Value;
use std::path::Path;

/// A training set with the label first, and what `tests/fixtures/linear-learner/README.md` says AWS's algorithm gives
/// on it.
struct Reference {
    rows: Vec<Arc<Rows>>,
    expected: Value,
}

fn reference(case: &str) -> Reference {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/linear-learner").join(case);
    let text = std::fs::read_to_string(folder.join("train.csv")).unwrap();
    let expected: Value = serde_json::from_slice(&std::fs::read(folder.join("reference.json")).unwrap()).unwrap();
    let cells: Vec<Vec<f32>> =
        text.lines().map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect()).collect();
    // Blocks of whole mini-batches, as a channel gives them.
    let rows = cells
        .chunks(expected["mini_batch_size"].as_u64().unwrap() as usize * 4)
        .map(|cells| {
            Arc::new(Rows {
                width: cells[0].len() - 1,
                labels: cells.iter().map(|row| row[0]).collect(),
                features: FeatureMatrix::Dense(cells.iter().flat_map(|row| row[1..].to_vec()).collect()),
            })
        })
        .collect();
    Reference { rows, expected }
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn close(found: f64, expected: f64, tolerance: f64) -> bool {
    (found - expected).abs() <= tolerance * expected.abs()
}

/// What a run said, kept.
#[derive(Default)]
struct RecordedEvents {
    train_losses: Vec<Vec<f64>>,
    validation_losses: Vec<Vec<f64>>,
    verdicts: Vec<Verdict>,
    stopped_early: bool,
    metrics: Vec<(&'static str, Vec<Metric>)>,
}

impl RecordedEvents {
    fn record(&mut self, event: Event<'_>) {
        match event {
            Event::Epoch(epoch) => {
                self.train_losses.push(epoch.train_losses.to_vec());
                self.validation_losses.extend(epoch.validation_losses.map(<[f64]>::to_vec));
                self.verdicts.push(epoch.verdict);
            }
            Event::StoppedEarly => self.stopped_early = true,
            Event::Measured { channel, metrics } => self.metrics.push((channel, metrics.to_vec())),
            _ => {}
        }
    }

    fn metric(&self, channel: &str, name: &str) -> f64 {
        let (_, metrics) = self.metrics.iter().find(|(known, _)| *known == channel).unwrap();
        metrics.iter().find(|metric| metric.name == name).unwrap().value
    }
}

fn trained(
    given: &Hyperparameters,
    train: &mut Vec<Arc<Rows>>,
    validation: Option<&mut Vec<Arc<Rows>>>,
    initial: Option<Vec<Vec<f32>>>,
    threads: usize,
) -> (Trained, RecordedEvents) {
    let mut recorded = RecordedEvents::default();
    let mut tell = |event: Event<'_>| recorded.record(event);
    let channels = Channels { train, validation: validation.map(|rows| rows as &mut dyn Source), test: None };
    let run = Run { threads, memory: u64::MAX, stop: &|| false, tell: &mut tell };
    let trained = fit_from(given, channels, run, initial).unwrap();
    (trained, recorded)
}

fn initial(expected: &Value) -> Vec<Vec<f32>> {
    let models = expected["initial_weights"].as_array().unwrap();
    models.iter().map(|model| numbers(model).into_iter().map(|weight| weight as f32).collect()).collect()
}

fn like_the_reference(expected: &Value, refine: &str) -> Hyperparameters {
    let batch = expected["mini_batch_size"].to_string();
    let predictor_type = expected["predictor_type"].as_str().unwrap();
    parsed(&[
        ("predictor_type", predictor_type),
        ("mini_batch_size", &batch),
        ("epochs", "15"),
        ("num_models", "32"),
        ("refine", refine),
    ])
}

#[test]
fn the_training_of_aws_is_reproduced_for_each_model_and_epoch() {
    for case in ["train_binary", "train_regressor"] {
        let Reference { mut rows, expected } = reference(case);
        let given = like_the_reference(&expected, "false");
        let (trained, recorded) = trained(&given, &mut rows, None, Some(initial(&expected)), 2);
        let last = expected["last_epoch"].as_u64().unwrap() as usize;
        assert_eq!(recorded.train_losses.len(), last + 1, "{case}: epochs");
        assert_eq!(trained.epochs, last + 1);
        assert!(recorded.stopped_early);
        let kept = recorded.verdicts.iter().rposition(|verdict| *verdict == Verdict::Improved).unwrap();
        assert_eq!(kept as u64, expected["best_epoch"].as_u64().unwrap(), "{case}: the epoch that is kept");
        for (model, losses) in expected["epoch_losses"].as_array().unwrap().iter().enumerate() {
            for (epoch, expected) in numbers(losses).into_iter().take(last + 1).enumerate() {
                let found = recorded.train_losses[epoch][model];
                assert!(close(found, expected, 1e-4), "{case}: model {model} epoch {epoch}: {found} {expected}");
            }
        }
        assert_eq!(trained.model as u64, expected["best_model"].as_u64().unwrap(), "{case}: the winner");
        assert!(!trained.refined);
        for (found, expected) in trained.weights.weights.iter().zip(numbers(&expected["best_weight"])) {
            assert!(
                (f64::from(*found) - expected).abs() < 1e-4 * expected.abs().max(0.01),
                "{case}: {found} {expected}"
            );
        }
        assert!(
            close(f64::from(trained.weights.bias[0]), expected["best_bias"].as_f64().unwrap(), 1e-4),
            "{case}: bias"
        );
        let best = &expected["per_model_at_best_epoch"][trained.model];
        if case == "train_binary" {
            let threshold = best["threshold"].as_f64().unwrap();
            assert!(close(f64::from(trained.threshold), threshold, 1e-4), "{} {threshold}", trained.threshold);
            let accuracy = recorded.metric("train", "binary_classification_accuracy");
            assert!(close(accuracy, best["accuracy"].as_f64().unwrap(), 1e-12));
            let loss = recorded.metric("train", "binary_classification_cross_entropy_objective");
            assert!(close(loss, best["log_loss"].as_f64().unwrap(), 1e-4));
        } else {
            assert!(close(recorded.metric("train", "mse_objective"), best["mse"].as_f64().unwrap(), 1e-4));
            assert!(close(recorded.metric("train", "absolute_loss"), best["mae"].as_f64().unwrap(), 1e-4));
            assert_eq!(trained.threshold, 0.5);
        }
    }
}

#[test]
fn the_scaler_of_the_reference_is_reproduced() {
    for case in ["train_binary", "train_regressor"] {
        let Reference { rows, expected } = reference(case);
        let given = like_the_reference(&expected, "false");
        let scaler = Scaler::measure(&rows, given.mini_batch_size, given.num_point_for_scaler, given.scaling);
        assert_eq!(scaler.records as u64, expected["scaler_records"].as_u64().unwrap());
        for (found, expected) in scaler.means.iter().zip(numbers(&expected["mean"])) {
            assert!(close(f64::from(*found), expected, 1e-6), "{case}: {found} {expected}");
        }
        for (found, expected) in scaler.inverses.iter().zip(numbers(&expected["stdev"])) {
            assert!(close(1.0 / f64::from(*found), expected, 1e-6), "{case}: {found} {expected}");
        }
        assert!((f64::from(scaler.label_deviation) - expected["label_stdev"].as_f64().unwrap()).abs() < 1e-5);
    }
}

#[test]
fn the_result_is_the_same_every_time_and_on_any_number_of_threads() {
    let Reference { mut rows, expected } = reference("train_binary");
    let given = like_the_reference(&expected, "true");
    let (first, _) = trained(&given, &mut rows, None, None, 1);
    for threads in [1, 2, 5] {
        let (again, _) = trained(&given, &mut rows, None, None, threads);
        assert_eq!(again.weights, first.weights);
        assert_eq!(again.threshold, first.threshold);
        assert_eq!((again.model, again.refined), (first.model, first.refined));
    }
}

#[test]
fn a_refined_model_is_chosen_if_it_is_better() {
    let Reference { mut rows, expected } = reference("train_regressor");
    let loss = |refine: &str, rows: &mut Vec<Arc<Rows>>| {
        let given = like_the_reference(&expected, refine);
        let (trained, recorded) = trained(&given, rows, None, None, 2);
        (trained.refined, recorded.metric("train", "mse_objective"))
    };
    let (refined, better) = loss("true", &mut rows);
    let (_, plain) = loss("false", &mut rows);
    assert!(refined && better < plain, "{better} {plain}");
}

/// Three groups of points around the corners of a triangle.
fn triangle(count: usize) -> Vec<Arc<Rows>> {
    let corner = [(0.0, 3.0), (3.0, -2.0), (-3.0, -2.0)];
    let wobble = |row: usize, by: usize| ((row * by) % 17) as f32 / 8.0 - 1.0;
    let values = (0..count).flat_map(|row| {
        let (x, y) = corner[row % 3];
        [x + wobble(row, 5), y + wobble(row, 7)]
    });
    let labels = (0..count).map(|row| (row % 3) as f32).collect();
    vec![Arc::new(Rows { width: 2, labels, features: FeatureMatrix::Dense(values.collect()) })]
}

#[test]
fn a_multiclass_model_learns_three_groups_with_every_optimizer() {
    let mut rows = triangle(600);
    for optimizer in ["adam", "sgd", "rmsprop"] {
        for balanced in ["false", "true"] {
            let given = parsed(&[
                ("predictor_type", "multiclass_classifier"),
                ("num_classes", "3"),
                ("mini_batch_size", "50"),
                ("optimizer", optimizer),
                ("balance_multiclass_weights", balanced),
                ("refine", "false"),
            ]);
            let (trained, recorded) = trained(&given, &mut rows, None, None, 2);
            assert_eq!((trained.weights.weights.len(), trained.weights.bias.len()), (6, 3));
            assert_eq!(trained.class_weights.is_some(), balanced == "true");
            assert!(recorded.metric("train", "multiclass_accuracy") > 0.98, "{optimizer}");
        }
    }
}

#[test]
fn every_loss_trains_a_model_that_explains_the_labels() {
    let Reference { mut rows, .. } = reference("train_regressor");
    for loss in [
        "squared_loss",
        "absolute_loss",
        "quantile_loss",
        "huber_loss",
        "eps_insensitive_squared_loss",
        "eps_insensitive_absolute_loss",
    ] {
        for optimizer in ["adam", "sgd", "rmsprop"] {
            let given = parsed(&[
                ("predictor_type", "regressor"),
                ("loss", loss),
                ("optimizer", optimizer),
                ("mini_batch_size", "50"),
                ("num_models", "8"),
                ("refine", "false"),
            ]);
            let (_, recorded) = trained(&given, &mut rows, None, None, 2);
            // The label's own deviation is 21; what no model can explain is 3.
            assert!(recorded.metric("train", "rmse") < 4.0, "{loss} {optimizer} {}", recorded.metric("train", "rmse"));
        }
    }
    let Reference { mut rows, .. } = reference("train_binary");
    let given = [("predictor_type", "binary_classifier"), ("loss", "hinge_loss"), ("mini_batch_size", "50")];
    let (_, recorded) = trained(&parsed(&given), &mut rows, None, None, 2);
    assert!(recorded.metric("train", "binary_classification_accuracy") > 0.84);
}

#[test]
fn each_criterion_selects_the_model_and_sets_its_threshold() {
    let Reference { rows, .. } = reference("train_binary");
    let (mut train, mut validation) = (rows[..4].to_vec(), rows[4..].to_vec());
    let mut found = |criterion: &str| {
        let given = parsed(&[
            ("predictor_type", "binary_classifier"),
            ("binary_classifier_model_selection_criteria", criterion),
            ("target_recall", "0.95"),
            ("target_precision", "0.95"),
            ("mini_batch_size", "50"),
        ]);
        let (trained, recorded) = trained(&given, &mut train, Some(&mut validation), None, 2);
        assert!(!recorded.validation_losses.is_empty());
        (trained.threshold, recorded)
    };
    let (_, by_accuracy) = found("accuracy");
    let (at_recall, by_recall) = found("precision_at_target_recall");
    let (at_precision, by_precision) = found("recall_at_target_precision");
    let (by_loss, _) = found("loss_function");
    assert!(by_recall.metric("validation", "recall") >= 0.95);
    assert!(by_precision.metric("validation", "precision") >= 0.95);
    assert!(at_recall < at_precision);
    assert_eq!(by_loss, 0.5);
    let accuracy = |recorded: &RecordedEvents| recorded.metric("validation", "binary_classification_accuracy");
    assert!(accuracy(&by_accuracy) >= accuracy(&by_recall).max(accuracy(&by_precision)));
    let (_, by_f) = found("f_beta");
    assert!(by_f.metric("validation", "binary_f_1.000") >= by_recall.metric("validation", "binary_f_1.000"));
}

#[test]
fn a_higher_positive_weight_gives_more_positive_answers() {
    let Reference { mut rows, .. } = reference("train_binary");
    let mut recall = |weight: &str| {
        let given = parsed(&[
            ("predictor_type", "binary_classifier"),
            ("binary_classifier_model_selection_criteria", "loss_function"),
            ("positive_example_weight_mult", weight),
            ("mini_batch_size", "50"),
        ]);
        trained(&given, &mut rows, None, None, 2).1.metric("train", "recall")
    };
    assert!(recall("0.1") < recall("1") && recall("1") < recall("10"));
    assert!(recall("auto") > 0.0 && recall("balanced") > 0.0);
}

#[test]
fn sparse_rows_train_the_same_model_as_dense_rows() {
    let Reference { mut rows, .. } = reference("train_binary");
    let mut sparse: Vec<Arc<Rows>> = rows
        .iter()
        .map(|block| {
            let FeatureMatrix::Dense(values) = &block.features else { panic!("dense rows") };
            let ends = (1..=block.len()).map(|row| row * block.width).collect();
            let keys = (0..values.len()).map(|at| (at % block.width) as u32).collect();
            let features = FeatureMatrix::Sparse { ends, keys, values: values.clone() };
            Arc::new(Rows { width: block.width, labels: block.labels.clone(), features })
        })
        .collect();
    let given = parsed(&[("predictor_type", "binary_classifier"), ("mini_batch_size", "50"), ("num_models", "9")]);
    let (_, dense_told) = trained(&given, &mut rows, None, None, 2);
    let (_, sparse_told) = trained(&given, &mut sparse, None, None, 2);
    for (dense, sparse) in dense_told.train_losses.iter().flatten().zip(sparse_told.train_losses.iter().flatten()) {
        assert!(close(*sparse, *dense, 1e-4), "{sparse} {dense}");
    }
}

#[test]
fn without_use_bias_the_bias_is_zero() {
    let Reference { mut rows, .. } = reference("train_regressor");
    let given = parsed(&[
        ("predictor_type", "regressor"),
        ("use_bias", "false"),
        ("mini_batch_size", "50"),
        ("init_bias", "3"),
    ]);
    let (trained, _) = trained(&given, &mut rows, None, None, 2);
    assert_eq!(trained.weights.bias, [0.0]);
}

#[test]
fn a_stopped_run_returns_the_best_model_so_far() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let Reference { mut rows, expected } = reference("train_regressor");
    let given = like_the_reference(&expected, "true");
    let [whole, cut] = [usize::MAX, 3].map(|epochs| {
        let heard = AtomicUsize::new(0);
        let stop = || heard.load(Ordering::Relaxed) >= epochs;
        let mut tell = |event: Event<'_>| {
            if let Event::Epoch(_) = event {
                heard.fetch_add(1, Ordering::Relaxed);
            }
        };
        let channels = Channels { train: &mut rows, validation: None, test: None };
        let run = Run { threads: 2, memory: u64::MAX, stop: &stop, tell: &mut tell };
        fit_from(&given, channels, run, Some(initial(&expected))).unwrap()
    });
    assert_eq!(cut.epochs, 3);
    assert!(whole.epochs > cut.epochs);
    assert!(!cut.refined);
    assert!(cut.weights.weights.iter().any(|&weight| weight.abs() > 1.0));
}

#[test]
fn a_training_that_diverges_is_an_error_with_the_reason() {
    let mut rows = vec![Arc::new(Rows {
        width: 1,
        labels: vec![1.0; 20],
        features: FeatureMatrix::Dense((0..20).map(|row| row as f32 * 1e37).collect()),
    })];
    let given = parsed(&[
        ("predictor_type", "regressor"),
        ("normalize_data", "false"),
        ("unbias_data", "false"),
        ("optimizer", "sgd"),
        ("learning_rate", "1000"),
        ("mini_batch_size", "5"),
    ]);
    let mut tell = |_: Event<'_>| {};
    let channels = Channels { train: &mut rows, validation: None, test: None };
    let error =
        fit(&given, channels, Run { threads: 1, memory: u64::MAX, stop: &|| false, tell: &mut tell }).unwrap_err();
    assert!(error.message().contains("no model has a finite loss"), "{error}");
}

#[test]
fn a_feature_dim_that_differs_from_the_data_is_refused() {
    let Reference { mut rows, .. } = reference("train_regressor");
    let given = parsed(&[("predictor_type", "regressor"), ("feature_dim", "7"), ("mini_batch_size", "50")]);
    let mut tell = |_: Event<'_>| {};
    let channels = Channels { train: &mut rows, validation: None, test: None };
    let error =
        fit(&given, channels, Run { threads: 1, memory: u64::MAX, stop: &|| false, tell: &mut tell }).unwrap_err();
    assert!(error.message().contains("6 features: expected 7, which feature_dim says"), "{error}");
}

#[test]
fn if_the_criterion_is_equal_the_loss_decides_for_the_refined_model() {
    let given = parsed(&[("predictor_type", "binary_classifier")]);
    let Reference { rows, .. } = reference("train_binary");
    let shared = prepare(&Hyperparameters { mini_batch_size: 50, ..given.clone() }, &rows).unwrap();
    let standard = standard(&given, &shared, 1);
    assert_eq!(standard.better(), Better::Higher);
    let judged = |value, loss| Judged { value, loss, threshold: 0.5 };
    assert!(is_better(&standard, &judged(0.9, 0.3), &judged(0.9, 0.4)));
    assert!(!is_better(&standard, &judged(0.9, 0.4), &judged(0.9, 0.4)));
    assert!(!is_better(&standard, &judged(0.8, 0.1), &judged(0.9, 0.4)));
}
