//! CVE identifiers as numbers, for the tables that have a row for each of them.

/// A CVE identifier: its year, then its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Cve(u64);

impl Cve {
    /// Reads `CVE-2024-3094`; nothing when it is none.
    pub(crate) fn parse(id: &str) -> Option<Self> {
        let (year, number) = id.trim().strip_prefix("CVE-")?.split_once('-')?;
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if year.len() != 4 || !(1..=12).contains(&number.len()) || !is_number(year) || !is_number(number) {
            return None;
        }
        let (year, number): (u64, u64) = (year.parse().ok()?, number.parse().ok()?);
        Some(Self(year << 48 | number))
    }
}

/// Whether a text is a CVE identifier.
pub(crate) fn is_cve(id: &str) -> bool {
    Cve::parse(id).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_cve_identifiers_are_taken() {
        assert!(Cve::parse("CVE-2024-3094") < Cve::parse("CVE-2024-10000"));
        assert!(Cve::parse("CVE-1999-999999999999") < Cve::parse("CVE-2000-0001"));
        for other in [
            "",
            "CVE-",
            "CVE-2024-",
            "CVE-2024-x",
            "CVE-24-1",
            "cve-2024-1",
            "GHSA-2024-1",
            "CVE-2024-1234567890123",
        ] {
            assert_eq!(Cve::parse(other), None, "{other}");
        }
    }
}
