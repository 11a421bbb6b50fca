//! Databases of advisories, from sources to what is said about them.

use plimsoll_registry::testing::TestRegistry;
use serde_json::Value;

use crate::support::Lab;

const RECORD: &str = r#"{"id":"GHSA-aaaa-bbbb-cccc","aliases":["CVE-2024-1001"],"summary":"It reads too much",
"affected":[{"package":{"ecosystem":"npm","name":"example"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2.3"}]}]}]}"#;

fn lab() -> Lab {
    let lab = Lab::new();
    lab.write("osv/record.json", RECORD);
    lab.write("osv/broken.json", "{\u{1b}[2J");
    lab.write("epss.csv", "cve,epss,percentile\nCVE-2024-1001,0.5,0.9\n");
    lab
}

#[test]
fn a_database_is_built_and_described() {
    let lab = lab();
    let path = |name: &str| lab.path(name).to_str().unwrap().to_owned();
    let build = |output: &str, more: &[&str]| {
        let output = path(output);
        let (osv, epss) = (path("osv"), format!("epss={}", path("epss.csv")));
        let mut words =
            vec!["db", "build", "--from", "osv-dir", &osv, "--from", &epss, "-o", &output, "--time", "86400"];
        words.extend(more);
        lab.command(&words).output().unwrap()
    };
    let output = build("a.db", &["--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&answer["packages"], &answer["entries"]), (&1.into(), &1.into()));
    assert_eq!(answer["sources"][0]["not_converted"], 1);
    assert_eq!(answer["sources"][0]["not_converted_first"][0]["name"], "broken.json");

    let output = build("b.db", &[]);
    let (said, warned) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(said.contains("1 entries of 1 packages\n"), "{said}");
    assert!(warned.starts_with("warning: osv-dir `osv`: broken.json: "), "{warned}");
    assert_eq!(std::fs::read(lab.path("a.db")).unwrap(), std::fs::read(lab.path("b.db")).unwrap());

    let status = lab.output(&["db", "status", &path("a.db"), "--format", "json"]);
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["digest"], answer["database"]["digest"]);
    assert_eq!((&status["built"], &status["ecosystems"][0]), (&86400.into(), &"npm".into()));
    let shown = lab.output(&["db", "status", &path("b.db")]);
    assert!(shown.contains("1970-01-02T00:00:00Z") && shown.contains("older than five days"), "{shown}");
    let folder = lab.output(&["db", "status", &path("osv"), "--format", "json"]);
    let folder: Value = serde_json::from_str(&folder).unwrap();
    assert_eq!((&folder["built"], &folder["entries"]), (&Value::Null, &1.into()));
}

#[test]
fn a_build_that_fails_leaves_no_file() {
    let lab = lab();
    let path = |name: &str| lab.path(name).to_str().unwrap().to_owned();
    let (output, epss) = (path("a.db"), path("epss.csv"));
    for (from, expected) in [
        (&["kev", &epss][..], "cannot read"),
        (&["rustsec", &epss], "nothing in it is a record"),
        (&["osv-zip"], "`--from osv-zip` has no path"),
        (&[&epss], "names no kind of source"),
    ] {
        let mut words = vec!["db", "build", "-o", &output, "--from"];
        words.extend(from);
        let failed = lab.command(&words).output().unwrap();
        let said = String::from_utf8(failed.stderr).unwrap();
        assert_eq!(failed.status.code(), Some(2), "{said}");
        assert!(said.contains(expected), "{said}");
    }
    let left = std::fs::read_dir(lab.path("")).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().contains("db")).collect();
    assert!(left.is_empty(), "{left:?}");
    let failed = lab.command(&["db", "status", &epss]).output().unwrap();
    assert!(String::from_utf8(failed.stderr).unwrap().contains("is no advisory database"));
}

#[test]
fn a_database_goes_through_a_registry() {
    let (registry, lab) = (TestRegistry::start().unwrap(), lab());
    let build = |output: &str, time: &str| {
        let osv = lab.path("osv");
        lab.output(&[
            "db",
            "build",
            "--from",
            "osv-dir",
            osv.to_str().unwrap(),
            "-o",
            output,
            "--time",
            time,
        ]);
    };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    build("new.db", &now.to_string());
    build("old.db", "86400");
    let name = |tag: &str| format!("{}/advisories/all:{tag}", registry.host());
    let pushed = lab.output(&["db", "push", "new.db", &name("new")]);
    assert!(pushed.contains("/advisories/all@sha256:"), "{pushed}");
    let old = lab.output(&["db", "push", "old.db", &name("old")]);
    // The first one that answers; the file has the same bytes again.
    let pulled = lab.output(&["db", "pull", &name("nowhere"), &name("new")]);
    let usual = lab.beside("home/.local/share/plimsoll/db/advisories.db");
    assert!(pulled.starts_with(usual.to_str().unwrap()), "{pulled}");
    assert_eq!(std::fs::read(&usual).unwrap(), std::fs::read(lab.beside("new.db")).unwrap());
    // An older one does not take its place, unless its digest is named.
    let refused = lab.command(&["db", "pull", &name("old")]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("was built before"));
    // A scan asks the one at the usual place, and no old one.
    lab.write(
        "app/package-lock.json",
        r#"{"lockfileVersion":3,"packages":{"node_modules/example":{"version":"1.0.0"}}}"#,
    );
    let scan = |arguments: &[&str]| {
        let output = lab
            .command(&[&["scan", "context/app", "--format", "json"], arguments].concat())
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    assert!(scan(&[]).1.contains("CVE-2024-1001"));
    lab.output(&["db", "pull", old.trim()]);
    let (code, _, words) = scan(&[]);
    assert!(code == Some(2) && words.contains("days old") && words.contains("db pull"), "{words}");
    assert!(scan(&["--offline"]).1.contains("CVE-2024-1001"));
    assert!(scan(&["--db", usual.to_str().unwrap()]).1.contains("CVE-2024-1001"));
    // What is no database is neither sent nor kept.
    assert_eq!(
        lab.command(&["db", "push", "context/epss.csv", &name("x")]).output().unwrap().status.code(),
        Some(2)
    );
}
