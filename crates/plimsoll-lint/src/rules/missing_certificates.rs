//! `missing-certificates`.

use super::platforms::{carried, lineage, root_image};
use super::prelude::*;
use crate::document::BaseFiles;

pub(super) static RULE: Rule = Rule {
    name: "missing-certificates",
    summary: "a program is copied to an image without certificates to check those of servers",
    severity: Severity::Info,
    aliases: &[],
    enabled: true,
    explanation: r#"
A program that calls a server by HTTPS checks its certificate against those of known authorities, which it looks for in
`/etc/ssl/certs`. `scratch` has none, nor have the slim images of distributions, and every call ends with an error about an unknown authority.

```dockerfile
FROM golang:1.25 AS build
RUN CGO_ENABLED=0 go build -o /server .
FROM scratch
COPY --from=build /server /
ENTRYPOINT ["/server"]
```

Take them along, or start from `gcr.io/distroless/static`, which has them:

```dockerfile
FROM golang:1.25 AS build
RUN CGO_ENABLED=0 go build -o /server .
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /server /
ENTRYPOINT ["/server"]
```

Of other images than `scratch`, those are looked at whose files the store has. A program that calls nobody, or carries them within itself, needs none; this cannot be seen.
"#,
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    let Some(last) = document.target().map(|index| &document.stages[index]).filter(|stage| stage.wanted)
    else {
        return;
    };
    let stages = lineage(document, last);
    let Some(image) = root_image(document, last) else { return };
    let lacks = image == "scratch" || document.base_files(last).and_then(lack_certificates) == Some(true);
    let mut steps = stages.iter().flat_map(|stage| &stage.steps);
    if !lacks || steps.any(|step| may_bring(step) || matches!(step.kind(), InstructionKind::Run(_))) {
        return;
    }
    let carried = carried(document);
    let program = carried.iter().find(|one| {
        stages.iter().any(|stage| stage.index == one.stage.index)
            && is_started(&stages, &one.path)
            && is_built(document, one.from)
    });
    let Some(program) = program else { return };
    found.push(
        Finding::new(&RULE, format!("`{}` finds no certificates of authorities in `{image}`", program.path))
            .at(program.place, program.step.span())
            .hint("copy `/etc/ssl/certs/ca-certificates.crt` too, if it calls servers by HTTPS"),
    );
}

/// Where programs look for them, on one distribution or another.
const BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
];

fn lack_certificates(files: &dyn BaseFiles) -> Option<bool> {
    for bundle in BUNDLES {
        if files.has_file(bundle)? {
            return Some(false);
        }
    }
    Some(true)
}

/// Whether a step may bring them: a path says so, or a whole folder is copied.
fn may_bring(step: &Step<'_>) -> bool {
    let Some(transfer) = step.kind().transfer() else { return false };
    if matches!(step.kind(), InstructionKind::Add(_)) {
        return true;
    }
    let sources = transfer.sources.iter().filter_map(|source| match source {
        Source::Path(path) => Some(path.value.as_str()),
        Source::Inline(_) => None,
    });
    sources.chain([transfer.destination.value.as_str()]).any(|path| {
        let lower = path.to_lowercase();
        let names = ["cert", "ssl", ".pem", ".crt", "etc", "rootfs", "*", "$"];
        names.iter().any(|part| lower.contains(part))
    })
}

/// Whether the image starts this program, as far as it says.
fn is_started(stages: &[&Stage<'_>], path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    stages.iter().flat_map(|stage| &stage.steps).any(|step| match step.kind() {
        InstructionKind::Entrypoint(command) | InstructionKind::Cmd(command) => match &command.value {
            CommandForm::Exec(words) => {
                words.first().is_some_and(|word| word.rsplit('/').next() == Some(name))
            }
            CommandForm::Shell(_) => false,
        },
        _ => false,
    })
}

/// Whether a stage builds a program of Go or Rust.
fn is_built(document: &Document<'_>, stage: &Stage<'_>) -> bool {
    let stages = lineage(document, stage);
    document.runs().filter(|run| stages.iter().any(|stage| stage.index == run.stage.index)).any(|run| {
        run.calls.iter().any(|call| match call.name() {
            "go" | "cargo" => call.has_argument("build") || call.has_argument("install"),
            _ => false,
        })
    })
}
