//! Names that are the same for the same content: what makes a finding one that was there before, and a document itself.

use plimsoll_oci::Digest;
use plimsoll_scan::Report;
use plimsoll_scan::report::{Secret, Vulnerability};

/// A UUID made of content: the first bytes of its SHA-256 (RFC 9562, 5.8: version 8).
pub(crate) fn uuid(content: impl AsRef<[u8]>) -> String {
    let mut bytes = *Digest::of(content).as_bytes();
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = Digest::from_bytes(bytes).hex();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32])
}

/// A vulnerability in the next scan of the same target, of whatever version its package is by then.
pub(crate) fn of_vulnerability(report: &Report, vulnerability: &Vulnerability) -> String {
    let path = vulnerability.locations.first().map_or("", |location| &location.path);
    let package = &vulnerability.package;
    joined(&[
        &report.target.name,
        platform(report),
        &vulnerability.id,
        package.kind.name(),
        &package.name,
        path,
    ])
}

/// A secret in the next scan of the same target, wherever in its file it is by then.
pub(crate) fn of_secret(report: &Report, secret: &Secret) -> String {
    joined(&[&report.target.name, platform(report), &secret.fingerprint, &secret.path])
}

fn platform(report: &Report) -> &str {
    report.target.platform.as_deref().unwrap_or_default()
}

fn joined(parts: &[&str]) -> String {
    parts.join("\0")
}

/// Where a vulnerability is described, if its name is one that can be in an address.
pub(crate) fn link(id: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    if id.is_empty() || id.len() > 100 || !id.bytes().all(plain) {
        return None;
    }
    Some(if id.starts_with("CVE-") {
        format!("https://nvd.nist.gov/vuln/detail/{id}")
    } else if id.starts_with("GHSA-") {
        format!("https://github.com/advisories/{id}")
    } else {
        format!("https://osv.dev/vulnerability/{id}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_made_of_content() {
        let one = uuid("a");
        assert_eq!(one, "ca978112-ca1b-8dca-bac2-31b39a23dc4d");
        assert_ne!(one, uuid("b"));
    }

    #[test]
    fn only_names_become_addresses() {
        assert_eq!(link("CVE-2024-1").unwrap(), "https://nvd.nist.gov/vuln/detail/CVE-2024-1");
        assert_eq!(link("RUSTSEC-2024-0001").unwrap(), "https://osv.dev/vulnerability/RUSTSEC-2024-0001");
        assert_eq!(link("x/../\"y"), None);
    }
}
