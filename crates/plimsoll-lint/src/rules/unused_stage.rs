//! `unused-stage`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "unused-stage",
    summary: "no other stage takes anything from a stage",
    severity: Severity::Info,
    aliases: &[],
    enabled: true,
    explanation: r"
A build runs the stages that its target needs, without a target those that the last one needs. A stage that is not among
them may be the target of another build, such as tests — or a leftover that nobody dares to remove.

```dockerfile
FROM node:22 AS build
RUN npm run build

FROM node:22-slim
COPY . .
```

Remove it, take from it what is missing (`COPY --from=build …`), or say what it is for:

```dockerfile
# plimsoll allow=unused-stage built by the nightly job
FROM node:22 AS lint
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    let mut needed = vec![false; document.stages.len()];
    let mut open: Vec<usize> = document.target().into_iter().collect();
    while let Some(index) = open.pop() {
        if std::mem::replace(&mut needed[index], true) {
            continue;
        }
        let stage = &document.stages[index];
        open.extend(stage.parent.iter().chain(&stage.sources));
    }
    for stage in document.wanted_stages().filter(|stage| !needed[stage.index]) {
        // A stage that another unneeded one is made of goes with it.
        let Some(base) = stage.base.as_ref().filter(|_| !document.is_used(stage)) else { continue };
        let place = base.from.name.as_ref().map_or(base.from.image.span, |name| name.span);
        let message = format!("no other stage uses the stage `{}`", stage.title());
        found.push(
            Finding::new(&RULE, message)
                .at(place, base.instruction.span)
                .hint("remove it, unless another build has it as its target"),
        );
    }
}
