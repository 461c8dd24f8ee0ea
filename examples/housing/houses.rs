//! Houses of ten cities, generated as in the notebook of AWS's walk-through, and a model for each city.
//!
//! The workload is that of "Using Amazon SageMaker inference pipelines with multi-model endpoints" (AWS, October 2020).

use std::sync::Arc;

use byoc_linear_learner::train::{Channels, FeatureMatrix, Given, Hyperparameters, Rows, Run, Trained, fit};

pub const CITIES: [&str; 10] = [
    "NewYork_NY",
    "LosAngeles_CA",
    "Chicago_IL",
    "Houston_TX",
    "Dallas_TX",
    "Phoenix_AZ",
    "Philadelphia_PA",
    "SanAntonio_TX",
    "SanDiego_CA",
    "SanFrancisco_CA",
];
const HOUSES: usize = 1000;
const MINI_BATCH: usize = 100;

#[derive(Clone, Copy, Debug)]
pub struct House {
    /// Year built, square feet, bedrooms, bathrooms, acres, garage spaces.
    pub numbers: [f64; 6],
    pub front_porch: bool,
    pub deck: bool,
}

impl House {
    /// The formula that generates the price. The deck has no effect.
    pub fn price(&self) -> f64 {
        let [year, feet, bedrooms, bathrooms, acres, garages] = self.numbers;
        let porch = if self.front_porch { 20_000.0 } else { 0.0 };
        (150.0 * feet + 10_000.0 * bedrooms + 15_000.0 * bathrooms + 15_000.0 * acres + porch + 15_000.0 * garages
            - 5_000.0 * (2019.0 - year))
            .trunc()
    }
}

/// Pseudo-random numbers, always the same.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        mean + deviation * radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// A whole number from `low` to `high`.
    fn whole(&mut self, low: f64, high: f64) -> f64 {
        low + (self.uniform() * (high - low + 1.0)).floor()
    }
}

/// The houses of a city.
pub fn houses(city: usize) -> Vec<House> {
    let mut random = Random(city as u64 + 1);
    let house = |_| House {
        numbers: [
            random.normal(1995.0, 10.0).trunc().min(2019.0),
            random.normal(3000.0, 750.0).trunc(),
            random.whole(2.0, 6.0),
            random.whole(2.0, 6.0) / 2.0,
            (random.normal(1.0, 0.25) * 100.0).round() / 100.0,
            random.whole(0.0, 3.0),
        ],
        front_porch: random.uniform() < 0.5,
        deck: random.uniform() < 0.5,
    };
    (0..HOUSES).map(house).collect()
}

/// StandardScaler on the six numbers, OneHotEncoder on the two answers: ten features.
pub struct Preprocessor {
    means: [f64; 6],
    deviations: [f64; 6],
}

impl Preprocessor {
    pub fn fit(houses: &[House]) -> Preprocessor {
        let count = houses.len() as f64;
        let mean = |of: &dyn Fn(&House) -> f64| houses.iter().map(of).sum::<f64>() / count;
        let means: [f64; 6] = std::array::from_fn(|at| mean(&|house| house.numbers[at]));
        let deviations = std::array::from_fn(|at| mean(&|house| (house.numbers[at] - means[at]).powi(2)).sqrt());
        Preprocessor { means, deviations }
    }

    pub fn transform(&self, house: &House) -> [f32; 10] {
        let mut features = [0.0; 10];
        for (at, feature) in features.iter_mut().take(6).enumerate() {
            *feature = ((house.numbers[at] - self.means[at]) / self.deviations[at]) as f32;
        }
        features[if house.front_porch { 7 } else { 6 }] = 1.0;
        features[if house.deck { 9 } else { 8 }] = 1.0;
        features
    }
}

/// A city's preprocessor and model.
pub struct City {
    pub preprocessor: Preprocessor,
    pub model: Trained,
    /// A tenth of the houses, on which neither was fitted.
    pub test: Vec<House>,
}

impl City {
    /// Fits the preprocessor on nine tenths of the houses. Seven tenths of these train the model and the rest validate
    /// it, with the hyperparameters of the walk-through.
    pub fn train(city: usize, refine: bool) -> City {
        let houses = houses(city);
        let (known, test) = houses.split_at(HOUSES * 9 / 10);
        let preprocessor = Preprocessor::fit(known);
        let (train, validation) = known.split_at(known.len() * 7 / 10);
        let rows = |houses: &[House]| {
            vec![Arc::new(Rows {
                width: 10,
                labels: houses.iter().map(|house| house.price() as f32).collect(),
                features: FeatureMatrix::Dense(houses.iter().flat_map(|house| preprocessor.transform(house)).collect()),
            })]
        };
        let given: Given = [
            ("feature_dim", "10"),
            ("mini_batch_size", &MINI_BATCH.to_string()),
            ("predictor_type", "regressor"),
            ("epochs", "10"),
            ("num_models", "32"),
            ("loss", "absolute_loss"),
            ("refine", if refine { "true" } else { "false" }),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let given = Hyperparameters::parse(&given).expect("the walk-through's hyperparameters");
        let (mut train, mut validation) = (rows(train), rows(validation));
        let channels = Channels { train: &mut train, validation: Some(&mut validation), test: None };
        let run = Run { threads: 2, memory: u64::MAX, stop: &|| false, tell: &mut |_| {} };
        let model = fit(&given, channels, run).expect("good data");
        City { preprocessor, model, test: test.to_vec() }
    }

    pub fn predict(&self, house: &House) -> f64 {
        let features = self.preprocessor.transform(house);
        let weights = &self.model.weights;
        let sum: f64 = features.iter().zip(&weights.weights).map(|(x, w)| f64::from(*x) * f64::from(*w)).sum();
        sum + f64::from(weights.bias[0])
    }

    /// The mean and the largest absolute error of the predictions for the test houses, in dollars.
    pub fn errors(&self) -> (f64, f64) {
        let errors: Vec<f64> = self.test.iter().map(|house| (self.predict(house) - house.price()).abs()).collect();
        (errors.iter().sum::<f64>() / errors.len() as f64, errors.iter().copied().fold(0.0, f64::max))
    }
}

/// A house for which AWS's walk-through prints a prediction.
pub struct SeedHouse {
    pub city: usize,
    pub house: House,
    pub aws_price: f64,
}

/// The eleven houses of the walk-through's output.
pub fn seed_houses() -> Vec<SeedHouse> {
    let text = include_str!("../../tests/fixtures/housing/seed_houses.csv");
    let seed_house = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |at: usize| cells[at].parse::<f64>().expect("a number");
        SeedHouse {
            city: CITIES.iter().position(|city| *city == cells[0]).expect("one of the ten cities"),
            house: House {
                numbers: std::array::from_fn(|at| number(at + 1)),
                front_porch: cells[7] == "y",
                deck: cells[8] == "y",
            },
            aws_price: number(9),
        }
    };
    text.lines().skip(1).map(seed_house).collect()
}
