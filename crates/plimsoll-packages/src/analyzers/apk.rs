//! Alpine and its kin: `lib/apk/db/installed`, in newer releases `usr/lib/apk/db/installed` (apk-tools, "`APKv2` installed
//! database").
//!
//! One stanza a package, one letter a field: `P` name, `V` version, `A` architecture, `o` origin (the source package), `L`
//! licence, `m` maintainer; `F` is a folder and each `R` after it a file in that.

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File, Owned};
use crate::package::{Evidence, Kind, Package, Source};
use crate::read_at::{ReadAt, read_whole};

const FILES: [&[u8]; 2] = [b"lib/apk/db/installed", b"usr/lib/apk/db/installed"];
const MOST_BYTES: u64 = 64 << 20;
/// Paths are folder and name together, so that a short database could stand for very many bytes.
const MOST_PATH_BYTES: usize = 64 << 20;
const FORMAT: &str = "an apk database";

pub(super) static ANALYZER: Analyzer =
    Analyzer { name: "apk", version: 1, wants: |file| FILES.contains(&file.path), analyze };

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let bytes = read_whole(content, MOST_BYTES)?;
    let text = String::from_utf8_lossy(&bytes);
    let mut analysis = Analysis::default();
    let mut stanza = Stanza::default();
    let mut path_bytes = 0;
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            std::mem::take(&mut stanza).finish(&mut analysis);
        } else {
            path_bytes += stanza.take_line(number, line);
        }
        if path_bytes > MOST_PATH_BYTES {
            let reason = format!("its paths are longer than {MOST_PATH_BYTES} bytes in all");
            return Err(AnalyzerError::format(FORMAT, reason));
        }
    }
    stanza.finish(&mut analysis);
    if analysis.packages.is_empty() && !text.trim().is_empty() {
        return Err(AnalyzerError::format(FORMAT, "no stanza has the fields `P` and `V`"));
    }
    Ok(analysis)
}

#[derive(Default)]
struct Stanza<'a> {
    line: u32,
    name: Option<&'a str>,
    version: Option<&'a str>,
    architecture: Option<&'a str>,
    origin: Option<&'a str>,
    license: Option<&'a str>,
    maintainer: Option<&'a str>,
    folder: &'a str,
    paths: Vec<String>,
}

impl<'a> Stanza<'a> {
    /// Returns the bytes of the path that the line gave, if it gave one.
    fn take_line(&mut self, number: u32, line: &'a str) -> usize {
        let Some((name, value)) = line.split_once(':') else { return 0 };
        let field = match name {
            "P" => {
                self.line = number;
                &mut self.name
            }
            "V" => &mut self.version,
            "A" => &mut self.architecture,
            "o" => &mut self.origin,
            "L" => &mut self.license,
            "m" => &mut self.maintainer,
            "F" => {
                self.folder = value;
                return 0;
            }
            "R" => {
                let folder = self.folder;
                let path = if folder.is_empty() { value.to_owned() } else { format!("{folder}/{value}") };
                let length = path.len();
                self.paths.push(path);
                return length;
            }
            _ => return 0,
        };
        *field = Some(value.trim()).filter(|value| !value.is_empty());
        0
    }

    fn finish(self, analysis: &mut Analysis) {
        // apk-tools 2 keeps files that no package owns any more in a stanza without a name.
        let Some(name) = self.name else { return };
        let Some(version) = self.version else {
            analysis.note(format!("the stanza on line {} has no field `V`", self.line));
            return;
        };
        let mut package = Package::new(Kind::Apk, name, version, Evidence::Installed);
        package.architecture = self.architecture.map(str::to_owned);
        let other = self.origin.filter(|origin| *origin != name);
        package.source = other.map(|origin| Source { name: origin.to_owned(), version: version.to_owned() });
        package.vendor = self.maintainer.map(str::to_owned);
        package.licenses = self.license.map(str::to_owned).into_iter().collect();
        package.line = Some(self.line);
        analysis.packages.push(package);
        if !self.paths.is_empty() {
            analysis.owned.push(Owned { package: name.to_owned(), paths: self.paths });
        }
    }
}
