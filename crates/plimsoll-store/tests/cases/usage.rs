//! Sizes and limits.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use plimsoll_oci::DiffId;
use plimsoll_store::{Error, Kind, Sharing, StoreLimits};

use super::{image, layer, open, result, waiting};

fn du(root: &Path) -> u64 {
    let output = Command::new("du").args(["-s", "-B1"]).arg(root).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn df_says_what_du_says() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let one = layer(&store, &vec![1; 100_000]);
    let draft = store.draft_layer().unwrap();
    fs::hard_link(store.layer_fs(&one).join("file"), draft.fs().join("linked")).unwrap();
    fs::create_dir_all(draft.fs().join("deep/er")).unwrap();
    symlink("x".repeat(200), draft.fs().join("link")).unwrap();
    fs::File::create(draft.fs().join("sparse")).unwrap().set_len(1 << 30).unwrap();
    let two = draft.id().clone();
    store.publish_layer(draft, &two, &plimsoll_store::LayerRecord::default()).unwrap();
    image(&store, "app:1", &vec![2; 50_000]);
    store.put_blob(&vec![3; 20_000]).unwrap();
    let mount = store.cache_mount("id", Sharing::Shared, &mut waiting, &mut |path| {
        fs::write(path.join("file"), [4; 10_000])
    });
    let build = store.begin_build("app").unwrap();
    fs::write(store.log_directory(&build.id).join("1.log"), [5; 5000]).unwrap();
    result(&store, "step", &[one], Some(&two));
    let draft = store.draft_layer().unwrap();
    fs::write(draft.fs().join("file"), [6; 5000]).unwrap();

    let report = store.df().unwrap();
    assert_eq!(report.total_bytes, du(directory.path()));
    assert_eq!(report.unreadable, 0);
    let entry = |kind| *report.entries.iter().find(|entry| entry.kind == kind).unwrap();
    assert_eq!(entry(Kind::Image).count, 1);
    assert!((50_000..80_000).contains(&entry(Kind::Image).size_bytes));
    assert_eq!(entry(Kind::Layer).count, 2);
    assert!((100_000..160_000).contains(&entry(Kind::Layer).size_bytes), "a link counts once, holes do not");
    assert_eq!(entry(Kind::Blob).count, 1);
    assert_eq!(entry(Kind::CacheMount).count, 1);
    assert_eq!(entry(Kind::Log).count, 1);
    assert_eq!(entry(Kind::Temporary).count, 1);
    drop((mount, draft));
}

#[test]
fn an_index_leads_to_the_blobs_of_its_manifests() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let [manifest, config, blob] = image(&store, "single:1", &vec![2; 50_000]);
    let index = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{manifest}","size":1}}]}}"#
    );
    let digest = store.put_blob(index.as_bytes()).unwrap();
    let target = plimsoll_oci::Descriptor::new("application/vnd.oci.image.index.v1+json", digest, 1);
    store.set_image("multi:1", &target).unwrap();
    store.remove_image("single:1").unwrap();
    drop(store);
    let store = open(directory.path());
    store.prune(&plimsoll_store::PruneOptions::default()).unwrap();
    for digest in [digest, manifest, config, blob] {
        assert!(store.has_blob(&digest).unwrap());
    }
}

#[test]
fn the_limit_is_met_before_writing() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.put_blob(&vec![1; 100_000]).unwrap();
    let limits = StoreLimits { max_bytes: Some(1_000_000), reserve_free_bytes: 0 };
    store.ensure_room(&limits, 500_000).unwrap();
    let error = store.ensure_room(&limits, 900_001).unwrap_err();
    assert!(matches!(error, Error::StoreFull { needed: 900_001, used, limit: 1_000_000 } if used > 100_000));
    assert!(error.to_string().contains("plimsoll prune"), "{error}");
    store.put_blob(&vec![2; 600_000]).unwrap();
    assert!(matches!(store.ensure_room(&limits, 500_000), Err(Error::StoreFull { .. })));
}

#[test]
fn the_reserve_of_the_file_system_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let limits = StoreLimits { max_bytes: None, reserve_free_bytes: u64::MAX / 2 };
    assert!(matches!(store.ensure_room(&limits, 1), Err(Error::DiskFull { .. })));
    store.ensure_room(&StoreLimits::default(), 1).unwrap();
}

#[test]
fn room_is_made_by_removing_what_was_not_used_for_longest() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let old = store.put_blob(&vec![1; 300_000]).unwrap();
    super::age_everything(directory.path(), 10_000);
    let new = store.put_blob(&vec![2; 300_000]).unwrap();
    drop(store);
    let store = open(directory.path());
    let limits = StoreLimits { max_bytes: Some(1_000_000), reserve_free_bytes: 0 };
    let report = store.make_room(&limits, 400_000).unwrap().unwrap();
    assert!(report.reclaimed_bytes >= 300_000);
    assert!(!store.has_blob(&old).unwrap());
    assert!(store.has_blob(&new).unwrap());
    assert!(store.make_room(&limits, 100_000).unwrap().is_none());
}

#[test]
fn a_blob_of_unknown_length_stops_at_the_limit() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.keep_to(StoreLimits { max_bytes: Some(3_000_000), reserve_free_bytes: 0 });
    let mut writer = store.blob_writer().unwrap();
    let piece = vec![7; 100_000];
    let failure =
        (0..100).find_map(|_| writer.write_all(&piece).err()).expect("ten megabytes do not fit into three");
    assert!(failure.to_string().contains("limit"), "{failure}");
    assert!((1_000_000..=3_000_000).contains(&writer.size()), "{}", writer.size());
    drop(writer);
    // What is small still fits.
    store.put_blob(&piece).unwrap();
}

#[test]
fn imported_layers_have_the_name_of_their_diff_id() {
    let diff_id = DiffId(plimsoll_oci::Digest::of("x"));
    assert_eq!(plimsoll_store::LayerId::imported(&diff_id).as_str(), diff_id.0.hex());
}
