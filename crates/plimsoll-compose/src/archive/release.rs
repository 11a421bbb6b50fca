//! The fields of a release file that matter here.

use plimsoll_oci::Digest;

use crate::deb822;
use crate::error::ComposeError;

/// A release file's content, taken from a verified text.
#[derive(Debug, Clone)]
pub(crate) struct Release {
    pub(crate) codename: String,
    /// Seconds since 1970.
    pub(crate) date: i64,
    /// Seconds since 1970, and as written.
    pub(crate) valid_until: Option<(i64, String)>,
    pub(crate) architectures: Vec<String>,
    pub(crate) components: Vec<String>,
    pub(crate) by_hash: bool,
    /// Digest of the whole signed text.
    pub(crate) digest: Digest,
    files: Vec<IndexFile>,
}

/// A file that the release file vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IndexFile {
    pub(crate) digest: Digest,
    pub(crate) size_bytes: u64,
    /// Below the suite's directory.
    pub(crate) path: String,
}

impl Release {
    /// Reads a verified text; `uri` is for messages.
    pub(crate) fn parse(text: &str, uri: &str) -> Result<Self, ComposeError> {
        let malformed = |problem| ComposeError::Malformed { place: uri.to_owned(), problem };
        let paragraphs = deb822::parse(text).map_err(|_| malformed("a line is no field"))?;
        let [fields] = paragraphs.as_slice() else {
            return Err(malformed("it is not one paragraph"));
        };
        let words = |name: &str| fields.words(name).map(str::to_owned).collect::<Vec<_>>();
        let date =
            fields.field("Date").and_then(parse_date).ok_or_else(|| malformed("it has no valid `Date`"))?;
        let valid_until = match fields.field("Valid-Until") {
            None => None,
            Some(text) => {
                let seconds = parse_date(text).ok_or_else(|| malformed("its `Valid-Until` is no date"))?;
                Some((seconds, text.to_owned()))
            }
        };
        let list = fields.field("SHA256").ok_or_else(|| malformed("it lists no SHA256 digests"))?;
        let files =
            list.lines().filter(|line| !line.trim().is_empty()).map(parse_file).collect::<Option<Vec<_>>>();
        let codename = fields.field("Codename").or_else(|| fields.field("Suite")).unwrap_or_default();
        Ok(Self {
            codename: codename.to_owned(),
            date,
            valid_until,
            architectures: words("Architectures"),
            components: words("Components"),
            by_hash: fields.field("Acquire-By-Hash") == Some("yes"),
            digest: Digest::of(text),
            files: files.ok_or_else(|| malformed("a line of its list of digests is broken"))?,
        })
    }

    /// The package index of a component, in its compressions, the smallest first.
    ///
    /// Security archives name their components `updates/main` but keep them in `main`.
    pub(crate) fn package_indexes(&self, component: &str, arch: &str) -> Vec<&IndexFile> {
        let component = component.strip_prefix("updates/").unwrap_or(component);
        let path = format!("{component}/binary-{arch}/Packages");
        let find = |extension: &str| {
            let wanted = format!("{path}{extension}");
            self.files.iter().find(|file| file.path == wanted)
        };
        [".xz", ".gz", ".zst", ".bz2", ""].into_iter().filter_map(find).collect()
    }
}

fn parse_file(line: &str) -> Option<IndexFile> {
    let mut words = line.split_ascii_whitespace();
    let digest = Digest::from_hex(words.next()?).ok()?;
    let size_bytes = words.next()?.parse().ok()?;
    let path = words.next()?.to_owned();
    // The path becomes part of an address.
    let plain = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    plain.then_some(IndexFile { digest, size_bytes, path })
}

/// Reads `Sat, 11 Jul 2026 10:16:37 UTC`.
fn parse_date(text: &str) -> Option<i64> {
    let text = text.trim();
    let zone = text.strip_suffix("UTC").or_else(|| text.strip_suffix("GMT"));
    let text = zone.map_or_else(|| text.to_owned(), |time| format!("{time}+0000"));
    let broken_down = jiff::fmt::strtime::parse("%a, %d %b %Y %H:%M:%S %z", &text).ok()?;
    Some(broken_down.to_timestamp().ok()?.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Codename: sid\nDate: Sat, 11 Jul 2026 10:16:37 UTC\nValid-Until: Sat, 18 Jul 2026 10:16:37 +0000\n\
        Architectures: all amd64\nComponents: main updates/contrib\nAcquire-By-Hash: yes\nSHA256:\n \
        e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 12 main/binary-amd64/Packages\n \
        e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 5 main/binary-amd64/Packages.xz\n";

    #[test]
    fn dates_and_indexes_are_read() {
        let release = Release::parse(TEXT, "u").unwrap();
        assert_eq!(release.date, 1_783_764_997);
        assert_eq!(release.valid_until.as_ref().unwrap().0 - release.date, 7 * 86_400);
        assert!(release.by_hash);
        let sizes: Vec<u64> =
            release.package_indexes("updates/main", "amd64").iter().map(|file| file.size_bytes).collect();
        assert_eq!(sizes, [5, 12]);
        assert!(release.package_indexes("main", "arm64").is_empty());
    }

    #[test]
    fn broken_files_are_refused() {
        for (from, to, want) in [
            ("Date: Sat", "Date: Son", "`Date`"),
            (" 12 ", " x ", "list of digests"),
            ("SHA256:", "SHA1:", "SHA256"),
            ("main/binary-amd64/Packages\n", "../Packages\n", "list of digests"),
            ("Codename: sid\n", "Codename: sid\n\nX: 1\n", "one paragraph"),
        ] {
            let error = Release::parse(&TEXT.replacen(from, to, 1), "u").unwrap_err().to_string();
            assert!(error.contains(want), "{error}");
        }
    }
}
