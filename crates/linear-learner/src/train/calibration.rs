//! The threshold of a binary classifier: the score from which on the answer is 1, by each selection criterion.

use super::hyperparameters::Criterion;

/// A binary model's scores, with their labels, in an order that the search for a threshold needs.
#[derive(Debug, Default)]
pub(super) struct Scored {
    /// The score's bits in an order that is that of the numbers, then the label in the lowest bit.
    keys: Vec<u64>,
}

/// A threshold, and its value by the criterion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Calibrated {
    pub(super) threshold: f32,
    pub(super) value: f64,
}

/// The number of answers of each kind for a threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Confusion {
    pub(super) true_positives: usize,
    pub(super) false_positives: usize,
    pub(super) true_negatives: usize,
    pub(super) false_negatives: usize,
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

impl Confusion {
    pub(super) fn accuracy(self) -> f64 {
        let right = self.true_positives + self.true_negatives;
        share(right, right + self.false_positives + self.false_negatives)
    }

    pub(super) fn precision(self) -> f64 {
        share(self.true_positives, self.true_positives + self.false_positives)
    }

    pub(super) fn recall(self) -> f64 {
        share(self.true_positives, self.true_positives + self.false_negatives)
    }

    pub(super) fn balanced_accuracy(self) -> f64 {
        0.5 * (self.recall() + share(self.true_negatives, self.true_negatives + self.false_positives))
    }

    pub(super) fn f_beta(self, beta: f64) -> f64 {
        f_beta(self.precision(), self.recall(), beta)
    }

    /// The value of a criterion; a missed target is worse than any that is met, and closer is better.
    fn value(self, criterion: Criterion) -> f64 {
        match criterion {
            Criterion::Accuracy | Criterion::LossFunction => self.accuracy(),
            Criterion::FBeta(beta) => self.f_beta(beta),
            Criterion::PrecisionAtTargetRecall(target) if self.recall() >= target => self.precision(),
            Criterion::PrecisionAtTargetRecall(target) => self.recall() - target,
            Criterion::RecallAtTargetPrecision(target) if self.precision() >= target => self.recall(),
            Criterion::RecallAtTargetPrecision(target) => self.precision() - target,
        }
    }
}

/// The F measure.
pub(super) fn f_beta(precision: f64, recall: f64, beta: f64) -> f64 {
    let weighted = beta * beta * precision + recall;
    if weighted == 0.0 { 0.0 } else { (1.0 + beta * beta) * precision * recall / weighted }
}

/// The largest effect of rounding on a score.
fn hair(score: f32) -> f32 {
    1e-6 * score.abs()
}

impl Scored {
    pub(super) fn push(&mut self, score: f32, label: f32) {
        let bits = score.to_bits();
        let ordered = if bits >> 31 == 1 { !bits } else { bits | 1 << 31 };
        self.keys.push(u64::from(ordered) << 1 | u64::from(label == 1.0));
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn sort(&mut self) {
        self.keys.sort_unstable();
    }

    fn score_of(key: u64) -> f32 {
        let ordered = (key >> 1) as u32;
        f32::from_bits(if ordered >> 31 == 1 { ordered & !(1 << 31) } else { !ordered })
    }

    /// Runs of equal scores from the lowest on: the score, how many there are, and how many of them have label 1.
    fn runs(&self) -> impl Iterator<Item = (f32, usize, usize)> {
        self.keys.chunk_by(|a, b| a >> 1 == b >> 1).map(|run| {
            let positive = run.iter().filter(|&&key| key & 1 == 1).count();
            (run.first().map_or(0.0, |&key| Scored::score_of(key)), run.len(), positive)
        })
    }

    /// The best threshold: at one of the scores, or above them all if it is best never to answer 1. Among thresholds
    /// that are equal by the criterion, the one of the highest accuracy, then the lowest. The scores must be sorted.
    ///
    /// It is set a hair below its score, never as far down as halfway to the next lower one, or a hair above the
    /// highest: so a score that another order of summation rounds differently still falls on its own side. AWS's rule
    /// is unknown: the only published threshold with its data is a score itself, and one record short of the best.
    pub(super) fn calibrate(&self, criterion: Criterion) -> Option<Calibrated> {
        let positives = self.keys.iter().filter(|&&key| key & 1 == 1).count();
        let mut confusion = Confusion {
            true_positives: positives,
            false_positives: self.keys.len() - positives,
            ..Confusion::default()
        };
        let mut best: Option<(Calibrated, f64)> = None;
        let mut try_one = |threshold: f32, confusion: Confusion| {
            let (value, accuracy) = (confusion.value(criterion), confusion.accuracy());
            if best.is_none_or(|(best, second)| (value, accuracy) > (best.value, second)) {
                best = Some((Calibrated { threshold, value }, accuracy));
            }
        };
        let mut lower = None;
        for (score, count, positive) in self.runs() {
            let gap = lower.map_or(f32::INFINITY, |lower| 0.5 * (score - lower));
            try_one(score - gap.min(hair(score)), confusion);
            confusion.true_positives -= positive;
            confusion.false_negatives += positive;
            confusion.false_positives -= count - positive;
            confusion.true_negatives += count - positive;
            lower = Some(score);
        }
        if let Some(highest) = lower {
            let above = (highest + hair(highest)).max(highest.next_up());
            // An artifact cannot hold infinity.
            if above.is_finite() {
                try_one(above, confusion);
            }
        }
        best.map(|(best, _)| best)
    }

    /// The area under the curve of true against false positives; equal scores count half. The scores must have been
    /// sorted.
    pub(super) fn roc_auc(&self) -> f64 {
        let (mut negatives, mut positives, mut ordered) = (0_u64, 0_u64, 0.0);
        for (_, count, positive) in self.runs() {
            let negative = (count - positive) as u64;
            ordered += positive as f64 * (negatives as f64 + 0.5 * negative as f64);
            negatives += negative;
            positives += positive as u64;
        }
        if negatives == 0 || positives == 0 { 0.0 } else { ordered / (negatives as f64 * positives as f64) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CRITERIA: [Criterion; 6] = [
        Criterion::Accuracy,
        Criterion::FBeta(1.0),
        Criterion::FBeta(2.0),
        Criterion::PrecisionAtTargetRecall(0.8),
        Criterion::RecallAtTargetPrecision(0.8),
        Criterion::RecallAtTargetPrecision(0.999),
    ];

    fn confusion(examples: &[(f32, bool)], threshold: f32) -> Confusion {
        let mut confusion = Confusion::default();
        for &(score, positive) in examples {
            *match (score >= threshold, positive) {
                (true, true) => &mut confusion.true_positives,
                (true, false) => &mut confusion.false_positives,
                (false, true) => &mut confusion.false_negatives,
                (false, false) => &mut confusion.true_negatives,
            } += 1;
        }
        confusion
    }

    fn scored(examples: &[(f32, bool)]) -> Scored {
        let mut scored = Scored::default();
        examples.iter().for_each(|&(score, positive)| scored.push(score, f32::from(u8::from(positive))));
        scored.sort();
        scored
    }

    proptest! {
        #[test]
        fn no_other_score_is_a_better_threshold_and_the_reported_value_is_correct(
            examples in prop::collection::vec(((-20..20_i32).prop_map(|n| n as f32 * 0.05), any::<bool>()), 1..40),
        ) {
            for criterion in CRITERIA {
                let found = scored(&examples).calibrate(criterion).unwrap();
                prop_assert_eq!(confusion(&examples, found.threshold).value(criterion), found.value);
                for threshold in examples.iter().map(|example| example.0).chain([f32::MAX]) {
                    let other = confusion(&examples, threshold);
                    prop_assert!(other.value(criterion) <= found.value);
                    prop_assert!(other.value(criterion) < found.value
                        || other.accuracy() <= confusion(&examples, found.threshold).accuracy());
                }
            }
        }

        #[test]
        fn the_area_is_the_fraction_of_pairs_in_the_right_order(
            examples in prop::collection::vec(((-5..5_i32).prop_map(|n| n as f32), any::<bool>()), 2..30),
        ) {
            let (mut right, mut pairs) = (0.0, 0.0);
            for &(high, _) in examples.iter().filter(|example| example.1) {
                for &(low, _) in examples.iter().filter(|example| !example.1) {
                    pairs += 1.0;
                    right += if high > low { 1.0 } else if high == low { 0.5 } else { 0.0 };
                }
            }
            let expected = if pairs == 0.0 { 0.0 } else { right / pairs };
            prop_assert!((scored(&examples).roc_auc() - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn the_threshold_is_within_a_millionth_of_a_score() {
        let found = scored(&[(0.2, false), (0.6, true), (0.9, true)]).calibrate(Criterion::Accuracy).unwrap();
        assert_eq!(found.value, 1.0);
        assert!(found.threshold < 0.6 && found.threshold > 0.599_999);
    }

    #[test]
    fn if_it_is_best_never_to_answer_1_the_threshold_is_above_every_score() {
        // One binary feature, of either value most are negative.
        let few: Vec<(f32, bool)> =
            (0..100).map(|at| if at < 40 { (0.3, at % 4 == 0) } else { (0.15, at % 10 == 0) }).collect();
        let found = scored(&few).calibrate(Criterion::Accuracy).unwrap();
        assert_eq!(found.value, 0.84);
        assert!(found.threshold > 0.3 && found.threshold < 0.300_001, "{}", found.threshold);
        // Without a positive example each criterion is of one value everywhere; the answers are right all the same.
        for criterion in CRITERIA {
            let found = scored(&[(0.1, false), (1.0, false), (0.5, false)]).calibrate(criterion).unwrap();
            assert!(found.threshold > 1.0 && found.threshold < 1.000_01, "{criterion:?} {}", found.threshold);
        }
        // Raw scores may be zero or below, and the greatest there are.
        for (highest, above) in [(0.0, f32::MIN_POSITIVE), (-2.0, -1.999_99), (f32::MAX, f32::INFINITY)] {
            let found = scored(&[(highest, false)]).calibrate(Criterion::Accuracy).unwrap();
            assert!(found.threshold.is_finite() && found.threshold < above, "{highest} {}", found.threshold);
            assert!(found.threshold > highest || highest == f32::MAX, "{highest} {}", found.threshold);
        }
    }

    #[test]
    fn fractions_of_zero_examples_are_zero() {
        let nothing = Confusion::default();
        assert_eq!(
            (nothing.accuracy(), nothing.precision(), nothing.recall(), nothing.f_beta(1.0)),
            (0.0, 0.0, 0.0, 0.0)
        );
        assert!(Scored::default().calibrate(Criterion::Accuracy).is_none());
    }
}
