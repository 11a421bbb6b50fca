//! `shell-flaw`.

use super::prelude::*;
use crate::shellcheck::{Asked, Disabled, EXCLUDED, name_of};

pub(super) static RULE: Rule = Rule {
    name: "shell-flaw",
    summary: "ShellCheck finds a flaw in the code of a `RUN`",
    severity: Severity::Warning,
    aliases: &[],
    enabled: true,
    explanation: r#"
The code of every `RUN` in shell form, `ONBUILD` and heredocs included, is given to [ShellCheck](https://www.shellcheck.net)
if that is installed: it is called once for all files, and what it said about a script is kept in
`$XDG_CACHE_HOME/plimsoll`. `--shellcheck=off` leaves it out, `--shellcheck=PATH` names another program than the one in
`PATH`.

Severities and messages are ShellCheck's own, and a finding answers to its code: `--ignore SC2086`,
`# hadolint ignore=SC2086`, and `# shellcheck disable=SC2086` inside of a heredoc, above a `RUN`, or between its lines,
where it counts for those that follow. Variables of `ARG` and `ENV` count as defined. Commands for PowerShell, `cmd` and
other languages are left alone, and so are the codes SC1090, SC1091 and SC2187.

```dockerfile
FROM debian:trixie
RUN cd /usr/share/doc && rm -r $UNUSED
```

Write instead:

```dockerfile
FROM debian:trixie
ARG UNUSED
RUN cd /usr/share/doc && rm -r "$UNUSED"
```
"#,
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    let Some(answers) = document.options.shellcheck else { return };
    for run in document.runs() {
        let Some(asked) = Asked::new(document, &run) else { continue };
        let comments = answers(&asked.text);
        if comments.is_empty() {
            continue;
        }
        let disabled = Disabled::of(document, run.step);
        for comment in comments.iter().filter(|comment| !EXCLUDED.contains(&comment.code)) {
            let Some(place) = asked.place(comment) else { continue };
            if disabled.hides(comment.code, place) && !document.options.no_inline_ignores {
                continue;
            }
            let name = name_of(comment.code);
            let mut finding = Finding::new(&RULE, comment.message.as_str())
                .at(place, run.step.span())
                .note(format!("https://www.shellcheck.net/wiki/{name}"));
            finding.aliases.push(name);
            finding.diagnostic.severity = comment.level;
            if let Some(edits) = asked.edits(document.file, comment) {
                finding.diagnostic = finding.diagnostic.fix("change it as ShellCheck proposes", edits);
            }
            found.push(finding);
        }
    }
}
