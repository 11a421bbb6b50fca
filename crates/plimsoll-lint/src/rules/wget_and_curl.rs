//! `wget-and-curl`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "wget-and-curl",
    summary: "a stage uses `wget` and `curl`",
    severity: Severity::Warning,
    aliases: &["DL4001", "DS-0014"],
    enabled: true,
    explanation: r"
Both do the same. One of them less is one package less to install and to patch.

```dockerfile
FROM debian:trixie
RUN curl -fsSO https://example.org/a
RUN wget -q https://example.org/b
```

Write instead:

```dockerfile
FROM debian:trixie
RUN curl -fsSO https://example.org/a
RUN curl -fsSO https://example.org/b
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for stage in document.wanted_stages() {
        let mut first: Option<(&str, Span)> = None;
        for run in document.runs().filter(|run| run.stage.index == stage.index) {
            let mut calls = run.calls.iter();
            let other = calls.find_map(|call| {
                let name = ["wget", "curl"].into_iter().find(|name| *name == call.name())?;
                let place = run.script.place(call.words[0].span);
                match first {
                    None => {
                        first = Some((name, place));
                        None
                    }
                    Some((known, _)) => (known != name).then_some((name, call)),
                }
            });
            let (Some((name, call)), Some((known, place))) = (other, first) else { continue };
            found.push(
                run.finding(&RULE, format!("this stage uses `{name}` and `{known}`"), call.words[0].span)
                    .alias("DL4001")
                    .alias("DS-0014")
                    .also(place, format!("`{known}` is used here"))
                    .hint("use one of them"),
            );
            break;
        }
    }
}
