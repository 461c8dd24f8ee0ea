//! Compares the reader with a simple reference implementation: one character at a time, every field a `String`, every
//! rule of pandas' reader written out.

use proptest::prelude::*;
use std::borrow::Cow;

use super::read;
use crate::rows::table::{Cell, Column};

/// A column as the twin sees it.
#[derive(Debug, Clone, PartialEq)]
enum Slow {
    Int(Vec<i64>),
    UInt(Vec<u64>),
    /// Bits, so that -0.0 differs from 0.0; all NaN are one.
    Float(Vec<u64>),
    Bool(Vec<bool>),
    Objects(Vec<SlowCell>),
}

#[derive(Debug, Clone, PartialEq)]
enum SlowCell {
    Missing,
    Text(String),
    Bool(bool),
}

#[derive(PartialEq)]
enum State {
    LineStart,
    FieldStart,
    Unquoted,
    Quoted,
    QuoteInQuoted,
}

/// Records of a body, or `None` when it is refused.
fn slow_records(body: &str) -> Option<Vec<Vec<String>>> {
    let characters: Vec<char> = body.strip_prefix('\u{feff}').unwrap_or(body).chars().collect();
    let (mut records, mut record, mut field) = (Vec::new(), Vec::new(), String::new());
    let mut state = State::LineStart;
    let mut index = 0;
    while index < characters.len() {
        let character = characters[index];
        let end_of_line = character == '\n' || character == '\r';
        match state {
            State::LineStart => {
                let blanks = characters[index..].iter().take_while(|c| **c == ' ' || **c == '\t').count();
                match characters.get(index + blanks) {
                    None => break,
                    Some('\n' | '\r') => index += blanks + 1,
                    Some(_) => state = State::FieldStart,
                }
                continue;
            }
            State::FieldStart if character == '"' => state = State::Quoted,
            State::Quoted if character == '"' => state = State::QuoteInQuoted,
            State::Quoted => field.push(character),
            State::QuoteInQuoted if character == '"' => {
                field.push('"');
                state = State::Quoted;
            }
            State::FieldStart | State::Unquoted | State::QuoteInQuoted => {
                if character == ',' || end_of_line {
                    record.push(std::mem::take(&mut field));
                    state = State::FieldStart;
                } else {
                    field.push(character);
                    state = State::Unquoted;
                }
                if end_of_line {
                    records.push(std::mem::take(&mut record));
                    state = State::LineStart;
                }
            }
        }
        index += 1;
    }
    match state {
        State::Quoted => return None,
        State::LineStart => {}
        _ => {
            record.push(field);
            records.push(record);
        }
    }
    let width = records.first()?.len();
    for record in &mut records {
        if record.len() > width {
            return None;
        }
        record.resize(width, String::new());
    }
    Some(records)
}

const MISSING: &str =
    "|#N/A|#N/A N/A|#NA|-1.#IND|-1.#QNAN|-NaN|-nan|1.#IND|1.#QNAN|<NA>|N/A|NA|NULL|NaN|None|n/a|nan|null";

fn is_missing(field: &str) -> bool {
    MISSING.split('|').any(|token| token == field)
}

fn trim(field: &str) -> &str {
    field.trim_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r'])
}

/// The integer, exactly as far as `i128` goes: beyond it only the size matters.
fn integer(field: &str) -> Option<i128> {
    let trimmed = trim(field);
    let digits = trimmed.strip_prefix(['+', '-']).unwrap_or(trimmed);
    let all_digits = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
    let beyond = if trimmed.starts_with('-') { i128::MIN } else { i128::MAX };
    all_digits.then(|| trimmed.parse().unwrap_or(beyond))
}

fn float(field: &str) -> Option<f64> {
    let lower = field.to_ascii_lowercase();
    if let "inf" | "infinity" = lower.strip_prefix(['+', '-']).unwrap_or(&lower) {
        return Some(if lower.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    let trimmed = trim(field);
    let (mantissa, exponent) = match trimmed.find(['e', 'E']) {
        Some(at) => (&trimmed[..at], &trimmed[at + 1..]),
        None => (trimmed, "0"),
    };
    let mantissa = mantissa.strip_prefix(['+', '-']).unwrap_or(mantissa);
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    let number = digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty());
    (number && digits(exponent) && !exponent.is_empty()).then(|| trimmed.parse().unwrap())
}

fn slow_column(fields: &[String]) -> Slow {
    let present = || fields.iter().filter(|field| !is_missing(field));
    let any_missing = fields.iter().any(|field| is_missing(field));
    let text = || {
        let cell = |field: &String| match is_missing(field) {
            true => SlowCell::Missing,
            false => SlowCell::Text(field.clone()),
        };
        Slow::Objects(fields.iter().map(cell).collect())
    };
    let i64_range = i128::from(i64::MIN)..=i128::from(i64::MAX);
    let first_failure = present().find(|field| !integer(field).is_some_and(|value| i64_range.contains(&value)));
    match first_failure.map(|field| integer(field)) {
        None if any_missing => {
            let float = |field: &String| integer(field).map_or(f64::NAN, |value| value as f64);
            return Slow::Float(fields.iter().map(float).map(bits).collect());
        }
        None => return Slow::Int(fields.iter().map(|field| integer(field).unwrap() as i64).collect()),
        Some(Some(_)) => {
            let negative = |field: &&String| trim(field).starts_with('-');
            let unsigned = || present().filter(|field| !negative(field));
            let failure = unsigned().find(|field| integer(field).is_none_or(|value| value > i128::from(u64::MAX)));
            let any_negative = present().any(|field| negative(&field));
            let any_large = unsigned().any(|field| integer(field).is_some_and(|value| value > i128::from(i64::MAX)));
            match failure.map(|field| integer(field)) {
                None if any_large && (any_missing || any_negative) => {
                    return Slow::Objects(fields.iter().cloned().map(SlowCell::Text).collect());
                }
                None if !any_missing && !any_negative => {
                    return Slow::UInt(fields.iter().map(|field| integer(field).unwrap() as u64).collect());
                }
                None | Some(Some(_)) => return text(),
                Some(None) => {}
            }
        }
        Some(None) => {}
    }
    if present().all(|field| float(field).is_some()) {
        let value = |field: &String| if is_missing(field) { f64::NAN } else { float(field).unwrap() };
        return Slow::Float(fields.iter().map(value).map(bits).collect());
    }
    if present().all(|field| ["true", "false"].contains(&field.to_ascii_lowercase().as_str())) {
        let value = |field: &String| field.eq_ignore_ascii_case("true");
        if !any_missing {
            return Slow::Bool(fields.iter().map(value).collect());
        }
        let cell = |field: &String| if is_missing(field) { SlowCell::Missing } else { SlowCell::Bool(value(field)) };
        return Slow::Objects(fields.iter().map(cell).collect());
    }
    text()
}

fn bits(value: f64) -> u64 {
    if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() }
}

fn as_slow(column: &Column<'_>) -> Slow {
    match column {
        Column::Int64(values) => Slow::Int(values.clone()),
        Column::UInt64(values) => Slow::UInt(values.clone()),
        Column::Float64(values) => Slow::Float(values.iter().copied().map(bits).collect()),
        Column::Bool(values) => Slow::Bool(values.clone()),
        Column::Object(cells) => Slow::Objects(
            cells
                .iter()
                .map(|cell| match cell {
                    Cell::Missing => SlowCell::Missing,
                    Cell::Text(text) => SlowCell::Text(text.to_string()),
                    Cell::Bool(value) => SlowCell::Bool(*value),
                    other => panic!("no CSV gives {other:?}"),
                })
                .collect(),
        ),
        Column::Float32(_) => panic!("no CSV gives float32"),
    }
}

fn assert_equal_to_twin(body: &str) -> Result<(), TestCaseError> {
    let fast = read(body.as_bytes(), &|_| Ok(()), crate::testing::unbounded()).ok();
    let slow = slow_records(body);
    prop_assert_eq!(fast.is_some(), slow.is_some(), "{:?}", body);
    if let (Some(fast), Some(slow)) = (fast, slow) {
        prop_assert_eq!(fast.rows, slow.len(), "{:?}", body);
        let columns: Vec<Slow> = (0..slow[0].len())
            .map(|column| slow_column(&slow.iter().map(|record| record[column].clone()).collect::<Vec<_>>()))
            .collect();
        let fast: Vec<Slow> = fast.columns.iter().map(as_slow).collect();
        prop_assert_eq!(fast, columns, "{:?}", body);
    }
    Ok(())
}

/// Pieces of CSV bodies that trigger several rules.
fn piece() -> impl Strategy<Value = Cow<'static, str>> {
    const PIECES: &[&str] = &[
        ",",
        ",",
        ",",
        "\n",
        "\n",
        "\n",
        "\r\n",
        "\r",
        "\"",
        "\"\"",
        "\"a,b\"",
        "\"a\"\"b\"",
        "\"x\"y",
        " ",
        "\t",
        "\u{b}",
        "1",
        "-2",
        "+3",
        "007",
        "1.5",
        "-0.0",
        "-0",
        ".5",
        "1.",
        "1e5",
        "1e-400",
        "1e400",
        "1e",
        "inf",
        "-Infinity",
        "0x1",
        "NA",
        "nan",
        "None",
        "null",
        "-NaN",
        "#N/A",
        "<NA>",
        "True",
        "FALSE",
        "true",
        "yes",
        "é",
        "a",
        "-",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "18446744073709551615",
        "18446744073709551616",
        "99999999999999999999.5",
        "1_0",
        "\u{feff}",
    ];
    prop_oneof![
        8 => proptest::sample::select(PIECES).prop_map(Cow::Borrowed),
        1 => any::<f64>().prop_map(|value| Cow::Owned(format!("{value:e}"))),
        1 => any::<i64>().prop_map(|value| Cow::Owned(value.to_string())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn the_reader_agrees_with_the_reference_implementation_on_random_bodies(
        pieces in proptest::collection::vec(piece(), 0..24),
    ) {
        assert_equal_to_twin(&pieces.concat())?;
    }

    #[test]
    fn the_reader_agrees_with_the_reference_implementation_on_tables(
        rows in (1usize..4).prop_flat_map(|width| {
            let field = piece().prop_filter("a field", |piece| !piece.contains([',', '\n', '\r', '"']));
            proptest::collection::vec(proptest::collection::vec(field, width), 1..6)
        })
    ) {
        let body: String = rows.iter().map(|row| row.join(",") + "\n").collect();
        assert_equal_to_twin(&body)?;
    }
}
