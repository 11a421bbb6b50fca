//! Alpine's security database, which Wolfi and Chainguard write in the same form: for each fixed version what it fixes.
//!
//! The version `0` means that no version was ever affected. What is listed beside an identifier in one text (`CVE-… XSA-…`) are names of the
//! same vulnerability.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::build::Sink;
use crate::error::BuildError;
use crate::interval::{End, Interval};
use crate::row::Row;
use crate::sources::input::{Entry, read_whole, visit};
use crate::sources::osv::first_line;

/// The most bytes of one database.
const LONGEST_FILE: u32 = 256 << 20;

#[derive(Deserialize)]
struct Database {
    #[serde(default)]
    distroversion: Option<String>,
    #[serde(default)]
    urlprefix: Option<String>,
    #[serde(default)]
    packages: Option<Vec<Item>>,
}

#[derive(Deserialize)]
struct Item {
    pkg: Package,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    #[serde(default)]
    secfixes: Option<BTreeMap<String, Option<Vec<String>>>>,
}

pub(crate) fn read(path: &Path, sink: &mut Sink<'_>) -> Result<(), BuildError> {
    visit(path, &mut |entry| {
        let form = entry.form();
        match form.as_str() {
            "json" | "yaml" | "yml" => read_file(path, entry, &form, sink),
            _ => {
                sink.ignore_file();
                Ok(())
            }
        }
    })
}

fn read_file(path: &Path, entry: &mut Entry<'_>, form: &str, sink: &mut Sink<'_>) -> Result<(), BuildError> {
    let content =
        read_whole(entry.content, LONGEST_FILE.into()).map_err(|source| BuildError::read(path, source))?;
    let Some(content) = content else {
        sink.skip(entry.name, format_args!("it is larger than {} MiB", LONGEST_FILE >> 20));
        return Ok(());
    };
    let database = match parse(form, &content) {
        Ok(database) => database,
        Err(reason) => {
            sink.skip(entry.name, reason);
            return Ok(());
        }
    };
    let Some(ecosystem) = ecosystem(&database) else {
        sink.skip(entry.name, "it says neither `distroversion` nor an `urlprefix` of a known distribution");
        return Ok(());
    };
    for item in database.packages.unwrap_or_default() {
        let package = item.pkg.name;
        for (version, fixes) in item.pkg.secfixes.unwrap_or_default() {
            for fix in fixes.unwrap_or_default() {
                sink.count_record();
                match row(&ecosystem, &package, &version, &fix) {
                    Some(row) => sink.row(row)?,
                    None => sink.skip(
                        format_args!("{} {package} {version}", entry.name),
                        format_args!("`{fix}` names no vulnerability"),
                    ),
                }
            }
        }
    }
    Ok(())
}

fn parse(form: &str, content: &[u8]) -> Result<Database, String> {
    if form == "json" {
        return serde_json::from_slice(content).map_err(|error| error.to_string());
    }
    let text = std::str::from_utf8(content).map_err(|error| error.to_string())?;
    let most = usize::try_from(LONGEST_FILE).unwrap_or(usize::MAX);
    // A whole branch is far more than what a configuration may have.
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_reader_input_bytes: Some(most),
            max_events: 20_000_000,
            max_nodes: 20_000_000,
            max_total_scalar_bytes: most,
        },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| first_line(&error))
}

fn ecosystem(database: &Database) -> Option<String> {
    let version = database.distroversion.as_deref().map(str::trim).filter(|version| !version.is_empty());
    if let Some(version) = version {
        return Some(format!("Alpine:{version}"));
    }
    let address = database.urlprefix.as_deref().unwrap_or_default();
    [("wolfi", "Wolfi"), ("chainguard", "Chainguard"), ("cgr.dev", "Chainguard")]
        .into_iter()
        .find_map(|(part, name)| address.contains(part).then(|| name.to_owned()))
}

fn row(ecosystem: &str, package: &str, version: &str, fix: &str) -> Option<Row> {
    let is_id =
        |word: &&str| word.contains('-') && word.starts_with(|letter: char| letter.is_ascii_alphabetic());
    let ids: Vec<String> = fix.split_whitespace().filter(is_id).map(ToOwned::to_owned).collect();
    let fixed = Interval { introduced: None, end: End::Fixed(version.to_owned()) };
    (!ids.is_empty()).then(|| Row {
        ecosystem: ecosystem.to_owned(),
        name: package.to_owned(),
        ids,
        intervals: if version == "0" { Vec::new() } else { vec![fixed] },
        ..Row::default()
    })
}
