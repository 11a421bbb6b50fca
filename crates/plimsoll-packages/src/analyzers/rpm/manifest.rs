//! `var/lib/rpmmanifest/container-manifest-2`: what Azure Linux keeps in images without rpm's database.
//!
//! A line a package, its fields parted by tabs: name, version-release, times of installing and of building, vendor, epoch, size,
//! architecture, the epoch as a number, source package.

use super::database::{full_version, source};
use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::package::{Evidence, Kind, Package};
use crate::read_at::{ReadAt, read_whole};

const MOST_BYTES: u64 = 16 << 20;

pub(super) static ANALYZER: Analyzer = Analyzer {
    name: "rpm-manifest",
    version: 1,
    wants: |file| file.path == b"var/lib/rpmmanifest/container-manifest-2",
    analyze,
};

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let bytes = read_whole(content, MOST_BYTES)?;
    let text = String::from_utf8_lossy(&bytes);
    let mut analysis = Analysis::default();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        match package(line) {
            Some(mut package) if package.name != "gpg-pubkey" => {
                package.line = Some(number);
                analysis.packages.push(package);
            }
            Some(_) => {}
            None => analysis.note(format!("line {number} does not have the ten fields of a package")),
        }
    }
    Ok(analysis)
}

fn package(line: &str) -> Option<Package> {
    let fields: Vec<&str> = line.split('\t').map(str::trim).collect();
    let [name, version, _, _, vendor, _, _, architecture, epoch, source_rpm, ..] = fields[..] else {
        return None;
    };
    if name.is_empty() || version.is_empty() {
        return None;
    }
    let known = |value: &str| (!matches!(value, "" | "(none)")).then(|| value.to_owned());
    let epoch = epoch.parse().unwrap_or(0);
    let mut package = Package::new(Kind::Rpm, name, full_version(epoch, version), Evidence::Installed);
    package.vendor = known(vendor);
    package.architecture = known(architecture);
    package.source = known(source_rpm).and_then(|file| source(&file, epoch, &package));
    Some(package)
}
