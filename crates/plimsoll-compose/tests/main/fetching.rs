//! Downloads: verified, resumed, repeated, cached, in parallel.

use std::time::Duration;

use plimsoll_compose::{ComposeError, Composer, Event};

use crate::support::archive::Package;
use crate::support::{World, layer};

const SPEC: &str = "debian://test?packages=tool";

fn tool() -> Package {
    Package::new("tool", "1:1.0-1").file("usr/bin/tool", "x".repeat(300_000)).file("usr/share/tool", noise())
}

/// Bytes that do not compress, so that a download can be cut in its middle.
fn noise() -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..200_000).map(|_| next()).collect()
}

#[test]
fn a_package_with_other_bytes_is_refused() {
    let world = World::new(&[tool()]);
    let mut bytes = tool().deb();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    world.server.put(&tool().filename(), bytes);
    let error = world.compose(SPEC).unwrap_err();
    assert!(matches!(error, ComposeError::WrongDigest { .. }), "{error}");
    // The right bytes afterwards are accepted: nothing wrong was kept.
    world.server.put(&tool().filename(), tool().deb());
    world.compose(SPEC).unwrap();
}

#[test]
fn a_package_that_is_too_long_is_refused() {
    let world = World::new(&[tool()]);
    let mut bytes = tool().deb();
    bytes.push(0);
    world.server.put(&tool().filename(), bytes);
    let error = world.compose(SPEC).unwrap_err();
    assert!(matches!(error, ComposeError::WrongSize { .. }), "{error}");
}

#[test]
fn a_changed_index_is_refused() {
    let world = World::new(&[tool()]);
    world.server.remove("by-hash");
    world.server.put("dists/test/main/binary-amd64/Packages.xz", "nothing");
    let error = world.plan(&world.composer(), SPEC).unwrap_err();
    assert!(matches!(error, ComposeError::WrongSize { .. } | ComposeError::WrongDigest { .. }), "{error}");
}

#[test]
fn a_cut_download_goes_on_where_it_stopped() {
    let world = World::new(&[tool()]);
    world.server.cut(&tool().filename(), 100_000);
    world.compose(SPEC).unwrap();
    let asked: Vec<Option<String>> = world
        .server
        .seen()
        .into_iter()
        .filter(|seen| seen.path == tool().filename())
        .map(|seen| seen.range)
        .collect();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert_eq!(asked[0], None);
    let start: usize =
        asked[1].as_ref().unwrap().trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap();
    assert!((1..=100_000).contains(&start), "{start}");
}

#[test]
fn a_failing_mirror_is_asked_again_and_a_missing_file_is_not() {
    let world = World::new(&[tool()]);
    world.server.fail(&tool().filename(), 503, 2);
    world.compose(SPEC).unwrap();
    let retries =
        world.events.lock().unwrap().iter().filter(|event| matches!(event, Event::Retry { .. })).count();
    assert_eq!(retries, 2);

    let world = World::new(&[tool()]);
    world.server.remove("pool/main/tool");
    let error = world.compose(SPEC).unwrap_err();
    assert!(error.to_string().contains("no `tool` in version `1:1.0-1` any more"), "{error}");
    assert!(error.is_stale_pin());
    assert_eq!(world.server.seen().iter().filter(|seen| seen.path == tool().filename()).count(), 1);
}

#[test]
fn downloads_run_side_by_side_up_to_the_limit() {
    let packages: Vec<Package> = (0..8).map(|place| Package::new(&format!("tool{place}"), "1")).collect();
    let names: Vec<String> = (0..8).map(|place| format!("tool{place}")).collect();
    let world = World::new(&packages);
    let mut options = world.options();
    options.jobs = 3;
    let composer = Composer::new(options).unwrap();
    let plan = world.plan(&composer, &format!("debian://test?packages={}", names.join(","))).unwrap();
    world.server.delay(Duration::from_millis(150));
    world.fetch(&composer, &plan).unwrap();
    assert_eq!(world.server.most_active(), 3);
}

#[test]
fn another_base_finds_its_packages_in_the_cache() {
    let world = World::new(&[tool(), Package::new("other", "1")]);
    world.compose(SPEC).unwrap();
    world.server.seen();
    world.compose("debian://test?packages=tool,other").unwrap();
    let asked = world.server.seen();
    let packages: Vec<&str> =
        asked.iter().map(|seen| seen.path.as_str()).filter(|path| path.starts_with("pool/")).collect();
    assert_eq!(packages, ["pool/main/other_1_amd64.deb"]);
    let release = asked.iter().find(|seen| seen.path.ends_with("InRelease")).unwrap();
    assert!(release.conditional, "the release file is asked for with its validators");
    assert!(
        !asked.iter().any(|seen| seen.path.contains("Packages") || seen.path.contains("by-hash")),
        "{asked:?}"
    );
}

#[test]
fn an_offline_composer_uses_the_cache_and_names_what_it_lacks() {
    let world = World::new(&[tool(), Package::new("other", "1")]);
    let online = layer(&world.compose(SPEC).unwrap());
    let mut options = world.options();
    options.offline = true;
    let composer = Composer::new(options).unwrap();
    world.server.seen();
    assert_eq!(layer(&world.compose_with(&composer, SPEC).unwrap()), online);
    let error = world.compose_with(&composer, "debian://test?packages=other").unwrap_err();
    assert!(matches!(&error, ComposeError::Offline { what } if what == "other"), "{error}");
    assert!(world.server.seen().is_empty());
}

#[test]
fn an_index_in_another_compression_serves_when_the_first_is_missing() {
    let world = World::new(&[tool()]);
    let bytes = crate::support::archive::files(
        &[tool()],
        &world.key,
        &crate::support::archive::ReleaseFields::default(),
    );
    assert!(bytes.contains_key("dists/test/main/binary-amd64/Packages"));
    world.server.remove("Packages.xz");
    world.server.remove("by-hash");
    world.compose(SPEC).unwrap();
}

#[test]
fn a_cached_package_that_was_damaged_is_noticed() {
    let world = World::new(&[tool()]);
    let composer = world.composer();
    let plan = world.plan(&composer, SPEC).unwrap();
    world.fetch(&composer, &plan).unwrap();
    let digest = plan.package("tool").unwrap().digest;
    let path = world.directory.path().join("cache/files-v0").join(digest.hex());
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[1000] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let error = composer.assemble(&plan, &world.record()).unwrap_err();
    assert!(matches!(error, ComposeError::WrongDigest { .. }), "{error}");
    // It was removed, so the next fetch repairs it.
    world.fetch(&composer, &plan).unwrap();
    composer.assemble(&plan, &world.record()).unwrap();
}

#[test]
fn a_second_address_serves_when_the_first_does_not() {
    let world = World::new(&[tool()]);
    let mut options = world.options();
    options.sources[0].uris.insert(0, format!("{}/nowhere", world.server.uri()));
    world.compose_with(&Composer::new(options).unwrap(), SPEC).unwrap();
}

#[test]
fn a_suite_that_is_not_there_and_a_mirror_that_does_not_answer_are_told_apart() {
    let world = World::new(&[]);
    let error = world.plan(&world.composer(), "debian://none").unwrap_err();
    assert!(matches!(error, ComposeError::UnknownSuite { .. }), "{error}");
    let mut options = world.options();
    // The discard port: nobody listens.
    options.sources[0].uris = vec!["http://user:secret@127.0.0.1:9/debian".to_owned()];
    let error = world.plan(&Composer::new(options).unwrap(), "debian://test").unwrap_err();
    assert!(matches!(error, ComposeError::Unreachable { .. }), "{error}");
    let text = format!("{error} {error:?}");
    assert!(!text.contains("secret"), "{text}");
}
