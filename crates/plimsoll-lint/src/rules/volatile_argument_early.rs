//! `volatile-argument-early`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "volatile-argument-early",
    summary: "an argument that is new in every build stands in front of an installation",
    severity: Severity::Warning,
    aliases: &[],
    enabled: true,
    explanation: r"
A `RUN` runs again when the value of an `ARG` or `ENV` in front of it has changed, whether or not it uses it. With a commit
or the date above an installation, every build installs anew.

```dockerfile
FROM debian:trixie
ARG GIT_COMMIT
RUN apt-get update && apt-get install -y --no-install-recommends curl=8.* && rm -rf /var/lib/apt/lists/*
LABEL org.opencontainers.image.revision=$GIT_COMMIT
```

Declare it where it is used:

```dockerfile
FROM debian:trixie
RUN apt-get update && apt-get install -y --no-install-recommends curl=8.* && rm -rf /var/lib/apt/lists/*
ARG GIT_COMMIT
LABEL org.opencontainers.image.revision=$GIT_COMMIT
```
",
    check,
};

/// Names, without underscores and in upper case, of what is new in every build.
const VOLATILE: [&str; 25] = [
    "BUILDDATE",
    "BUILDTIME",
    "BUILDTIMESTAMP",
    "BUILDNUMBER",
    "BUILDID",
    "BUILDREVISION",
    "BUILDSHA",
    "CACHEBUST",
    "CIBUILDID",
    "CICOMMITSHA",
    "CICOMMITSHORTSHA",
    "CIPIPELINEID",
    "COMMIT",
    "COMMITHASH",
    "COMMITID",
    "COMMITSHA",
    "GITCOMMIT",
    "GITCOMMITSHA",
    "GITHASH",
    "GITHUBSHA",
    "GITREVISION",
    "GITSHA",
    "SOURCECOMMIT",
    "VCSREF",
    "GITREF",
];

/// Programs that install what others made; a build of one's own may read the variable without naming it.
const INSTALLS: [(&[&str], &[&str]); 8] = [
    (&["apt-get", "apt", "dnf", "microdnf", "yum", "zypper"], &["install", "in"]),
    (&["apk"], &["add"]),
    (&["npm", "pnpm", "yarn", "bun"], &["ci", "install"]),
    (&["pip", "pip3", "poetry", "pipenv", "gem", "bundle", "composer"], &["install"]),
    (&["uv"], &["sync"]),
    (&["go"], &["download"]),
    (&["cargo"], &["fetch"]),
    (&["dotnet"], &["restore"]),
];

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for stage in document.wanted_stages() {
        for (number, step) in stage.steps.iter().enumerate() {
            let InstructionKind::Arg(definitions) = &step.instruction.kind else { continue };
            for definition in definitions.iter().filter(|definition| is_volatile(&definition.name.value)) {
                let name = definition.name.value.as_str();
                let behind = &stage.steps[number + 1..];
                // From the first use on, all steps have to run again; so they do behind a `COPY` of what has changed.
                let next = behind.iter().find(|step| {
                    matches!(step.kind(), InstructionKind::Run(_)) || copies_everything(document, stage, step)
                });
                let next = next.filter(|step| !uses(document, step, name));
                let Some((call_text, place)) = next.and_then(|step| installation(document, step)) else {
                    continue;
                };
                found.push(
                    Finding::new(
                        &RULE,
                        format!("`{call_text}` runs again for each new `{name}`, and does not use it"),
                    )
                    .at(definition.name.span, step.span())
                    .also(place, "this runs again")
                    .hint("declare it directly in front of its first use"),
                );
            }
        }
    }
}

fn is_volatile(name: &str) -> bool {
    let plain = name.replace('_', "").to_uppercase();
    VOLATILE.contains(&plain.as_str())
}

/// Whether an instruction has the name in its text.
fn uses(document: &Document<'_>, step: &Step<'_>, name: &str) -> bool {
    document.file.slice(step.span()).contains(name)
}

fn copies_everything(document: &Document<'_>, stage: &Stage<'_>, step: &Step<'_>) -> bool {
    let kind = step.kind();
    let transfer = kind.transfer().filter(|_| !kind.copies_from_elsewhere());
    transfer.is_some_and(|transfer| {
        transfer.sources.iter().any(|source| {
            let Source::Path(path) = source else { return false };
            let value = document.expand(stage, step, &path.value).unwrap_or_default();
            matches!(value.trim_matches('/'), "" | "." | "*" | "./*")
        })
    })
}

fn installation(document: &Document<'_>, step: &Step<'_>) -> Option<(String, Span)> {
    let run = document.runs().find(|run| std::ptr::eq(run.step, step))?;
    run.calls.iter().find_map(|call| {
        let operands = call.operands();
        let (_, verbs) = INSTALLS.iter().find(|(names, _)| names.contains(&call.name()))?;
        let verb = operands.iter().find(|word| verbs.contains(&word.text.as_str()))?;
        Some((format!("{} {}", call.name(), verb.text), run.script.place(call.words[0].span.to(verb.span))))
    })
}
