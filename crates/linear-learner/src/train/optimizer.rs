//! Adam, SGD with momentum and RMSProp as in MXNet, for all models of a group at once.
//!
//! Parameters are (features + 1) × columns, the bias last. Formulas: github.com/apache/mxnet,
//! `python/mxnet/optimizer/optimizer.py` and `src/operator/optimizer_op-inl.h`.

use multiversion::multiversion;

/// An optimizer and its constants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Optimizer {
    /// Running means of the gradient and of its square, with bias correction.
    Adam {
        /// The decay rate of the mean.
        beta_1: f32,
        /// The decay rate of the mean of squares.
        beta_2: f32,
    },
    /// The gradient, plus a fraction of the last step.
    Sgd {
        /// The fraction of the last step.
        momentum: f32,
    },
    /// The gradient divided by the root of the running mean of its square.
    RmsProp,
}

/// MXNet's `epsilon` of Adam and RMSProp.
const EPSILON: f32 = 1e-8;
/// MXNet's `gamma1` of RMSProp.
const RMSPROP_DECAY: f32 = 0.9;

impl Optimizer {
    /// The hyperparameter `optimizer` that names it.
    pub fn name(self) -> &'static str {
        match self {
            Optimizer::Adam { .. } => "adam",
            Optimizer::Sgd { .. } => "sgd",
            Optimizer::RmsProp => "rmsprop",
        }
    }
}

/// The state of an optimizer between updates.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    optimizer: Optimizer,
    updates: u64,
    /// Adam's mean, or SGD's last step.
    first: Vec<f32>,
    /// The mean of squares.
    second: Vec<f32>,
}

impl Memory {
    pub(super) fn new(optimizer: Optimizer, parameters: usize) -> Memory {
        let (first, second) = match optimizer {
            Optimizer::Adam { .. } => (parameters, parameters),
            Optimizer::Sgd { .. } => (parameters, 0),
            Optimizer::RmsProp => (0, parameters),
        };
        Memory { optimizer, updates: 0, first: vec![0.0; first], second: vec![0.0; second] }
    }

    /// Begins an update and returns the optimizer's factor for all learning rates in it.
    pub(super) fn begin(&mut self) -> f64 {
        self.updates += 1;
        match self.optimizer {
            Optimizer::Adam { beta_1, beta_2 } => {
                let left = |beta: f32| 1.0 - f64::from(beta).powf(self.updates as f64);
                left(beta_2).sqrt() / left(beta_1)
            }
            _ => 1.0,
        }
    }

    /// Updates one row of parameters, of a feature or the bias, by its gradient, with a learning rate for each
    /// column.
    pub(super) fn step(&mut self, row: usize, parameters: &mut [f32], gradient: &[f32], rates: &[f32]) {
        let place = row * rates.len()..(row + 1) * rates.len();
        let first = self.first.get_mut(place.clone()).unwrap_or_default();
        let second = self.second.get_mut(place).unwrap_or_default();
        match self.optimizer {
            Optimizer::Adam { beta_1, beta_2 } => adam(parameters, gradient, rates, first, second, beta_1, beta_2),
            Optimizer::Sgd { momentum } => sgd(parameters, gradient, rates, first, momentum),
            Optimizer::RmsProp => rmsprop(parameters, gradient, rates, second),
        }
    }
}

#[multiversion(targets("x86_64+avx2+fma"))]
fn adam(
    parameters: &mut [f32],
    gradient: &[f32],
    rates: &[f32],
    means: &mut [f32],
    squares: &mut [f32],
    beta_1: f32,
    beta_2: f32,
) {
    let state = means.iter_mut().zip(squares);
    for (((parameter, &gradient), &rate), (mean, square)) in parameters.iter_mut().zip(gradient).zip(rates).zip(state) {
        *mean = beta_1 * *mean + (1.0 - beta_1) * gradient;
        *square = beta_2 * *square + (1.0 - beta_2) * gradient * gradient;
        *parameter -= rate * *mean / (square.sqrt() + EPSILON);
    }
}

#[multiversion(targets("x86_64+avx2+fma"))]
fn sgd(parameters: &mut [f32], gradient: &[f32], rates: &[f32], steps: &mut [f32], momentum: f32) {
    for (((parameter, &gradient), &rate), step) in parameters.iter_mut().zip(gradient).zip(rates).zip(steps) {
        *step = momentum * *step - rate * gradient;
        *parameter += *step;
    }
}

#[multiversion(targets("x86_64+avx2+fma"))]
fn rmsprop(parameters: &mut [f32], gradient: &[f32], rates: &[f32], squares: &mut [f32]) {
    for (((parameter, &gradient), &rate), square) in parameters.iter_mut().zip(gradient).zip(rates).zip(squares) {
        *square = RMSPROP_DECAY * *square + (1.0 - RMSPROP_DECAY) * gradient * gradient;
        *parameter -= rate * gradient / (*square + EPSILON).sqrt();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reference implementation, one parameter at a time in float64.
    fn twin(optimizer: Optimizer, start: f64, gradients: &[f64], rate: f64) -> f64 {
        let (mut parameter, mut first, mut second) = (start, 0.0, 0.0);
        for (before, &gradient) in gradients.iter().enumerate() {
            let updates = before as i32 + 1;
            match optimizer {
                Optimizer::Adam { beta_1, beta_2 } => {
                    let (beta_1, beta_2) = (f64::from(beta_1), f64::from(beta_2));
                    first = beta_1 * first + (1.0 - beta_1) * gradient;
                    second = beta_2 * second + (1.0 - beta_2) * gradient * gradient;
                    let corrected = rate * (1.0 - beta_2.powi(updates)).sqrt() / (1.0 - beta_1.powi(updates));
                    parameter -= corrected * first / (f64::sqrt(second) + 1e-8);
                }
                Optimizer::Sgd { momentum } => {
                    first = f64::from(momentum) * first - rate * gradient;
                    parameter += first;
                }
                Optimizer::RmsProp => {
                    second = 0.9 * second + 0.1 * gradient * gradient;
                    parameter -= rate * gradient / (second + 1e-8).sqrt();
                }
            }
        }
        parameter
    }

    #[test]
    fn each_optimizer_moves_every_column_by_its_own_rate() {
        let gradients = [0.5, -1.0, 0.25, 2.0, -0.125, 0.0625];
        let rates = [0.1, 0.01, 0.5, 0.003, 0.2, 0.04, 0.02, 0.3];
        for optimizer in [
            Optimizer::Adam { beta_1: 0.9, beta_2: 0.999 },
            Optimizer::Sgd { momentum: 0.9 },
            Optimizer::Sgd { momentum: 0.0 },
            Optimizer::RmsProp,
        ] {
            let mut memory = Memory::new(optimizer, 16);
            let mut parameters = [0.75_f32; 8];
            for gradient in gradients {
                let factor = memory.begin();
                let rates = rates.map(|rate: f64| (rate * factor) as f32);
                memory.step(1, &mut parameters, &[gradient as f32; 8], &rates);
            }
            for (parameter, rate) in parameters.into_iter().zip(rates) {
                let expected = twin(optimizer, 0.75, &gradients, rate);
                assert!((f64::from(parameter) - expected).abs() < 1e-5, "{optimizer:?} {parameter} {expected}");
            }
        }
    }
}
