//! What a project decided not to be told of: `.trivyignore` and `.trivyignore.yaml`, as Trivy describes them.
//!
//! These files come with the sources. They hide findings by name, and each such finding is counted.

use plimsoll_dockerfile::ignore::IgnoreFile;
use serde::Deserialize;

/// What findings are hidden.
#[derive(Debug, Default)]
pub struct IgnoreRules {
    vulnerabilities: Vec<Rule>,
    secrets: Vec<Rule>,
    licenses: Vec<Rule>,
    /// Rules whose day is past: they hide nothing any more.
    pub expired: Vec<String>,
}

#[derive(Debug)]
struct Rule {
    id: String,
    /// Where it applies; everywhere when there is none.
    paths: Option<IgnoreFile>,
    /// Which packages it is about, by the start of their package URLs; all when there is none.
    purls: Vec<String>,
}

/// Why a file is refused.
#[derive(Debug, thiserror::Error)]
#[error("it is not of the form of a `.trivyignore.yaml`: {reason}")]
pub struct IgnoreError {
    reason: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct File {
    vulnerabilities: Vec<Entry>,
    secrets: Vec<Entry>,
    licenses: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    id: String,
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    purls: Vec<String>,
    #[serde(default)]
    expired_at: Option<String>,
}

impl IgnoreRules {
    /// Adds a `.trivyignore`: an id a line, until a day if that stands behind it (`exp:2027-01-31`).
    pub fn add_list(&mut self, text: &str, today: &str) {
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_whitespace();
            let Some(id) = words.next() else { continue };
            let until = words.find_map(|word| word.strip_prefix("exp:"));
            if self.is_over(id, until, today) {
                continue;
            }
            // A list does not say what its names are of.
            for rules in [&mut self.vulnerabilities, &mut self.secrets, &mut self.licenses] {
                rules.push(Rule { id: id.to_owned(), paths: None, purls: Vec::new() });
            }
        }
    }

    /// Adds a `.trivyignore.yaml`.
    pub fn add_file(&mut self, text: &str, today: &str) -> Result<(), IgnoreError> {
        let failed = |error: serde_saphyr::Error| IgnoreError { reason: error.to_string() };
        let file: File = serde_saphyr::from_str(text).map_err(failed)?;
        let vulnerabilities = self.rules(file.vulnerabilities, today);
        self.vulnerabilities.extend(vulnerabilities);
        let secrets = self.rules(file.secrets, today);
        self.secrets.extend(secrets);
        let licenses = self.rules(file.licenses, today);
        self.licenses.extend(licenses);
        Ok(())
    }

    fn rules(&mut self, entries: Vec<Entry>, today: &str) -> Vec<Rule> {
        let mut rules = Vec::new();
        for entry in entries {
            if self.is_over(&entry.id, entry.expired_at.as_deref(), today) {
                continue;
            }
            let paths = (!entry.paths.is_empty()).then(|| IgnoreFile::parse(&entry.paths.join("\n")).0);
            rules.push(Rule { id: entry.id, paths, purls: entry.purls });
        }
        rules
    }

    /// "Expires" on the day: from then on it hides nothing. A day that is none is over, since a gate must not open for a slip.
    fn is_over(&mut self, id: &str, until: Option<&str>, today: &str) -> bool {
        let Some(until) = until else { return false };
        let day = until.get(..10).unwrap_or(until);
        let is_day = day.len() == 10
            && day.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        let is_over = !is_day || day <= today;
        if is_over {
            self.expired.push(id.to_owned());
        }
        is_over
    }

    /// Whether a vulnerability of a package is hidden.
    pub fn hide_vulnerability(&self, names: &[&str], purl: &str, paths: &[&str]) -> bool {
        self.vulnerabilities.iter().any(|rule| rule.applies(names, Some(purl), paths))
    }

    /// Whether a secret in a file is hidden; its names are its rule and its fingerprint.
    pub fn hide_secret(&self, names: &[&str], path: &str) -> bool {
        self.secrets.iter().any(|one| one.applies(names, None, &[path]))
    }

    /// Whether a package's licence is hidden.
    pub fn hide_license(&self, license: &str, paths: &[&str]) -> bool {
        self.licenses.iter().any(|rule| rule.applies(&[license], None, paths))
    }
}

impl Rule {
    fn applies(&self, names: &[&str], purl: Option<&str>, paths: &[&str]) -> bool {
        let is_named = names.iter().any(|name| name.eq_ignore_ascii_case(&self.id));
        let is_there = self.paths.as_ref().is_none_or(|patterns| {
            // All of its places must be meant: a package that also lies elsewhere is still to be told of.
            !paths.is_empty() && paths.iter().all(|path| patterns.matches(path.as_bytes()).ignored)
        });
        let is_package = self.purls.is_empty()
            || purl.is_some_and(|purl| self.purls.iter().any(|wanted| is_within(purl, wanted)));
        is_named && is_there && is_package
    }
}

/// Whether a package URL is the wanted one, or says more than it: a version, qualifiers.
fn is_within(purl: &str, wanted: &str) -> bool {
    purl.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with(['@', '?', '#']))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PURL: &str = "pkg:npm/%40a/b@1.0.0";

    #[test]
    fn a_list_names_findings_and_may_end() {
        let mut rules = IgnoreRules::default();
        rules.add_list(
            "# why\nCVE-1 # ours\nCVE-2 exp:2026-01-01\nCVE-3 exp:2027-01-01\nCVE-4 exp:soon\naws-key\n",
            "2026-06-01",
        );
        let hides = |id: &str| rules.hide_vulnerability(&[id], PURL, &["app/package-lock.json"]);
        assert!(hides("CVE-1") && hides("cve-1") && hides("CVE-3"));
        assert!(!hides("CVE-2") && !hides("CVE-4") && !hides("CVE-5"));
        assert!(rules.hide_secret(&["aws-key"], "x") && !rules.hide_secret(&["other"], "x"));
        assert_eq!(rules.expired, ["CVE-2", "CVE-4"]);
    }

    #[test]
    fn a_file_has_paths_and_packages() {
        let mut rules = IgnoreRules::default();
        let text = "vulnerabilities:\n  - id: CVE-1\n    paths: ['app/**']\n    statement: why\n  - id: CVE-2\n    purls: ['pkg:npm/%40a/b']\n  \
                    - id: CVE-3\n    expired_at: 2020-01-01\nsecrets:\n  - id: key\n    paths: [one.txt]\n";
        rules.add_file(text, "2026-06-01").unwrap();
        assert!(rules.hide_vulnerability(&["GHSA-1", "CVE-1"], PURL, &["app/x/lock"]));
        assert!(!rules.hide_vulnerability(&["CVE-1"], PURL, &["app/x/lock", "other"]));
        assert!(rules.hide_vulnerability(&["CVE-2"], PURL, &["x"]));
        assert!(!rules.hide_vulnerability(&["CVE-2"], "pkg:npm/%40a/bc@1", &["x"]));
        assert!(!rules.hide_vulnerability(&["CVE-3"], PURL, &["x"]));
        assert!(rules.hide_secret(&["key"], "one.txt") && !rules.hide_secret(&["key"], "two.txt"));
        assert!(rules.add_file("vulnerabilities: 1", "2026-06-01").is_err());
    }
}
