//! The training contract: the `/opt/ml` tree from hyperparameters to model, exit code and failure file; or the same job over
//! files that the command line names (`task`).
//!
//! docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo.html. This room knows files, channels, log lines and
//! signals; what is computed is [`byoc_linear_learner::train`]'s, or [`byoc_sklearn`]'s: a job that has a specification
//! of a preprocessor is `preprocessor_job`'s.

mod beside;
mod channel;
mod csv;
mod destination;
mod failure;
mod header_line;
mod job;
mod lines;
mod place;
mod preprocessor_job;
mod recordio;
mod report;
mod screen;
mod settings;
mod source;
mod stop;
mod streams;
mod table_source;
mod task;
mod tree;

pub use destination::Output;
pub use job::{Config, run};
pub use task::{Files, Task};
