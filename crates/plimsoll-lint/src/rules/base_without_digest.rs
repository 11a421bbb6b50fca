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

Let `plimsoll lock` keep the digests of all base images in `plimsoll.lock`, which builds then use, or write the digest behind the
tag:

```dockerfile
FROM debian:trixie-20250908@sha256:0000000000000000000000000000000000000000000000000000000000000000
```

Whoever rebuilds for fixes of the base wants the opposite, and nearly every file would be reported, so the rule is off
unless it is asked for, or the project has a `plimsoll.lock`: then it reports the names that the lock lacks.
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
        if !is_loose || !has_tag || document.is_locked(&image) {
            continue;
        }
        let finding = Finding::new(&RULE, format!("the tag of `{image}` can be moved to another image"))
            .at(base.from.image.span, base.instruction.span);
        found.push(match document.known_digest(base) {
            None => finding
                .hint("write its digest behind it: `@sha256:…`, or keep it in a file with `plimsoll lock`"),
            Some(digest) => {
                let word = &base.from.image;
                let finding = finding.hint(format!(
                    "write its digest behind it: `{image}@{digest}`, or keep it in a file with `plimsoll lock`"
                ));
                // Behind a variable the digest would be that of one value.
                if word.value == *image {
                    finding.unsafe_fix("pin the image that the store has", vec![pinned(word, digest)])
                } else {
                    finding
                }
            }
        });
    }
}

fn pinned(word: &Spanned<Text>, digest: plimsoll_oci::Digest) -> Edit {
    replace(word.span, format!("{}@{digest}", word.value))
}
