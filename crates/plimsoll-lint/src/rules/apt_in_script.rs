//! `apt-in-script`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "apt-in-script",
    summary: "`apt` is used, which is made for people",
    severity: Severity::Warning,
    aliases: &["DL3027"],
    enabled: true,
    explanation: r"
`apt` is for a terminal: it draws bars, warns that its output may change, and does change. `apt-get` and `apt-cache` are
for scripts.

```dockerfile
FROM debian:trixie
RUN apt update && apt install -y curl
```

Write instead:

```dockerfile
FROM debian:trixie
RUN apt-get update && apt-get install -y curl
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for run in document.runs() {
        for call in run.calls.iter().filter(|call| call.name() == "apt") {
            let word = &call.words[0];
            let verb = call.operands().first().map_or("", |word| word.text.as_str());
            let other = if matches!(verb, "search" | "show" | "policy") { "apt-cache" } else { "apt-get" };
            let mut finding = run
                .finding(&RULE, "`apt` is made for people, and may change what it does", word.span)
                .alias("DL3027")
                .hint(format!("use `{other}`"));
            let is_same = matches!(
                verb,
                "update" | "install" | "remove" | "purge" | "autoremove" | "clean" | "upgrade"
            );
            if is_same && run.is_editable(document, word) {
                let edit = replace(run.script.place(word.span), other);
                finding = finding.safe_fix(format!("write `{other}`"), vec![edit]);
            }
            found.push(finding);
        }
    }
}
