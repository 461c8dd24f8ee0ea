//! The one model of single-model mode: where it lies, and how it is loaded from there.

use std::fs::File;
use std::sync::Arc;
use std::time::Instant;

use actix_web::web::Data;

use crate::container::background;
use crate::container::registry::SINGLE_MODEL;
use crate::container::registry::{Loaded, Registry};
use crate::container::services::Services;
use crate::error::{Cause, Error, Result};
use crate::model::{Artifact, NamedPath, SeenColumnTypes};
use crate::platform::fetch::{FetchError, copy_to_local};
use crate::storage::{Location, S3Access, Storage, absolute, missing_path_message};
use crate::temporary_folder::TemporaryFolder;
use byoc_formats::targz::{self, Limits};

/// Loads the model; `/ping` says 503 until it is there.
///
/// # Errors
/// [`Cause::ModelNotFound`], [`Cause::Unreachable`] where it lies in a bucket, and what [`Registry::load`] says.
pub(super) async fn load(location: Location, s3: &S3Access, services: Data<Services>) -> Result<()> {
    let started = Instant::now();
    let (place, _copy) = local_model(&location, s3).await?;
    let name = place.name().to_owned();
    let registry = Arc::clone(&services.registry);
    let loaded = background::spawn(move || load_from(&registry, &place))
        .await
        .map_err(|error| Error::new(Cause::Internal, "loading did not finish").caused_by(error))?;
    let loaded = loaded?;
    log::info!("loaded {} from {name}: {} bytes in {:.1?}", loaded.model, loaded.bytes(), started.elapsed());
    if let Some(refusal) = loaded.model.refusal() {
        log::warn!("every request will be refused: {refusal}");
    }
    for assumption in loaded.model.assumptions() {
        log::warn!("{assumption}");
    }
    if services.batch.is_some() {
        let _ = loaded.seen.set(SeenColumnTypes::of(&loaded.model));
    }
    let _ = services.single_model.set(loaded);
    Ok(())
}

/// The model on this machine, and the folder of the copy if it was copied from S3. The copy is removed with the folder.
async fn local_model(location: &Location, s3: &S3Access) -> Result<(NamedPath, Option<TemporaryFolder>)> {
    if let Location::Local(path) = location {
        return Ok((NamedPath::new(absolute(path)), None));
    }
    // Messages add a slash and the name of a file.
    let name = location.to_string().trim_end_matches('/').to_owned();
    let copy = TemporaryFolder::make("byoc-model-").map_err(|error| error.context(&name))?;
    copy.remove_abandoned();
    let path = copy_to_local(location, &Storage::new(s3.clone()), copy.path()).await;
    let path = path.map_err(|error| FetchError::into_error(error).context(&name))?;
    Ok((NamedPath::with_name(path, name), Some(copy)))
}

/// Loads the single model from its folder, or from a file that is one. Another file is the archive, which SageMaker would
/// have unpacked before it starts a container; it is unpacked aside for as long as loading takes.
fn load_from(registry: &Arc<Registry>, place: &NamedPath) -> Result<Arc<Loaded>> {
    let path = place.path();
    if !path.exists() {
        return Err(Error::new(
            Cause::ModelNotFound,
            format!(
                "Model not found in model store: {}; --model-dir (SM_MODEL_DIR) says where the model lies",
                missing_path_message(path)
            ),
        ));
    }
    if !path.is_file() || Artifact::is_lone_file(path) {
        return registry.load(SINGLE_MODEL, place);
    }
    Artifact::check_archive(path).map_err(|error| error.context(place.name()))?;
    let aside = TemporaryFolder::make("byoc-model-").map_err(|error| {
        error.context(format_args!("to unpack {} (of a read-only root, --tmpfs /tmp)", place.name()))
    })?;
    aside.remove_abandoned();
    let folder = aside.path().join("model");
    let archive = File::open(path).map_err(|error| Error::io("open", path, error))?;
    targz::unpack(archive, &folder, &Limits::default()).map_err(|error| error.context(place.name()))?;
    registry.load(SINGLE_MODEL, &NamedPath::with_name(folder, place.name()))
}
