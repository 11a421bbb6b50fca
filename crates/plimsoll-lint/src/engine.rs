//! Runs the rules, and leaves out what is not wanted.

use plimsoll_diagnostics::{Diagnostic, SourceFile};
use plimsoll_dockerfile::{CheckOptions, DirectiveKind, Dockerfile};

use crate::document::Document;
use crate::finding::{Finding, same_id, spellings};
use crate::options::{Options, Scope};
use crate::rule::{Origin, Rule, origin, rules};
use crate::rules::unused_suppression;
use crate::suppression;

/// The build argument that overrides the `check` directive.
const CHECK_ARGUMENT: &str = "BUILDKIT_DOCKERFILE_CHECK";

/// The rule that all codes of `ShellCheck` belong to.
const SHELL_RULE: &str = "shell-flaw";

/// The rule that wants every base image in the project's lock.
const DIGEST_RULE: &str = "base-without-digest";

/// What came of a check.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What was found, in the order of the file.
    pub findings: Vec<Finding>,
    /// How many findings comments and options hide.
    pub suppressed: usize,
    /// Whether the file asks that Docker's findings fail the build (`error=true`).
    pub is_strict: bool,
    /// Why the `check` directive or build argument is refused.
    pub problems: Vec<Diagnostic>,
}

impl Report {
    /// Takes in what another platform shows of the same file: each finding once, in the order of the file.
    pub fn merge(&mut self, other: Self) {
        // A comment is of use when it hides something for one platform.
        let is_unused = unused_suppression::is_one;
        self.findings.retain(|finding| !is_unused(finding) || other.findings.contains(finding));
        for finding in other.findings {
            if !is_unused(&finding) && !self.findings.contains(&finding) {
                self.findings.push(finding);
            }
        }
        self.findings.sort_by_key(|finding| finding.diagnostic.span);
        self.suppressed = self.suppressed.max(other.suppressed);
        self.is_strict |= other.is_strict;
        for problem in other.problems {
            if !self.problems.contains(&problem) {
                self.problems.push(problem);
            }
        }
    }

    /// The findings that Docker's build checks would report too.
    pub fn docker_findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.docker_name().is_some())
    }

    /// Names of Docker's rules that fail the build, each once; none unless the file asks for it.
    pub fn violations(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        if self.is_strict {
            for name in self.findings.iter().filter_map(Finding::docker_name) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }
}

/// Checks a parsed file.
pub fn check(file: &SourceFile, dockerfile: &Dockerfile, options: &Options<'_>) -> Report {
    let document = Document::new(file, dockerfile, options);
    let mut report = Report::default();
    let settings = match check_options(dockerfile, options) {
        Ok(settings) => settings,
        Err(problem) => {
            report.problems.push(*problem);
            CheckOptions::default()
        }
    };
    report.is_strict = settings.error;
    let mut found = Vec::new();
    for rule in rules() {
        let asked = options.enable.iter().any(|id| is_named(rule, id));
        let experimental = rule.docker_name().is_some_and(|name| settings.experimental.contains(name));
        // Who has a lock wants all names in it.
        let is_wanted = options.locked.is_some() && rule.name == DIGEST_RULE;
        if rule.enabled || asked || experimental || is_wanted {
            (rule.check)(&document, &mut found);
        }
    }
    let comments = if options.no_inline_ignores {
        Vec::new()
    } else {
        suppression::read(&document, options.today.as_deref())
    };
    // What only some stages show says nothing about comments in others.
    if options.scope == Scope::All && !options.no_inline_ignores {
        let unused = suppression::unused(&document, &comments, &found, &settings.skip);
        found.extend(unused);
    }
    let all = found.len();
    found.retain(|finding| {
        let skipped = finding.docker_name().is_some_and(|name| settings.skip.contains(name));
        let ignored = options.ignore.iter().any(|id| finding.answers_to(id));
        !skipped && !ignored && !comments.iter().any(|comment| comment.hides(&document, finding))
    });
    report.suppressed = all - found.len();
    for finding in &mut found {
        let named = options.severities.iter().rev().find(|(id, _)| finding.answers_to(id));
        if let Some((_, severity)) = named {
            finding.diagnostic.severity = *severity;
        }
    }
    found.sort_by_key(|finding| finding.diagnostic.span);
    report.findings = found;
    report
}

/// Ids of hadolint that were withdrawn and still stand in files, and those of what is no rule here.
const OTHER_IDS: [&str; 5] = ["DL1000", "DL3005", "DL3017", "DL3031", "DL3039"];

/// Whether an id names something: a rule, in any spelling, or one that was withdrawn.
pub fn is_known_id(id: &str) -> bool {
    rule_of(id).is_some() || OTHER_IDS.iter().any(|other| other.eq_ignore_ascii_case(id))
}

/// The `check` build argument, else the directive.
fn check_options(dockerfile: &Dockerfile, options: &Options<'_>) -> Result<CheckOptions, Box<Diagnostic>> {
    let refused = |error: &dyn std::fmt::Display, place: &str| {
        Diagnostic::error("bad-check-options", format!("{place}: {error}"))
            .hint("write `skip=RULE,RULE;error=true;experimental=RULE`, each part as needed")
    };
    if let Some(value) = options.build_args.get(CHECK_ARGUMENT) {
        return CheckOptions::parse(value)
            .map_err(|error| Box::new(refused(&error, &format!("build argument `{CHECK_ARGUMENT}`"))));
    }
    match dockerfile.directive(DirectiveKind::Check) {
        Some(directive) => CheckOptions::parse(&directive.value.value)
            .map_err(|error| Box::new(refused(&error, "`check` directive").at(directive.value.span))),
        None => Ok(CheckOptions::default()),
    }
}

fn is_named(rule: &Rule, id: &str) -> bool {
    rule.name.eq_ignore_ascii_case(id)
        || rule.aliases.iter().any(|alias| same_id(alias, id))
        || (rule.name == SHELL_RULE && origin(&id.to_ascii_uppercase()) == Origin::ShellCheck)
}

/// The rule that an id names, its own or one of another linter's.
pub fn rule_of(id: &str) -> Option<&'static Rule> {
    rules().iter().copied().find(|rule| is_named(rule, id))
}

/// Every id that names a rule: its name, and all spellings of its aliases.
pub fn known_ids() -> Vec<String> {
    let mut ids = Vec::new();
    for rule in rules() {
        ids.push(rule.name.to_owned());
        ids.extend(rule.aliases.iter().flat_map(|alias| spellings(alias)));
    }
    ids
}
