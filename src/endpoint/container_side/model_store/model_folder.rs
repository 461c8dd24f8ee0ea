//! The folder of unpacked models.

use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::error::{Cause, Error, Result};
use crate::platform::fetch::DOWNLOAD_PREFIX;

/// The name prefix of models that are to be deleted.
const DELETED_PREFIX: &str = "deleted-";

/// The folder of unpacked models, like `/opt/ml/models` on SageMaker: `<id>/model` for each.
#[derive(Debug)]
pub struct ModelFolder {
    /// Its path.
    path: PathBuf,
    /// Its path in the container.
    container_root: String,
}

impl ModelFolder {
    /// The path of the folder within the endpoint's `state_dir`.
    pub fn path_in(state_dir: &Path) -> PathBuf {
        state_dir.join("models")
    }

    /// Opens the folder within the endpoint's `state_dir`, and deletes the models that an earlier endpoint left there,
    /// since their age and use are unknown.
    ///
    /// # Errors
    /// If the path is not Unicode (containers get it in JSON), or something cannot be deleted.
    pub fn open_deleting_leftovers(state_dir: &Path) -> Result<ModelFolder> {
        let path = ModelFolder::path_in(state_dir);
        let Some(container_root) = path.to_str().map(str::to_owned) else {
            let message = format!("state dir {}: not a Unicode path", state_dir.display());
            return Err(Error::new(Cause::BadSetting, message));
        };
        for entry in std::fs::read_dir(&path).into_iter().flatten().flatten() {
            if entry.file_name().to_str().is_some_and(is_leftover) {
                let path = entry.path();
                let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                let removed = if is_folder { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
                removed.map_err(|error| Error::io("remove", &path, error))?;
            }
        }
        Ok(ModelFolder { path, container_root })
    }

    /// The same folder for a container that has it mounted at another path.
    #[must_use]
    pub fn mounted_at(self, place: &str) -> ModelFolder {
        ModelFolder { container_root: place.trim_end_matches('/').to_owned(), ..self }
    }

    /// The folder into which a model is unpacked.
    pub(in super::super) fn model_dir(&self, id: &str) -> PathBuf {
        self.path.join(id).join("model")
    }

    /// The path of a model in the container.
    pub(in super::super) fn container_path(&self, id: &str) -> String {
        format!("{}/{id}/model", self.container_root)
    }

    /// A fresh path for a model that is to be deleted.
    pub(in super::super) fn scratch_path(&self) -> PathBuf {
        self.path.join(format!("{DELETED_PREFIX}{}", Uuid::new_v4().simple()))
    }

    /// Moves a model away so that it can be deleted; returns its new path.
    pub(in super::super) fn move_to_scratch(&self, id: &str) -> std::io::Result<PathBuf> {
        let aside = self.scratch_path();
        std::fs::rename(self.path.join(id), &aside)?;
        Ok(aside)
    }
}

/// Whether this is a name that an endpoint uses in its folder of models.
fn is_leftover(name: &str) -> bool {
    let is_id = name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id || name.starts_with(DOWNLOAD_PREFIX) || name.starts_with(DELETED_PREFIX)
}

/// The id of a model in a container: 32 hexadecimal digits that depend only on the model's URL, so that a restarted
/// endpoint recognizes its models in a container that kept running.
pub(in super::super) fn model_id(url: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, url.as_bytes()).simple().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_leftovers_of_an_earlier_endpoint_are_deleted() {
        let state = tempfile::tempdir().unwrap();
        let models = state.path().join("models");
        let id = model_id("s3://bucket/models/a.tar.gz");
        std::fs::create_dir_all(models.join(&id).join("model")).unwrap();
        std::fs::create_dir_all(models.join("mine")).unwrap();
        std::fs::write(models.join("download-x"), "half").unwrap();
        ModelFolder::open_deleting_leftovers(state.path()).unwrap();
        let left: Vec<_> = std::fs::read_dir(&models).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["mine"]);
    }

    #[test]
    fn a_container_may_see_the_folder_at_another_path() {
        let folder = ModelFolder::open_deleting_leftovers(Path::new("/state")).unwrap();
        assert_eq!(
            (folder.model_dir("a").to_str(), folder.container_path("a").as_str()),
            (Some("/state/models/a/model"), "/state/models/a/model")
        );
        let folder = folder.mounted_at("/opt/ml/models/");
        assert_eq!(
            (folder.model_dir("a").to_str(), folder.container_path("a").as_str()),
            (Some("/state/models/a/model"), "/opt/ml/models/a/model")
        );
    }
}
