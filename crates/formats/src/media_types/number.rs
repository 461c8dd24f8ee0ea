//! How numbers are spelled in answers: as Python spells them, since that is what clients of these containers parse today.
//!
//! The digits are the shortest that read back to the same double (crate zmij); what is decided here is where the point goes.

use std::io::Write;

/// How many decimals the linear learner's JSON Lines answers keep; the rest is cut, not rounded (observed: a score of
/// 0.5041388273239136 is answered as 0.504138827323913, github.com/aws/amazon-sagemaker-examples,
/// Amazon_SageMaker_Clarify notebooks on JSON Lines). No answer below 1e-6 was seen.
const JSON_LINES_DECIMALS: usize = 15;

/// Writes a double as Python's `repr` does, which is also what `json.dumps` and `str` write: the shortest digits that read
/// back to the same double, always with a point or an exponent, an exponent of at least two digits when the value is
/// below 1e-4 or not below 1e16. Not-a-number and the infinities are `nan`, `inf` and `-inf`.
pub fn write_f64(out: &mut Vec<u8>, value: f64) {
    if !value.is_finite() {
        let text: &[u8] = match value {
            f64::INFINITY => b"inf",
            f64::NEG_INFINITY => b"-inf",
            _ => b"nan",
        };
        out.extend_from_slice(text);
        return;
    }
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value);
    let magnitude = value.abs();
    if magnitude == 0.0 || (1e-4..1e16).contains(&magnitude) {
        out.extend_from_slice(text.as_bytes());
    } else {
        write_scientific(out, text);
    }
}

/// Writes a double as `json.dumps` does: like [`write_f64`], with bare `NaN`, `Infinity` and `-Infinity`, which are not
/// JSON but which Python reads and writes.
pub(crate) fn write_json_f64(out: &mut Vec<u8>, value: f64) {
    if value.is_finite() {
        return write_f64(out, value);
    }
    let text: &[u8] = match value {
        f64::INFINITY => b"Infinity",
        f64::NEG_INFINITY => b"-Infinity",
        _ => b"NaN",
    };
    out.extend_from_slice(text);
}

/// Writes a float32, widened, as the linear learner's JSON Lines answers do: no exponent, decimals cut after the fifteenth.
///
/// The cut is kept where it still reads back to the same float32. Where it does not (small numbers, of which it would leave
/// few digits or none) and from 1e16 on, the number is written as [`write_json_f64`] writes it.
pub(crate) fn write_cut_f64(out: &mut Vec<u8>, value: f64) {
    let start = out.len();
    if value.is_finite() && value.abs() < 1e16 {
        write_cut(out, value);
        let cut = out.get(start..).and_then(|text| std::str::from_utf8(text).ok()).and_then(|text| text.parse().ok());
        if cut.is_some_and(|cut: f32| cut.to_bits() == (value as f32).to_bits()) {
            return;
        }
        out.truncate(start);
    }
    write_json_f64(out, value);
}

/// Writes the decimals up to the fifteenth, whatever of the number they hold.
fn write_cut(out: &mut Vec<u8>, value: f64) {
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value);
    let start = out.len();
    if text.contains(['e', 'E']) {
        let decimal = Decimal::parse(text);
        if decimal.negative {
            out.push(b'-');
        }
        let zeros = usize::try_from(-1 - decimal.exponent).unwrap_or_default().min(JSON_LINES_DECIMALS);
        out.extend_from_slice(b"0.");
        out.resize(out.len() + zeros, b'0');
        out.extend_from_slice(decimal.digits().get(..JSON_LINES_DECIMALS - zeros).unwrap_or(decimal.digits()));
    } else {
        let kept = text.find('.').map_or(text.len(), |point| text.len().min(point + 1 + JSON_LINES_DECIMALS));
        out.extend_from_slice(text.as_bytes().get(..kept).unwrap_or(text.as_bytes()));
    }
    while out.len() > start && out.ends_with(b"0") && !out.ends_with(b".0") {
        out.pop();
    }
    if out.ends_with(b".") {
        out.push(b'0');
    }
}

/// Writes an integer.
pub(crate) fn write_i64(out: &mut Vec<u8>, value: i64) {
    // Writing into a vector does not fail.
    let _ = write!(out, "{value}");
}

fn write_scientific(out: &mut Vec<u8>, text: &str) {
    let decimal = Decimal::parse(text);
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

/// Significant digits, without zeros at either end, and the power of ten of the first.
struct Decimal {
    negative: bool,
    /// A shortest double has 17 digits at most; a fixed text may carry zeros before they are trimmed.
    digits: [u8; 24],
    len: usize,
    exponent: i32,
}

impl Decimal {
    fn parse(text: &str) -> Decimal {
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
                        // The first digit stands for its own power; each further one before the point raises it.
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

    fn digits(&self) -> &[u8] {
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
    fn a_double_reads_as_python_prints_it() {
        for &(value, expected) in PYTHON {
            assert_eq!(text(write_f64, value), expected);
        }
        assert_eq!(text(write_f64, f64::NAN), "nan");
        assert_eq!(text(write_f64, f64::NEG_INFINITY), "-inf");
        assert_eq!(text(write_json_f64, f64::NAN), "NaN");
        assert_eq!(text(write_json_f64, f64::INFINITY), "Infinity");
        assert_eq!(text(write_json_f64, 1e-5), "1e-05");
    }

    #[test]
    fn json_lines_scores_are_cut_after_fifteen_decimals_unless_that_makes_another_float32_of_them() {
        for (value, expected) in [
            (0.504_138_827_323_913_6, "0.504138827323913"),
            (0.989_977_359_771_728_5, "0.989977359771728"),
            (8.791_531_399_765_518e-6, "0.000008791531399"),
            (4.541_727_5e-10, "4.5417275e-10"),
            (-4.541_727_5e-10, "-4.5417275e-10"),
            (f64::from(1.8e-15_f32), "1.8000000700569598e-15"),
            (f64::from(-5e-16_f32), "-5.000000018137469e-16"),
            (f64::from(f32::from_bits(1)), "1.401298464324817e-45"),
            (f64::from(16_777_216.0_f32), "16777216.0"),
            (-0.0, "-0.0"),
            (0.5, "0.5"),
            (0.0, "0.0"),
            (1.0, "1.0"),
            (-3.25, "-3.25"),
            (502_744.625, "502744.625"),
            (1_000_000.0, "1000000.0"),
            (0.100_000_000_000_000_09, "0.1"),
            (1.000_000_000_000_000_2, "1.0"),
            (1e16, "1e+16"),
        ] {
            assert_eq!(text(write_cut_f64, value), expected, "{value:e}");
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
        fn a_score_is_the_whole_one_cut_or_whole_and_reads_back_to_the_same_float32(bits in any::<u32>(), scale in 0..30_i32) {
            let score = f32::from_bits(bits);
            let score = if bits & 1 == 0 { score } else { (score % 1e9) * 10_f32.powi(-scale) };
            prop_assume!(score.is_finite());
            let value = f64::from(score);
            let found = text(write_cut_f64, value);
            prop_assert_eq!(found.parse::<f32>().unwrap().to_bits(), score.to_bits());
            let whole = text(write_json_f64, value);
            let whole = match whole.split_once("e-") {
                Some((digits, power)) => {
                    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
                    let zeros = "0".repeat(power.parse::<usize>().unwrap() - 1);
                    format!("{sign}0.{zeros}{}", digits.replace('.', ""))
                }
                None => whole,
            };
            let kept = whole.find('.').map_or(whole.len(), |point| whole.len().min(point + 16));
            let mut expected = whole[..kept].trim_end_matches('0').to_owned();
            if expected.ends_with('.') {
                expected.push('0');
            }
            if value.abs() >= 1e16 || expected.parse::<f32>().unwrap().to_bits() != score.to_bits() {
                expected = text(write_json_f64, value);
            }
            prop_assert_eq!(found, expected);
        }
    }
}
