//! `wget-progress`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "wget-progress",
    summary: "`wget` draws its progress into the log",
    severity: Severity::Info,
    aliases: &["DL3047"],
    enabled: true,
    explanation: r"
Without a terminal `wget` writes thousands of lines of dots, which hide everything else in the log of the build.

```dockerfile
FROM debian:trixie
RUN wget https://example.org/app.tar.gz
```

Write instead:

```dockerfile
FROM debian:trixie
RUN wget --progress=dot:giga https://example.org/app.tar.gz
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    const QUIET: [&str; 9] =
        ["progress", "q", "quiet", "o", "output-file", "a", "append-output", "nv", "no-verbose"];
    for run in document.runs() {
        for call in run.calls.iter().filter(|call| call.name() == "wget") {
            if call.has_flag(&QUIET) {
                continue;
            }
            let word = &call.words[0];
            let mut finding = run
                .finding(&RULE, "`wget` draws its progress into the log", word.span)
                .alias("DL3047")
                .hint("add `--progress=dot:giga`, or `--quiet`");
            if run.is_editable(document, word) {
                finding = finding
                    .safe_fix("add `--progress=dot:giga`", run.insert_behind(word, " --progress=dot:giga"));
            }
            found.push(finding);
        }
    }
}
