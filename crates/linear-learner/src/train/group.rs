//! Models that are trained together on one thread: one matrix product serves them all.
//!
//! A mini-batch is processed in pieces that stay in the cache: scale, score, slopes, gradient. Models do not affect
//! each other, so their numbers do not depend on how they are distributed over threads.

use super::candidate::Candidate;
use super::kernel::{add_gradient, add_scores, padded};
use super::loss::{ExampleWeights, Loss, slopes};
use super::optimizer::{Memory, Optimizer};
use super::rows::{Piece, Rows};
use super::scaler::Scaler;

/// Rows processed at once. With 100 features and 16 models on a thread they and the weights fit the first-level
/// cache; the kernels take six rows at a time.
pub(super) const PIECE: usize = 48;

/// What all models of a job have in common.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) loss: Loss,
    pub(super) scaler: Scaler,
    /// The number of scores for each row and model.
    pub(super) outputs: usize,
    pub(super) mini_batch_size: usize,
    pub(super) use_bias: bool,
    pub(super) bias_lr_mult: f64,
    pub(super) bias_wd_mult: f64,
    pub(super) optimizer: Optimizer,
    /// The weight of a positive example for candidates with balanced weights.
    pub(super) balanced: f64,
    /// A weight for each class, if classes are balanced.
    pub(super) class_weights: Option<Vec<f32>>,
}

/// Some models and the state of their training.
#[derive(Debug)]
pub(super) struct Group {
    candidates: Vec<Candidate>,
    outputs: usize,
    columns: usize,
    width: usize,
    /// (width + 1) × columns: the weights of each feature, then the bias.
    parameters: Vec<f32>,
    memory: Memory,
    example_weights: ExampleWeights,
    updates: u64,
    /// The sum of each model's loss over this epoch's examples, and the number of examples.
    losses: Vec<f64>,
    examples: usize,
    scratch: Scratch,
}

#[derive(Debug, Default)]
struct Scratch {
    scaled: Vec<f32>,
    labels: Vec<f32>,
    scores: Vec<f32>,
    sums: Vec<f32>,
    gradient: Vec<f32>,
    start: Vec<f32>,
    rates: Vec<f32>,
    bias_rates: Vec<f32>,
}

impl Group {
    /// Models with initial weights, each width × outputs.
    pub(super) fn new(shared: &Shared, candidates: &[Candidate], initial: &[Vec<f32>], init_bias: f32) -> Group {
        let outputs = shared.outputs;
        let columns = padded(candidates.len() * outputs);
        let width = shared.scaler.means.len();
        let mut parameters = vec![0.0; (width + 1) * columns];
        for (model, weights) in initial.iter().take(candidates.len()).enumerate() {
            for (row, weights) in parameters.chunks_exact_mut(columns).zip(weights.chunks_exact(outputs.max(1))) {
                if let Some(place) = row.get_mut(model * outputs..(model + 1) * outputs) {
                    place.copy_from_slice(weights);
                }
            }
        }
        if shared.use_bias
            && let Some(bias) = parameters.get_mut(width * columns..)
        {
            bias[..candidates.len() * outputs].fill(init_bias);
        }
        let positive = candidates.iter().flat_map(|candidate| {
            std::iter::repeat_n(candidate.positive_weight.value(shared.balanced) as f32, outputs)
        });
        let mut positive: Vec<f32> = positive.collect();
        positive.resize(columns, 1.0);
        Group {
            candidates: candidates.to_vec(),
            outputs,
            columns,
            width,
            memory: Memory::new(shared.optimizer, parameters.len()),
            parameters,
            example_weights: match &shared.class_weights {
                Some(weights) => ExampleWeights::Classes(weights.clone()),
                None => ExampleWeights::Positive(positive),
            },
            updates: 0,
            losses: vec![0.0; candidates.len()],
            examples: 0,
            scratch: Scratch::default(),
        }
    }

    /// Trains on the full mini-batches of a block; a partial one at its end is skipped.
    pub(super) fn train(&mut self, shared: &Shared, block: &Rows, stop: &(dyn Fn() -> bool + Sync)) {
        let batch = shared.mini_batch_size;
        for start in (0..block.len() / batch).map(|index| index * batch) {
            if stop() {
                return;
            }
            self.train_batch(shared, block, start);
        }
    }

    fn train_batch(&mut self, shared: &Shared, block: &Rows, start: usize) {
        let (width, columns) = (self.width, self.columns);
        let scratch = &mut self.scratch;
        scratch.gradient.clear();
        scratch.gradient.resize((width + 1) * columns, 0.0);
        let (weights, bias) = self.parameters.split_at(width * columns);
        starting_scores(&shared.scaler, block, weights, bias, &mut scratch.start);
        let end = start + shared.mini_batch_size;
        for from in (start..end).step_by(PIECE) {
            let (labels, piece) = block.piece(from, end.min(from + PIECE));
            shared.scaler.scale_labels(labels, &mut scratch.labels);
            scratch.scores.clear();
            labels.iter().for_each(|_| scratch.scores.extend_from_slice(&scratch.start));
            match piece {
                Piece::Dense(rows) => {
                    shared.scaler.scale(rows, &mut scratch.scaled);
                    add_scores(&scratch.scaled, width, weights, columns, &mut scratch.scores);
                }
                Piece::Sparse { .. } => add_sparse_scores(&shared.scaler, piece, weights, &mut scratch.scores),
            }
            scratch.sums.clear();
            scratch.sums.resize(columns, 0.0);
            slopes(
                shared.loss,
                &mut scratch.scores,
                self.outputs,
                &scratch.labels,
                &self.example_weights,
                &mut scratch.sums,
            );
            for (loss, sum) in self.losses.iter_mut().zip(scratch.sums.iter().step_by(self.outputs)) {
                *loss += f64::from(*sum);
            }
            let (gradient, bias_gradient) = scratch.gradient.split_at_mut(width * columns);
            match piece {
                Piece::Dense(_) => add_gradient(&scratch.scaled, width, &scratch.scores, columns, gradient),
                Piece::Sparse { .. } => add_sparse_gradient(&shared.scaler, piece, &scratch.scores, gradient, columns),
            }
            for slopes in scratch.scores.chunks_exact(columns) {
                bias_gradient.iter_mut().zip(slopes).for_each(|(sum, slope)| *sum += slope);
            }
        }
        if matches!(block.piece(0, 0).1, Piece::Sparse { .. }) {
            let (gradient, bias_gradient) = scratch.gradient.split_at_mut(width * columns);
            center_gradient(&shared.scaler, gradient, bias_gradient);
        }
        self.examples += shared.mini_batch_size;
        self.update(shared);
    }

    /// Moves all parameters by the gradient of one mini-batch.
    fn update(&mut self, shared: &Shared) {
        let (width, columns, outputs) = (self.width, self.columns, self.outputs);
        self.updates += 1;
        let factor = self.memory.begin();
        let scratch = &mut self.scratch;
        let mut rates: Vec<f32> = Vec::with_capacity(columns);
        let mut decays: Vec<(f32, f32)> = Vec::with_capacity(columns);
        for candidate in &self.candidates {
            let rate = (candidate.learning_rate_at(self.updates) * factor) as f32;
            rates.extend(std::iter::repeat_n(rate, outputs));
            decays.extend(std::iter::repeat_n((candidate.wd as f32, candidate.l1 as f32), outputs));
        }
        rates.resize(columns, 0.0);
        decays.resize(columns, (0.0, 0.0));
        scratch.bias_rates.clear();
        scratch.bias_rates.extend(rates.iter().map(|rate| rate * shared.bias_lr_mult as f32));
        scratch.rates = rates;
        let share = 1.0 / shared.mini_batch_size as f32;
        let rows = self.parameters.chunks_exact_mut(columns).zip(scratch.gradient.chunks_exact_mut(columns));
        for (row, (parameters, gradient)) in rows.enumerate() {
            let (rates, decay) = match row < width {
                true => (&scratch.rates, 1.0),
                false if !shared.use_bias => break,
                false => (&scratch.bias_rates, shared.bias_wd_mult as f32),
            };
            // l1 applies to the weights only.
            let absolute: f32 = if row < width { 1.0 } else { 0.0 };
            for ((gradient, &parameter), &(wd, l1)) in gradient.iter_mut().zip(parameters.iter()).zip(&decays) {
                let side = if parameter == 0.0 { 0.0 } else { absolute.copysign(parameter) };
                *gradient = *gradient * share + decay * wd * parameter + l1 * side * absolute;
            }
            self.memory.step(row, parameters, gradient, rates);
        }
    }

    /// The mean loss of each model over this epoch's examples, each with the parameters at that time; starts the next
    /// epoch.
    pub(super) fn take_losses(&mut self) -> Vec<f64> {
        let examples = std::mem::take(&mut self.examples).max(1) as f64;
        self.losses.iter_mut().map(|loss| std::mem::take(loss) / examples).collect()
    }

    /// The current parameters of each model: (width + 1) × outputs, the bias last.
    pub(super) fn models(&self) -> impl Iterator<Item = Vec<f32>> {
        (0..self.candidates.len()).map(|model| {
            let place = model * self.outputs..(model + 1) * self.outputs;
            let rows = self.parameters.chunks_exact(self.columns);
            rows.flat_map(|row| row.get(place.clone()).unwrap_or_default()).copied().collect()
        })
    }
}

/// The initial scores of every row: the bias and, for sparse rows, the contribution of the zeros after centring.
fn starting_scores(scaler: &Scaler, block: &Rows, weights: &[f32], bias: &[f32], start: &mut Vec<f32>) {
    start.clear();
    start.extend_from_slice(bias);
    if let Piece::Sparse { .. } = block.piece(0, 0).1 {
        let scales = scaler.means.iter().zip(&scaler.inverses);
        for (weights, (mean, inverse)) in weights.chunks_exact(bias.len()).zip(scales) {
            start.iter_mut().zip(weights).for_each(|(start, weight)| *start -= mean * inverse * weight);
        }
    }
}

fn add_sparse_scores(scaler: &Scaler, piece: Piece<'_>, weights: &[f32], scores: &mut [f32]) {
    let columns = weights.len() / scaler.means.len().max(1);
    for ((keys, values), scores) in piece.sparse_rows().zip(scores.chunks_exact_mut(columns.max(1))) {
        for (&key, value) in keys.iter().zip(values) {
            let key = key as usize;
            let scaled = value * scaler.inverses.get(key).copied().unwrap_or(0.0);
            let weights = weights.get(key * columns..(key + 1) * columns).unwrap_or_default();
            scores.iter_mut().zip(weights).for_each(|(score, weight)| *score += scaled * weight);
        }
    }
}

fn add_sparse_gradient(scaler: &Scaler, piece: Piece<'_>, slopes: &[f32], gradient: &mut [f32], columns: usize) {
    for ((keys, values), slopes) in piece.sparse_rows().zip(slopes.chunks_exact(columns)) {
        for (&key, value) in keys.iter().zip(values) {
            let key = key as usize;
            let scaled = value * scaler.inverses.get(key).copied().unwrap_or(0.0);
            let gradient = gradient.get_mut(key * columns..(key + 1) * columns).unwrap_or_default();
            gradient.iter_mut().zip(slopes).for_each(|(sum, slope)| *sum += scaled * slope);
        }
    }
}

/// Corrects a gradient that was summed over sparse rows without centring.
fn center_gradient(scaler: &Scaler, gradient: &mut [f32], slopes: &[f32]) {
    let scales = scaler.means.iter().zip(&scaler.inverses);
    for (gradient, (mean, inverse)) in gradient.chunks_exact_mut(slopes.len()).zip(scales) {
        gradient.iter_mut().zip(slopes).for_each(|(sum, slope)| *sum -= mean * inverse * slope);
    }
}
