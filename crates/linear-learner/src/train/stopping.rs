//! Early stopping: when an epoch counts as better, which epoch's state is kept, and when it is enough.

/// Which way a criterion gets better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Better {
    /// A loss.
    Lower,
    /// A score such as accuracy.
    Higher,
}

impl Better {
    /// Whether a value is better than another. NaN is never better.
    pub(super) fn than(self, value: f64, other: f64) -> bool {
        match self {
            _ if value.is_nan() => false,
            _ if other.is_nan() => true,
            Better::Lower => value < other,
            Better::Higher => value > other,
        }
    }

    /// The place of the best value, the first of equals.
    pub(super) fn best(self, values: &[f64]) -> Option<usize> {
        let mut best: Option<(usize, f64)> = None;
        for (index, &value) in values.iter().enumerate() {
            if best.is_none_or(|(_, known)| self.than(value, known)) {
                best = Some((index, value));
            }
        }
        best.map(|(index, _)| index)
    }
}

/// The verdict on an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Better than all before by more than the tolerance: its state is kept.
    Improved,
    /// Not better, for this many epochs before this one.
    NotImproved {
        /// How many in succession, this one not counted: as AWS's log lines count.
        before: usize,
    },
}

/// Follows the criterion from epoch to epoch, as seven public training logs agree that AWS does.
#[derive(Debug)]
pub(super) struct EarlyStopping {
    better: Better,
    patience: usize,
    tolerance: f64,
    /// The best value so far. It follows improvements that are too small to count, too.
    reference: Option<f64>,
    not_improved: usize,
}

impl EarlyStopping {
    pub(super) fn new(better: Better, patience: usize, tolerance: f64) -> EarlyStopping {
        EarlyStopping { better, patience, tolerance, reference: None, not_improved: 0 }
    }

    pub(super) fn judge(&mut self, value: f64) -> Verdict {
        let improved = match self.reference {
            None => true,
            Some(reference) => {
                let gain = match self.better {
                    Better::Lower => reference - value,
                    Better::Higher => value - reference,
                };
                // From a reference of 0 any gain is a large one.
                gain > self.tolerance * reference.abs()
            }
        };
        if self.reference.is_none_or(|reference| self.better.than(value, reference)) {
            self.reference = Some(value);
        }
        if improved {
            self.not_improved = 0;
            Verdict::Improved
        } else {
            self.not_improved += 1;
            Verdict::NotImproved { before: self.not_improved - 1 }
        }
    }

    /// Whether the patience is at its end.
    pub(super) fn is_over(&self) -> bool {
        self.not_improved > self.patience
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn training_ends_after_more_epochs_without_improvement_than_the_patience() {
        let mut stopping = EarlyStopping::new(Better::Lower, 2, 0.01);
        let verdicts: Vec<_> =
            [1.0, 0.5, 0.499, 0.498, 0.4, 0.41, 0.399, 0.397].map(|value| stopping.judge(value)).into();
        let not = |before| Verdict::NotImproved { before };
        let yes = Verdict::Improved;
        assert_eq!(verdicts, [yes, yes, not(0), not(1), yes, not(0), not(1), not(2)]);
        assert!(stopping.is_over());
    }

    #[test]
    fn higher_scores_are_better_and_any_gain_over_zero_counts() {
        let mut stopping = EarlyStopping::new(Better::Higher, 1, 0.001);
        assert_eq!(stopping.judge(0.0), Verdict::Improved);
        assert_eq!(stopping.judge(0.5), Verdict::Improved);
        assert_eq!(stopping.judge(0.4), Verdict::NotImproved { before: 0 });
        assert!(!stopping.is_over());
        assert_eq!(stopping.judge(0.5), Verdict::NotImproved { before: 1 });
        assert!(stopping.is_over());
    }

    #[test]
    fn the_best_value_is_the_first_of_equals_and_never_nan() {
        assert_eq!(Better::Lower.best(&[f64::NAN, 2.0, 1.0, 1.0]), Some(2));
        assert_eq!(Better::Higher.best(&[1.0, f64::NAN, 1.0]), Some(0));
        assert_eq!(Better::Higher.best(&[]), None);
    }
}
