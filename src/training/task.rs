//! Where a job finds its hyperparameters and channels: SageMaker's `/opt/ml` tree, or the command line.

use crate::error::{Cause, Error, Result};
use crate::training::channel::Channel;
use crate::training::tree::Tree;
use crate::training::tree::settings;
use byoc_linear_learner::train::Given;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The hyperparameters and channels of a job. Both forms make the same job.
#[derive(Clone, Debug)]
pub enum Task {
    /// From the tree below this folder, `/opt/ml` in SageMaker.
    Tree(PathBuf),
    /// From the command line.
    Files(Files),
}

/// A job on files in any folder.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// The hyperparameters, by name.
    pub hyperparameters: Given,
    /// The file or the folder of each channel, by the channel's name.
    pub channels: BTreeMap<String, PathBuf>,
    /// The content type of all channels.
    pub content_type: String,
}

impl Task {
    /// The file or folder of a channel.
    pub(super) fn channel(&self, name: &str) -> PathBuf {
        match self {
            Task::Tree(base) => Tree::new(base).channel(name),
            Task::Files(files) => files.channels.get(name).cloned().unwrap_or_default(),
        }
    }

    /// The tree, if the task is one: the failure file is written to it.
    pub(super) fn tree(&self) -> Option<Tree> {
        match self {
            Task::Tree(base) => Some(Tree::new(base)),
            Task::Files(_) => None,
        }
    }

    /// Where the hyperparameters were found, for the log.
    pub(super) fn source(&self) -> String {
        match self {
            Task::Tree(base) => Tree::new(base).hyperparameters().display().to_string(),
            Task::Files(_) => "the command line".to_owned(),
        }
    }

    pub(super) fn host(&self) -> Result<String> {
        match self {
            Task::Tree(base) => settings::host(&Tree::new(base)),
            Task::Files(_) => Ok(settings::ONLY_HOST.to_owned()),
        }
    }

    pub(super) fn hyperparameters(&self) -> Result<Given> {
        match self {
            Task::Tree(base) => settings::hyperparameters(&Tree::new(base)),
            Task::Files(files) => Ok(files.hyperparameters.clone()),
        }
    }

    /// The hyperparameters; none if their file is missing.
    pub(super) fn hyperparameters_or_none(&self) -> Result<Given> {
        match self {
            Task::Tree(base) => settings::hyperparameters_or_none(&Tree::new(base)),
            Task::Files(files) => Ok(files.hyperparameters.clone()),
        }
    }

    /// The channels of any job.
    pub(super) fn all_channels(&self) -> Result<BTreeMap<String, Channel>> {
        match self {
            Task::Tree(base) => settings::all_channels(&Tree::new(base)),
            Task::Files(files) => {
                let channel = |name: &String| (name.clone(), Channel::of_files(&files.content_type));
                Ok(files.channels.keys().map(channel).collect())
            }
        }
    }

    /// The channels of a linear learner.
    pub(super) fn channels(&self) -> Result<BTreeMap<String, Channel>> {
        match self {
            Task::Tree(base) => settings::channels(&Tree::new(base)),
            Task::Files(files) if files.channels.contains_key("train") => self.all_channels(),
            Task::Files(_) => Err(Error::new(Cause::BadSetting, "no data to train on: give --train")),
        }
    }
}
