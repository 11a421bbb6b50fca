//! `shell-form-command`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "shell-form-command",
    summary: "`CMD` or `ENTRYPOINT` starts a shell that starts the program",
    severity: Severity::Warning,
    aliases: &["JSONArgsRecommended", "DL3025"],
    enabled: true,
    explanation: r#"
A command that is no JSON array is handed to a shell. Process 1 of the container is then the shell, which does not pass
signals on: `docker stop` waits ten seconds and kills the program. Arguments given to an `ENTRYPOINT` of this form are
lost, and an image without a shell cannot be started at all.

```dockerfile
FROM node:22
CMD node server.js
```

Write instead:

```dockerfile
FROM node:22
CMD ["node", "server.js"]
```

Where a shell is needed, for variables say, start it openly and let it make room: `CMD ["/bin/sh", "-c", "exec node
$SCRIPT"]`. Docker's check accepts the shell form where `SHELL` chose the shell; hadolint looks at `HEALTHCHECK` too.
"#,
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for stage in document.wanted_stages() {
        for step in stage.steps.iter().filter(|step| !step.is_onbuild()) {
            let (name, command, is_check) = match step.kind() {
                InstructionKind::Cmd(command) => ("CMD", command, false),
                InstructionKind::Entrypoint(command) => ("ENTRYPOINT", command, false),
                InstructionKind::Healthcheck(Healthcheck::Check(check)) => {
                    ("HEALTHCHECK", &check.command, true)
                }
                _ => continue,
            };
            let CommandForm::Shell(text) = &command.value else { continue };
            let shell_was_chosen = step.shell.is_some() || step.base_shell;
            let place = if command.span.is_empty() { step.instruction.keyword.span } else { command.span };
            let mut finding = Finding::new(&RULE, format!("`{name}` starts a shell that starts the program"))
                .at(place, step.span())
                .alias_if(!shell_was_chosen && !is_check, "JSONArgsRecommended")
                .alias("DL3025")
                .note(if is_check {
                    "it fails in an image without a shell"
                } else {
                    "the shell is process 1, and does not pass signals on to the program"
                });
            // An image may have a shell that does more than run a program: only the usual one is known not to.
            finding = match plain_words(text).filter(|_| !shell_was_chosen && !is_check) {
                Some(words) => {
                    let array = json_array(&words);
                    finding
                        .hint(format!("write `{name} {array}`"))
                        .safe_fix("write the command as a JSON array", vec![replace(command.span, array)])
                }
                None if is_check => finding.hint("write `HEALTHCHECK CMD [\"program\", \"argument\"]`"),
                None => finding.hint(format!("write `{name} [\"program\", \"argument\"]`")),
            };
            found.push(finding);
        }
    }
}

/// The words of a command that needs no shell; an `exec` in front is not needed any more.
fn plain_words(text: &str) -> Option<Vec<&str>> {
    const BUILTINS: [&str; 14] = [
        ".", ":", "cd", "eval", "export", "if", "for", "while", "case", "set", "source", "trap", "ulimit",
        "umask",
    ];
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:=@%+,".contains(&byte);
    if text.is_empty() || !text.bytes().all(|byte| is_plain(byte) || byte == b' ') {
        return None;
    }
    let mut words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    if words.first() == Some(&"exec") {
        words.remove(0);
    }
    let first = words.first()?;
    (!first.contains('=') && !first.starts_with('-') && !BUILTINS.contains(first)).then_some(words)
}

fn json_array(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    format!("[{}]", words.join(", "))
}
