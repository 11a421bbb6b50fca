//! `plimsoll context ls`: what a build context holds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use plimsoll_diagnostics::SourceFile;
use plimsoll_dockerfile::ignore::IgnoreFile;
use serde_json::{Value, json};

use super::walk::{Entry, walk};
use crate::commands::images::{Format, answer};
use crate::ignore_file;
use crate::output::{Align, Table, human_age, human_bytes, terminal_width};

/// So many of the largest files are shown.
const LARGEST: usize = 10;

/// Show what a build context holds, and which line of the ignore file leaves out what
///
/// Nothing is read but directories and the ignore file. CHANGED is the newest time of a file in the folder: what a COPY of it looks at last.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The build context
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// The Dockerfile, whose own ignore file wins over the context's
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Show every path with the line that decided about it
    #[arg(long)]
    why: bool,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

pub(crate) fn run(args: &Args) -> Result<u8> {
    if !args.path.is_dir() {
        bail!("the build context `{}` is not a directory", args.path.display());
    }
    let rules = Rules::read(&args.path, args.file.as_deref())?;
    let entries = walk(&args.path, &rules.ignore)?;
    let summary = Summary::of(&entries);
    if args.format == Format::Json {
        let document = document(args, &rules, &entries, &summary);
        return answer(&format!("{document:#}\n"));
    }
    answer(&if args.why { why(&rules, &entries) } else { shown(&rules, &summary) })
}

/// The ignore file of a context.
struct Rules {
    ignore: IgnoreFile,
    /// Its name and text; nothing when there is none.
    file: Option<SourceFile>,
}

impl Rules {
    fn read(context: &Path, dockerfile: Option<&Path>) -> Result<Self> {
        let dockerfile = dockerfile.map_or_else(|| context.join("Dockerfile"), Path::to_owned);
        let file = ignore_file::read(context, Some(&dockerfile))?;
        let ignore = file.as_ref().map(ignore_file::parse).transpose()?.unwrap_or_default();
        Ok(Self { ignore, file })
    }

    /// The pattern in a line.
    fn pattern(&self, line: usize) -> &str {
        self.file.as_ref().map_or("", |file| file.line_text(line).trim())
    }

    /// `FILE:LINE: PATTERN`.
    fn reason(&self, entry: &Entry) -> String {
        match (&self.file, entry.decision.line) {
            (Some(file), Some(line)) => format!("{}:{line}: {}", file.name(), self.pattern(line)),
            _ => String::new(),
        }
    }
}

/// Files of a folder, those in folders below it included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Total {
    files: u64,
    size_bytes: u64,
    changed: i64,
}

impl Total {
    fn add(&mut self, entry: &Entry) {
        self.files += 1;
        self.size_bytes += entry.size_bytes;
        self.changed = self.changed.max(entry.changed);
    }
}

struct Summary<'e> {
    whole: Total,
    /// The folders at the top, the largest first; `.` are the files beside them.
    folders: Vec<(&'e str, Total)>,
    largest: Vec<&'e Entry>,
    left_out: usize,
}

impl<'e> Summary<'e> {
    fn of(entries: &'e [Entry]) -> Self {
        let mut whole = Total::default();
        let mut folders: BTreeMap<&str, Total> = BTreeMap::new();
        let mut largest = Vec::new();
        for entry in entries.iter().filter(|entry| entry.is_kept && !entry.is_directory) {
            whole.add(entry);
            let folder = entry.path.split_once('/').map_or(".", |(folder, _)| folder);
            folders.entry(folder).or_default().add(entry);
            largest.push(entry);
        }
        let mut folders: Vec<_> = folders.into_iter().collect();
        folders.sort_by_key(|(_, total)| std::cmp::Reverse(total.size_bytes));
        largest.sort_by_key(|entry| std::cmp::Reverse(entry.size_bytes));
        largest.truncate(LARGEST);
        let left_out = entries.iter().filter(|entry| !entry.is_kept).count();
        Self { whole, folders, largest, left_out }
    }
}

fn shown(rules: &Rules, summary: &Summary<'_>) -> String {
    let now = jiff::Timestamp::now().as_second();
    let age = |seconds: i64| human_age(u64::try_from(now - seconds).unwrap_or_default());
    let mut folders = Table::new(&[
        ("FOLDER", Align::Left),
        ("FILES", Align::Right),
        ("SIZE", Align::Right),
        ("CHANGED", Align::Left),
    ]);
    let row = |name: &str, total: &Total| {
        let changed = if total.files == 0 { String::new() } else { age(total.changed) };
        [name.to_owned(), total.files.to_string(), human_bytes(total.size_bytes), changed]
    };
    summary.folders.iter().for_each(|(name, total)| folders.row(row(name, total)));
    folders.row(row("all", &summary.whole));
    let mut largest = Table::new(&[("LARGEST", Align::Left), ("SIZE", Align::Right)]);
    for entry in &summary.largest {
        largest.row([entry.path.clone(), human_bytes(entry.size_bytes)]);
    }
    let width = terminal_width();
    let left_out = match &rules.file {
        None => "no ignore file".to_owned(),
        Some(file) => {
            let plural = if summary.left_out == 1 { "" } else { "s" };
            let name = plimsoll_diagnostics::sanitize::line(file.name());
            format!("{name} leaves out {} path{plural}; `--why` names them", summary.left_out)
        }
    };
    format!("{}\n{}\n{left_out}\n", folders.render(width), largest.render(width))
}

/// Every file and what is left out; of a directory that is left out as a whole only itself.
fn why(rules: &Rules, entries: &[Entry]) -> String {
    let mut table = Table::new(&[
        ("", Align::Left),
        ("PATH", Align::Left),
        ("SIZE", Align::Right),
        ("DECIDED BY", Align::Left),
    ]);
    for entry in entries.iter().filter(|entry| !entry.is_directory || !entry.is_kept) {
        let state = if entry.is_kept { "in" } else { "out" };
        let slash = if entry.is_directory { "/" } else { "" };
        let size = if entry.is_directory { String::new() } else { human_bytes(entry.size_bytes) };
        table.row([state.to_owned(), format!("{}{slash}", entry.path), size, rules.reason(entry)]);
    }
    // A path that is cut off cannot be looked for.
    table.render(None)
}

fn document(args: &Args, rules: &Rules, entries: &[Entry], summary: &Summary<'_>) -> Value {
    let folder = |(name, total): &(&str, Total)| {
        json!({
            "path": name,
            "files": total.files,
            "size_bytes": total.size_bytes,
            "changed": time(total.changed),
        })
    };
    let largest = |entry: &&Entry| json!({ "path": entry.path, "size_bytes": entry.size_bytes });
    let mut document = json!({
        "version": 1,
        "context": args.path.display().to_string(),
        "ignore_file": rules.file.as_ref().map(SourceFile::name),
        "files": summary.whole.files,
        "size_bytes": summary.whole.size_bytes,
        "folders": summary.folders.iter().map(folder).collect::<Vec<_>>(),
        "largest": summary.largest.iter().map(largest).collect::<Vec<_>>(),
        "left_out": summary.left_out,
    });
    if args.why {
        let entry = |entry: &Entry| {
            json!({
                "path": entry.path,
                "directory": entry.is_directory,
                "size_bytes": entry.size_bytes,
                "changed": time(entry.changed),
                "in_context": entry.is_kept,
                "line": entry.decision.line,
                "pattern": entry.decision.line.map(|line| rules.pattern(line)),
            })
        };
        document["entries"] = entries.iter().map(entry).collect();
    }
    document
}

fn time(seconds: i64) -> Option<String> {
    jiff::Timestamp::from_second(seconds).ok().map(|time| time.to_string())
}
