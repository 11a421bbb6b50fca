//! `legacy-key-value`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "legacy-key-value",
    summary: "`ENV` or `LABEL` separates name and value by a blank",
    severity: Severity::Warning,
    aliases: &["LegacyKeyValueFormat"],
    enabled: true,
    explanation: r#"
The form without `=` takes the whole rest of the line as one value, so `ENV A=1 B=2` and `ENV A 1 B=2` mean very
different things. It is kept for old files only.

```dockerfile
FROM debian:trixie
ENV GREETING hello world
```

Write instead:

```dockerfile
FROM debian:trixie
ENV GREETING="hello world"
```
"#,
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for instruction in document.instructions() {
        let (InstructionKind::Env(pairs) | InstructionKind::Label(pairs)) = &instruction.kind else {
            continue;
        };
        let (true, [pair]) = (pairs.legacy, pairs.pairs.as_slice()) else { continue };
        let name = instruction.kind.name();
        let mut finding = Finding::new(&RULE, format!("`{name}` separates name and value by a blank"))
            .at(pair.key.span.to(pair.value.span), instruction.span)
            .alias("LegacyKeyValueFormat");
        finding = match modern(document, &pair.key, &pair.value) {
            Some(text) => finding.hint(format!("write `{name} {text}`")).safe_fix(
                "put `=` between name and value",
                vec![replace(pair.key.span.to(pair.value.span), text)],
            ),
            None => finding.hint(format!("write `{name} {}=…`", pair.key.value)),
        };
        found.push(finding);
    }
}

/// The pair with `=`; nothing when quotes, escapes or several lines make it more than a change of form.
fn modern(document: &Document<'_>, key: &Spanned<Text>, value: &Spanned<Text>) -> Option<String> {
    let text = &value.value;
    let is_simple = !text.contains(['"', '\'', '\\', '`', '\n', '\r'])
        && document.file.slice(value.span) == text
        && document.file.slice(key.span) == key.value;
    let quote = if text.contains(char::is_whitespace) || text.is_empty() { "\"" } else { "" };
    is_simple.then(|| format!("{}={quote}{text}{quote}", key.value))
}
