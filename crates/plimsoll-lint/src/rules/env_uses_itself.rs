//! `env-uses-itself`.

use super::prelude::*;
use plimsoll_dockerfile::words;

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
                let own = pairs.pairs.iter().map(|other| &other.key.value);
                let used = uses(&pair.value.value, document.dockerfile.escape);
                let Some(name) = own.into_iter().find(|name| used.contains(*name)) else { continue };
                // What was defined before has a value of its own: `ENV PATH=/x:$PATH`.
                if document
                    .expand(stage, step, &format!("${{{name}:-}}"))
                    .is_some_and(|value| !value.is_empty())
                    || document.is_defined_before(stage, step, name)
                {
                    continue;
                }
                found.push(
                    Finding::new(
                        &RULE,
                        format!("`{name}` is used by the `ENV` that defines it, and is empty there"),
                    )
                    .at(pair.value.span, step.span())
                    .alias("DL3044")
                    .hint("split it into two instructions"),
                );
            }
        }
    }
}

/// The variables in a word.
fn uses(word: &str, escape: char) -> Vec<String> {
    let seen = std::cell::RefCell::new(Vec::new());
    let lookup = |name: &str| {
        seen.borrow_mut().push(name.to_owned());
        Some(String::new())
    };
    let _broken_words_are_errors_of_the_builder = words::expand(word, escape, &lookup);
    seen.into_inner()
}
