//! Training 32 models on 1,000,000 × 100 float32, compared with the rate of this machine's matrix products.
//!
//! `cargo bench --bench training`. A row takes two products with the weights of all models, one for the scores and one
//! for the gradient: 4 · features · models operations. Their rate is compared with two rates of the crate
//! matrixmultiply on as many threads in the same run: that of large square matrices, which is the base of the ratio,
//! and that of the two products of a mini-batch in their own sizes.

#![allow(clippy::print_stdout, reason = "a bench prints its table")]

use std::sync::Arc;
use std::time::Instant;

use byoc_linear_learner::train::{Channels, Event, FeatureMatrix, Given, Hyperparameters, Rows, Run, fit};
use ndarray::Array2;

const ROWS: usize = 1_000_000;
const FEATURES: usize = 100;
const MODELS: usize = 32;
const BLOCK: usize = 20_000;

fn main() {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "{:<26} {:>8} {:>10} {:>10} {:>10} {:>12} {:>6}",
        "training", "threads", "GFlop/s", "square", "own sizes", "rows/s", "ratio"
    );
    for (predictor_type, loss) in
        [("regressor", "squared_loss"), ("regressor", "absolute_loss"), ("binary_classifier", "logistic")]
    {
        let mut rows = rows(predictor_type == "binary_classifier");
        for threads in [1, threads] {
            // The floor is measured before and after, each time for about as long as an epoch, so that other load on
            // the machine affects both.
            let before = square_products(threads);
            let own_sizes = products_of_a_batch(threads);
            let seconds = fastest_epoch(&mut rows, predictor_type, loss, threads);
            let floor = before.max(square_products(threads));
            let rate = (4 * ROWS * FEATURES * MODELS) as f64 / seconds;
            println!(
                "{:<26} {threads:>8} {:>10.1} {:>10.1} {:>10.1} {:>12.0} {:>6.2}",
                format!("{predictor_type} {loss}"),
                rate / 1e9,
                floor / 1e9,
                own_sizes / 1e9,
                ROWS as f64 / seconds,
                rate / floor
            );
        }
    }
}

/// Pseudo-random numbers, the same in every run.
fn rows(is_binary: bool) -> Vec<Arc<Rows>> {
    let mut state = 1_u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / 8_388_608.0 - 1.0
    };
    (0..ROWS / BLOCK)
        .map(|_| {
            let values: Vec<f32> = (0..BLOCK * FEATURES).map(|_| next()).collect();
            let score = |row: &[f32]| row.iter().enumerate().map(|(at, value)| value * (at % 7) as f32).sum::<f32>();
            let labels = values.chunks_exact(FEATURES).map(|row| match is_binary {
                true => f32::from(u8::from(score(row) > 0.0)),
                false => score(row),
            });
            Arc::new(Rows { width: FEATURES, labels: labels.collect(), features: FeatureMatrix::Dense(values) })
        })
        .collect()
}

/// The seconds of the fastest of ten epochs.
fn fastest_epoch(rows: &mut Vec<Arc<Rows>>, predictor_type: &str, loss: &str, threads: usize) -> f64 {
    let models = MODELS.to_string();
    let given: Given = [
        ("predictor_type", predictor_type),
        ("loss", loss),
        ("num_models", &models),
        ("epochs", "10"),
        ("early_stopping_patience", "10"),
        ("refine", "false"),
        ("binary_classifier_model_selection_criteria", "loss_function"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let given = Hyperparameters::parse(&given).expect("the bench's own hyperparameters");
    let (mut began, mut fastest) = (Instant::now(), f64::INFINITY);
    let mut tell = |event: Event<'_>| match event {
        Event::Prepared { .. } => began = Instant::now(),
        Event::Epoch(_) => {
            fastest = fastest.min(began.elapsed().as_secs_f64());
            began = Instant::now();
        }
        _ => {}
    };
    let channels = Channels { train: rows, validation: None, test: None };
    fit(&given, channels, Run { threads, memory: u64::MAX, stop: &|| false, tell: &mut tell })
        .expect("the bench's own data");
    fastest
}

/// Floating-point operations a second of products of square matrices, on all threads at the same time.
fn square_products(threads: usize) -> f64 {
    const SIZE: usize = 1024;
    let square = matrix(SIZE, SIZE);
    per_second(threads, 8, (2 * SIZE * SIZE * SIZE) as f64, || drop(std::hint::black_box(square.dot(&square))))
}

/// The same for the products of a mini-batch: rows × weights and rowsᵀ × slopes, each thread with its share of the
/// models.
fn products_of_a_batch(threads: usize) -> f64 {
    const BATCH: usize = 1000;
    let models = MODELS / threads;
    let (rows, weights, slopes) = (matrix(BATCH, FEATURES), matrix(FEATURES, models), matrix(BATCH, models));
    per_second(threads, 1000, (4 * BATCH * FEATURES * models) as f64, || {
        std::hint::black_box((rows.dot(&weights), rows.t().dot(&slopes)));
    })
}

fn matrix(rows: usize, columns: usize) -> Array2<f32> {
    Array2::from_shape_fn((rows, columns), |(row, column)| ((row * 7 + column) % 11) as f32)
}

/// Operations per second of all threads together, in the fastest of several turns of `times` runs in each thread.
fn per_second(threads: usize, times: usize, operations: f64, run: impl Fn() + Sync) -> f64 {
    const TURNS: usize = 5;
    let turn = || {
        let began = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| (0..times).for_each(|_| run()));
            }
        });
        (threads * times) as f64 * operations / began.elapsed().as_secs_f64()
    };
    (0..TURNS).map(|_| turn()).fold(0.0, f64::max)
}
