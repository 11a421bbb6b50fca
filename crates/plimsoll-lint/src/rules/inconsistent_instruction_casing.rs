//! `inconsistent-instruction-casing`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "inconsistent-instruction-casing",
    summary: "an instruction is not written in the case of most others",
    severity: Severity::Warning,
    aliases: &["ConsistentInstructionCasing"],
    enabled: true,
    explanation: r"
Instructions may be written in upper or in lower case. A file that does both is harder to read, and a search for an
instruction misses some. The case that most instructions of the file have is the one that counts; upper case if both
are equally frequent.

```dockerfile
FROM debian:trixie
run apt-get update
COPY . /app
```

Write instead:

```dockerfile
FROM debian:trixie
RUN apt-get update
COPY . /app
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    // Arguments before the first `FROM` belong to no stage and have no vote.
    let instructions = || {
        document.stages.iter().flat_map(|stage| {
            stage
                .base
                .iter()
                .map(|base| base.instruction)
                .chain(stage.steps.iter().map(|step| step.instruction))
        })
    };
    let count = |wanted| instructions().filter(|one| casing(&one.keyword.value) == wanted).count();
    let (case, word) = if count(Casing::Lower) > count(Casing::Upper) {
        (Casing::Lower, "lower")
    } else {
        (Casing::Upper, "upper")
    };
    for instruction in instructions().filter(|one| !matches!(one.kind, InstructionKind::Invalid)) {
        let keyword = &instruction.keyword;
        if casing(&keyword.value) == case {
            continue;
        }
        let expected = match case {
            Casing::Lower => keyword.value.to_lowercase(),
            _ => keyword.value.to_uppercase(),
        };
        found.push(
            Finding::new(
                &RULE,
                format!("`{keyword}` is not in {word} case, as most instructions of this file are"),
            )
            .at(keyword.span, instruction.span)
            .alias("ConsistentInstructionCasing")
            .hint(format!("write `{expected}`"))
            .safe_fix(format!("write `{expected}`"), vec![replace(keyword.span, expected)]),
        );
    }
}
