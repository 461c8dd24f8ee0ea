//! SageMaker's linear learner: a linear model in float32, as MXNet computes it.

pub mod train;
