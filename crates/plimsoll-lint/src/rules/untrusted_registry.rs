//! `untrusted-registry`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "untrusted-registry",
    summary: "an image comes from a registry that is not trusted",
    severity: Severity::Error,
    aliases: &["DL3026"],
    enabled: true,
    explanation: r"
`--trusted-registry` (or `trustedRegistries` in `.hadolint.yaml`) names the registries that images may come from: those
of `FROM`, of `COPY --from` and of `RUN --mount=from=`. A `*` in it stands for any text. Without it the rule is silent.

```dockerfile
# with --trusted-registry registry.example.org
FROM debian:trixie
```

Write instead:

```dockerfile
FROM registry.example.org/debian:trixie
```

A registry that is in a variable is not known, and so not trusted. Images without a registry come from `docker.io`.
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    if document.options.trusted_registries.is_empty() {
        return;
    }
    for stage in document.wanted_stages() {
        if let Some(base) = &stage.base {
            look(document, stage, &base.from.image, base.instruction.span, found);
        }
        for step in stage.steps.iter().filter(|step| !step.is_onbuild()) {
            match &step.instruction.kind {
                InstructionKind::Copy(copy) => {
                    copy.from.iter().for_each(|from| look(document, stage, from, step.span(), found));
                }
                InstructionKind::Run(run) => {
                    for mount in &run.mounts {
                        let Some(from) = mount.value.split(',').find_map(|field| field.strip_prefix("from="))
                        else {
                            continue;
                        };
                        look(document, stage, &Spanned::new(from.into(), mount.span), step.span(), found);
                    }
                }
                _ => {}
            }
        }
    }
}

fn look(
    document: &Document<'_>,
    stage: &Stage<'_>,
    image: &Spanned<Text>,
    instruction: Span,
    found: &mut Vec<Finding>,
) {
    let name = image.value.trim_matches(['"', '\'']);
    let is_stage = document.stage_named(name, stage.index).is_some()
        || name.parse::<usize>().is_ok_and(|number| number < stage.index);
    let is_context = document.options.contexts.iter().any(|context| context == name);
    if is_stage || is_context || name == "scratch" {
        return;
    }
    let registry = registry(name);
    let is_trusted = document.options.trusted_registries.iter().any(|pattern| {
        matches(pattern, registry) || (registry == "docker.io" && matches(pattern, "hub.docker.com"))
    });
    if !is_trusted {
        let message = if name.starts_with('$') {
            format!("the registry of `{name}` is not known")
        } else {
            format!("the registry `{registry}` of `{name}` is not trusted")
        };
        found.push(
            Finding::new(&RULE, message)
                .at(image.span, instruction)
                .alias("DL3026")
                .hint(format!("trusted are: {}", document.options.trusted_registries.join(", "))),
        );
    }
}

/// The registry of an image as it is written.
fn registry(image: &str) -> &str {
    match image.split_once('/') {
        Some((first, _)) if first.contains('.') || (first.contains(':') && !first.contains('$')) => first,
        Some(("localhost", _)) => "localhost",
        _ => "docker.io",
    }
}

/// Whether a text is what a pattern with `*` says.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}
