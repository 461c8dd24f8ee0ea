//! Values of a pickle as JSON for descriptions, and as Python's `str` for names of features.

use crate::columns::dtype::half;
use crate::feature_names::bounds::Bounds;
use byoc_formats::error::Result;
use byoc_formats::numbers::print::write_f64;
use byoc_formats::pickle::{ArrayView, DType, ItemKind, Value};
use serde_json::Value as Json;

/// The memory of a member of an object beside its key's text and its value: a share of a node of a B-tree.
const ENTRY: usize = 2 * size_of::<String>();

/// A value as JSON: numbers, text, lists, objects by text keys; `null` for None.
///
/// A float that JSON does not have is `{"float": "nan"}`, so that it is neither None nor text. Other values
/// (a class, a function, an estimator) become their names.
///
/// # Errors
/// When the file names the same values so often that it would be far larger than the file.
pub(crate) fn json(value: Value<'_>, bounds: &Bounds<'_>) -> Result<Json> {
    bounds.take(size_of::<Json>())?;
    if value.is_none() {
        return Ok(Json::Null);
    }
    if let Some(plain) = value.as_bool().map(Json::from).or_else(|| value.as_i64().map(Json::from)) {
        return Ok(plain);
    }
    bounds.take(value.text_bytes())?;
    if let Some(text) = value.as_str() {
        return Ok(Json::from(text));
    }
    if let Some(float) = value.as_float() {
        return Ok(number(float));
    }
    if let Some(items) = value.items() {
        return items.map(|item| json(item, bounds)).collect();
    }
    if let Some(entries) = value.entries() {
        // Keys that are numbers or classes become text.
        let entry = |(key, value): (Value<'_>, Value<'_>)| {
            bounds.take(ENTRY + key.text_bytes())?;
            Ok((text(key), json(value, bounds)?))
        };
        return entries.map(entry).collect();
    }
    if let Some(array) = value.as_array() {
        // A shape without items may be of any length, such as (1000000000000, 0).
        if array.is_empty() {
            return Ok(Json::Array(Vec::new()));
        }
        let items = items(array, bounds)?;
        return Ok(match array.shape() {
            [_] => Json::Array(items),
            shape => shaped(&mut items.into_iter(), shape),
        });
    }
    Ok(Json::from(text(value)))
}

/// A float as JSON.
pub(crate) fn number(value: f64) -> Json {
    serde_json::Number::from_f64(value).map_or_else(|| serde_json::json!({ "float": python_float(value) }), Json::from)
}

/// The items of an array by its shape: lists of lists.
fn shaped(items: &mut impl Iterator<Item = Json>, shape: &[usize]) -> Json {
    match shape {
        [] => items.next().unwrap_or(Json::Null),
        [length] => items.take(*length).collect(),
        [length, inner @ ..] => (0..*length).map(|_| shaped(items, inner)).collect(),
    }
}

/// The items of an array in row-major order; none for bytes, on which no estimator is fitted.
fn items(array: ArrayView<'_>, bounds: &Bounds<'_>) -> Result<Vec<Json>> {
    if let Some(objects) = array.objects() {
        return objects.map(|object| json(object, bounds)).collect();
    }
    bounds.take(array.len().saturating_mul(size_of::<Json>() + array.dtype().item_size))?;
    let read = match array.dtype().kind {
        ItemKind::Float => array.to_f64().map(|values| values.into_iter().map(number).collect()),
        ItemKind::Int => array.to_i64().map(|values| values.into_iter().map(Json::from).collect()),
        ItemKind::UInt => array.to_u64().map(|values| values.into_iter().map(Json::from).collect()),
        ItemKind::Bool => array.to_i64().map(|values| values.into_iter().map(|value| Json::from(value != 0)).collect()),
        ItemKind::Text => array.to_text().map(|texts| texts.into_iter().map(Json::from).collect()),
        ItemKind::Object | ItemKind::Bytes => Ok(Vec::new()),
    };
    Ok(read.unwrap_or_default())
}

/// `str(item)` of each item of a one-dimensional array. `as_objects`: of the array as an array of objects, in which a
/// `float32` has become Python's float.
pub(crate) fn texts(array: ArrayView<'_>, as_objects: bool, bounds: &Bounds<'_>) -> Result<Vec<String>> {
    let dtype = array.dtype();
    let text_bytes = array.objects().into_iter().flatten().map(Value::text_bytes).sum();
    bounds.work.charge_items::<Value<'_>>(array.len())?;
    bounds.take_names(array.len(), text_bytes)?;
    Ok(match dtype.kind {
        ItemKind::Float => {
            let spell = |value: f64| match dtype.item_size {
                2 if !as_objects => numpy_half(value),
                4 if !as_objects => numpy_single(value as f32),
                _ => python_float(value),
            };
            array.to_f64().map(|values| values.into_iter().map(spell).collect()).unwrap_or_default()
        }
        ItemKind::Object => array.objects().map(|objects| objects.map(text).collect()).unwrap_or_default(),
        _ => items(array, bounds)?.iter().map(json_document).collect(),
    })
}

/// `str` of a numpy `float32` from NumPy 2.3 on: an exponent from a million on. (Before, from 1e16 on.)
fn numpy_single(value: f32) -> String {
    // The shortest text of a float32, as a double that is printed by the same text.
    let shortest = python_float(value.to_string().parse().unwrap_or(f64::from(value)));
    if !value.is_finite() || value.abs() < 1e6 && (value == 0.0 || f64::from(value).abs() >= 1e-4) {
        return shortest;
    }
    let text = format!("{value:e}");
    let Some((digits, exponent)) = text.split_once('e') else { return shortest };
    format!("{digits}e{:+03}", exponent.parse::<i32>().unwrap_or(0))
}

/// `str` of a numpy `float16`: as that of a `float32`, but with an exponent from a thousand on.
fn numpy_half(value: f64) -> String {
    // Five digits distinguish any two of them.
    let texts = (0..5).map(|digits| format!("{value:.digits$e}"));
    let is_same = |text: &String| text.parse().is_ok_and(|read: f64| half(read) == value);
    let Some(shortest) = texts.into_iter().find(is_same) else { return python_float(value) };
    if value == 0.0 || (1e-4..1e3).contains(&value.abs()) {
        return python_float(shortest.parse().unwrap_or(value));
    }
    let Some((digits, exponent)) = shortest.split_once('e') else { return python_float(value) };
    format!("{digits}e{:+03}", exponent.parse::<i32>().unwrap_or(0))
}

fn json_document(item: &Json) -> String {
    match item {
        Json::String(text) => text.clone(),
        Json::Bool(flag) => if *flag { "True" } else { "False" }.into(),
        other => other.to_string(),
    }
}

/// `str(value)` of a plain value; the name of anything else.
fn text(value: Value<'_>) -> String {
    if let Some(text) = value.as_str() {
        return text.to_owned();
    }
    if let Some(float) = value.as_float() {
        return python_float(float);
    }
    if let Some(integer) = value.as_i64() {
        return integer.to_string();
    }
    match (value.symbol().or_else(|| value.class()), value.as_dtype()) {
        (Some((module, name)), _) if module.starts_with("pandas.") && name == "NA" => "<NA>".into(),
        (Some((module, name)), _) => format!("{module}.{name}"),
        (None, Some(dtype)) => dtype_name(dtype),
        (None, None) => value.describe(),
    }
}

fn dtype_name(dtype: DType) -> String {
    let bits = dtype.item_size.saturating_mul(8);
    match dtype.kind {
        ItemKind::Float => format!("float{bits}"),
        ItemKind::Int => format!("int{bits}"),
        ItemKind::UInt => format!("uint{bits}"),
        ItemKind::Bool => "bool".into(),
        ItemKind::Text => "str".into(),
        ItemKind::Bytes => "bytes".into(),
        ItemKind::Object => "object".into(),
    }
}

/// `repr` of a float.
pub fn python_float(value: f64) -> String {
    let mut text = Vec::new();
    write_f64(&mut text, value);
    String::from_utf8(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::allow_list::ScikitLearn;
    use crate::version::Version;
    use byoc_account::Allowance;
    use byoc_formats::pickle;
    use serde_json::json;

    /// A pickle of protocol 0 without its STOP, as JSON.
    fn read(pickle: &str) -> Json {
        let allowance = Allowance::unbounded();
        let bounds = Bounds::new(Version::new(1, 9), 100, &allowance);
        json(pickle::read(format!("{pickle}.").into_bytes(), &ScikitLearn, &allowance).unwrap().root(), &bounds)
            .unwrap()
    }

    #[test]
    fn plain_values_become_json_and_others_their_name() {
        for (pickle, expected) in [
            ("N", json!(null)),
            ("I01\n", json!(true)),
            ("I7\n", json!(7)),
            ("F0.5\n", json!(0.5)),
            ("Fnan\n", json!({"float": "nan"})),
            ("Finf\n", json!({"float": "inf"})),
            ("Vab\n", json!("ab")),
            ("(lI1\naF2.0\na", json!([1, 2.0])),
            ("(dVa\nI1\nsI2\nVb\ns", json!({"a": 1, "2": "b"})),
            ("cnumpy\nlog1p\n", json!("numpy.log1p")),
        ] {
            assert_eq!(read(pickle), expected, "{pickle:?}");
        }
    }

    #[test]
    fn a_float32_is_printed_as_by_numpy() {
        for (value, expected) in [
            (0.1, "0.1"),
            (999999.0, "999999.0"),
            (1e6, "1e+06"),
            (16777216.0, "1.6777216e+07"),
            (0.0001, "1e-04"),
            (0.00012, "0.00012"),
            (0.0, "0.0"),
            (f32::NAN, "nan"),
        ] {
            assert_eq!(numpy_single(value), expected);
        }
    }

    #[test]
    fn a_float16_is_printed_as_by_numpy() {
        for (value, expected) in [
            (0.0999755859375, "0.1"),
            (0.333251953125, "0.3333"),
            (123.375, "123.4"),
            (999.0, "999.0"),
            (1000.0, "1e+03"),
            (1024.0, "1.024e+03"),
            (65504.0, "6.55e+04"),
            (0.00010001659393310547, "0.0001"),
            (5.960464477539063e-08, "6e-08"),
            (-0.0, "-0.0"),
            (f64::INFINITY, "inf"),
            (f64::NAN, "nan"),
        ] {
            assert_eq!(numpy_half(value), expected);
        }
    }

    #[test]
    fn numbers_are_shaped_as_their_array() {
        let shape = |shape: &[usize]| shaped(&mut (0..6).map(Json::from), shape);
        assert_eq!(shape(&[]), json!(0));
        assert_eq!(shape(&[6]), json!([0, 1, 2, 3, 4, 5]));
        assert_eq!(shape(&[2, 3]), json!([[0, 1, 2], [3, 4, 5]]));
    }
}
