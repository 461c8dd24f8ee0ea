//! Lists of column names in the forms that users write.

use byoc_formats::pickle::Value;

/// The names in a list, an array of objects or a pandas index.
pub(crate) fn names(value: Value<'_>) -> Option<Vec<&str>> {
    if let Some(items) = value.items() {
        return items.map(Value::as_str).collect();
    }
    let array = match value.class() {
        // `_new_Index(Index, {'data': names, 'name': …})` of `pandas.core.indexes.base`.
        Some((_, "_new_Index")) => value.arguments()?.array_of::<2>()?[1].get("data")?,
        _ => value,
    };
    array.as_array()?.objects()?.map(Value::as_str).collect()
}
