//! `build-tools-in-image`.

use super::packages::{APK, APT_GET, DNF, Manager, YUM};
use super::platforms::{lineage, root_image, short_name};
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "build-tools-in-image",
    summary: "the image carries compilers and headers that only its build needs",
    severity: Severity::Info,
    aliases: &[],
    enabled: true,
    explanation: r"
A compiler takes hundreds of megabytes, brings packages that scanners find flaws in, and helps whoever breaks in. The program
that it made runs without it.

```dockerfile
FROM python:3.13-slim
RUN apt-get update && apt-get install -y --no-install-recommends gcc libpq-dev
COPY requirements.txt .
RUN pip install -r requirements.txt
```

Build in a stage of its own, and take over what it made:

```dockerfile
FROM python:3.13-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libpq-dev
COPY requirements.txt .
RUN pip install --target /packages -r requirements.txt
FROM python:3.13-slim
COPY --from=build /packages /packages
ENV PYTHONPATH=/packages
```

`plimsoll fix --production` writes such stages for plain Dockerfiles of some languages. What a `RUN` installs and removes again is
not reported, nor is an image that is meant to build others: take the rule out there.
",
    check,
};

/// Images whose purpose is building, with the languages that a build leaves programs of.
const BUILDERS: [&str; 6] = ["gcc", "golang", "gradle", "maven", "rust", "sdk"];

/// Packages that only a build has a use for.
const TOOLS: [&str; 22] = [
    "autoconf",
    "automake",
    "build-base",
    "build-essential",
    "cargo",
    "clang",
    "cmake",
    "default-jdk",
    "default-jdk-headless",
    "g++",
    "gcc",
    "gcc-c++",
    "golang",
    "golang-go",
    "libtool",
    "linux-headers",
    "make",
    "maven",
    "ninja-build",
    "pkg-config",
    "pkgconf",
    "rustc",
];

const MANAGERS: [Manager; 5] =
    [APT_GET, Manager { names: &["apt"], ..APT_GET }, APK, DNF, Manager { names: &["yum"], ..YUM }];

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    let Some(last) = document.target().map(|index| &document.stages[index]).filter(|stage| stage.wanted)
    else {
        return;
    };
    let stages = lineage(document, last);
    from_builder(document, last, &stages, found);
    let is_for_developers = root_image(document, last).is_some_and(|image| image.contains("devcontainers/"));
    if is_for_developers {
        return;
    }
    for run in document.runs().filter(|run| stages.iter().any(|stage| stage.index == run.stage.index)) {
        // What a later command of the same step removes is in no layer.
        let removes = run.calls.iter().any(|call| {
            let words: &[&str] = match call.name() {
                "apt-get" | "apt" => &["purge", "remove", "autoremove"],
                "apk" => &["del"],
                "dnf" | "microdnf" | "yum" => &["remove", "erase", "autoremove"],
                _ => &[],
            };
            words.iter().any(|word| call.has_argument(word))
        });
        if removes {
            continue;
        }
        for call in &run.calls {
            let packages = MANAGERS.iter().flat_map(|manager| manager.packages(call));
            let tools: Vec<&Word> = packages.filter(|word| is_tool(&word.text)).collect();
            // An image that starts its compiler is there for it.
            if tools.iter().any(|word| is_started(document, &stages, name(&word.text))) {
                continue;
            }
            let [first, rest @ ..] = tools.as_slice() else { continue };
            let (first, name) = (*first, name(&first.text));
            let message = if rest.is_empty() {
                format!("`{name}` is for building only, and stays in the image")
            } else {
                format!("`{name}` and others are for building only, and stay in the image")
            };
            found.push(
                run.finding(&RULE, message, first.span)
                    .hint("build in a stage of its own, and copy what that makes into the image"),
            );
        }
    }
}

/// Reports an image that is built on one for building, and starts something.
fn from_builder(document: &Document<'_>, last: &Stage<'_>, stages: &[&Stage<'_>], found: &mut Vec<Finding>) {
    let starts = |step: &Step<'_>| {
        matches!(step.kind(), InstructionKind::Cmd(_) | InstructionKind::Entrypoint(_)) && !step.is_onbuild()
    };
    let Some((name, _)) = root_image(document, last).and_then(short_name) else { return };
    if !BUILDERS.contains(&name.as_str()) || !stages.iter().flat_map(|stage| &stage.steps).any(starts) {
        return;
    }
    let Some(base) = stages.last().and_then(|stage| stage.base.as_ref()) else { return };
    // Those whose languages a production form is known for.
    let is_known = ["golang", "gradle", "maven", "rust"].contains(&name.as_str());
    let see = if is_known { "; see `plimsoll fix --production`" } else { "" };
    found.push(
        Finding::new(&RULE, format!("the image is built on `{}`, an image for building", base.from.image))
            .at(base.from.image.span, base.instruction.span)
            .hint(format!("build in a stage of its own, and copy the program into a small image{see}")),
    );
}

/// Whether the image starts a program of this name.
fn is_started(document: &Document<'_>, stages: &[&Stage<'_>], program: &str) -> bool {
    stages.iter().flat_map(|stage| &stage.steps).any(|step| match step.kind() {
        InstructionKind::Cmd(command) | InstructionKind::Entrypoint(command) => {
            let script = Script::of_command(document.file, command, document.dockerfile.escape);
            script.calls().first().is_some_and(|call| base_name(call.name()) == program)
        }
        _ => false,
    })
}

/// A package without its version.
fn name(package: &str) -> &str {
    package.split(['=', '~', '<', '>', ':', '@']).next().unwrap_or_default()
}

fn is_tool(package: &str) -> bool {
    let name = name(package);
    TOOLS.contains(&name) || name.ends_with("-dev") || name.ends_with("-devel") || name.starts_with("gcc-")
}
