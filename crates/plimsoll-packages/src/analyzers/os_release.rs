//! The operating system: `etc/os-release`, or `usr/lib/os-release` where that is the file (os-release(5)).

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File, OperatingSystem};
use crate::read_at::{ReadAt, read_whole};

const FILES: [&[u8]; 2] = [b"etc/os-release", b"usr/lib/os-release"];
const MOST_BYTES: u64 = 64 << 10;

pub(super) static ANALYZER: Analyzer =
    Analyzer { name: "os-release", version: 1, wants: |file| FILES.contains(&file.path), analyze };

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let bytes = read_whole(content, MOST_BYTES)?;
    let text = String::from_utf8_lossy(&bytes);
    let value = |name: &str| text.lines().rev().find_map(|line| assignment(line, name));

    // "If not set, a default of `ID=linux` may be used": then nothing can be said about it.
    let Some(id) = value("ID").filter(|id| !id.is_empty()) else {
        return Err(AnalyzerError::format("an os-release file", "no line sets `ID`"));
    };
    let version = value("VERSION_ID").unwrap_or_default();
    let name = value("PRETTY_NAME").unwrap_or_else(|| format!("{id} {version}").trim_end().to_owned());
    let codename = value("VERSION_CODENAME").unwrap_or_default();
    let like = value("ID_LIKE").unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    let system = OperatingSystem { id, version, codename, name, like };
    Ok(Analysis { system: Some(system), ..Analysis::default() })
}

/// The value that a line of shell-like assignments gives a name.
fn assignment(line: &str, name: &str) -> Option<String> {
    let value = line.trim().strip_prefix(name)?.strip_prefix('=')?.trim();
    let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''));
    let inner = match quote {
        Some(quote) => value[1..].strip_suffix(quote).unwrap_or(&value[1..]),
        None => value,
    };
    let mut plain = String::with_capacity(inner.len());
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if quote != Some('\'') => plain.extend(letters.next()),
            other => plain.push(other),
        }
    }
    Some(plain)
}
