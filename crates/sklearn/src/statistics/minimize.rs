//! Minima of functions of one variable, found by the same steps as scipy's (`scipy/optimize/_optimize.py`), so that
//! results are as close to scipy's as the rounding of the function allows.
//!
//! Both are Brent's method (R. P. Brent, "Algorithms for Minimization Without Derivatives", 1973, chapter 5).

/// scipy's tolerance, relative to the variable.
const TOLERANCE: f64 = 1.48e-8;
const MAX_STEPS: usize = 500;

/// The minimum of the function within bounds: `scipy.optimize.fminbound`.
pub(crate) fn within(function: impl Fn(f64) -> f64, low: f64, high: f64) -> f64 {
    let root_of_epsilon = 2.2e-16f64.sqrt();
    let golden = 0.5 * (3.0 - 5f64.sqrt());
    let (mut a, mut b) = (low, high);
    let mut third = a + golden * (b - a);
    let (mut second, mut best) = (third, third);
    let (mut step, mut before) = (0.0f64, 0.0f64);
    let mut at_best = function(best);
    let (mut at_second, mut at_third) = (at_best, at_best);
    let mut middle = 0.5 * (a + b);
    let tolerance = |best: f64| root_of_epsilon * best.abs() + TOLERANCE / 3.0;
    let mut near = tolerance(best);
    let mut calls = 1;
    while (best - middle).abs() > 2.0 * near - 0.5 * (b - a) {
        let mut is_golden = true;
        if before.abs() > near {
            let parabola = Parabola::through((best, at_best), (second, at_second), (third, at_third));
            let last = before;
            before = step;
            if parabola.p.abs() < (0.5 * parabola.q * last).abs()
                && parabola.p > parabola.q * (a - best)
                && parabola.p < parabola.q * (b - best)
            {
                is_golden = false;
                step = parabola.p / parabola.q;
                let tried = best + step;
                if tried - a < 2.0 * near || b - tried < 2.0 * near {
                    step = if middle - best < 0.0 { -near } else { near };
                }
            }
        }
        if is_golden {
            before = if best >= middle { a - best } else { b - best };
            step = golden * before;
        }
        let tried = best + if step < 0.0 { -1.0 } else { 1.0 } * step.abs().max(near);
        let at_tried = function(tried);
        calls += 1;
        if at_tried <= at_best {
            if tried >= best {
                a = best;
            } else {
                b = best;
            }
            (third, at_third) = (second, at_second);
            (second, at_second) = (best, at_best);
            (best, at_best) = (tried, at_tried);
        } else {
            if tried < best {
                a = tried;
            } else {
                b = tried;
            }
            if at_tried <= at_second || second == best {
                (third, at_third) = (second, at_second);
                (second, at_second) = (tried, at_tried);
            } else if at_tried <= at_third || third == best || third == second {
                (third, at_third) = (tried, at_tried);
            }
        }
        middle = 0.5 * (a + b);
        near = tolerance(best);
        if calls >= MAX_STEPS {
            break;
        }
    }
    best
}

/// The step to the lowest point of a parabola through three points is `p / q`.
struct Parabola {
    p: f64,
    q: f64,
}

impl Parabola {
    fn through(best: (f64, f64), second: (f64, f64), third: (f64, f64)) -> Parabola {
        let r = (best.0 - second.0) * (best.1 - third.1);
        let q = (best.0 - third.0) * (best.1 - second.1);
        let p = (best.0 - third.0) * q - (best.0 - second.0) * r;
        let q = 2.0 * (q - r);
        Parabola { p: if q > 0.0 { -p } else { p }, q: q.abs() }
    }
}

/// The minimum of the function, searched from two points: `scipy.optimize.brent`. `None` if the function is unbounded.
pub(crate) fn from(function: impl Fn(f64) -> f64, first: f64, second: f64) -> Option<f64> {
    const GOLDEN: f64 = 0.381_966_0;
    const LEAST: f64 = 1e-11;
    let [left, start, right] = bracket(&function, first, second)?;
    let (mut a, mut b) = if left.0 < right.0 { (left.0, right.0) } else { (right.0, left.0) };
    let (mut x, mut at_x) = start;
    let (mut w, mut at_w) = start;
    let (mut v, mut at_v) = start;
    let (mut delta, mut step) = (0.0f64, 0.0f64);
    for _ in 0..MAX_STEPS {
        let near = TOLERANCE * x.abs() + LEAST;
        let middle = 0.5 * (a + b);
        if (x - middle).abs() < 2.0 * near - 0.5 * (b - a) {
            break;
        }
        let golden = if x >= middle { a - x } else { b - x };
        if delta.abs() <= near {
            delta = golden;
            step = GOLDEN * delta;
        } else {
            let parabola = Parabola::through((x, at_x), (w, at_w), (v, at_v));
            let last = delta;
            delta = step;
            if parabola.p > parabola.q * (a - x)
                && parabola.p < parabola.q * (b - x)
                && parabola.p.abs() < (0.5 * parabola.q * last).abs()
            {
                step = parabola.p / parabola.q;
                let tried = x + step;
                if tried - a < 2.0 * near || b - tried < 2.0 * near {
                    step = if middle - x >= 0.0 { near } else { -near };
                }
            } else {
                delta = golden;
                step = GOLDEN * delta;
            }
        }
        let tried = if step.abs() >= near {
            x + step
        } else if step >= 0.0 {
            x + near
        } else {
            x - near
        };
        let at_tried = function(tried);
        if at_tried > at_x {
            if tried < x {
                a = tried;
            } else {
                b = tried;
            }
            if at_tried <= at_w || w == x {
                (v, at_v) = (w, at_w);
                (w, at_w) = (tried, at_tried);
            } else if at_tried <= at_v || v == x || v == w {
                (v, at_v) = (tried, at_tried);
            }
        } else {
            if tried >= x {
                a = x;
            } else {
                b = x;
            }
            (v, at_v) = (w, at_w);
            (w, at_w) = (x, at_x);
            (x, at_x) = (tried, at_tried);
        }
    }
    Some(x)
}

type Point = (f64, f64);

/// Three points, the middle one the lowest: `scipy.optimize.bracket`.
fn bracket(function: &impl Fn(f64) -> f64, first: f64, second: f64) -> Option<[Point; 3]> {
    const GOLDEN: f64 = 1.618_034;
    const TINY: f64 = 1e-21;
    const FARTHEST: f64 = 110.0;
    let point = |x: f64| (x, function(x));
    let (mut a, mut b) = (point(first), point(second));
    if a.1 < b.1 {
        std::mem::swap(&mut a, &mut b);
    }
    let mut c = point(b.0 + GOLDEN * (b.0 - a.0));
    for _ in 0..1000 {
        if c.1 >= b.1 || c.1.is_nan() {
            break;
        }
        let one = (b.0 - a.0) * (b.1 - c.1);
        let other = (b.0 - c.0) * (b.1 - a.1);
        let difference = other - one;
        let divisor = if difference.abs() < TINY { 2.0 * TINY } else { 2.0 * difference };
        let w = b.0 - ((b.0 - c.0) * other - (b.0 - a.0) * one) / divisor;
        let limit = b.0 + FARTHEST * (c.0 - b.0);
        let next = if (w - c.0) * (b.0 - w) > 0.0 {
            let found = point(w);
            if found.1 < c.1 {
                (a, b) = (b, found);
                break;
            }
            if found.1 > b.1 {
                c = found;
                break;
            }
            point(c.0 + GOLDEN * (c.0 - b.0))
        } else if (w - limit) * (limit - c.0) >= 0.0 {
            point(limit)
        } else if (w - limit) * (c.0 - w) > 0.0 {
            let found = point(w);
            if found.1 < c.1 {
                (b, c) = (c, found);
                // From the new end, by the distance of the old ends, as in scipy.
                point(found.0 + GOLDEN * (found.0 - b.0))
            } else {
                found
            }
        } else {
            point(c.0 + GOLDEN * (c.0 - b.0))
        };
        (a, b, c) = (b, c, next);
    }
    let is_lowest = b.1 < c.1 && b.1 <= a.1 || b.1 < a.1 && b.1 <= c.1;
    let is_between = a.0 < b.0 && b.0 < c.0 || c.0 < b.0 && b.0 < a.0;
    (is_lowest && is_between && [a.0, b.0, c.0].iter().all(|x| x.is_finite())).then_some([a, b, c])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_find_the_minimum() {
        for wanted in [-3.0, 0.0, 0.7, 5.5] {
            let function = |x: f64| (x - wanted) * (x - wanted) + 0.1 * (x - wanted).powi(4);
            assert!((within(function, -10.0, 10.0) - wanted).abs() < 1e-7);
            assert!((from(function, -2.0, 2.0).unwrap() - wanted).abs() < 1e-7);
        }
        assert_eq!(from(|x| -x, -2.0, 2.0), None);
    }
}
