//! What programs read.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_report::{Format, Options, write};
use plimsoll_scan::report::Severity;
use plimsoll_scan::{NotScanned, Report};
use serde_json::{Value, json};

use crate::reports::{image, plain};

fn written(format: Format, reports: &[Report]) -> String {
    write(format, reports, &Options::default())
}

fn value(format: Format, reports: &[Report]) -> Value {
    serde_json::from_str(&written(format, reports)).expect("a JSON document")
}

#[test]
fn json_is_the_report_and_several_are_a_list() {
    let report = image();
    let read: Report = serde_json::from_value(value(Format::Json, std::slice::from_ref(&report))).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), serde_json::to_value(&report).unwrap());
    let several = value(Format::Json, &[report.clone(), report]);
    assert_eq!(several["schema"], 1);
    assert_eq!(several["images"].as_array().unwrap().len(), 2);
}

#[test]
fn what_is_not_selected_is_in_no_list_but_in_the_numbers() {
    let options = Options { severities: BTreeSet::from([Severity::Critical]), ..Options::default() };
    let report = image();
    let read: Value =
        serde_json::from_str(&write(Format::Json, std::slice::from_ref(&report), &options)).unwrap();
    assert_eq!(read["vulnerabilities"].as_array().unwrap().len(), 1);
    assert_eq!(read["secrets"].as_array().unwrap().len(), 0);
    assert_eq!(read["summary"]["vulnerabilities"]["high"], 3);
    let sarif = write(Format::Sarif, std::slice::from_ref(&report), &options);
    assert!(sarif.contains("vulnerabilities: 5 not shown (only critical)"), "{sarif}");
    assert!(!sarif.contains("CVE-2024-0001"), "{sarif}");
}

#[test]
fn sarif_points_at_the_dockerfile_where_it_can() {
    let log = value(Format::Sarif, &[image()]);
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 7);
    for result in results {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        assert_eq!(result["locations"].as_array().unwrap().len(), 1);
    }
    let place = |at: usize| &results[at]["locations"][0]["physicalLocation"];
    assert_eq!(results[0]["ruleId"], "CVE-2024-0002");
    assert_eq!(place(0)["artifactLocation"]["uri"], "Dockerfile");
    assert_eq!(place(0)["region"]["startLine"], 5);
    let in_image = &results[0]["relatedLocations"][0]["physicalLocation"]["artifactLocation"];
    assert_eq!(*in_image, json!({ "uri": "var/lib/dpkg/status", "uriBaseId": "IMAGE" }));
    // A package of the base has no line of the Dockerfile.
    assert_eq!(results[1]["ruleId"], "CVE-2024-0001");
    assert_eq!(place(1)["artifactLocation"]["uri"], "var/lib/dpkg/status");
    let severities: Vec<&Value> = rules.iter().map(|rule| &rule["properties"]["security-severity"]).collect();
    assert_eq!(severities[..3], ["8.0", "7.5", "9.5"]);
    let prints: BTreeSet<&str> =
        results.iter().map(|result| result["partialFingerprints"]["plimsoll/v1"].as_str().unwrap()).collect();
    assert_eq!(prints.len(), results.len());
    let notes = &run["invocations"][0]["toolExecutionNotifications"];
    assert_eq!(notes[0]["level"], "warning");
    assert!(notes[0]["message"]["text"].as_str().unwrap().contains("app/broken.jar"), "{notes}");
}

#[test]
fn a_fingerprint_outlives_a_new_version_of_the_package() {
    let mut later = image();
    for vulnerability in &mut later.vulnerabilities {
        vulnerability.package.version.push_str("+later");
    }
    let prints = |report: Report| {
        let log = value(Format::Sarif, &[report]);
        let results = log["runs"][0]["results"].as_array().unwrap().clone();
        results.iter().map(|one| one["partialFingerprints"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(prints(image()), prints(later));
}

#[test]
fn gitlab_has_what_its_schema_requires() {
    let report = value(Format::Gitlab, &[image()]);
    assert_eq!(report["version"], "15.0.7");
    let scan = &report["scan"];
    assert_eq!((&scan["type"], &scan["status"]), (&json!("container_scanning"), &json!("success")));
    assert_eq!(scan["start_time"], "1970-01-01T00:00:00");
    let found = report["vulnerabilities"].as_array().unwrap();
    assert_eq!(found.len(), 6);
    let ids: BTreeSet<&str> = found.iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 6);
    assert_eq!(found[1]["severity"], "High");
    assert_eq!(found[1]["identifiers"][0]["type"], "cve");
    assert_eq!(found[1]["identifiers"][1]["type"], "ghsa");
    assert_eq!(
        found[1]["location"],
        json!({
            "dependency": { "package": { "name": "libssl3" }, "version": "3.0.11-1~deb12u1" },
            "operating_system": "debian 12",
            "image": "example/app:1.0",
        })
    );
    let messages = scan["messages"].as_array().unwrap();
    assert!(messages.iter().any(|one| one["value"].as_str().unwrap().contains("1 secret found")), "{scan}");
}

#[test]
fn github_shows_the_line_that_brought_it() {
    let commands = written(Format::Github, &[image()]);
    let first = "::error file=Dockerfile,line=5,title=CVE-2024-0002 in curl 7.88.1-10+deb12u5::CRITICAL: A heap overflow";
    assert!(commands.starts_with(first), "{commands}");
    assert!(commands.contains("\n::error title=CVE-2024-0001 in openssl"), "{commands}");
    assert!(
        commands.contains("\n::warning title=example/app%3A1.0::not scanned: app/broken.jar"),
        "{commands}"
    );
}

#[test]
fn junit_passes_only_what_was_scanned() {
    let mut clean = plain("example/clean:1", image().packages);
    let passed = written(Format::Junit, std::slice::from_ref(&clean));
    assert!(passed.contains("tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"0\""), "{passed}");
    clean.not_scanned = vec![NotScanned { path: String::new(), reason: "there is no database".to_owned() }];
    let skipped = written(Format::Junit, &[clean]);
    assert!(skipped.contains("tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"1\""), "{skipped}");
    let failed = written(Format::Junit, &[image()]);
    assert!(failed.contains("tests=\"7\" failures=\"6\" errors=\"0\" skipped=\"1\""), "{failed}");
}

#[test]
fn cyclonedx_has_what_is_known_only_when_asked() {
    let plain = value(Format::CycloneDx, &[image()]);
    assert_eq!(plain["vulnerabilities"], Value::Null);
    assert_eq!(plain["compositions"][0]["aggregate"], "incomplete");
    let bom = value(Format::CycloneDxVex, &[image()]);
    let mut components = BTreeMap::new();
    for component in bom["components"].as_array().unwrap() {
        let before = components.insert(component["bom-ref"].as_str().unwrap(), component);
        assert!(before.is_none(), "{component}");
    }
    let known = bom["vulnerabilities"].as_array().unwrap();
    // One for both packages of openssl.
    assert_eq!(known.len(), 5);
    for one in known {
        for affected in one["affects"].as_array().unwrap() {
            assert!(components.contains_key(affected["ref"].as_str().unwrap()), "{affected}");
        }
    }
    assert_eq!(known[1]["affects"].as_array().unwrap().len(), 2);
    assert_eq!(
        known[1]["analysis"],
        json!({ "state": "in_triage", "response": ["update"], "detail": "fixed in 3.0.13-1~deb12u1" })
    );
    assert_eq!(known[1]["ratings"][0]["method"], "CVSSv31");
}

#[test]
fn spdx_relates_everything_to_its_target() {
    let report = image();
    let document = value(Format::Spdx, std::slice::from_ref(&report));
    let packages = document["packages"].as_array().unwrap();
    // The target and the system.
    assert_eq!(packages.len(), report.packages.len() + 2);
    let ids: BTreeSet<&str> = packages.iter().map(|one| one["SPDXID"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), packages.len());
    let related: BTreeSet<&str> = document["relationships"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["relatedSpdxElement"].as_str().unwrap())
        .collect();
    assert_eq!(ids, related);
    assert_eq!(document["creationInfo"]["created"], "1970-01-01T00:00:00Z");
    let made = Options { created: Some(1_777_636_800), ..Options::default() };
    assert!(write(Format::Spdx, &[report], &made).contains("\"created\": \"2026-05-01T12:00:00Z\""));
    let texts = document["hasExtractedLicensingInfos"].as_array().unwrap();
    assert_eq!(texts.len(), 1);
    assert_eq!(texts[0]["extractedText"], "GPL-2+ with exception");
}

#[test]
fn the_page_has_a_policy_for_its_own_style_only() {
    let page = written(Format::Html, &[image()]);
    assert!(page.contains("default-src 'none'; style-src 'sha256-"), "{page}");
    assert!(page.contains("CVE-2024-0001</a>") && page.contains("app/.ssh/id_ed25519:2"), "{page}");
    for never in ["<script", "<img", "<form", "<iframe", "javascript:", "src=", "url("] {
        assert!(!page.contains(never), "{never}: {page}");
    }
}

#[test]
fn formats_are_found_by_their_names() {
    for format in Format::ALL {
        assert_eq!(format.name().parse::<Format>().unwrap(), format);
    }
    let error = "xml".parse::<Format>().unwrap_err().to_string();
    assert!(error.contains("there is no format `xml`; there are table, json, sarif"), "{error}");
}
