use super::*;
use byoc_formats::media_types::{ContentType, MediaType};
use proptest::prelude::*;

fn learner(predictor_type: PredictorType, activation: Activation, weights: &[&[f32]], bias: &[f32]) -> LinearLearner {
    LinearLearner {
        predictor_type,
        activation,
        feature_dim: weights[0].len(),
        weights: weights.concat().into(),
        bias: bias.into(),
    }
}

fn predict(learner: &LinearLearner, csv: &str) -> (Vec<f32>, Option<Vec<i64>>) {
    let batch = learner.read(ContentType::of(MediaType::Csv), csv.as_bytes(), crate::testing::unbounded()).unwrap();
    let predictions = learner.predict(&batch).unwrap();
    (crate::testing::scores(&predictions), crate::testing::labels(&predictions))
}

#[test]
fn a_score_at_the_threshold_has_label_1() {
    let threshold = f64::from(0.3_f32);
    let hinge = learner(PredictorType::BinaryClassifier { threshold }, Activation::Identity, &[&[1.0]], &[0.0]);
    let below = f32::from_bits(0.3_f32.to_bits() - 1);
    assert_eq!(predict(&hinge, &format!("0.3\n{below}\n1\n-5")), (vec![0.3, below, 1.0, -5.0], Some(vec![1, 0, 1, 0])));
}

#[test]
fn a_sigmoid_is_one_half_at_zero_and_reaches_0_and_1() {
    let logistic =
        learner(PredictorType::BinaryClassifier { threshold: 0.5 }, Activation::Sigmoid, &[&[1.0, 0.0]], &[0.0]);
    let (scores, labels) = predict(&logistic, "0,0\n200,0\n-200,0\n3e38,1");
    assert_eq!((scores, labels), (vec![0.5, 1.0, 0.0, 1.0], Some(vec![1, 1, 0, 1])));
}

#[test]
fn of_equal_classes_the_first_is_chosen_and_large_values_do_not_overflow() {
    let classes =
        learner(PredictorType::MulticlassClassifier, Activation::Softmax, &[&[1.0], &[2.0], &[2.0]], &[0.0, 0.0, 0.0]);
    let (scores, labels) = predict(&classes, "0\n1e30\n-1e30");
    assert_eq!(labels.unwrap(), [0, 1, 0]);
    assert_eq!(scores[..3], [1.0 / 3.0; 3]);
    assert_eq!(scores[3..], [0.0, 0.5, 0.5, 1.0, 0.0, 0.0]);
}

#[test]
fn subnormal_weights_count() {
    let tiny = f32::from_bits(1 << 9);
    assert!(tiny.is_subnormal());
    let regressor = learner(PredictorType::Regressor, Activation::Identity, &[&[tiny]], &[0.0]);
    let large = 2_f32.powi(100);
    assert_eq!(predict(&regressor, &format!("1\n{large}")), (vec![tiny, 2_f32.powi(-40)], None));
}

#[test]
fn a_batch_of_another_width_is_an_internal_error() {
    let regressor = learner(PredictorType::Regressor, Activation::Identity, &[&[1.0]], &[0.0]);
    assert_eq!(regressor.predict(&Batch::new(2, crate::testing::unbounded())).unwrap_err().cause(), Cause::Internal);
    assert!(regressor.predict(&Batch::new(1, crate::testing::unbounded())).unwrap().rows() == 0);
}

#[test]
fn an_error_in_a_request_starts_with_the_message_of_the_algorithms_container() {
    let regressor = learner(PredictorType::Regressor, Activation::Identity, &[&[1.0]], &[0.0]);
    let error = regressor.read(ContentType::of(MediaType::Csv), b"1\n1,2\n", crate::testing::unbounded()).unwrap_err();
    assert_eq!(error.cause(), Cause::BadPayload);
    assert_eq!(error.message(), "unable to evaluate payload provided: expected 1 feature, found 2");
    assert_eq!(error.place().unwrap().row, Some(2));
}

/// The obvious way: one sum in float64, from the first feature to the last.
fn slow_linear(weights: &[f32], bias: f32, values: &[f32]) -> f64 {
    weights.iter().zip(values).map(|(&weight, &value)| f64::from(weight) * f64::from(value)).sum::<f64>()
        + f64::from(bias)
}

fn rows_and_weights() -> impl Strategy<Value = (Vec<f32>, Vec<f32>)> {
    (1..40_usize).prop_flat_map(|width| {
        let value = prop_oneof![Just(0.0), -1e3..1e3_f32];
        (proptest::collection::vec(-10.0..10.0_f32, width), proptest::collection::vec(value, width))
    })
}

proptest! {
    #[test]
    fn the_vectorized_sum_equals_the_plain_sum((weights, values) in rows_and_weights(), bias in -5.0..5.0_f32) {
        let fast = f64::from(linear(&weights, bias, Row::Dense(&values)));
        let slow = slow_linear(&weights, bias, &values);
        // One rounding to float32, and the cancellation that either order may suffer in float64.
        let magnitude: f64 = weights.iter().zip(&values).map(|(w, v)| f64::from((w * v).abs())).sum();
        prop_assert!((fast - slow).abs() <= slow.abs() * 6e-8 + magnitude * 1e-13, "{} {}", fast, slow);
    }

    #[test]
    fn a_sparse_row_and_its_dense_form_get_identical_scores(
        (weights, values) in rows_and_weights(),
        bias in -5.0..5.0_f32,
    ) {
        let (keys, kept): (Vec<u32>, Vec<f32>) = (0..).zip(&values).filter(|&(_, &value)| value != 0.0).unzip();
        let dense = linear(&weights, bias, Row::Dense(&values));
        let sparse = linear(&weights, bias, Row::Sparse { keys: &keys, values: &kept });
        prop_assert_eq!(dense.to_bits(), sparse.to_bits());
    }
}
