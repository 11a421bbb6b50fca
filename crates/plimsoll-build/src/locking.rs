//! Makes a lock: asks what the names of a Dockerfile's base images stand for now.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use plimsoll_compose::DebianSpec;
use plimsoll_dockerfile::{Dockerfile, InstructionKind, parse};
use plimsoll_executor::BaseLayers;
use plimsoll_graph::{BaseImage, BaseRequest};
use plimsoll_oci::{Digest, ImageConfig, Reference};
use plimsoll_store::{SourceRecord, Timestamp};

use crate::bases::{self, Found};
use crate::builder::{Builder, Environment, KnownBases, lower_with};
use crate::compose;
use crate::error::BuildError;
use crate::import::store_remote_image;
use crate::lock::{Lock, Pinned};
use crate::request::{BaseUse, BuildRequest};

/// What came of it.
#[derive(Clone, Debug)]
pub struct Locked {
    /// The lock of the request, with what was asked for.
    pub lock: Lock,
    /// The names of the Dockerfile that can be locked, whole.
    pub names: BTreeSet<String>,
}

impl Builder {
    /// Locks the base images that a Dockerfile names: those of the target, or of every stage that can be one.
    ///
    /// What the lock of the request has is asked for again only if `again` says so of the name.
    ///
    /// # Errors
    /// A name that stands for nothing, at its place.
    pub fn lock(
        &self,
        request: &BuildRequest,
        again: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<Locked, BuildError> {
        let parsed = parse(&request.dockerfile);
        if !parsed.is_ok() {
            return Err(BuildError::Diagnostics { diagnostics: parsed.diagnostics });
        }
        let old = request.lock.as_ref().map(|file| file.lock.clone()).unwrap_or_default();
        let locked = Mutex::new(Locked { lock: old.clone(), names: BTreeSet::new() });
        let find = |wanted: &BaseRequest| {
            let Some(name) = bases::lock_name(wanted)? else {
                return bases::find(&self.environment, request, wanted);
            };
            let (found, pinned) = match old.pinned(&name).filter(|_| !again(&name)) {
                Some(Pinned::Image(_)) => (bases::find(&self.environment, request, wanted)?, None),
                Some(Pinned::Base(_)) => (stand_in(wanted), None),
                None => ask(&self.environment, wanted, &name)?,
            };
            let has_moved = |new: &Pinned| !old.pinned(&name).is_some_and(|before| before.is_same(new));
            let pinned = pinned.filter(has_moved);
            let mut locked = locked.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(pinned) = pinned {
                locked.lock.insert(&name, pinned);
            }
            locked.names.insert(name);
            Ok(found)
        };
        let mut known = KnownBases::default();
        for target in targets(request, &parsed.dockerfile) {
            lower_with(request, &parsed.dockerfile, target.as_deref(), &mut known, &find)?;
        }
        Ok(locked.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The target; else every stage that has a name, and the last one.
fn targets(request: &BuildRequest, dockerfile: &Dockerfile) -> Vec<Option<String>> {
    if let Some(target) = &request.target {
        return vec![Some(target.clone())];
    }
    let names = dockerfile.instructions.iter().filter_map(|instruction| match &instruction.kind {
        InstructionKind::From(from) => from.name.as_ref().map(ToString::to_string),
        _ => None,
    });
    names.map(Some).chain([None]).collect()
}

/// What a name stands for now.
fn ask(
    environment: &Environment,
    wanted: &BaseRequest,
    name: &str,
) -> Result<(Found, Option<Pinned>), BuildError> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| BuildError::Base {
        name: wanted.name.clone(),
        source,
    };
    if DebianSpec::claims(name) {
        let spec = DebianSpec::parse(name).map_err(|source| failed(source.into()))?;
        let plan = compose::plan(environment, &spec).map_err(|source| failed(source.into()))?;
        return Ok((stand_in(wanted), Some(Pinned::Base(Box::new(plan)))));
    }
    let store = environment.snapshots.store();
    let reference = Reference::from_str(name).map_err(|source| failed(source.into()))?;
    let image = store_remote_image(store, &environment.client, &reference, &wanted.platform)
        .map_err(|source| failed(source.into()))?;
    let top = store.image(name)?.unwrap_or_else(|| image.manifest.clone());
    let digest = image.manifest.digest;
    store.record_source(&format!("image:{name}"), &SourceRecord { digest, resolved_at: Timestamp::now() })?;
    let base = BaseImage { manifest: digest, reference: wanted.name.clone(), config: image.config.clone() };
    let layers = BaseLayers::imported(&image.config.rootfs.diff_ids);
    Ok((Found { base, layers, usage: usage(wanted) }, Some(Pinned::Image(top.digest))))
}

/// In place of a base that is not composed: it has no triggers that would name others.
fn stand_in(wanted: &BaseRequest) -> Found {
    let base = BaseImage {
        manifest: Digest::of(&wanted.name),
        reference: wanted.name.clone(),
        config: ImageConfig::empty(&wanted.platform),
    };
    Found { base, layers: BaseLayers { chain: Vec::new() }, usage: usage(wanted) }
}

fn usage(wanted: &BaseRequest) -> BaseUse {
    let (name, reference) = (wanted.name.clone(), wanted.name.clone());
    BaseUse { name, reference, digest: None, resolved: None, locked: None }
}
