//! `plimsoll df`: what the store takes on disk.

use anyhow::Result;
use serde_json::json;

use crate::commands::images::{Format, answer};
use crate::environment::{GlobalArgs, Host};
use crate::namespace::{NeedsCopy, Standing};
use crate::output::{Align, Table, human_bytes, terminal_width};

/// Show what the store takes on disk
///
/// Allocated blocks, files with several names once: the total is what `du` says.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[expect(clippy::print_stderr, reason = "says what could not be measured")]
pub(crate) fn run(args: &Args, global: &GlobalArgs, standing: Standing) -> Result<u8> {
    if !standing.may_run {
        return Err(NeedsCopy.into());
    }
    let host = Host::open(global, standing)?;
    let report = host.store.df()?;
    if report.unreadable > 0 {
        eprintln!("warning: {} directories could not be read and are not counted", report.unreadable);
    }
    if args.format == Format::Json {
        let entries: Vec<_> = report
            .entries
            .iter()
            .map(|entry| {
                json!({ "type": entry.kind.as_str(), "count": entry.count, "size_bytes": entry.size_bytes })
            })
            .collect();
        let document = json!({
            "version": 1,
            "root": host.store.root().display().to_string(),
            "entries": entries,
            "total_bytes": report.total_bytes,
            "unreadable": report.unreadable,
        });
        return answer(&format!("{document}\n"));
    }
    let mut table = Table::new(&[("TYPE", Align::Left), ("COUNT", Align::Right), ("SIZE", Align::Right)]);
    for entry in &report.entries {
        table.row([entry.kind.as_str().to_owned(), entry.count.to_string(), human_bytes(entry.size_bytes)]);
    }
    table.row(["total".to_owned(), String::new(), human_bytes(report.total_bytes)]);
    answer(&table.render(terminal_width()))
}
