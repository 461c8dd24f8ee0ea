//! What transformers show about the columns of a request while a model is built: each transformer whose input is an
//! unchanged column of the request notes what it shows about it.

use super::{Builder, Input, Shape};
use crate::columns::categories::Categories;
use crate::columns::readings::{Origins, Proof, Seen};
use byoc_formats::error::Result;
use byoc_formats::rows::missing_texts::MissingTexts;
use std::collections::btree_map::Entry;
use std::sync::Arc;

/// The memory of a table of observations for each column: a `BTreeMap` that is filled in order has nodes for eleven
/// entries with six in them.
const ENTRY: usize = (size_of::<Seen>() + size_of::<u32>()) * 11 / 6;

impl Builder<'_, '_> {
    fn seen(&mut self, origin: u32) -> Result<Option<&mut Seen>> {
        if origin == Origins::CHANGED {
            return Ok(None);
        }
        Ok(Some(match self.seen.entry(origin) {
            Entry::Occupied(seen) => seen.into_mut(),
            Entry::Vacant(place) => {
                self.work.allowance.take(ENTRY)?;
                self.scratch = self.scratch.saturating_add(ENTRY);
                place.insert(Seen::default())
            }
        }))
    }

    /// Notes that a column is looked up among categories.
    pub(crate) fn note_categories(&mut self, input: &Input<'_>, column: usize, categories: &Categories) -> Result<()> {
        if let Some(seen) = self.seen(input.origins.of(column))? {
            seen.tells_kinds_apart = true;
            if let Some(texts) = categories.texts() {
                let is_fill = |number| seen.fill.as_deref().is_some_and(|fill| categories.text(number) == Some(fill));
                let proof = texts.proof(is_fill);
                let filled = seen.fill.as_deref().map(MissingTexts::only).unwrap_or_default();
                seen.note(proof);
                seen.text = seen.text.with(texts.missing.without(filled));
            }
        }
        Ok(())
    }

    /// Notes that a text was the most frequent value of a column.
    pub(crate) fn note_frequent_text(&mut self, input: &Input<'_>, column: usize, text: &str) -> Result<()> {
        if let Some(seen) = self.seen(input.origins.of(column))? {
            seen.note(Proof::of_value(text));
            seen.text = seen.text.with(MissingTexts::only(text));
        }
        Ok(())
    }

    /// Notes that a text marks the missing values of a column.
    pub(crate) fn note_mark(&mut self, input: &Input<'_>, column: usize, text: &str) -> Result<()> {
        if let Some(seen) = self.seen(input.origins.of(column))? {
            seen.text = seen.text.with(MissingTexts::only(text));
        }
        Ok(())
    }

    /// Notes that a text replaces missing values. It was not a cell, so `NA` may still be a missing value. But
    /// scikit-learn does not fill a column of numbers with text: a column that is filled with `00000` is text.
    pub(crate) fn note_fill(&mut self, input: &Input<'_>, column: usize, text: &Arc<str>) -> Result<()> {
        if let Some(seen) = self.seen(input.origins.of(column))? {
            seen.note(Proof::of_value(text));
            seen.fill = Some(Arc::clone(text));
        }
        Ok(())
    }

    /// Notes which columns of the request pass through all transformers unchanged.
    pub(crate) fn note_answer(&mut self, answer: &Input<'_>) -> Result<()> {
        // If the request is passed through as a whole, the type of a column matters to no transformer, and the caller
        // sees it in the answer.
        let Shape::Fixed(width) = answer.shape else { return Ok(()) };
        if matches!(answer.origins, Origins::Changed) {
            return Ok(());
        }
        (0..width).try_for_each(|column| self.note_as_it_is(&answer.origins, column))
    }

    /// Notes that the values of a column are used unchanged.
    pub(crate) fn note_as_it_is(&mut self, origins: &Origins, column: usize) -> Result<()> {
        if let Some(seen) = self.seen(origins.of(column))? {
            seen.tells_kinds_apart = true;
        }
        Ok(())
    }

    /// The origins of the output columns of several transformers side by side.
    pub(crate) fn side_by_side(&mut self, parts: &[(Origins, usize)]) -> Result<Origins> {
        if parts.iter().all(|(origins, _)| matches!(origins, Origins::Changed)) {
            return Ok(Origins::Changed);
        }
        let all = parts.iter().flat_map(|(origins, width)| (0..*width).map(|column| origins.of(column)));
        self.origins(all, parts.iter().map(|(_, width)| *width).fold(0, usize::saturating_add))
    }

    /// `count` columns.
    pub(crate) fn origins(&mut self, columns: impl Iterator<Item = u32>, count: usize) -> Result<Origins> {
        self.work.charge_items::<u32>(count)?;
        self.use_scratch(2 * size_of::<usize>() + count.saturating_mul(size_of::<u32>()))?;
        Ok(Origins::Columns(columns.collect()))
    }
}
