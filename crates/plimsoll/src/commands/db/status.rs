//! `plimsoll db status`: what a database has.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use plimsoll_advisories::{Age, DEFAULT_MAX_AGE, Database, FORMAT, ecosystem};
use plimsoll_oci::{Digest, Hasher};
use serde_json::json;

use crate::commands::images::{Format, answer};
use crate::output::{Align, Table, human_age, human_bytes, terminal_width};

/// Show what a database has, and how old it is
///
/// A folder of OSV records is read as one; it has no age.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The database, or a folder of OSV records
    #[arg(value_name = "DB")]
    database: PathBuf,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// Bytes and digest of a database that is a file.
struct Stored {
    size_bytes: u64,
    digest: Digest,
}

pub(super) fn run(args: &Args) -> Result<u8> {
    let path = &args.database;
    let (database, stored) = if path.is_dir() {
        (Database::from_folder(path, &std::env::temp_dir())?.0, None)
    } else {
        (Database::open(path)?, Some(stored(path)?))
    };
    let now = u64::try_from(Timestamp::now().as_second()).unwrap_or_default();
    answer(&match args.format {
        Format::Json => document(&database, stored.as_ref(), now),
        Format::Table => table(&database, stored.as_ref(), now),
    })
}

fn stored(path: &Path) -> Result<Stored> {
    let context = || format!("cannot read `{}`", path.display());
    let mut file = File::open(path).with_context(context)?;
    let (mut hasher, mut size_bytes) = (Hasher::new(), 0);
    let mut buffer = vec![0; 1 << 18];
    loop {
        let length = file.read(&mut buffer).with_context(context)?;
        if length == 0 {
            break;
        }
        hasher.update(&buffer[..length]);
        size_bytes += length as u64;
    }
    Ok(Stored { size_bytes, digest: hasher.finish() })
}

/// How many releases of each ecosystem there are.
fn releases(database: &Database) -> BTreeMap<&str, usize> {
    let mut releases = BTreeMap::new();
    for name in database.ecosystems() {
        *releases.entry(ecosystem::base(name)).or_insert(0) += 1;
    }
    releases
}

fn table(database: &Database, stored: Option<&Stored>, now: u64) -> String {
    let mut facts = Table::new(&[("FACT", Align::Left), ("VALUE", Align::Left)]);
    facts.row(["format".to_owned(), FORMAT.to_string()]);
    if let Some(Stored { size_bytes, digest }) = stored {
        let built = database.built();
        let time = i64::try_from(built).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
        let time = time.map_or_else(|| built.to_string(), |time| time.to_string());
        let age = human_age(now.saturating_sub(built));
        let note = match Age::of(built, now, DEFAULT_MAX_AGE) {
            Age::Fresh(_) => "",
            Age::TooOld(_) => ": older than five days",
        };
        facts.row(["built".to_owned(), format!("{time}, {age}{note}")]);
        facts.row(["digest".to_owned(), digest.to_string()]);
        facts.row(["size".to_owned(), human_bytes(*size_bytes)]);
    }
    facts.row(["packages".to_owned(), database.packages().to_string()]);
    facts.row(["entries".to_owned(), database.entries().to_string()]);
    facts.row(["details".to_owned(), if database.has_details() { "yes" } else { "no" }.to_owned()]);
    let mut sources = Table::new(&[
        ("KIND", Align::Left),
        ("SOURCE", Align::Left),
        ("RECORDS", Align::Right),
        ("ROWS", Align::Right),
        ("WITHDRAWN", Align::Right),
        ("NOT CONVERTED", Align::Right),
    ]);
    for source in database.sources() {
        let counts = [source.records, source.rows, source.withdrawn, source.skipped];
        let names = [source.kind.clone(), source.name.clone()];
        sources.row(names.into_iter().chain(counts.map(|count| count.to_string())));
    }
    let mut ecosystems = Table::new(&[("ECOSYSTEM", Align::Left), ("RELEASES", Align::Right)]);
    for (name, count) in releases(database) {
        ecosystems.row([name.to_owned(), count.to_string()]);
    }
    [facts, sources, ecosystems].map(|table| table.render(terminal_width())).join("\n")
}

fn document(database: &Database, stored: Option<&Stored>, now: u64) -> String {
    let document = json!({
        "version": 1,
        "format": FORMAT,
        "built": stored.map(|_| database.built()),
        "age_seconds": stored.map(|_| now.saturating_sub(database.built())),
        "digest": stored.map(|stored| stored.digest.to_string()),
        "size_bytes": stored.map(|stored| stored.size_bytes),
        "packages": database.packages(),
        "entries": database.entries(),
        "details": database.has_details(),
        "sources": database.sources(),
        "ecosystems": database.ecosystems(),
    });
    format!("{document}\n")
}
