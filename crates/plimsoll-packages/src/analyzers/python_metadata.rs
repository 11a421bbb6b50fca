//! Installed Python packages: `METADATA` of a `dist-info` (`PyPA`'s "Recording installed projects" and "Core metadata"), `PKG-INFO`
//! of an `egg-info` or of an egg, unpacked or packed, and an `egg-info` that is a file, as distutils wrote it.

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::collector::Collector;
use crate::document::read_text;
use crate::package::{Evidence, Kind, Scope};
use crate::read_at::{ReadAt, Window};
use crate::zip::Archive;

pub(super) static ANALYZER: Analyzer = Analyzer { name: "python-metadata", version: 1, wants, analyze };

pub(super) static EGG: Analyzer =
    Analyzer { name: "python-egg", version: 1, wants: |file| file.name().ends_with(b".egg"), analyze: egg };

const MOST_METADATA_BYTES: u64 = 1 << 20;

/// Longer ones are the text of a licence, not its name.
const LONGEST_LICENSE: usize = 100;

fn wants(file: &File<'_>) -> bool {
    let folder = file.folder();
    match file.name() {
        b"METADATA" => folder.ends_with(b".dist-info"),
        b"PKG-INFO" => folder.ends_with(b".egg-info") || folder.ends_with(b"EGG-INFO"),
        name => name.ends_with(b".egg-info"),
    }
}

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    metadata(&read_text(content)?)
}

fn egg(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let archive = Archive::open(Window::new(content, 0, content.size()))?;
    let mut record = None;
    archive.entries(&mut |entry| {
        if entry.name == b"EGG-INFO/PKG-INFO" {
            record = Some(entry);
        }
        Ok(())
    })?;
    let Some(record) = record else {
        return Err(AnalyzerError::format("an egg", "it has no `EGG-INFO/PKG-INFO`"));
    };
    metadata(&read_text(&archive.read_start(&record, MOST_METADATA_BYTES)?)?)
}

fn metadata(text: &str) -> Result<Analysis, AnalyzerError> {
    let (mut name, mut version, mut license, mut expression) = ("", "", "", "");
    let mut classifiers = Vec::new();
    // The header ends at the first empty line; a value goes on in lines that begin with white space.
    let mut lines = text.lines().take_while(|line| !line.trim().is_empty()).peekable();
    while let Some(line) = lines.next() {
        let goes_on = lines.peek().is_some_and(|next| next.starts_with([' ', '\t']));
        let Some((key, value)) = line.split_once(':').filter(|_| !line.starts_with([' ', '\t'])) else {
            continue;
        };
        let value = value.trim();
        if key.eq_ignore_ascii_case("Name") {
            name = value;
        } else if key.eq_ignore_ascii_case("Version") {
            version = value;
        } else if key.eq_ignore_ascii_case("License-Expression") {
            expression = value;
        } else if key.eq_ignore_ascii_case("License") && !goes_on && value.len() <= LONGEST_LICENSE {
            license = value;
        } else if key.eq_ignore_ascii_case("Classifier") && value.starts_with("License ::") {
            classifiers.extend(value.rsplit("::").next().map(str::trim));
        }
    }
    if name.is_empty() || version.is_empty() {
        let missing = if name.is_empty() { "Name" } else { "Version" };
        let reason = format!("its header has no `{missing}`");
        return Err(AnalyzerError::format("the metadata of a Python package", reason));
    }
    let licenses = if !expression.is_empty() {
        vec![expression]
    } else if !license.is_empty() && license != "UNKNOWN" {
        vec![license]
    } else {
        // "OSI Approved" alone says nothing.
        classifiers.into_iter().filter(|classifier| *classifier != "OSI Approved").collect()
    };
    let mut found = Collector::new(Kind::Pypi, Evidence::Installed);
    let licenses = licenses.into_iter().map(str::to_owned).collect();
    found.add_licensed(name, version, Scope::Runtime, None, licenses);
    Ok(found.finish())
}
