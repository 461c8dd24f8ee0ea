//! One pass over the data: value, gradient and curvature of the objective at a point, in float64.
//!
//! Each block is cut into a fixed number of parts, whose sums are added in a fixed order: the result does not depend on
//! how many threads share them.

mod scaled;

use super::direction::{Curvature, dot};
use super::totals::Totals;
use super::{Objective, smoothing};
use crate::train::judge::in_parallel;
use crate::train::kernel::padded;
use crate::train::loss::Loss;
use crate::train::rows::{Piece, Rows, Source};
use crate::train::scaler::Scaler;
use byoc_formats::error::Result;
use scaled::Scaled;

/// Parts of a block.
pub(in crate::train) const PARTS: usize = 4;
/// Rows at a time.
pub(in crate::train) const PIECE: usize = 64;

pub(super) struct Pass<'a> {
    objective: &'a Objective,
    pub(super) means: Vec<f64>,
    pub(super) inverses: Vec<f64>,
    label_mean: f64,
    label_inverse: f64,
    /// outputs × (width + 1): each output's parameters side by side.
    pub(super) point: Vec<f64>,
    width: usize,
    barrier: f64,
    threads: usize,
}

/// The sums of a part of the data.
struct Part {
    value: f64,
    /// The losses without smoothing.
    losses: f64,
    examples: usize,
    /// outputs × (width + 1).
    gradient: Vec<f64>,
    /// For each output the sum of slopes, and of curvatures, over sparse rows: their zeros are centred at the end.
    sparse_slopes: Vec<f64>,
    sparse_bends: Vec<f64>,
    /// For each pair of outputs, the first at least the second: (width + 1) × padded(width + 1).
    products: Vec<Vec<f64>>,
    /// outputs × (width + 1).
    diagonal: Vec<f64>,
}

#[derive(Clone, Copy)]
pub(super) enum Wanted<'a> {
    Curvature(Curvature),
    /// In the layout of `point`.
    Product(&'a [f64]),
}

impl<'a> Pass<'a> {
    pub(super) fn new(
        objective: &'a Objective,
        scaler: &Scaler,
        point: &[f64],
        barrier: f64,
        threads: usize,
    ) -> Pass<'a> {
        let width = scaler.means.len();
        Pass {
            objective,
            means: scaler.means.iter().map(|&mean| f64::from(mean)).collect(),
            inverses: scaler.inverses.iter().map(|&inverse| f64::from(inverse)).collect(),
            label_mean: f64::from(scaler.label_mean),
            label_inverse: 1.0 / f64::from(scaler.label_deviation),
            point: by_output(point, objective.outputs),
            width,
            barrier,
            threads,
        }
    }

    pub(super) fn totals(
        &self,
        train: &mut dyn Source,
        curvature: Curvature,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Option<Totals>> {
        let Some(sum) = self.sum(train, Wanted::Curvature(curvature), stop)? else { return Ok(None) };
        let (count, outputs) = (self.point.len(), self.objective.outputs);
        let share = 1.0 / sum.examples.max(1) as f64;
        let mut totals = Totals {
            value: sum.value * share,
            objective: sum.losses * share,
            gradient: by_feature(&sum.gradient, outputs).into_iter().map(|slope| slope * share).collect(),
            matrix: Vec::new(),
            diagonal: by_feature(&sum.diagonal, outputs).into_iter().map(|bend| bend * share).collect(),
        };
        if curvature == Curvature::Matrix {
            totals.matrix = vec![0.0; count * count];
            self.scatter(&sum.products, share, &mut totals.matrix);
        }
        self.add_penalties(&mut totals);
        Ok(Some(totals))
    }

    pub(super) fn product(
        &self,
        train: &mut dyn Source,
        direction: &[f64],
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Option<Vec<f64>>> {
        let outputs = self.objective.outputs;
        let reordered = by_output(direction, outputs);
        let Some(sum) = self.sum(train, Wanted::Product(&reordered), stop)? else { return Ok(None) };
        let share = 1.0 / sum.examples.max(1) as f64;
        let mut image = by_feature(&sum.gradient, outputs);
        for (index, (image, along)) in image.iter_mut().zip(direction).enumerate() {
            let (_, _, bend) = self.penalty(index);
            *image = *image * share + bend * along;
            if !self.is_free(index) {
                *image = 0.0;
            }
        }
        Ok(Some(image))
    }

    /// Whether a parameter may change: all but the bias of a model without one.
    fn is_free(&self, index: usize) -> bool {
        self.objective.use_bias || index < self.width * self.objective.outputs
    }

    /// A parameter, whether it is a weight, and the factor of its square.
    fn parameter(&self, index: usize) -> (f64, bool, f64) {
        let outputs = self.objective.outputs;
        let (feature, output) = (index / outputs, index % outputs);
        let parameter = self.point.get(output * (self.width + 1) + feature).copied().unwrap_or(0.0);
        let is_weight = feature < self.width;
        (parameter, is_weight, if is_weight { self.objective.wd } else { self.objective.bias_wd })
    }

    /// The penalty on a parameter, not smoothed.
    fn penalty_itself(&self, index: usize) -> f64 {
        let (parameter, is_weight, wd) = self.parameter(index);
        let l1 = if is_weight { self.objective.l1 } else { 0.0 };
        0.5 * wd * parameter * parameter + l1 * parameter.abs()
    }

    /// Value, slope and curvature of the penalty on a parameter.
    fn penalty(&self, index: usize) -> smoothing::Local {
        let (parameter, is_weight, wd) = self.parameter(index);
        let (mut value, mut slope, mut bend) = (0.5 * wd * parameter * parameter, wd * parameter, wd);
        if is_weight && self.objective.l1 > 0.0 {
            // Divided by the number of weights, so that their total error is no larger than that of the losses.
            let barrier = self.barrier / self.point.len() as f64;
            let absolute = smoothing::absolute(parameter, self.objective.l1, barrier);
            value += absolute.0;
            slope += absolute.1;
            bend += absolute.2;
        }
        (value, slope, bend)
    }

    fn add_penalties(&self, totals: &mut Totals) {
        let count = self.point.len();
        for index in 0..count {
            let (value, slope, bend) = self.penalty(index);
            totals.value += value;
            totals.objective += self.penalty_itself(index);
            if let Some(gradient) = totals.gradient.get_mut(index) {
                *gradient = if self.is_free(index) { *gradient + slope } else { 0.0 };
            }
            if let Some(diagonal) = totals.diagonal.get_mut(index) {
                *diagonal += bend;
            }
            if let Some(diagonal) = totals.matrix.get_mut(index * count + index) {
                *diagonal += bend;
            }
            if !self.is_free(index) {
                for other in 0..count {
                    for place in [index * count + other, other * count + index] {
                        if let Some(entry) = totals.matrix.get_mut(place) {
                            *entry = if other == index { 1.0 } else { 0.0 };
                        }
                    }
                }
            }
        }
    }

    /// Combines the products of pairs of outputs into one matrix.
    fn scatter(&self, products: &[Vec<f64>], share: f64, matrix: &mut [f64]) {
        let (features, outputs) = (self.width + 1, self.objective.outputs);
        let (columns, count) = (padded(features), self.point.len());
        for ((first, second), product) in pairs(outputs).zip(products) {
            for i in 0..features {
                for j in 0..features {
                    // The product itself is symmetric, and filled below its diagonal.
                    let entry = product.get(i.max(j) * columns + i.min(j)).copied().unwrap_or(0.0) * share;
                    let (a, b) = (i * outputs + first, j * outputs + second);
                    for (row, column) in [(a, b), (b, a)] {
                        if let Some(place) = matrix.get_mut(row * count + column).filter(|_| row >= column) {
                            *place = entry;
                        }
                    }
                }
            }
        }
    }

    fn sum(
        &self,
        train: &mut dyn Source,
        wanted: Wanted<'_>,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Option<Part>> {
        let mut parts: Vec<Part> = (0..PARTS).map(|_| self.part(wanted)).collect();
        for block in train.pass()? {
            let block = block?;
            if stop() {
                return Ok(None);
            }
            let each = block.len().div_ceil(PARTS).next_multiple_of(PIECE);
            let mut work: Vec<(usize, &mut Part)> = parts.iter_mut().enumerate().collect();
            let mut shares: Vec<_> = work.chunks_mut(PARTS.div_ceil(self.threads.max(1)).max(1)).collect();
            in_parallel(&mut shares, |share| {
                for (index, part) in share.iter_mut() {
                    self.add_rows(&block, *index * each, (*index + 1) * each, wanted, part);
                }
            });
        }
        let mut parts = parts.into_iter();
        let Some(mut sum) = parts.next() else { return Ok(None) };
        for part in parts {
            sum.value += part.value;
            sum.losses += part.losses;
            sum.examples += part.examples;
            add(&mut sum.gradient, &part.gradient);
            add(&mut sum.sparse_slopes, &part.sparse_slopes);
            add(&mut sum.sparse_bends, &part.sparse_bends);
            add(&mut sum.diagonal, &part.diagonal);
            sum.products.iter_mut().zip(&part.products).for_each(|(sum, part)| add(sum, part));
        }
        self.center(&mut sum);
        Ok(Some(sum))
    }

    /// Adds the contribution of the centred zeros of sparse rows, and of their bias.
    fn center(&self, sum: &mut Part) {
        let Part { gradient, diagonal, sparse_slopes, sparse_bends, .. } = sum;
        let centers = || self.means.iter().zip(&self.inverses).map(|(mean, inverse)| mean * inverse);
        for (gradient, slope) in gradient.chunks_exact_mut(self.width + 1).zip(sparse_slopes) {
            gradient.iter_mut().zip(centers().chain([-1.0])).for_each(|(sum, center)| *sum -= center * *slope);
        }
        for (diagonal, bend) in diagonal.chunks_exact_mut(self.width + 1).zip(sparse_bends) {
            diagonal.iter_mut().zip(centers().chain([1.0])).for_each(|(sum, center)| *sum += center * center * *bend);
        }
    }

    fn part(&self, wanted: Wanted<'_>) -> Part {
        let features = self.width + 1;
        let products = match wanted {
            Wanted::Curvature(Curvature::Matrix) => {
                pairs(self.objective.outputs).map(|_| vec![0.0; features * padded(features)]).collect()
            }
            _ => Vec::new(),
        };
        let diagonal = matches!(wanted, Wanted::Curvature(Curvature::Diagonal));
        Part {
            value: 0.0,
            losses: 0.0,
            examples: 0,
            gradient: vec![0.0; self.point.len()],
            sparse_slopes: vec![0.0; self.objective.outputs],
            sparse_bends: vec![0.0; self.objective.outputs],
            products,
            diagonal: if diagonal { vec![0.0; self.point.len()] } else { Vec::new() },
        }
    }

    fn add_rows(&self, block: &Rows, from: usize, to: usize, wanted: Wanted<'_>, part: &mut Part) {
        let outputs = self.objective.outputs;
        let is_sparse = matches!(block.piece(0, 0).1, Piece::Sparse { .. });
        let matrix = matches!(wanted, Wanted::Curvature(Curvature::Matrix));
        let mut rows = if is_sparse && !matrix { Scaled::sparse(self, wanted) } else { Scaled::dense(self.width) };
        let (mut scores, mut along, mut bends) = (Vec::new(), Vec::new(), Vec::new());
        for start in (from..to.min(block.len())).step_by(PIECE) {
            let (labels, piece) = block.piece(start, to.min(start + PIECE));
            rows.fill(&self.means, &self.inverses, piece);
            rows.scores(&self.point, outputs, &mut scores);
            if let Wanted::Product(direction) = wanted {
                rows.changes(direction, outputs, &mut along);
            }
            bends.clear();
            for (index, (slopes, &label)) in scores.chunks_exact_mut(outputs).zip(labels).enumerate() {
                let along = along.get(index * outputs..(index + 1) * outputs);
                let (value, loss) = self.local(slopes, along, label, matrix, &mut bends);
                part.value += value;
                part.losses += loss;
            }
            part.examples += labels.len();
            rows.add_gradient(&scores, outputs, &mut part.gradient, &mut part.sparse_slopes);
            match wanted {
                Wanted::Product(_) => {}
                Wanted::Curvature(Curvature::Matrix) => {
                    let pair_count = part.products.len();
                    for (pair, product) in part.products.iter_mut().enumerate() {
                        rows.add_product(bends.iter().skip(pair).step_by(pair_count).copied(), product);
                    }
                }
                Wanted::Curvature(Curvature::Diagonal) => {
                    rows.add_squares(&bends, outputs, &mut part.diagonal, &mut part.sparse_bends);
                }
            }
        }
    }

    /// The value of one example, and its loss as it is without smoothing; its scores become slopes, or, along a
    /// direction, what the slopes change by. Curvatures go to the end of `bends`: of each pair of outputs, or of each
    /// output alone.
    fn local(
        &self,
        scores: &mut [f64],
        along: Option<&[f64]>,
        label: f32,
        in_pairs: bool,
        bends: &mut Vec<f64>,
    ) -> (f64, f64) {
        let objective = self.objective;
        if objective.loss != Loss::Softmax {
            let Some(score) = scores.first_mut() else { return (0.0, 0.0) };
            let weight = if label == 1.0 { objective.positive_weight } else { 1.0 };
            let label = (f64::from(label) - self.label_mean) * self.label_inverse;
            let (value, slope, bend) = smoothing::at(objective.loss, *score, label, self.barrier);
            let loss = if smoothing::has_corners(objective.loss) { objective.loss.at(*score, label).0 } else { value };
            *score = weight * along.and_then(|along| along.first()).map_or(slope, |along| bend * along);
            bends.push(weight * bend);
            return (weight * value, weight * loss);
        }
        let class = label as usize;
        let weight = match &objective.class_weights {
            Some(weights) => weights.get(class).map_or(1.0, |&weight| f64::from(weight)),
            None => 1.0,
        };
        let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let own = scores.get(class).copied().unwrap_or(highest);
        let total: f64 = scores.iter().map(|score| (score - highest).exp()).sum();
        scores.iter_mut().for_each(|score| *score = (*score - highest).exp() / total);
        if let Some(along) = along {
            let mean = dot(scores, along);
            scores.iter_mut().zip(along).for_each(|(share, along)| *share = weight * *share * (along - mean));
        } else {
            if in_pairs {
                for (first, &a) in scores.iter().enumerate() {
                    bends.extend(scores.iter().take(first).map(|b| -weight * a * b));
                    bends.push(weight * a * (1.0 - a));
                }
            } else {
                bends.extend(scores.iter().map(|share| weight * share * (1.0 - share)));
            }
            scores.iter_mut().for_each(|share| *share *= weight);
            if let Some(share) = scores.get_mut(class) {
                *share -= weight;
            }
        }
        let value = weight * (total.ln() + highest - own);
        (value, value)
    }
}

/// Pairs of outputs, the first at least the second.
fn pairs(outputs: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..outputs).flat_map(|first| (0..=first).map(move |second| (first, second)))
}

fn add(sum: &mut [f64], more: &[f64]) {
    sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
}

/// From feature × outputs + output to output × features + feature.
fn by_output(parameters: &[f64], outputs: usize) -> Vec<f64> {
    (0..outputs).flat_map(|output| parameters.iter().skip(output).step_by(outputs).copied()).collect()
}

/// The way back.
fn by_feature(parameters: &[f64], outputs: usize) -> Vec<f64> {
    let features = parameters.len() / outputs.max(1);
    (0..features).flat_map(|feature| parameters.iter().skip(feature).step_by(features.max(1)).copied()).collect()
}
