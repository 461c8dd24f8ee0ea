//! Numbers compared as numbers.

use serde_json::Value;

/// Relative tolerance for values that scikit-learn computes in float64.
pub const FLOAT64: f64 = 1e-12;
/// Relative tolerance for values that MXNet computes in float32.
pub const FLOAT32: f64 = 2e-6;

pub fn close(got: f64, expected: f64, tolerance: f64) -> bool {
    got == expected
        || (got.is_nan() && expected.is_nan())
        || (got - expected).abs() <= tolerance * got.abs().max(expected.abs())
}

/// Asserts that two documents have the same structure and text, and numbers within a relative tolerance.
#[track_caller]
pub fn assert_alike(got: &Value, expected: &Value, tolerance: f64) {
    fn walk(got: &Value, expected: &Value, tolerance: f64, path: &str) -> Result<(), String> {
        match (got, expected) {
            (Value::Number(a), Value::Number(b)) => {
                let (a, b) = (a.as_f64().unwrap_or(f64::NAN), b.as_f64().unwrap_or(f64::NAN));
                close(a, b, tolerance).then_some(()).ok_or_else(|| format!("{path}: got {a}, expected {b}"))
            }
            (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
                a.iter().zip(b).enumerate().try_for_each(|(i, (a, b))| walk(a, b, tolerance, &format!("{path}[{i}]")))
            }
            (Value::Object(a), Value::Object(b)) if a.len() == b.len() => b.iter().try_for_each(|(key, b)| {
                let a = a.get(key).ok_or_else(|| format!("{path}.{key} is missing"))?;
                walk(a, b, tolerance, &format!("{path}.{key}"))
            }),
            (a, b) if a == b => Ok(()),
            (a, b) => Err(format!("{path}: got {a}, expected {b}")),
        }
    }
    if let Err(difference) = walk(got, expected, tolerance, "$") {
        panic!("{difference}");
    }
}
