//! `undefined-variable`.

use super::platforms::{is_official, root_image, short_name};
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "undefined-variable",
    summary: "an instruction uses a variable that nothing defines",
    severity: Severity::Warning,
    aliases: &["UndefinedVar"],
    enabled: true,
    explanation: r"
A variable that no `ENV`, no `ARG` of the stage and not the base image defines is empty, and `COPY app $DIR/` becomes
`COPY app /`. An argument that is declared before the first `FROM` has to be declared again in the stage that uses it.
The commands of `RUN`, `CMD` and `ENTRYPOINT` are not looked at: there the shell puts variables in.

```dockerfile
FROM debian:trixie
COPY app $APP_DIR/
```

Write instead:

```dockerfile
FROM debian:trixie
ARG APP_DIR=/opt/app
COPY app $APP_DIR/
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for stage in document.wanted_stages() {
        for step in &stage.steps {
            for (name, span) in &step.undefined {
                let may_be_in_base = document.base_is_unknown(stage) && !has_plain_base(document, stage);
                let message = if may_be_in_base {
                    format!("nothing in this file defines the variable `{name}`")
                } else {
                    format!("nothing defines the variable `{name}`")
                };
                let mut finding = Finding::new(&RULE, message).at(*span, step.span()).alias("UndefinedVar");
                if may_be_in_base {
                    finding.diagnostic.severity = Severity::Info;
                }
                let names = document.variable_names(stage, step);
                if document.globals.names().any(|global| global == name) {
                    finding = finding
                        .note("an argument before the first `FROM` is not visible in stages")
                        .hint(format!("declare it in this stage too: `ARG {name}`"));
                } else if let Some(near) = near(name, &names) {
                    finding = finding.hint(format!("did you mean `{near}`?"));
                } else if may_be_in_base {
                    finding = finding.note("what the base image defines is not known here");
                }
                found.push(finding);
            }
        }
    }
}

/// Whether a stage goes back to an image that is known to define nothing but `PATH`.
fn has_plain_base(document: &Document<'_>, stage: &Stage<'_>) -> bool {
    let plain = ["alpine", "busybox", "debian", "ubuntu"];
    root_image(document, stage).is_some_and(|image| {
        short_name(image).is_some_and(|(name, _)| plain.contains(&name.as_str())) && is_official(image)
    })
}

/// The name that was probably meant; of very short names every other one is near.
fn near<'n>(name: &str, names: &'n [String]) -> Option<&'n str> {
    did_you_mean(name, names.iter().map(String::as_str)).filter(|_| name.len() > 2)
}
