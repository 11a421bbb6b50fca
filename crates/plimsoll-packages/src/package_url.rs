//! Package URLs of others, read (purl-spec, "How to parse a purl string in its components").
//!
//! The spelling stays as it is: which letters do not count is the type's business, and the ecosystem's own spelling is wanted
//! here. Where the specification leaves a choice, what tools really write is taken.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error as ValueError, StrDeserializer};

use crate::package::{Evidence, Kind, Package, Source};
use crate::purl::encode;

/// A package URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purl {
    /// The type, in lower case.
    pub kind: String,
    /// What comes before the name, its parts separated by slashes; empty if nothing does.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// The version.
    pub version: Option<String>,
    /// Qualifiers that have a value; the keys are in lower case.
    pub qualifiers: BTreeMap<String, String>,
    /// The path within the package.
    pub subpath: Option<String>,
}

/// Why a text is no package URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PurlError {
    /// It does not begin with `pkg:`.
    #[error("it does not begin with `pkg:`")]
    Scheme,
    /// The type is missing or has other characters than letters, digits, `.`, `+` and `-`.
    #[error("it has no type")]
    Type,
    /// The name is missing.
    #[error("it has no name")]
    Name,
    /// A qualifier has no `=`, a key that is none, or is there twice.
    #[error("its qualifiers are not pairs of a key and a value, each key once")]
    Qualifier,
    /// A percent sign without two hexadecimal digits, or bytes that are no UTF-8.
    #[error("a `%` in it does not stand for a character")]
    Encoding,
}

impl Purl {
    /// Reads a package URL.
    pub fn parse(text: &str) -> Result<Self, PurlError> {
        let (rest, subpath) = split_last(text.trim(), '#');
        let (rest, qualifiers) = split_last(rest, '?');
        let (scheme, rest) = rest.split_once(':').ok_or(PurlError::Scheme)?;
        if !scheme.eq_ignore_ascii_case("pkg") {
            return Err(PurlError::Scheme);
        }
        let (kind, path) = rest.trim_matches('/').split_once('/').ok_or(PurlError::Name)?;
        if !is_word(kind, b".+-") {
            return Err(PurlError::Type);
        }
        let (path, version) = split_version(path);
        let path = path.trim_end_matches('/');
        let (namespace, name) = path.rsplit_once('/').unwrap_or(("", path));
        let name = decode(name)?;
        if name.is_empty() {
            return Err(PurlError::Name);
        }
        Ok(Self {
            kind: kind.to_ascii_lowercase(),
            namespace: segments(namespace, str::is_empty)?,
            name,
            version: version.map(decode).transpose()?.filter(|version| !version.is_empty()),
            qualifiers: pairs(qualifiers.unwrap_or_default())?,
            subpath: subpath
                .map(|path| segments(path, |part| matches!(part, "" | "." | "..")))
                .transpose()?
                .filter(|path| !path.is_empty()),
        })
    }

    /// What manages the package, if that is known here.
    pub fn package_kind(&self) -> Option<Kind> {
        // Syft called it so before the type had its name.
        let name = if self.kind == "alpine" { "apk" } else { &self.kind };
        let name: StrDeserializer<'_, ValueError> = name.into_deserializer();
        Kind::deserialize(name).ok()
    }

    /// The package, if its type is known here. Its version has the epoch, and its source is what `upstream` says, as Syft
    /// writes it: a name, `name@version` or the name of a source RPM.
    pub fn package(&self, evidence: Evidence) -> Option<Package> {
        let kind = self.package_kind()?;
        let epoch = self.qualifiers.get("epoch").filter(|epoch| *epoch != "0");
        let mut version = self.version.clone().unwrap_or_default();
        if let Some(epoch) = epoch.filter(|_| kind.is_of_system() && !version.contains(':')) {
            version = format!("{epoch}:{version}");
        }
        let mut package = Package::new(kind, self.ecosystem_name(kind), version, evidence);
        package.architecture = self.qualifiers.get("arch").cloned();
        package.source = self.qualifiers.get("upstream").and_then(|upstream| source(upstream, &package));
        Some(package)
    }

    /// The operating system that the package is of: `ID` and `VERSION_ID` of its os-release. Some tools leave the first out of
    /// the qualifier `distro`; it is the namespace then.
    pub fn distribution(&self) -> Option<(&str, &str)> {
        let distro: &str = self.qualifiers.get("distro")?;
        let begins_with_digit = |text: &str| text.starts_with(|one: char| one.is_ascii_digit());
        if begins_with_digit(distro) {
            return (!self.namespace.is_empty()).then_some((&self.namespace, distro));
        }
        match distro.rsplit_once('-') {
            Some((id, version)) if begins_with_digit(version) => Some((id, version)),
            _ => Some((distro, "")),
        }
    }

    /// The name as the ecosystem spells it.
    fn ecosystem_name(&self, kind: Kind) -> String {
        let separator = match kind {
            Kind::Apk | Kind::Deb | Kind::Rpm => return self.name.clone(),
            Kind::Maven => ':',
            _ => '/',
        };
        let own = match (&self.subpath, kind) {
            (Some(part), Kind::Cocoapods) => format!("{}/{part}", self.name),
            _ => self.name.clone(),
        };
        if self.namespace.is_empty() { own } else { format!("{}{separator}{own}", self.namespace) }
    }
}

impl fmt::Display for Purl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("pkg:{}/", self.kind);
        for part in self.namespace.split('/').filter(|part| !part.is_empty()) {
            encode(&mut text, part);
            text.push('/');
        }
        encode(&mut text, &self.name);
        if let Some(version) = &self.version {
            text.push('@');
            encode(&mut text, version);
        }
        for (at, (key, value)) in self.qualifiers.iter().enumerate() {
            text.push(if at == 0 { '?' } else { '&' });
            text.push_str(key);
            text.push('=');
            encode(&mut text, value);
        }
        for (at, part) in self.subpath.iter().flat_map(|path| path.split('/')).enumerate() {
            text.push(if at == 0 { '#' } else { '/' });
            encode(&mut text, part);
        }
        formatter.write_str(&text)
    }
}

fn split_last(text: &str, separator: char) -> (&str, Option<&str>) {
    text.rsplit_once(separator).map_or((text, None), |(left, right)| (left, Some(right)))
}

/// A `@` that begins a part of the path is npm's, left unencoded by many; any other one stands before the version.
fn split_version(path: &str) -> (&str, Option<&str>) {
    match path.rfind('@') {
        Some(at) if at > 0 && !path[..at].ends_with('/') => (&path[..at], Some(&path[at + 1..])),
        _ => (path, None),
    }
}

/// The parts of a path that are not left out.
fn segments(path: &str, is_left_out: fn(&str) -> bool) -> Result<String, PurlError> {
    let parts = path.split('/').filter(|part| !is_left_out(part));
    Ok(parts.map(decode).collect::<Result<Vec<_>, _>>()?.join("/"))
}

fn pairs(text: &str) -> Result<BTreeMap<String, String>, PurlError> {
    let mut pairs = BTreeMap::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').ok_or(PurlError::Qualifier)?;
        if !is_word(key, b".-_") {
            return Err(PurlError::Qualifier);
        }
        let value = decode(value)?;
        if !value.is_empty() && pairs.insert(key.to_ascii_lowercase(), value).is_some() {
            return Err(PurlError::Qualifier);
        }
    }
    Ok(pairs)
}

/// Letters, digits and these, and no digit at the start.
fn is_word(text: &str, others: &[u8]) -> bool {
    let mut bytes = text.bytes();
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || others.contains(&byte))
        && bytes.next().is_some_and(|first| !first.is_ascii_digit())
}

fn decode(text: &str) -> Result<String, PurlError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
        let (high, low) = digit().zip(digit()).ok_or(PurlError::Encoding)?;
        bytes.push(u8::try_from(high * 16 + low).expect("two hexadecimal digits are a byte"));
    }
    String::from_utf8(bytes).map_err(|_| PurlError::Encoding)
}

fn source(upstream: &str, package: &Package) -> Option<Source> {
    let epoch = package.version.split_once(':').map(|(epoch, _)| epoch);
    let (name, version) = if let Some(file) = upstream.strip_suffix(".src.rpm") {
        let (rest, release) = file.rsplit_once('-')?;
        let (name, version) = rest.rsplit_once('-')?;
        let version = format!("{version}-{release}");
        (name, epoch.map(|epoch| format!("{epoch}:{version}")).unwrap_or(version))
    } else {
        match upstream.split_once('@') {
            Some((name, version)) => (name, version.to_owned()),
            None => (upstream, package.version.clone()),
        }
    };
    let differs = !name.is_empty() && (name != package.name || version != package.version);
    differs.then(|| Source { name: name.to_owned(), version })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Type, namespace, name, version, qualifiers, subpath.
    fn parts(text: &str) -> [String; 6] {
        let purl = Purl::parse(text).unwrap();
        let qualifiers: Vec<String> =
            purl.qualifiers.iter().map(|(key, value)| format!("{key}={value}")).collect();
        [
            purl.kind,
            purl.namespace,
            purl.name,
            purl.version.unwrap_or_default(),
            qualifiers.join(" "),
            purl.subpath.unwrap_or_default(),
        ]
    }

    #[test]
    fn the_examples_of_the_specification_have_their_parts() {
        let cases = [
            (
                "pkg:bitbucket/birkenfeld/pygments-main@244fd47e07d1014f0aed9c",
                ["bitbucket", "birkenfeld", "pygments-main", "244fd47e07d1014f0aed9c", "", ""],
            ),
            (
                "pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=jessie",
                ["deb", "debian", "curl", "7.50.3-1", "arch=i386 distro=jessie", ""],
            ),
            (
                "pkg:gem/ruby-advisory-db-check@0.12.4",
                ["gem", "", "ruby-advisory-db-check", "0.12.4", "", ""],
            ),
            (
                "pkg:golang/google.golang.org/genproto#googleapis/api/annotations",
                ["golang", "google.golang.org", "genproto", "", "", "googleapis/api/annotations"],
            ),
            (
                "pkg:maven/org.apache.xmlgraphics/batik-anim@1.9.1?packaging=sources",
                ["maven", "org.apache.xmlgraphics", "batik-anim", "1.9.1", "packaging=sources", ""],
            ),
            (
                "pkg:nuget/EnterpriseLibrary.Common@6.0.1304",
                ["nuget", "", "EnterpriseLibrary.Common", "6.0.1304", "", ""],
            ),
            (
                "pkg:rpm/fedora/curl@7.50.3-1.fc25?arch=i386&distro=fedora-25",
                ["rpm", "fedora", "curl", "7.50.3-1.fc25", "arch=i386 distro=fedora-25", ""],
            ),
            (
                "pkg:golang/github.com/gorilla/context@234fd47e07d1004f0aed9c",
                ["golang", "github.com/gorilla", "context", "234fd47e07d1004f0aed9c", "", ""],
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(parts(text), expected, "{text}");
            assert_eq!(Purl::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn other_spellings_of_one_url_are_read_and_written_as_one() {
        let cases = [
            ("pkg://gem/ruby-advisory-db-check@0.12.4", "pkg:gem/ruby-advisory-db-check@0.12.4"),
            ("PKG:NPM/foo@1", "pkg:npm/foo@1"),
            ("pkg:npm/@angular/animation@12.3.1", "pkg:npm/%40angular/animation@12.3.1"),
            ("pkg:npm/@angular/animation", "pkg:npm/%40angular/animation"),
            ("pkg:npm/%40angular%2Fanimation@1", "pkg:npm/%40angular%2Fanimation@1"),
            ("pkg:golang/a//b/c@1?B=2&a=1&z=#/x/../y/", "pkg:golang/a/b/c@1?a=1&b=2#x/y"),
            ("pkg:deb/debian/g++@4%3A12.2.0-3", "pkg:deb/debian/g%2B%2B@4:12.2.0-3"),
        ];
        for (text, canonical) in cases {
            assert_eq!(Purl::parse(text).unwrap().to_string(), canonical, "{text}");
            assert_eq!(Purl::parse(canonical).unwrap().to_string(), canonical);
        }
    }

    #[test]
    fn what_is_no_package_url_is_refused() {
        let cases = [
            ("", PurlError::Scheme),
            ("https://example.com/x", PurlError::Scheme),
            ("pkg:npm", PurlError::Name),
            ("pkg:npm/", PurlError::Name),
            ("pkg:9npm/x", PurlError::Type),
            ("pkg:n%70m/x", PurlError::Type),
            ("pkg:npm/x@%4", PurlError::Encoding),
            ("pkg:npm/x@%ff", PurlError::Encoding),
            ("pkg:npm/x?a", PurlError::Qualifier),
            ("pkg:npm/x?a b=1", PurlError::Qualifier),
            ("pkg:npm/x?a=1&A=2", PurlError::Qualifier),
        ];
        for (text, error) in cases {
            assert_eq!(Purl::parse(text).unwrap_err(), error, "{text}");
        }
    }

    fn package(text: &str) -> Package {
        Purl::parse(text).unwrap().package(Evidence::Installed).unwrap()
    }

    #[test]
    fn packages_have_their_ecosystems_spelling() {
        let cases = [
            ("pkg:maven/org.apache/commons@1", "org.apache:commons"),
            ("pkg:npm/%40angular/core@1", "@angular/core"),
            ("pkg:golang/github.com/a/b/v2@v2", "github.com/a/b/v2"),
            ("pkg:cocoapods/Firebase@1#Core", "Firebase/Core"),
            ("pkg:deb/debian/g%2B%2B@1", "g++"),
            ("pkg:alpine/musl@1", "musl"),
        ];
        for (text, name) in cases {
            assert_eq!(package(text).name, name);
        }
        assert_eq!(Purl::parse("pkg:github/a/b@1").unwrap().package(Evidence::Installed), None);
    }

    #[test]
    fn epochs_and_sources_are_found_as_tools_write_them() {
        let own = |package: Package| (package.version, package.source.map(|one| (one.name, one.version)));
        let some = |name: &str, version: &str| Some((name.to_owned(), version.to_owned()));
        assert_eq!(
            own(package("pkg:rpm/rocky/bash-doc@5.1-2.el9?epoch=1&upstream=bash-5.1-2.el9.src.rpm")),
            ("1:5.1-2.el9".to_owned(), some("bash", "1:5.1-2.el9"))
        );
        assert_eq!(
            own(package("pkg:rpm/rocky/bash@5.1-2.el9?epoch=0&upstream=bash-5.1-2.el9.src.rpm")),
            ("5.1-2.el9".to_owned(), None)
        );
        assert_eq!(
            own(package("pkg:deb/debian/libssl3@3.0.11-1?upstream=openssl")),
            ("3.0.11-1".to_owned(), some("openssl", "3.0.11-1"))
        );
        assert_eq!(
            own(package("pkg:deb/debian/libc6@2.36-9%2Bb1?upstream=glibc%402.36-9")),
            ("2.36-9+b1".to_owned(), some("glibc", "2.36-9"))
        );
        assert_eq!(package("pkg:deb/debian/vim@9.0?epoch=2&arch=amd64").version, "2:9.0");
    }

    #[test]
    fn distributions_are_found_as_tools_write_them() {
        let cases = [
            ("pkg:deb/debian/a@1?distro=debian-12", Some(("debian", "12"))),
            ("pkg:rpm/opensuse/a@1?distro=opensuse-leap-15.5", Some(("opensuse-leap", "15.5"))),
            ("pkg:apk/alpine/a@1?distro=3.19.1", Some(("alpine", "3.19.1"))),
            ("pkg:rpm/arch/a@1?distro=arch", Some(("arch", ""))),
            ("pkg:deb/debian/a@1", None),
        ];
        for (text, expected) in cases {
            assert_eq!(Purl::parse(text).unwrap().distribution(), expected, "{text}");
        }
    }
}
