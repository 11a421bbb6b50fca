//! `undefined-variable`.

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
                let mut finding = Finding::new(&RULE, format!("nothing defines the variable `{name}`"))
                    .at(*span, step.span())
                    .alias("UndefinedVar");
                let names = document.variable_names(stage, step);
                if document.globals.names().any(|global| global == name) {
                    finding = finding
                        .note("an argument before the first `FROM` is not visible in stages")
                        .hint(format!("declare it in this stage too: `ARG {name}`"));
                } else if let Some(near) = near(name, &names) {
                    finding = finding.hint(format!("did you mean `{near}`?"));
                } else if document.base_is_unknown(stage) {
                    finding = finding.note("what the base image defines is not known here");
                }
                found.push(finding);
            }
        }
    }
}

/// The name that was probably meant; of very short names every other one is near.
fn near<'n>(name: &str, names: &'n [String]) -> Option<&'n str> {
    did_you_mean(name, names.iter().map(String::as_str)).filter(|_| name.len() > 2)
}
