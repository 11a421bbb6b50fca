//! `latest-base-image`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "latest-base-image",
    summary: "the base image has the tag `latest`",
    severity: Severity::Warning,
    aliases: &["DL3007", "DS-0001"],
    enabled: true,
    explanation: r"
`latest` is a name like any other that moves with every release. The next one changes the image without any change of
yours.

```dockerfile
FROM debian:latest
```

Write instead:

```dockerfile
FROM debian:trixie-20250908
```

A name that `plimsoll.lock` has a digest for (`plimsoll lock`) is not reported.
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for (base, image) in document.base_images() {
        if !image.ends_with(":latest") || image.contains('@') || document.is_locked(&image) {
            continue;
        }
        let hint = match document.known_digest(base) {
            Some(digest) => {
                format!("name a version, or the digest of the one that the store has: `{image}@{digest}`")
            }
            None => "name a version".to_owned(),
        };
        found.push(
            Finding::new(&RULE, format!("the tag of the base image `{image}` moves with every release"))
                .at(base.from.image.span, base.instruction.span)
                .alias_if(base.from.image.value.ends_with(":latest"), "DL3007")
                .alias("DS-0001")
                .hint(hint),
        );
    }
}
