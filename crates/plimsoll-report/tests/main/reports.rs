//! Reports to show.

use std::collections::BTreeMap;

use plimsoll_packages::{Evidence, Kind, Scope};
use plimsoll_scan::NotScanned;
use plimsoll_scan::report::{
    DatabaseInfo, Layer, Location, Named, Package, PackageRef, Report, SCHEMA, Secret, Severity, State,
    Summary, System, Target, TargetKind, Tool, Vulnerability,
};

/// A database of 2026-05-01.
const BUILT: u64 = 1_777_636_800;

pub(crate) fn location(path: &str, line: Option<u32>, layer: usize) -> Location {
    Location { path: path.to_owned(), line, layer: Some(layer) }
}

/// A package of Debian 12, or of a language.
pub(crate) fn package(kind: Kind, name: &str, version: &str, location: Location) -> Package {
    let architecture = kind.is_of_system().then(|| "amd64".to_owned());
    let mut plain = plimsoll_packages::Package::new(kind, name, version, Evidence::Installed);
    plain.architecture.clone_from(&architecture);
    Package {
        kind,
        name: name.to_owned(),
        version: version.to_owned(),
        purl: plain.purl(Some(("debian", "12"))),
        evidence: Evidence::Installed,
        scope: Scope::Runtime,
        architecture,
        source: None,
        vendor: None,
        module: None,
        licenses: Vec::new(),
        locations: vec![location],
    }
}

fn of_source(mut package: Package, name: &str, version: &str) -> Package {
    package.source = Some(Named { name: name.to_owned(), version: version.to_owned() });
    package
}

pub(crate) fn vulnerability(id: &str, severity: Severity, package: &Package) -> Vulnerability {
    Vulnerability {
        id: id.to_owned(),
        aliases: Vec::new(),
        package: PackageRef {
            kind: package.kind,
            name: package.name.clone(),
            version: package.version.clone(),
            purl: package.purl.clone(),
        },
        severity,
        severity_source: "nvd".to_owned(),
        score: None,
        vector: None,
        state: State::Affected,
        fixed: None,
        title: None,
        epss: None,
        is_exploited: false,
        locations: package.locations.clone(),
        sources: vec!["osv".to_owned()],
    }
}

fn fixed(mut vulnerability: Vulnerability, version: &str, title: &str) -> Vulnerability {
    vulnerability.state = State::Fixed;
    vulnerability.fixed = Some(version.to_owned());
    vulnerability.title = Some(title.to_owned());
    vulnerability
}

/// An image with a base, packages that a line installs, and packages that a line copies.
pub(crate) fn image() -> Report {
    let dpkg = |layer| location("var/lib/dpkg/status", None, layer);
    let ssl =
        of_source(package(Kind::Deb, "libssl3", "3.0.11-1~deb12u1", dpkg(0)), "openssl", "3.0.11-1~deb12u1");
    let openssl = package(Kind::Deb, "openssl", "3.0.11-1~deb12u1", dpkg(0));
    let mut libc = of_source(package(Kind::Deb, "libc6", "2.36-9+b1", dpkg(0)), "glibc", "2.36-9");
    libc.licenses = vec!["LGPL-2.1-or-later".to_owned(), "GPL-2+ with exception".to_owned()];
    let curl = package(Kind::Deb, "curl", "7.88.1-10+deb12u5", dpkg(1));
    let mut lodash =
        package(Kind::Npm, "@example/lodash", "4.17.20", location("app/package-lock.json", Some(120), 2));
    lodash.evidence = Evidence::LockFile;
    lodash.licenses = vec!["MIT OR Apache-2.0".to_owned()];
    let mut typing =
        package(Kind::Pypi, "Typing_Extensions", "4.9.0", location("usr/lib/python3/METADATA", None, 2));
    typing.scope = Scope::Development;
    let commons = package(Kind::Maven, "org.apache:commons", "1.0", location("app/app.jar", None, 2));
    let mut twice =
        fixed(vulnerability("CVE-2024-0001", Severity::High, &ssl), "3.0.13-1~deb12u1", "Freed twice");
    twice.aliases = vec!["GHSA-aaaa-bbbb-cccc".to_owned()];
    twice.score = Some(7.5);
    twice.vector = Some("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H".to_owned());
    let mut as_openssl = twice.clone();
    openssl.name.clone_into(&mut as_openssl.package.name);
    as_openssl.package.purl.clone_from(&openssl.purl);
    let mut exploited = fixed(
        vulnerability("CVE-2024-0002", Severity::Critical, &curl),
        "7.88.1-10+deb12u6",
        "A heap overflow in the SOCKS5 handshake lets a host that is connected to run code",
    );
    exploited.is_exploited = true;
    let mut ignored = vulnerability("CVE-2024-0003", Severity::Low, &ssl);
    ignored.state = State::WillNotFix;
    let unrated = vulnerability("CVE-2024-0004", Severity::Unknown, &libc);
    let pollution =
        fixed(vulnerability("CVE-2021-23337", Severity::High, &lodash), "4.17.21", "Command injection");
    let mut packages = vec![ssl, openssl, libc, curl, lodash, typing, commons];
    packages.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    let mut report = plain("example/app:1.0", packages);
    report.vulnerabilities = vec![exploited, twice, as_openssl, pollution, ignored, unrated];
    report.target.layers = vec![
        Layer { diff_id: digest('a'), created_by: None, stage: None, line: None, is_base: true },
        layer('b', 5, "RUN apt-get install -y curl"),
        layer('c', 7, "COPY app /app"),
    ];
    report.secrets = vec![Secret {
        rule: "private-key".to_owned(),
        title: "a private key".to_owned(),
        severity: Severity::High,
        path: "app/.ssh/id_ed25519".to_owned(),
        line: 2,
        column: 1,
        masked: "b3Bl****".to_owned(),
        layer: Some(2),
        is_deleted_later: true,
    }];
    report.not_scanned =
        vec![NotScanned { path: "app/broken.jar".to_owned(), reason: "it is no zip archive".to_owned() }];
    summarised(report)
}

/// An image with nothing but packages.
pub(crate) fn plain(name: &str, packages: Vec<Package>) -> Report {
    summarised(Report {
        schema: SCHEMA,
        tool: Tool { name: "plimsoll".to_owned(), version: "0.1.0".to_owned() },
        target: Target {
            kind: TargetKind::Image,
            name: name.to_owned(),
            digest: Some(digest('e')),
            platform: Some("linux/amd64".to_owned()),
            layers: Vec::new(),
        },
        os: Some(System {
            id: "debian".to_owned(),
            version: "12".to_owned(),
            name: "Debian GNU/Linux 12 (bookworm)".to_owned(),
            end_of_life: Some("2028-06-30".to_owned()),
            is_past_end_of_life: false,
        }),
        packages,
        vulnerabilities: Vec::new(),
        secrets: Vec::new(),
        not_scanned: Vec::new(),
        database: Some(DatabaseInfo { digest: digest('d'), built: Some(BUILT), sources: BTreeMap::new() }),
        summary: Summary::default(),
    })
}

/// The report with its numbers.
pub(crate) fn summarised(mut report: Report) -> Report {
    let mut counts = BTreeMap::new();
    for vulnerability in &report.vulnerabilities {
        *counts.entry(vulnerability.severity.name().to_owned()).or_insert(0) += 1;
    }
    report.summary = Summary {
        packages: report.packages.len(),
        vulnerabilities: counts,
        fixable: report.vulnerabilities.iter().filter(|one| one.state == State::Fixed).count(),
        secrets: report.secrets.len(),
        not_scanned: report.not_scanned.len(),
        ..Summary::default()
    };
    report
}

pub(crate) fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

fn layer(digit: char, line: u32, created_by: &str) -> Layer {
    Layer {
        diff_id: digest(digit),
        created_by: Some(format!("{created_by} # buildkit")),
        stage: None,
        line: Some(line),
        is_base: false,
    }
}
