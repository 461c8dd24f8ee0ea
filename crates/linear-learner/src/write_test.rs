use super::super::LinearLearner;
use super::super::train::{Given, Weights, candidates};
use super::*;
use crate::archive::{Member, ModelAlgo};
use byoc_account::Allowance;
use byoc_formats::media_types::{ContentType, MediaType};
use std::path::PathBuf;

fn given(pairs: &[(&str, &str)]) -> Hyperparameters {
    let given: Given = pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    Hyperparameters::parse(&given).unwrap()
}

fn trained(given: &Hyperparameters, weights: Vec<f32>, bias: Vec<f32>, threshold: f32) -> Trained {
    Trained {
        weights: Weights { weights, bias },
        threshold,
        positive_weight: 1.0,
        class_weights: None,
        candidate: candidates(given)[0],
        refined: false,
        model: 0,
        models: 32,
        epochs: 7,
    }
}

/// An artifact of `tests/fixtures/linear-learner`, whose graph real MXNet 1.3.1 wrote.
fn fixture(case: &str) -> (tempfile::TempDir, ModelAlgo) {
    let path: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "../../tests/fixtures/linear-learner", case, "model.tar.gz"].iter().collect();
    let folder = tempfile::tempdir().unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(File::open(path).unwrap()));
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut file = File::create(folder.path().join(entry.path().unwrap().file_name().unwrap())).unwrap();
        std::io::copy(&mut entry, &mut file).unwrap();
    }
    let artifact = ModelAlgo::open(folder.path()).unwrap();
    (folder, artifact)
}

#[test]
fn the_graph_is_mxnets_text_byte_for_byte() {
    for (case, features, outputs, operator, suffix) in [
        ("binary_logistic", 14, 1, "LogisticRegressionOutput", 39),
        ("regressor_housing", 10, 1, "LinearRegressionOutput", 53),
        ("regressor_absolute", 7, 1, "MAERegressionOutput", 79),
        ("multiclass_4", 12, 4, "SoftmaxOutput", 36),
    ] {
        let (_folder, mut artifact) = fixture(case);
        assert_eq!(artifact.written_by(), None, "{case} is not ours");
        let expected = String::from_utf8(
            artifact.read(Member::Symbol, 0, &Allowance::unbounded(), |bytes| Ok(bytes.to_vec())).unwrap(),
        )
        .unwrap();
        assert_eq!(symbol(features, outputs, operator, suffix), expected, "{case}");
    }
}

#[test]
fn the_arrays_have_the_length_of_real_artifacts_and_are_read_back() {
    for (features, outputs) in [(5, 1), (20, 1), (784, 1), (3, 4)] {
        let weights: Vec<f32> = (0..features * outputs).map(|at| at as f32 * 0.5 - 1.0).collect();
        let bias: Vec<f32> = (0..outputs).map(|at| at as f32).collect();
        let bytes = params(&bias, &weights);
        if outputs == 1 {
            assert_eq!(bytes.len(), 158 + 4 * features);
        }
        let read = byoc_formats::mxnet_params::Params::parse(&bytes).unwrap();
        assert_eq!(read.names, ["arg:fc0_bias", "arg:fc0_weight"]);
    }
}

#[test]
fn a_written_model_is_loaded_and_scores_with_its_weights() {
    for (pairs, outputs) in [
        (&[("predictor_type", "regressor"), ("loss", "absolute_loss")][..], 1),
        (&[("predictor_type", "regressor"), ("loss", "eps_insensitive_squared_loss")], 1),
        (&[("predictor_type", "binary_classifier")], 1),
        (&[("predictor_type", "binary_classifier"), ("loss", "hinge_loss")], 1),
        (&[("predictor_type", "multiclass_classifier"), ("num_classes", "3")], 3),
    ] {
        let given = given(pairs);
        let weights: Vec<f32> = (0..2 * outputs).map(|at| at as f32 * 0.25 - 0.5).collect();
        let bias: Vec<f32> = (0..outputs).map(|at| 0.125 * at as f32 + 0.5).collect();
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &given, &trained(&given, weights.clone(), bias.clone(), 0.25)).unwrap();
        let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(files, ["model_algo-1"]);
        let written_by = ModelAlgo::open(folder.path()).unwrap().written_by();
        assert_eq!(written_by, Some(format!("byoc {}", env!("CARGO_PKG_VERSION"))));
        let learner = LinearLearner::open(folder.path(), &Allowance::unbounded()).unwrap();
        assert_eq!(learner.predictor_type().name(), given.predictor_type.name());
        let body = ContentType::of(MediaType::Csv);
        let predictions =
            learner.predict(&learner.read(body, b"2,-1\n", crate::testing::unbounded()).unwrap()).unwrap();
        let raw: Vec<f64> = (0..outputs)
            .map(|output| f64::from(2.0 * weights[output] - weights[outputs + output] + bias[output]))
            .collect();
        let expected: Vec<f64> = match given.loss {
            Loss::Logistic => raw.iter().map(|score| 1.0 / (1.0 + (-score).exp())).collect(),
            Loss::Softmax => {
                let total: f64 = raw.iter().map(|score| score.exp()).sum();
                raw.iter().map(|score| score.exp() / total).collect()
            }
            _ => raw,
        };
        let found: Vec<f64> = crate::testing::scores(&predictions).into_iter().map(f64::from).collect();
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-6, "{pairs:?}: {found} {expected}");
        }
    }
}

#[test]
fn the_parameters_have_aws_names_and_nulls() {
    let given = given(&[("predictor_type", "binary_classifier"), ("loss", "hinge_loss"), ("margin", "2")]);
    let text = additional_params(&given, &trained(&given, vec![1.0], vec![0.0], -0.5)).unwrap();
    assert_eq!(
        text,
        "{\"threshold\":-0.5,\"loss_type\":\"hinge_loss\",\"predictor_type\":\"binary_classifier\",\"metrics_params\":\
         {\"quantile\":null,\"huber_delta\":null,\"margin\":2.0,\"loss_insensitivity\":null,\
         \"eps_insensitive_loss_type\":null,\"accuracy_top_k\":3,\"f_beta\":1.0,\"positive_example_weight_mult\":1.0,\
         \"class_weights\":null,\"threshold\":-0.5}}"
    );
}
