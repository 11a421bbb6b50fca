//! The CA bundle, from the certificates of the package `ca-certificates`.
//!
//! On a configured system a script makes the bundle; here it is the package's `.crt` files one after the other, in the order of
//! their names, each ending with a line feed, which is what that script makes of the unchanged package.

use super::Package;
use crate::deb::Content;
use crate::error::ComposeError;

/// The bundle's path.
pub(super) const BUNDLE: &str = "etc/ssl/certs/ca-certificates.crt";
/// The package.
pub(super) const PACKAGE: &str = "ca-certificates";

const FOLDER: &[u8] = b"usr/share/ca-certificates/";

/// Concatenates the package's certificates.
pub(super) fn bundle(package: &Package<'_>) -> Result<Vec<u8>, ComposeError> {
    let mut files: Vec<(&[u8], &Content)> = package
        .deb
        .entries
        .iter()
        .filter(|(entry, _)| entry.path.starts_with(FOLDER) && entry.path.ends_with(b".crt"))
        .filter_map(|(entry, content)| Some((entry.path.as_slice(), content.as_ref()?)))
        .collect();
    files.sort_by_key(|(path, _)| *path);
    let mut bundle = Vec::new();
    for (_, content) in files {
        let bytes = content
            .bytes()
            .map_err(|source| ComposeError::PackageData { package: PACKAGE.to_owned(), source })?;
        bundle.extend_from_slice(&bytes);
        if !bundle.ends_with(b"\n") {
            bundle.push(b'\n');
        }
    }
    if bundle.is_empty() {
        return Err(ComposeError::BadPackage { package: PACKAGE.to_owned(), problem: "it has no certificates" });
    }
    Ok(bundle)
}
