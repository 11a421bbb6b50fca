//! Rust programs built with `cargo auditable`: the list of crates in their section `.dep-v0` (cargo-auditable, `PARSING.md`).
//!
//! The section is JSON, compressed with zlib. Crates of other places than crates.io have no advisories, and names of their own.

use std::io::Read as _;

use serde::Deserialize;

use crate::analyzer::{Analysis, Analyzer, AnalyzerError, File};
use crate::executable::{open, wants};
use crate::package::{Evidence, Kind, Package, Scope};
use crate::read_at::{ReadAt, read_part};

const MOST_SECTION_BYTES: u64 = 8 << 20;
const MOST_BYTES: u64 = 32 << 20;
const FORMAT: &str = "an auditable Rust program";

pub(super) static ANALYZER: Analyzer = Analyzer { name: "rust-binary", version: 1, wants, analyze };

#[derive(Deserialize)]
struct List {
    packages: Vec<Crate>,
}

#[derive(Deserialize)]
struct Crate {
    name: String,
    version: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    root: bool,
}

fn analyze(_: &File<'_>, content: &dyn ReadAt) -> Result<Analysis, AnalyzerError> {
    let mut analysis = Analysis::default();
    let Some(program) = open(content)? else { return Ok(analysis) };
    let Some(section) = program.section(".dep-v0").filter(|section| section.size > 0) else {
        return Ok(analysis);
    };
    if section.size > MOST_SECTION_BYTES {
        return Err(broken(format!("its list of crates has {} bytes", section.size)));
    }
    let packed = read_part(&program.content, section.offset, section.size)
        .map_err(|_| broken("its list of crates is cut off"))?;
    let mut text = Vec::new();
    let mut unpacked = flate2::read::ZlibDecoder::new(packed.as_slice()).take(MOST_BYTES + 1);
    unpacked.read_to_end(&mut text).map_err(|error| broken(format!("its list of crates: {error}")))?;
    if text.len() as u64 > MOST_BYTES {
        return Err(broken(format!("its list of crates unpacks to more than {MOST_BYTES} bytes")));
    }
    let list: List =
        serde_json::from_slice(&text).map_err(|error| broken(format!("its list of crates: {error}")))?;
    for one in list.packages.into_iter().filter(|one| one.root || one.source == "crates.io") {
        let mut package = Package::new(Kind::Cargo, one.name, one.version, Evidence::Binary);
        package.scope = match one.kind.as_deref() {
            _ if one.root => Scope::Project,
            Some("build") => Scope::Development,
            _ => Scope::Runtime,
        };
        analysis.packages.push(package);
    }
    Ok(analysis)
}

fn broken(reason: impl Into<String>) -> AnalyzerError {
    AnalyzerError::format(FORMAT, reason)
}
