//! `plimsoll history`: how an image came to be.

use anyhow::Result;
use plimsoll_export::{ExportError, Image};
use plimsoll_oci::{Descriptor, DiffId, History};
use plimsoll_snapshot::Snapshots;
use plimsoll_store::LayerId;
use serde_json::json;

use crate::commands::images::{Format, age, answer, answer_lines, created, find, open_any};
use crate::environment::{GlobalArgs, Host};
use crate::namespace::Standing;
use crate::output::{Align, Table, human_bytes, terminal_width};

/// Longest instruction that is shown without `--no-trunc`, in characters.
const SHORT: usize = 60;

/// Show how an image came to be, instruction by instruction
///
/// The newest instruction comes first. SIZE is what a layer takes unpacked, where that is known; COMPRESSED is what is
/// stored and sent.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Show instructions whole
    #[arg(long)]
    no_trunc: bool,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Name of the image, or the first digits of its digest
    #[arg(value_name = "NAME")]
    name: String,
}

pub(crate) fn run(args: &Args, global: &GlobalArgs, standing: Standing) -> Result<u8> {
    let host = Host::open(global, standing)?;
    let named = find(&host.store, &args.name)?;
    let image =
        open_any(&host.store, &named.target)?.ok_or(ExportError::BlobGone { digest: named.target.digest })?;
    let snapshots = host.snapshots(host.client(None), std::sync::Arc::new(()));
    let rows = rows(&snapshots, &image)?;
    match args.format {
        Format::Json => answer_lines(rows.iter().map(|row| row.json().to_string())),
        Format::Table => {
            let width = if args.no_trunc { None } else { terminal_width() };
            answer(&table(&rows, args.no_trunc).render(width))
        }
    }
}

/// One instruction, and the layer that it made.
struct Row {
    history: History,
    layer: Option<Layer>,
}

struct Layer {
    diff_id: DiffId,
    descriptor: Descriptor,
    unpacked_bytes: Option<u64>,
}

/// The instructions, newest first. Layers that no instruction speaks of are shown before all of them.
fn rows(snapshots: &Snapshots, image: &Image) -> Result<Vec<Row>> {
    let mut layers = Vec::new();
    for (diff_id, descriptor) in image.config.rootfs.diff_ids.iter().zip(&image.layers) {
        let unpacked_bytes = unpacked(snapshots, diff_id)?;
        layers.push(Layer { diff_id: *diff_id, descriptor: descriptor.clone(), unpacked_bytes });
    }
    let told = image.config.history.iter().filter(|entry| !entry.empty_layer).count();
    let untold = layers.len().saturating_sub(told);
    let mut layers = layers.into_iter();
    let mut rows: Vec<Row> = layers
        .by_ref()
        .take(untold)
        .map(|layer| Row { history: History::default(), layer: Some(layer) })
        .collect();
    for history in &image.config.history {
        let layer = if history.empty_layer { None } else { layers.next() };
        rows.push(Row { history: history.clone(), layer });
    }
    rows.reverse();
    Ok(rows)
}

/// What a layer takes unpacked, as far as this store knows without reading it.
fn unpacked(snapshots: &Snapshots, diff_id: &DiffId) -> Result<Option<u64>> {
    let written = snapshots.store().layer_blobs(diff_id)?.into_iter().map(|blob| blob.uncompressed_size);
    if let Some(size) = written.max().filter(|size| *size > 0) {
        return Ok(Some(size));
    }
    Ok(snapshots.unpacked_size(&LayerId::imported(diff_id))?)
}

impl Row {
    fn json(&self) -> serde_json::Value {
        let layer = self.layer.as_ref();
        json!({
            "ID": layer.map(|layer| layer.descriptor.digest.to_string()),
            "DiffID": layer.map(|layer| layer.diff_id),
            "CreatedAt": self.history.created,
            "CreatedBy": self.history.created_by,
            "Comment": self.history.comment,
            "EmptyLayer": self.history.empty_layer,
            "SizeBytes": if layer.is_none() { Some(0) } else { layer.and_then(|layer| layer.unpacked_bytes) },
            "CompressedBytes": layer.map_or(0, |layer| layer.descriptor.size),
        })
    }
}

fn table(rows: &[Row], whole: bool) -> Table {
    let mut table = Table::new(&[
        ("CREATED", Align::Left),
        ("CREATED BY", Align::Left),
        ("SIZE", Align::Right),
        ("COMPRESSED", Align::Right),
        ("COMMENT", Align::Left),
    ]);
    for row in rows {
        let by = row.history.created_by.clone().unwrap_or_default();
        let by = if whole || by.chars().count() <= SHORT {
            by
        } else {
            by.chars().take(SHORT - 1).chain(['…']).collect()
        };
        let created = created(row.history.created.as_deref()).map_or_else(|| "-".to_owned(), age);
        let size = match &row.layer {
            None => human_bytes(0),
            Some(layer) => layer.unpacked_bytes.map_or_else(|| "-".to_owned(), human_bytes),
        };
        let compressed = row.layer.as_ref().map_or(0, |layer| layer.descriptor.size);
        let comment = row.history.comment.clone().unwrap_or_default();
        table.row([created, by, size, human_bytes(compressed), comment]);
    }
    table
}
