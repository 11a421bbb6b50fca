//! OSV records: each a file, JSON or YAML, or JSON arrays of them.

use std::path::Path;

use crate::build::{Rank, Sink};
use crate::cve::{Cve, is_cve};
use crate::ecosystem::is_distribution;
use crate::error::BuildError;
use crate::osv::{Record, database};
use crate::sources::input::{Entry, read_whole, visit};

/// The most bytes of one file with records.
const LONGEST_FILE: u64 = 64 << 20;

pub(crate) fn read(path: &Path, sink: &mut Sink<'_>) -> Result<(), BuildError> {
    visit(path, &mut |entry| {
        each_record(path, entry, sink, &mut |sink, name, record| add(sink, name, record))
    })
}

/// What takes a record: the sink, the record's name and itself.
pub(super) type Take<'t> = dyn FnMut(&mut Sink<'_>, &str, &Record) -> Result<(), BuildError> + 't;

/// Gives the records of a file to a function; files that are no records are counted.
pub(super) fn each_record(
    path: &Path,
    entry: &mut Entry<'_>,
    sink: &mut Sink<'_>,
    take: &mut Take<'_>,
) -> Result<(), BuildError> {
    let form = entry.form();
    let is_named_so = matches!(form.as_str(), "json" | "yaml" | "yml");
    let content = read_whole(entry.content, LONGEST_FILE).map_err(|source| BuildError::read(path, source))?;
    let Some(content) = content else {
        if !is_named_so {
            sink.ignore_file();
            return Ok(());
        }
        sink.skip(entry.name, format_args!("it is larger than {} MiB", LONGEST_FILE >> 20));
        return Ok(());
    };
    // A file of any other name may hold a record too, and then begins as one.
    if !is_named_so && content.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        sink.ignore_file();
        return Ok(());
    }
    match parse(if is_named_so { &form } else { "json" }, &content) {
        Ok(records) => records.iter().try_for_each(|record| take(sink, entry.name, record)),
        Err(_) if !is_named_so => {
            sink.ignore_file();
            Ok(())
        }
        Err(reason) => {
            sink.skip(entry.name, reason);
            Ok(())
        }
    }
}

fn parse(form: &str, content: &[u8]) -> Result<Vec<Record>, String> {
    if form != "json" {
        let text = std::str::from_utf8(content).map_err(|error| error.to_string())?;
        return serde_saphyr::from_str(text).map(|record| vec![record]).map_err(|error| first_line(&error));
    }
    let is_array = content.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    let parsed = if is_array {
        serde_json::from_slice(content)
    } else {
        serde_json::from_slice(content).map(|record| vec![record])
    };
    parsed.map_err(|error| error.to_string())
}

/// YAML errors show the place in several lines.
pub(super) fn first_line(error: &dyn std::fmt::Display) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

fn add(sink: &mut Sink<'_>, name: &str, record: &Record) -> Result<(), BuildError> {
    sink.count_record();
    if record.is_withdrawn() {
        sink.count_withdrawn();
        return Ok(());
    }
    let converted = record.rows();
    for fault in &converted.faults {
        sink.skip(format_args!("{name} ({})", record.id), fault);
    }
    if converted.rows.is_empty() {
        return Ok(());
    }
    let is_distribution = converted.rows.iter().any(|row| is_distribution(&row.ecosystem));
    let database = database(&record.id);
    let cves: Vec<String> = if is_distribution {
        record.upstream_cves()
    } else {
        record.ids().into_iter().filter(|id| is_cve(id)).collect()
    };
    if let ([cve], Some(vector)) = (cves.as_slice(), record.vector()) {
        let rank = if converted.rows[0].vector.as_ref().is_some_and(|vector| vector.source == "nvd") {
            Rank::Converted
        } else if database == "ghsa" {
            Rank::Reviewed
        } else {
            Rank::Other
        };
        sink.vector(cve, vector, database_of(rank, database), rank);
    }
    converted.rows.into_iter().try_for_each(|row| sink.row(row))?;
    let details = record.details();
    if is_distribution && !cves.is_empty() {
        let rank = if cves.len() == 1 { Rank::Distribution } else { Rank::Advisory };
        return cves.iter().try_for_each(|cve| sink.details(cve, rank, &details));
    }
    let id = cves.iter().min_by_key(|cve| Cve::parse(cve)).unwrap_or(&record.id);
    let rank = match database {
        "ghsa" => Rank::Reviewed,
        "nvd" => Rank::Converted,
        _ => Rank::Other,
    };
    sink.details(id, rank, &details)
}

fn database_of(rank: Rank, database: &'static str) -> &'static str {
    if rank == Rank::Converted { "nvd" } else { database }
}
