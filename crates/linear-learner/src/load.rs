//! From the artifact's files to a model.

use super::graph::{Graph, WeightShape, shorten};
use super::parameters::Parameters;
use super::{Activation, LinearLearner, PredictorType};
use crate::archive::{Member, ModelAlgo};
use byoc_account::Allowance;
use byoc_formats::counted::counted;
use byoc_formats::error::{Cause, Error, Result};
use byoc_formats::json_document;
use byoc_formats::mxnet_params::{Array, Layout};
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
    /// [`byoc_formats::error::Cause::BadArtifact`] naming the file, the field, what was expected and what was found;
    /// [`byoc_formats::error::Cause::Io`] when a file cannot be opened.
    pub fn open(directory: &Path, allowance: &Allowance) -> Result<LinearLearner> {
        let mut artifact = ModelAlgo::open(directory)?;
        artifact.check_is_linear_learner()?;
        check_manifest(&mut artifact, allowance)?;
        let parameters = parse(&mut artifact, Member::AdditionalParams, 0, allowance, Parameters::parse)?;
        let graph = parse(&mut artifact, Member::Symbol, TREE, allowance, Graph::parse)?;
        learner(&mut artifact, &graph, &parameters, allowance)
    }
}

/// The memory of a graph's nodes for each byte of its text: `[],` becomes an empty list of 24 bytes, doubled when the
/// outer list grows.
const TREE: usize = 24;

fn parse<T>(
    artifact: &mut ModelAlgo,
    member: Member,
    times: usize,
    allowance: &Allowance,
    parse: impl FnOnce(&[u8]) -> Result<T>,
) -> Result<T> {
    let mut failed = None;
    let parsed = artifact.read(member, times, allowance, |bytes| match parse(bytes) {
        Ok(parsed) => Ok(Some(parsed)),
        Err(error) => {
            failed = Some(error.within(member.name()));
            Ok(None)
        }
    })?;
    match (parsed, failed) {
        (Some(parsed), _) => Ok(parsed),
        (None, Some(error)) => Err(error),
        (None, None) => Err(Error::bad_artifact(format!("{} was not read", member.name()))),
    }
}

/// The manifest adds only the version to the other files. Loose files may come without it.
fn check_manifest(artifact: &mut ModelAlgo, allowance: &Allowance) -> Result<()> {
    if !artifact.has(Member::Manifest) {
        return Ok(());
    }
    parse(artifact, Member::Manifest, 0, allowance, |bytes| {
        let manifest: Manifest = json_document::parse(bytes, "an object with a version", Cause::BadArtifact)?;
        match manifest.version {
            None | Some(1) => Ok(()),
            Some(other) => Err(Error::bad_artifact(format!("field version: expected 1, found {other}"))),
        }
    })
}

fn learner(
    artifact: &mut ModelAlgo,
    graph: &Graph,
    parameters: &Parameters,
    allowance: &Allowance,
) -> Result<LinearLearner> {
    let names = [WEIGHT, BIAS].concat();
    let places = artifact.places(&names)?;
    let in_file = |error: Error| error.within(Member::Params.name());
    let [weight, bias] = match *places.of.as_slice() {
        [prefixed, plain, prefixed_bias, plain_bias] => [prefixed.or(plain), prefixed_bias.or(plain_bias)],
        _ => [None, None],
    };
    let weight = weight.ok_or_else(|| in_file(no_weight(&places.first_names)))?;
    let mut matrix = None;
    artifact.array(weight, allowance, |weight| {
        matrix = Some(Matrix::read(weight, graph, parameters, allowance));
        Ok(())
    })?;
    let Matrix { activation, feature_dim, outputs, weights } =
        matrix.unwrap_or_else(|| Err(no_weight(&places.first_names))).map_err(in_file)?;
    let bias = match bias {
        Some(place) => {
            let mut bias = None;
            artifact.array(place, allowance, |array| {
                bias = Some(values(array, BIAS[0], allowance));
                Ok(())
            })?;
            bias.unwrap_or_else(|| Ok(Vec::new())).map_err(in_file)?
        }
        // Trained with use_bias=false.
        None => {
            allowance.take_items::<f32>(outputs)?;
            vec![0.0; outputs]
        }
    };
    if bias.len() != outputs {
        return Err(in_file(Error::bad_artifact(format!(
            "array {}: expected {} as the weights have outputs, found {}",
            BIAS[0],
            counted(outputs, "value"),
            bias.len()
        ))));
    }
    let predictor_type = parameters.predictor_type;
    Ok(LinearLearner { predictor_type, activation, feature_dim, weights, bias: bias.into_boxed_slice() })
}

/// The weights, in the layout that their shape and the graph imply.
struct Matrix {
    activation: Activation,
    feature_dim: usize,
    outputs: usize,
    weights: Box<[f32]>,
}

impl Matrix {
    fn read(weight: &Array<'_>, graph: &Graph, parameters: &Parameters, allowance: &Allowance) -> Result<Matrix> {
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
            return Err(Error::bad_artifact(
                "expected the graph to end in an operator for one output, found a softmax",
            ));
        }
        let stored = values(weight, WEIGHT[0], allowance)?;
        let weights = match graph.weight_shape() {
            WeightShape::FeaturesByOutputs if outputs > 1 => {
                allowance.take_items::<f32>(stored.len())?;
                let mut weights = Vec::with_capacity(stored.len());
                let of_output = |output: usize| stored.iter().skip(output).step_by(outputs).copied();
                weights.extend((0..outputs).flat_map(of_output));
                allowance.give_back_items::<f32>(stored.len());
                weights.into_boxed_slice()
            }
            _ => stored.into_boxed_slice(),
        };
        Ok(Matrix { activation, feature_dim, outputs, weights })
    }
}

fn no_weight(names: &[String]) -> Error {
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

/// Refuses values that training has driven to infinity or NaN. Subnormal values are valid: weight decay shrinks the
/// weights of features that do not vary to such values.
fn values(array: &Array<'_>, name: &str, allowance: &Allowance) -> Result<Vec<f32>> {
    allowance.take_items::<f32>(array.values())?;
    // Sparse values and their places are read before they are put among zeros.
    let _held = match array.layout() {
        Layout::Dense => None,
        Layout::RowSparse | Layout::Csr => Some(allowance.hold(array.stored_bytes().saturating_mul(3))?),
    };
    let values = array.to_f32().map_err(|error| error.context(format_args!("array {name}")))?;
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(values),
        Some(index) => Err(Error::bad_artifact(format!(
            "array {name}: expected finite numbers, found {} at index {index}",
            values.get(index).copied().unwrap_or(f32::NAN)
        ))),
    }
}

/// For a graph that ends in an unknown operator: the documented losses
/// (docs.aws.amazon.com/sagemaker/latest/dg/ll_hyperparameters.html).
fn activation_by_loss(parameters: &Parameters, graph: &Graph) -> Result<Activation> {
    match (parameters.predictor_type, parameters.loss_type.as_deref().unwrap_or("auto")) {
        (PredictorType::Regressor, _) => Ok(Activation::Identity),
        (PredictorType::BinaryClassifier { .. }, "auto" | "logistic") => Ok(Activation::Sigmoid),
        (PredictorType::BinaryClassifier { .. }, "hinge_loss") => Ok(Activation::Identity),
        (PredictorType::MulticlassClassifier, "auto" | "softmax_loss") => Ok(Activation::Softmax),
        (predictor_type, loss) => Err(Error::bad_artifact(format!(
            "cannot tell how a {} makes its scores: the graph ends in {:?}, and the loss is {:?}: expected logistic, \
             hinge_loss or softmax_loss",
            predictor_type.name(),
            shorten(graph.last_op().unwrap_or_default()),
            shorten(loss)
        ))),
    }
}

#[cfg(test)]
#[path = "load_test.rs"]
mod load_test;
