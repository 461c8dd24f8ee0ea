//! The input, the progress reports and the result of a training run.

use super::candidate::Candidate;
use super::folded::Weights;
use super::hyperparameters::Criterion;
use super::metrics::Metric;
use super::rows::Source;
use super::scaler::Scaler;
use super::stopping::Verdict;

/// The data of a run.
pub struct Channels<'a> {
    /// The data that the models are trained on.
    pub train: &'a mut dyn Source,
    /// The data that decides on early stopping and on the winner, if there is any.
    pub validation: Option<&'a mut dyn Source>,
    /// The data that the winner is measured on.
    pub test: Option<&'a mut dyn Source>,
}

/// How a run is carried out. Nothing in it changes the result.
pub struct Run<'a> {
    /// The number of threads that share the models.
    pub threads: usize,
    /// The available memory in bytes. A run that needs more, without its rows, is refused before it begins.
    pub memory: u64,
    /// Returns true when the run should end: it then ends after the current mini-batch, with the best model so far.
    pub stop: &'a (dyn Fn() -> bool + Sync),
    /// Receives the progress.
    pub tell: &'a mut dyn FnMut(Event<'_>),
}

/// The progress of a run.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// The scaler is measured and the models are ready.
    Prepared {
        /// The scaler.
        scaler: &'a Scaler,
        /// The number of models that are trained.
        models: usize,
    },
    /// A block of an epoch is done.
    Progress {
        /// The epoch, from 0.
        epoch: usize,
        /// Records of this epoch so far.
        records: usize,
    },
    /// An epoch is over.
    Epoch(Epoch<'a>),
    /// Early stopping ends the training.
    StoppedEarly,
    /// A step of the refinement is done.
    Refined {
        /// Passes over the training data so far.
        passes: usize,
        /// The objective itself on scaled rows, penalties and all; what the steps minimise may be a smoothed form of
        /// it.
        objective: f64,
    },
    /// The winner is chosen.
    Chosen {
        /// Its settings.
        candidate: &'a Candidate,
        /// Whether it is the refined model.
        refined: bool,
    },
    /// The winner is measured on a channel.
    Measured {
        /// `train`, `validation` or `test`.
        channel: &'static str,
        /// By these metrics.
        metrics: &'a [Metric],
    },
}

/// An epoch that is over.
#[derive(Clone, Copy, Debug)]
pub struct Epoch<'a> {
    /// From 0.
    pub number: usize,
    /// The number of records.
    pub records: usize,
    /// Each model's mean loss over the epoch's mini-batches, each before its update, in units of the scaled label.
    pub train_losses: &'a [f64],
    /// Each model's mean loss over the validation channel, in units of the label.
    pub validation_losses: Option<&'a [f64]>,
    /// The criterion of early stopping if it is not the loss, such as `sampled_accuracy`.
    pub criterion: Option<Criterion>,
    /// The best model's value of the criterion.
    pub best: f64,
    /// The decision of early stopping.
    pub verdict: Verdict,
}

/// A trained model, and the facts about its training for the artifact.
#[derive(Clone, Debug)]
pub struct Trained {
    /// Weights and bias on raw rows.
    pub weights: Weights,
    /// The score from which on a binary classifier answers 1; 0.5 for the others, as in AWS's artifacts.
    pub threshold: f32,
    /// A weight for each class, if the classes were balanced.
    pub class_weights: Option<Vec<f32>>,
    /// The weight of an example of label 1 in the winner's loss.
    pub positive_weight: f64,
    /// The winner's settings.
    pub candidate: Candidate,
    /// Whether the winner is the refined model.
    pub refined: bool,
    /// The index of the winner, or of the model that was refined, among the candidates.
    pub model: usize,
    /// The number of models that were trained side by side.
    pub models: usize,
    /// The number of epochs.
    pub epochs: usize,
}
