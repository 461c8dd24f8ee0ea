//! The quantiles of the normal distribution.
#![expect(clippy::excessive_precision, reason = "coefficients stand as they were published")]

/// Coefficients of algorithm AS 241 (M. J. Wichura, Applied Statistics 37, 1988, PPND16), highest power first:
/// numerator and denominator of the rational function for each of its three ranges.
type Rational = ([f64; 8], [f64; 8]);

const CENTRAL: Rational = (
    [
        2509.0809287301226727,
        33430.575583588128105,
        67265.770927008700853,
        45921.953931549871457,
        13731.693765509461125,
        1971.5909503065514427,
        133.14166789178437745,
        3.387132872796366608,
    ],
    [
        5226.495278852854561,
        28729.085735721942674,
        39307.89580009271061,
        21213.794301586595867,
        5394.1960214247511077,
        687.1870074920579083,
        42.313330701600911252,
        1.0,
    ],
);

const MIDDLE: Rational = (
    [
        7.7454501427834140764e-4,
        0.0227238449892691845833,
        0.24178072517745061177,
        1.27045825245236838258,
        3.64784832476320460504,
        5.7694972214606914055,
        4.6303378461565452959,
        1.42343711074968357734,
    ],
    [
        1.05075007164441684324e-9,
        5.475938084995344946e-4,
        0.0151986665636164571966,
        0.14810397642748007459,
        0.68976733498510000455,
        1.6763848301838038494,
        2.05319162663775882187,
        1.0,
    ],
);

const TAIL: Rational = (
    [
        2.01033439929228813265e-7,
        2.71155556874348757815e-5,
        0.0012426609473880784386,
        0.026532189526576123093,
        0.29656057182850489123,
        1.7848265399172913358,
        5.4637849111641143699,
        6.6579046435011037772,
    ],
    [
        2.04426310338993978564e-15,
        1.4215117583164458887e-7,
        1.8463183175100546818e-5,
        7.868691311456132591e-4,
        0.0148753612908506148525,
        0.13692988092273580531,
        0.59983220655588793769,
        1.0,
    ],
);

/// The value below which a standard normal variable is with this probability, to about 16 digits; infinite at 0 and 1.
pub(crate) fn normal_quantile(probability: f64) -> f64 {
    let from_middle = probability - 0.5;
    if from_middle.abs() <= 0.425 {
        return from_middle * ratio(&CENTRAL, 0.180625 - from_middle * from_middle);
    }
    let tail = if from_middle <= 0.0 { probability } else { 1.0 - probability };
    if tail <= 0.0 {
        return if from_middle < 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    let depth = (-tail.ln()).sqrt();
    let magnitude = if depth <= 5.0 { ratio(&MIDDLE, depth - 1.6) } else { ratio(&TAIL, depth - 5.0) };
    if from_middle < 0.0 { -magnitude } else { magnitude }
}

fn ratio((numerator, denominator): &Rational, x: f64) -> f64 {
    let value = |coefficients: &[f64; 8]| coefficients.iter().fold(0.0, |sum, coefficient| sum * x + coefficient);
    value(numerator) / value(denominator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_python() {
        // statistics.NormalDist().inv_cdf
        let cases = [
            (0.5, 0.0),
            (0.975, 1.9599639845400536),
            (0.2, -0.8416212335729142),
            (0.0001, -3.71901648545568),
            (1e-7, -5.199337582192817),
            (1e-20, -9.262340089798405),
        ];
        for (probability, expected) in cases {
            let found = normal_quantile(probability);
            assert!((found - expected).abs() <= 4e-15 * f64::abs(expected), "{probability}: {found} {expected}");
        }
        assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(normal_quantile(1.0), f64::INFINITY);
    }
}
