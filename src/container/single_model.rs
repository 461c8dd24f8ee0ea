//! The one model of single-model mode: where it lies, and how it is loaded from there.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use actix_web::web::Data;

use crate::container::background;
use crate::container::registry::{Loaded, Registry};
use crate::container::services::{SINGLE_MODEL, Services};
use crate::error::{Cause, Error, Result};
use crate::model::{Artifact, SeenKinds};
use crate::platform::fetch::{FetchError, copy_to_local};
use crate::storage::{Location, S3Access, Storage, absolute, nothing_at};
use crate::temporary_folder::TemporaryFolder;
use byoc_formats::targz::{self, Limits};

/// Loads the model; `/ping` says 503 until it is there.
///
/// # Errors
/// [`Cause::ModelNotFound`], [`Cause::Unreachable`] where it lies in a bucket, and what [`Registry::load`] says.
pub(super) async fn load(location: Location, s3: &S3Access, services: Data<Services>) -> Result<()> {
    let started = Instant::now();
    let said = match &location {
        Location::Local(path) => absolute(path).display().to_string(),
        // What lies below it follows with a slash.
        Location::S3 { .. } => location.to_string().trim_end_matches('/').to_owned(),
    };
    let local = LocalModel::of(&location, s3).await.map_err(|error| error.context(&said))?;
    let (registry, place) = (Arc::clone(&services.registry), local.place.clone());
    let loaded = background::run(move || load_from(&registry, &place))
        .await
        .map_err(|error| Error::new(Cause::Internal, "loading did not finish").caused_by(error))?;
    let loaded = loaded.map_err(|error| local.said_of(error, &said))?;
    log::info!("loaded {} from {said}: {} bytes in {:.1?}", loaded.model, loaded.bytes(), started.elapsed());
    if let Some(refusal) = loaded.model.refusal() {
        log::warn!("every request will be refused: {refusal}");
    }
    for assumption in loaded.model.assumptions() {
        log::warn!("{assumption}");
    }
    if services.batch.is_some() {
        let _ = loaded.seen.set(SeenKinds::of(&loaded.model));
    }
    let _ = services.single.set(loaded);
    Ok(())
}

/// A model on this machine, of a bucket as long as loading takes.
struct LocalModel {
    place: PathBuf,
    aside: Option<TemporaryFolder>,
}

impl LocalModel {
    async fn of(location: &Location, s3: &S3Access) -> Result<LocalModel> {
        if let Location::Local(path) = location {
            return Ok(LocalModel { place: absolute(path), aside: None });
        }
        let aside = TemporaryFolder::make("byoc-model-")?;
        aside.remove_abandoned();
        let local = copy_to_local(location, &Storage::new(s3.clone()), aside.path()).await;
        let place = local.map_err(FetchError::into_error)?;
        Ok(LocalModel { place, aside: Some(aside) })
    }

    /// An error that names the model as whoever asked for it does.
    fn said_of(&self, error: Error, said: &str) -> Error {
        match self.aside {
            Some(_) => error.renamed(&self.place.display().to_string(), said),
            None => error,
        }
    }
}

/// Loads the single model from its folder, or from a file that is one. Another file is the archive, which SageMaker would
/// have unpacked before it starts a container; it is unpacked aside for as long as loading takes.
fn load_from(registry: &Arc<Registry>, place: &Path) -> Result<Arc<Loaded>> {
    if !place.exists() {
        return Err(Error::new(
            Cause::ModelNotFound,
            format!(
                "Model not found in model store: {}; --model-dir (SM_MODEL_DIR) says where the model lies",
                nothing_at(place)
            ),
        ));
    }
    if !place.is_file() || Artifact::is_lone_file(place) {
        return registry.load(SINGLE_MODEL, &place.to_string_lossy());
    }
    Artifact::check_archive(place).map_err(|error| error.context(place.display()))?;
    let aside = TemporaryFolder::make("byoc-model-").map_err(|error| {
        error.context(format_args!("to unpack {} (of a read-only root, --tmpfs /tmp)", place.display()))
    })?;
    aside.remove_abandoned();
    let folder = aside.path().join("model");
    let archive = File::open(place).map_err(|error| Error::io("open", place, error))?;
    targz::unpack(archive, &folder, &Limits::default()).map_err(|error| error.context(place.display()))?;
    let loaded = registry.load(SINGLE_MODEL, &folder.to_string_lossy());
    loaded.map_err(|error| error.renamed(&folder.display().to_string(), &place.display().to_string()))
}
