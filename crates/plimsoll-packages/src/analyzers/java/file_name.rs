//! `artifact-version.jar`, as Maven names archives.

/// What follows a version in it.
const QUALIFIERS: [&str; 14] = [
    "alpha",
    "android",
    "beta",
    "cr",
    "ea",
    "final",
    "ga",
    "incubating",
    "jre",
    "m",
    "pre",
    "rc",
    "release",
    "snapshot",
];
/// What follows a version and is not of it: for which machines the archive is, or what it holds.
const CLASSIFIERS: [&str; 14] = [
    "all",
    "bin",
    "exec",
    "jar",
    "javadoc",
    "linux",
    "natives",
    "osx",
    "shaded",
    "sources",
    "standalone",
    "tests",
    "uber",
    "windows",
];

/// The name without its ending, parted into artifact and version; without a version if it has none.
pub(super) fn split(name: &str) -> (String, Option<String>) {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let dashes = stem.match_indices('-').map(|(at, _)| at);
    let at = dashes.filter(|at| *at > 0).find(|at| is_version(&stem[at + 1..]));
    match at {
        Some(at) => (stem[..at].to_owned(), Some(without_classifier(&stem[at + 1..]))),
        None => (stem.to_owned(), None),
    }
}

/// `1.2-api-2.17.1` is none: after a word that is no qualifier of versions, another version begins.
fn is_version(text: &str) -> bool {
    let begins = |part: &str| part.starts_with(|first: char| first.is_ascii_digit());
    let parts: Vec<&str> = text.split('-').collect();
    let goes_on =
        parts.windows(2).any(|pair| !begins(pair[0]) && !is_one(&QUALIFIERS, pair[0]) && begins(pair[1]));
    begins(parts[0]) && !goes_on
}

fn without_classifier(version: &str) -> String {
    let parts: Vec<&str> = version.split('-').collect();
    let end =
        parts.iter().skip(1).position(|part| is_one(&CLASSIFIERS, part)).map_or(parts.len(), |at| at + 1);
    parts[..end].join("-")
}

fn is_one(words: &[&str], part: &str) -> bool {
    let letters = part.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
    words.contains(&letters.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn artifact_and_version_are_parted() {
        for (name, artifact, version) in [
            ("commons-lang3-3.12.0.jar", "commons-lang3", Some("3.12.0")),
            ("guava-31.1-jre.jar", "guava", Some("31.1-jre")),
            ("log4j-1.2-api-2.17.1.jar", "log4j-1.2-api", Some("2.17.1")),
            ("kafka_2.13-3.6.1.jar", "kafka_2.13", Some("3.6.1")),
            ("netty-epoll-4.1.94.Final-linux-x86_64.jar", "netty-epoll", Some("4.1.94.Final")),
            ("app-1.0-20210101.123456-1.jar", "app", Some("1.0-20210101.123456-1")),
            ("xmlsec-2.0.0-beta-1.jar", "xmlsec", Some("2.0.0-beta-1")),
            ("git-client.hpi", "git-client", None),
            ("app.jar", "app", None),
            ("-1.jar", "-1", None),
        ] {
            assert_eq!(split(name), (artifact.to_owned(), version.map(str::to_owned)), "{name}");
        }
    }
}
