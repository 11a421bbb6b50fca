//! `cargo xtask ci`: everything that continuous integration runs.

use anyhow::Result;

use crate::{dependencies, fuzz, generate, levels, modules, shell, system, test};

/// Runs every check; the tests come last, so that their count is the end of the output.
pub(crate) fn run() -> Result<()> {
    part("format");
    shell::run(shell::cargo().args(["fmt", "--all", "--check"]))?;

    part("structure");
    levels::check()?;
    modules::check()?;
    dependencies::check()?;

    part("lints");
    shell::run(shell::cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;

    part("documentation");
    shell::run(
        shell::cargo()
            .args(["doc", "--workspace", "--no-deps", "--document-private-items", "--quiet"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )?;

    part("licences and advisories");
    if shell::find("cargo-deny").is_some() {
        shell::run(shell::cargo().args(["deny", "--workspace", "check", "bans", "licenses", "sources"]))?;
    } else {
        eprintln!("SKIPPED: `cargo-deny` is not installed; licences, bans and sources were NOT checked");
        eprintln!("hint: `cargo install --locked cargo-deny`");
    }

    part("fuzz targets");
    if fuzz::is_installed() {
        fuzz::build()?;
    } else {
        eprintln!("SKIPPED: `cargo-fuzz` is not installed; the fuzz targets were NOT built");
        eprintln!("hint: `cargo install --locked cargo-fuzz`");
    }

    part("generated pages");
    generate::run(&generate::Arguments { check: true })?;

    part("tests");
    system::prepare()?;
    test::run_tests(&[])
}

fn part(name: &str) {
    eprintln!("\n── {name}");
}
