//! A linear learner in words: what it predicts, how it was trained, and its weights, the largest first.

use super::page::{Page, plain, short, value};
use crate::linear_learner::{LinearLearnerDescription, OutputDescription};
use serde_json::Value as Json;

/// How many weights are shown, and of how many classes.
const MOST_WEIGHTS: usize = 30;
const MOST_CLASSES: usize = 6;

pub(super) fn title(learner: &LinearLearnerDescription) -> String {
    let classes = learner.classes.map(|classes| format!(", {classes} classes")).unwrap_or_default();
    format!("linear learner: {}{classes}, {} features", learner.predictor_type, learner.feature_dim)
}

pub(super) fn describe(page: &mut Page, learner: &LinearLearnerDescription) {
    let score = match learner.activation {
        "sigmoid" => "score: the sigmoid of bias + weights · features, the probability of class 1",
        "softmax" => "scores: the softmax of bias + weights · features, the probability of each class",
        _ if learner.outputs.len() > 1 => "scores: bias + weights · features, for each class",
        _ => "score: bias + weights · features",
    };
    page.line(2, score);
    if let Some(threshold) = learner.threshold {
        page.line(2, &format!("predicted label: 1 from a score of {} on", short(threshold)));
    }
    if let Some(version) = &learner.mxnet_version {
        page.line(2, &format!("network written by MXNet {version}"));
    }
    page.gap();
    page.line(0, "training (additional-params.json)");
    settings(page, 2, &learner.parameters);
    page.gap();
    weights(page, learner);
}

/// What is null does not apply.
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

/// One row a feature, those with the largest weights first, and a column for each class.
fn weights(page: &mut Page, learner: &LinearLearnerDescription) {
    let shown = &learner.outputs[..learner.outputs.len().min(MOST_CLASSES)];
    let largest = |feature: &usize| {
        let weights = learner.outputs.iter().filter_map(|output| output.weights.get(*feature));
        weights.map(|weight| weight.abs()).fold(0.0, f32::max)
    };
    let mut order: Vec<(f32, usize)> = (0..learner.feature_dim).map(|feature| (largest(&feature), feature)).collect();
    order.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
    let name = |feature: usize| match learner.features.as_ref().and_then(|names| names.get(feature)) {
        Some(name) => plain(name),
        None => format!("feature {feature}"),
    };
    let row = |first: String, number: &dyn Fn(&OutputDescription) -> Option<f32>| {
        let cells = shown.iter().map(|output| number(output).map(single).unwrap_or_default());
        std::iter::once(first).chain(cells).collect::<Vec<String>>()
    };
    let heading =
        |output: &OutputDescription| output.class.map_or("weight".to_owned(), |class| format!("class {class}"));
    let header: Vec<String> = std::iter::once(String::new()).chain(shown.iter().map(heading)).collect();
    let mut rows = vec![row("bias".into(), &|output| Some(output.bias))];
    for (_, feature) in order.iter().take(MOST_WEIGHTS) {
        rows.push(row(name(*feature), &|output| output.weights.get(*feature).copied()));
    }
    page.line(0, "weights, the largest first");
    page.table(2, &header, &rows);
    if order.len() > MOST_WEIGHTS {
        page.line(2, &format!("and {} smaller ones (--json has all)", order.len() - MOST_WEIGHTS));
    }
    if learner.outputs.len() > MOST_CLASSES {
        page.line(2, &format!("and {} more classes (--json has all)", learner.outputs.len() - MOST_CLASSES));
    }
}

/// A float32 by the digits that it has.
fn single(number: f32) -> String {
    number.to_string().parse().map_or_else(|_| number.to_string(), short)
}
