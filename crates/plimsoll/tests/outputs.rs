//! Where results go: several places at once, attributes of outputs, annotations.

use std::io::Read as _;
use std::process::Command;

use serde_json::Value;

use crate::support::Lab;

/// An image without steps for two platforms.
fn two_platforms(lab: &Lab) -> [&'static str; 2] {
    lab.write("Dockerfile", "FROM scratch\nARG TARGETARCH\nCOPY busybox /bin-$TARGETARCH\n");
    ["--platform", "linux/amd64,linux/arm64"]
}

fn json(path: &std::path::Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The document of a descriptor in a layout.
fn document(layout: &std::path::Path, descriptor: &Value) -> Value {
    let hex = descriptor["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap();
    json(&layout.join("blobs/sha256").join(hex))
}

#[test]
fn one_build_writes_several_outputs_each_in_its_own_way() {
    let lab = Lab::new();
    lab.write("Dockerfile", "FROM scratch\nCOPY busybox /\n");
    let (tar, layout, root, all) =
        (lab.beside("a.tar"), lab.beside("layout"), lab.beside("root"), lab.beside("all.tar"));
    let outcome = lab
        .build()
        .args(["-t", "app:1"])
        .args(["-o", &format!("type=docker,dest={}", tar.display())])
        .args(["-o", &format!("type=oci,tar=false,compression=zstd,dest={}", layout.display())])
        .args(["-o", root.to_str().unwrap()])
        .args(["-o", &format!("type=tar,dest={}", all.display())])
        .args(["-o", "type=cacheonly"])
        .ok();
    let listed = json(&layout.join("index.json"));
    let manifest = document(&layout, &listed["manifests"][0]);
    assert_eq!(manifest["layers"][0]["mediaType"], "application/vnd.oci.image.layer.v1.tar+zstd");
    assert_eq!(listed["manifests"][0]["annotations"]["io.containerd.image.name"], "docker.io/library/app:1");
    assert!(root.join("busybox").is_file());
    let names: Vec<String> = tar::Archive::new(std::fs::File::open(&all).unwrap())
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .collect();
    assert_eq!(names, ["busybox"]);
    let loaded = lab.output(&["load", "-i", tar.to_str().unwrap()]);
    assert!(loaded.contains("app:1"), "{loaded}");
    // What is told of is the first image.
    assert_eq!(outcome.image().layers.len(), 1);
}

#[test]
fn only_the_store_and_registries_name_an_image_in_the_store() {
    let lab = Lab::new();
    lab.write("Dockerfile", "FROM scratch\nCOPY busybox /\n");
    let tar = format!("type=oci,dest={}", lab.beside("a.tar").display());
    lab.build().args(["-t", "archive", "-o", &tar]).ok();
    lab.build().args(["-t", "unstored", "-o", "type=image,store=false"]).ok();
    assert_eq!(lab.output(&["images", "-q"]), "");
    let outcome = lab.build().args(["-o", "type=image,\"name=a,b:2\",name-canonical=true", "-t", "c"]).ok();
    let mut names: Vec<String> = lab
        .output(&["images", "--format", "json"])
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|row| format!("{}:{}", row["Repository"].as_str().unwrap(), row["Tag"].as_str().unwrap()))
        .collect();
    names.sort();
    assert_eq!(names, ["a:<none>", "a:latest", "b:2", "b:<none>", "c:<none>", "c:latest"]);
    assert_eq!(outcome.metadata.as_ref().unwrap()["image.name"].as_str().unwrap().split(',').count(), 3);
    lab.build().args(["-o", "type=image,dangling-name-prefix=lost,compression=uncompressed"]).ok();
    assert!(lab.output(&["images"]).contains("lost"));
}

#[test]
fn platforms_are_split_into_directories() {
    let lab = Lab::new();
    let arguments = two_platforms(&lab);
    let (root, flat, tar) = (lab.beside("root"), lab.beside("flat"), lab.beside("all.tar"));
    std::fs::create_dir_all(root.join("linux_amd64/stale")).unwrap();
    lab.build()
        .args(arguments)
        .args(["-o", &format!("type=local,mode=delete,dest={}", root.display())])
        .args(["-o", &format!("type=local,platform-split=false,dest={}", flat.display())])
        .args(["-o", &format!("type=tar,dest={}", tar.display())])
        .ok();
    assert!(root.join("linux_amd64/bin-amd64").is_file() && root.join("linux_arm64/bin-arm64").is_file());
    assert!(!root.join("linux_amd64/stale").exists());
    assert!(flat.join("bin-amd64").is_file() && flat.join("bin-arm64").is_file());
    let mut archive = tar::Archive::new(std::fs::File::open(&tar).unwrap());
    let names = archive.entries().unwrap().map(|e| e.unwrap().path().unwrap().display().to_string());
    let names: Vec<String> = names.collect();
    assert_eq!(names, ["linux_amd64/", "linux_amd64/bin-amd64", "linux_arm64/", "linux_arm64/bin-arm64"]);
}

#[test]
fn a_tar_has_the_nearest_second_and_a_directory_has_holes() {
    use std::os::unix::fs::MetadataExt;
    let lab = Lab::new();
    let file = std::fs::File::create(lab.path("sparse")).unwrap();
    file.set_len(8 << 20).unwrap();
    file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_millis(1_000_000_600)).unwrap();
    lab.dockerfile("COPY sparse /sparse\n");
    let (directory, tar) = (lab.beside("root"), lab.beside("root.tar"));
    lab.build()
        .args(["-o", &format!("type=local,dest={}", directory.display())])
        .args(["-o", &format!("type=tar,dest={}", tar.display())])
        .ok();
    let written = directory.join("sparse").metadata().unwrap();
    assert_eq!((written.len(), written.mtime_nsec()), (8 << 20, 600_000_000));
    assert!(written.blocks() * 512 < 1 << 20);
    let mut archive = tar::Archive::new(std::fs::File::open(&tar).unwrap());
    let times = archive.entries().unwrap().map(|entry| entry.unwrap().header().mtime().unwrap());
    assert!(times.into_iter().any(|time| time == 1_000_001));
}

#[test]
fn annotations_are_where_they_were_asked_for() {
    let lab = Lab::new();
    let arguments = two_platforms(&lab);
    let layout = lab.beside("layout");
    lab.build()
        .args(arguments)
        .args(["--annotation", "all=1", "--annotation", "index,manifest-descriptor[linux/arm64]:some=2"])
        .args([
            "-o",
            &format!("type=oci,tar=false,annotation-index-descriptor.top=3,dest={}", layout.display()),
        ])
        .ok();
    let listed = &json(&layout.join("index.json"))["manifests"][0];
    assert_eq!(listed["annotations"]["top"], "3");
    let index = document(&layout, listed);
    assert_eq!(index["annotations"], serde_json::json!({ "some": "2" }));
    assert!(index["manifests"][0].get("annotations").is_none());
    assert_eq!(index["manifests"][1]["annotations"], serde_json::json!({ "some": "2" }));
    for entry in index["manifests"].as_array().unwrap() {
        assert_eq!(document(&layout, entry)["annotations"], serde_json::json!({ "all": "1" }));
    }
}

#[test]
fn a_forced_compression_is_that_of_the_base_too() {
    let lab = Lab::new();
    lab.write("Dockerfile", "FROM scratch\nCOPY busybox /\n");
    lab.build().args(["-t", "base:1"]).ok();
    lab.write("Dockerfile", "FROM base:1\nCOPY Dockerfile /\n");
    for (compression, own, forced) in [
        ("zstd", ["tar+gzip", "tar+zstd"], "tar+zstd"),
        ("uncompressed", ["tar+gzip", "tar"], "tar"),
        ("estargz", ["tar+gzip", "tar+gzip"], "tar+gzip"),
    ] {
        let types = |options: &str| -> Vec<Value> {
            let layout = lab.beside(&format!("layout-{compression}-{}", options.len()));
            let output =
                format!("type=oci,tar=false,compression={compression}{options},dest={}", layout.display());
            lab.build().args(["-o", &output]).ok();
            let manifest = document(&layout, &json(&layout.join("index.json"))["manifests"][0]);
            manifest["layers"].as_array().unwrap().clone()
        };
        let short = |layers: &[Value]| -> Vec<String> {
            let name = |layer: &Value| {
                layer["mediaType"]
                    .as_str()
                    .unwrap()
                    .strip_prefix("application/vnd.oci.image.layer.v1.")
                    .unwrap()
                    .to_owned()
            };
            layers.iter().map(name).collect()
        };
        assert_eq!(short(&types("")), own, "{compression}");
        let layers = types(",force-compression=true");
        assert_eq!(short(&layers), [forced, forced], "{compression}");
        let with_table =
            |layer: &Value| layer["annotations"]["containerd.io/snapshot/stargz/toc.digest"].is_string();
        assert_eq!(layers.iter().all(with_table), compression == "estargz", "{layers:?}");
    }
}

#[test]
fn docker_media_types_are_written_when_they_are_asked_for() {
    let lab = Lab::new();
    let arguments = two_platforms(&lab);
    let layout = lab.beside("layout");
    let output = format!("type=oci,tar=false,oci-mediatypes=false,dest={}", layout.display());
    lab.build().args(arguments).args(["-o", &output]).ok();
    let listed = &json(&layout.join("index.json"))["manifests"][0];
    let docker = |name: &str| format!("application/vnd.docker.{name}");
    assert_eq!(listed["mediaType"], docker("distribution.manifest.list.v2+json"));
    let index = document(&layout, listed);
    let manifest = document(&layout, &index["manifests"][1]);
    assert_eq!(manifest["mediaType"], docker("distribution.manifest.v2+json"));
    assert_eq!(manifest["config"]["mediaType"], docker("container.image.v1+json"));
    assert_eq!(manifest["layers"][0]["mediaType"], docker("image.rootfs.diff.tar.gzip"));
}

#[test]
fn times_of_layers_are_left_alone_when_that_is_asked_for() {
    let lab = Lab::new();
    lab.write("Dockerfile", "FROM scratch\nCOPY busybox /\n");
    let mtime = |options: &str| {
        let output = lab.build().epoch().args(["-o", &format!("type=image{options}")]).ok();
        (output.image().file("busybox").mtime, output.image().config["created"].as_str().unwrap().to_owned())
    };
    assert_eq!(mtime(""), (1_700_000_000, "2023-11-14T22:13:20Z".to_owned()));
    assert!(mtime(",rewrite-timestamp=false").0 > 1_700_000_000);
    assert_eq!(mtime(",source-date-epoch=5"), (5, "1970-01-01T00:00:05Z".to_owned()));
}

#[test]
fn a_wrong_output_is_exit_code_2_and_nothing_is_built() {
    let lab = Lab::new();
    lab.write("Dockerfile", "FROM scratch\nCOPY busybox /\n");
    for (arguments, part) in [
        (&["-o", "type=image,nonsense=x"][..], "no attribute `nonsense`"),
        (&["-o", "type=tar", "-o", "type=oci"], "standard output"),
        (&["-o", "type=registry"], "needs a name"),
        (&["--annotation", "nowhere:a=b"], "no place `nowhere`"),
        (&["--platform", "linux/"], "not a platform"),
    ] {
        let outcome = lab.build().args(arguments).run_as_typed();
        assert_eq!(outcome.code, 2, "{arguments:?}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(part), "{arguments:?}: {}", outcome.stderr);
    }
}

#[test]
fn an_index_is_saved_loaded_and_inspected_with_all_its_platforms() {
    let lab = Lab::new();
    let arguments = two_platforms(&lab);
    let digest = lab.build().args(arguments).args(["-t", "app"]).ok().digest();
    let inspected: Value =
        serde_json::from_str(&lab.output(&["inspect", "app", "--platform", "linux/arm64"])).unwrap();
    assert_eq!(
        (&inspected[0]["Architecture"], &inspected[0]["Id"]),
        (&Value::from("arm64"), &Value::from(digest.clone()))
    );
    assert_eq!(inspected[0]["Manifests"].as_array().unwrap().len(), 2);
    let archive = lab.beside("app.tar");
    lab.output(&["save", "app", "-o", archive.to_str().unwrap()]);
    let other = Lab::new();
    other.output(&["load", "-i", archive.to_str().unwrap()]);
    let loaded: Value = serde_json::from_str(&other.output(&["images", "--format", "json"])).unwrap();
    assert_eq!(loaded["ID"], digest);
    assert_eq!(loaded["Platforms"], serde_json::json!(["linux/amd64", "linux/arm64"]));
    // One platform alone has no index.
    lab.output(&["save", "app", "--platform", "linux/arm64", "-o", archive.to_str().unwrap()]);
    let third = Lab::new();
    third.output(&["load", "-i", archive.to_str().unwrap()]);
    let loaded: Value = serde_json::from_str(&third.output(&["images", "--format", "json"])).unwrap();
    assert_eq!(loaded["Platforms"], serde_json::json!(["linux/arm64"]));
    // Everything is kept by prune, because the name stands for all of it.
    lab.output(&["prune", "--force"]);
    lab.output(&["save", "app", "-o", archive.to_str().unwrap()]);
}

#[test]
fn a_dash_is_a_tar_on_standard_output() {
    let lab = Lab::new();
    lab.write("Dockerfile", "FROM scratch\nCOPY busybox /\n");
    let output: std::process::Output =
        Command::output(lab.command(&["build", "-o", "-"]).arg(lab.context())).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut archive = tar::Archive::new(output.stdout.as_slice());
    let mut bytes = Vec::new();
    archive.entries().unwrap().next().unwrap().unwrap().read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, std::fs::read(lab.path("busybox")).unwrap());
}

#[test]
fn an_image_over_its_budget_goes_nowhere() {
    let lab = Lab::new();
    lab.write("small", "x".repeat(2_000));
    lab.write(
        "Dockerfile",
        "FROM scratch AS base\nCOPY busybox /\nFROM base AS app\nCOPY small /\nWORKDIR /w\n",
    );
    let tar = lab.beside("a.tar");
    let output = format!("type=oci,dest={}", tar.display());
    let build = || lab.build().args(["-t", "app:1", "-o", "type=image", "-o", &output]);
    let outcome = build().args(["--size-budget", "1kB"]).fails(1);
    for text in [
        "error[image-over-size-budget]: the image has ",
        "more than its budget of 1.0 kB",
        "Dockerfile:2:1",
        "from [base 1/1] COPY busybox / (line 2)",
        "2.0 kB from [app 1/2] COPY small / (line 4)",
        "raise `--size-budget`",
    ] {
        assert!(outcome.stderr.contains(text), "{text}: {}", outcome.stderr);
    }
    assert!(!tar.exists());
    assert_eq!(lab.output(&["images", "-q"]), "");

    // The project's counts where it is smaller.
    lab.write("plimsoll.toml", "size-budget = \"1.5kB\"\n");
    let outcome = build().args(["--size-budget", "1GB"]).fails(1);
    assert!(outcome.stderr.contains("budget of 1.5 kB"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("raise `size-budget` of `plimsoll.toml`"), "{}", outcome.stderr);
    build().fails(1);
    let outcome = build().args(["--size-budget", "none"]).ok();
    assert_eq!(outcome.steps_run(), 0, "the steps are known");
    assert!(tar.exists());

    lab.write("plimsoll.toml", "size-budget = \"small\"\n");
    let outcome = build().fails(2);
    assert!(outcome.stderr.contains("`size-budget` of `plimsoll.toml`"), "{}", outcome.stderr);
    lab.write("plimsoll.toml", "size-budget = \"1GB\"\n");
    build().ok();
}
