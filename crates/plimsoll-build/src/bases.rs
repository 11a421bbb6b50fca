//! What the names of base images stand for.
//!
//! A name is asked for in the store first, then in its registry; `--pull` always asks. What the store said unasked
//! is told in the summary with its age. A name that is locked stands for what the lock says, as if its digest were written
//! behind it.

use std::str::FromStr;

use plimsoll_compose::DebianSpec;
use plimsoll_executor::BaseLayers;
use plimsoll_export::{ExportError, Image};
use plimsoll_graph::{BaseImage, BaseRequest};
use plimsoll_oci::{Hasher, Reference};
use plimsoll_solver::EventKind;
use plimsoll_store::{SourceRecord, Timestamp};

use crate::builder::Environment;
use crate::compose::{self, Version};
use crate::error::BuildError;
use crate::import::store_remote_image;
use crate::lock::{self, LockFile, Pinned};
use crate::request::{BaseUse, BuildRequest, ContextSource};

/// What stands before the name of a context that is an OCI layout, and of one that another build made.
pub(crate) const LAYOUT: &str = "oci-layout://";
pub(crate) const TARGET: &str = "target:";

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
    if let Some(found) = target(request, wanted)? {
        let seconds = started.elapsed().as_secs_f64();
        environment.events.send(EventKind::TaskDone { task, seconds, note: None });
        return Ok(found);
    }
    let pinned = pinned(request, wanted)?;
    let found = if wanted.name.starts_with("debian://") {
        composed(environment, request, wanted, pinned)
    } else if wanted.name.starts_with(LAYOUT) {
        laid_out(environment, request, wanted).map(|image| (image, None))
    } else {
        registered(environment, request, wanted, pinned)
    };
    let (image, resolved) = found.map_err(|error| match (&request.lock, error) {
        (_, error @ (BuildError::Cancelled | BuildError::NeedsNamespace | BuildError::NoEmulator { .. })) => {
            error
        }
        (Some(LockFile { path, .. }), error) if pinned.is_some() => {
            BuildError::LockedBase { name: wanted.name.clone(), file: path.clone(), source: Box::new(error) }
        }
        (_, error) => error,
    })?;
    let base = BaseImage {
        manifest: image.manifest.digest,
        reference: wanted.name.clone(),
        config: image.config.clone(),
    };
    let seconds = started.elapsed().as_secs_f64();
    let locked = pinned.map(|pinned| match pinned {
        Pinned::Image(digest) => *digest,
        Pinned::Base(_) => image.manifest.digest,
    });
    let mut note = image.manifest.digest.to_string();
    if let (Some(_), Some(LockFile { path, .. })) = (locked, &request.lock) {
        note = format!("{note}, by `{path}`");
    }
    environment.events.send(EventKind::TaskDone { task, seconds, note: Some(note) });
    let (name, reference) = (wanted.name.clone(), wanted.name.clone());
    let usage = BaseUse { name, reference, resolved: resolved.filter(|_| locked.is_none()), locked };
    Ok(Found { base, layers: BaseLayers::imported(&image.config.rootfs.diff_ids), usage })
}

/// What a name is locked to.
fn pinned<'r>(request: &'r BuildRequest, wanted: &BaseRequest) -> Result<Option<&'r Pinned>, BuildError> {
    let Some(file) = &request.lock else { return Ok(None) };
    let Some(name) = lock_name(wanted)? else { return Ok(None) };
    match file.lock.pinned(&name) {
        None if file.required => Err(BuildError::NotLocked { name, file: file.path.clone() }),
        pinned => Ok(pinned),
    }
}

/// The name under which a base is locked: a composed one is another one for each architecture. Nothing for what has a digest
/// already, or is no image with a name.
pub(crate) fn lock_name(wanted: &BaseRequest) -> Result<Option<String>, BuildError> {
    let name = &wanted.name;
    if wanted.name.starts_with("debian://") {
        let spec = DebianSpec::parse(name).map_err(|source| failed(name, source))?;
        let spec = compose::whole(&spec, &wanted.platform).map_err(|source| failed(name, source))?;
        return Ok(Some(spec.to_string()));
    }
    Ok(lock::key(name))
}

/// A context that another build made.
fn target(request: &BuildRequest, wanted: &BaseRequest) -> Result<Option<Found>, BuildError> {
    let Some(key) = wanted.name.strip_prefix(TARGET) else { return Ok(None) };
    let Some(ContextSource::Target { name, built }) = request.named_contexts.get(key) else {
        return Ok(None);
    };
    let nearest = built
        .iter()
        .filter_map(|built| Some((built.platform.distance_from(&wanted.platform)?, built)))
        .min_by_key(|(distance, _)| *distance);
    let Some((_, built)) = nearest else {
        let source = format!("it was not built for `{}`", wanted.platform);
        return Err(failed(&format!("{TARGET}{name}"), source));
    };
    // It is named by its layers and its config, as an image is.
    let mut hasher = Hasher::new();
    built.chain.iter().for_each(|layer| hasher.field(layer.as_str()));
    hasher.field(serde_json::to_vec(&built.config).expect("a config has only texts and numbers"));
    let reference = format!("{TARGET}{name}");
    let base =
        BaseImage { manifest: hasher.finish(), reference: reference.clone(), config: built.config.clone() };
    let usage = BaseUse { name: reference.clone(), reference, resolved: None, locked: None };
    Ok(Some(Found { base, layers: BaseLayers { chain: built.chain.clone() }, usage }))
}

/// An image in a directory, read into the store.
fn laid_out(
    environment: &Environment,
    request: &BuildRequest,
    wanted: &BaseRequest,
) -> Result<Image, BuildError> {
    let key = wanted.name.strip_prefix(LAYOUT).unwrap_or_default();
    let Some(ContextSource::Layout { directory, tag, digest }) = request.named_contexts.get(key) else {
        return Err(failed(&wanted.name, "there is no such context"));
    };
    let name = format!("{LAYOUT}{}", directory.display());
    let store = environment.snapshots.store();
    let target = plimsoll_export::load_from_layout(store, directory, tag.as_deref(), *digest)
        .map_err(|source| failed(&name, source))?;
    Image::read(store, &target, &wanted.platform).map_err(|source| failed(&name, source))
}

fn failed(name: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> BuildError {
    BuildError::Base { name: name.to_owned(), source: source.into() }
}

fn registered(
    environment: &Environment,
    request: &BuildRequest,
    wanted: &BaseRequest,
    pinned: Option<&Pinned>,
) -> Result<(Image, Option<Timestamp>), BuildError> {
    let store = environment.snapshots.store();
    let address = wanted.name.strip_prefix("docker-image://").unwrap_or(&wanted.name);
    let mut reference = Reference::from_str(address).map_err(|source| failed(&wanted.name, source))?;
    if let Some(Pinned::Image(digest)) = pinned {
        let by_tag = store.image(&reference.to_string())?;
        reference = reference.with_digest(*digest);
        if let Some(target) = by_tag.filter(|target| target.digest == *digest) {
            // The tag may move on while the lock stays.
            store.set_image(&reference.to_string(), &target)?;
        }
    }
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
    pinned: Option<&Pinned>,
) -> Result<(Image, Option<Timestamp>), BuildError> {
    let spec = DebianSpec::parse(&wanted.name).map_err(|source| failed(&wanted.name, source))?;
    let version = match pinned {
        Some(Pinned::Base(plan)) => Version::Locked(plan),
        _ if request.pull => Version::New,
        _ => Version::Known,
    };
    compose::base(environment, &spec, &wanted.platform, version)
}
