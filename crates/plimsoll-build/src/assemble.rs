//! Config and manifest around the layers that were built.

use jiff::Timestamp as Time;
use plimsoll_executor::Output;
use plimsoll_export::{Image, ImageSet};
use plimsoll_graph::ImagePlan;
use plimsoll_oci::{Descriptor, History, ImageConfig, Manifest, RootFs, media_type};
use plimsoll_snapshot::{BlobOptions, Snapshots};
use plimsoll_store::{Store, Timestamp};

use crate::error::BuildError;
use crate::image_options::{AnnotationPlace, ImageOptions};
use crate::request::BuiltTarget;

/// What history entries say of their builder, in Docker's word, which other tools look for.
const COMMENT: &str = "buildkit.dockerfile.v0";

/// The same of what has no instruction.
const FILLED_IN: &str = "buildkit.exporter.image.v0";

/// An image, or the place in its chain of a layer whose bytes are gone.
pub(crate) enum Assembled {
    Image(Box<Image>),
    Missing(usize),
}

/// Writes the blobs of an image: layers, config, manifest.
pub(crate) fn image(
    plan: &ImagePlan,
    outputs: &[Option<Output>],
    snapshots: &Snapshots,
    options: &ImageOptions,
    epoch: Option<i64>,
) -> Result<Assembled, BuildError> {
    let root = outputs[plan.root.0].as_ref().expect("the root of the image was a goal");
    let epoch = options.epoch.or(epoch);
    let blobs = BlobOptions {
        compression: options.compression,
        epoch: epoch.filter(|_| options.rewrite_timestamps),
        force: options.force_compression,
    };
    let mut layers = Vec::with_capacity(root.chain.len());
    let mut diff_ids = Vec::with_capacity(root.chain.len());
    for (place, layer) in root.chain.iter().enumerate() {
        let Some(blob) = snapshots.blob(layer, blobs)? else { return Ok(Assembled::Missing(place)) };
        diff_ids.push(blob.diff_id);
        let media_type = if options.docker_types { docker_type } else { oci_type }(&blob.media_type);
        layers.push(Descriptor {
            annotations: snapshots.blob_annotations(layer, &blob, blobs)?,
            ..Descriptor::new(media_type, blob.digest, blob.size)
        });
    }
    let history = history(plan, outputs, epoch);
    let created = history.last().and_then(|entry| entry.created.clone());
    let config = ImageConfig {
        created: created.or_else(|| plan.config.created.clone()),
        history,
        rootfs: RootFs { diff_ids, ..RootFs::default() },
        ..plan.config.clone()
    };
    let store = snapshots.store();
    let config_bytes = serde_json::to_vec(&config).expect("a config has only texts and numbers");
    let digest = store.put_blob(&config_bytes)?;
    let (config_type, manifest_type) = if options.docker_types {
        (media_type::DOCKER_CONFIG, media_type::DOCKER_MANIFEST)
    } else {
        (media_type::OCI_CONFIG, media_type::OCI_MANIFEST)
    };
    let config_descriptor = Descriptor::new(config_type, digest, config_bytes.len() as u64);
    let platform = Some(&plan.platform);
    let manifest = Manifest {
        media_type: Some(manifest_type.to_owned()),
        annotations: options.annotations(AnnotationPlace::Manifest, platform),
        ..Manifest::new(config_descriptor.clone(), layers.clone())
    };
    let manifest_bytes = serde_json::to_vec(&manifest).expect("a manifest has only texts and numbers");
    let digest = store.put_blob(&manifest_bytes)?;
    Ok(Assembled::Image(Box::new(Image {
        manifest: Descriptor {
            annotations: options.annotations(AnnotationPlace::ManifestDescriptor, platform),
            platform: Some(plan.platform.clone()),
            ..Descriptor::new(manifest_type, digest, manifest_bytes.len() as u64)
        },
        manifest_bytes,
        config_descriptor,
        config_bytes,
        config,
        layers,
    })))
}

/// Puts the index around several platforms' images, or around any when it is asked for.
pub(crate) fn set(
    images: Vec<Image>,
    options: &ImageOptions,
    is_multi_platform: bool,
    store: &Store,
) -> Result<ImageSet, BuildError> {
    if !is_multi_platform {
        return Ok(ImageSet::of(images)?);
    }
    let index_type = if options.docker_types { media_type::DOCKER_INDEX } else { media_type::OCI_INDEX };
    let annotations = options.annotations(AnnotationPlace::Index, None);
    let mut set = ImageSet::with_index(images, index_type, annotations)?;
    if let Some(index) = &mut set.index {
        index.descriptor.annotations = options.annotations(AnnotationPlace::IndexDescriptor, None);
    }
    set.keep(store)?;
    Ok(set)
}

/// What a build made, for those that build on it without an image in between.
pub(crate) fn target(plan: &ImagePlan, outputs: &[Option<Output>], epoch: Option<i64>) -> BuiltTarget {
    let root = outputs[plan.root.0].as_ref().expect("the root of the image was a goal");
    let history = history(plan, outputs, epoch);
    let created = history.last().and_then(|entry| entry.created.clone());
    let config = ImageConfig {
        created: created.or_else(|| plan.config.created.clone()),
        history,
        rootfs: RootFs::default(),
        ..plan.config.clone()
    };
    BuiltTarget { platform: plan.platform.clone(), config, chain: root.chain.clone() }
}

/// The base's history and one entry an instruction. Times are those of the results, never the clock's: an unchanged
/// build gives the same bytes tomorrow.
fn history(plan: &ImagePlan, outputs: &[Option<Output>], epoch: Option<i64>) -> Vec<History> {
    let base = plan.base_history.iter().rev().find_map(|entry| entry.created.clone());
    let mut latest = base.or_else(|| plan.config.created.clone()).unwrap_or_else(|| format_time(0, 0));
    let mut history = plan.base_history.clone();
    for entry in &plan.history {
        let made =
            entry.vertex.and_then(|vertex| outputs[vertex.0].as_ref()).and_then(|output| output.created);
        let created = match (epoch, made) {
            (Some(epoch), _) => format_time(epoch, 0),
            (None, Some(Timestamp { seconds, nanoseconds })) => format_time(seconds, nanoseconds),
            (None, None) => latest.clone(),
        };
        latest.clone_from(&created);
        history.push(History {
            created: Some(created),
            created_by: Some(entry.created_by.clone()),
            author: entry.author.clone(),
            comment: Some(if entry.fills_in { FILLED_IN } else { COMMENT }.to_owned()),
            empty_layer: entry.vertex.is_none(),
        });
    }
    history
}

fn format_time(seconds: i64, nanoseconds: u32) -> String {
    let nanoseconds = i32::try_from(nanoseconds).unwrap_or(0);
    Time::new(seconds, nanoseconds).unwrap_or(Time::UNIX_EPOCH).to_string()
}

/// One manifest does not mix OCI's and Docker's names of the same thing.
fn oci_type(layer: &str) -> &str {
    match layer {
        media_type::DOCKER_LAYER_GZIP => media_type::OCI_LAYER_GZIP,
        media_type::DOCKER_LAYER => media_type::OCI_LAYER,
        media_type::DOCKER_LAYER_ZSTD => media_type::OCI_LAYER_ZSTD,
        other => other,
    }
}

fn docker_type(layer: &str) -> &str {
    match layer {
        media_type::OCI_LAYER_GZIP => media_type::DOCKER_LAYER_GZIP,
        media_type::OCI_LAYER => media_type::DOCKER_LAYER,
        media_type::OCI_LAYER_ZSTD => media_type::DOCKER_LAYER_ZSTD,
        other => other,
    }
}
