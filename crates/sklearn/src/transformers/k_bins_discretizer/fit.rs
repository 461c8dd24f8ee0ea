//! Fits a KBinsDiscretizer: the edges of the bins of each column (`sklearn/preprocessing/_discretization.py`).

use super::write::{BinStrategy, KBinsDiscretizer, KBinsDiscretizerFit};
use crate::columns::dtype::Dtype;
use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, Floats, Refuses};
use crate::parameters::class::Property;
use crate::parameters::class::{Fitted, InputFeatures};
use crate::parameters::values::{BinCounts, Integers, NumpyType, Ragged};
use crate::statistics::extremes::Extremes;
use crate::statistics::kept::Kept;
use crate::statistics::quantiles::{linspace, quantile};
use crate::transformers::FittedTransformer;
use crate::transformers::learn::{FitInput, Learn};
use crate::transformers::specification::Fit;

impl Fit for KBinsDiscretizer {
    fn learner(self, input: &FitInput) -> Box<dyn Learn> {
        Box::new(KBins::new(self, input))
    }
}

/// Bins narrower than this are joined with the next.
const NARROWEST: f64 = 1e-8;

struct KBins {
    parameters: KBinsDiscretizer,
    is_sparse: bool,
    extremes: Vec<Extremes>,
    /// For quantiles only.
    kept: Vec<Kept>,
    output: NumpyType,
}

impl KBins {
    fn new(parameters: KBinsDiscretizer, input: &FitInput) -> KBins {
        let count = input.features.count;
        let kept = if parameters.strategy == BinStrategy::Quantile { count } else { 0 };
        KBins {
            parameters,
            is_sparse: input.is_sparse,
            extremes: vec![Extremes::default(); count],
            kept: vec![Kept::default(); kept],
            output: NumpyType::Float64,
        }
    }

    fn edges(&self, extremes: Extremes, sorted: &[f64], bins: usize) -> Vec<f64> {
        let (smallest, largest) = extremes.get();
        if smallest == largest {
            return vec![f64::NEG_INFINITY, f64::INFINITY];
        }
        if self.parameters.strategy == BinStrategy::Uniform {
            return linspace(smallest, largest, bins + 1);
        }
        let shares = linspace(0.0, 100.0, bins + 1).into_iter().map(|percent| percent / 100.0);
        let edges: Vec<f64> = shares.map(|share| quantile(sorted, share, self.parameters.quantile_method)).collect();
        let is_wide =
            |at: &usize| *at == 0 || edges.get(*at).zip(edges.get(at - 1)).is_some_and(|(b, a)| b - a > NARROWEST);
        (0..edges.len()).filter(is_wide).filter_map(|at| edges.get(at).copied()).collect()
    }
}

impl Learn for KBins {
    fn see(&mut self, features: Vec<Feature<'_, '_>>, _rows: usize) -> Result<(), Fault> {
        self.output = match Dtype::common(&features) {
            Dtype::Int64 => NumpyType::Int64,
            Dtype::UInt64 => NumpyType::UInt64,
            Dtype::Float32 => NumpyType::Float32,
            Dtype::Float64 | Dtype::Object => NumpyType::Float64,
            Dtype::Bool => {
                return Err(Fault::new(
                    "KBinsDiscretizer: expected numbers, found columns of nothing but True and False",
                ));
            }
        };
        let floats = Floats::from_features(features, Refuses::InfinityAndMissing)?;
        for (extremes, column) in self.extremes.iter_mut().zip(&floats.columns) {
            extremes.add(&column.values);
        }
        for (kept, column) in self.kept.iter_mut().zip(&floats.columns) {
            kept.add(&column.values);
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, features: InputFeatures) -> Result<FittedTransformer, Fault> {
        if self.is_sparse {
            return Err(Fault::new(
                "KBinsDiscretizer does not take a sparse matrix: set sparse_output of the encoder to false",
            ));
        }
        let asked: Vec<usize> = match &self.parameters.n_bins {
            BinCounts::All(bins) => vec![bins.count(); features.count],
            BinCounts::Each(bins) if bins.len() == features.count => bins.iter().map(|bins| bins.count()).collect(),
            BinCounts::Each(bins) => {
                return Err(Fault::new(format!(
                    "KBinsDiscretizer: expected n_bins for each of {} features, found {}",
                    features.count,
                    bins.len()
                )));
            }
        };
        let mut sorted: Vec<Vec<f64>> = std::mem::take(&mut self.kept).into_iter().map(Kept::sorted).collect();
        sorted.resize(features.count, Vec::new());
        let edges: Vec<Vec<f64>> = self
            .extremes
            .iter()
            .zip(&sorted)
            .zip(asked)
            .map(|((extremes, sorted), bins)| self.edges(*extremes, sorted, bins))
            .collect();
        let attributes = KBinsDiscretizerFit {
            n_bins_: Integers(edges.iter().map(|edges| edges.len() as i64 - 1).collect()),
            bin_edges_: Ragged(edges.into_iter().map(|edges| edges.into_iter().collect()).collect()),
            output_dtype: Property(self.parameters.dtype.map_or(self.output, |class| class.numpy_type())),
        };
        Ok(Fitted { parameters: self.parameters, features, attributes }.into())
    }

    fn kept_columns(&self) -> usize {
        self.kept.len()
    }
}
