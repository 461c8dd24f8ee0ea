//! A scorer as text: its output, its steps and the coefficients of its estimator.

use super::page::{Page, value};
use super::preprocessor;
use super::weights::{self, Function};
use byoc_sklearn::scorer::ScorerDescription;

pub(super) fn describe(page: &mut Page, scorer: &ScorerDescription) {
    preprocessor::row(page, &scorer.artifact);
    page.line(2, &format!("answers with {}, in JSON as {}", scorer.method, scorer.json));
    if let Some(classes) = &scorer.classes {
        page.list(2, &format!("{} classes: ", classes.len()), classes.iter().map(value));
    }
    page.blank_line();
    preprocessor::transformer(page, 0, &scorer.artifact.transformer);
    page.blank_line();
    let several = scorer.outputs.len() > 1;
    let functions = scorer.outputs.iter().enumerate().map(|(index, output)| Function {
        name: match &output.class {
            Some(class) if several => value(class),
            _ if several => format!("target {index}"),
            _ => "coefficient".into(),
        },
        constant: output.intercept,
        weights: &output.coefficients,
    });
    page.line(0, "coefficients, the largest first");
    weights::table(page, "intercept", &scorer.features, &functions.collect::<Vec<_>>());
}
