//! The CA bundle and Java's trust store, from the certificates of the package `ca-certificates`.
//!
//! On a configured system a script makes the bundle; here it is the package's `.crt` files one after the other,
//! in the order of their names, each ending with a line feed, which is what that script makes of the unchanged
//! package.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

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
    let mut bundle = Vec::new();
    for (_, bytes) in files(package)? {
        bundle.extend_from_slice(&bytes);
        if !bundle.ends_with(b"\n") {
            bundle.push(b'\n');
        }
    }
    if bundle.is_empty() {
        return Err(ComposeError::BadPackage {
            package: PACKAGE.to_owned(),
            problem: "it has no certificates",
        });
    }
    Ok(bundle)
}

/// Names, without folder and ending, and contents, by path.
fn files(package: &Package<'_>) -> Result<Vec<(String, Vec<u8>)>, ComposeError> {
    let mut files: Vec<(&[u8], &Content)> = package
        .deb
        .entries
        .iter()
        .filter(|(entry, _)| entry.path.starts_with(FOLDER) && entry.path.ends_with(b".crt"))
        .filter_map(|(entry, content)| Some((entry.path.as_slice(), content.as_ref()?)))
        .collect();
    files.sort_by_key(|(path, _)| *path);
    files
        .into_iter()
        .map(|(path, content)| {
            let bytes = content
                .bytes()
                .map_err(|source| ComposeError::PackageData { package: PACKAGE.to_owned(), source })?;
            let path = String::from_utf8_lossy(path);
            let name = path.rsplit('/').next().unwrap_or_default().trim_end_matches(".crt");
            Ok((name.to_owned(), bytes))
        })
        .collect()
}

/// The trust store's path.
pub(super) const JAVA_STORE: &str = "etc/ssl/certs/java/cacerts";
/// The package whose script would make it.
pub(super) const JAVA_PACKAGE: &str = "ca-certificates-java";

/// The password that Java tries by itself; the store's check sum is keyed with it, nothing is secret.
const JAVA_PASSWORD: &str = "changeit";

/// Java's trust store in the form `JKS`, version 2: magic, version, count, entries, and a SHA-1 sum over the
/// password, a fixed phrase and all that. An entry is its kind, alias, time in milliseconds, type and DER
/// bytes; numbers are big-endian.
pub(super) fn java_store(package: &Package<'_>, created: i64) -> Result<Vec<u8>, ComposeError> {
    let bad = |problem| ComposeError::BadPackage { package: PACKAGE.to_owned(), problem };
    let certificates = files(package)?;
    let mut store = vec![0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2];
    let count = u32::try_from(certificates.len()).map_err(|_| bad("it has too many certificates"))?;
    store.extend_from_slice(&count.to_be_bytes());
    for (name, pem) in certificates {
        let der = der_of(&pem).ok_or_else(|| bad("a certificate is not in PEM form"))?;
        store.extend_from_slice(&[0, 0, 0, 2]);
        add_text(&mut store, &format!("debian:{name}.pem").to_lowercase());
        store.extend_from_slice(&(created * 1000).to_be_bytes());
        add_text(&mut store, "X.509");
        let length = u32::try_from(der.len()).map_err(|_| bad("a certificate is too long"))?;
        store.extend_from_slice(&length.to_be_bytes());
        store.extend_from_slice(&der);
    }
    let mut sum = Sha1::new();
    for unit in JAVA_PASSWORD.encode_utf16() {
        sum.update(unit.to_be_bytes());
    }
    sum.update("Mighty Aphrodite");
    sum.update(&store);
    store.extend_from_slice(&sum.finalize());
    Ok(store)
}

/// Java's modified UTF-8 with its length in front. Names are cut to what that can count; they are file names,
/// so never are.
fn add_text(store: &mut Vec<u8>, text: &str) {
    let mut bytes = Vec::new();
    for unit in text.encode_utf16() {
        let [high, low] = unit.to_be_bytes();
        match unit {
            0x01..=0x7f => bytes.push(low),
            0 | 0x80..=0x7ff => bytes.extend([0xc0 | (high << 2) | (low >> 6), 0x80 | (low & 0x3f)]),
            _ => bytes.extend([
                0xe0 | (high >> 4),
                0x80 | ((high & 0x0f) << 2) | (low >> 6),
                0x80 | (low & 0x3f),
            ]),
        }
    }
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    bytes.truncate(usize::from(length));
    store.extend_from_slice(&length.to_be_bytes());
    store.extend_from_slice(&bytes);
}

fn der_of(pem: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(pem).ok()?;
    let (_, rest) = text.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    STANDARD.decode(body.split_ascii_whitespace().collect::<String>()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_written_in_java_s_utf_8() {
        let mut store = Vec::new();
        add_text(&mut store, "a\u{e9}\u{20ac}\u{1f600}");
        let want = [0, 12, b'a', 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80];
        assert_eq!(store, want);
    }

    #[test]
    fn pem_is_decoded_with_text_around_it() {
        let pem = b"note\n-----BEGIN CERTIFICATE-----\nAQID\nBA==\n-----END CERTIFICATE-----\n";
        assert_eq!(der_of(pem), Some(vec![1, 2, 3, 4]));
        assert_eq!(der_of(b"nothing"), None);
    }
}
