//! Several platforms in one build: indexes, stages that run once, steps that this machine cannot execute.

use serde_json::Value;

use crate::support::{Lab, Outcome};

/// A platform that no machine of these tests has.
const FOREIGN: &str = "linux/loong64";

fn blob(lab: &Lab, digest: &Value) -> Value {
    let hex = digest.as_str().unwrap().strip_prefix("sha256:").unwrap();
    let bytes = std::fs::read(lab.store().join("blobs-v0/sha256").join(hex)).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn index(lab: &Lab, outcome: &Outcome) -> Value {
    blob(lab, &Value::from(outcome.digest()))
}

fn platforms(index: &Value) -> Vec<String> {
    let entries = index["manifests"].as_array().unwrap().iter().map(|entry| &entry["platform"]);
    let variant = |p: &Value| p["variant"].as_str().map_or_else(String::new, |variant| format!("/{variant}"));
    let text = |p: &Value| {
        format!("{}/{}{}", p["os"].as_str().unwrap(), p["architecture"].as_str().unwrap(), variant(p))
    };
    entries.map(text).collect()
}

#[test]
fn several_platforms_make_an_index_and_one_makes_a_manifest() {
    let lab = Lab::new();
    lab.write("Dockerfile", "FROM scratch\nARG TARGETPLATFORM\nLABEL for=$TARGETPLATFORM\nCOPY busybox /\n");
    let platforms_wanted = ["linux/amd64", "linux/arm64", "linux/arm/v7", "windows/amd64"];
    let outcome = lab.build().args(["--platform", &platforms_wanted.join(","), "-t", "app"]).ok();
    let index = index(&lab, &outcome);
    assert_eq!(index["mediaType"], "application/vnd.oci.image.index.v1+json");
    assert_eq!(platforms(&index), platforms_wanted);
    for (entry, platform) in index["manifests"].as_array().unwrap().iter().zip(platforms_wanted) {
        let manifest = blob(&lab, &entry["digest"]);
        let config = blob(&lab, &manifest["config"]["digest"]);
        assert_eq!(config["config"]["Labels"]["for"], platform);
        assert_eq!(config["architecture"], entry["platform"]["architecture"]);
    }
    let metadata = outcome.metadata.as_ref().unwrap();
    assert!(metadata.get("containerimage.config.digest").is_none());
    assert_eq!(metadata["containerimage.descriptor"]["mediaType"], index["mediaType"]);
    let single = lab.build().args(["--platform", "linux/arm64"]).ok();
    assert_eq!(single.image().config["architecture"], "arm64");
    let forced =
        lab.build().args(["--platform", "linux/arm64", "--build-arg", "BUILDKIT_MULTI_PLATFORM=1"]).ok();
    assert_eq!(platforms(&self::index(&lab, &forced)), ["linux/arm64"]);
}

#[test]
fn a_stage_on_the_build_platform_runs_once_and_natively() {
    let lab = Lab::new();
    lab.dockerfile("");
    lab.build().args(["-t", "native:1"]).ok();
    lab.write(
        "Dockerfile",
        "FROM --platform=$BUILDPLATFORM native:1 AS build\nRUN echo $(uname -s) > /out\n\
         FROM --platform=$BUILDPLATFORM native:1 AS cross\nARG TARGETARCH\nRUN echo $TARGETARCH > /arch\n\
         FROM scratch\nCOPY --from=build /out /\nCOPY --from=cross /arch /\n",
    );
    let outcome = lab.build().args(["--platform", "linux/amd64,linux/arm64"]).ok();
    let host = plimsoll_oci::Platform::host();
    let (other, native) = if host.architecture == "arm64" { ("amd64", "arm64") } else { ("arm64", "amd64") };
    let mut names = outcome.names("vertex-started");
    names.retain(|name| name.contains("RUN"));
    names.sort();
    assert_eq!(
        names,
        [
            format!("[linux/{native} build 2/2] RUN echo $(uname -s) > /out"),
            format!("[linux/{native} cross 2/2] RUN echo $TARGETARCH > /arch"),
            format!("[linux/{native}->{other} cross 2/2] RUN echo $TARGETARCH > /arch"),
        ]
    );
    let index = index(&lab, &outcome);
    let layer = |place: usize| {
        let digest = index["manifests"][place]["digest"].as_str().unwrap();
        crate::support::Image::read(&lab.store(), digest).file("arch").text().trim().to_owned()
    };
    assert_eq!([layer(0), layer(1)], ["amd64", "arm64"]);
}

#[test]
fn a_program_for_another_processor_is_tried_and_explained() {
    let lab = Lab::new();
    // An ELF header of a processor that does not exist, so that no emulator takes it.
    let mut elf = b"\x7fELF\x02\x01\x01".to_vec();
    elf.resize(64, 0);
    elf[16] = 2;
    elf[18..20].copy_from_slice(&0x4242_u16.to_le_bytes());
    lab.write("sh", &elf);
    lab.write("Dockerfile", "FROM scratch\nCOPY --chmod=755 sh /bin/sh\nRUN true\n");
    let outcome = lab.build().args(["--platform", FOREIGN]).fails(1);
    assert!(outcome.stderr.contains("Dockerfile:3:1"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("error[cannot-execute]"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("loong64"), "{}", outcome.stderr);
    let native = lab.build().fails(1);
    assert!(native.stderr.contains("not a program for this machine's processor"), "{}", native.stderr);
}

#[test]
fn what_belongs_to_an_index_is_refused_without_one() {
    let lab = Lab::new();
    lab.write("Dockerfile", "FROM scratch\nCOPY busybox /\n");
    let outcome = lab.build().args(["--annotation", "index:a=b"]).fails(2);
    assert!(outcome.stderr.contains("BUILDKIT_MULTI_PLATFORM"), "{}", outcome.stderr);
    let outcome = lab.build().args(["--annotation", "manifest[linux/s390x]:a=b"]).fails(2);
    assert!(outcome.stderr.contains("add it to `--platform`"), "{}", outcome.stderr);
}
