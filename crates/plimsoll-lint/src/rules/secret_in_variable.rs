//! `secret-in-variable`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "secret-in-variable",
    summary: "the name of an `ARG` or `ENV` sounds like a secret",
    severity: Severity::Warning,
    aliases: &["SecretsUsedInArgOrEnv"],
    enabled: true,
    explanation: r"
The value of an `ENV` is in the image's config, that of an `ARG` in its history: whoever can pull the image can read
both. A secret that a step needs is mounted instead, and leaves no trace.

```dockerfile
FROM node:22
ARG NPM_TOKEN
RUN npm ci
```

Write instead, and build with `--secret id=npm_token,env=NPM_TOKEN`:

```dockerfile
FROM node:22
RUN --mount=type=secret,id=npm_token,env=NPM_TOKEN npm ci
```

A secret that the running program needs is given when the container is started. Names with the word `public`, `file`
or `version` are taken to be harmless.
",
    check,
};

/// Words that mean a secret.
const SECRET: [&str; 10] =
    ["apikey", "auth", "credential", "credentials", "key", "password", "pword", "passwd", "secret", "token"];

/// Words that say that it is none.
const HARMLESS: [&str; 3] = ["public", "file", "version"];

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for stage in document.wanted_stages() {
        for step in &stage.steps {
            let names: Vec<&Spanned<String>> = match &step.instruction.kind {
                InstructionKind::Env(pairs) => pairs.pairs.iter().map(|pair| &pair.key).collect(),
                InstructionKind::Arg(definitions) => {
                    definitions.iter().map(|definition| &definition.name).collect()
                }
                _ => continue,
            };
            let kind = step.instruction.kind.name();
            for name in names.into_iter().filter(|name| sounds_secret(&name.value)) {
                let (where_it_is, hint) = if kind == "ENV" {
                    ("its value is in the image's config", "pass it when the container is started")
                } else {
                    ("its value is in the image's history", "use `RUN --mount=type=secret,id=…,env=…`")
                };
                found.push(
                    Finding::new(&RULE, format!("the name `{name}` of an `{kind}` sounds like a secret"))
                        .at(name.span, step.span())
                        .alias("SecretsUsedInArgOrEnv")
                        .note(format!("{where_it_is}, for everybody who has the image"))
                        .hint(hint),
                );
            }
        }
    }
}

fn sounds_secret(name: &str) -> bool {
    let lower = name.to_lowercase();
    let has = |words: &[&str]| lower.split('_').any(|part| words.contains(&part));
    has(&SECRET) && !has(&HARMLESS)
}
