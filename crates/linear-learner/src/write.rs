//! Writes a trained model as the algorithm's own container does: `model_algo-1`, an MXNet checkpoint and two JSON
//! files.
//!
//! The form is that of eight public artifacts from 2018 to 2024. MXNet writes the graph's text with two spaces of
//! indent and a blank before each line's end; so do we, so that files can be compared.

use super::train::{Hyperparameters, Loss, PredictorType, Trained};
use crate::archive::WRITTEN_BY;
use byoc_formats::error::{Cause, Error, Result};
use serde::Serialize;
use std::fs::File;
use std::io::{Cursor, Write as _};
use std::path::Path;
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

const ARCHIVE: &str = "model_algo-1";
/// 1.3.1, the version of MXNet in the container that wrote the artifacts seen, as major · 10000 + minor · 100 + patch.
const MXNET_VERSION: u32 = 10_301;

/// Writes the artifact into a model's folder. The file appears whole or not at all.
///
/// # Errors
/// [`Cause::Io`] when the folder cannot be written to.
pub fn write(directory: &Path, given: &Hyperparameters, trained: &Trained) -> Result<()> {
    std::fs::create_dir_all(directory).map_err(|error| Error::io("create the folder", directory, error))?;
    let path = directory.join(ARCHIVE);
    let unfinished = directory.join(format!("{ARCHIVE}.unfinished"));
    let bytes = archive(given, trained).map_err(|error| error.context(path.display()))?;
    written(&unfinished, &bytes).and_then(|()| std::fs::rename(&unfinished, &path)).map_err(|error| {
        // Half a file is useless, and takes space that a full disk lacks.
        let _ = std::fs::remove_file(&unfinished);
        Error::io("write", &path, error)
    })
}

fn written(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The whole archive: the crate prints to standard error when a file fails it, so it is given memory.
fn archive(given: &Hyperparameters, trained: &Trained) -> Result<Vec<u8>> {
    let outputs = trained.weights.bias.len();
    let features = trained.weights.weights.len() / outputs.max(1);
    // The count of parallel models and of checkpoints goes into the names of MXNet's nodes.
    let suffix = trained.models + trained.epochs;
    let members = [
        ("additional-params.json", additional_params(given, trained)?.into_bytes()),
        ("mx-mod-0000.params", params(&trained.weights.bias, &trained.weights.weights)),
        ("manifest.json", br#"{"mx-mod": "mxnet_module", "additional-params.json": "json", "version": 1}"#.to_vec()),
        ("mx-mod-symbol.json", symbol(features, outputs, operator(given.loss), suffix).into_bytes()),
    ];
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).unix_permissions(0o644);
    let failed =
        |error: zip::result::ZipError| Error::new(Cause::Internal, "could not make the archive").caused_by(error);
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer.set_comment(format!("{WRITTEN_BY}{}", env!("CARGO_PKG_VERSION"))).map_err(failed)?;
    for (name, bytes) in members {
        writer.start_file(name, options).map_err(failed)?;
        writer.write_all(&bytes).map_err(|error| failed(error.into()))?;
    }
    Ok(writer.finish().map_err(failed)?.into_inner())
}

/// The operator that ends the graph: in prediction it passes the value on, or makes probabilities of it.
fn operator(loss: Loss) -> &'static str {
    match loss {
        Loss::Logistic => "LogisticRegressionOutput",
        Loss::Softmax => "SoftmaxOutput",
        Loss::Absolute => "MAERegressionOutput",
        // What AWS ends the other losses' graphs with was not seen; a raw value is what all of them answer.
        _ => "LinearRegressionOutput",
    }
}

#[derive(Serialize)]
struct AdditionalParams<'a> {
    threshold: f64,
    loss_type: &'a str,
    predictor_type: &'a str,
    metrics_params: MetricsParams<'a>,
}

/// Parameters that do not apply are null.
#[derive(Serialize)]
struct MetricsParams<'a> {
    quantile: Option<f64>,
    huber_delta: Option<f64>,
    margin: Option<f64>,
    loss_insensitivity: Option<f64>,
    eps_insensitive_loss_type: Option<&'static str>,
    accuracy_top_k: usize,
    f_beta: Option<f64>,
    positive_example_weight_mult: f64,
    class_weights: Option<&'a [f32]>,
    threshold: f64,
}

fn additional_params(given: &Hyperparameters, trained: &Trained) -> Result<String> {
    let threshold = f64::from(trained.threshold);
    let mut metrics_params = MetricsParams {
        quantile: None,
        huber_delta: None,
        margin: None,
        loss_insensitivity: None,
        eps_insensitive_loss_type: None,
        accuracy_top_k: given.accuracy_top_k,
        f_beta: (given.predictor_type != PredictorType::Regressor).then_some(given.f_beta),
        positive_example_weight_mult: trained.positive_weight,
        class_weights: trained.class_weights.as_deref(),
        threshold,
    };
    match given.loss {
        Loss::Quantile(quantile) => metrics_params.quantile = Some(f64::from(quantile)),
        Loss::Huber(delta) => metrics_params.huber_delta = Some(f64::from(delta)),
        Loss::Hinge(margin) => metrics_params.margin = Some(f64::from(margin)),
        Loss::InsensitiveAbsolute(beyond) => {
            metrics_params.loss_insensitivity = Some(f64::from(beyond));
            metrics_params.eps_insensitive_loss_type = Some("absolute");
        }
        Loss::InsensitiveSquared(beyond) => {
            metrics_params.loss_insensitivity = Some(f64::from(beyond));
            metrics_params.eps_insensitive_loss_type = Some("squared");
        }
        Loss::Squared | Loss::Absolute | Loss::Logistic | Loss::Softmax => {}
    }
    let params = AdditionalParams {
        threshold,
        loss_type: given.loss.name(),
        predictor_type: given.predictor_type.name(),
        metrics_params,
    };
    serde_json::to_string(&params)
        .map_err(|error| Error::new(Cause::Internal, "could not write additional-params.json").caused_by(error))
}

/// The graph: data · weight + bias, and the operator at its end.
fn symbol(features: usize, outputs: usize, operator: &str, suffix: usize) -> String {
    let node = |op: &str, name: &str, attributes: &str, inputs: &str| {
        let attributes =
            if attributes.is_empty() { String::new() } else { format!("      \"attrs\": {attributes}, \n") };
        format!(
            "    {{\n      \"op\": \"{op}\", \n      \"name\": \"{name}\", \n{attributes}      \"inputs\": \
             [{inputs}]\n    }}"
        )
    };
    let weight = format!("{{\"__shape__\": \"({features}, {outputs})\"}}");
    let bias = format!("{{\n        \"__lr_mult__\": \"10.0\", \n        \"__shape__\": \"(1, {outputs})\"\n      }}");
    let nodes = [
        node("null", "data", "", ""),
        node("null", "fc0_weight", &weight, ""),
        node("dot", &format!("dot{suffix}"), "", "[0, 0, 0], [1, 0, 0]"),
        node("null", "fc0_bias", &bias, ""),
        node("broadcast_add", &format!("broadcast_plus{suffix}"), "", "[2, 0, 0], [3, 0, 0]"),
        node("null", "out_label", "", ""),
        node(operator, &format!("{}{suffix}", operator.to_ascii_lowercase()), "", "[4, 0, 0], [5, 0, 0]"),
    ];
    format!(
        "{{\n  \"nodes\": [\n{}\n  ], \n  \"arg_nodes\": [0, 1, 3, 5], \n  \"node_row_ptr\": [0, 1, 2, 3, 4, 5, 6, 7], \
         \n  \"heads\": [[6, 0, 0]], \n  \"attrs\": {{\"mxnet_version\": [\"int\", {MXNET_VERSION}]}}\n}}",
        nodes.join(", \n")
    )
}

/// Two named float32 arrays in MXNet's serialisation (github.com/apache/mxnet, `src/ndarray/ndarray.cc`, version 2):
/// the bias as (1, outputs), the weights as (features, outputs).
fn params(bias: &[f32], weights: &[f32]) -> Vec<u8> {
    const FILE_MAGIC: u64 = 0x112;
    const ARRAY_MAGIC: u32 = 0xF993_FAC9;
    const DENSE: u32 = 0;
    const CPU: u32 = 1;
    const FLOAT32: u32 = 0;
    let outputs = bias.len();
    let mut out = Vec::with_capacity(158 + 4 * weights.len());
    for number in [FILE_MAGIC, 0, 2] {
        out.extend(number.to_le_bytes());
    }
    let arrays = [([1, outputs], bias), ([weights.len() / outputs.max(1), outputs], weights)];
    for (shape, values) in arrays {
        for number in [ARRAY_MAGIC, DENSE, 2] {
            out.extend(number.to_le_bytes());
        }
        shape.iter().for_each(|&length| out.extend((length as u64).to_le_bytes()));
        // The device is followed by its number.
        for number in [CPU, 0, FLOAT32] {
            out.extend(number.to_le_bytes());
        }
        values.iter().for_each(|value| out.extend(value.to_le_bytes()));
    }
    out.extend(2_u64.to_le_bytes());
    for name in ["arg:fc0_bias", "arg:fc0_weight"] {
        out.extend((name.len() as u64).to_le_bytes());
        out.extend(name.as_bytes());
    }
    out
}

#[cfg(test)]
#[path = "write_test.rs"]
mod write_test;
