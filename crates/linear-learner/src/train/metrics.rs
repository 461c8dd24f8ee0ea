//! The final scores of a model on a channel, under the names that AWS's log lines give them.

use super::calibration::{Confusion, Scored, f_beta};
use super::folded::{Folded, Weights};
use super::hyperparameters::{Hyperparameters, PredictorType};
use super::judge::{Standard, answered};
use super::loss::{ExampleWeights, Loss, slopes};
use super::rows::Source;
use byoc_formats::error::Result;

/// One metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// AWS's name of it.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// Whether less is better: log lines call it a loss then, else a score.
    pub is_loss: bool,
}

fn loss(name: impl Into<String>, value: f64) -> Metric {
    Metric { name: name.into(), value, is_loss: true }
}

fn score(name: impl Into<String>, value: f64) -> Metric {
    Metric { name: name.into(), value, is_loss: false }
}

/// Measures a model over a whole channel.
pub(super) fn measure(
    given: &Hyperparameters,
    standard: &Standard,
    model: &Weights,
    threshold: f32,
    channel: &mut dyn Source,
) -> Result<Vec<Metric>> {
    let folded = Folded::new(std::slice::from_ref(model), standard.outputs);
    let mut tally = Tally::new(given, standard.outputs, threshold);
    let weights = match &standard.class_weights {
        Some(weights) => ExampleWeights::Classes(weights.clone()),
        None => ExampleWeights::Positive(vec![standard.positive_weight; folded.columns()]),
    };
    let plain = ExampleWeights::Positive(vec![1.0; folded.columns()]);
    let mut objective = 0.0;
    let mut log_loss = 0.0;
    let mut sums = vec![0.0; folded.columns()];
    let mut copy = Vec::new();
    for block in channel.pass()? {
        let block = block?;
        folded.check(&block)?;
        folded.score(&block, |labels, scores| {
            for (row, &label) in scores.chunks_exact(folded.columns()).zip(labels) {
                tally.add(standard.loss, row.get(..standard.outputs).unwrap_or_default(), label);
            }
            if given.predictor_type != PredictorType::Regressor && !matches!(standard.loss, Loss::Hinge(_)) {
                copy.clear();
                copy.extend_from_slice(scores);
                sums.fill(0.0);
                slopes(standard.loss, &mut copy, standard.outputs, labels, &plain, &mut sums);
                log_loss += f64::from(sums.first().copied().unwrap_or(0.0));
            }
            sums.fill(0.0);
            slopes(standard.loss, scores, standard.outputs, labels, &weights, &mut sums);
            objective += f64::from(sums.first().copied().unwrap_or(0.0));
        });
    }
    let examples = tally.examples.max(1) as f64;
    let mut metrics = vec![loss(given.loss.objective(), standard.loss.as_logged(objective / examples))];
    metrics.extend(tally.finish(given, (!matches!(standard.loss, Loss::Hinge(_))).then_some(log_loss / examples)));
    Ok(metrics)
}

struct Tally {
    examples: usize,
    kind: Kind,
}

enum Kind {
    Regressor { squares: f64, absolutes: f64 },
    Binary { threshold: f32, confusion: Confusion, scored: Scored, most_scored: usize },
    Multiclass { top_k: usize, right: usize, in_top_k: usize, gain: f64, classes: Vec<OfClass> },
}

#[derive(Clone, Copy, Default)]
struct OfClass {
    right: usize,
    predicted: usize,
    actual: usize,
}

impl Tally {
    fn new(given: &Hyperparameters, outputs: usize, threshold: f32) -> Tally {
        let kind = match given.predictor_type {
            PredictorType::Regressor => Kind::Regressor { squares: 0.0, absolutes: 0.0 },
            PredictorType::BinaryClassifier => Kind::Binary {
                threshold,
                confusion: Confusion::default(),
                scored: Scored::default(),
                most_scored: given.num_calibration_samples,
            },
            PredictorType::MulticlassClassifier { .. } => Kind::Multiclass {
                top_k: given.accuracy_top_k,
                right: 0,
                in_top_k: 0,
                gain: 0.0,
                classes: vec![OfClass::default(); outputs],
            },
        };
        Tally { examples: 0, kind }
    }

    fn add(&mut self, loss: Loss, scores: &[f32], label: f32) {
        self.examples += 1;
        let first = scores.first().copied().unwrap_or(0.0);
        match &mut self.kind {
            Kind::Regressor { squares, absolutes } => {
                let error = f64::from(first) - f64::from(label);
                *squares += error * error;
                *absolutes += error.abs();
            }
            Kind::Binary { threshold, confusion, scored, most_scored } => {
                let answer = answered(loss, first);
                let count = match (answer >= *threshold, label == 1.0) {
                    (true, true) => &mut confusion.true_positives,
                    (true, false) => &mut confusion.false_positives,
                    (false, true) => &mut confusion.false_negatives,
                    (false, false) => &mut confusion.true_negatives,
                };
                *count += 1;
                if scored.len() < *most_scored {
                    scored.push(answer, label);
                }
            }
            Kind::Multiclass { top_k, right, in_top_k, gain, classes } => {
                let class = label as usize;
                let own = scores.get(class).copied().unwrap_or(f32::NEG_INFINITY);
                let above = |(other, &score): (usize, &f32)| score > own || (score == own && other < class);
                let rank = scores.iter().enumerate().filter(|&each| above(each)).count();
                *right += usize::from(rank == 0);
                *in_top_k += usize::from(rank < *top_k);
                *gain += 1.0 / ((rank + 2) as f64).log2();
                let mut answer = 0;
                for (other, score) in scores.iter().enumerate() {
                    if scores.get(answer).is_some_and(|best| score > best) {
                        answer = other;
                    }
                }
                if let Some(counts) = classes.get_mut(class) {
                    counts.actual += 1;
                    counts.right += usize::from(answer == class);
                }
                if let Some(counts) = classes.get_mut(answer) {
                    counts.predicted += 1;
                }
            }
        }
    }

    fn finish(self, given: &Hyperparameters, log_loss: Option<f64>) -> Vec<Metric> {
        let examples = self.examples.max(1) as f64;
        let beta = given.f_beta;
        match self.kind {
            Kind::Regressor { squares, absolutes } => vec![
                loss("mse", squares / examples),
                loss("absolute_loss", absolutes / examples),
                loss("rmse", (squares / examples).sqrt()),
            ],
            Kind::Binary { confusion, mut scored, .. } => {
                scored.sort();
                let mut metrics = vec![
                    score("binary_classification_accuracy", confusion.accuracy()),
                    score(format!("binary_f_{beta:.3}"), confusion.f_beta(beta)),
                    score("precision", confusion.precision()),
                    score("recall", confusion.recall()),
                    score("roc_auc_score", scored.roc_auc()),
                    score("binary_balanced_accuracy", confusion.balanced_accuracy()),
                ];
                // AWS's lines say <score> here, too.
                metrics.extend(log_loss.map(|value| score("binary_log_loss", value)));
                metrics
            }
            Kind::Multiclass { top_k, right, in_top_k, gain, classes } => {
                let ratio = |part: usize, whole: usize| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
                let macro_mean =
                    |of: &dyn Fn(&OfClass) -> f64| classes.iter().map(of).sum::<f64>() / classes.len() as f64;
                let recall = |counts: &OfClass| ratio(counts.right, counts.actual);
                let precision = |counts: &OfClass| ratio(counts.right, counts.predicted);
                let seen = classes.iter().filter(|counts| counts.actual > 0);
                let balanced = seen.clone().map(recall).sum::<f64>() / seen.count().max(1) as f64;
                let mut metrics = vec![
                    score("multiclass_accuracy", right as f64 / examples),
                    score(format!("multiclass_top_k_accuracy_{top_k}"), in_top_k as f64 / examples),
                    score("dcg", gain / examples),
                    score("macro_recall", macro_mean(&recall)),
                    score("macro_precision", macro_mean(&precision)),
                    score(
                        format!("macro_f_{beta:.3}"),
                        macro_mean(&|counts| f_beta(precision(counts), recall(counts), beta)),
                    ),
                    score("multiclass_balanced_accuracy", balanced),
                ];
                metrics.extend(log_loss.map(|value| score("multiclass_log_loss", value)));
                metrics
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::hyperparameters::tests::parsed;

    fn value(metrics: &[Metric], name: &str) -> f64 {
        metrics.iter().find(|metric| metric.name == name).map(|metric| metric.value).unwrap()
    }

    #[test]
    fn regression_metrics_are_means_over_all_records() {
        let given = parsed(&[("predictor_type", "regressor")]);
        let mut tally = Tally::new(&given, 1, 0.5);
        tally.add(Loss::Squared, &[3.0], 1.0);
        tally.add(Loss::Squared, &[1.0], 2.0);
        let metrics = tally.finish(&given, None);
        assert_eq!((value(&metrics, "mse"), value(&metrics, "absolute_loss")), (2.5, 1.5));
    }

    /// Expected values are scikit-learn's of the same four answers (labels 1 0 1 1, answers 1 1 0 1).
    #[test]
    fn binary_metrics_are_those_of_the_confusion_at_the_threshold() {
        let given = parsed(&[("predictor_type", "binary_classifier")]);
        let mut tally = Tally::new(&given, 1, 0.5);
        for (score, label) in [(2.0, 1.0), (0.5, 0.0), (-0.5, 1.0), (0.1, 1.0)] {
            tally.add(Loss::Logistic, &[score], label);
        }
        let metrics = tally.finish(&given, Some(0.25));
        assert_eq!(value(&metrics, "binary_classification_accuracy"), 0.5);
        assert!((value(&metrics, "precision") - 2.0 / 3.0).abs() < 1e-12);
        assert!((value(&metrics, "recall") - 2.0 / 3.0).abs() < 1e-12);
        assert!((value(&metrics, "binary_f_1.000") - 2.0 / 3.0).abs() < 1e-12);
        assert!((value(&metrics, "roc_auc_score") - 1.0 / 3.0).abs() < 1e-12);
        assert!((value(&metrics, "binary_balanced_accuracy") - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(value(&metrics, "binary_log_loss"), 0.25);
    }

    #[test]
    fn multiclass_metrics_count_ranks_and_classes() {
        let given =
            parsed(&[("predictor_type", "multiclass_classifier"), ("num_classes", "4"), ("accuracy_top_k", "2")]);
        let mut tally = Tally::new(&given, 4, 0.5);
        tally.add(Loss::Softmax, &[3.0, 1.0, 0.0, 0.0], 0.0);
        tally.add(Loss::Softmax, &[3.0, 1.0, 0.0, 0.0], 1.0);
        tally.add(Loss::Softmax, &[0.0, 1.0, 3.0, 2.0], 1.0);
        let metrics = tally.finish(&given, None);
        assert!((value(&metrics, "multiclass_accuracy") - 1.0 / 3.0).abs() < 1e-12);
        assert!((value(&metrics, "multiclass_top_k_accuracy_2") - 2.0 / 3.0).abs() < 1e-12);
        let gain = (1.0 + 1.0 / 3.0_f64.log2() + 0.5) / 3.0;
        assert!((value(&metrics, "dcg") - gain).abs() < 1e-12);
        assert_eq!(value(&metrics, "macro_recall"), 0.25);
        assert_eq!(value(&metrics, "macro_precision"), 0.125);
        assert_eq!(value(&metrics, "multiclass_balanced_accuracy"), 0.5);
    }
}
