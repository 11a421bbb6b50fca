//! Which of a package's files a distroless base keeps.

/// Folders of documentation, translations and helpers of shells and package tools.
const DOCUMENTATION: [&str; 10] = [
    "usr/share/bash-completion",
    "usr/share/bug",
    "usr/share/doc-base",
    "usr/share/info",
    "usr/share/lintian",
    "usr/share/locale",
    "usr/share/man",
    "usr/share/menu",
    "usr/share/reportbug",
    "usr/share/zsh",
];

/// What only scripts of the shell, or the package manager, read.
const MAINTENANCE: [&str; 6] = [
    "etc/dpkg",
    "etc/profile.d",
    "etc/update-motd.d",
    "usr/share/base-files",
    "usr/share/debconf",
    "var/lib/dpkg",
];

const DOC: &str = "usr/share/doc";

/// Whether a distroless base has this path of a package.
pub(super) fn keeps(path: &[u8], documentation: bool) -> bool {
    let within = |folder: &&str| -> bool {
        path.strip_prefix(folder.as_bytes()).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    };
    if MAINTENANCE.iter().any(within) {
        return false;
    }
    documentation || (!DOCUMENTATION.iter().any(within) && keeps_doc(path))
}

/// Of `/usr/share/doc`: the folders of packages (or links to another package's) and the copyright files, which
/// licences ask to be handed on with the program.
fn keeps_doc(path: &[u8]) -> bool {
    let Some(rest) = path.strip_prefix(DOC.as_bytes()).and_then(|rest| rest.strip_prefix(b"/")) else {
        return true;
    };
    let mut parts = rest.split(|byte| *byte == b'/').skip(1);
    match (parts.next(), parts.next()) {
        (None, _) => true,
        (Some(name), None) => name == b"copyright",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documentation_goes_and_copyright_stays() {
        let paths: [(&[u8], bool); 9] = [
            (b"usr/share/doc", true),
            (b"usr/share/doc/curl", true),
            (b"usr/share/doc/curl/copyright", true),
            (b"usr/share/doc/curl/changelog.gz", false),
            (b"usr/share/doc/curl/examples/copyright", false),
            (b"usr/share/man/man1/curl.1.gz", false),
            (b"usr/share/manager", true),
            (b"usr/share/zoneinfo/UTC", true),
            (b"usr/bin/curl", true),
        ];
        for (path, kept) in paths {
            assert_eq!(keeps(path, false), kept, "{}", String::from_utf8_lossy(path));
        }
        assert!(keeps(b"usr/share/man/man1/curl.1.gz", true));
        assert!(!keeps(b"var/lib/dpkg/status", true));
    }
}
