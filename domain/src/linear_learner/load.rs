//! From the artifact's files to a model.

use super::graph::{Graph, WeightShape};
use super::parameters::Parameters;
use super::{Activation, LinearLearner, PredictorType, size_in_memory};
use crate::artifact::model_algo::{Member, ModelAlgo};
use crate::artifact::mxnet_params::{Array, Params};
use crate::error::{Error, Result};
use serde::Deserialize;
use std::path::Path;

/// Checkpoints prefix arguments with `arg:`; gluon's files do not.
const WEIGHT: [&str; 2] = ["arg:fc0_weight", "fc0_weight"];
const BIAS: [&str; 2] = ["arg:fc0_bias", "fc0_bias"];

#[derive(Deserialize)]
struct Manifest {
    version: Option<u64>,
}

impl LinearLearner {
    /// Loads the model from the folder that `model.tar.gz` was unpacked into.
    ///
    /// # Errors
    /// [`crate::error::Cause::BadArtifact`] naming the file, the field, what was expected and what was found;
    /// [`crate::error::Cause::Io`] when a file cannot be opened.
    pub fn open(directory: &Path) -> Result<LinearLearner> {
        let mut artifact = ModelAlgo::open(directory)?;
        check_manifest(&mut artifact)?;
        let parameters = parse(&mut artifact, Member::AdditionalParams, Parameters::parse)?;
        let graph = parse(&mut artifact, Member::Symbol, Graph::parse)?;
        parse(&mut artifact, Member::Params, |bytes| learner(&Params::parse(bytes)?, &graph, &parameters))
    }

    /// How many bytes of memory the model will take once it is loaded, from the shapes of its arrays alone: what
    /// [`LinearLearner::bytes`] of the loaded model gives.
    ///
    /// # Errors
    /// As [`LinearLearner::open`], as far as they show without the values.
    pub fn measure(directory: &Path) -> Result<u64> {
        let mut artifact = ModelAlgo::open(directory)?;
        let graph = parse(&mut artifact, Member::Symbol, Graph::parse)?;
        let shapes = artifact.shapes()?;
        let weight = WEIGHT.iter().find_map(|name| shapes.get(name));
        let size = weight.ok_or_else(|| no_weight(shapes.0.iter().map(|(name, _)| name.as_str()))).and_then(|weight| {
            let (feature_dim, outputs) = dimensions(weight, graph.weight_shape())?;
            Ok(size_in_memory(feature_dim as u64 * outputs as u64, outputs as u64))
        });
        size.map_err(|error| error.context(Member::Params.name()))
    }
}

fn parse<T>(artifact: &mut ModelAlgo, member: Member, parse: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
    let bytes = artifact.read(member)?;
    parse(&bytes).map_err(|error| error.context(member.name()))
}

/// The manifest says nothing that the other files do not, but for the version. Loose files may come without.
fn check_manifest(artifact: &mut ModelAlgo) -> Result<()> {
    if !artifact.has(Member::Manifest) {
        return Ok(());
    }
    parse(artifact, Member::Manifest, |bytes| {
        let manifest: Manifest = serde_json::from_slice(bytes)
            .map_err(|error| Error::bad_artifact(format!("expected an object with a version: {error}")))?;
        match manifest.version {
            None | Some(1) => Ok(()),
            Some(other) => Err(Error::bad_artifact(format!("field version: expected 1, found {other}"))),
        }
    })
}

fn learner(params: &Params<'_>, graph: &Graph, parameters: &Parameters) -> Result<LinearLearner> {
    let weight =
        WEIGHT.iter().find_map(|name| params.get(name)).ok_or_else(|| no_weight(params.names.iter().copied()))?;
    let (feature_dim, outputs) = dimensions(weight.shape(), graph.weight_shape())?;
    let predictor_type = parameters.predictor_type;
    if (outputs == 1) != (predictor_type != PredictorType::MulticlassClassifier) {
        return Err(Error::bad_artifact(format!(
            "array {}: expected {} for a {}, found {outputs} in the shape {:?}",
            WEIGHT[0],
            if outputs == 1 { "an output for each class" } else { "one output" },
            predictor_type.name(),
            weight.shape(),
        )));
    }
    let activation = match graph.activation() {
        Some(activation) => activation,
        None => activation_by_loss(parameters, graph)?,
    };
    if activation == Activation::Softmax && outputs == 1 {
        return Err(Error::bad_artifact("expected the graph to end in an operator for one output, found a softmax"));
    }
    let stored = values(weight, WEIGHT[0])?;
    let weights = match graph.weight_shape() {
        WeightShape::FeaturesByOutputs if outputs > 1 => {
            (0..outputs).flat_map(|output| stored.iter().skip(output).step_by(outputs)).copied().collect()
        }
        _ => stored.into_boxed_slice(),
    };
    let bias = match BIAS.iter().find_map(|name| params.get(name)) {
        Some(bias) => values(bias, BIAS[0])?,
        // Trained with use_bias=false.
        None => vec![0.0; outputs],
    };
    if bias.len() != outputs {
        return Err(Error::bad_artifact(format!(
            "array {}: expected {outputs} values as the weights have outputs, found {}",
            BIAS[0],
            bias.len()
        )));
    }
    Ok(LinearLearner { predictor_type, activation, feature_dim, weights, bias: bias.into_boxed_slice() })
}

fn no_weight<'n>(names: impl Iterator<Item = &'n str>) -> Error {
    let names: Vec<_> = names.take(10).collect();
    Error::bad_artifact(format!("expected an array named {}, found {names:?}", WEIGHT[0]))
}

/// The number of features and of outputs.
fn dimensions(shape: &[u64], order: WeightShape) -> Result<(usize, usize)> {
    let pair = match (shape, order) {
        (&[features, outputs], WeightShape::FeaturesByOutputs) => Some((features, outputs)),
        (&[outputs, features], WeightShape::OutputsByFeatures) => Some((features, outputs)),
        _ => None,
    };
    // Rows name their features by 32 bits.
    let fits = |length: u64| (1..=u64::from(u32::MAX)).contains(&length);
    pair.filter(|&(features, outputs)| fits(features) && fits(outputs))
        .and_then(|(features, outputs)| Some((usize::try_from(features).ok()?, usize::try_from(outputs).ok()?)))
        .ok_or_else(|| {
            let expected = match order {
                WeightShape::FeaturesByOutputs => "(features, outputs)",
                WeightShape::OutputsByFeatures => "(outputs, features)",
            };
            Error::bad_artifact(format!("array {}: expected the shape {expected}, found {shape:?}", WEIGHT[0]))
        })
}

/// Values that training has driven to infinity or beyond are no model. Subnormal ones are: the weights of features that do
/// not vary, which weight decay has shrunk.
fn values(array: &Array<'_>, name: &str) -> Result<Vec<f32>> {
    let values = array.to_f32().map_err(|error| error.context(format_args!("array {name}")))?;
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(values),
        Some(index) => Err(Error::bad_artifact(format!(
            "array {name}: expected finite numbers, found {} at index {index}",
            values.get(index).copied().unwrap_or(f32::NAN)
        ))),
    }
}

/// For a graph that ends in an operator that nobody has seen there: the documented losses
/// (docs.aws.amazon.com/sagemaker/latest/dg/ll_hyperparameters.html).
fn activation_by_loss(parameters: &Parameters, graph: &Graph) -> Result<Activation> {
    match (parameters.predictor_type, parameters.loss_type.as_deref().unwrap_or("auto")) {
        (PredictorType::Regressor, _) => Ok(Activation::Identity),
        (PredictorType::BinaryClassifier { .. }, "auto" | "logistic") => Ok(Activation::Sigmoid),
        (PredictorType::BinaryClassifier { .. }, "hinge_loss") => Ok(Activation::Identity),
        (PredictorType::MulticlassClassifier, "auto" | "softmax_loss") => Ok(Activation::Softmax),
        (predictor_type, loss) => Err(Error::bad_artifact(format!(
            "cannot tell how a {} makes its scores: the graph ends in {:?}, and the loss is {loss:?}: expected logistic, hinge_loss or softmax_loss",
            predictor_type.name(),
            graph.last_op().unwrap_or_default()
        ))),
    }
}

#[cfg(test)]
#[path = "load_test.rs"]
mod load_test;
