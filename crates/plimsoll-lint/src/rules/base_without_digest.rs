//! `base-without-digest`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "base-without-digest",
    summary: "the base image has a tag and no digest",
    severity: Severity::Info,
    aliases: &[],
    enabled: false,
    explanation: r"
A tag can be moved: the same Dockerfile makes another image tomorrow. A digest names the bytes.

```dockerfile
FROM debian:trixie-20250908
```

Write the digest behind the tag, and have a bot raise both:

```dockerfile
FROM debian:trixie-20250908@sha256:0000000000000000000000000000000000000000000000000000000000000000
```

Whoever rebuilds for fixes of the base wants the opposite, and nearly every file would be reported, so the rule is off
unless it is asked for.
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for (base, image) in document.base_images() {
        // An image without a tag is for `untagged-base-image`.
        let is_loose = image
            .parse::<Reference>()
            .is_ok_and(|reference| reference.digest().is_none() && reference.tag().is_some());
        let has_tag = image.rsplit('/').next().is_some_and(|name| name.contains(':'));
        if is_loose && has_tag {
            found.push(
                Finding::new(&RULE, format!("the tag of `{image}` can be moved to another image"))
                    .at(base.from.image.span, base.instruction.span)
                    .hint("write its digest behind it: `@sha256:…`"),
            );
        }
    }
}
