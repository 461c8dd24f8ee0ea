use super::*;
use byoc_linear_learner::train::{Criterion, Given, Scaler, candidates};
use std::time::Duration;

fn given(pairs: &[(&str, &str)]) -> Hyperparameters {
    let given: Given = pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    Hyperparameters::parse(&given).unwrap()
}

/// 2024-08-07 09:05:03 UTC.
fn clock() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_723_021_503)
}

fn told(given: &Hyperparameters, events: &[Event<'_>]) -> String {
    let mut out = Vec::new();
    let mut lines = LogLines::new(&mut out, "algo-1", given, true, false, clock);
    lines.thread = 140;
    events.iter().for_each(|event| lines.hear(*event));
    String::from_utf8(out).unwrap()
}

#[test]
fn the_lines_of_an_epoch_are_those_of_aws_logs() {
    let given = given(&[("predictor_type", "binary_classifier"), ("epochs", "15")]);
    let epoch = Epoch {
        number: 0,
        records: 1000,
        train_losses: &[0.638_161_520_717_867_8, 0.5],
        validation_losses: Some(&[0.75, f64::NAN]),
        criterion: Some(Criterion::Accuracy),
        best: 0.875,
        verdict: Verdict::Improved,
    };
    let later = Epoch { number: 14, criterion: None, verdict: Verdict::NotImproved { before: 0 }, ..epoch };
    let text = told(&given, &[Event::Epoch(epoch), Event::Epoch(later), Event::StoppedEarly]);
    for line in [
        "[08/07/2024 09:05:03 INFO 140] #quality_metric: host=algo-1, epoch=0, train \
         binary_classification_cross_entropy_objective <loss>=0.6381615207178678",
        "#quality_metric: host=algo-1, epoch=0, validation binary_classification_cross_entropy_objective <loss>=0.75",
        "#early_stopping_criteria_metric: host=algo-1, epoch=0, criteria=sampled_accuracy, value=0.875",
        "Epoch 0: Loss improved. Updating best model",
        "Saving model for epoch: 0",
        "#progress_metric: host=algo-1, completed 6.666666666666667 % of epochs",
        "#throughput_metric: host=algo-1, train throughput=1000000000.0 records/second",
        "criteria=binary_classification_cross_entropy_objective, value=0.875",
        "Epoch 14: Loss has not improved for 0 epochs.",
        "#progress_metric: host=algo-1, completed 100.0 % of epochs",
        "Early stop condition met. Stopping training.",
        "completed 100 % epochs",
    ] {
        assert!(text.lines().any(|found| found.ends_with(line)), "{line}\n{text}");
    }
    let records: Vec<serde_json::Value> = text
        .lines()
        .filter_map(|line| line.strip_prefix("#metrics "))
        .map(|record| serde_json::from_str(record).unwrap())
        .collect();
    assert_eq!(records.len(), 8);
    assert_eq!(records[1]["Dimensions"]["model"], 1);
    assert_eq!(records[1]["Dimensions"]["Algorithm"], "Linear Learner");
    assert_eq!(records[1]["Metrics"]["train_binary_classification_cross_entropy_objective"]["sum"], 0.5);
    assert!(records[3]["Metrics"]["validation_binary_classification_cross_entropy_objective"]["sum"].is_null());
}

#[test]
fn the_lines_of_the_winner_and_its_scores_are_those_of_aws_logs() {
    let given = given(&[("predictor_type", "regressor")]);
    let candidate = candidates(&given)[6];
    let metrics = [
        Metric { name: "mse".into(), value: 12.5, is_loss: true },
        Metric { name: "roc_auc_score".into(), value: 1.0, is_loss: false },
    ];
    let text = told(
        &given,
        &[
            Event::Chosen { candidate: &candidate, refined: false },
            Event::Measured { channel: "validation", metrics: &metrics },
            Event::Chosen { candidate: &candidate, refined: true },
        ],
    );
    for line in [
        "Best model found for hyperparameters: {\"optimizer\": \"adam\", \"learning_rate\": 0.1, \"wd\": 0.0001, \
         \"l1\": 0.0, \"lr_scheduler_step\": 10, \"lr_scheduler_factor\": 0.99, \"lr_scheduler_minimum_lr\": 0.0001}",
        "#validation_score (algo-1) : ('mse', 12.5)",
        "#quality_metric: host=algo-1, validation mse <loss>=12.5",
        "#quality_metric: host=algo-1, validation roc_auc_score <score>=1.0",
        "Test data is not provided.",
        "\"lr_scheduler_minimum_lr\": 0.0001, \"refine\": true}",
    ] {
        assert!(text.lines().any(|found| found.ends_with(line)), "{line}\n{text}");
    }
}

#[test]
fn the_configuration_is_printed_as_given_and_as_resolved() {
    let parsed = given(&[("predictor_type", "regressor")]);
    let raw: Given =
        [("predictor_type".to_owned(), "regressor".to_owned()), ("epochs".to_owned(), "3".to_owned())].into();
    let mut out = Vec::new();
    let mut lines = LogLines::new(&mut out, "algo-1", &parsed, false, false, clock);
    lines.configuration("/opt/ml/input/config/hyperparameters.json", &raw);
    let scaler = Scaler { records: 9, means: vec![0.0], inverses: vec![1.0], label_mean: 0.0, label_deviation: 1.0 };
    lines.hear(Event::Prepared { scaler: &scaler, models: 4 });
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("] Docker entrypoint called with argument(s): train\n"), "{text}");
    assert!(text.contains("hyperparameters.json: {\"epochs\":\"3\",\"predictor_type\":\"regressor\"}\n"), "{text}");
    let last = text.lines().find(|line| line.contains("Final configuration: ")).unwrap();
    assert!(last.contains("\"epochs\":\"3\"") && last.contains("\"wd\":\"auto\""), "{last}");
}

#[test]
fn dates_are_printed_in_utc() {
    for (seconds, expected) in [
        (0, "01/01/1970 00:00:00"),
        (951_827_696, "02/29/2000 12:34:56"),
        (1_709_251_199, "02/29/2024 23:59:59"),
        (4_107_542_400, "03/01/2100 00:00:00"),
    ] {
        assert_eq!(stamp(UNIX_EPOCH + Duration::from_secs(seconds)), expected);
    }
}

#[test]
fn only_control_characters_of_a_line_are_escaped() {
    let mut out = Vec::new();
    let given = given(&[("predictor_type", "regressor")]);
    let mut lines = LogLines::new(&mut out, "algo\r\u{1b}[2K\u{202e}1", &given, true, false, clock);
    lines.thread = 140;
    lines.hear(Event::StoppedEarly);
    let text = String::from_utf8(out).unwrap();
    let expected =
        "[08/07/2024 09:05:03 INFO 140] #progress_metric: host=algo\\r\\u{1b}[2K\\u{202e}1, completed 100 % epochs";
    assert_eq!(text.lines().last(), Some(expected));
}
