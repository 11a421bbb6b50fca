//! `plimsoll db build`: advisories on this machine become a database.

use std::ffi::OsString;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use plimsoll_advisories::{BuildReport, Builder, DetailsTo, SourceReport};
use plimsoll_diagnostics::sanitize;
use plimsoll_oci::{Digest, Hasher};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::sources::sources;
use crate::commands::images::{Format, answer};
use crate::output::{Align, Table, human_bytes, terminal_width};
use crate::variables;

/// How many records of a source that could not be converted are named.
const NAMED: usize = 20;

/// Build a database from advisories that are on this machine
///
/// Each source is a kind and a path, `--from osv-zip=npm.zip` or `--from osv-zip npm.zip pypi.zip`: a file or a folder, also compressed with
/// gzip or zstd, or in a tar or zip archive. What cannot be converted is named and counted. The same sources, in the same order and with
/// the same time, make the same bytes.
///
/// Kinds: `osv-zip` and `osv-dir` (OSV records, JSON or YAML), `debian-tracker` (the security tracker's JSON), `debian-dsa-dla` (its lists of
/// advisories), `alpine-secdb` (Alpine's security database; also Wolfi's and Chainguard's), `rustsec` (Markdown), `epss` (CSV), `kev`
/// (JSON), `nvd` (CVSS by CVE: NVD's JSON, a CSV of `CVE,vector`, or OSV records).
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A source
    #[arg(long, required = true, num_args = 1.., value_name = "KIND=PATH")]
    from: Vec<OsString>,
    /// Where to write the database
    #[arg(short, long, value_name = "DB")]
    output: PathBuf,
    /// Write summaries, texts and links, which matching does not need, into this file instead
    #[arg(long, value_name = "FILE")]
    details: Option<PathBuf>,
    /// Leave out summaries, texts and links
    #[arg(long, conflicts_with = "details")]
    no_details: bool,
    /// The time that the database says it was built at, in seconds since 1970 [default: now]
    #[arg(long, value_name = "SECONDS", env = variables::SOURCE_DATE_EPOCH, hide_env_values = true)]
    time: Option<u64>,
    /// How to show what became of the sources
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

pub(super) fn run(args: &Args) -> Result<u8> {
    let sources = sources(&args.from)?;
    let now = u64::try_from(Timestamp::now().as_second()).unwrap_or_default();
    let folder = folder(&args.output);
    let mut builder = Builder::new(args.time.unwrap_or(now), folder);
    for source in &sources {
        let report = builder.add(source.kind, &source.path, &name(&source.path))?;
        if args.format == Format::Table {
            warn(report);
        }
    }
    let mut database = Output::new(&args.output)?;
    let mut details = args.details.as_deref().map(Output::new).transpose()?;
    let to = match &mut details {
        Some(details) => DetailsTo::File(details),
        None if args.no_details => DetailsTo::Nowhere,
        None => DetailsTo::Database,
    };
    let report = builder.finish(&mut database, to)?;
    let details = details.map(Output::keep).transpose()?;
    let written = database.keep()?;
    answer(&match args.format {
        Format::Json => format!("{}\n", document(&report, &written, details.as_ref())),
        Format::Table => table(&report, &written, details.as_ref()),
    })
}

/// The folder of a file that is to be written: rows are sorted there, and it is written there under another name first.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What the database calls a source: no folder of this machine.
fn name(path: &Path) -> String {
    let last = path.components().next_back();
    last.map(|last| last.as_os_str().to_string_lossy().into_owned()).unwrap_or_default()
}

/// A file that appears under its name when it is complete.
struct Output {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
    hasher: Hasher,
    size_bytes: u64,
}

struct Written {
    path: PathBuf,
    digest: Digest,
    size_bytes: u64,
}

impl Output {
    fn new(path: &Path) -> Result<Self> {
        use std::os::unix::fs::PermissionsExt as _;

        let mut maker = tempfile::Builder::new();
        // As any other file; what the user's mask takes away is taken away.
        maker.permissions(std::fs::Permissions::from_mode(0o666));
        let file = maker
            .tempfile_in(folder(path))
            .with_context(|| format!("cannot write to the folder of `{}`", path.display()))?;
        let file = BufWriter::with_capacity(1 << 18, file);
        Ok(Self { path: path.to_owned(), file, hasher: Hasher::new(), size_bytes: 0 })
    }

    fn keep(self) -> Result<Written> {
        let Self { path, file, hasher, size_bytes } = self;
        let context = || format!("cannot write `{}`", path.display());
        let file = file.into_inner().map_err(std::io::IntoInnerError::into_error).with_context(context)?;
        file.as_file().sync_all().with_context(context)?;
        file.persist(&path).map_err(|error| error.error).with_context(context)?;
        Ok(Written { digest: hasher.finish(), size_bytes, path })
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let length = self.file.write(bytes)?;
        self.hasher.update(&bytes[..length]);
        self.size_bytes += length as u64;
        Ok(length)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// Names what could not be converted; of very many the first.
#[expect(clippy::print_stderr, reason = "the answer is on the other stream")]
fn warn(report: &SourceReport) {
    for skip in report.skips.iter().take(NAMED) {
        let line = format!("warning: {} `{}`: {}: {}", report.kind, report.name, skip.name, skip.reason);
        eprintln!("{}", sanitize::line(&line));
    }
    if report.skipped > NAMED as u64 {
        let more = report.skipped - NAMED as u64;
        eprintln!("… {more} more; `--format json` names up to ten thousand a source");
    }
}

fn table(report: &BuildReport, written: &Written, details: Option<&Written>) -> String {
    let mut table = Table::new(&[
        ("KIND", Align::Left),
        ("SOURCE", Align::Left),
        ("RECORDS", Align::Right),
        ("ROWS", Align::Right),
        ("WITHDRAWN", Align::Right),
        ("NOT CONVERTED", Align::Right),
    ]);
    for source in &report.sources {
        table.row([
            source.kind.as_str().to_owned(),
            source.name.clone(),
            source.records.to_string(),
            source.rows.to_string(),
            source.withdrawn.to_string(),
            source.skipped.to_string(),
        ]);
    }
    let file = |what: &str, written: &Written| {
        let path = sanitize::line(&written.path.to_string_lossy()).into_owned();
        format!("{what} `{path}`, {}, {}\n", human_bytes(written.size_bytes), written.digest)
    };
    [
        table.render(terminal_width()),
        file("database", written),
        details.map(|details| file("details", details)).unwrap_or_default(),
        format!("{} entries of {} packages\n", report.entries, report.packages),
    ]
    .concat()
}

fn document(report: &BuildReport, written: &Written, details: Option<&Written>) -> Value {
    let file = |written: &Written| {
        json!({
            "path": written.path.display().to_string(),
            "digest": written.digest.to_string(),
            "size_bytes": written.size_bytes,
        })
    };
    let source = |source: &SourceReport| {
        let skips: Vec<_> =
            source.skips.iter().map(|skip| json!({ "name": skip.name, "reason": skip.reason })).collect();
        json!({
            "kind": source.kind.as_str(),
            "name": source.name,
            "records": source.records,
            "rows": source.rows,
            "withdrawn": source.withdrawn,
            "other_files": source.ignored_files,
            "not_converted": source.skipped,
            "not_converted_first": skips,
        })
    };
    json!({
        "version": 1,
        "database": file(written),
        "details": details.map(file),
        "packages": report.packages,
        "entries": report.entries,
        "sources": report.sources.iter().map(source).collect::<Vec<_>>(),
    })
}
