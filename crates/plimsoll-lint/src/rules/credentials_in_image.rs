//! `credentials-in-image`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "credentials-in-image",
    summary: "credentials are copied into the image, or set up in it",
    severity: Severity::Error,
    aliases: &["DS-0031"],
    enabled: true,
    explanation: r"
A file of credentials that is copied into the last stage, and named in the variable that programs look for it in, is in
the image for everybody who can pull it; so is what `aws configure set` and its like write.

```dockerfile
FROM google/cloud-sdk:slim
COPY key.json /key.json
ENV GOOGLE_APPLICATION_CREDENTIALS=/key.json
```

Mount the file for the step that needs it, and for the running program when the container is started:

```dockerfile
FROM google/cloud-sdk:slim
RUN --mount=type=secret,id=key,target=/key.json GOOGLE_APPLICATION_CREDENTIALS=/key.json gsutil cp gs://bucket/data /data
```
",
    check,
};

/// Variables that name a file or folder of credentials.
const FILES: [&str; 12] = [
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AZURE_AUTH_LOCATION",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "BOTO_CONFIG",
    "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE",
    "DOCKER_CONFIG",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "KUBECONFIG",
    "NETRC",
    "PGPASSFILE",
];

/// Commands that keep the credentials they are given: a program, the words that must be there, and parts of words of which
/// one must be there.
const SETUPS: [(&str, &[&str], &[&str]); 9] = [
    ("aws", &["configure", "set"], &["aws_access_key_id", "aws_secret_access_key", "aws_session_token"]),
    ("az", &["login"], &["-p", "--password", "--federated-token", "--certificate"]),
    ("docker", &["login"], &["-p", "--password"]),
    ("gcloud", &["auth", "activate-service-account"], &["--key-file"]),
    ("gcloud", &["auth", "login"], &["--cred-file"]),
    ("gh", &["auth", "login"], &["--with-token"]),
    ("helm", &["registry", "login"], &["-p", "--password"]),
    ("kubectl", &["config", "set-credentials"], &["--token", "--password", "--client-key"]),
    ("npm", &["config", "set"], &["_auth", "_password"]),
];

/// Whether a variable names a file of credentials.
pub(super) fn names_file(variable: &str) -> bool {
    FILES.contains(&variable)
}

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    let Some(last) = document.stages.last().filter(|stage| stage.wanted) else { return };
    let copied: Vec<(String, Span)> =
        last.steps.iter().flat_map(|step| copied(document, last, step)).collect();
    let mut report = |variable: &str, value: &str, place: Span, instruction: Span| {
        let same = |entry: &&(String, Span)| !value.is_empty() && entry.0 == base_name(value);
        let Some((_, source)) = copied.iter().find(same) else { return };
        found.push(
            Finding::new(&RULE, format!("the credentials that `{variable}` names are in the image"))
                .at(place, instruction)
                .alias("DS-0031")
                .also(*source, "copied here")
                .hint("mount the file with `RUN --mount=type=secret`, or when the container is started"),
        );
    };
    for step in &last.steps {
        match step.kind() {
            InstructionKind::Env(pairs) => {
                for pair in pairs.pairs.iter().filter(|pair| names_file(&pair.key.value)) {
                    let value = document.expand(last, step, &pair.value.value).unwrap_or_default();
                    report(&pair.key.value, &value, pair.value.span, step.span());
                }
            }
            InstructionKind::Arg(definitions) => {
                for argument in definitions.iter().filter(|argument| names_file(&argument.name.value)) {
                    let Some(default) = &argument.default else { continue };
                    let value = document.expand(last, step, &default.value).unwrap_or_default();
                    report(&argument.name.value, &value, default.span, step.span());
                }
            }
            _ => {}
        }
    }
    for run in document.runs().filter(|run| run.stage.index == last.index) {
        for call in &run.calls {
            for word in call.simple.assignments.iter().chain(call.words) {
                let Some((name, value)) = word.text.split_once('=').filter(|(name, _)| names_file(name))
                else {
                    continue;
                };
                report(name, value, run.script.place(word.span), run.step.span());
            }
        }
    }
    for run in document.runs().filter(|run| run.stage.index == last.index) {
        for call in run.calls.iter().filter(|call| sets_up(call)) {
            found.push(
                run.finding(&RULE, format!("`{}` leaves credentials in the image", call.name()), call.span())
                    .alias("DS-0031")
                    .hint(
                        "give them to the program when the container is started, or mount them as a secret",
                    ),
            );
        }
    }
}

/// The names that files have behind a `COPY` or `ADD`.
fn copied(document: &Document<'_>, stage: &Stage<'_>, step: &Step<'_>) -> Vec<(String, Span)> {
    let Some(transfer) = step.kind().transfer() else { return Vec::new() };
    let mut names = Vec::new();
    let target = document.expand(stage, step, &transfer.destination.value).unwrap_or_default();
    for source in &transfer.sources {
        let Source::Path(path) = source else { continue };
        let name = document.expand(stage, step, &path.value).unwrap_or_default();
        names.push((base_name(&name).to_owned(), path.span));
        names.push((base_name(&target).to_owned(), path.span));
    }
    names.retain(|(name, _)| !name.is_empty() && name != ".");
    names
}

fn base_name(path: &str) -> &str {
    let path = path.trim_matches(['"', '\'']).trim_end_matches('/');
    path.rsplit('/').next().unwrap_or(path)
}

fn sets_up(call: &Call<'_>) -> bool {
    SETUPS.iter().any(|(program, words, parts)| {
        let mut arguments = call.arguments().iter().map(|word| word.text.as_str());
        call.name() == *program
            && words.iter().all(|word| arguments.any(|argument| argument == *word))
            && arguments.any(|argument| {
                parts.iter().any(|part| match part.strip_prefix('-') {
                    Some(_) => argument == *part || argument.starts_with(&format!("{part}=")),
                    None => argument.contains(part),
                })
            })
    })
}
