//! `base-for-other-platform`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "base-for-other-platform",
    summary: "the base image is for another platform than the one that is built for",
    severity: Severity::Warning,
    aliases: &["InvalidBaseImagePlatform"],
    enabled: true,
    explanation: r"
A registry that has an image for one platform only gives that one, whatever is asked for. Its programs then do not run
on the machines that the result is for, or only through emulation. The rule needs to know the base image: `build` does,
`check` only if the image is in the store.

```dockerfile
FROM --platform=linux/arm64 registry.example/amd64-only:1
```

Choose a base that exists for the platform, or build for the platform of the base.
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for stage in document.wanted_stages() {
        let (Some(base), Some(facts)) = (&stage.base, &stage.facts) else { continue };
        let wanted = base.platform.as_ref().and_then(|word| word.text.parse().ok());
        let wanted: Platform = wanted.unwrap_or_else(|| document.platform.clone());
        let has = facts.config.platform();
        if has.os.is_empty() || has.architecture.is_empty() || has.distance_from(&wanted).is_some() {
            continue;
        }
        found.push(
            Finding::new(&RULE, format!("the base image is for `{has}`, and the build is for `{wanted}`"))
                .at(base.from.image.span, base.instruction.span)
                .alias("InvalidBaseImagePlatform")
                .hint(format!("choose an image that exists for `{wanted}`")),
        );
    }
}
