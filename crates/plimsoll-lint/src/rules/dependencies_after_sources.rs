//! `dependencies-after-sources`.

use super::platforms::lineage;
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "dependencies-after-sources",
    summary: "dependencies are installed behind a `COPY` of all sources",
    severity: Severity::Warning,
    aliases: &[],
    enabled: true,
    explanation: r"
A step runs again when a file that was copied before it has changed. When everything is copied first, each changed line of
the program means that all its dependencies are fetched and installed again.

```dockerfile
FROM node:22
WORKDIR /app
COPY . .
RUN npm ci
```

Copy what names the dependencies, install them, then copy the rest:

```dockerfile
FROM node:22
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
```
",
    check,
};

/// A call that installs what a project names in files, and these files.
struct Installation {
    names: &'static [&'static str],
    /// One of these words is among the operands; without any, the name alone does.
    verbs: &'static [&'static str],
    /// Flags of which one must be given, if there are any.
    flags: &'static [&'static str],
    manifests: &'static str,
}

const INSTALLATIONS: [Installation; 13] = [
    Installation {
        names: &["npm"],
        verbs: &["ci", "clean-install", "install", "i"],
        flags: &[],
        manifests: "package.json package-lock.json",
    },
    Installation {
        names: &["pnpm"],
        verbs: &["install", "i"],
        flags: &[],
        manifests: "package.json pnpm-lock.yaml",
    },
    Installation { names: &["yarn"], verbs: &["install"], flags: &[], manifests: "package.json yarn.lock" },
    Installation {
        names: &["bun"],
        verbs: &["install", "i"],
        flags: &[],
        manifests: "package.json bun.lock",
    },
    Installation {
        names: &["pip", "pip3"],
        verbs: &["install"],
        flags: &["r", "requirement"],
        manifests: "requirements.txt",
    },
    Installation {
        names: &["poetry"],
        verbs: &["install", "sync"],
        flags: &[],
        manifests: "pyproject.toml poetry.lock",
    },
    Installation { names: &["uv"], verbs: &["sync"], flags: &[], manifests: "pyproject.toml uv.lock" },
    Installation {
        names: &["pipenv"],
        verbs: &["install", "sync"],
        flags: &[],
        manifests: "Pipfile Pipfile.lock",
    },
    Installation { names: &["go"], verbs: &["download"], flags: &[], manifests: "go.mod go.sum" },
    Installation { names: &["cargo"], verbs: &["fetch"], flags: &[], manifests: "Cargo.toml Cargo.lock" },
    Installation {
        names: &["bundle", "bundler"],
        verbs: &["install"],
        flags: &[],
        manifests: "Gemfile Gemfile.lock",
    },
    Installation {
        names: &["composer"],
        verbs: &["install"],
        flags: &[],
        manifests: "composer.json composer.lock",
    },
    Installation { names: &["dotnet"], verbs: &["restore"], flags: &[], manifests: "*.csproj" },
];

impl Installation {
    /// The word that makes a call an installation of what the project names.
    fn verb<'s>(&self, call: &Call<'s>) -> Option<&'s Word> {
        if !self.names.contains(&call.name()) || !(self.flags.is_empty() || call.has_flag(self.flags)) {
            return None;
        }
        // npm and its like install what is named when something is.
        let operands = call.operands_without(&["r", "requirement", "prefix", "C", "c", "dir", "cwd"]);
        let (at, verb) =
            operands.iter().enumerate().find(|(_, word)| self.verbs.contains(&word.text.as_str()))?;
        let takes_names = self.names.iter().any(|name| ["npm", "pnpm", "bun"].contains(name));
        (!takes_names || at + 1 == operands.len()).then_some(*verb)
    }
}

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for run in document.runs() {
        // A cache mount saves the download, and not the installation.
        let before = run.stage.steps.iter().take_while(|step| !std::ptr::eq(*step, run.step));
        let Some((copy, source)) =
            before.filter_map(|step| Some((step, whole_context(document, run.stage, step)?))).last()
        else {
            continue;
        };
        let verb = run.calls.iter().find_map(|call| {
            INSTALLATIONS.iter().find_map(|installation| Some((call, installation.verb(call)?, installation)))
        });
        let Some((call, verb, installation)) = verb else { continue };
        if is_installed_before(document, &run, copy, installation) {
            continue;
        }
        let message = format!("`{} {}` runs again whenever any file has changed", call.name(), verb.text);
        found.push(
            run.finding(&RULE, message, call.words[0].span.to(verb.span))
                .also(source, "everything is copied here")
                .concerning(copy.span())
                .hint(format!("copy `{}` first, and the rest behind this step", installation.manifests)),
        );
    }
}

/// Whether the dependencies are there before everything is copied: what is installed behind it is the project itself.
fn is_installed_before(
    document: &Document<'_>,
    run: &RunView<'_, '_>,
    copy: &Step<'_>,
    installation: &Installation,
) -> bool {
    let stages = lineage(document, run.stage);
    document
        .runs()
        .filter(|other| {
            let is_below = other.stage.index != run.stage.index;
            let is_in_lineage = stages.iter().any(|stage| stage.index == other.stage.index);
            is_in_lineage && (is_below || other.step.span().start < copy.span().start)
        })
        .any(|other| other.calls.iter().any(|call| installation.verb(call).is_some()))
}

/// The source of a `COPY` or `ADD` that is the whole build context.
fn whole_context(document: &Document<'_>, stage: &Stage<'_>, step: &Step<'_>) -> Option<Span> {
    let kind = &step.instruction.kind;
    let transfer = kind.transfer().filter(|_| !kind.copies_from_elsewhere())?;
    transfer.sources.iter().find_map(|source| {
        let Source::Path(path) = source else { return None };
        let value = document.expand(stage, step, &path.value)?;
        matches!(value.trim_matches('/'), "" | "." | "*" | "./*").then_some(path.span)
    })
}
