//! An artifact taken apart into its steps: searches opened, and Pipelines that come last laid flat.

use super::attributes::Attributes;
use super::transformers::named;
use crate::artifact::pickle::Value;
use crate::error::Result;

/// What is done to a row, one after the other.
pub(crate) struct Steps<'t> {
    /// All but the last.
    pub(crate) first: Vec<Step<'t>>,
    /// The last one, which may be an estimator.
    pub(crate) last: Step<'t>,
}

/// One step, and the names that lead to it.
pub(crate) struct Step<'t> {
    path: String,
    pub(crate) value: Value<'t>,
}

impl<'t> Steps<'t> {
    /// The steps of an artifact.
    ///
    /// # Errors
    /// For a Pipeline whose steps are not what they should be, and for a search without its best estimator.
    pub(crate) fn of(root: Value<'t>) -> Result<Steps<'t>> {
        let mut first = Vec::new();
        let mut last = Step::whole(best(root)?);
        loop {
            let pipeline = Attributes::of(last.value).filter(|object| object.class() == "Pipeline");
            let Some(pipeline) = pipeline else { return Ok(Steps { first, last }) };
            let mut steps = named(pipeline, "steps")?;
            let Some((name, value)) = steps.pop() else { return Ok(Steps { first, last }) };
            first.extend(steps.into_iter().map(|(name, value)| last.step(name, value)));
            last = last.step(name, best(value)?);
        }
    }
}

impl<'t> Step<'t> {
    /// A step of a Pipeline.
    pub(super) fn named(name: &str, value: Value<'t>) -> Step<'t> {
        Step { path: format!("step {name:?}: "), value }
    }

    /// An artifact as one step.
    pub(super) fn whole(value: Value<'t>) -> Step<'t> {
        Step { path: String::new(), value }
    }

    fn step(&self, name: &str, value: Value<'t>) -> Step<'t> {
        Step { path: format!("{}step {name:?}: ", self.path), value }
    }

    /// The same error, with the names that lead here.
    pub(crate) fn error(&self, error: crate::error::Error) -> crate::error::Error {
        match self.path.strip_suffix(": ") {
            Some(path) => error.context(path),
            None => error,
        }
    }
}

/// What a search found (`sklearn.model_selection.GridSearchCV` and its kin): every method of the search is one of its
/// `best_estimator_`. What else it carries is not looked at. Any other value is what it is.
///
/// # Errors
/// For a search that was fitted with `refit=False`.
pub(super) fn best(value: Value<'_>) -> Result<Value<'_>> {
    match Attributes::of(value) {
        Some(search) if matches!(search.class(), "GridSearchCV" | "RandomizedSearchCV") => {
            search.get("best_estimator_").ok_or_else(|| {
                search.error("best_estimator_ is missing: expected a search that was fitted, with refit=True")
            })
        }
        _ => Ok(value),
    }
}
