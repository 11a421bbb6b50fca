//! `duplicate-stage-name`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "duplicate-stage-name",
    summary: "two stages have one name",
    severity: Severity::Error,
    aliases: &["DuplicateStageName", "DL3024", "DS-0012"],
    enabled: true,
    explanation: r"
Whoever says `--from=build` means the nearest earlier stage of that name, and `--target build` the last one. With two
stages of one name it takes a close look to know which is used, and moving a stage changes it. Case does not make names
different.

```dockerfile
FROM debian:trixie AS build
FROM golang:1.25 AS build
```

Write instead:

```dockerfile
FROM debian:trixie AS base
FROM golang:1.25 AS build
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    let names: Vec<_> = document
        .stages
        .iter()
        .filter_map(|stage| {
            let base = stage.base.as_ref()?;
            Some((base.from.name.as_ref()?, base.instruction))
        })
        .collect();
    for (index, (name, instruction)) in names.iter().enumerate() {
        let same = |earlier: &&(&Spanned<Text>, &Instruction)| {
            earlier.0.value.to_lowercase() == name.value.to_lowercase()
        };
        let Some((first, _)) = names[..index].iter().find(same) else { continue };
        let is_equal = names[..index].iter().any(|(earlier, _)| earlier.value == name.value);
        found.push(
            Finding::new(&RULE, format!("a stage before this one is named `{}` already", first.value))
                .at(name.span, instruction.span)
                .alias("DuplicateStageName")
                .alias_if(is_equal, "DL3024")
                .alias_if(is_equal, "DS-0012")
                .also(first.span, "first named here")
                .hint("give each stage a name of its own"),
        );
    }
}
