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
                // What a variable puts into a key is its own affair.
                let Some(reason) = flaw(key).filter(|_| !key.contains('$')) else { continue };
                found.push(
                    Finding::new(&RULE, format!("the label `{key}` {reason}"))
                        .at(pair.key.span, step.span())
                        .alias("DL3048")
                        .hint("keys are lower-case letters and digits with single `.` and `-` between them"),
                );
            }
        }
    }
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
    } else if !ends.iter().flatten().all(|byte| is_plain(*byte)) {
        Some("starts or ends with a separator")
    } else {
        None
    }
}
