//! Until when operating systems are looked after: the last day of free security updates of each release.
//!
//! Looked up in November 2026 where each table says. A release that is not in a table is not known: nothing is said about it.

/// The releases of an operating system or of a program, each with the last day of free updates.
#[derive(Debug)]
pub struct Lifetime {
    /// `ID` of os-release.
    pub id: &'static str,
    /// How many numbers of a version name the release.
    pub numbers: usize,
    /// Where its makers publish the days.
    pub source: &'static str,
    /// The releases, oldest first, each with its day as `YYYY-MM-DD`.
    pub releases: &'static [(&'static str, &'static str)],
}

impl Lifetime {
    /// The release that a version is of, and its last day.
    pub fn of(&self, version: &str) -> Option<(&'static str, &'static str)> {
        let end = version.match_indices('.').nth(self.numbers - 1).map_or(version.len(), |(at, _)| at);
        self.releases.iter().find(|(release, _)| *release == &version[..end]).copied()
    }
}

/// What is known about updates of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// There are no releases: what is newest is looked after.
    Rolling,
    /// Up to this day, `YYYY-MM-DD`, and that day too.
    Until {
        /// The day.
        day: &'static str,
        /// Where its makers publish it.
        source: &'static str,
    },
    /// Nothing is known about it.
    Unknown,
}

impl Support {
    /// Whether there were no more updates on that day, `YYYY-MM-DD`.
    pub fn has_ended(&self, today: &str) -> bool {
        matches!(self, Self::Until { day, .. } if *day < today)
    }
}

/// Systems whose packages are always the newest.
const ROLLING: [&str; 7] = ["arch", "chainguard", "gentoo", "kali", "opensuse-tumbleweed", "void", "wolfi"];

/// How long the release with this `ID` and `VERSION_ID` of os-release is looked after.
pub fn support(id: &str, version: &str) -> Support {
    // Debian's testing and unstable have no version; Alpine's edge has one that is dated ahead: `3.23_alpha20251016`.
    let is_ahead = (id == "debian" && version.is_empty()) || (id == "alpine" && version.contains("_alpha"));
    if ROLLING.contains(&id) || is_ahead {
        return Support::Rolling;
    }
    match lifetime(id).and_then(|known| Some((known, known.of(version)?))) {
        Some((known, (_, day))) => Support::Until { day, source: known.source },
        None => Support::Unknown,
    }
}

/// The releases of an operating system.
pub fn lifetime(id: &str) -> Option<&'static Lifetime> {
    LIFETIMES.iter().find(|known| known.id == id)
}

static LIFETIMES: [Lifetime; 14] = [
    // With LTS, which is free and for everybody; "extended LTS" is neither.
    Lifetime {
        id: "debian",
        numbers: 1,
        source: "https://wiki.debian.org/LTS",
        releases: &[
            ("7", "2018-05-31"),
            ("8", "2020-06-30"),
            ("9", "2022-06-30"),
            ("10", "2024-06-30"),
            ("11", "2026-08-31"),
            ("12", "2028-06-30"),
            ("13", "2030-06-30"),
        ],
    },
    // Standard support; what follows it needs a subscription.
    Lifetime {
        id: "ubuntu",
        numbers: 2,
        source: "https://ubuntu.com/about/release-cycle",
        releases: &[
            ("14.04", "2019-04-25"),
            ("16.04", "2021-04-30"),
            ("18.04", "2023-05-31"),
            ("18.10", "2019-07-18"),
            ("19.04", "2020-01-23"),
            ("19.10", "2020-07-17"),
            ("20.04", "2025-05-29"),
            ("20.10", "2021-07-22"),
            ("21.04", "2022-01-20"),
            ("21.10", "2022-07-14"),
            ("22.04", "2027-06-01"),
            ("22.10", "2023-07-20"),
            ("23.04", "2024-01-25"),
            ("23.10", "2024-07-11"),
            ("24.04", "2029-05-31"),
            ("24.10", "2025-07-10"),
            ("25.04", "2026-01-15"),
            ("25.10", "2026-07-09"),
            ("26.04", "2031-05-29"),
        ],
    },
    Lifetime {
        id: "alpine",
        numbers: 2,
        source: "https://alpinelinux.org/releases/",
        releases: &[
            ("3.6", "2019-05-01"),
            ("3.7", "2019-11-01"),
            ("3.8", "2020-05-01"),
            ("3.9", "2020-11-01"),
            ("3.10", "2021-05-01"),
            ("3.11", "2021-11-01"),
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
            ("3.23", "2027-11-01"),
        ],
    },
    // Maintenance support; each minor release only until the next.
    Lifetime {
        id: "rhel",
        numbers: 1,
        source: "https://access.redhat.com/support/policy/updates/errata",
        releases: &[
            ("5", "2017-03-31"),
            ("6", "2020-11-30"),
            ("7", "2024-06-30"),
            ("8", "2029-05-31"),
            ("9", "2032-05-31"),
            ("10", "2035-05-31"),
        ],
    },
    Lifetime {
        id: "rocky",
        numbers: 1,
        source: "https://wiki.rockylinux.org/rocky/version/",
        releases: &[("8", "2029-05-31"), ("9", "2032-05-31"), ("10", "2035-05-31")],
    },
    Lifetime {
        id: "almalinux",
        numbers: 1,
        source: "https://wiki.almalinux.org/release-notes/",
        releases: &[("8", "2029-03-01"), ("9", "2032-05-31"), ("10", "2035-05-31")],
    },
    // From 9 on Stream, which has the same ID; Stream 8 ended too.
    Lifetime {
        id: "centos",
        numbers: 1,
        source: "https://www.centos.org/cl-vs-cs/",
        releases: &[
            ("5", "2017-03-31"),
            ("6", "2020-11-30"),
            ("7", "2024-06-30"),
            ("8", "2021-12-31"),
            ("9", "2027-05-31"),
            ("10", "2030-01-01"),
        ],
    },
    Lifetime {
        id: "amzn",
        numbers: 1,
        source: "https://aws.amazon.com/amazon-linux-2/faqs/",
        releases: &[("2018", "2023-12-31"), ("2", "2026-06-30"), ("2023", "2029-06-30")],
    },
    // Premier support.
    Lifetime {
        id: "ol",
        numbers: 1,
        source: "https://www.oracle.com/a/ocom/docs/elsp-lifetime-069338.pdf",
        releases: &[
            ("6", "2021-03-31"),
            ("7", "2024-12-31"),
            ("8", "2029-07-31"),
            ("9", "2032-06-30"),
            ("10", "2035-06-30"),
        ],
    },
    Lifetime {
        id: "fedora",
        numbers: 1,
        source: "https://docs.fedoraproject.org/en-US/releases/eol/",
        releases: &[
            ("36", "2023-05-16"),
            ("37", "2023-12-05"),
            ("38", "2024-05-21"),
            ("39", "2024-11-26"),
            ("40", "2025-05-13"),
            ("41", "2025-12-15"),
            ("42", "2026-05-28"),
        ],
    },
    Lifetime {
        id: "opensuse-leap",
        numbers: 2,
        source: "https://en.opensuse.org/Lifetime",
        releases: &[
            ("42.3", "2019-07-01"),
            ("15.0", "2019-12-03"),
            ("15.1", "2021-02-02"),
            ("15.2", "2022-01-04"),
            ("15.3", "2022-12-31"),
            ("15.4", "2023-12-07"),
            ("15.5", "2024-12-31"),
            ("15.6", "2026-04-30"),
            ("16.0", "2027-10-31"),
        ],
    },
    // General support; "LTSS" needs a subscription of its own.
    Lifetime {
        id: "sles",
        numbers: 2,
        source: "https://www.suse.com/lifecycle",
        releases: &[
            ("11.4", "2019-03-31"),
            ("12.3", "2019-06-30"),
            ("12.4", "2020-06-30"),
            ("12.5", "2024-10-31"),
            ("15", "2019-12-31"),
            ("15.1", "2021-01-31"),
            ("15.2", "2021-12-31"),
            ("15.3", "2022-12-31"),
            ("15.4", "2023-12-31"),
            ("15.5", "2024-12-31"),
            ("15.6", "2025-12-31"),
            ("15.7", "2031-07-31"),
            ("16.0", "2027-11-30"),
        ],
    },
    Lifetime {
        id: "photon",
        numbers: 2,
        source: "https://github.com/vmware/photon/wiki",
        releases: &[
            ("1.0", "2022-02-28"),
            ("2.0", "2022-12-31"),
            ("3.0", "2024-03-01"),
            ("4.0", "2026-02-28"),
        ],
    },
    // What is called Azure Linux now.
    Lifetime {
        id: "mariner",
        numbers: 2,
        source: "https://learn.microsoft.com/azure/azure-linux/support-cycle",
        releases: &[("1.0", "2023-07-31"), ("2.0", "2025-07-31")],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn day(id: &str, version: &str) -> &'static str {
        match support(id, version) {
            Support::Until { day, .. } => day,
            Support::Rolling => "rolling",
            Support::Unknown => "unknown",
        }
    }

    #[test]
    fn a_version_is_of_the_release_that_its_first_numbers_name() {
        assert_eq!(day("debian", "12"), "2028-06-30");
        assert_eq!(day("debian", "12.5"), "2028-06-30");
        assert_eq!(day("alpine", "3.18.4"), "2025-05-09");
        assert_eq!(day("rhel", "8.10"), "2029-05-31");
        assert_eq!(day("centos", "7.9.2009"), "2024-06-30");
        assert_eq!(day("amzn", "2018.03"), "2023-12-31");
        assert_eq!(day("sles", "15.9"), "unknown");
        assert_eq!(day("sles", "15"), "2019-12-31");
        assert_eq!(day("nobody", "1"), "unknown");
        assert_eq!(day("alpine", "3.1"), "unknown");
    }

    #[test]
    fn what_has_no_releases_never_ends() {
        for (id, version) in [("wolfi", "20230201"), ("debian", ""), ("alpine", "3.23_alpha20251016")] {
            assert_eq!(day(id, version), "rolling", "{id} {version}");
            assert!(!support(id, version).has_ended("2999-01-01"));
        }
    }

    #[test]
    fn the_last_day_is_still_looked_after() {
        let debian = support("debian", "11");
        assert!(!debian.has_ended("2026-08-31"));
        assert!(debian.has_ended("2026-09-01"));
    }

    #[test]
    fn days_are_days_and_releases_are_named_once() {
        for known in &LIFETIMES {
            let mut names: Vec<_> = known.releases.iter().map(|(name, _)| name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), known.releases.len(), "{}", known.id);
            for (release, day) in known.releases {
                assert_eq!(known.of(release), Some((*release, *day)), "{} {release}", known.id);
                let shape: String = day.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
                assert_eq!(shape, "0000-00-00", "{} {release}", known.id);
            }
        }
    }
}
