//! `pipe-without-pipefail`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "pipe-without-pipefail",
    summary: "a failure in the middle of a pipe goes unnoticed",
    severity: Severity::Warning,
    aliases: &["DL4006"],
    enabled: true,
    explanation: r#"
The exit status of a pipe is that of its last command. If `curl` fails in `curl … | tar x`, the step may succeed with
half of the files.

```dockerfile
FROM debian:trixie
RUN curl -fsS https://example.org/a.tar | tar -x
```

Write instead:

```dockerfile
FROM debian:trixie
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN curl -fsS https://example.org/a.tar | tar -x
```
"#,
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for run in document.runs().filter(|run| !run.script.is_exec) {
        if has_pipefail(&run) {
            continue;
        }
        let Some(pipeline) = piped(&run.script.list) else { continue };
        found.push(
            run.finding(&RULE, "a failure in the middle of this pipe goes unnoticed", pipeline.span)
                .alias("DL4006")
                .hint("write `SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]` before it, or `set -o pipefail` in it"),
        );
    }
}

/// Whether the shell or the code asks for it.
fn has_pipefail(run: &RunView<'_, '_>) -> bool {
    let words = run.step.shell.unwrap_or_default();
    let name = words.first().map_or("/bin/sh", |word| word.value.as_str());
    let knows_it = ["bash", "zsh", "ash", "ksh"].contains(&name.rsplit('/').next().unwrap_or(name));
    let in_shell = knows_it && words.iter().any(|word| word.value == "pipefail");
    let in_interpreter = run.script.interpreter.as_deref().is_some_and(|line| line.contains("pipefail"));
    in_shell
        || in_interpreter
        || run.calls.iter().any(|call| call.name() == "set" && call.has_argument("pipefail"))
}

/// The first pipeline of several commands.
fn piped(list: &List) -> Option<&Pipeline> {
    list.items.iter().find_map(|item| {
        let pipeline = &item.pipeline;
        if pipeline.commands.len() > 1 {
            return Some(pipeline);
        }
        pipeline.commands.iter().find_map(|command| match command {
            Command::Compound(compound) => compound.bodies.iter().find_map(piped),
            Command::Simple(simple) => {
                let words = simple.assignments.iter().chain(&simple.words);
                words.flat_map(|word| &word.substitutions).find_map(piped)
            }
        })
    })
}
