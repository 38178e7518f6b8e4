/// Where `f` is 0 between two points at which its signs differ, to `tolerance` of the point's own size; where they do not
/// differ, the end at which it is nearer to 0. Chandrupatla's method: inverse quadratic interpolation where three points are
/// well placed for it, else halving, so that a smooth function takes a handful of steps.
///
/// Chandrupatla (1997), Advances in Engineering Software 28; Scherer (2010), Computational Physics, section 6.1.7.
pub(super) fn root((one, other): (f64, f64), tolerance: f64, f: impl Fn(f64) -> f64) -> f64 {
    struct Point {
        x: f64,
        y: f64,
    }
    let point = |x: f64| Point { x, y: f(x) };
    let same_sign = |a: &Point, b: &Point| (a.y > 0.0) == (b.y > 0.0);
    let nearer = |a: &Point, b: &Point| if a.y.abs() < b.y.abs() { a.x } else { b.x };
    // the root is between a and b; c was one of them before
    let (mut a, mut b) = (point(one), point(other));
    if same_sign(&a, &b) {
        return nearer(&a, &b);
    }
    let mut part = 0.5;
    for _ in 0..200 {
        let next = point(a.x + part * (b.x - a.x));
        let c = if same_sign(&next, &a) {
            std::mem::replace(&mut a, next)
        } else {
            std::mem::replace(&mut b, std::mem::replace(&mut a, next))
        };
        let best = nearer(&a, &b);
        let least = tolerance * best.abs() / (b.x - a.x).abs();
        let apart = least < 0.5;
        if a.y == 0.0 || !apart {
            return best;
        }
        let (xi, phi) = ((a.x - b.x) / (c.x - b.x), (a.y - b.y) / (c.y - b.y));
        part = if phi * phi < xi && (1.0 - phi).powi(2) < 1.0 - xi {
            a.y / (b.y - a.y) * (c.y / (b.y - c.y))
                + (c.x - a.x) / (b.x - a.x) * (a.y / (c.y - a.y)) * (b.y / (c.y - b.y))
        } else {
            0.5
        };
        part = part.clamp(least, 1.0 - least);
    }
    nearer(&a, &b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn smooth_functions_take_few_steps_and_steep_ones_end() {
        let steps = Cell::new(0);
        type Case = (fn(f64) -> f64, (f64, f64), f64, u32);
        let cases: [Case; 5] = [
            (|x| x * x - 2.0, (0.0, 2.0), 2.0_f64.sqrt(), 12),
            (|x| x.exp() - 1e-6, (-40.0, 3.0), (1e-6_f64).ln(), 20),
            (|x| 1.0 / x - 1e5, (0.0, 1.0), 1e-5, 45),
            (|x| if x < 0.3 { -1.0 } else { 1.0 }, (0.0, 1.0), 0.3, 60),
            // no root: the nearer end
            (|x| x + 1.0, (0.0, 2.0), 0.0, 2),
        ];
        for (f, ends, expected, most) in cases {
            steps.set(0);
            let found = root(ends, 1e-13, |x| {
                steps.set(steps.get() + 1);
                f(x)
            });
            assert!((found - expected).abs() <= 1e-12 * expected.abs(), "{found} is not {expected}");
            assert!(steps.get() <= most, "{} steps to {expected}", steps.get());
        }
    }
}
