//! Training of a linear model: SageMaker's own algorithm, and an exact solution in addition.
//!
//! [`fit()`] is the whole run; each file beside it is one of its parts. Nothing here knows the files and formats of
//! channels, log lines, artifacts or signals.

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
mod run;
mod scaler;
mod stopping;

pub use candidate::{Candidate, Schedule, candidates};
pub use fit::fit;
pub use folded::Weights;
pub use hyperparameters::{
    Criterion, DEFAULTS, Given, Hyperparameters, Initial, PositiveWeight, PredictorType, names as hyperparameter_names,
};
pub use loss::Loss;
pub use metrics::Metric;
pub use optimizer::Optimizer;
pub use rows::{FeatureMatrix, Pass, Rows, Source};
pub use run::{Channels, Epoch, Event, Run, Trained};
pub use scaler::{Scaler, Scaling};
pub use stopping::Verdict;
