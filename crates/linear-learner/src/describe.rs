//! The parts of a linear learner, as data to show.

use super::{Activation, LinearLearner, PredictorType};
use crate::archive::{Member, ModelAlgo};
use byoc_account::Allowance;
use byoc_formats::error::{Cause, Error, Result};
use byoc_formats::json_document;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::path::Path;
use std::sync::Arc;

/// The parts of a linear learner.
#[derive(Debug, Serialize)]
pub struct LinearLearnerDescription {
    /// `regressor`, `binary_classifier` or `multiclass_classifier`.
    pub predictor_type: &'static str,
    /// The number of features of a row.
    pub feature_dim: usize,
    /// The number of classes of a classifier.
    pub classes: Option<usize>,
    /// What makes a score of the linear value: `identity`, `sigmoid` or `softmax`.
    pub activation: &'static str,
    /// The lowest score for which a binary classifier answers 1.
    pub threshold: Option<f64>,
    /// The version of MXNet that wrote the network.
    pub mxnet_version: Option<String>,
    /// `additional-params.json`, whole: the loss, and the settings of training and its metrics.
    pub parameters: Map<String, Json>,
    /// The names of the features, when they are known.
    pub features: Option<Vec<Arc<str>>>,
    /// One for each score.
    pub outputs: Vec<OutputDescription>,
}

/// The parameters of one score.
#[derive(Debug, Serialize)]
pub struct OutputDescription {
    /// The class that it is the score of, in a multiclass classifier.
    pub class: Option<usize>,
    /// The bias.
    pub bias: f32,
    /// A weight for each feature.
    pub weights: Vec<f32>,
}

#[derive(Deserialize)]
struct Graph {
    #[serde(default)]
    attrs: Map<String, Json>,
}

impl LinearLearner {
    /// Describes the model, with what else is in its folder.
    ///
    /// # Errors
    /// As [`LinearLearner::open`].
    pub fn describe(&self, directory: &Path, allowance: &Allowance) -> Result<LinearLearnerDescription> {
        let mut artifact = ModelAlgo::open(directory)?;
        let parameters = json(&mut artifact, Member::AdditionalParams, allowance)?;
        let graph: Graph = json(&mut artifact, Member::Symbol, allowance)?;
        allowance.take_items::<f32>(self.weights.len())?;
        allowance.take_items::<OutputDescription>(self.outputs())?;
        let (classes, threshold) = match self.predictor_type {
            PredictorType::Regressor => (None, None),
            PredictorType::BinaryClassifier { threshold } => (Some(2), Some(threshold)),
            PredictorType::MulticlassClassifier => (Some(self.outputs()), None),
        };
        let output = |(index, (weights, bias)): (usize, (&[f32], &f32))| OutputDescription {
            class: (self.predictor_type == PredictorType::MulticlassClassifier).then_some(index),
            bias: *bias,
            weights: weights.to_vec(),
        };
        Ok(LinearLearnerDescription {
            predictor_type: self.predictor_type.name(),
            feature_dim: self.feature_dim,
            classes,
            activation: match self.activation {
                Activation::Identity => "identity",
                Activation::Sigmoid => "sigmoid",
                Activation::Softmax => "softmax",
            },
            threshold,
            mxnet_version: graph.attrs.get("mxnet_version").and_then(mxnet_version),
            parameters,
            features: None,
            outputs: self.weights().zip(&self.bias).enumerate().map(output).collect(),
        })
    }
}

/// The memory of a JSON value for each byte of its text: a digit and a comma become 32 bytes, doubled when a list
/// grows.
const TREE: usize = 32;

fn json<T: serde::de::DeserializeOwned>(artifact: &mut ModelAlgo, member: Member, allowance: &Allowance) -> Result<T> {
    artifact.read(member, TREE, allowance, |bytes| json_document::parse(bytes, "an object", Cause::BadArtifact))
}

/// `["int", 10301]` is 1.3.1 (github.com/apache/mxnet, `include/mxnet/base.h`: major · 10000 + minor · 100 + patch).
fn mxnet_version(attribute: &Json) -> Option<String> {
    let version = attribute.as_array()?.get(1)?.as_u64()?;
    Some(format!("{}.{}.{}", version / 10_000, version / 100 % 100, version % 100))
}

impl LinearLearnerDescription {
    /// Names the features.
    ///
    /// # Errors
    /// [`Cause::BadArtifact`] when there are more or fewer of them.
    pub fn name_features(&mut self, names: Vec<Arc<str>>) -> Result<()> {
        if names.len() != self.feature_dim {
            return Err(Error::bad_artifact(format!(
                "expected names for the {} features of the linear learner, found {}",
                self.feature_dim,
                names.len()
            )));
        }
        self.features = Some(names);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(case: &str) -> (LinearLearnerDescription, Json) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/linear-learner").join(case);
        let unpacked = tempfile::tempdir().unwrap();
        let model = unpacked.path().join("model");
        let archive = std::fs::File::open(folder.join("model.tar.gz")).unwrap();
        byoc_formats::targz::unpack(archive, &model, &Default::default()).unwrap();
        let allowance = Allowance::unbounded();
        let description = LinearLearner::open(&model, &allowance).unwrap().describe(&model, &allowance).unwrap();
        let meta = std::fs::read(folder.join("meta.json")).unwrap();
        (description, serde_json::from_slice(&meta).unwrap())
    }

    #[test]
    fn every_fixture_is_described_as_recorded() {
        for case in ["binary_logistic", "multiclass_4", "regressor_absolute", "binary_sparse"] {
            let (description, meta) = described(case);
            assert_eq!(meta["predictor_type"], description.predictor_type, "{case}");
            assert_eq!(meta["feature_dim"], description.feature_dim, "{case}");
            assert_eq!(meta["num_outputs"], description.outputs.len(), "{case}");
            assert_eq!(meta["loss_type"], description.parameters["loss_type"], "{case}");
            assert_eq!(meta["mxnet"].as_str(), description.mxnet_version.as_deref(), "{case}");
            if description.predictor_type == "binary_classifier" {
                assert_eq!(meta["threshold"].as_f64(), description.threshold, "{case}");
            }
            for output in &description.outputs {
                assert_eq!(output.weights.len(), description.feature_dim, "{case}");
            }
        }
    }

    #[test]
    fn a_multiclass_classifier_has_an_output_for_each_class_and_others_have_one() {
        let (description, _) = described("multiclass_4");
        assert_eq!(description.classes, Some(4));
        assert_eq!(description.outputs.iter().map(|output| output.class).collect::<Vec<_>>(), [0, 1, 2, 3].map(Some));
        assert_eq!(description.activation, "softmax");
        let (description, _) = described("binary_logistic");
        assert_eq!((description.classes, description.outputs[0].class), (Some(2), None));
    }

    #[test]
    fn there_must_be_a_name_for_each_feature() {
        let (mut description, _) = described("binary_logistic");
        let names: Vec<Arc<str>> = (0..14).map(|number| format!("f{number}").into()).collect();
        let error = description.name_features(names[..13].to_vec()).unwrap_err();
        assert!(error.message().contains("14 features") && error.message().ends_with("found 13"), "{error}");
        description.name_features(names.clone()).unwrap();
        assert_eq!(description.features, Some(names));
    }

    #[test]
    fn mxnets_version_is_one_number() {
        assert_eq!(mxnet_version(&serde_json::json!(["int", 10301])).as_deref(), Some("1.3.1"));
        assert_eq!(mxnet_version(&serde_json::json!(["int", 905])).as_deref(), Some("0.9.5"));
        assert_eq!(mxnet_version(&serde_json::json!("1.3")), None);
    }
}
