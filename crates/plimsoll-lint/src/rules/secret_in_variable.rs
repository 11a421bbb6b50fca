//! `secret-in-variable`.

use super::credentials_in_image::names_file;
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "secret-in-variable",
    summary: "the name of an `ARG` or `ENV` sounds like a secret",
    severity: Severity::Warning,
    aliases: &["SecretsUsedInArgOrEnv", "DL3064", "DS-0031"],
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

A secret that the running program needs is given when the container is started. Each linter has its own list of names:
Docker looks at whole words between `_` and takes names with `public`, `file` or `version` for harmless, hadolint and
Trivy look anywhere in the name, and Trivy only at the last stage.
",
    check,
};

/// Words that mean a secret.
const SECRET: [&str; 10] =
    ["apikey", "auth", "credential", "credentials", "key", "password", "pword", "passwd", "secret", "token"];

/// Words that say that it is none.
const HARMLESS: [&str; 3] = ["public", "file", "version"];

/// Parts of names that hadolint takes for secret.
const HADOLINT_PARTS: [&str; 6] = ["api_key", "password", "private", "secret", "token", "username"];

/// Names that hadolint takes for secret.
const HADOLINT_NAMES: [&str; 5] =
    ["AWS_ACCESS_KEY_ID", "CI_DEPLOY_USER", "CLIENT_KEY", "DOCKER_EMAIL", "HEROKU_API_USER"];

/// Parts of names that Trivy takes for secret.
const TRIVY_PARTS: [&str; 12] = [
    "access_key",
    "accesskey",
    "api_key",
    "apikey",
    "credential",
    "passphrase",
    "passwd",
    "password",
    "private_key",
    "secret",
    "sshpass",
    "token",
];

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    let first = document.instructions().position(|one| matches!(one.kind, InstructionKind::From(_)));
    for instruction in document.instructions().take(first.unwrap_or(0)) {
        look(instruction, &instruction.kind, Place::Head, found);
    }
    for stage in document.wanted_stages() {
        let is_last = stage.index + 1 == document.stages.len();
        for step in &stage.steps {
            let place = match (step.is_onbuild(), is_last) {
                (true, _) => Place::Trigger,
                (false, true) => Place::LastStage,
                (false, false) => Place::OtherStage,
            };
            look(step.instruction, step.kind(), place, found);
        }
    }
}

/// Where an instruction stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Head,
    OtherStage,
    LastStage,
    Trigger,
}

fn look(instruction: &Instruction, kind: &InstructionKind, place: Place, found: &mut Vec<Finding>) {
    let names: Vec<&Spanned<Text>> = match kind {
        InstructionKind::Env(pairs) => pairs.pairs.iter().map(|pair| &pair.key).collect(),
        InstructionKind::Arg(definitions) => definitions.iter().map(|definition| &definition.name).collect(),
        _ => return,
    };
    let (where_it_is, hint) = if kind.name() == "ENV" {
        ("its value is in the image's config", "pass it when the container is started")
    } else {
        ("its value is in the image's history", "use `RUN --mount=type=secret,id=…,env=…`")
    };
    for name in names {
        let plain = name.value.trim_matches(['"', '\'']);
        let in_stage = matches!(place, Place::OtherStage | Place::LastStage);
        let for_docker = in_stage && is_secret_for_docker(plain);
        let for_hadolint = is_secret_for_hadolint(plain);
        let for_trivy = place == Place::LastStage && is_secret_for_trivy(plain);
        if !for_docker && !for_hadolint && !for_trivy {
            continue;
        }
        // hadolint counts the names of users, which are half of a secret at most.
        let is_user = !for_docker && !for_trivy && is_user_for_hadolint(plain);
        let message = if is_user {
            format!("the name `{plain}` of an `{}` sounds like a part of credentials", kind.name())
        } else {
            format!("the name `{plain}` of an `{}` sounds like a secret", kind.name())
        };
        let mut finding = Finding::new(&RULE, message);
        if is_user {
            finding.diagnostic.severity = Severity::Info;
        }
        found.push(
            finding
                .at(name.span, instruction.span)
                .alias_if(for_docker, "SecretsUsedInArgOrEnv")
                .alias_if(for_hadolint, "DL3064")
                .alias_if(for_trivy, "DS-0031")
                .note(format!("{where_it_is}, for everybody who has the image"))
                .hint(hint),
        );
    }
}

fn is_secret_for_docker(name: &str) -> bool {
    let lower = name.to_lowercase();
    let has = |words: &[&str]| lower.split('_').any(|part| words.contains(&part));
    has(&SECRET) && !has(&HARMLESS)
}

fn is_secret_for_hadolint(name: &str) -> bool {
    let lower = name.to_lowercase();
    HADOLINT_PARTS.iter().any(|part| lower.contains(part))
        || HADOLINT_NAMES.iter().any(|other| other.eq_ignore_ascii_case(name))
}

fn is_user_for_hadolint(name: &str) -> bool {
    let lower = name.to_lowercase();
    let is_secret = HADOLINT_PARTS.iter().any(|part| *part != "username" && lower.contains(part));
    !is_secret && (lower.contains("username") || ["docker_email", "ci_deploy_user"].contains(&lower.as_str()))
}

/// A variable that names a file is no secret itself.
fn is_secret_for_trivy(name: &str) -> bool {
    let lower = name.to_lowercase();
    TRIVY_PARTS.iter().any(|part| lower.contains(part)) && !names_file(name) && !lower.ends_with("_file")
}
