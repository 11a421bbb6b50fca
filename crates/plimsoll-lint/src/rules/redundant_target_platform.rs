//! `redundant-target-platform`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "redundant-target-platform",
    summary: "`--platform=$TARGETPLATFORM` asks for what happens anyway",
    severity: Severity::Warning,
    aliases: &["RedundantTargetPlatform", "DL3065"],
    enabled: true,
    explanation: r"
A base image is fetched for the target platform unless told otherwise. Saying so only makes readers wonder why.

```dockerfile
FROM --platform=$TARGETPLATFORM debian:trixie
```

Write instead:

```dockerfile
FROM debian:trixie
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for base in document.stages.iter().filter_map(|stage| stage.base.as_ref()) {
        let (Some(written), Some(word)) = (&base.from.platform, &base.platform) else { continue };
        let is_only_that = word.declared == ["TARGETPLATFORM"] && word.undeclared.is_empty();
        if !is_only_that || Some(word.text.as_str()) != document.globals.value("TARGETPLATFORM") {
            continue;
        }
        let raw = document.file.slice(written.span);
        let is_plain = matches!(raw, "$TARGETPLATFORM" | "${TARGETPLATFORM}");
        let mut finding = Finding::new(&RULE, format!("`--platform={written}` asks for what happens anyway"))
            .at(written.span, base.instruction.span)
            .alias("RedundantTargetPlatform")
            .alias_if(is_plain, "DL3065")
            .hint("leave the flag out");
        if let Some(flag) = whole_flag(document, "--platform=", written.span) {
            finding = finding.safe_fix("remove the flag", vec![replace(flag, String::new())]);
        }
        found.push(finding);
    }
}

/// The span of a flag with the blanks behind it.
fn whole_flag(document: &Document<'_>, name: &str, value: Span) -> Option<Span> {
    let text = document.file.text();
    let before = text.get(..value.start)?;
    let start = before.strip_suffix(name)?.len();
    let rest = text.get(value.end..)?;
    let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    (blanks > 0).then(|| Span::new(start, value.end + blanks))
}
