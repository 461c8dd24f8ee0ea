//! The contents of a scorer, as data.

use crate::artifact::attributes::Attributes;
use crate::describe::PreprocessorDescription;
use crate::feature_names::bounds::Bounds;
use crate::feature_names::name::Name;
use crate::feature_names::values;
use crate::scorer::Scorer;
use crate::transformers::steps::Steps;
use byoc_account::Allowance;
use byoc_formats::error::Result;
use byoc_formats::pickle::Tree;
use serde::Serialize;
use serde_json::Value as Json;

/// The contents of a scorer.
#[derive(Debug, Serialize)]
pub struct ScorerDescription {
    /// The method that answers.
    pub method: &'static str,
    /// The form of its answers in JSON.
    pub json: &'static str,
    /// The estimator's class.
    pub class: String,
    /// The classes of a classifier.
    pub classes: Option<Vec<Json>>,
    /// The names of the estimator's features.
    pub features: Vec<Name>,
    /// The linear functions: one, or one for each class or target.
    pub outputs: Vec<LinearDescription>,
    /// The whole artifact, the estimator being its last step.
    #[serde(flatten)]
    pub artifact: PreprocessorDescription,
}

/// A linear function of the features.
#[derive(Debug, Serialize)]
pub struct LinearDescription {
    /// The class that a high value indicates, for a classifier.
    pub class: Option<Json>,
    /// `intercept_`.
    pub intercept: f64,
    /// `coef_`: one for each feature.
    pub coefficients: Vec<f64>,
}

impl Scorer {
    /// Describes the scorer of a pickle.
    ///
    /// # Errors
    /// [`Cause::BadArtifact`](byoc_formats::error::Cause::BadArtifact) where [`Scorer::from_pickle`] has it.
    pub fn describe(&self, tree: &Tree, allowance: &Allowance) -> Result<ScorerDescription> {
        let bounds = &self.preprocessor.bounds(tree, allowance)?;
        let artifact = self.preprocessor.describe_within(tree, bounds)?;
        let linear = self.estimator.linear();
        let features = match &artifact.last_step().columns {
            names if names.len() == linear.features() => bounds.copy(names.iter())?,
            _ => bounds.numbered(linear.features())?,
        };
        let estimator = Attributes::of(Steps::of(tree)?.last.value);
        let classes = estimator.map(|estimator| classes(estimator, bounds)).transpose()?.flatten();
        bounds.take(linear.features().saturating_mul(linear.outputs()).saturating_mul(size_of::<f64>()))?;
        // Two classes have one function, whose positive values indicate the second.
        let first = if linear.outputs() == 1 { 1 } else { 0 };
        let output = |(index, (coefficients, intercept)): (usize, (&[f64], f64))| LinearDescription {
            class: classes.as_ref().and_then(|classes| classes.get(first + index)).cloned(),
            intercept,
            coefficients: coefficients.to_vec(),
        };
        let outputs = linear.functions().enumerate().map(output).collect();
        Ok(ScorerDescription {
            method: self.estimator.method().name(),
            json: self.form.name(),
            class: artifact.last_step().class.clone(),
            classes,
            features,
            outputs,
            artifact,
        })
    }
}

/// RidgeClassifier keeps them in its `_label_binarizer`.
fn classes(estimator: Attributes<'_>, bounds: &Bounds<'_>) -> Result<Option<Vec<Json>>> {
    let own = estimator.get("classes_");
    let kept = own.or_else(|| estimator.get("_label_binarizer")?.attribute("classes_"));
    let Some(kept) = kept.filter(|kept| kept.as_array().is_some_and(|array| array.shape().len() == 1)) else {
        return Ok(None);
    };
    Ok(match values::json(kept, bounds)? {
        Json::Array(classes) => Some(classes),
        _ => None,
    })
}
