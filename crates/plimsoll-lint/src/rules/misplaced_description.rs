//! `misplaced-description`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "misplaced-description",
    summary: "a comment above `ARG` or `FROM` is no description of it",
    severity: Severity::Warning,
    aliases: &["InvalidDefinitionDescription"],
    enabled: false,
    explanation: r"
A comment right above an `ARG` or a named `FROM` that starts with the name is its description: `build --call=outline`
and `--call=targets` show it. The rule reports comments in that place that start with something else. It is off unless
asked for, since a comment may well stand there for another reason.

```dockerfile
# which release to use
ARG RELEASE=trixie
FROM debian:${RELEASE}
```

Write instead, or put an empty line between:

```dockerfile
# RELEASE of the distribution
ARG RELEASE=trixie
FROM debian:${RELEASE}
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for instruction in document.instructions() {
        let names: Vec<&str> = match &instruction.kind {
            InstructionKind::Arg(definitions) => {
                definitions.iter().map(|definition| definition.name.value.as_str()).collect()
            }
            InstructionKind::From(from) => from.name.iter().map(Spanned::as_str).collect(),
            _ => continue,
        };
        let (Some(comment), [first, rest @ ..]) =
            (document.comments_above(instruction).last(), names.as_slice())
        else {
            continue;
        };
        // An empty one parts what stands above it from the instruction.
        if comment.text.trim().is_empty() {
            continue;
        }
        let word = comment.text.split(' ').next().unwrap_or_default();
        let is_name = |name: &&str| match instruction.kind {
            // Names of stages are kept in lower case.
            InstructionKind::From(_) => name.to_lowercase() == word,
            _ => *name == word,
        };
        if names.iter().any(is_name) {
            continue;
        }
        let example = if rest.is_empty() { (*first).to_owned() } else { "NAME".to_owned() };
        found.push(
            Finding::new(
                &RULE,
                format!("the comment above `{}` does not start with its name", instruction.keyword),
            )
            .at(comment.span, instruction.span)
            .alias("InvalidDefinitionDescription")
            .hint(format!("write `# {example} …`, or put an empty line between")),
        );
    }
}
