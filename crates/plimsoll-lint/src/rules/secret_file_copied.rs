//! `secret-file-copied`.

use super::context::{clutter, enumerate, listing, taken};
use super::prelude::*;
use crate::context::{BuildContext, ContextEntry, EntryKind};

pub(super) static RULE: Rule = Rule {
    name: "secret-file-copied",
    summary: "a `COPY` takes a private key or a file of credentials into the image",
    severity: Severity::Warning,
    aliases: &[],
    enabled: true,
    explanation: r"
Whoever can pull an image can read its files, those that a later step deletes included. A `COPY` of a whole folder takes
`.env`, private keys and access tokens along that lie there for the developer's own use.

```dockerfile
# with a file .env in the context
FROM node:22
COPY . /app
```

Leave them out with a line in `.dockerignore`, such as `**/.env`. What a step needs it can get by
`RUN --mount=type=secret`, what the program needs when the container is started.

Keys and tokens are looked for in the files; examples and test data are passed over. In a stage that is not in the image it
is an info.
",
    check,
};

/// Folders whose secrets are made up.
const MADE_UP: [&str; 12] = [
    "test",
    "tests",
    "testdata",
    "test-data",
    "fixtures",
    "spec",
    "__tests__",
    "example",
    "examples",
    "docs",
    "samples",
    "mocks",
];

/// So many files are read.
const MOST_READ: usize = 200;

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    let sources = taken(document);
    let Some(listing) = listing(document, &sources) else { return };
    let Some(context) = document.options.context else { return };
    let mut reads = 0;
    let secrets: Vec<(&str, bool)> = listing
        .kept()
        .filter(|entry| entry.kind == EntryKind::File && entry.size_bytes > 0)
        .filter(|entry| sources.iter().any(|source| source.takes(&entry.path)))
        .filter(|entry| clutter(listing, &entry.path).is_none())
        .filter_map(|entry| Some((entry.path.as_str(), secret(entry, context, &mut reads)?)))
        .collect();
    for source in sources.iter().filter(|source| !source.has_excludes) {
        let taken: Vec<&str> = secrets
            .iter()
            .filter(|(path, is_certain)| source.takes(path) && (*is_certain || !source.names(path)))
            .map(|(path, _)| *path)
            .collect();
        if taken.is_empty() {
            continue;
        }
        let shown: Vec<String> = taken.iter().map(|path| format!("`{path}`")).collect();
        let mut lines: Vec<String> = taken.iter().map(|path| format!("`**/{}`", base_name(path))).collect();
        lines.sort();
        lines.dedup();
        let is_in_image = document.is_in_image(source.stage);
        let place = if is_in_image { "the image" } else { "a layer of this stage" };
        let mut finding = Finding::new(&RULE, format!("this copies {} into {place}", enumerate(&shown, 3)))
            .at(source.place, source.step.span())
            .hint(format!(
                "add to `.dockerignore`: {}; give secrets to steps with `RUN --mount=type=secret`",
                enumerate(&lines, 6)
            ));
        if !is_in_image {
            finding.diagnostic.severity = Severity::Info;
        }
        found.push(finding);
    }
}

/// Whether a file holds a secret, and if so, whether that is certain.
fn secret(entry: &ContextEntry, context: &dyn BuildContext, reads: &mut usize) -> Option<bool> {
    let path = entry.path.as_str();
    if path.split('/').any(|part| MADE_UP.contains(&part)) {
        return None;
    }
    let name = base_name(path);
    let mut holds = |test: &dyn Fn(&str) -> bool| {
        *reads += 1;
        (*reads <= MOST_READ && context.read(path).is_some_and(|text| test(&text))).then_some(true)
    };
    let is_key = |text: &str| {
        text.lines()
            .any(|line| line.starts_with("-----BEGIN ") && line.trim_end().ends_with("PRIVATE KEY-----"))
    };
    match name {
        "id_rsa" | "id_dsa" | "id_ecdsa" | "id_ed25519" => holds(&is_key),
        ".npmrc" | ".yarnrc" | ".yarnrc.yml" => holds(&has_npm_token),
        ".git-credentials" | ".pgpass" | ".vault-token" => Some(true),
        ".netrc" | "_netrc" => holds(&|text| text.split_whitespace().any(|word| word == "password")),
        ".pypirc" => holds(&|text| text.lines().any(|line| has_value(line, "password"))),
        "credentials" if path.ends_with(".aws/credentials") => {
            holds(&|text| text.lines().any(|line| has_value(line, "aws_secret_access_key")))
        }
        "config.json" if path.ends_with(".docker/config.json") => holds(&|text| text.contains("\"auth\"")),
        _ if is_environment(name) => holds(&|text| text.lines().any(is_assignment)).map(|_| false),
        _ if ["pem", "key"].iter().any(|end| has_extension(name, end)) => holds(&is_key),
        _ if has_extension(name, "json") && entry.size_bytes < 8192 && looks_like_credentials(name) => {
            holds(&|text| text.contains("\"private_key\"") && text.contains("PRIVATE KEY-----"))
        }
        _ => None,
    }
}

/// `.env` and `.env.production`, and not what is there to be copied and filled in.
fn is_environment(name: &str) -> bool {
    let Some(rest) = name.strip_prefix(".env") else { return false };
    let models = ["example", "sample", "template", "dist", "default", "test", "ci", "schema", "vault"];
    rest.is_empty() || (rest.starts_with('.') && !models.iter().any(|model| rest.contains(model)))
}

/// Whether a line of an environment file gives a variable a value.
fn is_assignment(line: &str) -> bool {
    let line = line.trim();
    let value = line.split_once('=').map_or("", |(_, value)| value.trim_matches(['"', '\'', ' ']));
    !line.starts_with('#') && !value.is_empty()
}

fn looks_like_credentials(name: &str) -> bool {
    let lower = name.to_lowercase();
    ["credential", "service", "account", "key", "gcp", "google"].iter().any(|part| lower.contains(part))
}

/// Whether a file of npm or yarn holds a token, and no variable in its place.
fn has_npm_token(text: &str) -> bool {
    text.lines().any(|line| {
        ["_authToken", "_auth", "_password", "npmAuthToken", "npmAuthIdent"].iter().any(|key| {
            let Some((_, rest)) = line.split_once(key) else { return false };
            let value = rest.trim_start_matches(['=', ':', ' ', '"', '\'']);
            rest.starts_with(['=', ':', ' ', '"']) && !value.is_empty() && !value.starts_with('$')
        })
    })
}

fn has_value(line: &str, key: &str) -> bool {
    line.trim()
        .strip_prefix(key)
        .and_then(|rest| rest.trim_start().strip_prefix(['=', ':']))
        .is_some_and(|value| !value.trim().is_empty())
}
