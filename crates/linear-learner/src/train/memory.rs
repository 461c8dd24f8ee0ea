//! The memory of a run, estimated and requested before any of it is used: a process that runs out of memory is killed
//! without a message.

use super::candidate::Candidate;
use super::hyperparameters::{Hyperparameters, PredictorType};
use super::kernel::padded;
use super::optimizer::Optimizer;
use byoc_formats::counted::counted;
use byoc_formats::error::{Cause, Error, Result};

/// The sizes that determine it. In 128 bits, which no product of these overflows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    features: u128,
    outputs: u128,
    models: u128,
    threads: u128,
    /// Arrays that the optimizer keeps beside the parameters.
    memories: u128,
    validates: bool,
    refines: bool,
}

/// Rows that go through the models at once, in float32 and, when refining, in float64.
const PIECE: u128 = super::group::PIECE as u128;
const REFINED_PIECE: u128 = super::refine::PIECE as u128;
/// Parts of a block that are refined at once at most.
const PARTS: u128 = super::refine::PARTS as u128;
/// Vectors of the refinement as long as the parameters: points, sums of each part, conjugate gradients' own.
const REFINED_VECTORS: u128 = 24;
/// Parameters up to which the refinement keeps matrices, and how many of them.
const MAX_MATRIX_PARAMETERS: u128 = super::refine::MAX_MATRIX_PARAMETERS as u128;
const MATRICES: u128 = 8;
/// The memory of a model besides its numbers: its settings, the headers of its vectors, its losses.
const OF_A_MODEL: u128 = 256;
/// The memory of a feature while the scaler is computed: two sums in float64, a count, and the results in float32.
const OF_A_FEATURE: u128 = 32;

impl Sizes {
    pub(super) fn new(
        given: &Hyperparameters,
        features: usize,
        candidates: &[Candidate],
        threads: usize,
        validates: bool,
    ) -> Sizes {
        Sizes {
            features: features as u128,
            outputs: given.predictor_type.outputs() as u128,
            models: candidates.len() as u128,
            threads: threads.max(1) as u128,
            memories: if matches!(given.optimizer, Optimizer::Adam { .. }) { 2 } else { 1 },
            validates,
            refines: given.refine,
        }
    }

    /// The most that is taken at once, in bytes; the rows themselves are not among it.
    fn bytes(self) -> u128 {
        const FLOAT32: u128 = 4;
        const FLOAT64: u128 = 8;
        let rows = self.features + 1;
        let own = FLOAT32 * rows * self.models * self.outputs;
        let each = self.models.div_ceil(self.threads).max(1);
        let group = each * self.outputs;
        let columns = usize::try_from(group).map_or(group, |group| padded(group) as u128);
        let side_by_side = FLOAT32 * self.models.div_ceil(each) * columns;
        let folded = side_by_side * (rows + PIECE);
        // Initial weights, the best so far and those of this epoch; parameters, gradient and the optimizer's memory.
        let walking = 3 * own
            + side_by_side * (rows * (2 + self.memories) + PIECE)
            + if self.validates { own + folded } else { 0 };
        let choosing = 2 * own + folded;
        let parameters = rows * self.outputs;
        let matrices =
            if parameters <= MAX_MATRIX_PARAMETERS { MATRICES * FLOAT64 * parameters * parameters } else { 0 };
        let refining = 2 * own
            + FLOAT64 * (REFINED_VECTORS * parameters + 3 * PARTS.min(self.threads) * REFINED_PIECE * self.outputs)
            + matrices;
        OF_A_FEATURE * rows
            + OF_A_MODEL * self.models
            + walking.max(choosing).max(if self.refines { refining } else { 0 })
    }

    /// Refuses a run that takes more than `limit` bytes, or more than the system gives.
    ///
    /// # Errors
    /// [`Cause::InsufficientMemory`] with the sizes and what to lower.
    pub(super) fn check(self, predictor_type: PredictorType, limit: u64) -> Result<()> {
        let bytes = self.bytes();
        if bytes <= u128::from(limit) && is_given(bytes) {
            return Ok(());
        }
        let Sizes { features, outputs, models, .. } = self;
        let there_are = match limit {
            u64::MAX => "more than the system gives".to_owned(),
            _ if bytes <= u128::from(limit) => format!("more than the system gives, although it has {limit}"),
            _ => format!("and there are {limit}"),
        };
        let classes = match predictor_type {
            PredictorType::MulticlassClassifier { .. } => ", num_classes",
            _ => "",
        };
        Err(Error::new(
            Cause::InsufficientMemory,
            format!(
                "training {} of {} and {} takes {bytes} bytes of memory, \
                 {there_are}: lower num_models{classes} or the number of features (sparse records say it in their \
                 shape)",
                counted(models, "model"),
                counted(features, "feature"),
                counted(outputs, "output"),
            ),
        ))
    }
}

/// Whether the system provides this much memory. It is returned at once, and none of it is touched.
fn is_given(bytes: u128) -> bool {
    let mut asked: Vec<u8> = Vec::new();
    let given = usize::try_from(bytes).is_ok_and(|bytes| asked.try_reserve_exact(bytes).is_ok());
    // Otherwise the compiler removes the unused result.
    std::hint::black_box(&asked);
    given
}

#[cfg(test)]
mod tests {
    use super::super::candidate::candidates;
    use super::super::hyperparameters::tests::parsed;
    use super::*;

    fn sizes(features: usize, given: &[(&str, &str)]) -> (Sizes, PredictorType) {
        let given = parsed(given);
        (Sizes::new(&given, features, &candidates(&given), 2, true), given.predictor_type)
    }

    #[test]
    fn a_size_beyond_any_machine_is_refused_at_any_limit() {
        for (features, given, expected) in [
            (
                1_000_000_000_000,
                &[("predictor_type", "regressor")][..],
                "32 models of 1000000000000 features and 1 output ",
            ),
            (1 << 63, &[("predictor_type", "binary_classifier")], "of 9223372036854775808 features"),
            (usize::MAX, &[("predictor_type", "regressor"), ("num_models", "1000000")], "training 1000000 models"),
            (
                usize::MAX,
                &[("predictor_type", "multiclass_classifier"), ("num_classes", "1000000"), ("num_models", "1000000")],
                "and 1000000 outputs takes",
            ),
        ] {
            let (sizes, kind) = sizes(features, given);
            for limit in [1 << 30, u64::MAX] {
                let error = sizes.check(kind, limit).unwrap_err();
                assert_eq!(error.cause(), Cause::InsufficientMemory);
                assert!(error.message().contains(expected), "{error}");
                assert!(error.message().contains("lower num_models"), "{error}");
                assert_eq!(error.message().contains("num_classes"), kind.outputs() > 1, "{error}");
            }
        }
    }

    #[test]
    fn the_estimate_itself_is_the_smallest_sufficient_limit() {
        let (sizes, kind) = sizes(2000, &[("predictor_type", "regressor")]);
        let bytes = u64::try_from(sizes.bytes()).unwrap();
        // 32 models of 2,001 numbers: initial ones, kept ones, new ones, and four arrays to train with; folded for
        // validation.
        assert!((9 * 32 * 2001 * 4..12 * 32 * 2001 * 4).contains(&bytes), "{bytes}");
        sizes.check(kind, bytes).unwrap();
        assert!(sizes.check(kind, bytes - 1).is_err());
    }
}
