//! OSV's ecosystems: their order of versions, their spelling of names, their releases.
//!
//! Ecosystem names are open: a name that is not known here is ordered by lenient semantic versioning, which refuses nothing, and its
//! package names are taken as they are. OSV schema, "Defined ecosystems".

use std::borrow::Cow;

use plimsoll_versions::Ecosystem as Order;

/// An ecosystem's name without its release: `Debian` of `Debian:12`.
pub fn base(ecosystem: &str) -> &str {
    ecosystem.split_once(':').map_or(ecosystem, |(base, _)| base)
}

/// What orders the versions of an ecosystem.
pub fn order(ecosystem: &str) -> Order {
    // `Root:Debian:12` and `Root:PyPI` are rebuilt packages of what they name second.
    match base(ecosystem.trim_start_matches("Root:")) {
        "Debian" | "Ubuntu" | "Echo" => Order::Deb,
        "Alpine"
        | "Alpaquita"
        | "BellSoft Hardened Containers"
        | "Chainguard"
        | "CleanStart"
        | "MinimOS"
        | "Wolfi" => Order::Apk,
        "AlmaLinux" | "Amazon Linux" | "Azure Linux" | "Fedora" | "Mageia" | "Oracle Linux" | "Photon OS"
        | "Red Hat" | "Rocky Linux" | "SUSE" | "openEuler" | "openSUSE" => Order::Rpm,
        "npm" => Order::Npm,
        "PyPI" => Order::Pypi,
        "Go" => Order::Golang,
        "Maven" => Order::Maven,
        "RubyGems" | "CocoaPods" => Order::Gem,
        "Packagist" => Order::Composer,
        "NuGet" => Order::Nuget,
        "Pub" => Order::Pub,
        "CRAN" | "Bioconductor" => Order::Cran,
        "Hackage" | "GHC" => Order::Hackage,
        _ => Order::Semver,
    }
}

/// Whether an ecosystem is a distribution: its advisories bundle the CVEs of packages that others write.
pub fn is_distribution(ecosystem: &str) -> bool {
    matches!(order(ecosystem), Order::Deb | Order::Apk | Order::Rpm)
}

/// A package's name as its ecosystem compares names.
pub fn normal_name<'a>(ecosystem: &str, name: &'a str) -> Cow<'a, str> {
    match base(ecosystem) {
        "PyPI" => pep_503(name),
        "NuGet" | "Packagist" | "GitHub Actions" | "VSCode" => lower(name),
        "SwiftURL" => swift(name),
        _ => Cow::Borrowed(name),
    }
}

fn lower(name: &str) -> Cow<'_, str> {
    if name.chars().any(char::is_uppercase) { Cow::Owned(name.to_lowercase()) } else { Cow::Borrowed(name) }
}

/// PEP 503: lower case, and runs of `-`, `_` and `.` are one `-`.
fn pep_503(name: &str) -> Cow<'_, str> {
    let is_normal =
        !name.contains(['_', '.']) && !name.contains("--") && !name.chars().any(char::is_uppercase);
    if is_normal {
        return Cow::Borrowed(name);
    }
    let mut normal = String::with_capacity(name.len());
    for letter in name.chars() {
        if !matches!(letter, '-' | '_' | '.') {
            normal.extend(letter.to_lowercase());
        } else if !normal.ends_with('-') {
            normal.push('-');
        }
    }
    Cow::Owned(normal)
}

/// Swift names a package by its address; the same repository has several.
fn swift(name: &str) -> Cow<'_, str> {
    let name = name.trim_end_matches('/');
    let name = ["https://", "http://", "ssh://git@", "git://"]
        .iter()
        .find_map(|scheme| name.strip_prefix(scheme))
        .unwrap_or(name);
    let name = name.strip_suffix(".git").unwrap_or(name);
    match name.strip_prefix("git@").and_then(|name| name.split_once(':')) {
        Some((host, path)) => Cow::Owned(format!("{host}/{path}").to_lowercase()),
        None => lower(name),
    }
}

/// Whether records of one ecosystem concern packages of another, more exactly named one.
///
/// A record without a release is for all releases: the suffix "might optionally" scope it, says the schema. A release
/// takes in what it is spelled with and without: `Ubuntu:22.04` and `Ubuntu:22.04:LTS`, `Red Hat:enterprise_linux:9` and its
/// repositories `…:9::appstream`, a SUSE server and the modules of its service pack. Everything else is kept apart.
pub fn concerns(recorded: &str, asked: &str) -> bool {
    if recorded == asked {
        return true;
    }
    let Some((asked_base, asked_release)) = asked.split_once(':') else { return false };
    let Some((recorded_base, recorded_release)) = recorded.split_once(':') else {
        return recorded == asked_base;
    };
    if recorded_base != asked_base {
        return false;
    }
    match asked_base {
        "Ubuntu" => {
            let plain = |release: &str| release.strip_suffix(":LTS").unwrap_or(release).to_owned();
            plain(recorded_release) == plain(asked_release)
        }
        "Red Hat" => recorded_release.strip_prefix(asked_release).is_some_and(|rest| rest.starts_with("::")),
        "SUSE" => asked_release.strip_prefix("Linux Enterprise Server ").is_some_and(|service_pack| {
            recorded_release
                .strip_prefix("Linux Enterprise Module for ")
                .and_then(|module| module.strip_suffix(service_pack))
                .is_some_and(|module| module.ends_with(' '))
        }),
        "Debian" => debian_number(recorded_release) == debian_number(asked_release),
        _ => false,
    }
}

/// Debian's releases by name, for which advisories and machines use either.
const DEBIAN: [(&str, &str); 21] = [
    ("buzz", "1.1"),
    ("rex", "1.2"),
    ("bo", "1.3"),
    ("hamm", "2.0"),
    ("slink", "2.1"),
    ("potato", "2.2"),
    ("woody", "3.0"),
    ("sarge", "3.1"),
    ("etch", "4.0"),
    ("lenny", "5.0"),
    ("squeeze", "6.0"),
    ("wheezy", "7"),
    ("jessie", "8"),
    ("stretch", "9"),
    ("buster", "10"),
    ("bullseye", "11"),
    ("bookworm", "12"),
    ("trixie", "13"),
    ("forky", "14"),
    ("duke", "15"),
    ("experimental", "experimental"),
];

/// The number of a Debian release named by its number or its name; what has none stays.
pub(crate) fn debian_number(release: &str) -> &str {
    DEBIAN.iter().find(|(name, _)| *name == release).map_or(release, |(_, number)| *number)
}

/// Whether a name is that of a Debian release.
pub(crate) fn is_debian_release(name: &str) -> bool {
    name == "sid" || DEBIAN.iter().any(|(release, _)| *release == name)
}

/// The ecosystem of a package URL's type; nothing for types that OSV has no ecosystem for, or many (`deb`, `apk`, `rpm`).
pub fn of_purl_type(purl_type: &str) -> Option<&'static str> {
    Some(match purl_type {
        "bioconductor" => "Bioconductor",
        "bitnami" => "Bitnami",
        "cargo" => "crates.io",
        "cocoapods" => "CocoaPods",
        "composer" => "Packagist",
        "conan" => "ConanCenter",
        "cran" => "CRAN",
        "gem" => "RubyGems",
        "githubactions" => "GitHub Actions",
        "golang" => "Go",
        "hackage" => "Hackage",
        "hex" => "Hex",
        "julia" => "Julia",
        "maven" => "Maven",
        "npm" => "npm",
        "nuget" => "NuGet",
        "opam" => "opam",
        "pub" => "Pub",
        "pypi" => "PyPI",
        "swift" => "SwiftURL",
        _ => return None,
    })
}

/// The ecosystem of an operating system by `ID`, `VERSION_ID` and `VERSION_CODENAME` of its `os-release`; nothing where OSV has none.
pub fn of_os(id: &str, version_id: &str, codename: &str) -> Option<String> {
    let (major, rest) = version_id.split_once('.').unwrap_or((version_id, ""));
    let minor = rest.split(['.', '_']).next().unwrap_or_default();
    let scoped = |base: &str, release: &str| (!release.is_empty()).then(|| format!("{base}:{release}"));
    match id {
        "debian" | "raspbian" => {
            let codename = codename.split('/').next().unwrap_or_default();
            let release =
                [version_id, debian_number(codename)].into_iter().find(|release| !release.is_empty());
            Some(format!("Debian:{}", release.unwrap_or("sid")))
        }
        "alpine" if rest.contains("_alpha") || minor.is_empty() => Some("Alpine:edge".to_owned()),
        "alpine" => Some(format!("Alpine:v{major}.{minor}")),
        "ubuntu" => scoped("Ubuntu", version_id),
        "rocky" => scoped("Rocky Linux", major),
        "almalinux" => scoped("AlmaLinux", major),
        "rhel" | "centos" => scoped("Red Hat", major).map(|name| name.replacen(':', ":enterprise_linux:", 1)),
        "azurelinux" | "mariner" => scoped("Azure Linux", major),
        "photon" => scoped("Photon OS", version_id),
        "mageia" => scoped("Mageia", version_id),
        "openEuler" | "openeuler" => scoped("openEuler", version_id).map(|name| format!("{name}-LTS")),
        "opensuse-leap" => scoped("openSUSE", version_id).map(|name| name.replacen(':', ":Leap ", 1)),
        "opensuse-tumbleweed" => Some("openSUSE:Tumbleweed".to_owned()),
        "sles" | "sles_sap" => suse_release(major, minor),
        "sle-micro" => {
            scoped("SUSE", version_id).map(|name| name.replacen(':', ":Linux Enterprise Micro ", 1))
        }
        "sl-micro" => scoped("SUSE", version_id).map(|name| name.replacen(':', ":Linux Micro ", 1)),
        "alpaquita" => scoped("Alpaquita", version_id),
        "wolfi" => Some("Wolfi".to_owned()),
        "chainguard" => Some("Chainguard".to_owned()),
        "minimos" => Some("MinimOS".to_owned()),
        "echo" => Some("Echo".to_owned()),
        _ => None,
    }
}

fn suse_release(major: &str, minor: &str) -> Option<String> {
    let newest_with_service_packs = 15;
    let number: u32 = major.parse().ok()?;
    Some(match minor {
        "" | "0" if number <= newest_with_service_packs => format!("SUSE:Linux Enterprise Server {major}"),
        _ if number <= newest_with_service_packs => format!("SUSE:Linux Enterprise Server {major} SP{minor}"),
        _ => format!("SUSE:Linux Enterprise Server {major}.{minor}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_as_the_ecosystem_compares_them() {
        for (ecosystem, name, normal) in [
            ("PyPI", "Zope._Interface", "zope-interface"),
            ("PyPI", "requests", "requests"),
            ("NuGet", "Newtonsoft.Json", "newtonsoft.json"),
            ("Packagist:https://packages.drupal.org/8", "Drupal/Core", "drupal/core"),
            ("Go", "github.com/Masterminds/semver", "github.com/Masterminds/semver"),
            ("npm", "JSONStream", "JSONStream"),
            ("SwiftURL", "https://github.com/Vapor/Vapor.git", "github.com/vapor/vapor"),
            ("SwiftURL", "github.com/vapor/vapor/", "github.com/vapor/vapor"),
            ("SwiftURL", "git@github.com:vapor/Vapor.git", "github.com/vapor/vapor"),
            ("Debian:12", "Foo", "Foo"),
        ] {
            assert_eq!(normal_name(ecosystem, name), normal, "{ecosystem} {name}");
        }
    }

    #[test]
    fn releases_are_kept_apart() {
        for (recorded, asked) in [
            ("Debian:12", "Debian:12"),
            ("Debian:bookworm", "Debian:12"),
            ("Debian", "Debian:12"),
            ("Ubuntu:22.04:LTS", "Ubuntu:22.04"),
            ("Ubuntu:22.04", "Ubuntu:22.04:LTS"),
            ("Rocky Linux", "Rocky Linux:9"),
            ("Red Hat:enterprise_linux:9::appstream", "Red Hat:enterprise_linux:9"),
            ("SUSE:Linux Enterprise Module for Basesystem 15 SP5", "SUSE:Linux Enterprise Server 15 SP5"),
            ("npm", "npm"),
        ] {
            assert!(concerns(recorded, asked), "{recorded} {asked}");
        }
        for (recorded, asked) in [
            ("Debian:11", "Debian:12"),
            ("Debian:12", "Debian"),
            ("Debian:1", "Debian:12"),
            ("Ubuntu:Pro:22.04:LTS", "Ubuntu:22.04"),
            ("Ubuntu:22.10", "Ubuntu:22.04"),
            ("Red Hat:enterprise_linux:90::appstream", "Red Hat:enterprise_linux:9"),
            ("Red Hat:rhel_eus:9.2::baseos", "Red Hat:enterprise_linux:9"),
            ("SUSE:Linux Enterprise Module for Basesystem 15 SP4", "SUSE:Linux Enterprise Server 15 SP5"),
            ("Alpine:v3.1", "Alpine:v3.18"),
            ("openSUSE:Leap 15.5", "SUSE:Linux Enterprise Server 15 SP5"),
        ] {
            assert!(!concerns(recorded, asked), "{recorded} {asked}");
        }
    }

    #[test]
    fn operating_systems_have_the_ecosystem_of_their_release() {
        for (id, version, codename, expected) in [
            ("debian", "12", "bookworm", Some("Debian:12")),
            ("debian", "", "forky", Some("Debian:14")),
            ("debian", "", "trixie/sid", Some("Debian:13")),
            ("debian", "", "", Some("Debian:sid")),
            ("alpine", "3.18.4", "", Some("Alpine:v3.18")),
            ("alpine", "3.23_alpha20250612", "", Some("Alpine:edge")),
            ("ubuntu", "22.04", "jammy", Some("Ubuntu:22.04")),
            ("rocky", "9.3", "", Some("Rocky Linux:9")),
            ("almalinux", "8.10", "", Some("AlmaLinux:8")),
            ("rhel", "9.4", "", Some("Red Hat:enterprise_linux:9")),
            ("opensuse-leap", "15.5", "", Some("openSUSE:Leap 15.5")),
            ("opensuse-tumbleweed", "20240101", "", Some("openSUSE:Tumbleweed")),
            ("sles", "15.5", "", Some("SUSE:Linux Enterprise Server 15 SP5")),
            ("sles", "15", "", Some("SUSE:Linux Enterprise Server 15")),
            ("sles", "16.0", "", Some("SUSE:Linux Enterprise Server 16.0")),
            ("azurelinux", "3.0", "", Some("Azure Linux:3")),
            ("mariner", "2.0", "", Some("Azure Linux:2")),
            ("photon", "4.0", "", Some("Photon OS:4.0")),
            ("wolfi", "20230201", "", Some("Wolfi")),
            ("chainguard", "20230214", "", Some("Chainguard")),
            ("fedora", "40", "", None),
            ("rocky", "", "", None),
        ] {
            assert_eq!(of_os(id, version, codename).as_deref(), expected, "{id} {version}");
        }
    }

    #[test]
    fn unknown_ecosystems_have_a_lenient_order() {
        assert_eq!(order("Tomorrow's"), Order::Semver);
        assert_eq!(order("SwiftURL"), Order::Semver);
        assert_eq!(order("Root:Debian:12"), Order::Deb);
        assert_eq!(order("Root:Root:Root:npm"), Order::Npm);
        assert_eq!(order("Maven:https://maven.example"), Order::Maven);
    }
}
