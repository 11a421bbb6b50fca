//! `program-for-other-library`.

use super::platforms::{Carried, Library, carried, library, lineage};
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "program-for-other-library",
    summary: "a program is copied to an image that lacks the C library it was linked against",
    severity: Severity::Warning,
    aliases: &[],
    enabled: true,
    explanation: r#"
A program that was linked dynamically looks for its C library when it starts. Debian and its like have glibc, Alpine has musl,
`scratch` and `distroless/static` have none; in the wrong image the program ends with `no such file or directory`, although
it is there.

```dockerfile
FROM golang:1.25 AS build
RUN go build -o /server .
FROM scratch
COPY --from=build /server /
ENTRYPOINT ["/server"]
```

Link it statically, or take a base with the same library:

```dockerfile
FROM golang:1.25 AS build
RUN CGO_ENABLED=0 go build -o /server .
FROM scratch
COPY --from=build /server /
ENTRYPOINT ["/server"]
```

Looked at are programs of `go build -o`, `cargo build` and `gcc -o` in stages on images whose library their name tells. Go
needs glibc only for programs that look up names or users or use C; others are not helped or harmed by `CGO_ENABLED=0`.
"#,
    check,
};

/// How a program was made.
struct Made<'r> {
    /// In a message.
    by: String,
    /// What makes it static.
    remedy: &'r str,
}

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for one in carried(document) {
        let (Some(here), Some(there)) = (library(document, one.stage), library(document, one.from)) else {
            continue;
        };
        if here == there || there == Library::None || brings_library(document, one.stage) {
            continue;
        }
        let Some(made) = made(document, &one, there) else { continue };
        // Without names, users and C, a program of Go needs none.
        let needs = if made.by == "go build" { "may need" } else { "needs" };
        let message = match here {
            Library::None => format!("`{}` {needs} {}, and this image has none", one.path, there.name()),
            _ => format!("`{}` {needs} {}, and this image has {}", one.path, there.name(), here.name()),
        };
        found.push(
            Finding::new(&RULE, message)
                .at(one.place, one.step.span())
                .note(format!("`{}` links it dynamically in the stage `{}`", made.by, one.from.title()))
                .hint(made.remedy),
        );
    }
}

/// Whether the stage gets a C library in another way: copied, or as a package.
fn brings_library(document: &Document<'_>, stage: &Stage<'_>) -> bool {
    let stages = lineage(document, stage);
    let copies = stages.iter().flat_map(|stage| &stage.steps).any(|step| {
        let Some(transfer) = step.kind().transfer() else { return false };
        let sources = transfer.sources.iter().filter_map(|source| match source {
            Source::Path(path) => Some(path.value.as_str()),
            Source::Inline(_) => None,
        });
        // A whole file system may have it, and so may a folder of libraries.
        sources.clone().any(|path| path.trim_matches('/').is_empty())
            || sources
                .chain([transfer.destination.value.as_str()])
                .any(|path| path.split('/').any(|part| part.starts_with("lib") || part.starts_with("ld-")))
    });
    let installs =
        document.runs().filter(|run| stages.iter().any(|stage| stage.index == run.stage.index)).any(|run| {
            run.calls.iter().flat_map(Call::operands).any(|word| {
                ["gcompat", "libc6-compat", "glibc", "musl"].iter().any(|package| word.text.contains(package))
            })
        });
    copies || installs
}

/// Finds the command that surely made a path, dynamically linked.
fn made<'r>(document: &Document<'_>, one: &Carried<'_, '_>, there: Library) -> Option<Made<'r>> {
    let stages = lineage(document, one.from);
    for run in document.runs().filter(|run| stages.iter().any(|stage| stage.index == run.stage.index)) {
        for call in &run.calls {
            let made = match call.name() {
                "go" if there == Library::Glibc => go(document, &run, call, &one.path),
                "cargo" if there == Library::Glibc => cargo(document, &run, call, &one.path),
                "gcc" | "g++" | "cc" | "c++" | "clang" | "clang++" => compiler(call, &one.path),
                _ => None,
            };
            if made.is_some() {
                return made;
            }
        }
    }
    None
}

/// A value of a variable in front of a call, or in its step, or in its stage.
fn has_variable(document: &Document<'_>, run: &RunView<'_, '_>, name: &str) -> bool {
    let prefix = format!("{name}=");
    let in_script = run.calls.iter().any(|call| {
        call.simple
            .assignments
            .iter()
            .chain(call.simple.words.iter())
            .any(|word| word.text.starts_with(&prefix))
    });
    in_script || document.variable_names(run.stage, run.step).iter().any(|known| known == name)
}

fn go<'r>(document: &Document<'_>, run: &RunView<'_, '_>, call: &Call<'_>, path: &str) -> Option<Made<'r>> {
    // For another processor or system, Go leaves C out by itself.
    let decided = ["CGO_ENABLED", "GOOS", "GOARCH", "GOFLAGS", "CC"];
    if !call.has_argument("build") || decided.iter().any(|name| has_variable(document, run, name)) {
        return None;
    }
    let is_special = call
        .arguments()
        .iter()
        .any(|word| ["static", "netgo", "osusergo", "buildmode"].iter().any(|part| word.text.contains(part)));
    let output = call.flag_value(&["o"])?;
    (!is_special && is_output(output, path)).then(|| Made {
        by: "go build".to_owned(),
        remedy: "build it with `CGO_ENABLED=0`, or take a base with glibc, such as `gcr.io/distroless/base-debian12`",
    })
}

fn cargo<'r>(
    document: &Document<'_>,
    run: &RunView<'_, '_>,
    call: &Call<'_>,
    path: &str,
) -> Option<Made<'r>> {
    let decided = ["RUSTFLAGS", "CARGO_BUILD_TARGET", "CARGO_BUILD_RUSTFLAGS"];
    let is_build = call.has_argument("build") || call.has_argument("b");
    if !is_build
        || call.has_flag(&["target", "config"])
        || decided.iter().any(|name| has_variable(document, run, name))
    {
        return None;
    }
    let in_target = path.contains("/target/release/") || path.contains("/target/debug/");
    let is_program = in_target && !base_name(path).contains(['.', '*']);
    is_program.then(|| Made {
        by: "cargo build".to_owned(),
        remedy: "build it with `--target x86_64-unknown-linux-musl`, or take a base with glibc, such as `gcr.io/distroless/cc-debian12`",
    })
}

fn compiler<'r>(call: &Call<'_>, path: &str) -> Option<Made<'r>> {
    let special = ["static", "static-pie", "shared", "nostdlib", "c", "r"];
    let is_special = call
        .arguments()
        .iter()
        .any(|word| word.expands || word.text.strip_prefix('-').is_some_and(|flag| special.contains(&flag)));
    let output = call.flag_value(&["o"])?;
    (!is_special && is_output(output, path)).then(|| Made {
        by: call.name().to_owned(),
        remedy: "link it with `-static`, or take a base with the same C library",
    })
}

/// Whether an output is a copied path: the same when absolute, else of the same name.
fn is_output(output: &str, path: &str) -> bool {
    if output.contains(['$', '*']) || output.ends_with('/') {
        return false;
    }
    if output.starts_with('/') { clean(output) == path } else { base_name(&clean(output)) == base_name(path) }
}
