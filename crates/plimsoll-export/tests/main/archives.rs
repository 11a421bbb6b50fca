//! OCI image layouts and Docker's archives.

use std::fs;

use plimsoll_export::{
    ArchiveFormat, Bundle, ExportError, Image, ImageSet, archive, layout_directory, load, load_path,
};
use plimsoll_layer::Compression;
use plimsoll_oci::{Platform, media_type};

use crate::support::{TestFile, TestStore, program, tar_of};

fn bytes(from: &TestStore, images: &ImageSet, names: &[&str], format: ArchiveFormat) -> Vec<u8> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut out = Vec::new();
    let size = archive(&from.snapshots, &[Bundle { images, names: &names }], format, &mut out).unwrap();
    assert_eq!(size, out.len() as u64);
    out
}

fn read(
    into: &TestStore,
    archive: &[u8],
) -> Result<Vec<(Vec<String>, plimsoll_oci::Descriptor)>, ExportError> {
    let loaded = load(into.store(), Box::new(std::io::Cursor::new(archive.to_vec())))?;
    Ok(loaded
        .into_iter()
        .map(|image| (image.names.iter().map(ToString::to_string).collect(), image.target))
        .collect())
}

#[test]
fn an_image_is_the_same_after_save_and_load() {
    let from = TestStore::new();
    let image = from.small_image();
    for format in [ArchiveFormat::Oci, ArchiveFormat::Docker] {
        let saved = bytes(&from, &image.clone().into(), &["app:1", "localhost:5000/team/app:2"], format);
        let into = TestStore::new();
        let loaded = read(&into, &saved).unwrap();
        assert_eq!(loaded.len(), 1);
        assert_eq!(loaded[0].0, ["docker.io/library/app:1", "localhost:5000/team/app:2"]);
        assert_eq!(loaded[0].1, image.manifest);
        let again = Image::read(into.store(), &loaded[0].1, &Platform::new("linux", "amd64")).unwrap();
        assert_eq!(again.manifest_bytes, image.manifest_bytes);
        assert_eq!(again.config_bytes, image.config_bytes);
        for (layer, diff_id) in image.layers.iter().zip(&image.config.rootfs.diff_ids) {
            assert!(into.store().has_blob(&layer.digest).unwrap());
            // So that it serves as a base.
            assert_eq!(into.store().base_layer(diff_id).unwrap().unwrap().digest, layer.digest);
        }
    }
}

#[test]
fn the_same_images_give_the_same_bytes() {
    for format in [ArchiveFormat::Oci, ArchiveFormat::Docker] {
        let saved = || {
            let store = TestStore::new();
            let image = store.small_image();
            bytes(&store, &image.into(), &["app"], format)
        };
        assert_eq!(saved(), saved());
    }
}

#[test]
fn a_directory_is_a_layout_that_is_read_back() {
    let from = TestStore::new();
    let image = from.small_image();
    let names = vec!["app".to_owned()];
    let set = image.clone().into();
    let bundle = Bundle { images: &set, names: &names };
    let directory = from.directory.path().join("layout");
    assert!(layout_directory(&from.snapshots, &[bundle], ArchiveFormat::Oci, &directory).unwrap() > 0);
    let into = TestStore::new();
    let loaded = load_path(into.store(), &directory).unwrap();
    assert_eq!(loaded[0].target, image.manifest);
    assert_eq!(loaded[0].names[0].to_string(), "docker.io/library/app:latest");
    // What is there already is not written again.
    let lists = layout_directory(&from.snapshots, &[bundle], ArchiveFormat::Oci, &directory).unwrap();
    assert!(lists < 1000, "{lists}");
}

#[test]
fn several_platforms_share_an_index() {
    let from = TestStore::new();
    let first = from.small_image();
    let layer = from.layer(&[TestFile::file("other", "arm")], Compression::ZSTD);
    let second = from.image(&Platform::new("linux", "arm64"), vec![layer]);
    let saved = bytes(
        &from,
        &ImageSet::of(vec![first.clone(), second.clone()]).unwrap(),
        &["app"],
        ArchiveFormat::Oci,
    );
    let into = TestStore::new();
    let target = read(&into, &saved).unwrap().remove(0).1;
    assert_eq!(target.media_type, media_type::OCI_INDEX);
    for image in [first, second] {
        let read = Image::read(into.store(), &target, &image.config.platform()).unwrap();
        assert_eq!(read.manifest.digest, image.manifest.digest);
    }
}

#[test]
fn a_compressed_archive_is_read() {
    let from = TestStore::new();
    let saved = bytes(&from, &from.small_image().into(), &["app"], ArchiveFormat::Docker);
    let file = from.directory.path().join("image.tar");
    fs::write(&file, &saved).unwrap();
    let Some(_) = program("gzip", &[file.to_str().unwrap()]) else { return };
    let into = TestStore::new();
    assert_eq!(load_path(into.store(), &file.with_extension("tar.gz")).unwrap().len(), 1);
}

#[test]
fn an_archive_of_an_old_docker_is_read() {
    let store = TestStore::new();
    let layer = tar_of(&[TestFile::file("etc/motd", "hello")]);
    let diff_id = plimsoll_oci::Digest::of(&layer);
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","rootfs":{{"type":"layers","diff_ids":["{diff_id}","{diff_id}"]}}}}"#
    );
    let list = r#"[{"Config":"c.json","RepoTags":["app:1"],"Layers":["a/layer.tar","b/layer.tar"]}]"#;
    let link = plimsoll_layer::Kind::Symlink { target: "../a/layer.tar".into() };
    let archive = tar_of(&[
        TestFile::file("a/VERSION", "1.0"),
        TestFile::file("a/layer.tar", layer),
        TestFile::of("b/layer.tar", link, 0o777),
        TestFile::file("c.json", config),
        TestFile::file("manifest.json", list),
    ]);
    let (names, target) = read(&store, &archive).unwrap().remove(0);
    assert_eq!(names, ["docker.io/library/app:1"]);
    let image = Image::read(store.store(), &target, &Platform::new("linux", "amd64")).unwrap();
    assert_eq!(image.layers.len(), 2);
    assert!(
        image.layers.iter().all(|layer| layer.digest == diff_id && layer.media_type == media_type::OCI_LAYER)
    );
}

#[test]
fn a_blob_that_nobody_has_is_named() {
    let store = TestStore::new();
    let image = store.small_image();
    store.forget_blob(&image.layers[1]);
    let set = image.clone().into();
    let bundle = Bundle { images: &set, names: &[] };
    let error = archive(&store.snapshots, &[bundle], ArchiveFormat::Oci, &mut Vec::new()).unwrap_err();
    assert!(matches!(error, ExportError::BlobGone { digest } if digest == image.layers[1].digest), "{error}");
}

#[test]
fn other_programs_read_what_is_written() {
    let store = TestStore::new();
    let image = store.small_image();
    let write = |format, name: &str| {
        let path = store.directory.path().join(name);
        fs::write(&path, bytes(&store, &image.clone().into(), &["app:1"], format)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (oci, docker) = (write(ArchiveFormat::Oci, "oci.tar"), write(ArchiveFormat::Docker, "docker.tar"));
    for name in [
        format!("oci-archive:{oci}:1"),
        format!("docker-archive:{docker}:app:1"),
        format!("oci-archive:{docker}"),
    ] {
        let Some(text) = program("skopeo", &["inspect", &name]) else { return };
        let found: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(found["Layers"].as_array().unwrap().len(), 2, "{name}");
        assert_eq!(found["Architecture"], "amd64", "{name}");
    }
    // Copying reads every layer and compares it with the config.
    let copy = format!("dir:{}", store.directory.path().join("copy").display());
    program("skopeo", &["--insecure-policy", "copy", &format!("docker-archive:{docker}:app:1"), &copy]);
}

#[test]
fn a_layout_is_unpacked_by_another_program() {
    let store = TestStore::new();
    let image = store.small_image();
    let directory = store.directory.path().join("layout");
    let names = vec!["app:1".to_owned()];
    let set = image.clone().into();
    let bundle = Bundle { images: &set, names: &names };
    layout_directory(&store.snapshots, &[bundle], ArchiveFormat::Oci, &directory).unwrap();
    let bundle = store.directory.path().join("bundle");
    let layout = format!("{}:1", directory.display());
    let mut arguments = vec!["unpack", "--image", &layout];
    if !rustix::process::geteuid().is_root() {
        arguments.push("--rootless");
    }
    let bundle_text = bundle.to_str().unwrap().to_owned();
    arguments.push(&bundle_text);
    if program("umoci", &arguments).is_none() {
        return;
    }
    assert_eq!(fs::read_to_string(bundle.join("rootfs/bin/app")).unwrap(), "new app");
    assert!(!bundle.join("rootfs/data/gone").exists());
    assert!(!bundle.join("rootfs/old/hidden").exists());
}
