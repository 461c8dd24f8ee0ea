//! Filters and joins JSON records as text, so that untouched values, numbers included, keep their spelling.
//!
//! Errors are texts: they become the message of a record in a job's report.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use byoc_formats::json_syntax;

use super::path::{Path, Selected, Step};

/// The member that holds a result.
const OUTPUT: &str = "SageMakerOutput";
/// The member that holds an input that is not an object.
const INPUT: &str = "SageMakerInput";

/// Some editors write this before text in UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

fn without_byte_order_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

/// Bytes as text.
///
/// # Errors
/// The first byte that is not UTF-8.
fn utf8(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        format!("expected UTF-8, found the byte 0x{:02x} at index {at}", bytes.get(at).unwrap_or(&0))
    })
}

/// Splits a body into its JSON values: one for a document, one per line for JSON Lines. A byte order mark at the start
/// is skipped.
///
/// # Errors
/// At the first text that is not JSON.
pub(super) fn values(body: &[u8]) -> Result<Vec<&[u8]>, String> {
    let body = without_byte_order_mark(body);
    let mut values = Vec::new();
    for value in serde_json::Deserializer::from_slice(body).into_iter::<&RawValue>() {
        let value = value.map_err(|error| json_syntax::describe(body, &error))?;
        values.push(value.get().as_bytes());
    }
    Ok(values)
}

/// The members of an object, in order, each value as it is written.
struct Members<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members<'a>, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some((Key(name), value)) = map.next_entry::<Key<'de>, &RawValue>()? {
                    members.push((name, value.get()));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// A member's name, borrowed unless it has escapes.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

fn members(text: &str) -> Option<Vec<(Cow<'_, str>, &str)>> {
    serde_json::from_str::<Members<'_>>(text).ok().map(|members| members.0)
}

fn elements(text: &str) -> Option<Vec<&str>> {
    let elements: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    Some(elements.into_iter().map(RawValue::get).collect())
}

/// An intermediate value of a path: a slice of the record, or newly built text.
type Node<'a> = Cow<'a, str>;

/// Applies a filter to a record.
///
/// # Errors
/// The first step that selects nothing.
pub(super) fn select<'a>(path: &Path, record: &'a [u8]) -> Result<Cow<'a, [u8]>, String> {
    let text = utf8(without_byte_order_mark(record))?;
    let mut nodes: Vec<Node<'a>> = vec![Cow::Borrowed(text)];
    let mut is_list = false;
    for step in path.steps() {
        let mut next = Vec::new();
        for node in nodes {
            let found = match node {
                Cow::Borrowed(text) => walk(step, text)?,
                // Newly built text does not outlive this step.
                Cow::Owned(text) => {
                    let (found, several) = walk(step, &text)?;
                    (found.into_iter().map(|node| Cow::Owned(node.into_owned())).collect(), several)
                }
            };
            is_list |= found.1;
            next.extend(found.0);
        }
        nodes = next;
    }
    let text = match (nodes.pop(), is_list) {
        (Some(node), false) => node,
        (last, _) => {
            nodes.extend(last);
            Cow::Owned(format!("[{}]", nodes.join(",")))
        }
    };
    Ok(match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    })
}

/// Applies a step to a value; returns the selected values and whether they form a list.
fn walk<'a>(step: &Step, text: &'a str) -> Result<(Vec<Node<'a>>, bool), String> {
    let not_a = |what: &str| match check(text) {
        Ok(()) => format!("expected {what}, found {}", shown(text)),
        Err(problem) => problem,
    };
    match step {
        Step::Name(name) => {
            let members = members(text).ok_or_else(|| not_a(&format!("an object with the member \"{name}\"")))?;
            Ok((vec![Cow::Borrowed(member(&members, name)?)], false))
        }
        Step::Names(names) => {
            let members = members(text).ok_or_else(|| not_a("an object"))?;
            let mut object = String::from("{");
            for (position, name) in names.iter().enumerate() {
                let separator = if position > 0 { "," } else { "" };
                object.push_str(&format!("{separator}{}:{}", quoted(name), member(&members, name)?));
            }
            object.push('}');
            Ok((vec![Cow::Owned(object)], false))
        }
        Step::All if text.trim_start().starts_with('{') => {
            let members = members(text).ok_or_else(|| not_a("an object"))?;
            Ok((members.into_iter().map(|(_, value)| Cow::Borrowed(value)).collect(), true))
        }
        _ => {
            let elements = elements(text).ok_or_else(|| not_a("a list"))?;
            let element = |index: usize| Cow::Borrowed(elements.get(index).copied().unwrap_or("null"));
            match step.select(elements.len())? {
                Some(Selected::One(index)) => Ok((vec![element(index)], false)),
                Some(Selected::List(indices)) => Ok((indices.into_iter().map(element).collect(), true)),
                None => Err(not_a("an object")),
            }
        }
    }
}

/// A member's value; the last one if several have the name.
fn member<'a>(members: &[(Cow<'_, str>, &'a str)], name: &str) -> Result<&'a str, String> {
    let found = members.iter().rfind(|(own, _)| own == name);
    found.map(|(_, value)| *value).ok_or_else(|| format!("the record has no member \"{name}\""))
}

fn quoted(name: &str) -> String {
    serde_json::Value::from(name).to_string()
}

fn shown(text: &str) -> String {
    const MAX_LENGTH: usize = 40;
    match text.char_indices().nth(MAX_LENGTH) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Checks that a text is one JSON value.
///
/// # Errors
/// Why it is not, and where.
fn check(text: &str) -> Result<(), String> {
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("{} in {}", json_syntax::describe(text.as_bytes(), &error), shown(text))),
    }
}

/// Joins an input record with its result: an object gets the member `SageMakerOutput`, which replaces an existing one;
/// any other value becomes `SageMakerInput` beside `SageMakerOutput`.
///
/// # Errors
/// If one of them is not JSON.
pub(super) fn join(input: &[u8], result: &[u8]) -> Result<Vec<u8>, String> {
    let text = |bytes| utf8(without_byte_order_mark(bytes)).map(str::trim);
    let (input, result) = (text(input)?, text(result)?);
    check(input)?;
    let joined = match members(input) {
        None if input.starts_with('{') => {
            return Err(format!("expected member names in Unicode, found {}", shown(input)));
        }
        None => format!("{{\"{INPUT}\":{input},\"{OUTPUT}\":{result}}}"),
        Some(members) if members.is_empty() => format!("{{\"{OUTPUT}\":{result}}}"),
        Some(members) if members.iter().all(|(name, _)| name != OUTPUT) => {
            let open = input.strip_suffix('}').unwrap_or(input).trim_end();
            format!("{open},\"{OUTPUT}\":{result}}}")
        }
        Some(members) => {
            let others = members.into_iter().filter(|(name, _)| name != OUTPUT);
            let mut joined = String::from("{");
            for (name, value) in others {
                joined.push_str(&format!("{}:{value},", quoted(&name)));
            }
            joined.push_str(&format!("\"{OUTPUT}\":{result}}}"));
            joined
        }
    };
    Ok(joined.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use byoc_formats::media_types::MediaType;

    fn selected(path: &str, record: &str) -> Result<String, String> {
        let path = Path::parse("InputFilter", path, MediaType::JsonLines).unwrap();
        select(&path, record.as_bytes()).map(|text| String::from_utf8(text.into_owned()).unwrap())
    }

    const RECORD: &str = r#"{"id": 7, "features": [1.50, "a", null], "deep": {"x": {"y": 1e400}, "z": 2}, "a\"b": 1}"#;

    #[test]
    fn a_path_selects_what_jayway_selects_and_keeps_numbers_as_written() {
        for (path, expected) in [
            ("$", RECORD),
            ("$.features", r#"[1.50, "a", null]"#),
            ("$['features']", r#"[1.50, "a", null]"#),
            ("$.features[0]", "1.50"),
            ("$.features[-1]", "null"),
            ("$.features[0:2]", r#"[1.50,"a"]"#),
            ("$.features[1,0]", r#"["a",1.50]"#),
            ("$['id','features']", r#"{"id":7,"features":[1.50, "a", null]}"#),
            ("$.deep.x.y", "1e400"),
            ("$.deep.*", r#"[{"y": 1e400},2]"#),
            ("$.deep[*]", r#"[{"y": 1e400},2]"#),
            ("$['deep','id'].deep.z", "2"),
            ("$.features[*]", r#"[1.50,"a",null]"#),
        ] {
            assert_eq!(selected(path, RECORD).as_deref(), Ok(expected), "{path}");
        }
        assert_eq!(selected("$[*].a", r#"[{"a": 1}, {"a": 2}]"#).as_deref(), Ok("[1,2]"));
        assert_eq!(selected("$['a\"b']", RECORD).as_deref(), Ok("1"));
        assert_eq!(selected("$.a", r#"{"a": 1, "a": 2}"#).as_deref(), Ok("2"));
    }

    #[test]
    fn a_step_that_selects_nothing_is_an_error_that_names_the_step() {
        for (path, expected) in [
            ("$.nothing", "the record has no member \"nothing\""),
            ("$['id','nothing']", "the record has no member \"nothing\""),
            ("$.features[3]", "[3] is beyond the 3 elements of the record"),
            ("$.id.x", "expected an object with the member \"x\", found 7"),
            ("$.id[0]", "expected a list, found 7"),
        ] {
            assert_eq!(selected(path, RECORD), Err(expected.to_owned()), "{path}");
        }
        assert!(selected("$.a", "{").unwrap_err().contains("expected JSON"));
    }

    #[test]
    fn a_join_adds_the_result_to_an_object_and_wraps_anything_else() {
        for (input, expected) in [
            (r#"{"id": 1.0}"#, r#"{"id": 1.0,"SageMakerOutput":[0.5]}"#),
            (r#" { } "#, r#"{"SageMakerOutput":[0.5]}"#),
            (r#"{"SageMakerOutput":"old","id":1}"#, r#"{"id":1,"SageMakerOutput":[0.5]}"#),
            ("[1, 2]", r#"{"SageMakerInput":[1, 2],"SageMakerOutput":[0.5]}"#),
            ("3", r#"{"SageMakerInput":3,"SageMakerOutput":[0.5]}"#),
        ] {
            assert_eq!(join(input.as_bytes(), b" [0.5]\n").unwrap(), expected.as_bytes(), "{input}");
        }
    }

    #[test]
    fn a_byte_order_mark_before_a_record_is_skipped() {
        let record = "\u{feff}{\"a\": [1, 2]}".as_bytes();
        assert_eq!(join(record, b"3").unwrap(), b"{\"a\": [1, 2],\"SageMakerOutput\":3}");
        let path = Path::parse("InputFilter", "$.a", MediaType::Json).unwrap();
        assert_eq!(select(&path, record).unwrap().as_ref(), b"[1, 2]");
        assert_eq!(values("\u{feff}[1]\n[2]\n".as_bytes()).unwrap(), [b"[1]", b"[2]"]);
    }

    #[test]
    fn text_that_is_not_json_is_never_joined() {
        for input in ["{bad", "{\"a\":1}}", "hello", "[1,2", "{}x", "{\"a\":NaN}", "", "1 2", "{\"\\ud800\":1}"] {
            let problem = join(input.as_bytes(), b"[0.5]").unwrap_err();
            assert!(problem.starts_with("expected "), "{input}: {problem}");
        }
        let problem = join(b"{\"a\":NaN}", b"1").unwrap_err();
        assert!(problem.contains("line 1, column 6: expected a value of JSON, found NaN in {\"a\":NaN}"), "{problem}");
        let problem = join(b"{\"a\":\xff}", b"1").unwrap_err();
        assert_eq!(problem, "expected UTF-8, found the byte 0xff at index 5");
    }

    #[test]
    fn a_body_is_split_into_its_values_in_any_layout() {
        let cut = |body: &str| {
            let values = values(body.as_bytes())?;
            Ok::<_, String>(
                values.into_iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect::<Vec<_>>(),
            )
        };
        assert_eq!(cut("{\"a\": 1}\n\n[2]\n\"x\"\n").unwrap(), ["{\"a\": 1}", "[2]", "\"x\""]);
        assert_eq!(cut("{\n  \"a\": [\n1]}\n").unwrap(), ["{\n  \"a\": [\n1]}"]);
        assert!(cut("{\"a\": 1}\n{oops}\n").unwrap_err().contains("line 2"));
    }
}
