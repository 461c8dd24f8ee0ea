//! The network's graph, as far as a linear model needs it: `mx-mod-symbol.json`, written by MXNet.

use super::Activation;
use byoc_formats::error::{Cause, Error, Result};
use byoc_formats::json_document;
use serde::Deserialize;

/// The graph: nodes in the order of computation.
#[derive(Debug, Deserialize)]
pub(super) struct Graph {
    nodes: Vec<Node>,
    /// The outputs, each as node number, index and version.
    #[serde(default)]
    heads: Vec<Vec<u64>>,
}

#[derive(Debug, Deserialize)]
struct Node {
    op: String,
}

/// Which way round the weights are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WeightShape {
    /// `(feature_dim, outputs)`: what the operator `dot` takes, and all real artifacts have.
    FeaturesByOutputs,
    /// `(outputs, feature_dim)`: what the operator `FullyConnected` takes.
    OutputsByFeatures,
}

/// As much of a text as a message shows.
pub(super) fn shorten(text: &str) -> String {
    text.chars().take(60).collect()
}

impl Graph {
    pub(super) fn parse(json: &[u8]) -> Result<Graph> {
        let graph: Graph = json_document::parse(json, "the graph of an MXNet network", Cause::BadArtifact)?;
        match graph.last_op() {
            Some(_) => Ok(graph),
            None => Err(Error::bad_artifact(format!(
                "expected heads to name one of {} nodes, found {:?}",
                graph.nodes.len(),
                graph.heads.iter().map(|head| head.first()).take(3).collect::<Vec<_>>()
            ))),
        }
    }

    /// The operator whose output is the network's.
    pub(super) fn last_op(&self) -> Option<&str> {
        let node = match self.heads.first() {
            Some(head) => self.nodes.get(usize::try_from(*head.first()?).ok()?),
            None => self.nodes.last(),
        };
        node.map(|node| node.op.as_str())
    }

    /// What the last operator does in prediction, if it is one that is known to end such a network. In training these
    /// operators are losses; in prediction they pass the value on, or squash it.
    pub(super) fn activation(&self) -> Option<Activation> {
        match self.last_op()? {
            "LinearRegressionOutput" | "MAERegressionOutput" | "MakeLoss" | "SVMOutput" => Some(Activation::Identity),
            "LogisticRegressionOutput" => Some(Activation::Sigmoid),
            "SoftmaxOutput" | "softmax" => Some(Activation::Softmax),
            _ => None,
        }
    }

    pub(super) fn weight_shape(&self) -> WeightShape {
        if self.nodes.iter().any(|node| node.op == "FullyConnected") {
            WeightShape::OutputsByFeatures
        } else {
            WeightShape::FeaturesByOutputs
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(ops: &[&str], heads: &str) -> Result<Graph> {
        let nodes: Vec<_> =
            ops.iter().map(|op| format!("{{\"op\": \"{op}\", \"name\": \"x\", \"inputs\": []}}")).collect();
        Graph::parse(format!("{{\"nodes\": [{}], \"arg_nodes\": [0]{heads}}}", nodes.join(", ")).as_bytes())
    }

    #[test]
    fn the_last_operator_determines_the_function_of_the_score() {
        for (op, activation) in [
            ("LinearRegressionOutput", Some(Activation::Identity)),
            ("MAERegressionOutput", Some(Activation::Identity)),
            ("MakeLoss", Some(Activation::Identity)),
            ("SVMOutput", Some(Activation::Identity)),
            ("LogisticRegressionOutput", Some(Activation::Sigmoid)),
            ("SoftmaxOutput", Some(Activation::Softmax)),
            ("softmax", Some(Activation::Softmax)),
            ("broadcast_add", None),
        ] {
            assert_eq!(graph(&["null", op, "null"], ", \"heads\": [[1, 0, 0]]").unwrap().activation(), activation);
            assert_eq!(graph(&["null", op], "").unwrap().activation(), activation);
        }
    }

    #[test]
    fn fully_connected_stores_its_weights_transposed() {
        assert_eq!(graph(&["null", "dot"], "").unwrap().weight_shape(), WeightShape::FeaturesByOutputs);
        assert_eq!(graph(&["FullyConnected", "softmax"], "").unwrap().weight_shape(), WeightShape::OutputsByFeatures);
    }

    #[test]
    fn a_graph_without_a_head_is_refused() {
        for graph in [graph(&[], ""), graph(&["dot"], ", \"heads\": [[1]]"), graph(&["dot"], ", \"heads\": [[]]")] {
            assert!(graph.unwrap_err().message().starts_with("expected heads to name one of"));
        }
        assert!(Graph::parse(b"[]").is_err());
    }
}
