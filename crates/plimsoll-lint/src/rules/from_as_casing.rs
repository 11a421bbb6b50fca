//! `from-as-casing`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "from-as-casing",
    summary: "`FROM` and `AS` are written in different cases",
    severity: Severity::Warning,
    aliases: &["FromAsCasing"],
    enabled: true,
    explanation: r"
`AS` belongs to `FROM`, and is easier to see when both are written alike. A keyword that mixes cases, such as `From`,
is reported by `inconsistent-instruction-casing` instead.

```dockerfile
FROM debian:trixie as build
```

Write instead:

```dockerfile
FROM debian:trixie AS build
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for base in document.stages.iter().filter_map(|stage| stage.base.as_ref()) {
        let Some(written) = &base.from.as_keyword else { continue };
        let keyword = &base.instruction.keyword.value;
        let expected = match casing(keyword) {
            Casing::Upper => written.value.to_uppercase(),
            Casing::Lower => written.value.to_lowercase(),
            Casing::Mixed => continue,
        };
        if written.value != expected {
            found.push(
                Finding::new(&RULE, format!("`{written}` and `{keyword}` are written in different cases"))
                    .at(written.span, base.instruction.span)
                    .alias("FromAsCasing")
                    .hint(format!("write `{expected}`"))
                    .safe_fix(format!("write `{expected}`"), vec![replace(written.span, expected)]),
            );
        }
    }
}
