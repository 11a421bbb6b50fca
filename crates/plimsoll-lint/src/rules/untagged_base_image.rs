//! `untagged-base-image`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "untagged-base-image",
    summary: "the base image has neither tag nor digest",
    severity: Severity::Warning,
    aliases: &["DL3006", "DS-0001"],
    enabled: true,
    explanation: r"
Without a tag the name means `latest`: whatever the registry has today. The next release of the base changes the image
without any change of yours.

```dockerfile
FROM debian
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
        let Ok(reference) = image.parse::<Reference>() else { continue };
        let is_untagged = reference.digest().is_none() && !has_tag(&image);
        let written = &base.from.image.value;
        let for_hadolint = !written.starts_with('$') && !has_tag(written) && !written.contains('@');
        if !is_untagged && !for_hadolint {
            continue;
        }
        found.push(
            Finding::new(&RULE, format!("the base image `{image}` has neither tag nor digest"))
                .at(base.from.image.span, base.instruction.span)
                .alias_if(for_hadolint, "DL3006")
                .alias_if(is_untagged, "DS-0001")
                .hint(format!("name a version: `{image}:…`")),
        );
    }
}

/// Whether a colon stands behind the last slash; one before it belongs to a port.
fn has_tag(image: &str) -> bool {
    image.rsplit('/').next().unwrap_or(image).contains(':')
}
