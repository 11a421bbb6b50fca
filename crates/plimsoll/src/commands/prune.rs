//! `plimsoll prune`: what is not used goes, least recently used first.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use plimsoll_diagnostics::sanitize;
use plimsoll_store::{Kind, PruneOptions, PruneReport};

use crate::commands::images::answer_lines;
use crate::config::parse_size;
use crate::environment::{GlobalArgs, Host};
use crate::exit;
use crate::namespace::{NeedsCopy, Standing};
use crate::output::human_bytes;

/// Remove what is not used: cached layers, blobs and cache mounts that no named image needs
///
/// What a running build uses is kept. Everything that goes here is built or fetched again when it is needed.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Remove named images too, and all logs
    #[arg(short, long)]
    all: bool,
    /// Only say what would go
    #[arg(long)]
    dry_run: bool,
    /// Remove only what this means: unused-for=AGE or until=AGE (such as 72h or 7d), type=KIND
    /// (image, layer, blob, cache-mount, log, metadata, temporary); may be repeated
    #[arg(long = "filter", value_name = "KEY=VALUE")]
    filters: Vec<String>,
    /// Stop as soon as the store takes no more than this, such as 20GB
    #[arg(long, visible_alias = "max-used-space", value_name = "SIZE")]
    keep_storage: Option<String>,
    /// Do not ask
    #[arg(short, long)]
    force: bool,
}

#[expect(clippy::print_stderr, reason = "speaks with the user")]
pub(crate) fn run(args: &Args, global: &GlobalArgs, standing: Standing) -> Result<u8> {
    let options = options(args)?;
    if !standing.may_run {
        return Err(NeedsCopy.into());
    }
    let host = Host::open(global, standing)?;
    if !args.force && !args.dry_run && !confirmed(&options)? {
        eprintln!("nothing was removed");
        return Ok(exit::NO);
    }
    let report = host.store.prune(&options)?;
    print(&report, args.dry_run)?;
    if report.in_use > 0 {
        eprintln!("{} more are in use by a running build and were kept", report.in_use);
    }
    for path in &report.left {
        eprintln!("warning: `{}` could not be removed", sanitize::line(&path.display().to_string()));
    }
    let unlimited = options.unused_for.is_none() && options.keep_storage_bytes.is_none();
    let is_cache = |kind| matches!(kind, Kind::Layer | Kind::Blob | Kind::CacheMount);
    let cache_went = !args.dry_run && report.items.iter().any(|item| is_cache(item.kind));
    if cache_went && (args.all || unlimited) {
        eprintln!(
            "hint: pruning like this after every build throws the cache away; \
             `--filter unused-for=72h` or `--keep-storage 20GB` keeps what the next build needs"
        );
    }
    Ok(exit::DONE)
}

fn options(args: &Args) -> Result<PruneOptions> {
    let mut options = PruneOptions { all: args.all, dry_run: args.dry_run, ..PruneOptions::default() };
    for filter in &args.filters {
        let (key, value) = filter
            .split_once('=')
            .with_context(|| format!("`--filter {filter}` is not of the form `key=value`"))?;
        match key {
            "until" | "unused-for" => options.unused_for = Some(parse_age(value)?),
            "type" => {
                options.kinds.insert(value.parse::<Kind>()?);
            }
            _ => bail!("`--filter {filter}`: there is no filter `{key}`; it is unused-for, until or type"),
        }
    }
    options.keep_storage_bytes = args.keep_storage.as_deref().map(parse_size).transpose()?;
    Ok(options)
}

/// Reads an age such as `90s`, `1h30m` or `7d`.
fn parse_age(text: &str) -> Result<Duration> {
    let wrong = || format!("`{text}` is not an age; write it as `72h`, `1h30m` or `7d`");
    let (mut seconds, mut rest) = (0_u64, text);
    if rest.is_empty() {
        bail!(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).with_context(wrong)?;
        let number: u64 = rest[..digits].parse().with_context(wrong)?;
        let unit = rest[digits..].chars().next().with_context(wrong)?;
        let factor = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'w' => 7 * 86_400,
            _ => bail!(wrong()),
        };
        seconds =
            number.checked_mul(factor).and_then(|part| seconds.checked_add(part)).with_context(wrong)?;
        rest = &rest[digits + unit.len_utf8()..];
    }
    Ok(Duration::from_secs(seconds))
}

#[expect(clippy::print_stderr, reason = "asks the user")]
fn confirmed(options: &PruneOptions) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("say `--force` to prune without being asked, or `--dry-run` to see what would go");
    }
    let what = if options.all {
        "all images, and everything that is cached"
    } else {
        "everything that is cached and that no named image needs"
    };
    let limited =
        options.unused_for.is_some() || options.keep_storage_bytes.is_some() || !options.kinds.is_empty();
    let limit = if limited { ", as far as the options mean it" } else { "" };
    eprint!("remove {what}{limit}? [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn print(report: &PruneReport, dry_run: bool) -> Result<u8> {
    let mut lines = Vec::new();
    for item in &report.items {
        let name = sanitize::line(&item.name);
        lines.push(format!("{:<12}{:>10}  {name}", item.kind, human_bytes(item.size_bytes)));
    }
    let verb = if dry_run { "would be freed" } else { "freed" };
    lines.push(format!("{} {verb}", human_bytes(report.reclaimed_bytes)));
    answer_lines(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_read_as_docker_writes_them() {
        assert_eq!(parse_age("72h").unwrap(), Duration::from_secs(72 * 3600));
        assert_eq!(parse_age("1h30m").unwrap(), Duration::from_secs(5400));
        assert_eq!(parse_age("7d").unwrap(), Duration::from_secs(7 * 86_400));
        for wrong in ["", "7", "h", "7 days", "-1h", "1h30"] {
            assert!(parse_age(wrong).is_err(), "{wrong}");
        }
    }
}
