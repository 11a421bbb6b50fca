//! Licences of packages: `usr/share/doc/NAME/copyright`.
//!
//! In the machine-readable format (DEP-5) the first lines of its `License` fields are the names. Other files are prose: what is
//! sure there are the texts in `/usr/share/common-licenses` that they refer to (Debian Policy, 12.5).

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File, Licensed};
use crate::read_at::{ReadAt, read_start};

/// The rest of a longer file says nothing new: full texts of licences.
const MOST_BYTES: u64 = 1 << 20;
const LONGEST_NAME: usize = 200;
const COMMON: &str = "/usr/share/common-licenses/";

pub(super) static ANALYZER: Analyzer =
    Analyzer { name: "dpkg-licenses", version: 1, wants: |file| package(file).is_some(), analyze };

fn package<'a>(file: &File<'a>) -> Option<&'a [u8]> {
    let name = file.path.strip_prefix(b"usr/share/doc/")?.strip_suffix(b"/copyright")?;
    (!name.is_empty() && !name.contains(&b'/')).then_some(name)
}

fn analyze(file: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let bytes = read_start(content, MOST_BYTES)?;
    let text = String::from_utf8_lossy(&bytes);
    let mut licenses = if is_machine_readable(&text) { fields(&text) } else { references(&text) };
    licenses.sort_unstable();
    licenses.dedup();
    let mut analysis = Analysis::default();
    if let Some(name) = package(file).filter(|_| !licenses.is_empty()) {
        analysis.licensed.push(Licensed { package: String::from_utf8_lossy(name).into_owned(), licenses });
    }
    Ok(analysis)
}

fn is_machine_readable(text: &str) -> bool {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    first.get(..7).is_some_and(|name| name.eq_ignore_ascii_case("format:"))
}

fn fields(text: &str) -> Vec<String> {
    let name = |line: &str| {
        let (field, value) = line.split_once(':')?;
        let value = value.trim();
        let is_name =
            field.eq_ignore_ascii_case("license") && !value.is_empty() && value.len() <= LONGEST_NAME;
        is_name.then(|| value.to_owned())
    };
    text.lines().filter_map(name).collect()
}

fn references(text: &str) -> Vec<String> {
    let name = |after: &str| {
        let end = after.find(|letter: char| !(letter.is_ascii_alphanumeric() || ".+-".contains(letter)));
        let name = after[..end.unwrap_or(after.len())].trim_end_matches(['.', '-']);
        (!name.is_empty() && name.len() <= LONGEST_NAME).then(|| name.to_owned())
    };
    text.split(COMMON).skip(1).filter_map(name).collect()
}
