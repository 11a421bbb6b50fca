//! `env-uses-itself`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "env-uses-itself",
    summary: "`ENV` uses a variable that the same `ENV` defines",
    severity: Severity::Error,
    aliases: &["DL3044"],
    enabled: true,
    explanation: r"
All words of an instruction see the values from before it. In `ENV A=1 B=$A` the second variable is empty, or has the
value that `A` had before.

```dockerfile
FROM debian:trixie
ENV PREFIX=/opt BIN=$PREFIX/bin
```

Write instead:

```dockerfile
FROM debian:trixie
ENV PREFIX=/opt
ENV BIN=$PREFIX/bin
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for stage in document.wanted_stages() {
        for step in &stage.steps {
            let InstructionKind::Env(pairs) = &step.instruction.kind else { continue };
            for pair in &pairs.pairs {
                let used = variables_in(&pair.value.value, document.dockerfile.escape);
                // `ENV PATH=/x:$PATH` means the value from before, and so does what the file defined before.
                let is_meant = |name: &&str| {
                    *name != pair.key.as_str()
                        && used.iter().any(|used| used == name)
                        && !document.file_defines_before(stage, step, name)
                };
                let Some(name) = pairs.pairs.iter().map(|other| other.key.as_str()).find(is_meant) else {
                    continue;
                };
                let message =
                    format!("`{name}` is used by the `ENV` that defines it, and has its old value there");
                let is_plain = [format!("${name}"), format!("${{{name}}}")].iter().any(|written| {
                    pair.value.value.match_indices(written.as_str()).any(|(at, _)| {
                        let next = pair.value.value[at + written.len()..].chars().next();
                        written.ends_with('}')
                            || next.is_none_or(|next| !next.is_ascii_alphanumeric() && next != '_')
                    })
                });
                found.push(
                    Finding::new(&RULE, message)
                        .at(pair.value.span, step.span())
                        .alias_if(is_plain && !step.is_onbuild(), "DL3044")
                        .hint("split it into two instructions"),
                );
            }
        }
    }
}
