//! `cargo xtask fuzz`: the fuzz targets, one after the other.
//!
//! They need `cargo-fuzz`. The instrumentation is not stable, but the compiler has it: with `RUSTC_BOOTSTRAP` the pinned
//! toolchain builds the targets, so that what is fuzzed is what is shipped.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::shell;

/// How long one input may take, in seconds.
const LONGEST_INPUT: u32 = 10;
/// How much memory a target may take, in MiB.
const MOST_MEMORY: u32 = 1024;

/// Options of `fuzz`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How long each target runs, in minutes
    #[arg(long, value_name = "N", default_value_t = 10)]
    minutes: u32,
    /// The target; all of them without one
    #[arg(value_name = "TARGET")]
    target: Option<String>,
}

/// Runs the targets; fails at the first one with a finding.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if !is_installed() {
        bail!("`cargo-fuzz` is not installed; install it with `cargo install --locked cargo-fuzz`");
    }
    let all = targets()?;
    let wanted = match &arguments.target {
        None => all,
        Some(target) if all.contains(target) => vec![target.clone()],
        Some(target) => bail!("there is no target `{target}`; there are {}", all.join(", ")),
    };
    for target in wanted {
        let folder = shell::workspace().join("fuzz");
        let corpus = folder.join("corpus").join(&target);
        std::fs::create_dir_all(&corpus).with_context(|| format!("cannot make `{}`", corpus.display()))?;
        shell::run(
            cargo_fuzz()
                .args(["run", &target])
                // New inputs go into the first folder, which is not in the repository; seeds are only read.
                .args([corpus, folder.join("seeds").join(&target)])
                .arg("--")
                .arg(format!("-max_total_time={}", u64::from(arguments.minutes) * 60))
                .arg(format!("-timeout={LONGEST_INPUT}"))
                .arg(format!("-rss_limit_mb={MOST_MEMORY}"))
                .arg("-print_final_stats=1"),
        )?;
    }
    Ok(())
}

/// Whether targets can be built here.
pub(crate) fn is_installed() -> bool {
    shell::find("cargo-fuzz").is_some()
}

/// Builds all targets.
pub(crate) fn build() -> Result<()> {
    shell::run(cargo_fuzz().arg("build"))
}

/// The names of all targets, which are those of their files.
fn targets() -> Result<Vec<String>> {
    let folder: PathBuf = shell::workspace().join("fuzz/fuzz_targets");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| format!("cannot read `{}`", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(path.file_stem().and_then(|name| name.to_str()).map(str::to_owned));
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn cargo_fuzz() -> Command {
    let mut command = shell::cargo();
    command.arg("fuzz").env("RUSTC_BOOTSTRAP", "1");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_built_and_has_seeds() {
        let manifest = std::fs::read_to_string(shell::workspace().join("fuzz/Cargo.toml")).unwrap();
        for target in targets().unwrap() {
            assert!(manifest.contains(&format!("path = \"fuzz_targets/{target}.rs\"")), "{target}");
            let seeds = shell::workspace().join("fuzz/seeds").join(&target);
            assert!(seeds.read_dir().unwrap().count() > 0, "{target} has no seeds");
        }
    }
}
