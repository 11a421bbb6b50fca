//! What the names of base images stand for.
//!
//! A name is asked for in the store first, then in its registry; `--pull` always asks. What the store said unasked
//! is told in the summary with its age.

use std::str::FromStr;

use plimsoll_compose::DebianSpec;
use plimsoll_executor::BaseLayers;
use plimsoll_export::{ExportError, Image};
use plimsoll_graph::{BaseImage, BaseRequest};
use plimsoll_oci::Reference;
use plimsoll_solver::EventKind;
use plimsoll_store::{SourceRecord, Timestamp};

use crate::builder::Environment;
use crate::compose;
use crate::error::BuildError;
use crate::import::store_remote_image;
use crate::request::{BaseUse, BuildRequest};

/// A base image that was found.
pub(crate) struct Found {
    pub(crate) base: BaseImage,
    pub(crate) layers: BaseLayers,
    pub(crate) usage: BaseUse,
}

/// Finds out what a name stands for.
pub(crate) fn find(
    environment: &Environment,
    request: &BuildRequest,
    wanted: &BaseRequest,
) -> Result<Found, BuildError> {
    let task = format!("resolve {}", wanted.name);
    environment.events.send(EventKind::TaskStarted {
        task: task.clone(),
        name: format!("[internal] resolve {}", wanted.name),
    });
    let started = std::time::Instant::now();
    let (image, resolved) = if wanted.name.starts_with("debian://") {
        composed(environment, request, wanted)?
    } else {
        registered(environment, request, wanted)?
    };
    let base = BaseImage {
        manifest: image.manifest.digest,
        reference: wanted.name.clone(),
        config: image.config.clone(),
    };
    let seconds = started.elapsed().as_secs_f64();
    let note = Some(image.manifest.digest.to_string());
    environment.events.send(EventKind::TaskDone { task, seconds, note });
    let usage = BaseUse { name: wanted.name.clone(), reference: wanted.name.clone(), resolved };
    Ok(Found { base, layers: BaseLayers { diff_ids: image.config.rootfs.diff_ids }, usage })
}

fn failed(name: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> BuildError {
    BuildError::Base { name: name.to_owned(), source: source.into() }
}

fn registered(
    environment: &Environment,
    request: &BuildRequest,
    wanted: &BaseRequest,
) -> Result<(Image, Option<Timestamp>), BuildError> {
    let store = environment.snapshots.store();
    let address = wanted.name.strip_prefix("docker-image://").unwrap_or(&wanted.name);
    let reference = Reference::from_str(address).map_err(|source| failed(&wanted.name, source))?;
    let name = reference.to_string();
    let source_name = format!("image:{name}");
    // A digest names its bytes: there is nothing to ask again.
    if !request.pull || reference.digest().is_some() {
        match Image::open(store, &name, &wanted.platform) {
            Ok(image) => {
                // Of several blobs that hold a layer, the image built on this one gets the one that this one has.
                let layers = image.config.rootfs.diff_ids.iter().copied().zip(image.layers.iter().cloned());
                store.record_base_layers(&layers.collect::<Vec<_>>())?;
                let known = store.source(&source_name)?.map(|record| record.resolved_at);
                return Ok((image, known));
            }
            Err(
                ExportError::NoImage { .. } | ExportError::BlobGone { .. } | ExportError::Manifest { .. },
            ) => {}
            Err(error) => return Err(failed(&wanted.name, error)),
        }
    }
    let image = store_remote_image(store, &environment.client, &reference, &wanted.platform)
        .map_err(|source| failed(&wanted.name, source))?;
    let record = SourceRecord { digest: image.manifest.digest, resolved_at: Timestamp::now() };
    store.record_source(&source_name, &record)?;
    Ok((image, None))
}

fn composed(
    environment: &Environment,
    request: &BuildRequest,
    wanted: &BaseRequest,
) -> Result<(Image, Option<Timestamp>), BuildError> {
    let spec = DebianSpec::parse(&wanted.name).map_err(|source| failed(&wanted.name, source))?;
    compose::base(environment, &spec, &wanted.platform, request.pull)
}
