//! `obsolete-install-flag`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "obsolete-install-flag",
    summary: "a flag of a package manager is deprecated, or does not exist",
    severity: Severity::Warning,
    aliases: &[],
    enabled: true,
    explanation: r"
Package managers change their flags. An old one prints a warning that nobody reads and one day is an error; one that never
existed fails, or worse, is taken for something else.

```dockerfile
FROM node:22
RUN npm ci --only=production
```

Use what has taken its place:

```dockerfile
FROM node:22
RUN npm ci --omit=dev
```
",
    check,
};

/// A flag that is not to be used.
struct Obsolete {
    names: &'static [&'static str],
    /// As it is written; with `=` at the end, any value.
    flag: &'static str,
    /// What takes its place; empty when something else must be done.
    instead: &'static str,
    /// Whether the program refuses it.
    is_refused: bool,
    hint: &'static str,
}

const fn renamed(names: &'static [&'static str], flag: &'static str, instead: &'static str) -> Obsolete {
    Obsolete { names, flag, instead, is_refused: false, hint: "" }
}

const fn gone(names: &'static [&'static str], flag: &'static str, hint: &'static str) -> Obsolete {
    Obsolete { names, flag, instead: "", is_refused: true, hint }
}

const PIP: &[&str] = &["pip", "pip3"];

const OBSOLETE: [Obsolete; 16] = [
    renamed(&["npm"], "--only=production", "--omit=dev"),
    renamed(&["npm"], "--only=prod", "--omit=dev"),
    renamed(&["npm"], "--production", "--omit=dev"),
    renamed(&["npm"], "--no-optional", "--omit=optional"),
    gone(PIP, "--no-dev", "keep what only development needs in a file of its own, and do not install that"),
    gone(PIP, "--use-mirrors", "remove it"),
    gone(PIP, "--use-wheel", "remove it: wheels are used anyway"),
    renamed(&["poetry"], "--no-dev", "--only=main"),
    gone(&["poetry"], "--dev-only", "write `--only=dev`"),
    renamed(&["gem"], "--no-ri", "--no-document"),
    renamed(&["gem"], "--no-rdoc", "--no-document"),
    renamed(&["apt-get"], "--force-yes", "--yes"),
    Obsolete {
        names: &["bundle", "bundler"],
        flag: "--without",
        instead: "",
        is_refused: false,
        hint: "set `ENV BUNDLE_WITHOUT=development:test`",
    },
    Obsolete {
        names: &["bundle", "bundler"],
        flag: "--deployment",
        instead: "",
        is_refused: false,
        hint: "set `ENV BUNDLE_DEPLOYMENT=1`",
    },
    gone(&["go"], "-insecure", "set `GOINSECURE`"),
    gone(
        &["yarn"],
        "--omit=dev",
        "write `--production`, with newer versions `yarn workspaces focus --production`",
    ),
];

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for run in document.runs() {
        for call in &run.calls {
            let flags = call.arguments().iter().take_while(|word| word.text != "--");
            for word in flags {
                let known = OBSOLETE.iter().find(|one| {
                    let head = word.text.split('=').next().unwrap_or_default();
                    one.names.contains(&call.name()) && (one.flag == word.text || one.flag == head)
                });
                if let Some(known) = known {
                    found.push(report(document, &run, call, word, known));
                }
            }
        }
    }
}

fn report(
    document: &Document<'_>,
    run: &RunView<'_, '_>,
    call: &Call<'_>,
    word: &Word,
    known: &Obsolete,
) -> Finding {
    let name = call.name();
    let message = if known.is_refused {
        format!("`{name}` has no flag `{}`", known.flag)
    } else {
        format!("the flag `{}` of `{name}` is deprecated", known.flag)
    };
    let finding = run.finding(&RULE, message, word.span);
    if known.instead.is_empty() {
        return finding.hint(known.hint);
    }
    let finding = finding.hint(format!("write `{}`", known.instead));
    if run.is_editable(document, word) {
        let edit = replace(run.script.place(word.span), known.instead);
        return finding.safe_fix(format!("write `{}`", known.instead), vec![edit]);
    }
    finding
}
