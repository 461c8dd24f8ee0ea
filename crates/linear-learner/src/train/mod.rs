//! Training a linear model: SageMaker's own algorithm, and one exact solution more.
//!
//! [`fit()`] is the whole run; each file beside it is one of its parts. This room computes: it knows nothing of channels'
//! files and formats, of log lines, of artifacts or of signals.

mod calibration;
mod candidate;
mod elementary;
mod fit;
mod folded;
mod group;
mod hyperparameters;
mod initial;
mod judge;
mod kernel;
mod loss;
mod memory;
mod metrics;
mod optimizer;
mod refine;
mod rows;
mod scaler;
mod stopping;

pub use candidate::{Candidate, Schedule, candidates};
pub use fit::{Channels, Epoch, Event, Run, Trained, fit};
pub use folded::Weights;
pub use hyperparameters::{
    Criterion, DEFAULTS, Given, Hyperparameters, Initial, PositiveWeight, PredictorType, names as hyperparameter_names,
};
pub use loss::Loss;
pub use metrics::Metric;
pub use optimizer::Optimizer;
pub use rows::{Features, Pass, Rows, Source};
pub use scaler::{Scaler, Scaling};
pub use stopping::Verdict;
