//! CVSS vectors by CVE: NVD's answers (API 2.0 and the feeds of that form), its older feeds, a CSV of `CVE,vector`, or OSV records.

use std::io::BufRead;
use std::path::Path;

use serde::de::DeserializeSeed;
use serde_json::Value;

use crate::build::{Rank, Sink};
use crate::error::BuildError;
use crate::severity::best_vector;
use crate::sources::epss::each_line;
use crate::sources::input::{Entry, visit};
use crate::sources::osv::each_record;
use crate::sources::stream::Items;

/// The members of NVD's documents that hold vulnerabilities: of the API and of the older feeds.
const MEMBERS: &[&str] = &["vulnerabilities", "CVE_Items"];

pub(crate) fn read(path: &Path, sink: &mut Sink<'_>) -> Result<(), BuildError> {
    visit(path, &mut |entry| {
        let form = entry.form();
        match form.as_str() {
            "csv" => read_table(path, entry, sink),
            "json" if is_catalogue(path, entry.content)? => read_catalogue(path, entry, sink),
            "json" | "yaml" | "yml" => each_record(path, entry, sink, &mut |sink, _, record| {
                let cves = record.upstream_cves();
                sink.count_record();
                if let ([cve], Some(vector)) = (cves.as_slice(), record.vector()) {
                    sink.vector(cve, vector, "nvd", Rank::Own);
                }
                Ok(())
            }),
            _ => {
                sink.ignore_file();
                Ok(())
            }
        }
    })
}

/// Whether a document begins as NVD's do; an OSV record has none of these names in front of its own.
fn is_catalogue(path: &Path, content: &mut dyn BufRead) -> Result<bool, BuildError> {
    let start = content.fill_buf().map_err(|source| BuildError::read(path, source))?;
    let start = String::from_utf8_lossy(&start[..start.len().min(2048)]).into_owned();
    let marks =
        ["\"resultsPerPage\"", "\"CVE_data_type\"", "\"CVE_Items\"", "\"vulnerabilities\"", "\"NVD_CVE\""];
    Ok(marks.iter().any(|mark| start.contains(mark)))
}

fn read_table(path: &Path, entry: &mut Entry<'_>, sink: &mut Sink<'_>) -> Result<(), BuildError> {
    let name = entry.name;
    each_line(path, entry.content, &mut |number, line| {
        let (cve, vector) = line.split_once(',').unwrap_or((line, ""));
        let (cve, vector) = (cve.trim_matches(['"', ' ']), vector.trim_matches(['"', ' ']));
        if sink.vector(cve, vector, "nvd", Rank::Own) {
            sink.count_record();
        } else if number > 1 || cve.starts_with("CVE-") {
            // The first line may be a head.
            sink.skip(format_args!("{name}:{number}"), "it is not `CVE,vector`");
        }
    })
}

fn read_catalogue(path: &Path, entry: &mut Entry<'_>, sink: &mut Sink<'_>) -> Result<(), BuildError> {
    let mut each = |item: Value| {
        sink.count_record();
        let Some(id) = id(&item) else {
            sink.skip(entry.name, "an item has no identifier");
            return;
        };
        let vectors = vectors(&item);
        // What NVD has not analysed has none; that is no fault.
        if vectors.is_empty() {
            return;
        }
        match best_vector(vectors.iter().copied()) {
            Some(vector) if sink.vector(id, vector, "nvd", Rank::Own) => {}
            _ => sink.skip(id, "none of its vectors can be scored"),
        }
    };
    let mut document = serde_json::Deserializer::from_reader(&mut *entry.content);
    Items::of(MEMBERS, &mut each)
        .deserialize(&mut document)
        .map_err(|error| BuildError::read(path, error.into()))?;
    Ok(())
}

fn id(item: &Value) -> Option<&str> {
    item.pointer("/cve/id").or_else(|| item.pointer("/cve/CVE_data_meta/ID")).and_then(Value::as_str)
}

/// All vectors of an item; NVD's own before those of others.
fn vectors(item: &Value) -> Vec<&str> {
    let mut own = Vec::new();
    let mut others = Vec::new();
    for metric in ["cvssMetricV40", "cvssMetricV31", "cvssMetricV30", "cvssMetricV2"] {
        let scores =
            item.pointer("/cve/metrics").and_then(|metrics| metrics.get(metric)).and_then(Value::as_array);
        for score in scores.into_iter().flatten() {
            let Some(vector) = score.pointer("/cvssData/vectorString").and_then(Value::as_str) else {
                continue;
            };
            let is_own = score.get("type").and_then(Value::as_str) == Some("Primary");
            if is_own { own.push(vector) } else { others.push(vector) }
        }
    }
    for place in ["/impact/baseMetricV3/cvssV3/vectorString", "/impact/baseMetricV2/cvssV2/vectorString"] {
        own.extend(item.pointer(place).and_then(Value::as_str));
    }
    // An old vector of NVD's own is worth less than a newer one of whoever assigned the number.
    if own.iter().all(|vector| !vector.starts_with("CVSS:")) {
        own.extend(others);
    }
    own
}
