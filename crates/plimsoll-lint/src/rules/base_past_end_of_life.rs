//! `base-past-end-of-life`.

use plimsoll_packages::Lifetime;

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "base-past-end-of-life",
    summary: "nobody mends the base image any more",
    severity: Severity::Warning,
    aliases: &[],
    enabled: true,
    explanation: r"
A distribution or runtime that has reached its end of life gets no more fixes: what is found in it from then on stays in
your image. The dates are those that its makers have published, of free support.

```dockerfile
FROM node:16
```

Move to a version that is looked after:

```dockerfile
FROM node:24
```
",
    check,
};

/// Runtimes by the names of their images, looked up in November 2026. Those of distributions are where packages are found.
static RUNTIMES: [Lifetime; 4] = [
    Lifetime {
        id: "node",
        numbers: 1,
        source: "https://nodejs.org/en/about/previous-releases",
        releases: &[
            ("10", "2021-04-30"),
            ("12", "2022-04-30"),
            ("14", "2023-04-30"),
            ("16", "2023-09-11"),
            ("18", "2025-04-30"),
            ("20", "2026-04-30"),
            ("22", "2027-04-30"),
            ("24", "2028-04-30"),
        ],
    },
    Lifetime {
        id: "python",
        numbers: 2,
        source: "https://devguide.python.org/versions/",
        releases: &[
            ("2.7", "2020-01-01"),
            ("3.6", "2021-12-23"),
            ("3.7", "2023-06-27"),
            ("3.8", "2024-10-07"),
            ("3.9", "2025-10-31"),
            ("3.10", "2026-10-31"),
            ("3.11", "2027-10-31"),
            ("3.12", "2028-10-31"),
            ("3.13", "2029-10-31"),
        ],
    },
    Lifetime {
        id: "php",
        numbers: 2,
        source: "https://www.php.net/supported-versions.php",
        releases: &[
            ("7.4", "2022-11-28"),
            ("8.0", "2023-11-26"),
            ("8.1", "2025-12-31"),
            ("8.2", "2026-12-31"),
            ("8.3", "2027-12-31"),
            ("8.4", "2028-12-31"),
        ],
    },
    Lifetime {
        id: "ruby",
        numbers: 2,
        source: "https://www.ruby-lang.org/en/downloads/branches/",
        releases: &[
            ("2.7", "2023-03-31"),
            ("3.0", "2024-04-23"),
            ("3.1", "2025-03-26"),
            ("3.2", "2026-03-31"),
        ],
    },
];

/// Code names of versions, in tags of their own images and at the end of others' tags.
const CODE_NAMES: [(&str, &str, &str); 12] = [
    ("jessie", "debian", "8"),
    ("stretch", "debian", "9"),
    ("buster", "debian", "10"),
    ("bullseye", "debian", "11"),
    ("bookworm", "debian", "12"),
    ("trixie", "debian", "13"),
    ("trusty", "ubuntu", "14.04"),
    ("xenial", "ubuntu", "16.04"),
    ("bionic", "ubuntu", "18.04"),
    ("focal", "ubuntu", "20.04"),
    ("jammy", "ubuntu", "22.04"),
    ("noble", "ubuntu", "24.04"),
];

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    let Some(today) = &document.options.today else { return };
    for (base, image) in document.base_images() {
        let Ok(reference) = image.parse::<Reference>() else { continue };
        let Some(tag) = reference.tag() else { continue };
        let repository = reference.repository().rsplit('/').next().unwrap_or_default();
        let ended = parts(repository, tag).into_iter().find(|(.., end)| *end < today.as_str());
        let Some((name, version, end)) = ended else { continue };
        found.push(
            Finding::new(&RULE, format!("{name} {version} has had no fixes since {end}"))
                .at(base.from.image.span, base.instruction.span)
                .hint(newest(name, today).map_or_else(
                    || "move to what has taken its place".to_owned(),
                    |version| format!("the newest version known here is {version}"),
                )),
        );
    }
}

/// What is in an image by its name and tag: name, version and last day of support of each part that is known.
fn parts(repository: &str, tag: &str) -> Vec<(&'static str, &'static str, &'static str)> {
    let digits = |part: &str| part.bytes().take_while(u8::is_ascii_digit).count();
    let major = digits(tag);
    let minor = tag[major..].strip_prefix('.').map_or(0, |rest| digits(rest) + 1);
    let by_major = lifetime(repository).is_some_and(|known| known.numbers == 1);
    let own = if by_major { &tag[..major] } else { &tag[..major + minor] };
    let mut parts: Vec<_> = entry(repository, own).into_iter().collect();
    for word in tag.split('-') {
        if let Some((_, name, version)) = CODE_NAMES.iter().find(|(code, ..)| *code == word) {
            parts.extend(entry(name, version));
        } else if let Some(version) = word.strip_prefix("alpine") {
            parts.extend(entry("alpine", version));
        }
    }
    parts
}

fn lifetime(repository: &str) -> Option<&'static Lifetime> {
    let runtime = RUNTIMES.iter().find(|known| known.id == repository);
    runtime.or_else(|| plimsoll_packages::lifetime(repository))
}

fn entry(repository: &str, version: &str) -> Option<(&'static str, &'static str, &'static str)> {
    let known = lifetime(repository)?;
    let (version, end) = known.of(version)?;
    Some((known.id, version, end))
}

fn newest(repository: &str, today: &str) -> Option<&'static str> {
    let mut versions = lifetime(repository)?.releases.iter();
    versions.rfind(|(_, end)| *end >= today).map(|(version, _)| *version)
}
