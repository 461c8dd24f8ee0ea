//! A linear learner as text: its output, its training parameters and its weights, the largest first.

use super::page::{Page, plain, short, value};
use super::weights::{self, Function};
use byoc_linear_learner::LinearLearnerDescription;
use serde_json::Value as Json;

pub(super) fn title(learner: &LinearLearnerDescription) -> String {
    let classes = learner.classes.map(|classes| format!(", {classes} classes")).unwrap_or_default();
    format!("linear learner: {}{classes}, {} features", learner.predictor_type, learner.feature_dim)
}

pub(super) fn describe(page: &mut Page, learner: &LinearLearnerDescription, written_by: Option<&str>) {
    let score = match learner.activation {
        "sigmoid" => "score: the sigmoid of bias + weights · features, the probability of class 1",
        "softmax" => "scores: the softmax of bias + weights · features, the probability of each class",
        _ if learner.outputs.len() > 1 => "scores: bias + weights · features, for each class",
        _ => "score: bias + weights · features",
    };
    page.line(2, score);
    if let Some(threshold) = learner.threshold {
        page.line(2, &format!("predicted label: 1 if the score is at least {}", short(threshold)));
    }
    match (written_by, &learner.mxnet_version) {
        (Some(program), _) => page.line(2, &format!("trained by {}", plain(program))),
        (None, Some(version)) => page.line(2, &format!("network written by MXNet {version}")),
        (None, None) => {}
    }
    page.blank_line();
    page.line(0, "training (additional-params.json)");
    settings(page, 2, &learner.parameters);
    page.blank_line();
    weights(page, learner);
}

/// Lists settings. Null settings do not apply to the model and are left out.
fn settings(page: &mut Page, indent: usize, entries: &serde_json::Map<String, Json>) {
    for (name, setting) in entries {
        match setting {
            Json::Null => {}
            Json::Object(entries) => {
                page.line(indent, &plain(name));
                settings(page, indent + 2, entries);
            }
            Json::String(text) => page.line(indent, &format!("{}: {}", plain(name), plain(text))),
            setting => page.line(indent, &format!("{}: {}", plain(name), value(setting))),
        }
    }
}

fn weights(page: &mut Page, learner: &LinearLearnerDescription) {
    let numbered = || (0..learner.feature_dim).map(|feature| format!("feature {feature}").into()).collect();
    let features = learner.features.clone().unwrap_or_else(numbered);
    let functions = learner.outputs.iter().map(|output| Function {
        name: output.class.map_or("weight".to_owned(), |class| format!("class {class}")),
        constant: output.bias,
        weights: &output.weights,
    });
    page.line(0, "weights, the largest first");
    weights::table(page, "bias", &features, &functions.collect::<Vec<_>>());
}
