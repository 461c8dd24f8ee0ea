//! Paths in the tree (docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html).

pub(super) mod failure_file;
pub(super) mod settings;

use std::path::{Path, PathBuf};

/// The tree of a job.
#[derive(Clone, Debug)]
pub(in crate::training) struct Tree {
    base: PathBuf,
}

impl Tree {
    pub(in crate::training) fn new(base: &Path) -> Tree {
        Tree { base: base.to_owned() }
    }

    pub(in crate::training) fn hyperparameters(&self) -> PathBuf {
        self.base.join("input/config/hyperparameters.json")
    }

    pub(in crate::training) fn input_data_config(&self) -> PathBuf {
        self.base.join("input/config/inputdataconfig.json")
    }

    pub(in crate::training) fn resource_config(&self) -> PathBuf {
        self.base.join("input/config/resourceconfig.json")
    }

    /// The folder of all channels.
    pub(in crate::training) fn data(&self) -> PathBuf {
        self.base.join("input/data")
    }

    /// The folder of a channel; in Pipe mode its FIFOs `<channel>_<epoch>` are beside it.
    pub(in crate::training) fn channel(&self, name: &str) -> PathBuf {
        self.data().join(name)
    }

    pub(in crate::training) fn failure(&self) -> PathBuf {
        self.base.join("output/failure")
    }
}
