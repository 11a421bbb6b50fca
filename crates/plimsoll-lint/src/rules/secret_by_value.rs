//! `secret-by-value`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "secret-by-value",
    summary: "a token, key or password stands in the Dockerfile",
    severity: Severity::Error,
    aliases: &[],
    enabled: true,
    explanation: r"
Whoever can read the Dockerfile, the image's history or its layers has the secret; a later instruction takes it out of
none of them. The form of many tokens tells what they are, whatever the variable is called.

```dockerfile
FROM debian:trixie
RUN git clone https://builder:hunter2secret@git.example.org/project.git
```

Give it to the step that needs it, and to nothing else:

```dockerfile
FROM debian:trixie
RUN --mount=type=secret,id=GIT_AUTH_TOKEN,env=TOKEN git clone https://builder:$TOKEN@git.example.org/project.git
```

A secret that stood in a file has to be changed: it is in the history of the repository too.
",
    check,
};

/// What a token is, how it begins, how many characters follow at least, and which.
type Token = (&'static str, &'static str, usize, fn(u8) -> bool);

/// Tokens that begin with something of their own, as their makers publish it.
const TOKENS: [Token; 17] = [
    ("an access key of AWS", "AKIA", 16, is_upper),
    ("a temporary access key of AWS", "ASIA", 16, is_upper),
    ("a token of GitHub", "ghp_", 36, is_word),
    ("a token of GitHub", "gho_", 36, is_word),
    ("a token of GitHub", "ghu_", 36, is_word),
    ("a token of GitHub", "ghs_", 36, is_word),
    ("a token of GitHub", "github_pat_", 60, is_word),
    ("a token of GitLab", "glpat-", 20, is_token),
    ("a token of npm", "npm_", 36, is_word),
    ("a token of PyPI", "pypi-AgEIcHlwaS5vcmc", 50, is_token),
    ("a token of Slack", "xoxb-", 20, is_token),
    ("a token of Slack", "xoxp-", 20, is_token),
    ("a key of Google", "AIza", 35, is_token),
    ("a secret key of Stripe", "sk_live_", 24, is_word),
    ("a token of Docker Hub", "dckr_pat_", 27, is_token),
    ("a token of Hugging Face", "hf_", 34, is_word),
    ("a key of SendGrid", "SG.", 60, is_dotted),
];

fn is_upper(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_token(byte: u8) -> bool {
    is_word(byte) || byte == b'-'
}

fn is_dotted(byte: u8) -> bool {
    is_token(byte) || byte == b'.'
}

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for instruction in document.instructions() {
        let text = document.file.slice(instruction.span);
        for (span, what) in tokens(text).into_iter().chain(keys(text)).chain(passwords(text)) {
            let place = Span::new(instruction.span.start + span.start, instruction.span.start + span.end);
            found.push(
                Finding::new(&RULE, format!("{what} stands in the file"))
                    .at(place, instruction.span)
                    .hint("take it from `RUN --mount=type=secret`, and change it: it is known now"),
            );
        }
    }
}

fn tokens(text: &str) -> Vec<(Span, &'static str)> {
    let mut found = Vec::new();
    for (what, prefix, least, belongs) in TOKENS {
        for (at, _) in text.match_indices(prefix) {
            let before = text[..at].bytes().next_back();
            let length = text[at + prefix.len()..].bytes().take_while(|byte| belongs(*byte)).count();
            let body = &text[at + prefix.len()..at + prefix.len() + length];
            // Examples in documentation are rows of one character.
            let is_example = body.bytes().all(|byte| Some(byte) == body.bytes().next());
            if length >= least && !before.is_some_and(is_word) && !is_example {
                found.push((Span::new(at, at + prefix.len() + length), what));
            }
        }
    }
    found
}

/// The first lines of private keys in PEM form.
fn keys(text: &str) -> Vec<(Span, &'static str)> {
    const BEGIN: &str = "-----BEGIN ";
    let mut found = Vec::new();
    for (at, _) in text.match_indices(BEGIN) {
        let title = text[at + BEGIN.len()..].split("-----").next().unwrap_or_default();
        if title.ends_with("PRIVATE KEY") && title.len() < 40 {
            found.push((Span::new(at, at + BEGIN.len() + title.len() + 5), "a private key"));
        }
    }
    found
}

/// Passwords in addresses: `https://user:password@host`. What has variables in it holds none.
fn passwords(text: &str) -> Vec<(Span, &'static str)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("://") {
        let rest = &text[at + 3..];
        let end = rest
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | '`'))
            .unwrap_or(rest.len());
        let Some((login, _)) = rest[..end].rsplit_once('@') else { continue };
        let Some((_, password)) = login.split_once(':') else { continue };
        let is_placeholder = password.contains(['$', '<', '{', '*']) || password.is_empty();
        if !is_placeholder {
            let start = at + 3 + login.len() - password.len();
            found.push((Span::new(start, start + password.len()), "the password of an address"));
        }
    }
    found
}
