//! Archives that lie.

use plimsoll_export::{ExportError, load, load_path};
use plimsoll_layer::Kind;
use plimsoll_oci::{Descriptor, Digest, Index, Manifest, media_type};

use crate::support::{TestFile, TestStore, tar_of};

fn refused(archive: Vec<u8>) -> ExportError {
    let store = TestStore::new();
    load(store.store(), Box::new(std::io::Cursor::new(archive))).unwrap_err()
}

fn leaked(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

fn blob(bytes: &[u8]) -> TestFile {
    TestFile::file(leaked(format!("blobs/sha256/{}", Digest::of(bytes).hex())), bytes)
}

fn described(media_type: &str, bytes: &[u8]) -> Descriptor {
    Descriptor::new(media_type, Digest::of(bytes), bytes.len() as u64)
}

/// The files of a layout with one layer, whose config names `diff_id`.
fn layout(layer: &[u8], diff_ids: &[Digest]) -> Vec<TestFile> {
    let diff_ids = serde_json::to_string(diff_ids).unwrap();
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","rootfs":{{"type":"layers","diff_ids":{diff_ids}}}}}"#
    );
    let manifest = serde_json::to_vec(&Manifest::new(
        described(media_type::OCI_CONFIG, config.as_bytes()),
        vec![described(media_type::OCI_LAYER, layer)],
    ))
    .unwrap();
    let index =
        serde_json::to_vec(&Index::new(vec![described(media_type::OCI_MANIFEST, &manifest)])).unwrap();
    vec![blob(config.as_bytes()), blob(&manifest), blob(layer), TestFile::file("index.json", index)]
}

#[test]
fn an_honest_layout_is_accepted() {
    let layer = tar_of(&[TestFile::file("a", "b")]);
    let store = TestStore::new();
    let archive = tar_of(&layout(&layer, &[Digest::of(&layer)]));
    assert_eq!(load(store.store(), Box::new(std::io::Cursor::new(archive))).unwrap().len(), 1);
}

#[test]
fn a_blob_with_another_digest_is_refused() {
    let layer = tar_of(&[TestFile::file("a", "b")]);
    let mut files = layout(&layer, &[Digest::of(&layer)]);
    files[2] = TestFile::file(leaked(format!("blobs/sha256/{}", Digest::of(&layer).hex())), "other bytes");
    let error = refused(tar_of(&files));
    assert!(
        matches!(error, ExportError::Store { source: plimsoll_store::Error::DigestMismatch { .. } }),
        "{error}"
    );
}

#[test]
fn a_layer_that_is_not_what_the_config_says_is_refused() {
    let layer = tar_of(&[TestFile::file("a", "b")]);
    let error = refused(tar_of(&layout(&layer, &[Digest::of("another layer")])));
    assert!(matches!(error, ExportError::WrongDiffId { .. }), "{error}");
    let error = refused(tar_of(&layout(&layer, &[])));
    assert!(matches!(error, ExportError::LayerCount { layers: 1, diff_ids: 0, .. }), "{error}");
}

#[test]
fn a_missing_blob_is_named() {
    let layer = tar_of(&[TestFile::file("a", "b")]);
    for missing in 0..3 {
        let mut files = layout(&layer, &[Digest::of(&layer)]);
        files.remove(missing);
        let error = refused(tar_of(&files));
        assert!(matches!(error, ExportError::Incomplete { .. }), "{missing}: {error}");
    }
}

#[test]
fn names_that_leave_the_archive_are_refused() {
    // The layer writer refuses such names itself, so an honest one is changed afterwards, and its checksum with it.
    let mut archive = tar_of(&[TestFile::file("aa/evil.json", "{}"), TestFile::file("manifest.json", "[]")]);
    archive[..2].copy_from_slice(b"..");
    let sum: u32 = u32::from(b'a') * 2 - u32::from(b'.') * 2;
    let old = std::str::from_utf8(&archive[148..154]).unwrap();
    let new = u32::from_str_radix(old.trim_matches(['\0', ' ']), 8).unwrap() - sum;
    archive[148..154].copy_from_slice(format!("{new:06o}").as_bytes());
    let error = refused(archive);
    assert!(
        matches!(error, ExportError::Archive { source: plimsoll_layer::LayerError::Path { .. } }),
        "{error:?}"
    );
}

#[test]
fn links_do_not_lead_out_of_the_archive() {
    let list = r#"[{"Config":"c.json","RepoTags":null,"Layers":["l.tar"]}]"#;
    let out = |target: &str| Kind::Symlink { target: target.into() };
    for target in ["../../etc/passwd", "/etc/passwd", "l.tar"] {
        let error = refused(tar_of(&[
            TestFile::file("c.json", r#"{"rootfs":{"type":"layers","diff_ids":[]}}"#),
            TestFile::of("l.tar", out(target), 0o777),
            TestFile::file("manifest.json", list),
        ]));
        assert!(matches!(&error, ExportError::ArchiveEntry { path, .. } if path == "l.tar"), "{error}");
    }
}

#[test]
fn a_list_without_end_is_refused() {
    let error = refused(tar_of(&[TestFile::file("manifest.json", vec![b' '; (16 << 20) + 1])]));
    assert!(matches!(error, ExportError::ArchiveEntry { .. }), "{error}");
}

#[test]
fn indexes_in_indexes_come_to_an_end() {
    let mut files = Vec::new();
    let mut inner = br#"{"schemaVersion":2,"manifests":[]}"#.to_vec();
    for _ in 0..8 {
        files.push(blob(&inner));
        inner = serde_json::to_vec(&Index::new(vec![described(media_type::OCI_INDEX, &inner)])).unwrap();
    }
    files.push(TestFile::file("index.json", inner));
    let error = refused(tar_of(&files));
    assert!(matches!(error, ExportError::ArchiveEntry { .. }), "{error}");
}

#[test]
fn what_is_no_image_is_said() {
    assert!(matches!(refused(tar_of(&[TestFile::file("readme", "hi")])), ExportError::NoImageInside));
    assert!(matches!(refused(tar_of(&[TestFile::file("manifest.json", "[]")])), ExportError::NoImageInside));
    assert!(matches!(
        refused(b"no tar at all, but a text that is long enough".repeat(30)),
        ExportError::Archive { .. }
    ));
    let store = TestStore::new();
    let error = load_path(store.store(), store.directory.path()).unwrap_err();
    assert!(matches!(error, ExportError::NoImageInside), "{error}");
}

#[test]
fn a_truncated_archive_is_refused_wherever_it_ends() {
    let layer = tar_of(&[TestFile::file("a", "b")]);
    let archive = tar_of(&layout(&layer, &[Digest::of(&layer)]));
    // The end mark alone may be missing.
    let end = archive.len() - 1024;
    for cut in (100..end).step_by(700) {
        refused(archive[..cut].to_vec());
    }
}
