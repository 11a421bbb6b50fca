//! A store with small images that are made by code.

use std::io::{Cursor, Read, Write as _};
use std::num::NonZeroUsize;
use std::process::Command;
use std::sync::Arc;

use plimsoll_export::Image;
use plimsoll_layer::{
    Compression, Entry, Kind, LayerIndex, Owners, TarOptions, XattrNamespace, write_layer_blob, write_tar,
};
use plimsoll_oci::{
    ContainerConfig, Descriptor, DiffId, History, ImageConfig, Manifest, Platform, RootFs, media_type,
};
use plimsoll_snapshot::{BlobFetcher, NoFetcher, SnapshotOptions, Snapshots};
use plimsoll_store::{LayerId, Owner, Store};
use tempfile::TempDir;

/// A store in a directory of its own.
pub(crate) struct TestStore {
    pub(crate) directory: TempDir,
    pub(crate) snapshots: Snapshots,
}

impl TestStore {
    pub(crate) fn new() -> Self {
        Self::with_fetcher(|_| Arc::new(NoFetcher))
    }

    pub(crate) fn with_fetcher(fetcher: impl FnOnce(&Store) -> Arc<dyn BlobFetcher>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let is_root = rustix::process::geteuid().is_root();
        let owner = Owner {
            uid: rustix::process::geteuid().as_raw(),
            id_map: "test".to_owned(),
            xattr_namespace: plimsoll_store::XattrNamespace::User,
        };
        let store = Store::open(&directory.path().join("store"), owner).unwrap();
        let options = SnapshotOptions {
            owners: if is_root { Owners::Real } else { Owners::Recorded },
            xattr_namespace: XattrNamespace::User,
            may_unpack: true,
            threads: NonZeroUsize::MIN,
            limits: plimsoll_store::StoreLimits::default(),
        };
        let fetcher = fetcher(&store);
        Self { directory, snapshots: Snapshots::new(store, options, fetcher) }
    }

    pub(crate) fn store(&self) -> &Store {
        self.snapshots.store()
    }

    /// Keeps a layer's blob, and that it gives a base image's layer.
    pub(crate) fn layer(&self, files: &[TestFile], compression: Compression) -> (DiffId, Descriptor) {
        let mut blob = Vec::new();
        let index = LayerIndex::from_entries(files.iter().map(TestFile::entry)).unwrap();
        let written = write_layer_blob(
            &index,
            &mut |entry: &Entry| Ok(content(files, entry)),
            TarOptions::default(),
            compression,
            NonZeroUsize::MIN,
            &mut blob,
        )
        .unwrap();
        self.store().put_blob(&blob).unwrap();
        let descriptor = Descriptor::new(written.media_type, written.digest, written.size);
        self.store().record_base_layers(&[(written.diff_id, descriptor.clone())]).unwrap();
        (written.diff_id, descriptor)
    }

    /// Keeps config and manifest around layers.
    pub(crate) fn image(&self, platform: &Platform, layers: Vec<(DiffId, Descriptor)>) -> Image {
        let (diff_ids, layers): (Vec<_>, Vec<_>) = layers.into_iter().unzip();
        let config = ImageConfig {
            config: ContainerConfig {
                cmd: Some(vec!["/bin/app".to_owned()]),
                env: vec!["PATH=/bin".to_owned()],
                ..ContainerConfig::default()
            },
            created: Some("2026-01-02T03:04:05Z".to_owned()),
            history: diff_ids
                .iter()
                .map(|_| History { created_by: Some("COPY . /".to_owned()), ..History::default() })
                .collect(),
            rootfs: RootFs { diff_ids, ..RootFs::default() },
            ..ImageConfig::empty(platform)
        };
        let config_bytes = serde_json::to_vec(&config).unwrap();
        let digest = self.store().put_blob(&config_bytes).unwrap();
        let config = Descriptor::new(media_type::OCI_CONFIG, digest, config_bytes.len() as u64);
        let manifest_bytes = serde_json::to_vec(&Manifest::new(config, layers)).unwrap();
        let digest = self.store().put_blob(&manifest_bytes).unwrap();
        let target = Descriptor::new(media_type::OCI_MANIFEST, digest, manifest_bytes.len() as u64);
        Image::read(self.store(), &target, platform).unwrap()
    }

    /// An image of two layers, the second of which changes, removes and links files of the first.
    pub(crate) fn small_image(&self) -> Image {
        let lower = self.layer(&lower_files(), Compression::GZIP);
        let upper = self.layer(&upper_files(), Compression::GZIP);
        self.image(&Platform::new("linux", "amd64"), vec![lower, upper])
    }

    pub(crate) fn forget_blob(&self, blob: &Descriptor) {
        std::fs::remove_file(self.store().blob_path(&blob.digest)).unwrap();
    }
}

/// The names by which the layers of an image are unpacked.
pub(crate) fn chain(image: &Image) -> Vec<LayerId> {
    image.config.rootfs.diff_ids.iter().map(LayerId::imported).collect()
}

/// A file of a layer or archive.
#[derive(Clone)]
pub(crate) struct TestFile {
    path: &'static str,
    kind: TestKind,
    mode: u32,
    owner: (u32, u32),
}

#[derive(Clone)]
enum TestKind {
    File(Vec<u8>),
    Other(Kind),
}

impl TestFile {
    pub(crate) fn file(path: &'static str, content: impl Into<Vec<u8>>) -> Self {
        Self { path, kind: TestKind::File(content.into()), mode: 0o644, owner: (0, 0) }
    }

    pub(crate) fn of(path: &'static str, kind: Kind, mode: u32) -> Self {
        Self { path, kind: TestKind::Other(kind), mode, owner: (0, 0) }
    }

    pub(crate) fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    pub(crate) fn owner(mut self, uid: u32, gid: u32) -> Self {
        self.owner = (uid, gid);
        self
    }

    pub(crate) fn entry(&self) -> Entry {
        let kind = match &self.kind {
            TestKind::File(content) => Kind::File { size: content.len() as u64 },
            TestKind::Other(kind) => kind.clone(),
        };
        let mut entry = Entry::new(self.path, kind, self.mode);
        entry.mtime = plimsoll_layer::Timestamp::from_seconds(1_700_000_000);
        (entry.uid, entry.gid) = self.owner;
        entry
    }
}

pub(crate) fn content(files: &[TestFile], entry: &Entry) -> Box<dyn Read> {
    let file = files.iter().find(|file| file.path.as_bytes() == entry.path).unwrap();
    let TestKind::File(content) = &file.kind else { panic!("only files have content") };
    Box::new(Cursor::new(content.clone()))
}

/// An uncompressed tar.
pub(crate) fn tar_of(files: &[TestFile]) -> Vec<u8> {
    let index = LayerIndex::from_entries(files.iter().map(TestFile::entry)).unwrap();
    let mut out = Vec::new();
    write_tar(&index, &mut |entry: &Entry| Ok(content(files, entry)), TarOptions::default(), &mut out)
        .unwrap();
    out
}

fn directory(path: &'static str) -> TestFile {
    TestFile::of(path, Kind::Directory { opaque: false }, 0o755)
}

pub(crate) fn lower_files() -> Vec<TestFile> {
    let link = |target: &str| Kind::Hardlink { target: target.into() };
    vec![
        directory("bin"),
        TestFile::file("bin/app", "old app").mode(0o755),
        directory("data"),
        TestFile::file("data/a", "linked").owner(1000, 1000),
        TestFile::of("data/b", link("data/a"), 0o644).owner(1000, 1000),
        TestFile::of("data/c", link("data/a"), 0o644).owner(1000, 1000),
        TestFile::file("data/gone", "removed above"),
        directory("old"),
        TestFile::file("old/hidden", "behind an opaque directory"),
        TestFile::of("sh", Kind::Symlink { target: "bin/app".into() }, 0o777),
    ]
}

pub(crate) fn upper_files() -> Vec<TestFile> {
    vec![
        TestFile::file("bin/app", "new app").mode(0o755),
        TestFile::of("data/a", Kind::Whiteout, 0),
        TestFile::of("data/gone", Kind::Whiteout, 0),
        TestFile::of("old", Kind::Directory { opaque: true }, 0o700),
        TestFile::file("old/new", "seen"),
        TestFile::file("secret", "x").mode(0o4755).owner(1000, 1000),
    ]
}

/// Runs a program on the machine; nothing if it is not there, which is said.
pub(crate) fn program(name: &str, arguments: &[&str]) -> Option<String> {
    let Ok(output) = Command::new(name).args(arguments).output() else {
        let _said = writeln!(std::io::stderr(), "SKIPPED: `{name}` is not installed, so it read nothing");
        return None;
    };
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{name} {arguments:?}: {error}");
    Some(String::from_utf8(output.stdout).unwrap())
}
