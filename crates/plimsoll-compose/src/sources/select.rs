//! Which archives a suite is taken from.
//!
//! Only the distribution's own archive counts: a third party that happens to name its suites alike (`bookworm`
//! with a component of its own) would otherwise slip its packages into bases. An entry is the distribution's
//! when it has the component `main` and its keyring is an archive keyring or not named.

use super::{AptSource, SignedBy};

/// One suite of one archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// Addresses that hold the same files; tried in order.
    pub uris: Vec<String>,
    /// The suite as it is named below `dists/`.
    pub suite: String,
    /// The components.
    pub components: Vec<String>,
    /// Which keys may sign.
    pub signed_by: Option<SignedBy>,
    /// The architectures that it is meant for; empty means all.
    pub architectures: Vec<String>,
    /// Whether the archive may lack this suite: it was derived, not named.
    pub optional: bool,
    /// Whether an outdated release file is refused, where the entry says so.
    pub check_valid_until: Option<bool>,
}

/// The archives that `suite` is taken from: the suite itself, its updates and its security updates.
///
/// Where the sources name the suite, exactly what they name is used. Where they name other suites of the same
/// archive (`bookworm` on the host, `sid` asked for), the same addresses are used with that suite. Nothing is
/// found when no entry is the distribution's own.
pub fn select(sources: &[AptSource], suite: &str) -> Vec<Archive> {
    // Backports need the suite that they are for.
    let base = suite.strip_suffix("-backports").unwrap_or(suite);
    let own: Vec<&AptSource> = sources.iter().filter(|source| is_distribution(source)).collect();
    let updates = format!("{base}-updates");
    let security = [format!("{base}-security"), format!("{base}/updates")];
    let mut archives: Vec<Archive> = Vec::new();
    let mut add = |archive: Archive| {
        if !archives.iter().any(|known| known.suite == archive.suite && known.uris == archive.uris) {
            archives.push(archive);
        }
    };
    if own.iter().any(|source| source.suites.iter().any(|name| name == base)) {
        for source in &own {
            for name in &source.suites {
                if name == base || *name == updates || security.contains(name) {
                    add(archive(source, name, false));
                }
            }
        }
        if suite != base {
            let named = own.iter().find(|source| source.suites.iter().any(|name| name == suite));
            let main = own.iter().find(|source| source.suites.iter().any(|name| name == base));
            if let Some(source) = named.or(main) {
                add(archive(source, suite, false));
            }
        }
        return archives;
    }
    let main = own.iter().find(|source| source.suites.iter().any(|name| kind(name) == Kind::Release));
    let Some(main) = main else { return archives };
    add(archive(main, base, false));
    // These three roll: what is new is in the suite itself.
    if !matches!(base, "sid" | "unstable" | "experimental") {
        add(archive(main, &updates, true));
        if let Some(source) =
            own.iter().find(|source| source.suites.iter().any(|name| kind(name) == Kind::Security))
        {
            add(archive(source, &security[0], true));
        }
    }
    if suite != base {
        add(archive(main, suite, false));
    }
    archives
}

fn archive(source: &AptSource, suite: &str, optional: bool) -> Archive {
    Archive {
        uris: source.uris.iter().map(|uri| uri.trim_end_matches('/').to_owned()).collect(),
        suite: suite.to_owned(),
        components: source.components.clone(),
        signed_by: source.signed_by.clone(),
        architectures: source.architectures.clone(),
        optional,
        check_valid_until: source.check_valid_until,
    }
}

fn is_distribution(source: &AptSource) -> bool {
    let archive_keyring = source.signed_by.as_ref().is_none_or(|signed_by| {
        signed_by.embedded.is_some()
            || signed_by.files.iter().any(|file| {
                file.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.contains("archive"))
            })
    });
    source.types.iter().any(|kind| kind == "deb")
        && source.components.iter().any(|component| component == "main")
        && source.uris.iter().any(|uri| uri.starts_with("http://") || uri.starts_with("https://"))
        && archive_keyring
}

#[derive(PartialEq, Eq)]
enum Kind {
    Release,
    Security,
    Other,
}

fn kind(suite: &str) -> Kind {
    if suite.ends_with("-security") || suite.ends_with("/updates") {
        Kind::Security
    } else if suite.contains('-') || suite.contains('/') {
        Kind::Other
    } else {
        Kind::Release
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::parse_sources_list;

    const HOST: &str = "\
deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://m.example/debian/ bookworm main
deb http://m.example/debian bookworm-updates main
deb http://m.example/debian bookworm-backports main
deb http://s.example/debian-security bookworm-security main
deb [signed-by=/k/other.gpg] https://third.example/debian bookworm main
deb https://docker.example/linux/debian bookworm stable
";

    fn selected(text: &str, suite: &str) -> Vec<String> {
        let archives = select(&parse_sources_list(text).unwrap(), suite);
        archives
            .iter()
            .map(|archive| {
                let mark = if archive.optional { "?" } else { "" };
                format!("{} {}{mark}", archive.uris[0], archive.suite)
            })
            .collect()
    }

    #[test]
    fn a_named_suite_brings_its_updates_and_nothing_of_third_parties() {
        assert_eq!(
            selected(HOST, "bookworm"),
            [
                "http://m.example/debian bookworm",
                "http://m.example/debian bookworm-updates",
                "http://s.example/debian-security bookworm-security",
            ]
        );
    }

    #[test]
    fn another_suite_of_the_same_archive_is_derived() {
        assert_eq!(
            selected(HOST, "trixie"),
            [
                "http://m.example/debian trixie",
                "http://m.example/debian trixie-updates?",
                "http://s.example/debian-security trixie-security?",
            ]
        );
        assert_eq!(selected(HOST, "sid"), ["http://m.example/debian sid"]);
    }

    #[test]
    fn backports_come_with_their_suite() {
        let names = selected(HOST, "bookworm-backports");
        assert_eq!(names.len(), 4);
        assert_eq!(names[3], "http://m.example/debian bookworm-backports");
    }

    #[test]
    fn only_third_parties_give_nothing() {
        assert!(selected("deb https://docker.example/linux/debian bookworm stable\n", "bookworm").is_empty());
        assert!(
            selected("deb [signed-by=/k/other.gpg] https://x.example/d bookworm main\n", "bookworm")
                .is_empty()
        );
    }
}
