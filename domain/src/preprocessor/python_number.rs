//! Text as Python's `float()` reads it: what numpy does to an object column that a scaler is given.

/// `float(text)`: spaces around the number, `_` between digits, and any case of nan, inf and infinity.
pub(super) fn parse_float(text: &str) -> Option<f64> {
    let trimmed = text.trim_matches(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c));
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
        assert!(parse_float("-nan").unwrap().is_nan());
        for text in ["", " ", "x", "1__0", "_1", "1_", "1_.0", "0x1", "1 2", "NA", "--1", "1e", "+-1"] {
            assert_eq!(parse_float(text), None, "{text}");
        }
    }
}
