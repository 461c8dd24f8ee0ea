//! Splits an artifact into its steps: searches are replaced by their best estimator, and a last step by its own steps.

use byoc_account::Allowance;
use std::rc::Rc;

use crate::artifact::attributes::Attributes;
use crate::artifact::builder::shorten;
use crate::artifact::work::Work;
use crate::transformers::class;
use byoc_formats::error::Result;
use byoc_formats::pickle::{Tree, Value};

/// The steps that are applied to a row, in order.
pub(crate) struct Steps<'t> {
    /// All but the last.
    pub(crate) first: Vec<Step<'t>>,
    /// The last one, which may be an estimator.
    pub(crate) last: Step<'t>,
}

/// One step and its path of names.
pub(crate) struct Step<'t> {
    /// The names of the steps that it is in.
    above: Option<Rc<[&'t str]>>,
    /// Its own.
    name: Option<&'t str>,
    pub(crate) value: Value<'t>,
}

impl<'t> Steps<'t> {
    /// The steps of an artifact.
    ///
    /// # Errors
    /// For steps that are not names with transformers, and for a search without its best estimator.
    pub(crate) fn of(tree: &'t Tree) -> Result<Steps<'t>> {
        let root = tree.root();
        // Each list of steps is read once.
        let allowance = Allowance::unbounded();
        let work = Work::of_file(tree.plain_bytes(), 0, &allowance);
        let mut first = Vec::new();
        let mut last = Step::whole(class::stands_for(root)?);
        loop {
            let steps = Attributes::of(last.value).map(|object| class::steps(object, &work)).transpose()?.flatten();
            let Some(mut steps) = steps else { return Ok(Steps { first, last }) };
            let Some((name, value)) = steps.pop() else { return Ok(Steps { first, last }) };
            let above = last.path();
            let step = |name, value| Step { above: Some(Rc::clone(&above)), name: Some(name), value };
            first.extend(steps.into_iter().map(|(name, value)| step(name, value)));
            last = step(name, class::stands_for(value)?);
        }
    }
}

impl<'t> Step<'t> {
    /// A named step.
    pub(crate) fn named(name: &'t str, value: Value<'t>) -> Step<'t> {
        Step { above: None, name: Some(name), value }
    }

    /// An artifact as one step.
    pub(crate) fn whole(value: Value<'t>) -> Step<'t> {
        Step { above: None, name: None, value }
    }

    /// The path of names of its contents.
    fn path(&self) -> Rc<[&'t str]> {
        self.above.iter().flat_map(|above| above.iter().copied()).chain(self.name).collect()
    }

    /// The same error, with the path of names.
    pub(crate) fn error(&self, error: byoc_formats::error::Error) -> byoc_formats::error::Error {
        let path: Vec<String> = self.path().iter().map(|name| format!("step {:?}", shorten(name))).collect();
        if path.is_empty() { error } else { error.context(path.join(": ")) }
    }
}
