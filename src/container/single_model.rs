//! Loads the model of single-model mode.

use std::fs::File;
use std::sync::Arc;
use std::time::Instant;

use actix_web::web::Data;

use crate::container::background;
use crate::container::registry::SINGLE_MODEL;
use crate::container::registry::{LoadedModel, Registry};
use crate::container::services::Services;
use crate::error::{Cause, Error, Result};
use crate::model::{Artifact, NamedPath, SeenColumnTypes};
use crate::platform::fetch::copy_to_local;
use crate::storage::{Location, S3Access, Storage, absolute, missing_path_message};
use crate::temporary_folder::TemporaryFolder;
use byoc_formats::targz::{self, Limits};

/// Loads the model. `/ping` answers 503 until it is loaded.
///
/// # Errors
/// [`Cause::ModelNotFound`], those of [`copy_to_local`] for a model in S3, and those of [`Registry::load`].
pub(super) async fn load(location: Location, s3: &S3Access, services: Data<Services>) -> Result<()> {
    let started = Instant::now();
    let (source, _copy) = local_model(&location, s3).await?;
    let name = source.name().to_owned();
    let registry = Arc::clone(&services.registry);
    let loaded = background::spawn(move || load_from(&registry, &source))
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

/// The local path of the model, and the temporary folder of its copy if it is in S3.
async fn local_model(location: &Location, s3: &S3Access) -> Result<(NamedPath, Option<TemporaryFolder>)> {
    if let Location::Local(path) = location {
        return Ok((NamedPath::new(absolute(path)), None));
    }
    // Messages append a slash and a file's name.
    let name = location.to_string().trim_end_matches('/').to_owned();
    let copy = TemporaryFolder::make("byoc-model-").map_err(|error| error.context(&name))?;
    copy.remove_abandoned();
    let path = copy_to_local(location, &Storage::new(s3.clone()), copy.path()).await;
    let path = path.map_err(|error| error.into_error_at(&name))?;
    Ok((NamedPath::with_name(path, name), Some(copy)))
}

/// Loads the model from its folder, its file, or an archive of it. SageMaker would unpack an archive before it starts
/// the container; here it is unpacked into a temporary folder that is removed after loading.
fn load_from(registry: &Arc<Registry>, source: &NamedPath) -> Result<Arc<LoadedModel>> {
    let path = source.path();
    if !path.exists() {
        return Err(Error::new(
            Cause::ModelNotFound,
            format!(
                "Model not found in model store: {}; set the model's path with --model-dir (SM_MODEL_DIR)",
                missing_path_message(path)
            ),
        ));
    }
    if !path.is_file() || Artifact::is_lone_file(path) {
        return registry.load(SINGLE_MODEL, source);
    }
    Artifact::check_archive(path).map_err(|error| error.within(source.name()))?;
    let temporary = TemporaryFolder::make("byoc-model-").map_err(|error| {
        error.context(format_args!(
            "to unpack {} (if the root filesystem is read-only, run with --tmpfs /tmp)",
            source.name()
        ))
    })?;
    temporary.remove_abandoned();
    let folder = temporary.path().join("model");
    let archive = File::open(path).map_err(|error| Error::io("open", path, error))?;
    targz::unpack(archive, &folder, &Limits::default()).map_err(|error| error.within(source.name()))?;
    registry.load(SINGLE_MODEL, &NamedPath::with_name(folder, source.name()))
}
