//! The value of a model on a channel, by the criterion that selects a model.

use super::calibration::{Calibrated, Scored};
use super::elementary::sigmoid_and_softplus;
use super::folded::{Folded, Weights};
use super::hyperparameters::Criterion;
use super::loss::{ExampleWeights, Loss, slopes};
use super::rows::{Rows, Source};
use super::stopping::Better;
use byoc_formats::error::Result;
use std::sync::Arc;

/// How models are judged.
#[derive(Clone, Debug)]
pub(super) struct Standard {
    /// On raw labels.
    pub(super) loss: Loss,
    pub(super) outputs: usize,
    /// Of binary classifiers alone.
    pub(super) criterion: Option<Criterion>,
    pub(super) positive_weight: f32,
    pub(super) class_weights: Option<Vec<f32>>,
    /// The most examples that are considered for a threshold.
    pub(super) calibration_samples: usize,
    pub(super) threads: usize,
}

/// The result for one model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Judged {
    /// The mean loss, as it is logged.
    pub(super) loss: f64,
    /// The compared value: the loss, or a binary classifier's criterion at its best threshold.
    pub(super) value: f64,
    pub(super) threshold: f32,
}

impl Standard {
    /// The criterion that the value is, if it is not the loss.
    pub(super) fn calibrated_criterion(&self) -> Option<Criterion> {
        self.criterion.filter(|&criterion| criterion != Criterion::LossFunction)
    }

    pub(super) fn better(&self) -> Better {
        if self.calibrated_criterion().is_some() { Better::Higher } else { Better::Lower }
    }

    /// Where the loss itself draws the line between 0 and 1.
    fn natural_threshold(&self) -> f32 {
        if matches!(self.loss, Loss::Hinge(_)) { 0.0 } else { 0.5 }
    }

    /// Judges models over the first `blocks` blocks of a channel.
    pub(super) fn judge(&self, models: &[Weights], channel: &mut dyn Source, blocks: usize) -> Result<Vec<Judged>> {
        let each = models.len().div_ceil(self.threads.max(1)).max(1);
        let mut judges: Vec<Judge<'_>> = models.chunks(each).map(|models| Judge::new(self, models)).collect();
        for block in channel.pass()?.take(blocks) {
            let block: Arc<Rows> = block?;
            judges.iter().try_for_each(|judge| judge.folded.check(&block))?;
            in_parallel(&mut judges, |judge| judge.add(&block));
        }
        in_parallel(&mut judges, Judge::sort);
        Ok(judges.iter().flat_map(Judge::finish).collect())
    }
}

/// Runs one piece of work for each item, on as many threads as there are items.
pub(super) fn in_parallel<T: Send>(items: &mut [T], work: impl Fn(&mut T) + Sync) {
    match items {
        [] => {}
        [only] => work(only),
        [first, rest @ ..] => std::thread::scope(|scope| {
            for item in rest {
                scope.spawn(|| work(item));
            }
            work(first);
        }),
    }
}

struct Judge<'a> {
    standard: &'a Standard,
    folded: Folded,
    example_weights: ExampleWeights,
    losses: Vec<f64>,
    examples: usize,
    scored: Vec<Scored>,
    sums: Vec<f32>,
}

impl<'a> Judge<'a> {
    fn new(standard: &'a Standard, models: &[Weights]) -> Judge<'a> {
        let folded = Folded::new(models, standard.outputs);
        let calibrated = if standard.calibrated_criterion().is_some() { models.len() } else { 0 };
        Judge {
            standard,
            example_weights: match &standard.class_weights {
                Some(weights) => ExampleWeights::Classes(weights.clone()),
                None => ExampleWeights::Positive(vec![standard.positive_weight; folded.columns()]),
            },
            losses: vec![0.0; models.len()],
            examples: 0,
            scored: std::iter::repeat_with(Scored::default).take(calibrated).collect(),
            sums: vec![0.0; folded.columns()],
            folded,
        }
    }

    fn add(&mut self, block: &Rows) {
        let Judge { standard, folded, example_weights, losses, examples, scored, sums } = self;
        folded.score(block, |labels, scores| {
            *examples += labels.len();
            for (row, &label) in scores.chunks_exact(folded.columns()).zip(labels) {
                for (scored, &score) in scored.iter_mut().zip(row) {
                    if scored.len() < standard.calibration_samples {
                        scored.push(answered(standard.loss, score), label);
                    }
                }
            }
            sums.fill(0.0);
            slopes(standard.loss, scores, folded.outputs, labels, example_weights, sums);
            for (loss, &sum) in losses.iter_mut().zip(sums.iter().step_by(folded.outputs)) {
                *loss += f64::from(sum);
            }
        });
    }

    fn sort(&mut self) {
        self.scored.iter_mut().for_each(Scored::sort);
    }

    fn finish(&self) -> impl Iterator<Item = Judged> {
        // Without examples it is 0 / 0, not a number, and beats nothing.
        let examples = self.examples as f64;
        (0..self.folded.models).map(move |model| {
            let loss = self.losses.get(model).map_or(f64::NAN, |loss| self.standard.loss.as_logged(loss / examples));
            let uncalibrated = Calibrated { threshold: self.standard.natural_threshold(), value: loss };
            let calibrated = self
                .standard
                .calibrated_criterion()
                .and_then(|criterion| self.scored.get(model).and_then(|scored| scored.calibrate(criterion)));
            let Calibrated { threshold, value } = calibrated.unwrap_or(uncalibrated);
            // A model that has diverged is never chosen, whatever its scores.
            let value = if loss.is_finite() { value } else { f64::NAN };
            Judged { loss, value, threshold }
        })
    }
}

/// The score as the served model answers it: a probability where the loss gives one.
pub(super) fn answered(loss: Loss, score: f32) -> f32 {
    if loss == Loss::Logistic { sigmoid_and_softplus::<false>(score).0 } else { score }
}
