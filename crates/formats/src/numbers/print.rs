//! Prints numbers as Python does, since clients of these containers parse what Python prints.
//!
//! The digits are the shortest that read back to the same float (crate `zmij`); this module decides where the point
//! goes and when there is an exponent.

use std::io::Write;

/// Appends a `float64` as Python's `str` and `repr` print it: the shortest digits that read back to the same value,
/// always with a point or an exponent, with an exponent of at least two digits below 1e-4 and from 1e16 on. `nan`,
/// `inf` and `-inf` are the values that are not finite.
pub fn write_f64(out: &mut Vec<u8>, value: f64) {
    let mut buffer = zmij::Buffer::new();
    if let Some(text) = plain_f64(value, &mut buffer) {
        return out.extend_from_slice(text.as_bytes());
    }
    if !value.is_finite() {
        return write_not_finite(out, value, ["nan", "inf", "-inf"]);
    }
    write_scientific(out, &Decimal::parse(buffer.format_finite(value)));
}

/// The text of a finite `float64` that has no exponent.
pub(crate) fn plain_f64(value: f64, buffer: &mut zmij::Buffer) -> Option<&str> {
    // One-hot columns are made of these two.
    if value.to_bits() == 0f64.to_bits() {
        return Some("0.0");
    }
    if value == 1.0 {
        return Some("1.0");
    }
    // zmij writes no exponent between 1e-5 and 1e16.
    needs_no_exponent(value.abs()).then(|| buffer.format_finite(value))
}

/// Appends a `float32` as numpy's scalar prints it: by the same rules, with the shortest digits that read back to the
/// `float32`.
pub(crate) fn write_f32(out: &mut Vec<u8>, value: f32) {
    if !value.is_finite() {
        return write_not_finite(out, f64::from(value), ["nan", "inf", "-inf"]);
    }
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value);
    if !needs_no_exponent(f64::from(value.abs())) {
        write_scientific(out, &Decimal::parse(text));
    } else if text.contains('e') {
        write_positional(out, &Decimal::parse(text));
    } else {
        out.extend_from_slice(text.as_bytes());
    }
}

/// Appends a `float64` as `json.dumps` prints it: like [`write_f64`], but with `NaN`, `Infinity` and `-Infinity`, which
/// are not JSON but which Python reads and writes.
pub(crate) fn write_json_f64(out: &mut Vec<u8>, value: f64) {
    if value.is_finite() {
        return write_f64(out, value);
    }
    write_not_finite(out, value, ["NaN", "Infinity", "-Infinity"]);
}

/// Appends an integer.
pub(crate) fn write_integer(out: &mut Vec<u8>, value: impl std::fmt::Display) {
    // Writing to a vector never fails.
    let _ = write!(out, "{value}");
}

fn write_not_finite(out: &mut Vec<u8>, value: f64, [nan, infinity, minus_infinity]: [&str; 3]) {
    let text = match value {
        value if value.is_nan() => nan,
        value if value > 0.0 => infinity,
        _ => minus_infinity,
    };
    out.extend_from_slice(text.as_bytes());
}

fn needs_no_exponent(magnitude: f64) -> bool {
    magnitude == 0.0 || (1e-4..1e16).contains(&magnitude)
}

fn write_scientific(out: &mut Vec<u8>, decimal: &Decimal) {
    if decimal.negative {
        out.push(b'-');
    }
    let (first, rest) = decimal.digits().split_at(1.min(decimal.len));
    out.extend_from_slice(first);
    if !rest.is_empty() {
        out.push(b'.');
        out.extend_from_slice(rest);
    }
    let sign = if decimal.exponent < 0 { '-' } else { '+' };
    let _ = write!(out, "e{sign}{:02}", decimal.exponent.unsigned_abs());
}

/// Appends the digits without an exponent.
fn write_positional(out: &mut Vec<u8>, decimal: &Decimal) {
    if decimal.negative {
        out.push(b'-');
    }
    let digits = decimal.digits();
    match usize::try_from(decimal.exponent) {
        Ok(power) => {
            let (whole, fraction) = digits.split_at((power + 1).min(digits.len()));
            out.extend_from_slice(whole);
            out.resize(out.len() + (power + 1 - whole.len()), b'0');
            out.push(b'.');
            out.extend_from_slice(if fraction.is_empty() { b"0" } else { fraction });
        }
        Err(_) => {
            out.extend_from_slice(b"0.");
            out.resize(out.len() + decimal.exponent.unsigned_abs() as usize - 1, b'0');
            out.extend_from_slice(digits);
        }
    }
}

/// The significant digits of a number, without zeros at either end, and the power of ten of the first digit.
pub(crate) struct Decimal {
    pub(crate) negative: bool,
    /// The shortest digits of a double are at most 17; there may be zeros before they are trimmed.
    digits: [u8; 24],
    len: usize,
    pub(crate) exponent: i32,
}

impl Decimal {
    /// Reads what `zmij` prints.
    pub(crate) fn parse(text: &str) -> Decimal {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let mut decimal =
            Decimal { negative: false, digits: [b'0'; 24], len: 0, exponent: exponent.parse().unwrap_or_default() };
        let mut before_point = true;
        for &byte in mantissa.as_bytes() {
            match byte {
                b'-' => decimal.negative = true,
                b'.' => before_point = false,
                b'0' if decimal.len == 0 => decimal.exponent -= i32::from(!before_point),
                _ => {
                    if let Some(digit) = decimal.digits.get_mut(decimal.len) {
                        *digit = byte;
                        // Each further digit before the point raises the power of the first one.
                        decimal.exponent += match (before_point, decimal.len) {
                            (true, 0) => 0,
                            (true, _) => 1,
                            (false, 0) => -1,
                            (false, _) => 0,
                        };
                        decimal.len += 1;
                    }
                }
            }
        }
        while decimal.len > 1 && decimal.digits.get(decimal.len - 1) == Some(&b'0') {
            decimal.len -= 1;
        }
        decimal
    }

    pub(crate) fn digits(&self) -> &[u8] {
        self.digits.get(..self.len).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(write: impl Fn(&mut Vec<u8>, f64), value: f64) -> String {
        let mut out = Vec::new();
        write(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    /// What `python3 -c 'print(repr(x))'` prints (Python 3.11).
    const PYTHON: &[(f64, &str)] = &[
        (f64::from_bits(0x0000000000000000), "0.0"),
        (f64::from_bits(0x8000000000000000), "-0.0"),
        (f64::from_bits(0x3ff0000000000000), "1.0"),
        (f64::from_bits(0xbff0000000000000), "-1.0"),
        (f64::from_bits(0x3fb999999999999a), "0.1"),
        (f64::from_bits(0x3f1a36e2eb1c432d), "0.0001"),
        (f64::from_bits(0x3f202e4b6ce5dc68), "0.00012345"),
        (f64::from_bits(0x3f1a36371ea531a8), "9.999e-05"),
        (f64::from_bits(0x3ee4f8b588e368f1), "1e-05"),
        (f64::from_bits(0x3eef75104d551d69), "1.5e-05"),
        (f64::from_bits(0x3e7ad7f29abcaf48), "1e-07"),
        (f64::from_bits(0x419d6f3454000000), "123456789.0"),
        (f64::from_bits(0x430c6bf526340000), "1000000000000000.0"),
        (f64::from_bits(0x4341c37937e07fff), "9999999999999998.0"),
        (f64::from_bits(0x4341c37937e08000), "1e+16"),
        (f64::from_bits(0x4345eddb25e04800), "1.2345e+16"),
        (f64::from_bits(0x4376345785d8a000), "1e+17"),
        (f64::from_bits(0x444b1ae4d6e2ef50), "1e+21"),
        (f64::from_bits(0x4480f0cf064dd592), "1e+22"),
        (f64::from_bits(0x7fefffffffffffff), "1.7976931348623157e+308"),
        (f64::from_bits(0x0000000000000001), "5e-324"),
        (f64::from_bits(0x0010000000000000), "2.2250738585072014e-308"),
        (f64::from_bits(0x3fd3333333333334), "0.30000000000000004"),
        (f64::from_bits(0x3fe5555555555555), "0.6666666666666666"),
        (f64::from_bits(0x54b249ad2594c37d), "1e+100"),
        (f64::from_bits(0xbde49da7e361ce4c), "-1.5e-10"),
        (f64::from_bits(0x40fe240c9fbe76c9), "123456.789"),
        (f64::from_bits(0x2b2bff2ee48e0530), "1e-100"),
        (f64::from_bits(0x40f869f000000000), "99999.0"),
        (f64::from_bits(0x4330000000000002), "4503599627370498.0"),
        (f64::from_bits(0x4340000000000000), "9007199254740992.0"),
        (f64::from_bits(0x3f50624dd2f1a9fc), "0.001"),
        (f64::from_bits(0x3f00000000000000), "3.0517578125e-05"),
        (f64::from_bits(0x411eaf6280000000), "502744.625"),
        (f64::from_bits(0x3ee26feae0000000), "8.791531399765518e-06"),
        (f64::from_bits(0x4164d8399f767c45), "10928588.983213553"),
        (f64::from_bits(0x5bc8fbbcbde5c099), "1.4186613525849614e+134"),
        (f64::from_bits(0xb0c11fdecb91ce37), "-7.571968556055867e-74"),
        (f64::from_bits(0xd76d4330f1446bea), "-1.4074705188261364e+113"),
        (f64::from_bits(0xa6eb8c9ebd69fe29), "-3.3339745473042614e-121"),
        (f64::from_bits(0x87b0b125ec1d7da0), "-1.2342180766211395e-271"),
        (f64::from_bits(0xd7210dff076ce2ef), "-5.126864004244935e+111"),
        (f64::from_bits(0xc6a5387777330bdb), "-2.1520217579844227e+32"),
        (f64::from_bits(0x3fc1ea36f17fd374), "0.1399601630397701"),
        (f64::from_bits(0x0d464138a6233255), "1.01853664031722e-244"),
        (f64::from_bits(0x2827688de6a16a3b), "2.9704598186234577e-115"),
        (f64::from_bits(0x5f2dd97f1cfb10f6), "3.0534183338726823e+150"),
        (f64::from_bits(0xde5271007814e8a2), "-2.3027782228163463e+146"),
        (f64::from_bits(0x617959ce3f1f65a8), "3.56409621163656e+161"),
        (f64::from_bits(0x1a1afe878b33e968), "6.352929017207453e-183"),
        (f64::from_bits(0x3fd4235992edcf45), "0.3146575865605324"),
        (f64::from_bits(0xbb2edb20035b7399), "-1.2761724801771812e-23"),
        (f64::from_bits(0x687c966c377b9aa2), "2.0868668176225336e+195"),
        (f64::from_bits(0x2e9c82b1478c281d), "3.66898827745704e-84"),
        (f64::from_bits(0xde11cc9dea959c21), "-1.389122273370197e+145"),
        (f64::from_bits(0x63b229f1c4069545), "1.7548715433165102e+172"),
        (f64::from_bits(0xc30d8b7628dbd25e), "-1039514241563211.8"),
        (f64::from_bits(0x126a1e48cc11d357), "5.7804021771411506e-220"),
        (f64::from_bits(0x9e30691c238642ea), "-2.8497478716107576e-163"),
        (f64::from_bits(0x71e0c07e9e115e4b), "3.490691392124745e+240"),
        (f64::from_bits(0x3e612e0be826d695), "3.2e-08"),
        (f64::from_bits(0x3eec60667abbe67e), "1.3531e-05"),
        (f64::from_bits(0x3fa171ca2564ed9e), "0.0340712710044173"),
        (f64::from_bits(0x40513570a3d70a3d), "68.835"),
        (f64::from_bits(0x40e83d0000000000), "49640.0"),
        (f64::from_bits(0x418576bb70000000), "45012846.0"),
        (f64::from_bits(0x420abae8ab000000), "14350620000.0"),
        (f64::from_bits(0x42bdbfe3ee3c0000), "32710000000000.0"),
        (f64::from_bits(0x435491f84339ee00), "2.315998e+16"),
        (f64::from_bits(0x43e3dd6114f74dd8), "1.1451255994e+19"),
        (f64::from_bits(0x4308f3915922e812), "877900629040386.2"),
        (f64::from_bits(0x4320000000000000), "2251799813685248.0"),
        (f64::from_bits(0x0000000000000003), "1.5e-323"),
        (f64::from_bits(0x4321c37937e08001), "2500000000000000.5"),
    ];

    #[test]
    fn a_double_prints_as_in_python() {
        for &(value, expected) in PYTHON {
            assert_eq!(text(write_f64, value), expected);
        }
        assert_eq!(text(write_f64, f64::NAN), "nan");
        assert_eq!(text(write_f64, f64::NEG_INFINITY), "-inf");
        assert_eq!(text(write_json_f64, f64::NAN), "NaN");
        assert_eq!(text(write_json_f64, f64::INFINITY), "Infinity");
        assert_eq!(text(write_json_f64, 1e-5), "1e-05");
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
            assert_eq!(text(write_f64, value), expected);
        }
        let cases = [(0.1f32, "0.1"), (1e-5, "1e-05"), (1e15, "1000000000000000.0"), (1e16, "1e+16"), (3.0, "3.0")];
        for (value, expected) in cases {
            assert_eq!(f32_text(value), expected);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_to_the_same_bits(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            prop_assert_eq!(text(write_f64, value).parse::<f64>().unwrap().to_bits(), bits);
        }

        #[test]
        fn a_widened_float32_reads_back_to_the_same_float32(bits in any::<u32>()) {
            let value = f32::from_bits(bits);
            prop_assume!(value.is_finite());
            prop_assert_eq!(text(write_f64, f64::from(value)).parse::<f32>().unwrap().to_bits(), bits);
        }

        #[test]
        fn a_printed_float_reads_back_to_the_same_float_and_has_an_exponent_exactly_where_python_has(
            bits in any::<u64>(),
        ) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            let text = text(write_f64, value);
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
