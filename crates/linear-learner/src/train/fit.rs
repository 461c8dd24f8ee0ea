//! A training run from first row to final model.
//!
//! The steps and their order are AWS's own as its documentation
//! (docs.aws.amazon.com/sagemaker/latest/dg/ll_how-it-works.html) and public training logs show them: measure the
//! scaler, go over the mini-batches with all models side by side, stop early, choose a winner, set its threshold, fold
//! the scaler back.

use super::candidate::{Candidate, candidates};
use super::folded::Weights;
use super::group::{Group, Shared};
use super::hyperparameters::{Hyperparameters, PredictorType};
use super::initial;
use super::judge::{Judged, Standard, in_parallel};
use super::loss::Loss;
use super::memory::Sizes;
use super::metrics::measure;
use super::refine;
use super::rows::{Rows, Source};
use super::run::{Channels, Epoch, Event, Run, Trained};
use super::scaler::{Scaler, sample};
use super::stopping::{Better, EarlyStopping, Verdict};
use byoc_formats::error::{Cause, Error, Result};
use std::sync::Arc;

/// More examples than this do not improve the choice, but take more memory: 8 bytes for each example and model.
const MAX_CHOOSING_SAMPLES: usize = 1 << 20;
/// After each epoch a sample must do; AWS calls its criterion `sampled_accuracy`.
const MAX_EPOCH_SAMPLES: usize = 100_000;
/// The product of examples and models at which 32 models have as many examples as above. More models have fewer
/// examples each.
const MAX_SAMPLES_OF_ALL: usize = 32 << 20;

/// Trains.
///
/// # Errors
/// What the channels cannot read, [`Cause::BadPayload`] where they do not fit one another or hold less than a
/// mini-batch, and
/// [`Cause::InsufficientMemory`].
pub fn fit(given: &Hyperparameters, channels: Channels<'_>, run: Run<'_>) -> Result<Trained> {
    fit_from(given, channels, run, None)
}

/// Trains from given initial weights: width × outputs for each model.
pub(super) fn fit_from(
    given: &Hyperparameters,
    mut channels: Channels<'_>,
    mut run: Run<'_>,
    initial: Option<Vec<Vec<f32>>>,
) -> Result<Trained> {
    let candidates = candidates(given);
    let first = sample(channels.train.pass()?, given.mini_batch_size, given.num_point_for_scaler)?;
    let width = first.first().map_or(0, |block| block.width);
    let validates = channels.validation.is_some();
    Sizes::new(given, width, &candidates, run.threads, validates).check(given.predictor_type, run.memory)?;
    let shared = prepare(given, &first)?;
    let largest_label = first.iter().flat_map(|block| &block.labels).fold(0.0_f32, |most, label| most.max(label.abs()));
    drop(first);
    (run.tell)(Event::Prepared { scaler: &shared.scaler, models: candidates.len() });
    let standard = standard(given, &shared, run.threads);

    let trained = run_epochs(given, &candidates, &shared, &standard, &mut channels, &mut run, initial)?;
    let models: Vec<Weights> =
        trained.kept.iter().map(|parameters| Weights::fold(&shared.scaler, parameters, shared.outputs)).collect();
    // A stopped run has no time for a whole channel.
    let blocks = if (run.stop)() { 1 } else { usize::MAX };
    let samples = MAX_CHOOSING_SAMPLES.min(MAX_SAMPLES_OF_ALL / candidates.len().max(1)).max(1);
    let choosing = Standard { calibration_samples: given.num_calibration_samples.min(samples), ..standard.clone() };
    let judged = choosing.judge(&models, chooser(&mut channels), blocks)?;
    let mut values: Vec<f64> = judged.iter().map(|judged| judged.value).collect();
    let mut better = standard.better();
    if (run.stop)() && values.iter().all(|value| value.is_nan()) {
        // No data arrived in time: use the criterion of early stopping instead.
        (values, better) = (trained.values, trained.better);
    }
    let (Some(winner), false) = (better.best(&values), values.iter().all(|value| value.is_nan())) else {
        return Err(Error::new(Cause::BadPayload, no_finite_loss(given.loss, largest_label)));
    };
    let (Some(candidate), Some(parameters), Some(known)) =
        (candidates.get(winner), trained.kept.get(winner), judged.get(winner))
    else {
        return Err(Error::new(Cause::Internal, "the winner is not among the models"));
    };
    let mut best = models.get(winner).cloned().unwrap_or(Weights { weights: Vec::new(), bias: Vec::new() });
    let mut refined = false;
    if given.refine && !(run.stop)() {
        let objective = refine::Objective {
            loss: shared.loss,
            outputs: shared.outputs,
            wd: candidate.wd,
            l1: candidate.l1,
            use_bias: shared.use_bias,
            bias_wd: candidate.wd * shared.bias_wd_mult,
            positive_weight: candidate.positive_weight.value(shared.balanced),
            class_weights: shared.class_weights.clone(),
        };
        let solved = refine::solve(&objective, &shared.scaler, parameters, channels.train, &mut run)?;
        if let Some(solved) = solved.filter(|_| !(run.stop)()) {
            let solved = Weights::fold(&shared.scaler, &solved, shared.outputs);
            let judged = choosing.judge(std::slice::from_ref(&solved), chooser(&mut channels), blocks)?;
            // Without a validation channel, the loss on the training rows tells which model fits them most closely, not
            // which is best: there the objective decides, penalties and all, and the refined model is its minimum.
            let by_objective = channels.validation.is_none() && standard.calibrated_criterion().is_none();
            let is_chosen = |judged: &Judged| match by_objective {
                true => judged.loss.is_finite(),
                false => is_better(&standard, judged, known),
            };
            if judged.first().is_some_and(is_chosen) {
                best = solved;
                refined = true;
            }
        }
    }
    (run.tell)(Event::Chosen { candidate, refined });

    // The winner's own threshold, over all the examples that calibration may look at.
    let blocks = if (run.stop)() { 1 } else { usize::MAX };
    let last = standard.judge(std::slice::from_ref(&best), chooser(&mut channels), blocks)?;
    let threshold = match given.predictor_type {
        PredictorType::BinaryClassifier => last.first().map_or(0.5, |judged| judged.threshold),
        _ => 0.5,
    };
    if !(run.stop)() {
        let channel = if channels.validation.is_some() { "validation" } else { "train" };
        let metrics = measure(given, &standard, &best, threshold, chooser(&mut channels))?;
        (run.tell)(Event::Measured { channel, metrics: &metrics });
    }
    if let Some(test) = channels.test.filter(|_| !(run.stop)()) {
        let metrics = measure(given, &standard, &best, threshold, test)?;
        (run.tell)(Event::Measured { channel: "test", metrics: &metrics });
    }
    Ok(Trained {
        weights: best,
        threshold,
        positive_weight: candidate.positive_weight.value(shared.balanced),
        class_weights: shared.class_weights,
        candidate: *candidate,
        refined,
        model: winner,
        models: candidates.len(),
        epochs: trained.epochs,
    })
}

/// Why no model may have a finite loss.
fn no_finite_loss(loss: Loss, largest_label: f32) -> String {
    // Sums of a loss are in float32, a few rows at a time.
    let is_squared = matches!(loss, Loss::Squared | Loss::InsensitiveSquared(_));
    if is_squared && !(largest_label * largest_label * 48.0).is_finite() {
        return format!(
            "no model has a finite loss: the train channel has labels up to {largest_label:e}, whose squares {} adds \
             up beyond the {:e} that float32 holds; expected labels below 1e18: divide them by a constant, or take \
             another loss",
            loss.name(),
            f32::MAX
        );
    }
    "no model has a finite loss: expected data and a learning_rate that training does not run away with".to_owned()
}

/// The refined model must be better, or as good by the criterion and better by the loss.
fn is_better(standard: &Standard, new: &Judged, old: &Judged) -> bool {
    standard.better().than(new.value, old.value) || (new.value == old.value && new.loss < old.loss)
}

/// The channel that decides on the best model.
fn chooser<'a>(channels: &'a mut Channels<'_>) -> &'a mut dyn Source {
    match &mut channels.validation {
        Some(validation) => &mut **validation,
        None => channels.train,
    }
}

fn prepare(given: &Hyperparameters, first: &[Arc<Rows>]) -> Result<Shared> {
    let width = first.first().map_or(0, |block| block.width);
    if let Some(expected) = given.feature_dim.filter(|&expected| expected != width) {
        return Err(Error::new(
            Cause::BadPayload,
            format!("the train channel has {width} features: expected {expected}, which feature_dim says"),
        ));
    }
    let scaler = Scaler::measure(first, given.mini_batch_size, given.num_point_for_scaler, given.scaling);
    let labels = || first.iter().flat_map(|block| &block.labels).take(scaler.records).copied();
    let outputs = given.predictor_type.outputs();
    let positives = labels().filter(|&label| label == 1.0).count();
    let balanced = match positives {
        0 => 1.0,
        positives => (scaler.records - positives).max(1) as f64 / positives as f64,
    };
    let class_weights = given.balance_multiclass_weights.then(|| {
        let mut counts = vec![0_usize; outputs];
        for label in labels() {
            if let Some(count) = counts.get_mut(label as usize) {
                *count += 1;
            }
        }
        counts.iter().map(|&count| if count == 0 { UNSEEN } else { scaler.records as f32 / count as f32 }).collect()
    });
    Ok(Shared {
        loss: given.loss,
        outputs,
        mini_batch_size: given.mini_batch_size,
        use_bias: given.use_bias,
        bias_lr_mult: given.bias_lr_mult,
        bias_wd_mult: given.bias_wd_mult,
        optimizer: given.optimizer,
        balanced,
        class_weights: class_weights.filter(|_| outputs > 1),
        scaler,
    })
}

/// The weight of a class that is missing from the sample (AWS's own number, by its example notebook of multiclass
/// weights).
const UNSEEN: f32 = 1_000_000.0;

fn standard(given: &Hyperparameters, shared: &Shared, threads: usize) -> Standard {
    Standard {
        loss: shared.loss.on_raw_labels(shared.scaler.label_deviation),
        outputs: shared.outputs,
        criterion: (given.predictor_type == PredictorType::BinaryClassifier).then_some(given.criterion),
        positive_weight: given.positive_example_weight_mult.value(shared.balanced) as f32,
        class_weights: shared.class_weights.clone(),
        calibration_samples: given.num_calibration_samples,
        threads,
    }
}

/// The result of the epochs.
struct Epochs {
    /// The parameters of each model after the last epoch that counted as better.
    kept: Vec<Vec<f32>>,
    /// The criterion of early stopping in that epoch; equal for all models before the first one.
    values: Vec<f64>,
    better: Better,
    epochs: usize,
}

fn run_epochs(
    given: &Hyperparameters,
    candidates: &[Candidate],
    shared: &Shared,
    standard: &Standard,
    channels: &mut Channels<'_>,
    run: &mut Run<'_>,
    initial: Option<Vec<Vec<f32>>>,
) -> Result<Epochs> {
    let width = shared.scaler.means.len();
    let initial = initial.unwrap_or_else(|| initial::weights(given.initial, candidates.len(), width, shared.outputs));
    let each = candidates.len().div_ceil(run.threads.max(1)).max(1);
    let mut groups: Vec<Group> = candidates
        .chunks(each)
        .zip(initial.chunks(each))
        .map(|(candidates, initial)| Group::new(shared, candidates, initial, given.init_bias))
        .collect();
    let snapshot = |groups: &[Group]| groups.iter().flat_map(Group::models).collect::<Vec<_>>();
    let by_validation = channels.validation.is_some();
    let criterion = standard.calibrated_criterion().filter(|_| by_validation);
    let better = if by_validation { standard.better() } else { Better::Lower };
    let mut stopping = EarlyStopping::new(better, given.early_stopping_patience, given.early_stopping_tolerance);
    let samples = MAX_EPOCH_SAMPLES.min(MAX_SAMPLES_OF_ALL / candidates.len().max(1)).max(1);
    let sampling = Standard { calibration_samples: given.num_calibration_samples.min(samples), ..standard.clone() };
    let mut outcome = Epochs { kept: snapshot(&groups), values: vec![0.0; candidates.len()], better, epochs: 0 };
    for number in 0..given.epochs {
        let mut records = 0;
        for block in channels.train.pass()? {
            let block = block?;
            in_parallel(&mut groups, |group| group.train(shared, &block, run.stop));
            records += block.len();
            (run.tell)(Event::Progress { epoch: number, records });
            if (run.stop)() {
                break;
            }
        }
        if (run.stop)() {
            // A partial epoch is used only if there is no complete one.
            if outcome.epochs == 0 {
                outcome.kept = snapshot(&groups);
            }
            return Ok(outcome);
        }
        let train_losses: Vec<f64> =
            groups.iter_mut().flat_map(Group::take_losses).map(|loss| shared.loss.as_logged(loss)).collect();
        let now = snapshot(&groups);
        let judged = match &mut channels.validation {
            Some(validation) => {
                let models: Vec<Weights> =
                    now.iter().map(|parameters| Weights::fold(&shared.scaler, parameters, shared.outputs)).collect();
                Some(sampling.judge(&models, &mut **validation, usize::MAX)?)
            }
            None => None,
        };
        let values: Vec<f64> = match &judged {
            Some(judged) => judged.iter().map(|judged| judged.value).collect(),
            None => train_losses.clone(),
        };
        let validation_losses: Option<Vec<f64>> =
            judged.map(|judged| judged.iter().map(|judged| judged.loss).collect());
        let best = better.best(&values).and_then(|best| values.get(best).copied()).unwrap_or(f64::NAN);
        let verdict = stopping.judge(best);
        if verdict == Verdict::Improved {
            outcome.kept = now;
            outcome.values = values;
        }
        outcome.epochs = number + 1;
        (run.tell)(Event::Epoch(Epoch {
            number,
            records,
            train_losses: &train_losses,
            validation_losses: validation_losses.as_deref(),
            criterion,
            best,
            verdict,
        }));
        if stopping.is_over() {
            (run.tell)(Event::StoppedEarly);
            break;
        }
    }
    Ok(outcome)
}

#[cfg(test)]
#[path = "fit_test.rs"]
mod fit_test;
