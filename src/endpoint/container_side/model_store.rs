//! Where artifacts come from and where they are unpacked to.

use std::fs::File;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::target_model::TargetModel;
use crate::artifact::targz::{self, Limits};
use crate::endpoint::config::ModelDataUrl;
use crate::error::{Cause, Error, Result};

/// The artifacts under a multi-model container's ModelDataUrl, in a folder of this machine.
#[derive(Debug)]
pub struct ModelStore {
    prefix: ModelDataUrl,
}

impl ModelStore {
    /// The artifacts under a prefix.
    pub fn new(prefix: ModelDataUrl) -> ModelStore {
        ModelStore { prefix }
    }

    /// A TargetModel's place as the platform would say it: prefix and TargetModel together.
    pub fn url(&self, target_model: &TargetModel) -> String {
        format!("{}/{}", self.prefix.as_written.trim_end_matches('/'), target_model.as_str())
    }

    /// The archive of a TargetModel, if there is one: a file that lies under the prefix also once links are followed.
    pub(super) fn find(&self, target_model: &TargetModel) -> Option<PathBuf> {
        let prefix = self.prefix.path.canonicalize().ok()?;
        let archive = prefix.join(target_model.as_str()).canonicalize().ok()?;
        (archive.starts_with(&prefix) && archive.is_file()).then_some(archive)
    }
}

/// The folder in which models lie unpacked, as `/opt/ml/models` on the platform: `<id>/model` for each.
#[derive(Debug)]
pub struct ModelFolder(String);

impl ModelFolder {
    /// The models of the endpoint whose state is in `state_dir`.
    ///
    /// # Errors
    /// When the path is no text: containers are told it in JSON.
    pub fn of(state_dir: &Path) -> Result<ModelFolder> {
        let folder = state_dir.join("models");
        match folder.to_str() {
            Some(folder) => Ok(ModelFolder(folder.to_owned())),
            None => {
                Err(Error::new(Cause::BadSetting, format!("state dir {}: not a Unicode path", state_dir.display())))
            }
        }
    }

    /// Where a model lies, as the container is told it.
    pub(super) fn model(&self, id: &str) -> String {
        format!("{}/{id}/model", self.0)
    }
}

/// The id under which a container knows a model: 32 hexadecimal digits that depend on the model's place only, so that an
/// endpoint that is started again finds its own models in a container that went on.
pub(super) fn model_id(url: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, url.as_bytes()).simple().to_string()
}

/// Unpacks an artifact into a folder, in place of what an earlier endpoint left there.
///
/// # Errors
/// When the archive is no model archive, or a file cannot be read or written.
pub(super) fn unpack_model(archive: &Path, into: &Path) -> Result<()> {
    match std::fs::remove_dir_all(into) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Error::io("remove", into, &error)),
        _ => {}
    }
    if let Some(parent) = into.parent() {
        std::fs::create_dir_all(parent).map_err(|error| Error::io("make the folder", parent, &error))?;
    }
    let archive = File::open(archive).map_err(|error| Error::io("open", archive, &error))?;
    targz::unpack(archive, into, &Limits::default())?;
    Ok(())
}
