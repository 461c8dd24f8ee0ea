//! A few rows, scaled in float64, for a pass over the data.

use super::{Pass, Wanted};
use crate::train::kernel::{add_lower_product, padded};
use crate::train::refine::direction::dot;
use crate::train::rows::Piece;

pub(super) enum Scaled {
    /// Row after row, each followed by a 1 for the bias.
    Dense { width: usize, values: Vec<f64>, weighted: Vec<f64> },
    /// Scaled but not centred: the contribution of the centred zeros is added to scores here and to sums at the end.
    Sparse {
        width: usize,
        ends: Vec<usize>,
        keys: Vec<usize>,
        values: Vec<f64>,
        /// mean / deviation of each feature.
        centers: Vec<f64>,
        /// The initial score of every row for each output: at the point, and along the direction.
        start: Vec<f64>,
        start_along: Vec<f64>,
    },
}

impl Scaled {
    pub(super) fn dense(width: usize) -> Scaled {
        Scaled::Dense { width, values: Vec::new(), weighted: Vec::new() }
    }

    pub(super) fn sparse(pass: &Pass<'_>, wanted: Wanted<'_>) -> Scaled {
        let width = pass.means.len();
        let centers: Vec<f64> = pass.means.iter().zip(&pass.inverses).map(|(mean, inverse)| mean * inverse).collect();
        let start = |parameters: &[f64]| -> Vec<f64> {
            let of_output = |own: &[f64]| own.last().copied().unwrap_or(0.0) - dot(own, &centers);
            parameters.chunks_exact(width + 1).map(of_output).collect()
        };
        Scaled::Sparse {
            width,
            ends: Vec::new(),
            keys: Vec::new(),
            values: Vec::new(),
            start: start(&pass.point),
            start_along: if let Wanted::Product(direction) = wanted { start(direction) } else { Vec::new() },
            centers,
        }
    }

    /// Replaces the rows.
    pub(super) fn fill(&mut self, means: &[f64], inverses: &[f64], piece: Piece<'_>) {
        match self {
            Scaled::Dense { width, values, .. } => {
                values.clear();
                if let Piece::Dense(rows) = piece {
                    for row in rows.chunks_exact((*width).max(1)) {
                        let scaled = row.iter().zip(means).zip(inverses);
                        values.extend(scaled.map(|((&value, mean), inverse)| (f64::from(value) - mean) * inverse));
                        values.push(1.0);
                    }
                }
                for (keys, own) in piece.sparse_rows() {
                    let from = values.len();
                    values.extend(means.iter().zip(inverses).map(|(mean, inverse)| -mean * inverse));
                    values.push(1.0);
                    for (&key, &value) in keys.iter().zip(own) {
                        if let (Some(place), Some(inverse)) =
                            (values.get_mut(from + key as usize), inverses.get(key as usize))
                        {
                            *place += f64::from(value) * inverse;
                        }
                    }
                }
            }
            Scaled::Sparse { ends, keys, values, .. } => {
                ends.clear();
                keys.clear();
                values.clear();
                for (own_keys, own_values) in piece.sparse_rows() {
                    for (&key, &value) in own_keys.iter().zip(own_values) {
                        keys.push(key as usize);
                        values.push(f64::from(value) * inverses.get(key as usize).copied().unwrap_or(0.0));
                    }
                    ends.push(keys.len());
                }
            }
        }
    }

    /// The scores at the point: rows × outputs.
    pub(super) fn scores(&self, point: &[f64], outputs: usize, scores: &mut Vec<f64>) {
        let start = if let Scaled::Sparse { start, .. } = self { start.as_slice() } else { &[] };
        self.multiply(point, start, outputs, scores);
    }

    /// How the scores change along a direction: rows × outputs.
    pub(super) fn changes(&self, direction: &[f64], outputs: usize, changes: &mut Vec<f64>) {
        let start = if let Scaled::Sparse { start_along, .. } = self { start_along.as_slice() } else { &[] };
        self.multiply(direction, start, outputs, changes);
    }

    fn multiply(&self, parameters: &[f64], start: &[f64], outputs: usize, scores: &mut Vec<f64>) {
        scores.clear();
        match self {
            Scaled::Dense { width, values, .. } => {
                for row in values.chunks_exact(width + 1) {
                    scores.extend(parameters.chunks_exact(width + 1).take(outputs).map(|own| dot(row, own)));
                }
            }
            Scaled::Sparse { width, .. } => {
                for (keys, values) in self.sparse_rows() {
                    let of_output = |(own, start): (&[f64], &f64)| {
                        let terms =
                            keys.iter().zip(values).map(|(&key, value)| own.get(key).map_or(0.0, |at| at * value));
                        start + terms.sum::<f64>()
                    };
                    scores.extend(parameters.chunks_exact(width + 1).zip(start).map(of_output));
                }
            }
        }
    }

    fn sparse_rows(&self) -> impl Iterator<Item = (&[usize], &[f64])> {
        let (ends, keys, values) = match self {
            Scaled::Dense { .. } => (&[][..], &[][..], &[][..]),
            Scaled::Sparse { ends, keys, values, .. } => (ends.as_slice(), keys.as_slice(), values.as_slice()),
        };
        let mut start = 0;
        ends.iter().map(move |&end| {
            let row = (keys.get(start..end).unwrap_or_default(), values.get(start..end).unwrap_or_default());
            start = end;
            row
        })
    }

    /// Adds rowsᵀ × slopes to a gradient, outputs × (width + 1).
    pub(super) fn add_gradient(&self, slopes: &[f64], outputs: usize, gradient: &mut [f64], sums: &mut [f64]) {
        match self {
            Scaled::Dense { width, values, .. } => {
                for (row, slopes) in values.chunks_exact(width + 1).zip(slopes.chunks_exact(outputs)) {
                    for (own, slope) in gradient.chunks_exact_mut(width + 1).zip(slopes) {
                        own.iter_mut().zip(row).for_each(|(sum, value)| *sum += slope * value);
                    }
                }
            }
            Scaled::Sparse { width, .. } => {
                for ((keys, values), slopes) in self.sparse_rows().zip(slopes.chunks_exact(outputs)) {
                    for ((own, slope), sum) in gradient.chunks_exact_mut(width + 1).zip(slopes).zip(sums.iter_mut()) {
                        *sum += slope;
                        for (&key, value) in keys.iter().zip(values) {
                            if let Some(place) = own.get_mut(key) {
                                *place += slope * value;
                            }
                        }
                    }
                }
            }
        }
    }

    /// Adds rowsᵀ × diag(bends) × rows, its lower triangle, to (width + 1) × padded(width + 1). For dense rows.
    pub(super) fn add_product(&mut self, bends: impl Iterator<Item = f64>, product: &mut [f64]) {
        if let Scaled::Dense { width, values, weighted } = self {
            let features = *width + 1;
            let columns = padded(features);
            weighted.clear();
            for (row, bend) in values.chunks_exact(features).zip(bends) {
                weighted.extend(row.iter().map(|value| bend * value));
                weighted.resize(weighted.len() + columns - features, 0.0);
            }
            add_lower_product(values, features, weighted, columns, product);
        }
    }

    /// Adds the diagonal of the same for each output; bends are rows × outputs, the diagonal outputs × (width + 1).
    pub(super) fn add_squares(&self, bends: &[f64], outputs: usize, diagonal: &mut [f64], sums: &mut [f64]) {
        match self {
            Scaled::Dense { width, values, .. } => {
                for (row, bends) in values.chunks_exact(width + 1).zip(bends.chunks_exact(outputs)) {
                    for (own, bend) in diagonal.chunks_exact_mut(width + 1).zip(bends) {
                        own.iter_mut().zip(row).for_each(|(sum, value)| *sum += bend * value * value);
                    }
                }
            }
            Scaled::Sparse { width, centers, .. } => {
                for ((keys, values), bends) in self.sparse_rows().zip(bends.chunks_exact(outputs)) {
                    for ((own, bend), sum) in diagonal.chunks_exact_mut(width + 1).zip(bends).zip(sums.iter_mut()) {
                        *sum += bend;
                        for (&key, value) in keys.iter().zip(values) {
                            if let (Some(place), Some(center)) = (own.get_mut(key), centers.get(key)) {
                                // (value - center)² instead of the center² that is added for every row.
                                *place += bend * value * (value - 2.0 * center);
                            }
                        }
                    }
                }
            }
        }
    }
}
