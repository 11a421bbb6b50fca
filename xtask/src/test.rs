//! `cargo xtask test`: all tests of the workspace.

use anyhow::Result;

use crate::{shell, system};

/// Options of `test`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Further arguments for the test runner, such as a filter
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    runner: Vec<String>,
}

/// Prepares the system and runs all tests.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    system::prepare()?;
    run_tests(&arguments.runner)
}

/// Runs the tests with nextest when it is there, else with cargo's own runner; doc tests always with the latter.
pub(crate) fn run_tests(runner: &[String]) -> Result<()> {
    if shell::find("cargo-nextest").is_none() {
        // cargo's own runner includes the doc tests
        return shell::run(shell::cargo().args(["test", "--workspace", "--no-fail-fast"]).args(runner));
    }
    if runner.is_empty() {
        shell::run(shell::cargo().args(["test", "--workspace", "--doc", "--quiet"]))?;
    }
    // Last, so that its closing line, the count, is the last thing printed.
    shell::run(shell::cargo().args(["nextest", "run", "--workspace", "--no-fail-fast"]).args(runner))
}
