//! `plimsoll inspect`: everything about images, as JSON.

use std::collections::BTreeSet;
use std::str::FromStr;

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use plimsoll_export::{ExportError, Image, ImageSet, PlatformChoice};
use plimsoll_oci::{ParsedManifest, Platform, Reference};
use plimsoll_store::Store;
use serde_json::{Value, json};

use crate::commands::images::{Named, answer, find, open_any};
use crate::environment::{GlobalArgs, Host};
use crate::namespace::Standing;

/// Show everything about images, as JSON
///
/// The fields are Docker's. `Size` is what the layers take compressed.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How to show it
    #[arg(short, long, value_enum, default_value_t = Format::Json)]
    format: Format,
    /// Show the image for this platform [default: this machine's, or the first that is here]
    #[arg(long, value_name = "OS/ARCH")]
    platform: Option<Platform>,
    /// Names of images, or the first digits of their digests
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One array with an object for each image
    Json,
}

pub(crate) fn run(args: &Args, global: &GlobalArgs, standing: Standing) -> Result<u8> {
    let host = Host::open(global, standing)?;
    let mut images = Vec::new();
    for name in &args.names {
        let named = find(&host.store, name)?;
        let image = match &args.platform {
            Some(platform) => {
                let choice = PlatformChoice::Listed(vec![platform.clone()]);
                ImageSet::read(&host.store, &named.target, &choice)?.images.swap_remove(0)
            }
            None => open_any(&host.store, &named.target)?
                .ok_or(ExportError::BlobGone { digest: named.target.digest })?,
        };
        let mut described = describe(&named, &image)?;
        described["Manifests"] = manifests(&host.store, &named)?;
        images.push(described);
    }
    let text = match args.format {
        Format::Json => serde_json::to_string_pretty(&images)?,
    };
    answer(&format!("{text}\n"))
}

/// The images of an index, those that are here and those that are not; null for a single image.
fn manifests(store: &Store, named: &Named) -> Result<Value> {
    const LARGEST_INDEX: u64 = 16 << 20;
    let bytes = store.read_blob(&named.target.digest, LARGEST_INDEX)?;
    let ParsedManifest::Index(index) = ParsedManifest::parse(&bytes, Some(&named.target.media_type))? else {
        return Ok(Value::Null);
    };
    let mut list = Vec::new();
    for entry in &index.manifests {
        list.push(json!({
            "Descriptor": entry,
            "Platform": entry.platform.as_ref().map(ToString::to_string),
            "Available": store.has_blob(&entry.digest)?,
        }));
    }
    Ok(list.into())
}

fn describe(named: &Named, image: &Image) -> Result<Value> {
    let references = || named.names.iter().filter_map(|name| Reference::from_str(name).ok());
    let tags: Vec<String> =
        references().filter(|name| name.digest().is_none()).map(|name| name.familiar()).collect();
    let digests: BTreeSet<String> =
        references().map(|name| name.with_digest(named.target.digest).familiar()).collect();
    let config = &image.config;
    let container = serde_json::to_value(&config.config).context("a config can be written as JSON")?;
    let size: u64 = image.layers.iter().map(|layer| layer.size).sum();
    let comment = config.history.last().and_then(|entry| entry.comment.clone());
    Ok(json!({
        "Id": named.target.digest.to_string(),
        "RepoTags": tags,
        "RepoDigests": digests,
        "Comment": comment.unwrap_or_default(),
        "Created": config.created,
        "Author": config.author.clone().unwrap_or_default(),
        "Architecture": config.architecture,
        "Variant": config.variant,
        "Os": config.os,
        "OsVersion": config.os_version,
        "Size": size,
        "Config": container,
        "RootFS": { "Type": "layers", "Layers": config.rootfs.diff_ids },
        "Descriptor": named.target,
        "Manifest": image.manifest,
        "ConfigDigest": image.config_descriptor.digest.to_string(),
        "Layers": image.layers,
    }))
}
