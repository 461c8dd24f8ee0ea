use super::super::rows::{FeatureMatrix, Rows};
use super::*;
use std::sync::Arc;

/// Pseudo-random numbers with a fixed seed.
fn noise(seed: u32) -> impl FnMut() -> f64 {
    let mut state = seed | 1;
    move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / 8_388_608.0 - 1.0
    }
}

const WIDTH: usize = 5;

/// Rows in two blocks with a constant last feature, and labels that a linear model partly explains.
fn rows(count: usize, classes: usize) -> Vec<Arc<Rows>> {
    let mut random = noise(7);
    let mut values = Vec::new();
    let mut labels = Vec::new();
    for _ in 0..count {
        let row: Vec<f64> =
            (0..WIDTH).map(|at| if at + 1 == WIDTH { 3.0 } else { random() * (at + 1) as f64 }).collect();
        let score = row[0] - 0.5 * row[1] + 0.25 * row[2] + random();
        labels.push(match classes {
            0 => (score * 3.0 + 10.0) as f32,
            classes => ((score + 1.5) * classes as f64 / 3.0).clamp(0.0, classes as f64 - 1.0).floor() as f32,
        });
        values.extend(row.iter().map(|&value| value as f32));
    }
    let half = count / 2;
    [0..half, half..count]
        .map(|range| {
            let features = FeatureMatrix::Dense(values[range.start * WIDTH..range.end * WIDTH].to_vec());
            Arc::new(Rows { width: WIDTH, labels: labels[range].to_vec(), features })
        })
        .to_vec()
}

fn scaler(rows: &[Arc<Rows>], regressor: bool) -> Scaler {
    let all = super::super::scaler::Scaling {
        normalize_data: true,
        unbias_data: true,
        normalize_label: regressor,
        unbias_label: regressor,
    };
    Scaler::measure(rows, 10, 1_000_000, all)
}

fn objective(loss: Loss, outputs: usize) -> Objective {
    Objective {
        loss,
        outputs,
        wd: 1e-3,
        l1: 0.0,
        use_bias: true,
        bias_wd: 0.0,
        positive_weight: 1.0,
        class_weights: None,
    }
}

fn solved(objective: &Objective, scaler: &Scaler, rows: &mut Vec<Arc<Rows>>) -> Vec<f64> {
    let (mut passes, mut told) = (0, f64::NAN);
    let mut tell = |event: Event<'_>| {
        if let Event::Refined { passes: now, objective } = event {
            (passes, told) = (now, objective);
        }
    };
    let mut run = Run { threads: 2, memory: u64::MAX, stop: &|| false, tell: &mut tell };
    let start = vec![0.01; (WIDTH + 1) * objective.outputs];
    let solution = solve(objective, scaler, &start, rows, &mut run).unwrap().unwrap();
    assert!(passes < MAX_PASSES, "{passes} passes");
    // The reported objective is the original one, not the smoothed one that is minimised.
    if objective.positive_weight == 1.0 && objective.class_weights.is_none() {
        let plain = value(objective, scaler, rows, &solution);
        assert!((told - plain).abs() < 1e-6, "{objective:?}: told {told}, and it is {plain}");
    }
    solution
}

/// A reference implementation of the objective: no smoothing, no blocks, no matrices.
fn value(objective: &Objective, scaler: &Scaler, rows: &[Arc<Rows>], point: &[f64]) -> f64 {
    let (mut total, mut count) = (0.0, 0.0);
    for block in rows {
        let FeatureMatrix::Dense(values) = &block.features else { panic!("dense rows") };
        for (row, &label) in values.chunks_exact(WIDTH).zip(&block.labels) {
            let score = |output: usize| {
                let weight = |feature: usize| point[feature * objective.outputs + output];
                let scaled = |feature: usize| {
                    (f64::from(row[feature]) - f64::from(scaler.means[feature])) * f64::from(scaler.inverses[feature])
                };
                (0..WIDTH).map(|feature| weight(feature) * scaled(feature)).sum::<f64>() + weight(WIDTH)
            };
            count += 1.0;
            total += if objective.loss == Loss::Softmax {
                let scores: Vec<f64> = (0..objective.outputs).map(score).collect();
                scores.iter().map(|score| score.exp()).sum::<f64>().ln() - scores[label as usize]
            } else {
                let label = (f64::from(label) - f64::from(scaler.label_mean)) / f64::from(scaler.label_deviation);
                objective.loss.at(score(0), label).0
            };
        }
    }
    let weights = &point[..WIDTH * objective.outputs];
    let squares: f64 = weights.iter().map(|weight| weight * weight).sum();
    let absolutes: f64 = weights.iter().map(|weight| weight.abs()).sum();
    total / count + 0.5 * objective.wd * squares + objective.l1 * absolutes
}

/// A convex function without a better point nearby, in any direction, has none anywhere.
fn assert_no_better_point_nearby(objective: &Objective, scaler: &Scaler, rows: &[Arc<Rows>], point: &[f64]) {
    let best = value(objective, scaler, rows, point);
    let mut random = noise(99);
    for size in [1.0, 0.1, 1e-2, 1e-3] {
        for _ in 0..40 {
            let other: Vec<f64> = point.iter().map(|at| at + size * random()).collect();
            let found = value(objective, scaler, rows, &other);
            assert!(found > best - 2e-8, "{objective:?}: {found} beats {best} at a distance of {size}");
        }
        for index in 0..point.len() {
            for side in [-size, size] {
                let mut other = point.to_vec();
                other[index] += side;
                let found = value(objective, scaler, rows, &other);
                assert!(found > best - 2e-8, "{objective:?}: {found} beats {best} along {index}");
            }
        }
    }
}

#[test]
fn no_regression_loss_has_a_better_point_nearby() {
    let mut data = rows(301, 0);
    let scaler = scaler(&data, true);
    for loss in [
        Loss::Squared,
        Loss::Absolute,
        Loss::Quantile(0.8),
        Loss::InsensitiveAbsolute(0.1),
        Loss::InsensitiveSquared(0.1),
        Loss::Huber(0.5),
    ] {
        for l1 in [0.0, 0.05] {
            let objective = Objective { l1, ..objective(loss, 1) };
            let point = solved(&objective, &scaler, &mut data);
            assert_no_better_point_nearby(&objective, &scaler, &data, &point);
        }
    }
}

#[test]
fn no_classification_loss_has_a_better_point_nearby() {
    let mut data = rows(301, 2);
    let binary = scaler(&data, false);
    for loss in [Loss::Logistic, Loss::Hinge(1.0)] {
        let point = solved(&objective(loss, 1), &binary, &mut data);
        assert_no_better_point_nearby(&objective(loss, 1), &binary, &data, &point);
    }
    let mut data = rows(301, 3);
    let multiclass = scaler(&data, false);
    let point = solved(&objective(Loss::Softmax, 3), &multiclass, &mut data);
    assert_no_better_point_nearby(&objective(Loss::Softmax, 3), &multiclass, &data, &point);
}

#[test]
fn l1_with_a_smooth_loss_takes_few_passes_over_the_data() {
    for (loss, classes, outputs) in [(Loss::Softmax, 6, 6), (Loss::Logistic, 2, 1), (Loss::Squared, 0, 1)] {
        let mut data = rows(301, classes);
        let scaler = scaler(&data, classes == 0);
        for (l1, wd) in [(1e-4, 0.0), (1e-3, 1e-3), (0.05, 1e-3), (10.0, 1e-3)] {
            let objective = Objective { l1, wd, ..objective(loss, outputs) };
            let mut passes = 0;
            let mut tell = |event: Event<'_>| {
                if let Event::Refined { passes: now, .. } = event {
                    passes = now;
                }
            };
            let mut run = Run { threads: 2, memory: u64::MAX, stop: &|| false, tell: &mut tell };
            let start = vec![0.01; (WIDTH + 1) * outputs];
            let point = solve(&objective, &scaler, &start, &mut data, &mut run).unwrap().unwrap();
            assert!(passes < 25, "{loss:?} {l1}: {passes} passes");
            assert_no_better_point_nearby(&objective, &scaler, &data, &point);
            if l1 == 10.0 {
                assert!(point.iter().take(WIDTH * outputs).all(|&weight| weight == 0.0), "{point:?}");
            }
        }
    }
}

#[test]
fn l1_sets_useless_weights_to_zero() {
    let mut data = rows(301, 0);
    let scaler = scaler(&data, true);
    let objective = Objective { l1: 0.1, ..objective(Loss::Squared, 1) };
    let point = solved(&objective, &scaler, &mut data);
    assert_eq!(point[WIDTH - 2], 0.0, "a feature that the label does not depend on");
    assert!(point[0].abs() > 0.05);
}

#[test]
fn a_model_without_bias_stays_without_bias() {
    let mut data = rows(301, 0);
    let scaler = scaler(&data, true);
    let objective = Objective { use_bias: false, ..objective(Loss::Squared, 1) };
    let mut tell = |_: Event<'_>| {};
    let mut run = Run { threads: 1, memory: u64::MAX, stop: &|| false, tell: &mut tell };
    let mut start = vec![0.01; WIDTH + 1];
    start[WIDTH] = 0.0;
    let point = solve(&objective, &scaler, &start, &mut data, &mut run).unwrap().unwrap();
    assert_eq!(point[WIDTH], 0.0);
}

#[test]
fn the_result_does_not_depend_on_the_number_of_threads() {
    let mut data = rows(1001, 2);
    let scaler = scaler(&data, false);
    let solve_with = |threads: usize, data: &mut Vec<Arc<Rows>>| {
        let mut tell = |_: Event<'_>| {};
        let mut run = Run { threads, memory: u64::MAX, stop: &|| false, tell: &mut tell };
        solve(&objective(Loss::Logistic, 1), &scaler, &[0.0; WIDTH + 1], data, &mut run).unwrap().unwrap()
    };
    assert_eq!(solve_with(1, &mut data), solve_with(3, &mut data));
}

#[test]
fn products_with_a_direction_equal_those_with_the_matrix_for_dense_and_sparse_rows() {
    for (loss, outputs, classes) in [(Loss::Logistic, 1, 2), (Loss::Softmax, 3, 3)] {
        let mut dense = rows(101, classes);
        let scaler = scaler(&dense, false);
        let mut sparse: Vec<Arc<Rows>> = dense
            .iter()
            .map(|block| {
                let FeatureMatrix::Dense(values) = &block.features else { panic!("dense rows") };
                let ends = (1..=block.len()).map(|row| row * WIDTH).collect();
                let keys = (0..values.len()).map(|at| (at % WIDTH) as u32).collect();
                let features = FeatureMatrix::Sparse { ends, keys, values: values.clone() };
                Arc::new(Rows { width: WIDTH, labels: block.labels.clone(), features })
            })
            .collect();
        let objective = objective(loss, outputs);
        let count = (WIDTH + 1) * outputs;
        let mut random = noise(3);
        let point: Vec<f64> = (0..count).map(|_| random()).collect();
        let direction: Vec<f64> = (0..count).map(|_| random()).collect();
        let pass = Pass::new(&objective, &scaler, &point, 1e-3, 2);
        let exact = pass.totals(&mut dense, Curvature::Matrix, &|| false).unwrap().unwrap();
        let entry = |row: usize, column: usize| exact.matrix[row.max(column) * count + row.min(column)];
        for data in [&mut dense, &mut sparse] {
            let image = pass.product(data, &direction, &|| false).unwrap().unwrap();
            let diagonal = pass.totals(data, Curvature::Diagonal, &|| false).unwrap().unwrap();
            assert!((diagonal.value - exact.value).abs() < 1e-9);
            for (row, image) in image.iter().enumerate() {
                let expected: f64 = (0..count).map(|column| entry(row, column) * direction[column]).sum();
                assert!((image - expected).abs() < 1e-9, "{loss:?} {row}: {image} {expected}");
                assert!((diagonal.diagonal[row] - entry(row, row)).abs() < 1e-9);
                assert!((diagonal.gradient[row] - exact.gradient[row]).abs() < 1e-9);
            }
        }
    }
}
