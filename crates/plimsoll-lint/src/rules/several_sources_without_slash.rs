//! `several-sources-without-slash`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "several-sources-without-slash",
    summary: "`COPY` of several sources to a destination without `/` at its end",
    severity: Severity::Error,
    aliases: &["DL3021", "DS-0011"],
    enabled: true,
    explanation: r"
Several files can only be copied into a directory. With `/` at its end the destination is one, whatever is there
already; older builders refuse it otherwise.

```dockerfile
FROM node:22
COPY package.json package-lock.json app
```

Write instead:

```dockerfile
FROM node:22
COPY package.json package-lock.json app/
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for stage in document.wanted_stages() {
        for step in stage.steps.iter().filter(|step| !step.is_onbuild()) {
            let InstructionKind::Copy(copy) = &step.instruction.kind else { continue };
            let destination = &copy.transfer.destination;
            let written = destination.value.trim_matches(['"', '\'']);
            if copy.transfer.sources.len() < 2 || written.ends_with('/') {
                continue;
            }
            let mut finding = Finding::new(
                &RULE,
                format!("several sources are copied to `{written}`, which is not named as a directory"),
            )
            .at(destination.span, step.span())
            .alias("DL3021")
            .alias_if(!is_of_history(&copy.transfer), "DS-0011")
            .hint(format!("write `{written}/`"));
            // The working directory is one in any case.
            if matches!(written, "." | "..") {
                finding.diagnostic.severity = Severity::Info;
            }
            if destination.value == written && document.file.slice(destination.span) == written {
                let edit = replace(Span::at(destination.span.end), "/");
                finding = finding.safe_fix(format!("write `{written}/`"), vec![edit]);
            }
            found.push(finding);
        }
    }
}
