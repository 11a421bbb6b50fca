//! Config and manifest around the layers that were built.

use jiff::Timestamp as Time;
use plimsoll_executor::Output;
use plimsoll_export::Image;
use plimsoll_graph::ImagePlan;
use plimsoll_oci::{Descriptor, History, ImageConfig, Manifest, RootFs, media_type};
use plimsoll_snapshot::{BlobOptions, Snapshots};
use plimsoll_store::Timestamp;

use crate::error::BuildError;

/// What history entries say of their builder, in Docker's word, which other tools look for.
const COMMENT: &str = "buildkit.dockerfile.v0";

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
    options: BlobOptions,
) -> Result<Assembled, BuildError> {
    let root = outputs[plan.root.0].as_ref().expect("the root of the image was a goal");
    let mut layers = Vec::with_capacity(root.chain.len());
    let mut diff_ids = Vec::with_capacity(root.chain.len());
    for (place, layer) in root.chain.iter().enumerate() {
        let Some(blob) = snapshots.blob(layer, options)? else { return Ok(Assembled::Missing(place)) };
        diff_ids.push(blob.diff_id);
        layers.push(Descriptor::new(oci_type(&blob.media_type), blob.digest, blob.size));
    }
    let history = history(plan, outputs, options.epoch);
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
    let config_descriptor = Descriptor::new(media_type::OCI_CONFIG, digest, config_bytes.len() as u64);
    let manifest = Manifest::new(config_descriptor.clone(), layers.clone());
    let manifest_bytes = serde_json::to_vec(&manifest).expect("a manifest has only texts and numbers");
    let digest = store.put_blob(&manifest_bytes)?;
    Ok(Assembled::Image(Box::new(Image {
        manifest: Descriptor::new(media_type::OCI_MANIFEST, digest, manifest_bytes.len() as u64),
        manifest_bytes,
        config_descriptor,
        config_bytes,
        config,
        layers,
    })))
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
            comment: Some(COMMENT.to_owned()),
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
        other => other,
    }
}
