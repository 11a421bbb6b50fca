//! What a project's files say about its findings: `.hadolint.yaml`, `.trivyignore` and `.trivyignore.yaml`.
//!
//! They belong to the project, so they are not trusted: they choose among findings, and that is all. How findings are shown,
//! which is a matter of whoever looks at them, they do not say.

use std::collections::BTreeMap;

use plimsoll_diagnostics::Severity;
use plimsoll_dockerfile::ignore::IgnoreFile;
use serde::Deserialize;

use crate::labels::LabelType;
use crate::rule::{Origin, origin};

/// What the files of a project say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// Rules whose findings are not wanted, by any of their names.
    pub ignore: Vec<String>,
    /// Severities of rules, by any of their names.
    pub severities: Vec<(String, Severity)>,
    /// Registries that images may come from.
    pub trusted_registries: Vec<String>,
    /// Labels that an image must have.
    pub label_schema: Vec<(String, LabelType)>,
    /// Whether no other labels are allowed.
    pub strict_labels: bool,
    /// Whether comments that suppress findings are not honoured.
    pub no_inline_ignores: bool,
    /// From which severity on a finding is a failure.
    pub threshold: Option<Threshold>,
    /// Keys that mean nothing.
    pub unknown_keys: Vec<String>,
}

/// From which severity on a finding is a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threshold {
    /// From this one on.
    From(Severity),
    /// No finding is one.
    Never,
}

/// Why a file is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// It is no YAML, or not of the form that it should have.
    #[error("{reason}")]
    Form {
        /// What is wrong, with the place.
        reason: String,
    },
    /// A severity that there is none of.
    #[error("`{key}` is `{value}`, which is no severity: error, warning, info, style, or none")]
    Severity {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
    },
    /// A type of label that there is none of.
    #[error("the label `{label}` has the type `{value}`, which is none: {}", LabelType::NAMES.join(", "))]
    Label {
        /// The label.
        label: String,
        /// The type.
        value: String,
    },
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Hadolint {
    failure_threshold: Option<String>,
    no_fail: bool,
    ignored: Vec<String>,
    r#override: BTreeMap<String, Option<Vec<String>>>,
    #[serde(rename = "trustedRegistries")]
    trusted_registries: Vec<String>,
    label_schema: BTreeMap<String, String>,
    strict_labels: bool,
    disable_ignore_pragma: bool,
    /// How findings are shown: not the project's to say.
    #[serde(rename = "format")]
    _format: serde::de::IgnoredAny,
    #[serde(rename = "no-color")]
    _no_color: serde::de::IgnoredAny,
    #[serde(rename = "verbose")]
    _verbose: serde::de::IgnoredAny,
    #[serde(rename = "output")]
    _output: serde::de::IgnoredAny,
    #[serde(flatten)]
    others: BTreeMap<String, serde::de::IgnoredAny>,
}

impl Configuration {
    /// Takes a `.hadolint.yaml`.
    ///
    /// # Errors
    ///
    /// When it is not of the form that hadolint describes.
    pub fn add_hadolint(&mut self, text: &str) -> Result<(), ConfigurationError> {
        // A file of comments alone is an empty one.
        let is_empty = text.lines().all(|line| matches!(line.trim().chars().next(), None | Some('#')));
        let file: Hadolint = if is_empty { Hadolint::default() } else { parse(text)? };
        for (level, ids) in file.r#override {
            let severity = severity(&level)
                .ok_or_else(|| ConfigurationError::Severity { key: "override", value: level.clone() })?;
            self.severities.extend(ids.unwrap_or_default().into_iter().map(|id| (id, severity)));
        }
        for (label, kind) in file.label_schema {
            let Ok(kind) = kind.parse() else {
                return Err(ConfigurationError::Label { label, value: kind });
            };
            self.label_schema.push((label, kind));
        }
        if let Some(value) = file.failure_threshold {
            self.threshold = Some(match (value.as_str(), severity(&value)) {
                (_, Some(severity)) => Threshold::From(severity),
                ("none", None) => Threshold::Never,
                // Every finding, also one that is ignored, which here is none.
                ("ignore", None) => Threshold::From(Severity::Style),
                _ => return Err(ConfigurationError::Severity { key: "failure-threshold", value }),
            });
        }
        if file.no_fail {
            self.threshold = Some(Threshold::Never);
        }
        self.ignore.extend(file.ignored);
        self.trusted_registries.extend(file.trusted_registries);
        self.strict_labels |= file.strict_labels;
        self.no_inline_ignores |= file.disable_ignore_pragma;
        self.unknown_keys.extend(file.others.into_keys());
        Ok(())
    }

    /// Takes a `.trivyignore`: an id a line, until a date if that stands behind it (`exp:2027-01-31`).
    pub fn add_trivy_list(&mut self, text: &str, today: Option<&str>) {
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_whitespace();
            let Some(id) = words.next().filter(|id| is_about_dockerfiles(id)) else { continue };
            let until = words.find_map(|word| word.strip_prefix("exp:"));
            if !is_over(until, today) {
                self.ignore.push(id.to_owned());
            }
        }
    }

    /// Takes what a `.trivyignore.yaml` says about a file, whose path is relative to where that lies.
    ///
    /// # Errors
    ///
    /// When it is not of the form that Trivy describes.
    pub fn add_trivy_file(
        &mut self,
        text: &str,
        path: &str,
        today: Option<&str>,
    ) -> Result<(), ConfigurationError> {
        let file: TrivyIgnore = parse(text)?;
        for entry in file.misconfigurations {
            let patterns = IgnoreFile::parse(&entry.paths.join("\n")).0;
            let applies = entry.paths.is_empty() || patterns.matches(path.as_bytes()).ignored;
            if applies && is_about_dockerfiles(&entry.id) && !is_over(entry.expired_at.as_deref(), today) {
                self.ignore.push(entry.id);
            }
        }
        Ok(())
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TrivyIgnore {
    misconfigurations: Vec<TrivyEntry>,
}

#[derive(Deserialize)]
struct TrivyEntry {
    id: String,
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    expired_at: Option<String>,
}

fn parse<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T, ConfigurationError> {
    serde_saphyr::from_str(text).map_err(|error| ConfigurationError::Form { reason: error.to_string() })
}

fn severity(word: &str) -> Option<Severity> {
    Some(match word {
        "error" => Severity::Error,
        "warning" => Severity::Warning,
        "info" => Severity::Info,
        "style" => Severity::Style,
        _ => return None,
    })
}

/// Whether an id is one of Trivy's for Dockerfiles: its files list those of vulnerabilities and much else, too.
fn is_about_dockerfiles(id: &str) -> bool {
    origin(id) == Origin::Trivy || crate::engine::rule_of(id).is_some()
}

/// Whether a date lies before today; dates in this form sort as texts do.
fn is_over(until: Option<&str>, today: Option<&str>) -> bool {
    matches!((until, today), (Some(until), Some(today)) if until < today)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hadolint(text: &str) -> Configuration {
        let mut configuration = Configuration::default();
        configuration.add_hadolint(text).unwrap();
        configuration
    }

    #[test]
    fn every_key_of_hadolint_is_read() {
        let read = hadolint(
            "failure-threshold: warning\nformat: tty\nignored:\n  - DL3000\n  - SC1099\noverride:\n  error:\n    \
             - DL3001\n  style: [DL3002]\ntrustedRegistries: [docker.io]\nlabel-schema:\n  author: text\n  \
             version: semver\nstrict-labels: true\ndisable-ignore-pragma: true\nno-color: true\nverbose: true\n",
        );
        let expected = Configuration {
            ignore: vec!["DL3000".to_owned(), "SC1099".to_owned()],
            severities: vec![("DL3001".to_owned(), Severity::Error), ("DL3002".to_owned(), Severity::Style)],
            trusted_registries: vec!["docker.io".to_owned()],
            label_schema: vec![
                ("author".to_owned(), LabelType::Text),
                ("version".to_owned(), LabelType::Version),
            ],
            strict_labels: true,
            no_inline_ignores: true,
            threshold: Some(Threshold::From(Severity::Warning)),
            unknown_keys: Vec::new(),
        };
        assert_eq!(read, expected);
        assert_eq!(hadolint("no-fail: true\n").threshold, Some(Threshold::Never));
        assert_eq!(hadolint("failure-threshold: none\n").threshold, Some(Threshold::Never));
        assert_eq!(hadolint("mirror: x\n").unknown_keys, ["mirror"]);
        assert_eq!(hadolint("# nothing\n\n"), Configuration::default());
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, part) in [
            ("failure-threshold: bad\n", "`bad`"),
            ("override:\n  fatal: [DL3000]\n", "`fatal`"),
            ("label-schema:\n  a: date\n", "`date`"),
            ("ignored: 3\n", "line 1"),
        ] {
            let error = Configuration::default().add_hadolint(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn trivys_lists_have_dates_and_paths() {
        let mut read = Configuration::default();
        let text = "# why\nAVD-DS-0002\nCVE-2020-1\nDS-0001 exp:2020-01-01\nDS-0004 exp:2027-01-31 # later\nno-sudo-run\n";
        read.add_trivy_list(text, Some("2026-06-15"));
        assert_eq!(read.ignore, ["AVD-DS-0002", "DS-0004", "no-sudo-run"]);
        let text = "vulnerabilities:\n  - id: CVE-2020-1\nmisconfigurations:\n  - id: DS-0001\n  - id: DS-0002\n    paths:\n      \
                    - 'docker/**'\n    statement: it is ours\n  - id: DS-0004\n    expired_at: 2020-01-01\n";
        let mut read = Configuration::default();
        read.add_trivy_file(text, "docker/Dockerfile", Some("2026-06-15")).unwrap();
        assert_eq!(read.ignore, ["DS-0001", "DS-0002"]);
        let mut read = Configuration::default();
        read.add_trivy_file(text, "Dockerfile", None).unwrap();
        assert_eq!(read.ignore, ["DS-0001", "DS-0004"]);
    }
}
