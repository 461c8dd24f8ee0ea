//! The training contract: the `/opt/ml` tree from hyperparameters to model, exit code and failure file; or the same job
//! over files that the command line names ([`Task`]).
//!
//! docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo.html. This module knows files, channels, log
//! lines and signals; [`byoc_linear_learner::train`] and [`byoc_sklearn`] compute. A job whose hyperparameters or
//! channels hold the specification of a preprocessor is a `preprocessor_job`, any other a `linear_learner_job`.

mod channel;
mod linear_learner_job;
mod output;
mod preprocessor_job;
mod report;
mod stop_flag;
mod task;
mod tree;

use crate::error::Result;
use tree::failure_file;

pub use output::Output;
pub use preprocessor_job::PREPROCESSOR;
pub use task::{Files, Task};

/// How a job runs.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its hyperparameters and channels.
    pub task: Task,
    /// The destination of the model.
    pub output: Output,
    /// Number of threads that compute.
    pub threads: usize,
    /// Bytes of training data that may be kept in memory.
    pub memory: u64,
    /// Bytes of memory that the process may use in all.
    pub all_memory: u64,
    /// Whether to report to a person at a terminal; otherwise log lines are written.
    pub is_interactive: bool,
}

/// Runs the job and writes the model.
///
/// # Errors
/// Why the job failed. The reason is also in the failure file if the task is a tree.
pub fn run(config: &Config) -> Result<()> {
    let tree = config.task.tree();
    tree.iter().for_each(failure_file::remove);
    let done = match preprocessor_job::find(&config.task) {
        Ok(Some(job)) => job.run(config),
        Ok(None) => linear_learner_job::run(config),
        Err(error) => Err(error),
    };
    done.inspect_err(|error| tree.iter().for_each(|tree| failure_file::write(tree, error)))
}
