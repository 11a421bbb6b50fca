//! What a rule is, and the names that other linters have for it.

use plimsoll_diagnostics::Severity;

use crate::document::Document;
use crate::finding::Finding;
use crate::rules::RULES;

/// Where the pages of the rules are.
const PAGES: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/rules");

/// A rule: one idea of what is wrong with a Dockerfile.
pub struct Rule {
    /// Its name in kebab-case, after the flaw: "allow *name*" reads well. Also the name of its page.
    pub name: &'static str,
    /// The flaw in half a sentence.
    pub summary: &'static str,
    /// How serious a finding is, unless the finding says otherwise.
    pub severity: Severity,
    /// Names of other linters' rules that a finding may carry.
    pub aliases: &'static [&'static str],
    /// Whether it runs without being asked for.
    pub enabled: bool,
    /// What, why, and an example, in Markdown.
    pub explanation: &'static str,
    /// Looks for the flaw.
    pub(crate) check: fn(&Document<'_>, &mut Vec<Finding>),
}

impl Rule {
    /// The address of the rule's page.
    pub fn url(&self) -> String {
        format!("{PAGES}/{}.md", self.name)
    }

    /// The name that Docker's build checks have for this rule.
    pub fn docker_name(&self) -> Option<&'static str> {
        self.aliases.iter().copied().find(|alias| origin(alias) == Origin::Docker)
    }
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Rule").field(&self.name).finish()
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Rule {}

/// Whose name an id is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// One of this crate's.
    Own,
    /// Docker's build checks: `StageNameCasing`.
    Docker,
    /// hadolint: `DL3006`.
    Hadolint,
    /// `ShellCheck`: `SC2086`.
    ShellCheck,
    /// Trivy: `DS-0002`.
    Trivy,
}

/// Whose name an id is, by its form.
pub fn origin(id: &str) -> Origin {
    let digits = |prefix: &str| {
        let rest = id.strip_prefix(prefix);
        rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    if digits("DL") {
        Origin::Hadolint
    } else if digits("SC") {
        Origin::ShellCheck
    } else if digits("DS-") || digits("DS") || digits("AVD-DS-") {
        Origin::Trivy
    } else if id.starts_with(|first: char| first.is_ascii_uppercase()) {
        Origin::Docker
    } else {
        Origin::Own
    }
}

/// All rules, in the order of their names.
pub fn rules() -> &'static [&'static Rule] {
    RULES
}

/// The rule of a name.
pub fn rule_named(name: &str) -> Option<&'static Rule> {
    RULES.iter().copied().find(|rule| rule.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_unique() {
        for pair in RULES.windows(2) {
            assert!(pair[0].name < pair[1].name, "{} comes after {}", pair[0].name, pair[1].name);
        }
    }

    #[test]
    fn the_form_of_an_id_tells_whose_it_is() {
        for (id, expected) in [
            ("DL3006", Origin::Hadolint),
            ("SC2086", Origin::ShellCheck),
            ("DS-0002", Origin::Trivy),
            ("AVD-DS-0002", Origin::Trivy),
            ("DS002", Origin::Trivy),
            ("StageNameCasing", Origin::Docker),
            ("JSONArgsRecommended", Origin::Docker),
            ("untagged-base-image", Origin::Own),
        ] {
            assert_eq!(origin(id), expected, "{id}");
        }
    }

    #[test]
    fn every_rule_explains_itself() {
        for rule in RULES {
            assert!(rule.explanation.contains("```dockerfile"), "{} has no example", rule.name);
            assert!(!rule.summary.ends_with('.'), "{}", rule.name);
        }
    }
}
