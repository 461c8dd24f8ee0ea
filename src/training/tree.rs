//! Where things lie in the tree (docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html).

use std::path::{Path, PathBuf};

/// The tree of a job.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    base: PathBuf,
}

impl Tree {
    pub(super) fn new(base: &Path) -> Tree {
        Tree { base: base.to_owned() }
    }

    pub(super) fn hyperparameters(&self) -> PathBuf {
        self.base.join("input/config/hyperparameters.json")
    }

    pub(super) fn input_data_config(&self) -> PathBuf {
        self.base.join("input/config/inputdataconfig.json")
    }

    pub(super) fn resource_config(&self) -> PathBuf {
        self.base.join("input/config/resourceconfig.json")
    }

    /// The folder of all channels.
    pub(super) fn data(&self) -> PathBuf {
        self.base.join("input/data")
    }

    /// The folder of a channel; in Pipe mode its FIFOs lie beside it, `<channel>_<epoch>`.
    pub(super) fn channel(&self, name: &str) -> PathBuf {
        self.data().join(name)
    }

    pub(super) fn failure(&self) -> PathBuf {
        self.base.join("output/failure")
    }
}
