//! What a distroless base holds, and that its bytes depend on nothing but the plan.

use std::io::Read;

use plimsoll_compose::{ComposeError, Composer, LeftOutReason, Plan};

use crate::support::archive::Package;
use crate::support::{World, layer, listing, spec_of};

fn tool() -> Package {
    Package::new("tool", "1.0")
        .field("Depends", "libtool1 (>= 1), debconf (>= 0.5) | debconf-2.0, dash (>= 0.5), runtime")
        .field("Pre-Depends", "init-system-helpers")
        .program("bin/tool")
        .directory("usr/share/doc/tool")
        .file("usr/share/doc/tool/copyright", "free")
        .file("usr/share/doc/tool/changelog", "long")
        .file("usr/share/man/man1/tool.1", "manual")
        .hardlink("usr/share/tool/manual", "usr/share/man/man1/tool.1")
        .hardlink("usr/bin/tool-also", "bin/tool")
        .control("md5sums", "00000000000000000000000000000000  bin/tool\n11111111111111111111111111111111  usr/share/man/man1/tool.1\n")
        .control("postinst", "#!/bin/sh\nupdate-alternatives --install /usr/bin/tl tl /usr/bin/tool 10\n")
}

fn world() -> World {
    World::new(&[
        tool(),
        Package::new("libtool1", "1.5").file("lib/x86_64-linux-gnu/libtool.so.1", "so"),
        Package::new("real-runtime", "3").field("Provides", "runtime"),
        Package::new("dash", "0.5").field("Essential", "yes").program("bin/sh"),
        Package::new("debconf", "1").program("usr/bin/debconf"),
        Package::new("init-system-helpers", "1").field("Essential", "yes"),
    ])
}

const SPEC: &str = "debian://test?packages=tool";

#[test]
fn dependencies_come_and_tools_of_scripts_do_not() {
    let world = world();
    let plan = world.plan(&world.composer(), SPEC).unwrap();
    let names: Vec<&str> = plan.packages.iter().map(|package| package.name.as_str()).collect();
    assert_eq!(
        names,
        ["base-files", "ca-certificates", "libtool1", "netbase", "real-runtime", "tool", "tzdata"]
    );
    let left_out: Vec<(&str, LeftOutReason)> = plan
        .left_out
        .iter()
        .filter(|left_out| left_out.wanted_by == "tool")
        .map(|left_out| (left_out.dependency.as_str(), left_out.reason))
        .collect();
    assert_eq!(
        left_out,
        [
            ("dash (>= 0.5)", LeftOutReason::Essential),
            ("debconf (>= 0.5) | debconf-2.0", LeftOutReason::MaintainerScripts),
            ("init-system-helpers", LeftOutReason::MaintainerScripts),
        ]
    );
    assert_eq!(plan.package("tool").unwrap().depends, ["libtool1", "real-runtime"]);
}

#[test]
fn the_tree_has_what_programs_need_and_no_shell() {
    let world = world();
    let files = listing(&world.compose(SPEC).unwrap());
    for (path, want) in [
        ("bin", "-> usr/bin"),
        ("lib", "-> usr/lib"),
        ("usr/bin/tool", "file 755 0:0 \u{7f}ELF"),
        ("usr/bin/tool-also", "= usr/bin/tool"),
        ("usr/lib/x86_64-linux-gnu/libtool.so.1", "file 644 0:0 so"),
        ("etc/ssl/certs/ca-certificates.crt", "file 644 0:0 A\nB\n"),
        ("usr/lib/ssl/cert.pem", "-> /etc/ssl/certs/ca-certificates.crt"),
        ("etc/os-release", "-> ../usr/lib/os-release"),
        ("tmp", "dir 1777 0:0"),
        ("home/nonroot", "dir 700 65532:65532"),
        ("usr/share/zoneinfo/Etc/UTC", "file 644 0:0 TZif"),
        ("usr/share/doc/tool/copyright", "file 644 0:0 free"),
        ("etc/alternatives/tl", "-> /usr/bin/tool"),
        ("usr/bin/tl", "-> /etc/alternatives/tl"),
    ] {
        assert_eq!(files.get(path).map(String::as_str), Some(want), "{path}");
    }
    assert!(files["etc/passwd"].contains("nonroot:x:65532:65532:"));
    assert!(files["etc/group"].contains("nogroup:x:65534:"));
    for path in [
        "usr/bin/sh",
        "usr/bin/debconf",
        "usr/sbin/update-ca-certificates",
        "usr/share/base-files/profile",
        "usr/share/doc/tool/changelog",
        "usr/share/man/man1/tool.1",
        "var/lib/dpkg/status",
    ] {
        assert!(!files.contains_key(path), "{path}");
    }
}

#[test]
fn a_hard_link_to_a_file_that_was_left_out_becomes_the_file() {
    let world = world();
    assert_eq!(listing(&world.compose(SPEC).unwrap())["usr/share/tool/manual"], "file 644 0:0 manual");
}

#[test]
fn scanners_find_every_package() {
    let world = world();
    let files = listing(&world.compose(SPEC).unwrap());
    let stanza = &files["var/lib/dpkg/status.d/tool"];
    assert!(stanza.contains("Package: tool\nVersion: 1.0\n"), "{stanza}");
    assert!(files.contains_key("var/lib/dpkg/status.d/ca-certificates"));
    let sums = &files["var/lib/dpkg/status.d/tool.md5sums"];
    assert!(sums.contains("bin/tool") && !sums.contains("man1"), "{sums}");
}

#[test]
fn the_config_runs_as_nonroot_and_is_dated_by_the_archive() {
    let world = world();
    let config = world.compose(SPEC).unwrap().config;
    assert_eq!(config.config.user, "65532");
    assert_eq!(config.config.working_dir, "/home/nonroot");
    assert_eq!(config.config.variable("SSL_CERT_FILE"), Some("/etc/ssl/certs/ca-certificates.crt"));
    assert!(config.config.variable("PATH").is_some());
    assert_eq!(config.created.as_deref(), Some("2026-07-11T10:16:37Z"));
    assert_eq!((config.architecture.as_str(), config.os.as_str()), ("amd64", "linux"));
    assert_eq!(config.history.len(), 1);
}

#[test]
fn the_same_plan_gives_the_same_bytes_with_any_number_of_jobs() {
    let world = world();
    let first = layer(&world.compose(SPEC).unwrap());
    for (jobs, cache) in [(1, "one"), (2, "two"), (7, "seven")] {
        let mut options = world.options();
        (options.jobs, options.cache_dir) = (jobs, world.directory.path().join(cache));
        let assembled = world.compose_with(&Composer::new(options).unwrap(), SPEC).unwrap();
        assert_eq!(layer(&assembled), first);
        assert_eq!(layer(&assembled), first, "a second time from the same");
    }
}

#[test]
fn a_pin_gives_the_same_base_without_asking() {
    let world = world();
    let composer = world.composer();
    let plan = world.plan(&composer, SPEC).unwrap();
    let stored: Plan = serde_json::from_slice(&serde_json::to_vec(&plan).unwrap()).unwrap();
    assert_eq!(stored, plan);
    assert_eq!(stored.digest(), plan.digest());
    world.server.remove("InRelease");
    let runtime = crate::support::runtime();
    let pinned = runtime.block_on(composer.plan(&spec_of(SPEC), Some(&stored), &|_| {})).unwrap();
    assert_eq!(pinned, plan);
    let error =
        runtime.block_on(composer.plan(&spec_of("debian://test"), Some(&stored), &|_| {})).unwrap_err();
    assert!(matches!(error, ComposeError::PinMismatch { .. }), "{error}");
}

#[test]
fn the_key_changes_with_what_the_layer_depends_on_and_with_nothing_else() {
    let world = world();
    let composer = world.composer();
    let plan = world.plan(&composer, SPEC).unwrap();
    let key = composer.key(&plan).unwrap();
    let mut options = world.options();
    options.jobs = 1;
    assert_eq!(Composer::new(options.clone()).unwrap().key(&plan).unwrap(), key);
    options.keep_documentation = true;
    assert_ne!(Composer::new(options).unwrap().key(&plan).unwrap(), key);
    let mut other = plan.clone();
    other.packages[0].version.push('1');
    assert_ne!(composer.key(&other).unwrap(), key);
}

#[test]
fn java_finds_its_trust_store() {
    let pem = "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n";
    let certificates =
        Package::new("ca-certificates", "2").file("usr/share/ca-certificates/mozilla/One.crt", pem);
    let world = World::new(&[certificates, Package::new("ca-certificates-java", "1")]);
    let assembled = world.compose("debian://test?packages=ca-certificates-java").unwrap();
    let mut store = Vec::new();
    assembled.open(b"etc/ssl/certs/java/cacerts").unwrap().read_to_end(&mut store).unwrap();
    assert_eq!(store[..16], [0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]);
    assert_eq!(store[16..34], *b"\0\x0edebian:one.pem\0\0"[..18].as_ref());
    // The certificate, and the sum of 20 bytes.
    assert_eq!(store[store.len() - 23..store.len() - 20], [1, 2, 3]);
}

#[test]
fn a_pin_cannot_lead_out_of_the_archive() {
    let world = world();
    let composer = world.composer();
    let mut plan = world.plan(&composer, SPEC).unwrap();
    plan.packages[0].filename = "../../secret".to_owned();
    let error = world.fetch(&composer, &plan).unwrap_err();
    assert!(matches!(error, ComposeError::PinMalformed { .. }), "{error}");
}

#[test]
fn a_pin_is_no_way_to_another_package_and_leaves_none_out() {
    let world = world();
    let composer = world.composer();
    let mut plan = world.plan(&composer, SPEC).unwrap();
    world.fetch(&composer, &plan).unwrap();
    let place = plan.packages.iter().position(|package| package.requested).unwrap();
    plan.packages[place].version.push_str("+1");
    let error = composer.assemble(&plan, &|_| {}).unwrap_err();
    assert!(matches!(error, ComposeError::WrongPackage { .. }) && error.is_stale_pin(), "{error}");

    plan.packages.remove(place);
    let runtime = crate::support::runtime();
    let error = runtime.block_on(composer.plan(&spec_of(SPEC), Some(&plan), &|_| {})).unwrap_err();
    assert!(matches!(error, ComposeError::PinMalformed { .. }), "{error}");
}

#[test]
fn documentation_stays_when_asked_for() {
    let world = world();
    let mut options = world.options();
    options.keep_documentation = true;
    let files = listing(&world.compose_with(&Composer::new(options).unwrap(), SPEC).unwrap());
    assert_eq!(files["usr/share/man/man1/tool.1"], "file 644 0:0 manual");
    assert_eq!(files["usr/share/tool/manual"], "= usr/share/man/man1/tool.1");
}

#[test]
fn two_packages_with_one_file_are_an_error_unless_one_replaces_the_other() {
    let one = Package::new("one", "1").file("usr/share/x", "1");
    let world = World::new(&[one.clone(), Package::new("two", "1").file("usr/share/x", "2")]);
    let error = world.compose("debian://test?packages=one,two").unwrap_err();
    assert!(matches!(&error, ComposeError::FileConflict { path, .. } if path == "usr/share/x"), "{error}");
    for (bound, works) in [("one (<< 2)", true), ("one (<< 1)", false)] {
        let two = Package::new("two", "1").field("Replaces", bound).file("usr/share/x", "2");
        let world = World::new(&[one.clone(), two]);
        match world.compose("debian://test?packages=one,two") {
            Ok(assembled) => {
                assert!(works);
                assert_eq!(listing(&assembled)["usr/share/x"], "file 644 0:0 2");
            }
            Err(error) => assert!(!works, "{error}"),
        }
    }
}

#[test]
fn paths_through_links_of_other_packages_go_where_those_point() {
    let world = World::new(&[
        Package::new("data", "1")
            .symlink("usr/share/data", "/srv/data")
            .directory("srv")
            .directory("srv/data"),
        Package::new("more", "1").directory("usr/share/data").file("usr/share/data/x", "x"),
    ]);
    let files = listing(&world.compose("debian://test?packages=data,more").unwrap());
    assert_eq!(files["usr/share/data"], "-> /srv/data");
    assert_eq!(files["srv/data/x"], "file 644 0:0 x");
}

#[test]
fn a_package_that_is_named_is_taken_even_if_it_is_a_tool_of_scripts() {
    let world = world();
    let files = listing(&world.compose("debian://test?packages=dash,debconf,tool").unwrap());
    assert!(files.contains_key("usr/bin/sh"));
    assert!(files.contains_key("usr/bin/debconf"));
}
