//! `constant-platform`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "constant-platform",
    summary: "`FROM --platform` names a fixed platform",
    severity: Severity::Warning,
    aliases: &["FromPlatformFlagConstDisallowed", "DL3029"],
    enabled: true,
    explanation: r"
A stage with a fixed platform is the same whatever the image is built for, so the file cannot be built for another
machine. `$BUILDPLATFORM` means the machine that builds, which is what compilers want; without the flag a stage is for
the target.

```dockerfile
FROM --platform=linux/amd64 debian:trixie
```

Write instead, and choose when you build: `plimsoll build --platform linux/amd64 .`

```dockerfile
FROM debian:trixie
```

Docker's check is content if the stage's name says that it is for one platform, as `AS build-amd64` does.
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for stage in &document.stages {
        let Some(base) = &stage.base else { continue };
        let Some(written) = &base.from.platform else { continue };
        let uses_variables = base
            .platform
            .as_ref()
            .is_some_and(|word| !word.declared.is_empty() || !word.undeclared.is_empty());
        let is_known_variable =
            ["BUILDPLATFORM", "TARGETPLATFORM"].iter().any(|name| written.value.contains(name));
        let for_docker = !uses_variables && base.platform.is_some() && !says_so(stage, &written.value);
        let for_hadolint = !is_known_variable;
        if !for_docker && !for_hadolint {
            continue;
        }
        found.push(
            Finding::new(&RULE, format!("`--platform={written}` binds this stage to one platform"))
                .at(written.span, base.instruction.span)
                .alias_if(for_docker, "FromPlatformFlagConstDisallowed")
                .alias_if(for_hadolint, "DL3029")
                .hint("leave the flag out and build with `--platform`, or use `$BUILDPLATFORM`"),
        );
    }
}

/// Whether the stage's name holds the operating system or the architecture.
fn says_so(stage: &Stage<'_>, platform: &str) -> bool {
    let (Some(name), Ok(platform)) = (&stage.name, platform.parse::<Platform>()) else { return false };
    name.contains(&platform.os) || name.contains(&platform.architecture)
}
