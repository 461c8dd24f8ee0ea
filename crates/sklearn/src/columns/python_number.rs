//! Text as Python's `float()` reads it, as numpy does for an object column that a scaler gets.

use std::borrow::Cow;

/// `float(text)`: spaces around the number, `_` between digits, decimal digits of any script, and any case of nan, inf
/// and infinity.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let trimmed = text.trim_matches(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c));
    let trimmed = &*with_ascii_digits(trimmed)?;
    let unsigned = trimmed.strip_prefix(['+', '-']).unwrap_or(trimmed);
    match unsigned.as_bytes().first()? {
        b'0'..=b'9' | b'.' if trimmed.contains('_') => fast_float2::parse(without_underscores(trimmed)?).ok(),
        b'0'..=b'9' | b'.' => fast_float2::parse(trimmed).ok(),
        _ => {
            let value = match unsigned.to_ascii_lowercase().as_str() {
                "nan" => f64::NAN,
                "inf" | "infinity" => f64::INFINITY,
                _ => return None,
            };
            Some(if trimmed.starts_with('-') { -value } else { value })
        }
    }
}

/// The text with each decimal digit as the ASCII one of its value, as CPython's
/// `_PyUnicode_TransformDecimalAndSpaceToASCII` converts it; `None` if another character is not ASCII.
fn with_ascii_digits(text: &str) -> Option<Cow<'_, str>> {
    if text.is_ascii() {
        return Some(text.into());
    }
    let digit = |c: char| if c.is_ascii() { Some(c) } else { char::from_digit(decimal_value(c)?, 10) };
    text.chars().map(digit).collect::<Option<String>>().map(Cow::Owned)
}

/// The value of a character of Unicode's category Nd.
fn decimal_value(c: char) -> Option<u32> {
    let first = ZEROS.get(ZEROS.partition_point(|zero| *zero <= c).checked_sub(1)?)?;
    Some(u32::from(c) - u32::from(*first)).filter(|value| *value < 10)
}

/// The digit zero of each script; the nine others follow it. `unicodedata.decimal` of Python 3.13, which has Unicode
/// 15.1.
#[rustfmt::skip]
const ZEROS: &[char] = &[
    '\u{30}', '\u{660}', '\u{6f0}', '\u{7c0}', '\u{966}', '\u{9e6}', '\u{a66}', '\u{ae6}', '\u{b66}', '\u{be6}',
    '\u{c66}', '\u{ce6}', '\u{d66}', '\u{de6}', '\u{e50}', '\u{ed0}', '\u{f20}', '\u{1040}', '\u{1090}', '\u{17e0}',
    '\u{1810}', '\u{1946}', '\u{19d0}', '\u{1a80}', '\u{1a90}', '\u{1b50}', '\u{1bb0}', '\u{1c40}', '\u{1c50}',
    '\u{a620}', '\u{a8d0}', '\u{a900}', '\u{a9d0}', '\u{a9f0}', '\u{aa50}', '\u{abf0}', '\u{ff10}', '\u{104a0}',
    '\u{10d30}', '\u{11066}', '\u{110f0}', '\u{11136}', '\u{111d0}', '\u{112f0}', '\u{11450}', '\u{114d0}', '\u{11650}',
    '\u{116c0}', '\u{11730}', '\u{118e0}', '\u{11950}', '\u{11c50}', '\u{11d50}', '\u{11da0}', '\u{11f50}', '\u{16a60}',
    '\u{16ac0}', '\u{16b50}', '\u{1d7ce}', '\u{1d7d8}', '\u{1d7e2}', '\u{1d7ec}', '\u{1d7f6}', '\u{1e140}', '\u{1e2f0}',
    '\u{1e4f0}', '\u{1e950}', '\u{1fbf0}',
];

fn without_underscores(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let digit = |index: Option<usize>| index.and_then(|index| bytes.get(index)).is_some_and(u8::is_ascii_digit);
    let between_digits =
        |(index, byte): (usize, &u8)| *byte != b'_' || digit(index.checked_sub(1)) && digit(index.checked_add(1));
    bytes.iter().enumerate().all(between_digits).then(|| text.replace('_', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_as_python_float_reads_it() {
        for (text, expected) in
            [(" 1.5 ", 1.5), ("1_0", 10.0), ("-.5", -0.5), ("1_0.0_1e1_0", 10.01e10), ("+Inf", f64::INFINITY)]
        {
            assert_eq!(parse_float(text), Some(expected), "{text}");
        }
        // Arabic-Indic, fullwidth, Devanagari beside ASCII, mathematical sans-serif and Adlam digits; an em space.
        for (text, expected) in [
            ("\u{663}", 3.0),
            ("\u{ff11}\u{ff12}.\u{ff15}e\u{ff11}", 125.0),
            ("-1\u{967}_\u{968}", -112.0),
            ("\u{2003}.\u{1d7e9}\u{2003}", 0.7),
            ("\u{1e959}", 9.0),
        ] {
            assert_eq!(parse_float(text), Some(expected), "{text}");
        }
        assert!(parse_float("-nan").unwrap().is_nan());
        for text in [
            "",
            " ",
            "x",
            "1__0",
            "_1",
            "1_",
            "1_.0",
            "0x1",
            "1 2",
            "NA",
            "--1",
            "1e",
            "+-1",
            "\u{b2}",
            "\u{2167}",
            "\u{ff0d}1",
            "\u{662}x",
            "\u{ff4e}an",
        ] {
            assert_eq!(parse_float(text), None, "{text}");
        }
    }
}
