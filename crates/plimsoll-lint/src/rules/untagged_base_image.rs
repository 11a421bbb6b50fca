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

A name that `plimsoll.lock` has a digest for (`plimsoll lock`) is not reported.
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for (base, image) in document.base_images() {
        let reference = image.parse::<Reference>().ok();
        let written = &base.from.image.value;
        let is_untagged = match reference {
            Some(reference) => reference.digest().is_none() && !has_tag(&image),
            // Whatever the registry is: the last part says what there is to say.
            None => written.contains('/') && !has_tag(written) && !last_part(written).contains(['@', '$']),
        };
        let for_hadolint = is_loose_for_hadolint(written);
        if (!is_untagged && !for_hadolint) || document.is_locked(&image) {
            continue;
        }
        // Half of a name that a variable is missing in helps nobody.
        let image = if image.starts_with('/') { written.as_str() } else { &image };
        let mut hint = format!("name a version: `{image}:…`");
        if let Some(digest) = document.known_digest(base) {
            hint = format!("{hint}, or the digest of the one that the store has: `{image}@{digest}`");
        }
        found.push(
            Finding::new(&RULE, format!("the base image `{image}` has neither tag nor digest"))
                .at(base.from.image.span, base.instruction.span)
                .alias_if(for_hadolint, "DL3006")
                .alias_if(is_untagged, "DS-0001")
                .hint(hint),
        );
    }
}

/// hadolint looks at what is written, and takes a registry for one only if it has a dot.
fn is_loose_for_hadolint(written: &str) -> bool {
    let image = match written.split_once('/') {
        Some((registry, rest)) if registry.contains('.') => rest,
        _ => written,
    };
    !written.starts_with('$') && !image.starts_with('$') && !image.contains([':', '@'])
}

/// Whether a colon stands behind the last slash; one before it belongs to a port.
fn has_tag(image: &str) -> bool {
    last_part(image).contains(':')
}

fn last_part(image: &str) -> &str {
    image.rsplit('/').next().unwrap_or(image)
}
