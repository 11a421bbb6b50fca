//! `maintainer-instruction`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "maintainer-instruction",
    summary: "`MAINTAINER` is used, which a label has replaced",
    severity: Severity::Warning,
    aliases: &["MaintainerDeprecated", "DL4000", "DS-0022"],
    enabled: true,
    explanation: r#"
`MAINTAINER` has been deprecated for years. Its text goes into a field that few tools show, while a label can be read,
filtered and inherited.

```dockerfile
FROM debian:trixie
MAINTAINER team@example.org
```

Write instead:

```dockerfile
FROM debian:trixie
LABEL org.opencontainers.image.authors="team@example.org"
```
"#,
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for instruction in document.instructions() {
        let InstructionKind::Maintainer(text) = &instruction.kind else { continue };
        let mut finding = Finding::new(&RULE, "`MAINTAINER` is deprecated")
            .at(instruction.keyword.span, instruction.span)
            .alias("MaintainerDeprecated")
            .alias("DL4000")
            .alias("DS-0022");
        // Quotes, variables and escapes mean something in a label, and nothing here.
        let is_plain = !text.value.contains(['"', '\'', '$', '\\', '`', '\n'])
            && document.file.slice(text.span) == text.value;
        let label = format!("LABEL org.opencontainers.image.authors=\"{}\"", text.value);
        if is_plain {
            let label = if casing(&instruction.keyword.value) == Casing::Lower {
                label.replacen("LABEL", "label", 1)
            } else {
                label
            };
            finding = finding
                .hint(format!("write `{label}`"))
                .safe_fix("write a label", vec![replace(instruction.span, label)]);
        } else {
            finding = finding.hint("write `LABEL org.opencontainers.image.authors=\"…\"`");
        }
        found.push(finding);
    }
}
