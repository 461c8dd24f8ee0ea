//! Finds the best estimator of a search in a pickled object.

use super::companions::COMPANIONS;
use crate::artifact::attributes::Attributes;
use crate::artifact::builder::{Builder, Input};
use crate::artifact::class_list::ClassNames;
use crate::feature_names::bounds::Bounds;
use crate::feature_names::name::{Name, Names};
use crate::feature_names::names;
use crate::transformers::class::{self, Part, PickledClass};
use crate::transformers::transformer::Built;
use byoc_formats::error::Result;

/// The class as pickles have it.
pub(in crate::transformers) struct Class;

const BEST: &str = "best_estimator_";

impl PickledClass for Class {
    fn names(&self) -> &'static [&'static str] {
        &["GridSearchCV", "RandomizedSearchCV"]
    }

    fn modules(&self) -> &'static [&'static str] {
        &["sklearn.model_selection._search"]
    }

    fn companions(&self) -> &'static [ClassNames] {
        COMPANIONS
    }

    /// A search within a search is not supported.
    fn build<'t>(
        &self,
        search: Attributes<'t>,
        _input: &Input<'t>,
        _builder: &mut Builder<'t, '_>,
    ) -> Result<Built<'t>> {
        Err(class::unsupported(search))
    }

    fn feature_names_out(&self, search: Attributes<'_>, _given: Option<&[Name]>, _bounds: &Bounds<'_>) -> Names {
        Err(class::no_feature_names_out(search))
    }

    fn has_feature_names_out(&self, _search: Attributes<'_>) -> bool {
        false
    }

    fn names_in(&self, search: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
        match search.present(BEST).and_then(Attributes::of) {
            Some(best) => class::names_in(best, given, bounds),
            None => names::choose(None, None, given, bounds),
        }
    }

    fn parts<'t>(&self, search: Attributes<'t>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Result<Vec<Part<'t>>> {
        let given = given.map(|given| bounds.copy(given.iter())).transpose()?;
        let best = |transformer| Part { name: BEST, transformer, given };
        Ok(search.present(BEST).map(best).into_iter().collect())
    }

    fn stands_for(&self) -> Option<&'static str> {
        Some(BEST)
    }
}
