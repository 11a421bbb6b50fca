//! The installed packages: `var/lib/dpkg/status`, and one file each in `var/lib/dpkg/status.d` of distroless images.
//!
//! A stanza counts when the third word of its `Status` is `installed`: dpkg keeps stanzas of removed packages too. In `status.d`
//! nothing but installed packages is kept, and `Status` may be missing. The name is that of the field `Package`: file names
//! there are shortened or encoded.

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::package::{Evidence, Kind, Package, Source};
use crate::read_at::{ReadAt, read_whole};

const MOST_BYTES: u64 = 64 << 20;
const FORMAT: &str = "a dpkg status file";

pub(super) static ANALYZER: Analyzer = Analyzer { name: "dpkg", version: 1, wants, analyze };

fn wants(file: &File<'_>) -> bool {
    file.path == b"var/lib/dpkg/status" || (is_in_status_d(file) && !file.name().ends_with(b".md5sums"))
}

/// Whether it is one of distroless' files.
pub(super) fn is_in_status_d(file: &File<'_>) -> bool {
    file.folder() == b"var/lib/dpkg/status.d"
}

fn analyze(file: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let bytes = read_whole(content, MOST_BYTES)?;
    let text = String::from_utf8_lossy(&bytes);
    let mut analysis = Analysis::default();
    let mut stanza = Stanza::default();
    let mut has_packages = text.trim().is_empty();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            std::mem::take(&mut stanza).finish(is_in_status_d(file), &mut analysis);
        } else {
            stanza.take_line(number, line);
            has_packages |= stanza.package.is_some();
        }
    }
    stanza.finish(is_in_status_d(file), &mut analysis);
    if !has_packages {
        return Err(AnalyzerError::format(FORMAT, "no line has a field `Package`"));
    }
    Ok(analysis)
}

/// The fields of one package that say something here.
#[derive(Default)]
struct Stanza<'a> {
    /// The line of `Package`, from 1; 0 before any line was taken.
    line: u32,
    package: Option<&'a str>,
    version: Option<&'a str>,
    status: Option<&'a str>,
    source: Option<&'a str>,
    architecture: Option<&'a str>,
    maintainer: Option<&'a str>,
    origin: Option<&'a str>,
}

impl<'a> Stanza<'a> {
    fn take_line(&mut self, number: u32, line: &'a str) {
        if self.line == 0 {
            self.line = number;
        }
        // What begins with a blank continues the field before, and none of the fields wanted here has more than one line.
        if line.starts_with([' ', '\t']) {
            return;
        }
        let Some((name, value)) = line.split_once(':') else { return };
        let field = match name.to_ascii_lowercase().as_str() {
            "package" => {
                self.line = number;
                &mut self.package
            }
            "version" => &mut self.version,
            "status" => &mut self.status,
            "source" => &mut self.source,
            "architecture" => &mut self.architecture,
            "maintainer" => &mut self.maintainer,
            "origin" => &mut self.origin,
            _ => return,
        };
        *field = Some(value.trim()).filter(|value| !value.is_empty());
    }

    fn finish(self, is_in_status_d: bool, analysis: &mut Analysis) {
        let is_installed = match self.status {
            Some(status) => status.split_whitespace().nth(2) == Some("installed"),
            None => is_in_status_d,
        };
        if self.line == 0 || !is_installed {
            return;
        }
        let (Some(name), Some(version)) = (self.package, self.version) else {
            let missing = if self.package.is_none() { "Package" } else { "Version" };
            analysis.note(format!("the stanza on line {} has no field `{missing}`", self.line));
            return;
        };
        let mut package = Package::new(Kind::Deb, name, version, Evidence::Installed);
        package.architecture = self.architecture.map(str::to_owned);
        package.source = self.source.and_then(|source| other_source(source, name, version));
        package.vendor = self.origin.or(self.maintainer).map(str::to_owned);
        package.line = Some(self.line);
        analysis.packages.push(package);
    }
}

/// The source package of a field `name` or `name (version)`; none if that is the package itself (deb-control(5), "Source").
fn other_source(field: &str, name: &str, version: &str) -> Option<Source> {
    let (source, own) = match field.split_once('(') {
        Some((source, rest)) => (source.trim(), rest.trim_end().trim_end_matches(')').trim()),
        None => (field, version),
    };
    let differs = !source.is_empty() && (source != name || own != version);
    differs.then(|| Source { name: source.to_owned(), version: own.to_owned() })
}
