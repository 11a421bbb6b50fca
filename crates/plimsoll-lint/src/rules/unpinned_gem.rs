//! `unpinned-gem`.

use super::packages::{always, report_unpinned};
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "unpinned-gem",
    summary: "`gem install` takes whatever version of a gem there is",
    severity: Severity::Warning,
    aliases: &["DL3028"],
    enabled: true,
    explanation: r"
Without a version the newest one of the day is installed. Inside a project, Bundler installs what the lock file says.

```dockerfile
FROM ruby:3.4
RUN gem install bundler
```

Write instead:

```dockerfile
FROM ruby:3.4
RUN gem install bundler:2.6.9
```
",
    check,
};

const VALUED: [&str; 19] = [
    "without",
    "document",
    "u",
    "i",
    "install-dir",
    "n",
    "bindir",
    "P",
    "trust-policy",
    "platform",
    "build-root",
    "s",
    "source",
    "http-proxy",
    "p",
    "g",
    "file",
    "config-file",
    "B",
];

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    report_unpinned(
        document,
        &RULE,
        ("DL3028", always),
        packages,
        is_pinned,
        |name| format!("{name}:1.2.3"),
        found,
    );
}

fn packages<'s>(call: &Call<'s>) -> Vec<&'s Word> {
    // Behind `--` stands what the gem's own build takes.
    let end = call.words.iter().position(|word| word.text == "--").unwrap_or(call.words.len());
    let call = Call { words: &call.words[..end], ..*call };
    if call.name() != "gem" || call.has_flag(&["v", "version"]) {
        return Vec::new();
    }
    let words = call.operands_without(&VALUED);
    let verb = words.iter().position(|word| matches!(word.text.as_str(), "install" | "i"));
    verb.map_or_else(Vec::new, |verb| words[verb + 1..].to_vec())
}

fn is_pinned(gem: &str) -> bool {
    gem.contains(':') || has_extension(gem, "gem")
}
