//! Which files belong to which package: `var/lib/dpkg/info/NAME.list`, and distroless' `var/lib/dpkg/status.d/NAME.md5sums`.

use super::status::is_in_status_d;
use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File, Owned};
use crate::read_at::{ReadAt, read_whole};

const MOST_BYTES: u64 = 32 << 20;
const MD5_DIGITS: usize = 32;

pub(super) static ANALYZER: Analyzer = Analyzer { name: "dpkg-files", version: 1, wants, analyze };

fn wants(file: &File<'_>) -> bool {
    (file.folder() == b"var/lib/dpkg/info" && file.name().ends_with(b".list")) || is_md5sums(file)
}

fn is_md5sums(file: &File<'_>) -> bool {
    is_in_status_d(file) && file.name().ends_with(b".md5sums")
}

fn analyze(file: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let bytes = read_whole(content, MOST_BYTES)?;
    let text = String::from_utf8_lossy(&bytes);
    let paths = if is_md5sums(file) {
        text.lines().filter_map(summed).map(str::to_owned).collect()
    } else {
        let from_root = text.lines().map(|line| line.trim_start_matches('/'));
        from_root.filter(|path| !matches!(*path, "" | ".")).map(str::to_owned).collect()
    };
    let name = String::from_utf8_lossy(file.name());
    let stem = name.rsplit_once('.').map_or(&*name, |(stem, _)| stem);
    // `libc6:amd64.list`: packages of several architectures may be installed side by side.
    let package = stem.split(':').next().unwrap_or(stem).to_owned();
    Ok(Analysis { owned: vec![Owned { package, paths }], ..Analysis::default() })
}

/// The path of a line of md5sum(1).
fn summed(line: &str) -> Option<&str> {
    let (digest, path) = line.split_once(' ')?;
    let path = path.trim_start_matches([' ', '*']).trim_start_matches("./").trim_start_matches('/');
    (digest.len() == MD5_DIGITS && !path.is_empty()).then_some(path)
}
