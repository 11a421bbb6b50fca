//! `scan`: what is in images, archives and directories, and what is known against it.

use serde_json::{Value, json};

use crate::support::Lab;

const STATUS: &str = "Package: libexample1\nStatus: install ok installed\nArchitecture: amd64\nSource: example (1.0-1)\n\
    Version: 1.0-1+b2\n\n";

/// A record of one package that a version fixes.
fn record(ecosystem: &str, name: &str, fixed: &str, vector: &str) -> String {
    let id = format!("TEST-{name}");
    json!({
        "schema_version": "1.6.0", "id": id, "modified": "2026-01-01T00:00:00Z", "aliases": ["CVE-2026-1000"],
        "summary": format!("{name} is broken"), "severity": [{ "type": "CVSS_V3", "score": vector }],
        "affected": [{ "package": { "ecosystem": ecosystem, "name": name },
            "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": fixed }] }] }],
    })
    .to_string()
}

/// A vector of the score 9.8.
const CRITICAL: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";

fn lab() -> Lab {
    let lab = Lab::new();
    lab.write("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian 12\"\n");
    lab.write("var/lib/dpkg/status", STATUS);
    lab.write("app/package-lock.json", lock("4.17.20"));
    lab.write("db/one.json", record("Debian:12", "example", "1.0-2", CRITICAL));
    lab.write(
        "db/any name",
        record("npm", "lodash", "4.17.21", "CVSS:3.1/AV:L/AC:H/PR:N/UI:N/S:U/C:L/I:N/A:N"),
    );
    lab.dockerfile(
        "FROM scratch\nCOPY etc /etc\nCOPY var /var\nCOPY app /app\nCOPY Dockerfile /app/package.json\n",
    );
    lab
}

fn lock(version: &str) -> String {
    json!({ "name": "x", "lockfileVersion": 3, "packages": { "node_modules/lodash": { "version": version } } }).to_string()
}

fn report(lab: &Lab, arguments: &[&str]) -> Value {
    let all = [&["scan", "--format", "json"], arguments].concat();
    serde_json::from_str(&lab.output(&all)).unwrap()
}

fn code(lab: &Lab, arguments: &[&str]) -> i32 {
    let output = lab
        .command(&[&["scan", "--format", "json", "--db", "context/db"], arguments].concat())
        .output()
        .unwrap();
    serde_json::from_slice::<Value>(&output.stdout).expect("the answer is whole whatever the exit code");
    output.status.code().unwrap()
}

fn names(report: &Value) -> Vec<String> {
    let text = |one: &Value, key: &str| one[key].as_str().unwrap().to_owned();
    let packages = report["packages"].as_array().unwrap().iter();
    packages
        .map(|one| format!("{} {} {}", text(one, "type"), text(one, "name"), text(one, "version")))
        .collect()
}

#[test]
fn an_image_says_the_same_wherever_it_lies() {
    let lab = lab();
    lab.build().args(["-t", "x:1"]).ok();
    for (format, file) in [("docker", "docker.tar"), ("oci", "oci.tar")] {
        lab.output(&["save", "--format", format, "-o", file, "x:1"]);
    }
    std::fs::create_dir(lab.beside("layout")).unwrap();
    lab.output(&["save", "--format", "oci", "-o", "layout", "x:1"]);
    let expected = ["deb libexample1 1.0-1+b2", "npm lodash 4.17.20"];
    let targets = [
        "x:1",
        "docker.tar",
        "docker-archive:docker.tar",
        "oci.tar",
        "oci-archive:oci.tar",
        "layout",
        "oci:layout",
    ];
    let first = report(&lab, &["x:1", "--db", "context/db"]);
    for target in targets {
        let report = report(&lab, &[target, "--db", "context/db"]);
        assert_eq!(names(&report), expected, "{target}");
        assert_eq!(report["os"]["id"], "debian");
        assert_eq!(report["vulnerabilities"], first["vulnerabilities"], "{target}");
        assert_eq!(report["packages"][0]["locations"][0]["layer"], 1, "{target}");
        assert_eq!(report["target"]["layers"][2]["created_by"], "COPY app /app # buildkit", "{target}");
    }
    assert_eq!(first["vulnerabilities"].as_array().unwrap().len(), 2);
    assert_eq!(report(&lab, &["x:1"])["target"]["layers"][3]["line"], 9);
    let worst = &first["vulnerabilities"][0];
    assert_eq!(
        (&worst["id"], &worst["severity"], &worst["fixed"]),
        (&json!("CVE-2026-1000"), &json!("critical"), &json!("1.0-2"))
    );
    assert_eq!(worst["package"]["name"], "libexample1");
}

#[test]
fn a_layer_is_read_once() {
    let lab = lab();
    let built = lab.build().args(["-t", "x:1"]).ok();
    let first = report(&lab, &["x:1"]);
    let image = built.image();
    assert_eq!(image.layers.len(), 4);
    // Without its layers' bytes the image can still be told of.
    for blob in std::fs::read_dir(lab.store().join("blobs-v0/sha256")).unwrap() {
        let path = blob.unwrap().path();
        if std::fs::read(&path).unwrap().starts_with(&[0x1f, 0x8b]) {
            std::fs::remove_file(&path).unwrap();
        }
    }
    assert_eq!(report(&lab, &["x:1", "--offline"]), first);
}

#[test]
fn a_directory_is_a_root_file_system() {
    let lab = lab();
    lab.link("/etc/passwd", "app/Cargo.lock");
    let report = report(&lab, &["context"]);
    assert_eq!(names(&report), ["deb libexample1 1.0-1+b2", "npm lodash 4.17.20"]);
    assert_eq!(report["database"], Value::Null);
    let reasons = report["not_scanned"].as_array().unwrap();
    assert!(reasons.iter().any(|one| one["reason"].as_str().unwrap().contains("no database")), "{reasons:?}");
    assert!(reasons.iter().all(|one| one["path"] != "app/Cargo.lock"), "a link was followed: {reasons:?}");
}

#[test]
fn gates_have_exit_codes_of_their_own() {
    let lab = lab();
    // Without a gate it only tells.
    assert_eq!(code(&lab, &["context"]), 0);
    assert_eq!(code(&lab, &["context", "--fail-on", "high"]), 1);
    assert_eq!(code(&lab, &["context", "--exit-code", "7"]), 7);
    assert_eq!(code(&lab, &["context", "--exit-code", "7", "--severity", "medium"]), 0);
    assert_eq!(code(&lab, &["context", "--exit-code", "7", "--severity", "low"]), 7);
    // What is not shown counts all the same where a threshold is named.
    assert_eq!(code(&lab, &["context", "--severity", "medium", "--fail-on", "high"]), 1);
    assert_eq!(code(&lab, &["context/app", "--fail-on", "high"]), 0);
    assert_eq!(code(&lab, &["context/app", "--fail-on", "low"]), 1);
    lab.write("app/Cargo.lock", "this is no TOML");
    assert_eq!(code(&lab, &["context/app", "--fail-on", "high"]), 3);
    let missing = lab.command(&["scan", "./nowhere"]).output().unwrap();
    assert_eq!(missing.status.code(), Some(2));
    let words = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert!(words.contains("there is no `./nowhere`") && words.contains("oci-archive:FILE"), "{words}");
}

#[test]
fn what_a_project_ignores_is_counted() {
    let lab = lab();
    std::fs::write(lab.beside(".trivyignore"), "CVE-2026-1000 exp:2000-01-01\nTEST-lodash\n").unwrap();
    let report = report(&lab, &["context", "--db", "context/db"]);
    assert_eq!(report["summary"]["suppressed"], 1);
    assert_eq!(report["vulnerabilities"].as_array().unwrap().len(), 1);
    std::fs::write(lab.beside("own.yaml"), "vulnerabilities:\n  - id: CVE-2026-1000\n").unwrap();
    assert_eq!(code(&lab, &["context", "--ignorefile", "own.yaml", "--fail-on", "low"]), 0);
}

#[test]
fn one_platform_of_an_index_or_all() {
    let lab = Lab::new();
    lab.write("a/package-lock.json", lock("1.0.0"));
    lab.write("Dockerfile", "FROM scratch\nCOPY a /a\n");
    lab.build().args(["-t", "x:1", "--platform", "linux/amd64,linux/arm64,linux/riscv64"]).ok();
    assert!(report(&lab, &["x:1"])["images"].is_null());
    let all = report(&lab, &["x:1", "--platform", "all"]);
    let platforms: Vec<_> =
        all["images"].as_array().unwrap().iter().map(|one| one["target"]["platform"].clone()).collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm64", "linux/riscv64"]);
    lab.output(&["save", "--format", "oci", "-o", "x.tar", "x:1"]);
    let one = report(&lab, &["x.tar", "--platform", "linux/riscv64"]);
    assert_eq!(
        (&one["target"]["platform"], names(&one)),
        (&json!("linux/riscv64"), vec!["npm lodash 1.0.0".to_owned()])
    );
}

#[test]
fn a_secret_is_found_in_every_layer_and_in_the_config() {
    let lab = Lab::new();
    // Put together here, so that this file has none.
    let password = ["q8Zr", "T1vX", "w0Lp", "9sKd"].concat();
    lab.write("netrc", format!("machine example.org\nlogin me\npassword {password}\n"));
    let token = ["npm", "_", "a1B2c3D4e5F6g7H8", "i9J0k1L2m3N4o5P6", "q7R8"].concat();
    lab.dockerfile(&format!(
        "FROM base\nCOPY netrc /root/.netrc\nRUN rm /root/.netrc\nENV NPM_TOKEN={token}\nRUN echo fine > /ok\n"
    ));
    lab.build().args(["-t", "x:1"]).ok();
    let report = report(&lab, &["x:1"]);
    let secrets = report["secrets"].as_array().unwrap();
    let netrc =
        secrets.iter().find(|one| one["path"] == "root/.netrc").unwrap_or_else(|| panic!("{secrets:?}"));
    assert_eq!(
        (&netrc["line"], &netrc["column"], &netrc["is_deleted_later"]),
        (&json!(3), &json!(10), &json!(true))
    );
    assert!(secrets.iter().any(|one| one["path"] == "config/env/NPM_TOKEN"), "{secrets:?}");
    for format in ["json", "table"] {
        let text = lab.output(&["scan", "--format", format, "x:1"]);
        assert!(!text.contains(&password) && !text.contains(&token), "{format} has the value:\n{text}");
    }
    let ignored = format!("secrets:\n  - id: {}\n", netrc["fingerprint"].as_str().unwrap());
    std::fs::write(lab.beside("ignore.yaml"), ignored).unwrap();
    let left = self::report(&lab, &["x:1", "--ignorefile", "ignore.yaml"]);
    assert!(left["secrets"].as_array().unwrap().iter().all(|one| one["path"] != "root/.netrc"));
    assert_eq!(left["summary"]["suppressed"], 1);
}

#[test]
fn a_build_with_findings_goes_nowhere() {
    let lab = lab();
    let build = lab.build().args(["-t", "x:1", "--scan", "--db", "context/db"]);
    build.ok();
    lab.output(&["rmi", "x:1"]);
    assert_eq!(lab.output(&["images", "-q"]), "");
    let outcome = build.arg("--fail-on=high").fails(1);
    assert!(outcome.stderr.contains("1 vulnerability and no secrets of severity high"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("CVE-2026-1000"), "{}", outcome.stderr);
    assert_eq!(lab.output(&["images", "-q"]), "");
    // Its layers have been read: what is mended goes through.
    lab.write("db/one.json", record("Debian:12", "example", "1.0-1", CRITICAL));
    lab.build().args(["-t", "x:1", "--scan", "--db", "context/db", "--fail-on=high"]).ok();
    assert!(!lab.output(&["images", "-q"]).is_empty());
}

#[test]
fn attestations_stand_beside_the_image_in_its_index() {
    let lab = lab();
    let build = lab.build().args(["-t", "example.org/x:1", "--sbom", "--provenance=mode=max"]).epoch();
    build.ok();
    std::fs::create_dir(lab.beside("layout")).unwrap();
    lab.output(&["save", "--format", "oci", "-o", "layout", "example.org/x:1"]);
    let read = |digest: &Value| -> Value {
        let hex = digest.as_str().unwrap().strip_prefix("sha256:").unwrap();
        serde_json::from_slice(&std::fs::read(lab.beside("layout/blobs/sha256").join(hex)).unwrap()).unwrap()
    };
    let layout: Value =
        serde_json::from_slice(&std::fs::read(lab.beside("layout/index.json")).unwrap()).unwrap();
    let top = &layout["manifests"][0]["digest"];
    let index = read(top);
    let [image, attestation] = index["manifests"].as_array().unwrap().as_slice() else { panic!("{index}") };
    assert_eq!(attestation["platform"], json!({ "architecture": "unknown", "os": "unknown" }));
    assert_eq!(attestation["annotations"]["vnd.docker.reference.digest"], image["digest"]);
    assert_eq!(attestation["annotations"]["vnd.docker.reference.type"], "attestation-manifest");
    let manifest = read(&attestation["digest"]);
    let statements: Vec<Value> =
        manifest["layers"].as_array().unwrap().iter().map(|layer| read(&layer["digest"])).collect();
    let kinds: Vec<&Value> = statements.iter().map(|one| &one["predicateType"]).collect();
    assert_eq!(kinds, ["https://spdx.dev/Document", "https://slsa.dev/provenance/v1"]);
    for statement in &statements {
        let subject = &statement["subject"][0];
        assert_eq!(
            format!("sha256:{}", subject["digest"]["sha256"].as_str().unwrap()),
            image["digest"].as_str().unwrap()
        );
        assert_eq!(subject["name"], "pkg:docker/example.org/x@1?platform=linux%2Famd64");
    }
    let packages = statements[0]["predicate"]["packages"].to_string();
    assert!(packages.contains("pkg:npm/lodash@4.17.20"), "{packages}");
    let provenance = &statements[1]["predicate"];
    assert!(
        provenance["buildDefinition"]["internalParameters"]["dockerfile"]
            .as_str()
            .unwrap()
            .contains("COPY app /app")
    );
    assert_eq!(provenance["runDetails"]["metadata"], json!({}));
    // The same again gives the same, and the image itself is the one that it is without attestations.
    build.ok();
    std::fs::create_dir(lab.beside("again")).unwrap();
    lab.output(&["save", "--format", "oci", "-o", "again", "example.org/x:1"]);
    let again: Value =
        serde_json::from_slice(&std::fs::read(lab.beside("again/index.json")).unwrap()).unwrap();
    assert_eq!(&again["manifests"][0]["digest"], top);
    let plain = lab.build().args(["-t", "example.org/x:2"]).epoch().ok();
    assert_eq!(plain.metadata.unwrap()["containerimage.digest"], image["digest"]);
    // A scan of all platforms passes them over.
    let report = report(&lab, &["example.org/x:1", "--platform", "all"]);
    assert_eq!(report["target"]["platform"], "linux/amd64");
}
