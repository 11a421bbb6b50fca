//! What earlier scans found out about layers, kept in the store.

use plimsoll_oci::DiffId;
use plimsoll_scan::{Kept, LayerFacts};
use plimsoll_store::Store;

/// Keeps facts in a store. A store that cannot be read or written costs time, and no scan.
pub(super) struct InStore<'s> {
    pub(super) store: &'s Store,
    /// What was looked for, and how.
    pub(super) reader: String,
}

impl Kept for InStore<'_> {
    fn get(&self, layer: &DiffId) -> Option<LayerFacts> {
        LayerFacts::decode(&self.store.facts(&layer.0, &self.reader).ok()??)
    }

    fn put(&self, layer: &DiffId, facts: &LayerFacts) {
        let _read_again_next_time = self.store.keep_facts(&layer.0, &self.reader, &facts.encode());
    }
}
