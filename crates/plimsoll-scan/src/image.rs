//! An image: its layers, several at a time, each read only if nobody has read it before.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use plimsoll_layer::decompress;
use plimsoll_oci::DiffId;

use crate::error::ScanError;
use crate::facts::{LayerFacts, NotScanned};
use crate::file::Scanners;
use crate::layer::scan_layer;
use crate::source::ImageSource;

/// Keeps what layers say, by their diff ids, from one scan to the next.
pub trait Kept: Sync {
    /// What a layer says, if it is known.
    fn get(&self, layer: &DiffId) -> Option<LayerFacts>;

    /// Keeps what a layer says.
    fn put(&self, layer: &DiffId, facts: &LayerFacts);
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug)]
pub struct KeepsNothing;

impl Kept for KeepsNothing {
    fn get(&self, _: &DiffId) -> Option<LayerFacts> {
        None
    }

    fn put(&self, _: &DiffId, _: &LayerFacts) {}
}

/// What the layers of an image say, bottom first. A layer that cannot be read says that, and nothing else.
pub fn scan_layers(image: &ImageSource, scanners: Scanners<'_>, kept: &dyn Kept) -> Vec<LayerFacts> {
    let count = image.layers.len();
    let results: Vec<Mutex<Option<LayerFacts>>> = (0..count).map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(count);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    if place >= count {
                        break;
                    }
                    let facts = facts(image, place, scanners, kept);
                    *results[place].lock().unwrap_or_else(PoisonError::into_inner) = Some(facts);
                }
            });
        }
    });
    let result = |slot: Mutex<Option<LayerFacts>>| slot.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.into_iter().map(|slot| result(slot).unwrap_or_default()).collect()
}

fn facts(image: &ImageSource, place: usize, scanners: Scanners<'_>, kept: &dyn Kept) -> LayerFacts {
    let named = image.config.rootfs.diff_ids[place];
    if let Some(facts) = kept.get(&named) {
        return facts;
    }
    let open = &image.layers[place];
    match scan_layer(&|| decompress(open()?), scanners) {
        Ok((facts, found)) if found == named => {
            kept.put(&named, &facts);
            facts
        }
        // What is there is told, and not kept under a name that is not its own.
        Ok((mut facts, found)) => {
            facts
                .not_scanned
                .push(whole(place, format!("the layer's bytes are {found}, its config says {named}")));
            facts
        }
        Err(error) => LayerFacts { not_scanned: vec![whole(place, told(&error))], ..LayerFacts::default() },
    }
}

/// What is said of a whole layer.
fn whole(place: usize, reason: String) -> NotScanned {
    NotScanned { path: format!("layer {}", place + 1), reason }
}

/// An error and its causes in one line.
fn told(error: &ScanError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
