//! Exponential and logarithm in float32, written so that the compiler turns loops over them into vector code.
//!
//! The polynomials are those of Cephes' `expf` and `logf` (netlib.org/cephes), good to two units in the last place.
//! `FUSED` is for processors with fused multiply-add, where a step of a polynomial is one instruction in place of two.

use super::kernel::multiply_add;

/// e to the power of `x`, for `x` of at most 0. Below -87 the result is that of -87, about 1.6e-38.
#[inline(always)]
pub(super) fn exp_of_negative<const FUSED: bool>(x: f32) -> f32 {
    /// 1.5 · 2^23: adding it leaves a number's nearest integer in the low bits of the sum.
    const ROUND: f32 = 12_582_912.0;
    let x = x.max(-87.0);
    let shifted = multiply_add::<f32, FUSED>(x, std::f32::consts::LOG2_E, ROUND);
    let power = shifted - ROUND;
    // ln 2 in two parts, so that the first product is exact.
    let rest = multiply_add::<f32, FUSED>(power, -0.693_359_4, x);
    let rest = multiply_add::<f32, FUSED>(power, 2.121_944_4e-4, rest);
    let mut sum = 1.987_569_1e-4;
    sum = multiply_add::<f32, FUSED>(sum, rest, 1.398_2e-3);
    sum = multiply_add::<f32, FUSED>(sum, rest, 8.333_452e-3);
    sum = multiply_add::<f32, FUSED>(sum, rest, 4.166_579_6e-2);
    sum = multiply_add::<f32, FUSED>(sum, rest, 1.666_666_5e-1);
    sum = multiply_add::<f32, FUSED>(sum, rest, 0.5);
    let mantissa = multiply_add::<f32, FUSED>(sum * rest, rest, rest) + 1.0;
    let exponent = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23;
    mantissa * f32::from_bits(exponent)
}

/// The natural logarithm of `1 + x`, for `x` from 0 to 1.
#[inline(always)]
pub(super) fn ln_of_one_plus<const FUSED: bool>(x: f32) -> f32 {
    // Above √2 - 1 the argument is halved, and ln 2 added again; both branches are exact.
    let large = x > std::f32::consts::SQRT_2 - 1.0;
    let (y, plus) = if large { ((x - 1.0) * 0.5, std::f32::consts::LN_2) } else { (x, 0.0) };
    let mut sum = 7.037_683_6e-2;
    sum = multiply_add::<f32, FUSED>(sum, y, -1.151_461e-1);
    sum = multiply_add::<f32, FUSED>(sum, y, 1.167_699_9e-1);
    sum = multiply_add::<f32, FUSED>(sum, y, -0.124_201_41);
    sum = multiply_add::<f32, FUSED>(sum, y, 1.424_932_3e-1);
    sum = multiply_add::<f32, FUSED>(sum, y, -1.666_805_8e-1);
    sum = multiply_add::<f32, FUSED>(sum, y, 2.000_071_5e-1);
    sum = multiply_add::<f32, FUSED>(sum, y, -2.499_999_4e-1);
    sum = multiply_add::<f32, FUSED>(sum, y, 0.333_333_3);
    let square = y * y;
    y - 0.5 * square + y * square * sum + plus
}

/// The logistic function of `x`, and the logarithm of one plus e to the power of `x`.
#[inline(always)]
pub(super) fn sigmoid_and_softplus<const FUSED: bool>(x: f32) -> (f32, f32) {
    let small = exp_of_negative::<FUSED>(-x.abs());
    let sigmoid = (if x < 0.0 { small } else { 1.0 }) / (1.0 + small);
    (sigmoid, x.max(0.0) + ln_of_one_plus::<FUSED>(small))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn results_are_within_three_units_in_the_last_place_of_the_standard_library(
            x in -87.0..0.0_f32,
            y in 0.0..=1.0_f32,
        ) {
            let expected = f64::from(x).exp();
            for found in [exp_of_negative::<true>(x), exp_of_negative::<false>(x)] {
                prop_assert!((f64::from(found) / expected - 1.0).abs() < 3.0 * f64::from(f32::EPSILON));
            }
            let expected = f64::from(y).ln_1p();
            for found in [ln_of_one_plus::<true>(y), ln_of_one_plus::<false>(y)] {
                prop_assert!((f64::from(found) - expected).abs() <= 3.0 * f64::from(f32::EPSILON) * expected);
            }
        }

        #[test]
        fn the_logistic_function_and_its_integral_are_right_for_any_float(x in -1e4..1e4_f32) {
            let wide = f64::from(x);
            let expected = wide.max(0.0) + (-wide.abs()).exp().ln_1p();
            for (sigmoid, softplus) in [sigmoid_and_softplus::<true>(x), sigmoid_and_softplus::<false>(x)] {
                prop_assert!((f64::from(sigmoid) - 1.0 / (1.0 + (-wide).exp())).abs() < 3e-7);
                prop_assert!((f64::from(softplus) - expected).abs() <= 3e-7 * expected.max(1e-3));
            }
        }
    }

    #[test]
    fn the_ends_are_exact() {
        fn check<const FUSED: bool>() {
            assert_eq!(exp_of_negative::<FUSED>(0.0), 1.0);
            assert_eq!(ln_of_one_plus::<FUSED>(0.0), 0.0);
            assert_eq!(sigmoid_and_softplus::<FUSED>(0.0).0, 0.5);
            assert_eq!(sigmoid_and_softplus::<FUSED>(200.0), (1.0, 200.0));
            assert!(exp_of_negative::<FUSED>(f32::NEG_INFINITY) < 2e-38);
        }
        check::<true>();
        check::<false>();
    }
}
