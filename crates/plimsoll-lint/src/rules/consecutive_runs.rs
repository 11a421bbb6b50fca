//! `consecutive-runs`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "consecutive-runs",
    summary: "several short `RUN` follow each other",
    severity: Severity::Info,
    aliases: &["DL3059"],
    enabled: true,
    explanation: r"
Each `RUN` is a layer. Short commands that belong together are easier to read as one step. Long ones may well stay
apart: then a change runs only one of them again.

```dockerfile
FROM debian:trixie
RUN mkdir /data
RUN chown app /data
```

Write instead:

```dockerfile
FROM debian:trixie
RUN mkdir /data && chown app /data
```
",
    check,
};

/// A `RUN` with more commands than this is no short one.
const FEW: usize = 1;

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for stage in document.wanted_stages() {
        let runs: Vec<_> =
            document.runs().filter(|run| run.stage.index == stage.index && !run.step.is_onbuild()).collect();
        for pair in runs.windows(2) {
            let (first, second) = (&pair[0], &pair[1]);
            let follow = stage
                .steps
                .iter()
                .position(|step| step.span() == first.step.span())
                .and_then(|at| stage.steps.get(at + 1))
                .is_some_and(|next| next.span() == second.step.span());
            let is_short = |run: &RunView<'_, '_>| run.calls.len() <= FEW;
            let joins = is_short(first) && first.run.heredocs.is_empty() && is_short(second);
            if follow && joins && same_flags(first, second) {
                found.push(
                    Finding::new(&RULE, "this `RUN` could be part of the one before it")
                        .at(second.step.instruction.keyword.span, second.step.span())
                        .alias("DL3059")
                        .hint("join their commands with `&&`"),
                );
            }
        }
    }
}

fn same_flags(left: &RunView<'_, '_>, right: &RunView<'_, '_>) -> bool {
    let mounts = |run: &RunView<'_, '_>| {
        run.run.mounts.iter().map(|mount| mount.value.clone()).collect::<std::collections::BTreeSet<_>>()
    };
    let text = |flag: &Option<Spanned<Text>>| flag.as_ref().map(|value| value.value.clone());
    mounts(left) == mounts(right)
        && text(&left.run.network) == text(&right.run.network)
        && text(&left.run.security) == text(&right.run.security)
}
