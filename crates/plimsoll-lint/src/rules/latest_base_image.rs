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
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for (base, image) in document.base_images() {
        if !image.ends_with(":latest") || image.contains('@') {
            continue;
        }
        found.push(
            Finding::new(&RULE, format!("the tag of the base image `{image}` moves with every release"))
                .at(base.from.image.span, base.instruction.span)
                .alias_if(base.from.image.value.ends_with(":latest"), "DL3007")
                .alias("DS-0001")
                .hint("name a version"),
        );
    }
}
