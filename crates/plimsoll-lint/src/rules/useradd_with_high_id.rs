//! `useradd-with-high-id`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "useradd-with-high-id",
    summary: "`useradd` with a high id writes a huge file",
    severity: Severity::Warning,
    aliases: &["DL3046"],
    enabled: true,
    explanation: r"
`useradd` notes logins in a file that has a place for every id below. With an id of more than five digits the file is
gigabytes long; most of it is a hole, but not in a layer.

```dockerfile
FROM debian:trixie
RUN useradd -u 1234567 app
```

Write instead:

```dockerfile
FROM debian:trixie
RUN useradd -l -u 1234567 app
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for run in document.runs() {
        for call in run.calls.iter().filter(|call| call.name() == "useradd") {
            let id = call.flag_value(&["u", "uid"]).unwrap_or_default();
            let id = document.expand(run.stage, run.step, id).unwrap_or_default();
            // What only the shell knows may be any number.
            if id.len() <= 5
                || !id.bytes().all(|byte| byte.is_ascii_digit())
                || call.has_flag(&["l", "no-log-init"])
            {
                continue;
            }
            let word = &call.words[0];
            let mut finding = run
                .finding(
                    &RULE,
                    format!("`useradd` with the id {id} writes a huge file of logins"),
                    call.span(),
                )
                .alias("DL3046")
                .hint("add `--no-log-init`");
            if run.is_editable(document, word) {
                finding = finding.safe_fix("add `--no-log-init`", run.insert_behind(word, " --no-log-init"));
            }
            found.push(finding);
        }
    }
}
