//! Floats as Python prints them: `str` of a `float`, or of a numpy scalar of its type.

/// Appends a `float64`: the shortest digits that read back to it, with an exponent below 1e-4 and from 1e16 on.
pub(crate) fn write_f64(out: &mut Vec<u8>, value: f64) {
    let mut buffer = zmij::Buffer::new();
    if let Some(text) = plain_f64(value, &mut buffer) {
        return out.extend_from_slice(text.as_bytes());
    }
    if !value.is_finite() {
        return write_not_finite(out, value);
    }
    write_digits(out, buffer.format_finite(value), false);
}

/// The text of a finite `float64` that has no exponent.
pub(super) fn plain_f64(value: f64, buffer: &mut zmij::Buffer) -> Option<&str> {
    // One-hot columns are made of these two.
    if value.to_bits() == 0f64.to_bits() {
        return Some("0.0");
    }
    if value == 1.0 {
        return Some("1.0");
    }
    // The formatter writes no exponent between 1e-5 and 1e16.
    needs_no_exponent(value.abs()).then(|| buffer.format_finite(value))
}

/// Appends a `float32` by the same rules, with the shortest digits that read back to the `float32`.
pub(crate) fn write_f32(out: &mut Vec<u8>, value: f32) {
    if !value.is_finite() {
        return write_not_finite(out, f64::from(value));
    }
    let mut buffer = zmij::Buffer::new();
    write_digits(out, buffer.format_finite(value), needs_no_exponent(f64::from(value.abs())));
}

fn write_not_finite(out: &mut Vec<u8>, value: f64) {
    out.extend_from_slice(match value {
        value if value.is_nan() => b"nan",
        value if value > 0.0 => b"inf",
        _ => b"-inf",
    });
}

fn needs_no_exponent(magnitude: f64) -> bool {
    magnitude == 0.0 || (1e-4..1e16).contains(&magnitude)
}

/// Appends what the formatter wrote, with its own idea of when to use an exponent replaced by Python's.
fn write_digits(out: &mut Vec<u8>, formatted: &str, plain: bool) {
    let (mantissa, exponent) = match formatted.split_once('e') {
        Some((mantissa, exponent)) => (mantissa, exponent.parse().unwrap_or(0)),
        None if plain => return out.extend_from_slice(formatted.as_bytes()),
        None => (formatted, 0),
    };
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(mantissa) => ("-", mantissa),
        None => ("", mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    // The value is 0.DIGITS times ten to the power of `point`.
    let all = format!("{whole}{fraction}");
    let leading_zeros = all.len() - all.trim_start_matches('0').len();
    let digits = all.trim_matches('0');
    let point: i32 = exponent + whole.len() as i32 - leading_zeros as i32;
    out.extend_from_slice(sign.as_bytes());
    let text = if plain {
        positional(digits, point)
    } else {
        let (first, rest) = digits.split_at_checked(1).unwrap_or((digits, ""));
        let separator = if rest.is_empty() { "" } else { "." };
        let exponent = point - 1;
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{first}{separator}{rest}e{sign}{:02}", exponent.abs())
    };
    out.extend_from_slice(text.as_bytes());
}

fn positional(digits: &str, point: i32) -> String {
    match usize::try_from(point) {
        Ok(point) if point >= digits.len() => format!("{digits:0<point$}.0"),
        Ok(point) if point > 0 => format!("{}.{}", &digits[..point], &digits[point..]),
        _ => format!("0.{}{digits}", "0".repeat(point.unsigned_abs() as usize)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn f64_text(value: f64) -> String {
        let mut out = Vec::new();
        write_f64(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    fn f32_text(value: f32) -> String {
        let mut out = Vec::new();
        write_f32(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn floats_print_as_python_prints_them() {
        let cases = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-2.5, "-2.5"),
            (0.1, "0.1"),
            (0.0001, "0.0001"),
            (0.00012345, "0.00012345"),
            (1e-5, "1e-05"),
            (1.25e-5, "1.25e-05"),
            (-1.5e-10, "-1.5e-10"),
            (5e-324, "5e-324"),
            (123456.0, "123456.0"),
            (1e15, "1000000000000000.0"),
            (9999999999999998.0, "9999999999999998.0"),
            (1e16, "1e+16"),
            (1.2345678901234568e17, "1.2345678901234568e+17"),
            (1e100, "1e+100"),
            (1.7976931348623157e308, "1.7976931348623157e+308"),
            (2f64.powi(60), "1.152921504606847e+18"),
            (f64::NAN, "nan"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (value, expected) in cases {
            assert_eq!(f64_text(value), expected);
        }
        let cases = [(0.1f32, "0.1"), (1e-5, "1e-05"), (1e15, "1000000000000000.0"), (1e16, "1e+16"), (3.0, "3.0")];
        for (value, expected) in cases {
            assert_eq!(f32_text(value), expected);
        }
    }

    proptest! {
        #[test]
        fn a_printed_float_reads_back_to_the_same_float_and_has_an_exponent_exactly_where_python_has(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            let text = f64_text(value);
            prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), bits);
            let exponent = format!("{:e}", value.abs()).split_once('e').unwrap().1.parse::<i32>().unwrap();
            prop_assert_eq!(text.contains('e'), value != 0.0 && !(-4..16).contains(&exponent));
        }

        #[test]
        fn a_printed_float32_reads_back_to_the_same_float32(bits in any::<u32>()) {
            let value = f32::from_bits(bits);
            prop_assume!(value.is_finite());
            prop_assert_eq!(f32_text(value).parse::<f32>().unwrap().to_bits(), bits);
        }
    }
}
