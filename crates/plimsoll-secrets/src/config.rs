//! What a user may change: which rules run, rules of their own, and findings that are known to be none.

use serde::Deserialize;

use crate::finding::Severity;
use crate::rule::Rule;

/// The settings of a scanner.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// The only rules that run; all when empty.
    pub enable: Vec<String>,
    /// Rules that do not run.
    pub disable: Vec<String>,
    /// Findings and paths that are known to be harmless.
    pub allow: Vec<Allow>,
    /// Rules of the user's own.
    pub rules: Vec<CustomRule>,
    /// Larger files are not read.
    pub max_size_bytes: Option<u64>,
    /// Whether tokens and keys are looked for in files that are not text.
    pub binaries: bool,
    /// Whether the built-in allowed paths (documentation, tests inside of installed packages) are left out.
    pub allow_known_paths: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            enable: Vec::new(),
            disable: Vec::new(),
            allow: Vec::new(),
            rules: Vec::new(),
            max_size_bytes: None,
            binaries: true,
            allow_known_paths: true,
        }
    }
}

/// Findings that are allowed: those for which all given conditions hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Allow {
    /// A glob for the path: `*`, `?`, `**`; the name of a folder stands for all in it.
    pub path: Option<String>,
    /// The id of the rule.
    pub rule: Option<String>,
    /// The fingerprint of rule and value.
    pub fingerprint: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

/// A rule of the user's own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CustomRule {
    /// Its id, which no built-in rule has.
    pub id: String,
    /// What the value is; the id when there is none.
    #[serde(default)]
    pub title: Option<String>,
    /// How bad it is that somebody has the value.
    #[serde(default = "high")]
    pub severity: Severity,
    /// Words of which one must stand within 256 bytes before, or 2 KiB after, the beginning of the match. Without any the
    /// pattern runs over everything, which is slow.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// A regular expression over bytes, without look-around; its first group, if it has one, is the value.
    pub pattern: String,
    /// The least entropy of the value, in bits for each character.
    #[serde(default)]
    pub entropy: f32,
}

fn high() -> Severity {
    Severity::High
}

/// A configuration that makes no sense.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A rule is named that does not exist.
    #[error("there is no rule `{id}` to {action}")]
    UnknownRule {
        /// What the configuration calls it.
        id: String,
        /// `enable`, `disable` or `allow`.
        action: &'static str,
    },
    /// Two rules have one id.
    #[error("there is a rule `{id}` already; give yours another id")]
    SameId {
        /// The id of both.
        id: String,
    },
    /// A pattern or glob cannot be used.
    #[error("the pattern of {what} is none")]
    Pattern {
        /// Whose it is.
        what: String,
        /// What the expression's parser says.
        #[source]
        source: regex::Error,
    },
    /// A keyword of a rule is empty: it would be met everywhere.
    #[error("a keyword of rule `{id}` is empty; leave it out")]
    EmptyKeyword {
        /// The rule.
        id: String,
    },
    /// An entry that would allow everything.
    #[error(
        "an entry of `allow` has neither path, rule nor fingerprint and would allow everything (reason: `{reason}`)"
    )]
    EmptyAllow {
        /// The reason that it gives.
        reason: String,
    },
}

impl Config {
    /// The rules that run.
    pub(crate) fn active(&self) -> Result<Vec<Rule>, ConfigError> {
        let mut rules = crate::rules::all();
        for custom in &self.rules {
            if rules.iter().any(|rule| rule.id == custom.id.as_str()) {
                return Err(ConfigError::SameId { id: custom.id.clone() });
            }
            if custom.keywords.iter().any(String::is_empty) {
                return Err(ConfigError::EmptyKeyword { id: custom.id.clone() });
            }
            let rule = custom.rule();
            crate::engine::search::compile(&rule)
                .map_err(|source| ConfigError::Pattern { what: format!("rule `{}`", custom.id), source })?;
            rules.push(rule);
        }
        let allowed = self.allow.iter().filter_map(|allow| allow.rule.as_ref());
        let named = self
            .enable
            .iter()
            .map(|id| (id, "enable"))
            .chain(self.disable.iter().map(|id| (id, "disable")))
            .chain(allowed.map(|id| (id, "allow")));
        for (id, action) in named {
            if !rules.iter().any(|rule| rule.id == id.as_str()) {
                return Err(ConfigError::UnknownRule { id: id.clone(), action });
            }
        }
        let is_in = |list: &[String], rule: &Rule| list.iter().any(|id| rule.id == id.as_str());
        rules.retain(|rule| {
            (self.enable.is_empty() || is_in(&self.enable, rule)) && !is_in(&self.disable, rule)
        });
        Ok(rules)
    }
}

impl CustomRule {
    fn rule(&self) -> Rule {
        let title = self.title.clone().unwrap_or_else(|| self.id.clone());
        Rule::custom(self.id.clone(), title, self.severity, self.keywords.clone(), self.pattern.clone())
            .entropy(self.entropy)
    }
}
