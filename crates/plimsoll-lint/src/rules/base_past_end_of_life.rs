//! `base-past-end-of-life`.

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

/// Versions of an image, each with the last day of free support.
struct Lifetimes {
    /// The last part of the repository's name.
    repository: &'static str,
    /// Whether only the first number of a tag tells the version; else the first two do.
    by_major: bool,
    versions: &'static [(&'static str, &'static str)],
}

/// As published by the makers, looked up in November 2026: <https://www.debian.org/releases/> and its LTS pages,
/// <https://ubuntu.com/about/release-cycle>, <https://alpinelinux.org/releases/>, <https://nodejs.org/en/about/previous-releases>,
/// <https://devguide.python.org/versions/>, <https://www.php.net/supported-versions.php>, <https://www.ruby-lang.org/en/downloads/branches/>.
static LIFETIMES: [Lifetimes; 9] = [
    Lifetimes {
        repository: "debian",
        by_major: true,
        versions: &[
            ("8", "2020-06-30"),
            ("9", "2022-06-30"),
            ("10", "2024-06-30"),
            ("11", "2026-08-31"),
            ("12", "2028-06-30"),
            ("13", "2030-06-30"),
        ],
    },
    Lifetimes {
        repository: "ubuntu",
        by_major: false,
        versions: &[
            ("14.04", "2019-04-25"),
            ("16.04", "2021-04-30"),
            ("18.04", "2023-05-31"),
            ("20.04", "2025-05-31"),
            ("22.04", "2027-04-30"),
            ("24.04", "2029-04-30"),
        ],
    },
    Lifetimes {
        repository: "alpine",
        by_major: false,
        versions: &[
            ("3.12", "2022-05-01"),
            ("3.13", "2022-11-01"),
            ("3.14", "2023-05-01"),
            ("3.15", "2023-11-01"),
            ("3.16", "2024-05-23"),
            ("3.17", "2024-11-22"),
            ("3.18", "2025-05-09"),
            ("3.19", "2025-11-01"),
            ("3.20", "2026-04-01"),
            ("3.21", "2026-11-01"),
            ("3.22", "2027-05-01"),
        ],
    },
    Lifetimes {
        repository: "node",
        by_major: true,
        versions: &[
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
    Lifetimes {
        repository: "python",
        by_major: false,
        versions: &[
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
    Lifetimes {
        repository: "php",
        by_major: false,
        versions: &[
            ("7.4", "2022-11-28"),
            ("8.0", "2023-11-26"),
            ("8.1", "2025-12-31"),
            ("8.2", "2026-12-31"),
            ("8.3", "2027-12-31"),
            ("8.4", "2028-12-31"),
        ],
    },
    Lifetimes {
        repository: "ruby",
        by_major: false,
        versions: &[
            ("2.7", "2023-03-31"),
            ("3.0", "2024-04-23"),
            ("3.1", "2025-03-26"),
            ("3.2", "2026-03-31"),
        ],
    },
    Lifetimes {
        repository: "centos",
        by_major: true,
        versions: &[("6", "2020-11-30"), ("7", "2024-06-30"), ("8", "2021-12-31")],
    },
    Lifetimes {
        repository: "fedora",
        by_major: true,
        versions: &[("39", "2024-11-26"), ("40", "2025-05-13"), ("41", "2025-12-15")],
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
    let by_major = lifetimes(repository).is_some_and(|known| known.by_major);
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

fn lifetimes(repository: &str) -> Option<&'static Lifetimes> {
    LIFETIMES.iter().find(|known| known.repository == repository)
}

fn entry(repository: &str, version: &str) -> Option<(&'static str, &'static str, &'static str)> {
    let known = lifetimes(repository)?;
    let (version, end) = known.versions.iter().find(|(name, _)| *name == version)?;
    Some((known.repository, version, end))
}

fn newest(repository: &str, today: &str) -> Option<&'static str> {
    let mut versions = lifetimes(repository)?.versions.iter();
    versions.rfind(|(_, end)| *end >= today).map(|(version, _)| *version)
}
