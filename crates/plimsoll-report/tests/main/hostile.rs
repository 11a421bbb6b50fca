//! Names of strangers in every shape: none may command a terminal, a CI system or a browser.

use plimsoll_diagnostics::sanitize::{ci_line, is_hidden};
use plimsoll_packages::Kind;
use plimsoll_report::{Format, Options, read_sbom, write};
use plimsoll_scan::report::{Layer, Package, Secret, Severity, State, Vulnerability};
use plimsoll_scan::{NotScanned, Report};
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;

use crate::reports::{digest, location, package, plain, summarised, vulnerability};

const TEXTS: [&str; 12] = [
    "\x1b[2J\x1b]0;title\x07",
    "user\u{202e}nimda\u{200b}\u{2066}",
    "\n::error::owned\r\n::set-output name=a::b",
    "##vso[task.setvariable variable=a]b ##[error]x",
    "</script><script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "]]><!--&lt;&#x3c;",
    "[a](javascript:alert(1))",
    "' onmouseover='alert(1)",
    "\0\u{9b}31m\u{feff}\u{fffe}\u{ffff}",
    "../../etc/passwd?#%00",
    "${{ github.token }} $(id) `id`",
];

fn texts() -> Vec<String> {
    let long = "x\u{202e}\x1b[31m<b>\"'".repeat(1000);
    TEXTS.iter().map(|text| (*text).to_owned()).chain([long, String::new()]).collect()
}

/// Everything that can be text is hostile.
fn hostile() -> Report {
    let mut packages = Vec::new();
    let mut vulnerabilities = Vec::new();
    let mut secrets = Vec::new();
    let mut not_scanned = Vec::new();
    let mut layers = Vec::new();
    for (at, text) in texts().into_iter().enumerate() {
        let kind = [Kind::Deb, Kind::Npm, Kind::Maven][at % 3];
        let mut package = package(kind, &format!("p{text}"), &text, location(&text, Some(1), at));
        package.vendor = Some(text.clone());
        package.licenses = vec![text.clone(), "MIT".to_owned()];
        vulnerabilities.push(hostile_vulnerability(at, &text, &package));
        packages.push(package);
        secrets.push(Secret {
            rule: format!("rule{text}"),
            title: text.clone(),
            severity: Severity::High,
            path: text.clone(),
            line: 1,
            column: 1,
            masked: text.clone(),
            fingerprint: text.clone(),
            layer: Some(at),
            is_deleted_later: true,
        });
        not_scanned.push(NotScanned { path: text.clone(), reason: text.clone() });
        layers.push(Layer {
            diff_id: digest('a'),
            created_by: Some(text.clone()),
            stage: Some(text),
            line: at.is_multiple_of(2).then_some(3),
            is_base: false,
        });
    }
    let mut report = plain(&TEXTS.concat(), packages);
    report.vulnerabilities = vulnerabilities;
    report.secrets = secrets;
    report.not_scanned = not_scanned;
    report.target.layers = layers;
    report.target.platform = Some(TEXTS.concat());
    let system = report.os.as_mut().expect("it has a system");
    system.name = TEXTS.concat();
    system.version = TEXTS.concat();
    summarised(report)
}

fn hostile_vulnerability(at: usize, text: &str, package: &Package) -> Vulnerability {
    let severity = Severity::ALL[at % 6];
    let mut vulnerability = vulnerability(&format!("CVE-{text}"), severity, package);
    vulnerability.aliases = vec![text.to_owned()];
    text.clone_into(&mut vulnerability.severity_source);
    vulnerability.vector = Some(text.to_owned());
    vulnerability.title = Some(text.to_owned());
    vulnerability.is_exploited = at % 2 == 1;
    if at.is_multiple_of(3) {
        vulnerability.state = State::Fixed;
        vulnerability.fixed = Some(text.to_owned());
    }
    vulnerability
}

fn written(format: Format) -> String {
    let options = Options { all: true, ..Options::default() };
    write(format, &[hostile(), hostile()], &options)
}

#[test]
fn no_shape_has_hidden_characters_or_commands_of_ci_systems() {
    for format in Format::ALL {
        let text = written(format);
        assert!(!text.contains('\r'), "{format}");
        for line in text.lines() {
            assert!(!line.chars().any(is_hidden), "{format}: {line:?}");
            if format == Format::Github {
                let command =
                    ["::error ", "::warning ", "::notice "].iter().any(|level| line.starts_with(level));
                assert!(command, "{line:?}");
                assert!(!line[2..].contains("##["), "{line:?}");
            } else {
                assert_eq!(ci_line(line), line, "{format}");
            }
        }
    }
}

#[test]
fn colours_of_the_table_are_its_own() {
    let options = Options { all: true, color: true, ..Options::default() };
    let text = write(Format::Table, &[hostile()], &options);
    for (at, _) in text.match_indices('\x1b') {
        let own = ["[0m", "[1m", "[2m", "[1;31m", "[31m", "[33m", "[35m", "[36m"];
        assert!(own.iter().any(|style| text[at + 1..].starts_with(style)), "{:?}", &text[at..at + 10]);
    }
}

#[test]
fn documents_are_whole() {
    for format in
        [Format::Json, Format::Sarif, Format::Gitlab, Format::CycloneDx, Format::CycloneDxVex, Format::Spdx]
    {
        let read: Result<Value, _> = serde_json::from_str(&written(format));
        assert!(read.is_ok(), "{format}: {read:?}");
    }
    let junit = written(Format::Junit);
    let mut reader = Reader::from_str(&junit);
    let mut failures = 0;
    loop {
        match reader.read_event().unwrap() {
            Event::Start(element) => {
                failures += usize::from(element.name().as_ref() == "failure");
                assert!(element.attributes().all(|attribute| attribute.is_ok()));
            }
            Event::CData(_) | Event::Comment(_) | Event::PI(_) | Event::DocType(_) => panic!("{junit}"),
            Event::Eof => break,
            _ => {}
        }
    }
    assert!(failures > 2 * TEXTS.len(), "{failures}");
}

/// What the schemas demand of texts, and what only hostile ones break.
#[test]
fn documents_keep_to_the_limits_of_their_schemas() {
    let read = |format| -> Value { serde_json::from_str(&written(format)).unwrap() };
    let texts = |value: &Value, of: &[&str]| -> Vec<String> {
        let all = value.as_array().unwrap().iter();
        all.filter_map(|one| of.iter().fold(one, |one, key| &one[*key]).as_str().map(str::to_owned)).collect()
    };
    let bom = read(Format::CycloneDxVex);
    for image in bom["components"].as_array().unwrap() {
        let components = &image["components"];
        assert!(texts(components, &["version"]).iter().all(|version| version.chars().count() <= 1024));
        assert!(texts(components, &["bom-ref"]).iter().all(|reference| !reference.is_empty()));
    }
    let spdx = read(Format::Spdx);
    for supplier in texts(&spdx["packages"], &["supplier"]) {
        assert!(supplier == "NOASSERTION" || supplier.starts_with("Organization: "), "{supplier}");
        assert!(!supplier.contains('\n'), "{supplier}");
    }
    for id in texts(&spdx["packages"], &["SPDXID"]) {
        let id = id.strip_prefix("SPDXRef-").unwrap();
        assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte)), "{id}");
    }
    let licenses = texts(&spdx["hasExtractedLicensingInfos"], &["extractedText"]);
    assert!(licenses.len() > 5 && licenses.iter().all(|text| !text.is_empty()));
    let gitlab = read(Format::Gitlab);
    let found = &gitlab["vulnerabilities"];
    assert!(texts(found, &["name"]).iter().all(|name| name.chars().count() <= 255));
    assert!(texts(found, &["solution"]).iter().all(|text| text.chars().count() <= 7000));
    for one in found.as_array().unwrap() {
        let values = texts(&one["identifiers"], &["value"]);
        assert!(!values.is_empty() && values.iter().all(|value| !value.is_empty()), "{one}");
    }
}

#[test]
fn the_page_has_only_its_own_elements() {
    let page = written(Format::Html);
    let own = [
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "dl", "dt", "dd", "p", "small",
        "table", "tr", "th", "td", "a", "span",
    ];
    for (at, _) in page.match_indices('<') {
        let name = page[at + 1..].trim_start_matches('/');
        let name: String = name.chars().take_while(char::is_ascii_alphanumeric).collect();
        assert!(
            own.contains(&&*name) || page[at..].starts_with("<!doctype html>"),
            "{name}: {}",
            &page[at..at + 40]
        );
    }
    for (at, _) in page.match_indices("href=\"") {
        let link = &page[at + 6..];
        assert!(link.starts_with("https://nvd.nist.gov/vuln/detail/CVE-"), "{}", &link[..60]);
    }
}

#[test]
fn bills_of_materials_keep_hostile_names_as_they_are() {
    let report = hostile();
    for format in [Format::CycloneDx, Format::Spdx] {
        let bom =
            read_sbom(write(format, std::slice::from_ref(&report), &Options::default()).as_bytes()).unwrap();
        let names = |packages: &[Package]| {
            let mut names: Vec<_> =
                packages.iter().map(|one| (one.kind, one.name.clone(), one.version.clone())).collect();
            names.sort();
            names
        };
        assert_eq!(names(&bom.packages), names(&report.packages), "{format}");
        assert_eq!(bom.target, report.target.name);
    }
}
