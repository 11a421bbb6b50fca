//! `no-ignore-file`.

use super::context::{listing, taken};
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "no-ignore-file",
    summary: "everything is copied, and no `.dockerignore` leaves anything out",
    severity: Severity::Info,
    aliases: &[],
    enabled: true,
    explanation: r"
Without a `.dockerignore`, a `COPY` of the whole context takes the Dockerfile, notes, settings of editors and the history of
the repository along, and runs again whenever one of them changes.

```dockerfile
FROM node:22
COPY . /app
```

Write a `.dockerignore` beside the context's root. One that admits by name ages best: `*`, then `!src`, `!package*.json`.
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    let sources = taken(document);
    let whole = sources.iter().find(|source| source.is_whole() && !source.has_excludes);
    let (Some(source), Some(context)) = (whole, document.options.context) else { return };
    if context.ignore_source().is_some() || listing(document, &sources).is_none() {
        return;
    }
    found.push(
        Finding::new(&RULE, "everything is copied, and there is no `.dockerignore`")
            .at(source.place, source.step.span())
            .hint("write a `.dockerignore` with what the image does not need, such as `.git` and the Dockerfile"),
    );
}
