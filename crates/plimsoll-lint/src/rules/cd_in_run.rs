//! `cd-in-run`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "cd-in-run",
    summary: "`cd` is used where `WORKDIR` would do",
    severity: Severity::Warning,
    aliases: &["DL3003", "DS-0013"],
    enabled: true,
    explanation: r"
The directory that `cd` chooses is forgotten at the end of the step. `WORKDIR` is in force for all that follow, and is
made if it is missing.

```dockerfile
FROM debian:trixie
RUN cd /app && make
```

Write instead:

```dockerfile
FROM debian:trixie
WORKDIR /app
RUN make
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for run in document.runs() {
        let calls = run.calls.iter().filter(|call| call.name() == "cd");
        for call in calls.filter(|_| !run.step.is_onbuild()) {
            // Trivy cuts the text at each `&&`, and looks for `cd ` at the starts of its parts.
            let starts_part = !call.arguments().is_empty()
                && run.script.list.items.iter().any(|item| {
                    matches!(item.joint, Joint::Start | Joint::And)
                        && item.pipeline.span.start == call.span().start
                });
            found.push(
                run.finding(
                    &RULE,
                    format!("`{}` is forgotten at the end of the step", words(call)),
                    call.span(),
                )
                .alias("DL3003")
                .alias_if(starts_part || run.script.is_exec, "DS-0013")
                .hint("use `WORKDIR`"),
            );
        }
    }
}

fn words(call: &Call<'_>) -> String {
    call.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
}
