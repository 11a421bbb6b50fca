//! One module per promise, and what they share.

mod blobs;
mod layers;
mod opening;
mod processes;
mod pruning;
mod records;
mod usage;

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use plimsoll_oci::{Descriptor, DiffId, Digest};
use plimsoll_store::{LayerId, LayerRecord, Owner, ResultId, ResultRecord, Store, Timestamp, XattrNamespace};

pub(crate) fn owner() -> Owner {
    Owner { uid: 1000, id_map: "0 1000 1".to_owned(), xattr_namespace: XattrNamespace::User }
}

pub(crate) fn open(root: &Path) -> Store {
    Store::open(root, owner()).unwrap()
}

pub(crate) fn waiting(_waited: Duration) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Publishes a layer that holds one file.
pub(crate) fn layer(store: &Store, contents: &[u8]) -> LayerId {
    let draft = store.draft_layer().unwrap();
    let id = draft.id().clone();
    fs::write(draft.fs().join("file"), contents).unwrap();
    fs::write(draft.index(), b"index").unwrap();
    let record = LayerRecord { diff_id: None, size_bytes: 4096 };
    assert!(store.publish_layer(draft, &id, &record).unwrap());
    id
}

/// Records a result of the key that the text names.
pub(crate) fn result(store: &Store, key: &str, base: &[LayerId], layer: Option<&LayerId>) -> ResultRecord {
    let record = ResultRecord {
        id: ResultId::random().unwrap(),
        key: Digest::of(key),
        base: base.to_vec(),
        layer: layer.cloned(),
        created: Timestamp::now(),
        output: b"{}".to_vec(),
    };
    store.record_result(&record).unwrap();
    record
}

/// Names an image of one layer blob; gives its manifest, config and layer.
pub(crate) fn image(store: &Store, name: &str, layer: &[u8]) -> [Digest; 3] {
    let diff_id = DiffId(Digest::of(layer));
    let blob = store.put_blob(layer).unwrap();
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","config":{{}},"rootfs":{{"type":"layers","diff_ids":["{diff_id}"]}}}}"#
    );
    let config_digest = store.put_blob(config.as_bytes()).unwrap();
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{config_digest}","size":{}}},"layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"{blob}","size":{}}}]}}"#,
        config.len(),
        layer.len()
    );
    let digest = store.put_blob(manifest.as_bytes()).unwrap();
    let size = manifest.len() as u64;
    let target = Descriptor::new("application/vnd.oci.image.manifest.v1+json", digest, size);
    store.set_image(name, &target).unwrap();
    [digest, config_digest, blob]
}

/// Changes the database behind the store's back.
pub(crate) fn sql(root: &Path, statement: &str) {
    rusqlite::Connection::open(root.join("meta-v0.db")).unwrap().execute_batch(statement).unwrap();
}

/// Every row's last use, so many seconds ago.
pub(crate) fn age_everything(root: &Path, seconds: u64) {
    for table in ["results", "keys", "selections", "layers", "layer_blobs", "blobs", "images", "sources"] {
        sql(root, &format!("UPDATE {table} SET last_use = last_use - {seconds}"));
    }
    for folder in ["layers-v0", "blobs-v0/sha256", "blobs-v0/partial", "logs-v0", "stat-v0"] {
        for path in list(&root.join(folder)) {
            let time = SystemTime::now() - Duration::from_secs(seconds);
            fs::File::open(path).unwrap().set_modified(time).unwrap();
        }
    }
}

pub(crate) fn list(path: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}
