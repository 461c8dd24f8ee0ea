use super::*;
use byoc_account::Allowance;
use byoc_formats::error::Cause;
use byoc_formats::media_types::{ContentType, MediaType};

type NamedArray<'a> = (&'a str, &'a [u64], &'a [f32]);

/// A `.params` file as MXNet 1.x writes it.
fn params(arrays: &[NamedArray<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend([0x112, 0, arrays.len() as u64].iter().flat_map(|number: &u64| number.to_le_bytes()));
    for (_, shape, values) in arrays {
        out.extend([0xF993_FAC9, 0, shape.len() as u32].iter().flat_map(|number: &u32| number.to_le_bytes()));
        out.extend(shape.iter().flat_map(|length| length.to_le_bytes()));
        out.extend([1_u32, 0, 0].iter().flat_map(|number| number.to_le_bytes()));
        out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }
    out.extend((arrays.len() as u64).to_le_bytes());
    for (name, ..) in arrays {
        out.extend((name.len() as u64).to_le_bytes());
        out.extend(name.as_bytes());
    }
    out
}

/// The loose files of an artifact.
fn folder(ops: &[&str], parameters: &str, arrays: &[NamedArray<'_>]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let nodes: Vec<_> = ops.iter().map(|op| serde_json::json!({"op": op})).collect();
    let graph = serde_json::json!({"nodes": nodes, "heads": [[ops.len() - 1, 0, 0]]}).to_string();
    for (name, bytes) in [
        ("additional-params.json", parameters.as_bytes()),
        ("mx-mod-symbol.json", graph.as_bytes()),
        ("mx-mod-0000.params", &params(arrays)),
    ] {
        std::fs::write(directory.path().join(name), bytes).unwrap();
    }
    directory
}

/// What is taken of an allowance once the model is loaded, and the model itself.
fn taken(directory: &Path) -> u64 {
    let allowance = Allowance::unbounded();
    LinearLearner::open(directory, &allowance).unwrap();
    allowance.taken() + size_of::<LinearLearner>() as u64
}

const REGRESSOR: &str = r#"{"predictor_type": "regressor", "loss_type": "squared_loss", "threshold": 0.5}"#;
const BINARY: &str = r#"{"predictor_type": "binary_classifier", "loss_type": "logistic", "threshold": 0.5}"#;
const MULTICLASS: &str = r#"{"predictor_type": "multiclass_classifier", "loss_type": "softmax_loss"}"#;

fn scores(learner: &LinearLearner, csv: &str) -> Vec<f32> {
    let content_type = ContentType::of(MediaType::Csv);
    let batch = learner.read(content_type, csv.as_bytes(), crate::testing::unbounded()).unwrap();
    crate::testing::scores(&learner.predict(&batch).unwrap())
}

#[test]
fn loose_files_without_manifest_prefix_or_bias_load() {
    let directory =
        folder(&["null", "dot", "LinearRegressionOutput"], REGRESSOR, &[("fc0_weight", &[3, 1], &[1.0, 2.0, 3.0])]);
    let learner = LinearLearner::open(directory.path(), &Allowance::unbounded()).unwrap();
    assert_eq!((learner.feature_dim(), learner.outputs(), learner.bias()), (3, 1, &[0.0][..]));
    assert_eq!(scores(&learner, "1,10,100"), [321.0]);
    assert_eq!(taken(directory.path()), learner.bytes());
    assert_eq!(learner.bytes(), 4 * 4 + size_of::<LinearLearner>() as u64);
}

#[test]
fn both_layouts_of_weights_give_the_same_model() {
    let dot = folder(
        &["dot", "broadcast_add", "SoftmaxOutput"],
        MULTICLASS,
        &[("arg:fc0_weight", &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), ("arg:fc0_bias", &[1, 3], &[7.0, 8.0, 9.0])],
    );
    let fully_connected = folder(
        &["FullyConnected", "SoftmaxOutput"],
        MULTICLASS,
        &[("arg:fc0_bias", &[3], &[7.0, 8.0, 9.0]), ("arg:fc0_weight", &[3, 2], &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0])],
    );
    let learner = LinearLearner::open(dot.path(), &Allowance::unbounded()).unwrap();
    assert_eq!(learner, LinearLearner::open(fully_connected.path(), &Allowance::unbounded()).unwrap());
    assert_eq!(learner.weights().collect::<Vec<_>>(), [[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]);
    for directory in [dot, fully_connected] {
        assert_eq!(taken(directory.path()), learner.bytes());
    }
}

#[test]
fn the_loss_determines_the_score_if_the_graph_does_not() {
    let hinge = r#"{"predictor_type": "binary_classifier", "loss_type": "hinge_loss", "threshold": 0.0}"#;
    for (parameters, outputs, activation) in [
        (REGRESSOR, 1, Activation::Identity),
        (BINARY, 1, Activation::Sigmoid),
        (hinge, 1, Activation::Identity),
        (MULTICLASS, 2, Activation::Softmax),
    ] {
        let values = vec![0.0; outputs as usize];
        let directory = folder(&["dot", "broadcast_add"], parameters, &[("arg:fc0_weight", &[1, outputs], &values)]);
        assert_eq!(LinearLearner::open(directory.path(), &Allowance::unbounded()).unwrap().activation(), activation);
    }
}

#[test]
fn a_damaged_artifact_is_refused_with_the_file_the_part_and_the_expectation() {
    let head = &["dot", "LinearRegressionOutput"][..];
    let one: NamedArray<'_> = ("arg:fc0_weight", &[1, 1], &[1.0]);
    let unknown_loss = r#"{"predictor_type": "binary_classifier", "loss_type": "new_loss", "threshold": 0.0}"#;
    for (directory, expected) in [
        (
            folder(head, REGRESSOR, &[("arg:other", &[1, 1], &[1.0])]),
            "mx-mod-0000.params: expected an array named arg:fc0_weight, found [\"arg:other\"]",
        ),
        (
            folder(head, REGRESSOR, &[("arg:fc0_weight", &[1], &[1.0])]),
            "mx-mod-0000.params: array arg:fc0_weight: expected the shape (features, outputs), found [1]",
        ),
        (
            folder(head, REGRESSOR, &[("arg:fc0_weight", &[0, 1], &[])]),
            "mx-mod-0000.params: array arg:fc0_weight: expected the shape (features, outputs), found [0, 1]",
        ),
        (
            folder(head, REGRESSOR, &[("arg:fc0_weight", &[1, 2], &[1.0, 2.0])]),
            "mx-mod-0000.params: array arg:fc0_weight: expected one output for a regressor, found 2 in the shape [1, \
             2]",
        ),
        (
            folder(head, MULTICLASS, &[one]),
            "mx-mod-0000.params: array arg:fc0_weight: expected an output for each class for a multiclass_classifier, \
             found 1 in the shape [1, 1]",
        ),
        (
            folder(head, REGRESSOR, &[one, ("arg:fc0_bias", &[1, 2], &[1.0, 2.0])]),
            "mx-mod-0000.params: array arg:fc0_bias: expected 1 value as the weights have outputs, found 2",
        ),
        (
            folder(head, REGRESSOR, &[("arg:fc0_weight", &[2, 1], &[1.0, f32::NAN])]),
            "mx-mod-0000.params: array arg:fc0_weight: expected finite numbers, found NaN at index 1",
        ),
        (
            folder(&["dot", "softmax"], BINARY, &[one]),
            "mx-mod-0000.params: expected the graph to end in an operator for one output, found a softmax",
        ),
        (
            folder(&["dot"], unknown_loss, &[one]),
            "mx-mod-0000.params: cannot tell how a binary_classifier makes its scores: the graph ends in \"dot\", and \
             the loss is \"new_loss\": expected logistic, hinge_loss or softmax_loss",
        ),
        (
            folder(head, "{}", &[one]),
            "additional-params.json: field predictor_type: expected regressor, binary_classifier or \
             multiclass_classifier, found none",
        ),
    ] {
        let error = LinearLearner::open(directory.path(), &Allowance::unbounded()).unwrap_err();
        assert_eq!(error.cause(), Cause::BadArtifact);
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_missing_file_and_a_different_manifest_are_refused_by_name() {
    for name in ["additional-params.json", "mx-mod-symbol.json"] {
        let directory = folder(&["dot", "LinearRegressionOutput"], REGRESSOR, &[("arg:fc0_weight", &[1, 1], &[1.0])]);
        std::fs::remove_file(directory.path().join(name)).unwrap();
        let error = LinearLearner::open(directory.path(), &Allowance::unbounded()).unwrap_err();
        assert_eq!(error.to_string(), format!("{name}: the folder has no such file"));
    }
    let directory = folder(&["dot", "LinearRegressionOutput"], REGRESSOR, &[("arg:fc0_weight", &[1, 1], &[1.0])]);
    std::fs::write(directory.path().join("manifest.json"), r#"{"version": 2}"#).unwrap();
    let error = LinearLearner::open(directory.path(), &Allowance::unbounded()).unwrap_err();
    assert_eq!(error.to_string(), "manifest.json: field version: expected 1, found 2");
}
