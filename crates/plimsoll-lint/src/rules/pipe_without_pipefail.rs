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
    for run in document.runs().filter(|run| run.step.has_unix_shell() && !run.step.is_onbuild()) {
        if shell_has_pipefail(&run) || base_has_pipefail(document, &run) {
            continue;
        }
        let is_piped =
            if run.script.is_exec { exec_is_piped(&run) } else { piped(&run.script.list).is_some() };
        if !is_piped {
            continue;
        }
        let place = piped(&run.script.list).map_or(Span::at(0), |pipeline| pipeline.span);
        let is_set = run.calls.iter().any(|call| call.name() == "set" && call.has_argument("pipefail"));
        let finding = if is_set {
            if !is_posix_shell(&run) {
                continue;
            }
            let mut finding =
                run.finding(&RULE, "not every `/bin/sh` knows the `pipefail` that is set here", place);
            finding.diagnostic.severity = Severity::Info;
            finding
        } else {
            run.finding(&RULE, "a failure in the middle of this pipe goes unnoticed", place)
        };
        found.push(
            finding
                .alias("DL4006")
                .hint("write `SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]` before it"),
        );
    }
}

/// Whether commands go to `sh`, of which there are several.
fn is_posix_shell(run: &RunView<'_, '_>) -> bool {
    let first = run.step.shell.and_then(<[_]>::first).map_or("/bin/sh", |word| word.value.as_str());
    let name = run.step.shell_comment.unwrap_or(first);
    !run.step.base_shell && name.rsplit('/').next() == Some("sh") && run.script.interpreter.is_none()
}

/// Whether `["sh", "-c", "…"]` has a pipe.
fn exec_is_piped(run: &RunView<'_, '_>) -> bool {
    let CommandForm::Exec(words) = &run.run.command.value else { return false };
    let is_shell = words.first().is_some_and(|name| {
        ["sh", "bash", "ash", "dash", "zsh"].contains(&name.rsplit('/').next().unwrap_or(name))
    });
    let code = words.iter().position(|word| word == "-c").and_then(|at| words.get(at + 1));
    let has_pipefail = words.iter().any(|word| word.contains("pipefail"));
    is_shell && !has_pipefail && code.is_some_and(|code| piped(&Script::of_text(code).list).is_some())
}

/// Whether the shell is started with it.
fn shell_has_pipefail(run: &RunView<'_, '_>) -> bool {
    let words = run.step.shell.unwrap_or_default();
    let name = words.first().map_or("/bin/sh", |word| word.value.as_str());
    let knows_it = ["bash", "zsh", "ash", "ksh"].contains(&name.rsplit('/').next().unwrap_or(name));
    let in_shell = knows_it && words.iter().any(|word| word.value.ends_with("pipefail"));
    let in_interpreter = run.script.interpreter.as_deref().is_some_and(|line| line.contains("pipefail"));
    in_shell || in_interpreter
}

/// Whether the base image is known to start its shell with it.
fn base_has_pipefail(document: &Document<'_>, run: &RunView<'_, '_>) -> bool {
    let shell = document.base_config(run.stage).and_then(|config| config.shell.as_ref());
    run.step.base_shell
        && shell.is_some_and(|words| words.iter().skip(1).any(|word| word.ends_with("pipefail")))
}

/// The first pipeline of several commands.
fn piped(list: &List) -> Option<&Pipeline> {
    list.items.iter().find_map(|item| {
        let pipeline = &item.pipeline;
        if pipeline.commands.len() > 1 {
            return Some(pipeline);
        }
        pipeline.commands.iter().find_map(|command| match command {
            Command::Compound(compound) => {
                let in_words = || compound.words.iter().flat_map(|word| &word.substitutions).find_map(piped);
                compound.bodies.iter().find_map(piped).or_else(in_words)
            }
            Command::Simple(simple) => {
                let words = simple.assignments.iter().chain(&simple.words);
                words.flat_map(|word| &word.substitutions).find_map(piped)
            }
        })
    })
}
