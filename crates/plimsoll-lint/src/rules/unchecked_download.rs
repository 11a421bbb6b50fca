//! `unchecked-download`.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "unchecked-download",
    summary: "`ADD` takes whatever an address or a branch holds at that moment",
    severity: Severity::Info,
    aliases: &[],
    enabled: true,
    explanation: r"
What is behind an address or a branch can change: then the same Dockerfile gives another image, without a word.

```dockerfile
FROM debian:trixie
ADD https://example.org/tool-1.2.tar.gz /opt/
ADD https://git.example.org/team/project.git#main /src
```

Say what you expect, and the build fails when it is something else:

```dockerfile
FROM debian:trixie
ADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://example.org/tool-1.2.tar.gz /opt/
ADD https://git.example.org/team/project.git#5d41402abc4b2a76b9719d911017c592ae5b0a11 /src
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for stage in document.wanted_stages() {
        for step in &stage.steps {
            let InstructionKind::Add(add) = step.kind() else { continue };
            if add.checksum.is_some() {
                continue;
            }
            for source in &add.transfer.sources {
                let Source::Path(path) = source else { continue };
                let Some(value) = document.expand(stage, step, &path.value) else { continue };
                let Some(hint) = advice(&value) else { continue };
                found.push(
                    Finding::new(&RULE, "nothing says which content is expected here")
                        .at(path.span, step.span())
                        .hint(hint),
                );
            }
        }
    }
}

/// What to do about a source; nothing when it is in the context, or says what it holds.
fn advice(source: &str) -> Option<&'static str> {
    let (address, fragment) = source.split_once('#').unwrap_or((source, ""));
    let is_web = address.starts_with("https://") || address.starts_with("http://");
    let is_git = address.starts_with("git@")
        || address.starts_with("git://")
        || address.starts_with("ssh://")
        || (is_web && has_extension(address, "git"));
    if is_git {
        let commit = fragment.split(':').next().unwrap_or_default();
        let is_commit = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        return (!is_commit).then_some("name the commit behind a `#`, or add `--checksum=COMMIT`");
    }
    is_web.then_some("add `--checksum=sha256:…`")
}
