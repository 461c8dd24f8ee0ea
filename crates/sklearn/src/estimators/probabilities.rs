//! `predict_proba`: computes probabilities from a classifier's decision values, depending on class, settings and
//! version.

use crate::artifact::attributes::Attributes;
use crate::estimators::linear::Values;
use crate::version::Version;
use byoc_formats::error::Result;

/// How probabilities are computed. One value per row gives two probabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Probabilities {
    /// The logistic function of each value, then divided by their sum (`_predict_proba_lr` of
    /// `sklearn.linear_model._base`).
    OneVersusRest {
        /// From 1.9 on, classes that are all 0 share the probability; before, they became NaN.
        shares_zeros: bool,
    },
    /// For a single value `d` it is that of `(-d, d)`.
    Softmax,
    /// `loss="modified_huber"`: values clipped to -1 and 1, moved to 0 to 1, divided by their sum.
    ModifiedHuber,
}

/// As `multi_class` and `solver` determined before 1.8.
#[derive(Clone, Copy, PartialEq)]
enum MultiClass {
    Ovr,
    Auto,
    Multinomial,
}

impl Probabilities {
    /// A probability for each class.
    pub(crate) fn of(self, values: Values) -> Values {
        let outputs = match (self, values.outputs.as_slice()) {
            (Probabilities::OneVersusRest { .. }, [only]) => with_complement(only.iter().copied().map(logistic)),
            (Probabilities::OneVersusRest { shares_zeros }, outputs) => {
                let outputs = each(outputs, logistic);
                if shares_zeros { share(outputs) } else { divide_by_sum(outputs) }
            }
            (Probabilities::ModifiedHuber, [only]) => with_complement(only.iter().copied().map(clipped)),
            (Probabilities::ModifiedHuber, outputs) => share(each(outputs, clipped)),
            (Probabilities::Softmax, [only]) => softmax(vec![only.iter().map(|value| -value).collect(), only.clone()]),
            (Probabilities::Softmax, outputs) => softmax(outputs.to_vec()),
        };
        values.with(outputs)
    }
}

/// The probabilities of a logistic regression, by its settings and the number of classes.
///
/// # Errors
/// For settings that scikit-learn does not have.
pub(crate) fn of_logistic_regression(
    object: Attributes<'_>,
    classes: usize,
    version: Version,
) -> Result<Option<Probabilities>> {
    let multi_class = multi_class(object, version)?;
    let liblinear = || object.text("solver").map(|solver| solver == "liblinear");
    let each_alone = match multi_class {
        MultiClass::Ovr => true,
        MultiClass::Multinomial => false,
        // From 1.8 on liblinear takes two classes only.
        MultiClass::Auto => classes <= 2 || version < Version::new(1, 8) && liblinear()?,
    };
    Ok(Some(if each_alone { one_versus_rest(version) } else { Probabilities::Softmax }))
}

/// The probabilities of a classifier that was fitted with a loss; some losses have none.
///
/// # Errors
/// When the loss is not text.
pub(crate) fn of_loss(object: Attributes<'_>, _classes: usize, version: Version) -> Result<Option<Probabilities>> {
    Ok(match object.text("loss")? {
        // "log" until 1.2.
        "log" | "log_loss" => Some(one_versus_rest(version)),
        "modified_huber" => Some(Probabilities::ModifiedHuber),
        _ => None,
    })
}

/// A classifier without probabilities.
///
/// # Errors
/// None.
pub(crate) fn none(_object: Attributes<'_>, _classes: usize, _version: Version) -> Result<Option<Probabilities>> {
    Ok(None)
}

fn one_versus_rest(version: Version) -> Probabilities {
    Probabilities::OneVersusRest { shares_zeros: version >= Version::new(1, 9) }
}

/// From 1.8 on it is no longer a setting; `deprecated` and `warn` were its defaults before.
fn multi_class(object: Attributes<'_>, version: Version) -> Result<MultiClass> {
    if version >= Version::new(1, 8) {
        return Ok(MultiClass::Auto);
    }
    object.choice(
        "multi_class",
        &[
            ("ovr", MultiClass::Ovr),
            ("warn", MultiClass::Ovr),
            ("auto", MultiClass::Auto),
            ("deprecated", MultiClass::Auto),
            ("multinomial", MultiClass::Multinomial),
        ],
    )
}

fn logistic(value: f64) -> f64 {
    1.0 / (1.0 + (-value).exp())
}

fn clipped(value: f64) -> f64 {
    (value.clamp(-1.0, 1.0) + 1.0) / 2.0
}

fn each(outputs: &[Vec<f64>], apply: impl Fn(f64) -> f64) -> Vec<Vec<f64>> {
    outputs.iter().map(|values| values.iter().map(|value| apply(*value)).collect()).collect()
}

fn with_complement(second: impl Iterator<Item = f64>) -> Vec<Vec<f64>> {
    let second: Vec<f64> = second.collect();
    vec![second.iter().map(|probability| 1.0 - probability).collect(), second]
}

/// The sum of each row.
fn sums(outputs: &[Vec<f64>]) -> Vec<f64> {
    let mut sums = vec![0.0; outputs.first().map_or(0, Vec::len)];
    for values in outputs {
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
    }
    sums
}

fn divide_by_sum(mut outputs: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let sums = sums(&outputs);
    for values in &mut outputs {
        values.iter_mut().zip(&sums).for_each(|(value, sum)| *value /= sum);
    }
    outputs
}

/// If all classes are 0, all get the same probability.
fn share(mut outputs: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    for (row, sum) in sums(&outputs).into_iter().enumerate() {
        if sum == 0.0 {
            outputs.iter_mut().filter_map(|values| values.get_mut(row)).for_each(|value| *value = 1.0);
        }
    }
    divide_by_sum(outputs)
}

/// `sklearn.utils.extmath.softmax`: the highest value is subtracted first, so that none overflows.
fn softmax(mut outputs: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let mut highest = outputs.first().cloned().unwrap_or_default();
    for values in &outputs {
        highest.iter_mut().zip(values).for_each(|(highest, value)| *highest = highest.max(*value));
    }
    for values in &mut outputs {
        values.iter_mut().zip(&highest).for_each(|(value, highest)| *value = (*value - highest).exp());
    }
    divide_by_sum(outputs)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The probabilities of one row.
    fn row(probabilities: Probabilities, decisions: &[f64]) -> Vec<f64> {
        let values = Values::of(decisions.iter().map(|decision| vec![*decision]).collect());
        probabilities.of(values).outputs.concat()
    }

    fn near(found: Vec<f64>, expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        let near = found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-15);
        assert!(near, "{found:?} {expected:?}");
    }

    #[test]
    fn one_value_gives_two_probabilities_and_multinomial_doubles_it() {
        let one_versus_rest = Probabilities::OneVersusRest { shares_zeros: true };
        near(row(one_versus_rest, &[0.0]), &[0.5, 0.5]);
        near(row(one_versus_rest, &[2.0]), &[0.11920292202211769, 0.8807970779778823]);
        // The softmax of (-d, d) is the logistic function of 2 d.
        near(row(Probabilities::Softmax, &[1.0]), &[0.11920292202211755, 0.8807970779778824]);
        near(row(Probabilities::ModifiedHuber, &[0.5]), &[0.25, 0.75]);
        assert_eq!(row(Probabilities::ModifiedHuber, &[-7.0]), [1.0, 0.0]);
    }

    #[test]
    fn several_values_are_divided_by_their_sum() {
        near(row(Probabilities::Softmax, &[1000.0, 1000.0]), &[0.5, 0.5]);
        let one_versus_rest = Probabilities::OneVersusRest { shares_zeros: false };
        near(row(one_versus_rest, &[0.0, 0.0, 0.0]), &[1.0 / 3.0; 3]);
        near(row(Probabilities::ModifiedHuber, &[1.0, 0.0, -5.0]), &[2.0 / 3.0, 1.0 / 3.0, 0.0]);
    }

    #[test]
    fn a_row_without_any_class_is_shared_by_all_except_before_1_9() {
        let far = [-1e4, -1e4, -1e4];
        assert_eq!(row(Probabilities::OneVersusRest { shares_zeros: true }, &far), [1.0 / 3.0; 3]);
        let before = row(Probabilities::OneVersusRest { shares_zeros: false }, &far);
        assert!(before.iter().all(|value| value.is_nan()));
        assert_eq!(row(Probabilities::ModifiedHuber, &far), [1.0 / 3.0; 3]);
    }
}
