//! `categories_` of an encoder, read once for all features that share an array.

use super::Builder;
use super::shared::{COUNTS, ENTRY};
use crate::artifact::attributes::one_dimensional;
use crate::columns::categories::lookup::Lookup;
use crate::columns::categories::object_index::ObjectIndex;
use crate::columns::categories::{Categories, Known, Object};
use crate::columns::text_list::TextList;
use byoc_formats::error::Result;
use byoc_formats::pickle::{ArrayView, ItemKind, Value};
use std::sync::Arc;

impl<'t> Builder<'t, '_> {
    /// One array of `categories_`. `None` when it is no one-dimensional array of numbers, text or plain objects.
    pub(crate) fn categories(&mut self, value: Value<'t>) -> Result<Option<Arc<Categories>>> {
        if let Some(known) = self.shared.categories.get(&value.id()) {
            return Ok(Some(Arc::clone(known)));
        }
        self.keep(COUNTS + size_of::<Categories>())?;
        let Some(categories) = read(value, self)? else { return Ok(None) };
        let categories = Arc::new(categories);
        self.use_scratch(ENTRY)?;
        self.shared.categories.insert(value.id(), Arc::clone(&categories));
        Ok(Some(categories))
    }
}

/// `None` when it is no one-dimensional array of numbers, text or plain objects.
fn read<'t>(value: Value<'t>, builder: &mut Builder<'t, '_>) -> Result<Option<Categories>> {
    let Some(array) = one_dimensional(value) else { return Ok(None) };
    if u32::try_from(array.len()).is_err() {
        return Ok(None);
    }
    let known = known(array, builder)?;
    Ok(known.map(|known| Categories::new(known, builder.version)))
}

fn known<'t>(array: ArrayView<'t>, builder: &mut Builder<'t, '_>) -> Result<Option<Known>> {
    let length = array.len();
    builder.work.charge_items::<u64>(length)?;
    let kind = array.dtype().kind;
    if matches!(kind, ItemKind::Int | ItemKind::UInt | ItemKind::Bool | ItemKind::Float) {
        builder.keep_items::<u64>(length)?;
    }
    let mut keep = |bytes| builder.keep(bytes);
    Ok(match kind {
        ItemKind::UInt if array.dtype().item_size == size_of::<u64>() => {
            let Ok(values) = array.to_u64() else { return Ok(None) };
            Some(Known::Unsigned { lookup: Lookup::of(&values, &mut keep)?, values: values.into() })
        }
        ItemKind::Int | ItemKind::UInt | ItemKind::Bool => {
            let Ok(values) = array.to_i64() else { return Ok(None) };
            Some(Known::Integers { lookup: Lookup::of(&values, &mut keep)?, values: values.into() })
        }
        ItemKind::Float => {
            let Ok(values) = array.to_f64() else { return Ok(None) };
            let missing = values.iter().position(|value| value.is_nan()).and_then(|index| u32::try_from(index).ok());
            Some(Known::Floats { lookup: Lookup::of(&values, &mut keep)?, values: values.into(), missing })
        }
        ItemKind::Text => {
            let mut bytes = 0;
            if array.each_text(|text| bytes += text.len()).is_err() {
                return Ok(None);
            }
            builder.keep(TextList::bytes(length, bytes))?;
            let Some(texts) = TextList::of_array(array, length, bytes) else { return Ok(None) };
            let lookup = Lookup::of_texts(&texts, length, &mut |bytes| builder.keep(bytes))?;
            Some(Known::Texts { texts, lookup, missing: None, none: None, objects: false })
        }
        ItemKind::Object => {
            let _held = builder.allowance().hold(length.saturating_mul(size_of::<Value<'_>>()))?;
            let Some(objects) = array.objects() else { return Ok(None) };
            of_objects(&objects.collect::<Vec<_>>(), builder)?
        }
        ItemKind::Bytes => None,
    })
}

/// The items of an array of objects, without a temporary copy of its texts.
fn of_objects<'t>(values: &[Value<'t>], builder: &mut Builder<'t, '_>) -> Result<Option<Known>> {
    let number = |index: Option<usize>| index.and_then(|index| u32::try_from(index).ok());
    let none = number(values.iter().position(|value| value.is_none()));
    let missing = number(values.iter().position(|value| value.as_float().is_some_and(f64::is_nan)));
    // A missing value or None follows all text; its own text is then empty and is never searched for.
    let texts = values.iter().take_while(|value| value.is_some_text()).count();
    if texts + usize::from(none.is_some()) + usize::from(missing.is_some()) >= values.len() {
        let list = builder.text_list(values)?;
        let lookup = Lookup::of_texts(&list, texts, &mut |bytes| builder.keep(bytes))?;
        return Ok(Some(Known::Texts { texts: list, lookup, missing, none, objects: true }));
    }
    builder.keep_items::<Object>(values.len())?;
    let mut objects = Vec::with_capacity(values.len());
    for value in values {
        let Some(object) = object(*value, builder)? else { return Ok(None) };
        objects.push(object);
    }
    let index = ObjectIndex::new(&objects, &mut |bytes| builder.keep(bytes))?;
    Ok(Some(Known::Objects { objects: objects.into(), index }))
}

fn object<'t>(value: Value<'t>, builder: &mut Builder<'t, '_>) -> Result<Option<Object>> {
    if let Some(text) = builder.text(value)? {
        return Ok(Some(Object::Text(text)));
    }
    if value.is_none() {
        return Ok(Some(Object::None));
    }
    let plain = value.as_bool().map(Object::Bool).or_else(|| value.as_i64().map(Object::Integer));
    Ok(plain.or_else(|| {
        let float = value.as_float()?;
        Some(if float.is_nan() { Object::Missing } else { Object::Float(float) })
    }))
}
