//! Numbers in the spellings that `pandas.read_csv` reads as numbers.

/// The bytes that C's `isspace` skips around a number.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

fn trim(mut token: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = token
        && is_space(*first)
    {
        token = rest;
    }
    while let [rest @ .., last] = token
        && is_space(*last)
    {
        token = rest;
    }
    token
}

/// Why a token is not an integer of the requested type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotInteger {
    /// It is an integer, but too large or too small.
    Overflow,
    /// It is not an integer.
    Invalid,
}

/// `[space][+-]digits[space]` as `int64`.
pub(crate) fn parse_i64(token: &[u8]) -> Result<i64, NotInteger> {
    let (negative, magnitude) = magnitude(token)?;
    let value = if negative { 0i64.checked_sub_unsigned(magnitude) } else { 0i64.checked_add_unsigned(magnitude) };
    value.ok_or(NotInteger::Overflow)
}

/// `[space][+]digits[space]` as `uint64`; `None` for a token with a minus sign, whatever follows it.
pub(crate) fn parse_u64(token: &[u8]) -> Option<Result<u64, NotInteger>> {
    match magnitude(token) {
        _ if trim(token).first() == Some(&b'-') => None,
        other => Some(other.map(|(_, magnitude)| magnitude)),
    }
}

fn magnitude(token: &[u8]) -> Result<(bool, u64), NotInteger> {
    let token = trim(token);
    let (negative, digits) = match token {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return Err(NotInteger::Invalid);
    }
    let mut value = 0u64;
    if digits.len() <= 19 {
        // 19 digits are below 2^64.
        for byte in digits {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return Err(NotInteger::Invalid);
            }
            value = value * 10 + u64::from(digit);
        }
        return Ok((negative, value));
    }
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(NotInteger::Invalid);
    }
    for byte in digits {
        let digit = u64::from(byte - b'0');
        value = value.checked_mul(10).and_then(|value| value.checked_add(digit)).ok_or(NotInteger::Overflow)?;
    }
    Ok((negative, value))
}

/// `[space][+-]digits[.digits][e[+-]digits][space]`, or infinity without spaces, as the nearest `float64`.
pub(crate) fn parse_f64(token: &[u8]) -> Option<f64> {
    let trimmed = trim(token);
    let unsigned = match trimmed {
        [b'-' | b'+', rest @ ..] => rest,
        rest => rest,
    };
    match unsigned.first()? {
        // The parser also takes nan and infinity, which pandas spells its own way.
        b'0'..=b'9' | b'.' => fast_float2::parse(trimmed).ok(),
        b'i' | b'I' if trimmed.len() == token.len() => infinity(trimmed, unsigned),
        _ => None,
    }
}

fn infinity(token: &[u8], unsigned: &[u8]) -> Option<f64> {
    if !unsigned.eq_ignore_ascii_case(b"inf") && !unsigned.eq_ignore_ascii_case(b"infinity") {
        return None;
    }
    Some(if token.first() == Some(&b'-') { f64::NEG_INFINITY } else { f64::INFINITY })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_with_signs_spaces_and_leading_zeros_and_never_wrap() {
        assert_eq!(parse_i64(b" \t+007\x0b"), Ok(7));
        assert_eq!(parse_i64(b"-0"), Ok(0));
        assert_eq!(parse_i64(b"-9223372036854775808"), Ok(i64::MIN));
        assert_eq!(parse_i64(b"00000000000000000000000000001"), Ok(1));
        for token in ["9223372036854775808", "-9223372036854775809", "18446744073709551616"] {
            assert_eq!(parse_i64(token.as_bytes()), Err(NotInteger::Overflow), "{token}");
        }
        for token in ["", " ", "-", "+-1", "1.0", "1_0", "1 2", "0x1", "\u{661}", "99999999999999999999.5"] {
            assert_eq!(parse_i64(token.as_bytes()), Err(NotInteger::Invalid), "{token}");
        }
        assert_eq!(parse_u64(b"18446744073709551615"), Some(Ok(u64::MAX)));
        assert_eq!(parse_u64(b"18446744073709551616"), Some(Err(NotInteger::Overflow)));
        assert_eq!(parse_u64(b" -x"), None);
    }

    #[test]
    fn floats_are_read_in_pandas_spellings_only() {
        // Recorded from pandas 3.1.1.
        let cases = [
            ("1.", 1.0),
            (".5", 0.5),
            ("+1e3", 1000.0),
            (" 1e5 ", 1e5),
            ("-0.0", -0.0),
            ("1e-400", 0.0),
            ("1e400", f64::INFINITY),
            ("4.9e-324", 5e-324),
            ("00000000000000000000001.5", 1.5),
            ("inf", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
            ("+INF", f64::INFINITY),
        ];
        for (token, expected) in cases {
            assert_eq!(parse_f64(token.as_bytes()).map(f64::to_bits), Some(f64::to_bits(expected)), "{token}");
        }
        let others =
            [".", "-", "1e", "1e+", "1d5", "0x10", "1_0", " inf", "inf ", "nan", "1L", "1 2", "+-1", "e5", "", "1.5.2"];
        for token in others {
            assert_eq!(parse_f64(token.as_bytes()), None, "{token}");
        }
    }
}
