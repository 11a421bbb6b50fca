//! `label-key`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "label-key",
    summary: "the key of a label breaks the rules for keys",
    severity: Severity::Style,
    aliases: &["DL3048"],
    enabled: true,
    explanation: r#"
Keys of labels are lower case: letters, digits, single dots and dashes, with a letter or digit at both ends. Some
prefixes belong to Docker. Tools that filter by labels count on it.

```dockerfile
FROM debian:trixie
LABEL My_Team="web"
```

Write instead:

```dockerfile
FROM debian:trixie
LABEL org.example.team="web"
```
"#,
    check,
};

const RESERVED: [&str; 3] = ["com.docker.", "io.docker.", "org.dockerproject."];

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for stage in document.wanted_stages() {
        for step in stage.steps.iter().filter(|step| !step.is_onbuild()) {
            let InstructionKind::Label(pairs) = &step.instruction.kind else { continue };
            for pair in &pairs.pairs {
                let key = pair.key.value.trim_matches(['"', '\'']);
                let Some(reason) = flaw(key) else { continue };
                found.push(
                    Finding::new(&RULE, format!("the label `{key}` {reason}"))
                        .at(pair.key.span, step.span())
                        .alias_if(is_flawed_for_hadolint(key), "DL3048")
                        .hint("keys are lower-case letters and digits with single `.` and `-` between them"),
                );
            }
        }
    }
}

/// hadolint accepts `_` and `/`, and wants a letter at the start.
fn is_flawed_for_hadolint(key: &str) -> bool {
    let is_lower = |byte: u8| byte.is_ascii_lowercase();
    let is_plain = |byte: u8| is_lower(byte) || byte.is_ascii_digit();
    let bytes = key.as_bytes();
    let ends =
        bytes.first().is_some_and(|byte| is_lower(*byte)) && bytes.last().is_some_and(|byte| is_plain(*byte));
    RESERVED.iter().any(|prefix| key.starts_with(prefix))
        || !ends
        || key.contains("..")
        || key.contains("--")
        || !key.bytes().all(|byte| is_plain(byte) || b"._-/".contains(&byte))
}

fn flaw(key: &str) -> Option<&'static str> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = [key.bytes().next(), key.bytes().last()];
    if RESERVED.iter().any(|prefix| key.starts_with(prefix)) {
        Some("has a prefix that belongs to Docker")
    } else if !key.bytes().all(|byte| is_plain(byte) || matches!(byte, b'.' | b'-')) {
        Some("has characters that do not belong into a key")
    } else if key.contains("..") || key.contains("--") {
        Some("has several separators in a row")
    } else if key.is_empty() {
        Some("has no name")
    } else if key.starts_with(|first: char| first.is_ascii_digit()) {
        Some("starts with a digit")
    } else if !ends.iter().flatten().all(|byte| is_plain(*byte)) {
        Some("starts or ends with a separator")
    } else {
        None
    }
}
