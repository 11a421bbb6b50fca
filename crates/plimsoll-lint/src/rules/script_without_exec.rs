//! `script-without-exec`.

use super::context::{Taken, taken};
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "script-without-exec",
    summary: "the script that starts the program stays in front of it",
    severity: Severity::Warning,
    aliases: &[],
    enabled: true,
    explanation: r#"
The first process of a container gets the signals. A shell that has started a program and waits for it does not pass them on:
`docker stop` waits ten seconds, then kills what is in the middle of its work.

```dockerfile
FROM node:22
COPY --chmod=755 <<EOF /entrypoint.sh
#!/bin/sh
./migrate
node server.js
EOF
ENTRYPOINT ["/entrypoint.sh"]
```

`exec` puts the program in the shell's place:

```dockerfile
FROM node:22
COPY --chmod=755 <<EOF /entrypoint.sh
#!/bin/sh
./migrate
exec node server.js
EOF
ENTRYPOINT ["/entrypoint.sh"]
```

The script is looked for in the heredocs of the Dockerfile and in the build context.
"#,
    check,
};

/// Shells whose scripts are read.
const SHELLS: [&str; 5] = ["ash", "bash", "dash", "ksh", "sh"];

/// Commands of the shell itself, and programs that end at once: none of them is what a container is for.
const NO_PROGRAMS: [&str; 34] = [
    ".", ":", "[", "[[", "break", "cat", "cd", "chmod", "chown", "cp", "declare", "echo", "eval", "exit",
    "export", "false", "kill", "ln", "local", "mkdir", "mv", "printf", "read", "return", "rm", "set",
    "shift", "sleep", "source", "test", "touch", "trap", "true", "wait",
];

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    let Some(stage) = document.target().map(|target| &document.stages[target]) else { return };
    let entrypoint = last_command(stage, |kind| match kind {
        InstructionKind::Entrypoint(command) => Some(command),
        _ => None,
    });
    let start = entrypoint.or_else(|| {
        last_command(stage, |kind| match kind {
            InstructionKind::Cmd(command) => Some(command),
            _ => None,
        })
    });
    let Some((step, command)) = start else { return };
    let CommandForm::Exec(words) = &command.value else { return };
    let Some((program, is_given_to_shell)) = script_of(words) else { return };
    let Some((name, text)) = text_of(document, stage, program) else { return };
    if !(is_given_to_shell || has_shell(&text)) {
        return;
    }
    let Some((line, last)) = last_program(&text) else { return };
    found.push(
        Finding::new(&RULE, format!("`{name}` starts `{last}` without `exec`"))
            .at(command.span, step.span())
            .note("the shell stays process 1, and does not pass signals on to the program")
            .hint(format!("write `exec` in front of it, in line {line} of `{name}`")),
    );
}

fn last_command<'d, 'a>(
    stage: &'d Stage<'a>,
    of: impl Fn(&'a InstructionKind) -> Option<&'a Spanned<CommandForm>>,
) -> Option<(&'d Step<'a>, &'a Spanned<CommandForm>)> {
    let mut steps = stage.steps.iter().rev().filter(|step| !step.is_onbuild());
    steps.find_map(|step| Some((step, of(step.kind())?)))
}

/// The script that a command starts, and whether a shell is told to read it.
fn script_of(words: &[Text]) -> Option<(&str, bool)> {
    let first = words.first()?.as_str();
    if !SHELLS.contains(&base_name(first)) {
        return Some((first, false));
    }
    let script = words.get(1).filter(|word| !word.starts_with('-'))?;
    Some((script, true))
}

/// The script's name and text, if it stands in the file or lies in the context.
fn text_of(document: &Document<'_>, stage: &Stage<'_>, program: &str) -> Option<(String, String)> {
    for step in stage.steps.iter().rev() {
        let Some(transfer) = step.kind().transfer() else { continue };
        let destination = document.expand(stage, step, &transfer.destination.value);
        for source in &transfer.sources {
            let Source::Inline(heredoc) = source else { continue };
            if destination.as_deref() == Some(program) || base_name(&heredoc.name.value) == base_name(program)
            {
                return Some((program.to_owned(), heredoc.content().to_string()));
            }
        }
    }
    let context = document.options.context?;
    let sources = taken(document);
    let own: Vec<&Taken<'_, '_>> =
        sources.iter().filter(|source| source.stage.index == stage.index).collect();
    let is_named = |source: &&&Taken<'_, '_>| base_name(&source.path) == base_name(program);
    let path = match own.iter().rev().find(|source| source.is_literal() && is_named(source)) {
        Some(source) => source.path.clone(),
        // Behind `COPY . .`, what lies at the top of the context is found by its name.
        None if own.iter().any(|source| source.is_whole()) => base_name(program).to_owned(),
        None => return None,
    };
    let text = context.read(&path)?;
    Some((path, text))
}

/// Whether the first line names a shell.
fn has_shell(text: &str) -> bool {
    let Some(line) = text.strip_prefix("#!").and_then(|rest| rest.lines().next()) else { return false };
    let mut words = line.split_whitespace().map(base_name);
    words.find(|word| *word != "env" && !word.starts_with('-')).is_some_and(|name| SHELLS.contains(&name))
}

/// The program that a script ends with, and its line; nothing when there is an `exec`, or signals are handled.
fn last_program(text: &str) -> Option<(usize, String)> {
    let script = Script::of_text(text);
    let starts = |call: &Call<'_>, names: [&str; 2]| {
        call.simple.words.first().is_some_and(|word| names.contains(&word.text.as_str()))
    };
    if script.calls().iter().any(|call| starts(call, ["exec", "trap"])) {
        return None;
    }
    let [Command::Simple(simple)] = script.list.items.last()?.pipeline.commands.as_slice() else {
        return None;
    };
    let name = simple.words.first()?;
    // An expansion may be anything, but `"$@"` is what the container was told to run.
    let is_program = if name.expands {
        matches!(name.text.as_str(), "$@" | "$*")
    } else {
        !NO_PROGRAMS.contains(&name.text.as_str()) && !is_function(text, &name.text)
    };
    let is_in_background = text[simple.span.end..].trim_start().starts_with('&');
    if !is_program || is_in_background {
        return None;
    }
    let line = text[..simple.span.start].matches('\n').count() + 1;
    let shown: Vec<&str> = simple.words.iter().take(3).map(|word| &text[word.span.range()]).collect();
    Some((line, shown.join(" ")))
}

/// Whether a script may define a function of this name.
fn is_function(text: &str, name: &str) -> bool {
    text.contains(&format!("{name}()"))
        || text.contains(&format!("{name} ()"))
        || text.contains(&format!("function {name}"))
}
