//! The parts of a class with parts: pairs of a name and a transformer.

use crate::artifact::attributes::Attributes;
use crate::artifact::builder::Builder;
use crate::artifact::work::Work;
use byoc_formats::error::Result;
use byoc_formats::pickle::Value;

/// The named parts of an estimator: a list of tuples that begin with a name and the part.
pub(crate) fn named_parts<'t>(
    parent: Attributes<'t>,
    attribute: &str,
    work: &Work<'_>,
) -> Result<Vec<(&'t str, Value<'t>)>> {
    let length = parent.get(attribute).and_then(Value::items).map_or(0, |items| items.len());
    work.charge_items::<(&str, Value<'_>)>(length)?;
    let part = |value: Value<'t>| {
        let [name, part] = value.array_of()?;
        Some((name.as_str()?, part))
    };
    let mut parts = Vec::with_capacity(length);
    for value in parent.items(attribute)? {
        work.charge(value.array_of().map_or(0, |[name, _]: [Value<'t>; 2]| name.text_bytes()))?;
        let mismatch = || parent.error(format_args!("expected {attribute} to be a list of names with transformers"));
        parts.push(part(value).ok_or_else(mismatch)?);
    }
    Ok(parts)
}

/// The parts without their names, of an object that may be damaged: items that are not pairs are left out.
///
/// # Errors
/// When there are more than the file justifies.
pub(crate) fn unnamed_parts<'t>(
    parent: Attributes<'t>,
    attribute: &str,
    builder: &Builder<'t, '_>,
) -> Result<Vec<Value<'t>>> {
    let items = parent.get(attribute).and_then(Value::items).into_iter().flatten();
    let mut parts = Vec::new();
    for item in items {
        builder.work.charge_items::<Value<'_>>(1)?;
        parts.extend(item.array_of::<2>().map(|[_, part]| part));
    }
    Ok(parts)
}
