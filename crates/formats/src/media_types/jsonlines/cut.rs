//! The scores of the linear learner's JSON Lines answers: decimals cut after the fifteenth.

use crate::numbers::print::{Decimal, write_json_f64};

/// The number of decimals in the linear learner's JSON Lines answers; further ones are cut, not rounded. (Observed: a
/// score of 0.5041388273239136 is answered as 0.504138827323913, github.com/aws/amazon-sagemaker-examples, the
/// SageMaker Clarify notebooks on JSON Lines. No answer below 1e-6 was seen.)
const DECIMALS: usize = 15;

/// Appends a `float32`, widened, as the linear learner's JSON Lines answers have it: no exponent, decimals cut after
/// the fifteenth.
///
/// The number is cut only if it still reads back to the same `float32`. If it does not (a small number would keep few
/// digits or none), and from 1e16 on, it is written as [`write_json_f64`] writes it.
pub(super) fn write_cut_f64(out: &mut Vec<u8>, value: f64) {
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

/// Appends the number with at most fifteen decimals.
fn write_cut(out: &mut Vec<u8>, value: f64) {
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value);
    let start = out.len();
    if text.contains(['e', 'E']) {
        let decimal = Decimal::parse(text);
        if decimal.negative {
            out.push(b'-');
        }
        let zeros = usize::try_from(-1 - decimal.exponent).unwrap_or_default().min(DECIMALS);
        out.extend_from_slice(b"0.");
        out.resize(out.len() + zeros, b'0');
        out.extend_from_slice(decimal.digits().get(..DECIMALS - zeros).unwrap_or(decimal.digits()));
    } else {
        let kept = text.find('.').map_or(text.len(), |point| text.len().min(point + 1 + DECIMALS));
        out.extend_from_slice(text.as_bytes().get(..kept).unwrap_or(text.as_bytes()));
    }
    while out.len() > start && out.ends_with(b"0") && !out.ends_with(b".0") {
        out.pop();
    }
    if out.ends_with(b".") {
        out.push(b'0');
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

    #[test]
    fn json_lines_scores_have_fifteen_decimals_unless_that_changes_the_float32() {
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
        fn a_score_is_printed_shortened_or_in_full_and_is_read_back_as_the_same_float32(
            bits in any::<u32>(),
            scale in 0..30_i32,
        ) {
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
