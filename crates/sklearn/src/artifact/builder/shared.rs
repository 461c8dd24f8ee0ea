//! Values that a pickle refers to more than once, converted once: values shared in the file are shared in the model.
//!
//! A second reference to an array, a list or a text takes two bytes in the file. Here it takes a pointer.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use super::Builder;
use crate::artifact::attributes::{Attributes, numeric};
use crate::columns::categories::Categories;
use crate::columns::column_names::ColumnNames;
use crate::columns::text_list::TextList;
use byoc_formats::error::{Error, Result};
use byoc_formats::pickle::Value;

/// The values converted so far, by their identity in the tree.
#[derive(Debug, Default)]
pub(crate) struct Shared<'t> {
    numbers: HashMap<u32, Arc<[f64]>>,
    pub(super) categories: HashMap<u32, Arc<Categories>>,
    texts: HashMap<u32, Arc<str>>,
    names: HashMap<u32, Option<ColumnNames<'t>>>,
    /// Which texts are in a list already, a bit for each value of the tree.
    listed: Vec<u64>,
}

impl Shared<'_> {
    /// The bytes of values that no part of the model holds.
    pub(crate) fn only_here(&self) -> usize {
        let numbers = self.numbers.values().filter(|numbers| Arc::strong_count(numbers) == 1);
        numbers.map(|numbers| COUNTS + size_of_val(&**numbers)).sum()
    }
}

/// The memory of an entry of one of the tables.
pub(super) const ENTRY: usize = 64;

/// Reference counts before the value of an [`Arc`].
pub(crate) const COUNTS: usize = 2 * size_of::<usize>();

impl<'t> Builder<'t, '_> {
    /// The numbers of a one-dimensional array; `None` for anything else.
    pub(crate) fn numbers(&mut self, value: Value<'t>) -> Result<Option<Arc<[f64]>>> {
        if let Some(known) = self.shared.numbers.get(&value.id()) {
            return Ok(Some(Arc::clone(known)));
        }
        let Some(array) = numeric(value) else { return Ok(None) };
        self.work.charge_items::<f64>(array.len())?;
        self.keep(COUNTS)?;
        self.keep_items::<f64>(array.len())?;
        let _held = self.allowance().hold(array.len().saturating_mul(size_of::<f64>()))?;
        let Ok(numbers) = array.to_f64() else { return Ok(None) };
        let numbers: Arc<[f64]> = numbers.into();
        self.use_scratch(ENTRY)?;
        self.shared.numbers.insert(value.id(), Arc::clone(&numbers));
        Ok(Some(numbers))
    }

    /// The one-dimensional array of numbers that an attribute is.
    ///
    /// # Errors
    /// For anything else.
    pub(crate) fn numbers_in(&mut self, object: Attributes<'t>, name: &str) -> Result<Arc<[f64]>> {
        let value = object.required(name)?;
        let numbers = self.numbers(value)?;
        numbers.ok_or_else(|| object.mismatch(name, "a one-dimensional array of numbers", value))
    }

    /// As [`Self::numbers_in`], with a number for each feature.
    ///
    /// # Errors
    /// For anything else.
    pub(crate) fn numbers_of(&mut self, object: Attributes<'t>, name: &str, features: usize) -> Result<Arc<[f64]>> {
        let found = self.numbers_in(object, name)?;
        if found.len() == features {
            return Ok(found);
        }
        Err(object.error(format_args!("expected {name} to have {features} numbers, found {}", found.len())))
    }

    /// A number as an array of one item.
    pub(crate) fn one_number(&mut self, number: f64) -> Result<Arc<[f64]>> {
        self.keep(COUNTS + size_of::<f64>())?;
        Ok([number].into())
    }

    /// A text of the file; `None` for anything else.
    pub(crate) fn text(&mut self, value: Value<'t>) -> Result<Option<Arc<str>>> {
        if let Some(known) = self.shared.texts.get(&value.id()) {
            return Ok(Some(Arc::clone(known)));
        }
        let Some(text) = value.as_str() else { return Ok(None) };
        let text = self.new_text(text)?;
        self.use_scratch(ENTRY)?;
        self.shared.texts.insert(value.id(), Arc::clone(&text));
        Ok(Some(text))
    }

    /// A text without other references.
    pub(crate) fn new_text(&mut self, text: &str) -> Result<Arc<str>> {
        self.keep((COUNTS + text.len()).next_multiple_of(align_of::<usize>()))?;
        Ok(text.into())
    }

    /// The texts of values that are all text. They are stored back to back, unless that would copy texts that
    /// other lists, or the same, have already.
    pub(crate) fn text_list(&mut self, values: &[Value<'t>]) -> Result<TextList> {
        /// The size of a pointer to a text: texts of at most this length on average are copied instead.
        const POINTER: usize = size_of::<Arc<str>>();
        let mut again = 0usize;
        for value in values {
            let length = value.text_bytes();
            if length > 0 && self.is_listed(value.id())? {
                again = again.saturating_add(length);
            }
        }
        if again <= values.len().saturating_mul(POINTER) {
            let texts = values.iter().map(|value| value.as_str().unwrap_or_default());
            return self.packed_list(texts);
        }
        self.keep_items::<Arc<str>>(values.len())?;
        let mut texts = Vec::with_capacity(values.len());
        let nothing: Arc<str> = "".into();
        for value in values {
            texts.push(self.text(*value)?.unwrap_or_else(|| Arc::clone(&nothing)));
        }
        Ok(TextList::shared(texts))
    }

    /// Texts one after the other.
    pub(crate) fn packed_list<'s>(&mut self, texts: impl Iterator<Item = &'s str> + Clone) -> Result<TextList> {
        let (count, bytes) =
            texts.clone().fold((0usize, 0usize), |(count, bytes), text| (count + 1, bytes + text.len()));
        self.keep(TextList::bytes(count, bytes))?;
        TextList::packed(texts, count, bytes)
            .ok_or_else(|| Error::bad_artifact("the texts of a list are longer than 4 GiB"))
    }

    /// Whether a text is in a list already; marks it as being in one.
    fn is_listed(&mut self, id: u32) -> Result<bool> {
        let (word, bit) = (id as usize / 64, 1u64 << (id % 64));
        if word >= self.shared.listed.len() {
            let more = (word + 1).next_power_of_two() - self.shared.listed.len();
            self.use_scratch(more.saturating_mul(size_of::<u64>()))?;
            self.shared.listed.reserve_exact(more);
            self.shared.listed.resize((word + 1).next_power_of_two(), 0);
        }
        let Some(word) = self.shared.listed.get_mut(word) else { return Ok(false) };
        let was_listed = *word & bit != 0;
        *word |= bit;
        Ok(was_listed)
    }

    /// `feature_names_in_`: exists if the object was fitted on a frame whose column names are all text.
    pub(crate) fn feature_names_in(&mut self, object: Attributes<'t>) -> Result<Option<ColumnNames<'t>>> {
        let Some(value) = object.get("feature_names_in_") else { return Ok(None) };
        let length = value.as_array().map_or(0, |array| array.len());
        if let Entry::Vacant(place) = self.shared.names.entry(value.id()) {
            let bytes = ColumnNames::bytes(length).saturating_add(ColumnNames::table_bytes(length));
            let bytes = bytes.saturating_add(ENTRY);
            self.work.charge_items::<&str>(length)?;
            self.work.allowance.take(bytes)?;
            self.scratch = self.scratch.saturating_add(bytes);
            place.insert(object.feature_names_in()?.map(ColumnNames::new));
        }
        Ok(self.shared.names.get(&value.id()).cloned().flatten())
    }
}
