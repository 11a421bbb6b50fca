//! What rules about package managers have in common.

use super::prelude::*;

/// How a package manager is called.
pub(super) struct Manager {
    /// Its programs.
    pub(super) names: &'static [&'static str],
    /// Its words for installing.
    pub(super) install: &'static [&'static str],
    /// Flags that take the next word, without dashes.
    pub(super) valued: &'static [&'static str],
}

pub(super) const APT_GET: Manager = Manager {
    names: &["apt-get"],
    install: &["install"],
    valued: &["t", "target-release", "o", "option", "c", "config-file"],
};

pub(super) const APK: Manager = Manager {
    names: &["apk"],
    install: &["add"],
    valued: &[
        "t",
        "virtual",
        "X",
        "repository",
        "p",
        "root",
        "keys-dir",
        "repositories-file",
        "cache-dir",
        "arch",
    ],
};

pub(super) const YUM: Manager = Manager {
    names: &["yum"],
    install: &["install", "groupinstall", "localinstall", "reinstall"],
    valued: &[
        "c",
        "config",
        "d",
        "e",
        "x",
        "exclude",
        "installroot",
        "releasever",
        "enablerepo",
        "disablerepo",
        "setopt",
    ],
};

pub(super) const DNF: Manager = Manager {
    names: &["dnf", "microdnf", "dnf5"],
    install: &["install", "groupinstall", "localinstall", "reinstall"],
    valued: &[
        "c",
        "config",
        "d",
        "e",
        "x",
        "exclude",
        "installroot",
        "releasever",
        "enablerepo",
        "disablerepo",
        "setopt",
    ],
};

/// What zypper asks about besides installations.
pub(super) const ZYPPER_CHANGES: Manager =
    Manager { install: &["install", "in", "remove", "rm", "source-install", "si", "patch"], ..ZYPPER };

pub(super) const ZYPPER: Manager = Manager {
    names: &["zypper"],
    install: &["install", "in"],
    valued: &["r", "repo", "from", "t", "type", "R", "root", "C", "name", "p", "plus-repo"],
};

impl Manager {
    /// The word for installing, when a call is an installation.
    pub(super) fn verb<'s>(&self, call: &Call<'s>) -> Option<&'s Word> {
        if !self.names.contains(&call.name()) {
            return None;
        }
        call.operands_without(self.valued).into_iter().find(|word| self.install.contains(&word.text.as_str()))
    }

    /// The packages that a call installs.
    pub(super) fn packages<'s>(&self, call: &Call<'s>) -> Vec<&'s Word> {
        let Some(verb) = self.verb(call) else { return Vec::new() };
        call.operands_without(self.valued)
            .into_iter()
            .filter(|word| word.span != verb.span || word.text != verb.text)
            .collect()
    }
}

/// Takes the packages out of an installation.
pub(super) type Packages = for<'s> fn(&Call<'s>) -> Vec<&'s Word>;

/// Reports packages without a version, one finding a call.
pub(super) fn report_unpinned(
    document: &Document<'_>,
    rule: &'static Rule,
    (alias, holds): (&'static str, fn(&Call<'_>) -> bool),
    packages: Packages,
    is_pinned: fn(&str) -> bool,
    example: fn(&str) -> String,
    found: &mut Vec<Finding>,
) {
    for run in document.runs() {
        for call in &run.calls {
            let loose: Vec<&Word> = packages(call)
                .into_iter()
                .filter(|word| !word.text.is_empty() && !is_pinned(&word.text))
                .collect();
            let [first, rest @ ..] = loose.as_slice() else { continue };
            let what = match rest.len() {
                0 => format!("`{}` is", first.text),
                1 => format!("`{}` and one more package are", first.text),
                count => format!("`{}` and {count} more packages are", first.text),
            };
            let message = format!("{what} installed in whatever version there is");
            found.push(
                run.finding(rule, message, first.span)
                    .alias_if(holds(call), alias)
                    .hint(format!("name the version: `{}`", example(&first.text))),
            );
        }
    }
}

/// For [`report_unpinned`]: the alias holds for every call.
pub(super) fn always(_: &Call<'_>) -> bool {
    true
}

/// Reports installations that wait for an answer; `aliases` gives the names that hold for a call.
pub(super) fn report_questions(
    document: &Document<'_>,
    rule: &'static Rule,
    manager: &Manager,
    answers: impl for<'s> Fn(&Call<'s>) -> bool,
    flag: &str,
    aliases: impl for<'s> Fn(&Call<'s>, &str) -> &'static [&'static str],
    found: &mut Vec<Finding>,
) {
    for run in document.runs() {
        for call in &run.calls {
            let Some(verb) = manager.verb(call) else { continue };
            if answers(call) {
                continue;
            }
            let message = format!("`{} {}` asks a question that nobody answers", call.name(), verb.text);
            let mut finding = run.finding(rule, message, verb.span).hint(format!("add `{flag}`"));
            for alias in aliases(call, &verb.text) {
                finding = finding.alias(alias);
            }
            if run.is_editable(document, verb) {
                finding =
                    finding.safe_fix(format!("add `{flag}`"), run.insert_behind(verb, &format!(" {flag}")));
            }
            found.push(finding);
        }
    }
}

/// Whether a call removes what lies in a directory.
pub(super) fn removes(call: &Call<'_>, directories: &[&str]) -> bool {
    call.name() == "rm"
        && call.operands().iter().any(|word| {
            directories.iter().any(|directory| {
                // `lists/*_*` leaves nothing that counts.
                let path = word.text.split("/*").next().unwrap_or_default().trim_end_matches(['*', '/']);
                path == *directory || directory.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'))
            })
        })
}

/// Whether caches are cleaned, and whether behind the installations.
pub(super) struct Cleaning {
    /// The first installation.
    pub(super) first: Option<usize>,
    /// The last installation.
    pub(super) install: Option<usize>,
    /// The last cleaning.
    pub(super) clean: Option<usize>,
}

/// Finds the installations and the last cleaning of a `RUN`.
pub(super) fn cleaning(
    run: &RunView<'_, '_>,
    installs: impl Fn(&Call<'_>) -> bool,
    cleans: impl Fn(&Call<'_>) -> bool,
) -> Cleaning {
    Cleaning {
        first: run.calls.iter().position(&installs),
        install: run.calls.iter().rposition(&installs),
        clean: run.calls.iter().rposition(cleans),
    }
}

impl Cleaning {
    /// Whether no cleaning stands behind the first installation.
    pub(super) fn is_missing(&self) -> bool {
        self.clean.is_none_or(|clean| Some(clean) < self.first)
    }

    /// Whether no cleaning stands behind the last installation.
    pub(super) fn is_early(&self) -> bool {
        self.clean.is_none_or(|clean| Some(clean) < self.install)
    }
}

/// The packages that a call of yum or dnf installs without a version. Groups have none, and of modules a stream is named.
pub(super) fn rpm_packages<'s>(manager: &Manager, call: &Call<'s>) -> Vec<&'s Word> {
    if !manager.names.contains(&call.name()) {
        return Vec::new();
    }
    let operands = call.operands_without(manager.valued);
    let install = operands.iter().position(|word| word.text == "install");
    let (Some(install), Some(first)) = (install, operands.first()) else { return Vec::new() };
    let is_module = first.text == "module";
    if first.text == "group" {
        return Vec::new();
    }
    let packages = operands[install + 1..].iter().copied();
    packages.filter(|word| !(is_module && word.text.contains(':'))).collect()
}

/// Whether a package of yum or dnf names its version: `name-1.2`, a file, a group, a module's stream.
pub(super) fn rpm_is_pinned(package: &str) -> bool {
    let has_version = package
        .match_indices('-')
        .any(|(at, _)| package[at + 1..].starts_with(|next: char| next.is_ascii_digit() || next == '$'));
    has_version
        || has_extension(package, "rpm")
        || package.starts_with(['@', '/', '.'])
        || package.contains("://")
}
