//! What a rule has found.

use plimsoll_diagnostics::{Diagnostic, Edit, Severity, Span};

use crate::rule::{Origin, Rule, origin};

/// One flaw at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule that found it.
    pub rule: &'static Rule,
    /// The names of other linters' rules whose own condition holds here.
    pub aliases: Vec<&'static str>,
    /// What there is to say, at the exact place.
    pub diagnostic: Diagnostic,
    /// The whole instruction around the place.
    pub instruction: Option<Span>,
    /// Other instructions that it is about: a comment above one of them hides it too.
    pub(crate) concerns: Vec<Span>,
    /// Whether the fix changes nothing but what it says, so that it can be applied unseen.
    pub fix_is_safe: bool,
}

impl Finding {
    /// A finding of a rule, with a message: lower case, no full stop, names in backticks.
    pub(crate) fn new(rule: &'static Rule, message: impl Into<String>) -> Self {
        Self {
            rule,
            aliases: Vec::new(),
            diagnostic: Diagnostic::new(rule.severity, rule.name, message),
            instruction: None,
            concerns: Vec::new(),
            fix_is_safe: false,
        }
    }

    /// Sets the place, and the instruction that it is in.
    #[must_use]
    pub(crate) fn at(mut self, span: Span, instruction: Span) -> Self {
        self.diagnostic.span = Some(span);
        self.instruction = Some(instruction);
        self
    }

    /// Adds a name of another linter.
    #[must_use]
    pub(crate) fn alias(mut self, alias: &'static str) -> Self {
        debug_assert!(self.rule.aliases.contains(&alias), "{} does not list {alias}", self.rule.name);
        self.aliases.push(alias);
        self
    }

    /// Adds a name of another linter if its condition holds.
    #[must_use]
    pub(crate) fn alias_if(self, condition: bool, alias: &'static str) -> Self {
        if condition { self.alias(alias) } else { self }
    }

    /// Marks a further place.
    #[must_use]
    pub(crate) fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.diagnostic = self.diagnostic.also(span, text);
        self
    }

    /// Names another instruction that it is about.
    #[must_use]
    pub(crate) fn concerning(mut self, instruction: Span) -> Self {
        self.concerns.push(instruction);
        self
    }

    /// Adds a fact.
    #[must_use]
    pub(crate) fn note(mut self, text: impl Into<String>) -> Self {
        self.diagnostic = self.diagnostic.note(text);
        self
    }

    /// Sets the way out.
    #[must_use]
    pub(crate) fn hint(mut self, text: impl Into<String>) -> Self {
        self.diagnostic = self.diagnostic.hint(text);
        self
    }

    /// Sets a fix that changes nothing but what it says.
    #[must_use]
    pub(crate) fn safe_fix(mut self, message: impl Into<String>, edits: Vec<Edit>) -> Self {
        self.diagnostic = self.diagnostic.fix(message, edits);
        self.fix_is_safe = true;
        self
    }

    /// Sets a fix that changes what is built, and is applied only by who has seen it.
    #[must_use]
    pub(crate) fn unsafe_fix(mut self, message: impl Into<String>, edits: Vec<Edit>) -> Self {
        self.diagnostic = self.diagnostic.fix(message, edits);
        self
    }

    /// How serious it is.
    pub fn severity(&self) -> Severity {
        self.diagnostic.severity
    }

    /// The name that Docker's build checks have for it, when they would report it.
    pub fn docker_name(&self) -> Option<&'static str> {
        self.aliases.iter().copied().find(|alias| origin(alias) == Origin::Docker)
    }

    /// Whether an id, of whatever linter, names this finding.
    pub fn answers_to(&self, id: &str) -> bool {
        self.rule.name == id || self.aliases.iter().any(|alias| same_id(alias, id))
    }
}

/// Applies edits to a text; of edits that overlap, and of equal ones, only the first counts.
pub fn apply<'e>(text: &str, edits: impl IntoIterator<Item = &'e Edit>) -> String {
    let mut edits: Vec<&Edit> = edits.into_iter().collect();
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    edits.dedup();
    let mut out = String::with_capacity(text.len());
    let mut position = 0;
    for edit in edits {
        if edit.span.start < position || text.get(edit.span.range()).is_none() {
            continue;
        }
        out.push_str(&text[position..edit.span.start]);
        out.push_str(&edit.replacement);
        position = edit.span.end;
    }
    out.push_str(&text[position..]);
    out
}

/// Whether two ids are one: case does not matter, and Trivy's ids have several spellings.
pub(crate) fn same_id(alias: &str, id: &str) -> bool {
    alias.eq_ignore_ascii_case(id)
        || (origin(alias) == Origin::Trivy
            && trivy_number(alias).is_some_and(|number| trivy_number(id) == Some(number)))
}

/// The long ids of Trivy's checks, by number; each may have `docker-` in front.
const TRIVY_NAMES: [(u32, &str); 25] = [
    (1, "use-specific-tags"),
    (2, "least-privilege-user"),
    (4, "no-ssh-port"),
    (5, "use-copy-over-add"),
    (6, "no-self-referencing-copy-from"),
    (7, "only-one-entrypoint"),
    (8, "port-out-of-range"),
    (9, "user-absolute-workdir"),
    (10, "no-sudo-run"),
    (11, "use-slash-for-copy-args"),
    (12, "no-duplicate-alias"),
    (13, "use-workdir-over-cd"),
    (14, "standardise-remote-get"),
    (15, "purge-yum-package-cache"),
    (16, "only-one-cmd"),
    (17, "no-orphan-package-update"),
    (19, "purge-dnf-package-cache"),
    (20, "purge-zipper-cache"),
    (21, "use-apt-auto-confirm"),
    (22, "no-maintainer"),
    (23, "only-one-healthcheck"),
    (24, "no-dist-upgrade"),
    (25, "purge-apk-package-cache"),
    (26, "no-healthcheck"),
    (27, "purge-microdnf-package-cache"),
];

/// The number in `DS-0002`, `AVD-DS-0002` and `DS002`, and of a long id.
fn trivy_number(id: &str) -> Option<u32> {
    let lower = id.to_ascii_lowercase();
    let long = lower.strip_prefix("docker-").unwrap_or(&lower);
    if let Some((number, _)) = TRIVY_NAMES.iter().find(|(_, name)| *name == long) {
        return Some(*number);
    }
    let upper = id.to_ascii_uppercase();
    let rest = upper.strip_prefix("AVD-").unwrap_or(&upper).strip_prefix("DS")?;
    rest.strip_prefix('-').unwrap_or(rest).parse().ok()
}

/// All spellings of an id: Trivy's have several.
pub(crate) fn spellings(alias: &str) -> Vec<String> {
    match trivy_number(alias).filter(|_| origin(alias) == Origin::Trivy) {
        Some(number) => {
            vec![format!("DS-{number:04}"), format!("AVD-DS-{number:04}"), format!("DS{number:03}")]
        }
        None => vec![alias.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_trivy_have_several_spellings() {
        for id in [
            "DS-0002",
            "AVD-DS-0002",
            "DS002",
            "ds-0002",
            "least-privilege-user",
            "docker-least-privilege-user",
        ] {
            assert!(same_id("DS-0002", id), "{id}");
        }
        assert!(!same_id("DS-0002", "DS-0003"));
        assert_eq!(spellings("DS-0002"), ["DS-0002", "AVD-DS-0002", "DS002"]);
        assert_eq!(spellings("DL3006"), ["DL3006"]);
    }
}
