//! Package URLs (purl-spec, "A purl is a URL composed of seven components", and its document of types).

use std::fmt::Write as _;

use crate::package::{Kind, Package};

/// The package URL of a package, of an operating system `(id, version)` where it is one of that.
pub(crate) fn purl(package: &Package, system: Option<(&str, &str)>) -> String {
    let mut text = format!("pkg:{}/", package.kind.name());
    let (namespace, name) = split(package, system);
    for part in namespace.split('/').filter(|part| !part.is_empty()) {
        encode(&mut text, part);
        text.push('/');
    }
    encode(&mut text, &name);

    let mut qualifiers: Vec<(&str, String)> = Vec::new();
    let mut version = package.version.as_str();
    if package.kind == Kind::Rpm
        && let Some((epoch, rest)) = version.split_once(':')
    {
        version = rest;
        qualifiers.push(("epoch", epoch.to_owned()));
    }
    if !version.is_empty() {
        text.push('@');
        encode(&mut text, version);
    }
    if let Some(architecture) = &package.architecture {
        qualifiers.push(("arch", architecture.clone()));
    }
    if let Some((id, release)) = system.filter(|_| package.kind.is_of_system()) {
        qualifiers
            .push(("distro", if release.is_empty() { id.to_owned() } else { format!("{id}-{release}") }));
    }
    // "Qualifiers … sorted lexicographically by key."
    qualifiers.sort();
    for (at, (key, value)) in qualifiers.iter().enumerate() {
        let _ = write!(text, "{}{key}=", if at == 0 { '?' } else { '&' });
        encode(&mut text, value);
    }
    text
}

/// Namespace and name, spelled as the type's rules want them.
fn split(package: &Package, system: Option<(&str, &str)>) -> (String, String) {
    let name = &package.name;
    match package.kind {
        Kind::Apk | Kind::Deb | Kind::Rpm => {
            (system.map(|(id, _)| id.to_ascii_lowercase()).unwrap_or_default(), name.clone())
        }
        Kind::Maven => match name.split_once(':') {
            Some((group, artifact)) => (group.to_owned(), artifact.to_owned()),
            None => (String::new(), name.clone()),
        },
        Kind::Pypi => (String::new(), name.to_ascii_lowercase().replace('_', "-")),
        Kind::Composer | Kind::Hex => last_slash(&name.to_ascii_lowercase()),
        Kind::Golang | Kind::Npm | Kind::Swift | Kind::Conan => last_slash(name),
        // A subspec (`Name/Part`) is a subpath by the specification; the pod is what has versions.
        Kind::Cocoapods => (String::new(), name.split('/').next().unwrap_or(name).to_owned()),
        Kind::Cargo | Kind::Conda | Kind::Gem | Kind::Julia | Kind::Nuget | Kind::Pub => {
            (String::new(), name.clone())
        }
    }
}

fn last_slash(name: &str) -> (String, String) {
    match name.rsplit_once('/') {
        Some((namespace, name)) => (namespace.to_owned(), name.to_owned()),
        None => (String::new(), name.to_owned()),
    }
}

/// Percent-encodes what is neither alphanumeric nor one of `.-_~:`.
pub(crate) fn encode(text: &mut String, part: &str) {
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_~:".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::Evidence;

    fn of(kind: Kind, name: &str, version: &str) -> String {
        purl(&Package::new(kind, name, version, Evidence::Installed), None)
    }

    #[test]
    fn each_type_has_its_own_spelling() {
        assert_eq!(of(Kind::Npm, "@angular/core", "1.0.0+a"), "pkg:npm/%40angular/core@1.0.0%2Ba");
        assert_eq!(of(Kind::Maven, "org.apache:commons", "1"), "pkg:maven/org.apache/commons@1");
        assert_eq!(of(Kind::Pypi, "Typing_Extensions", "4"), "pkg:pypi/typing-extensions@4");
        assert_eq!(of(Kind::Golang, "github.com/a/b/v2", "v2.0.1"), "pkg:golang/github.com/a/b/v2@v2.0.1");
        assert_eq!(of(Kind::Composer, "Vendor/Name", "1"), "pkg:composer/vendor/name@1");
        assert_eq!(of(Kind::Cocoapods, "Firebase/Core", "1"), "pkg:cocoapods/Firebase@1");
    }

    #[test]
    fn a_system_gives_its_packages_a_namespace() {
        let mut package = Package::new(Kind::Rpm, "bash", "1:5.1-2.el9", Evidence::Installed);
        package.architecture = Some("x86_64".to_owned());
        assert_eq!(
            purl(&package, Some(("rocky", "9.4"))),
            "pkg:rpm/rocky/bash@5.1-2.el9?arch=x86_64&distro=rocky-9.4&epoch=1"
        );
        let debian = Package::new(Kind::Deb, "g++", "4:12.2.0-3", Evidence::Installed);
        assert_eq!(
            purl(&debian, Some(("debian", "12"))),
            "pkg:deb/debian/g%2B%2B@4:12.2.0-3?distro=debian-12"
        );
    }
}
