//! The project's own tasks: `cargo xtask TASK`.
//!
//! One module per task. A task prints what it runs, stops at the first thing that is wrong and says which it was.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a task talks to the person who started it")]

mod bench;
mod ci;
mod demo;
mod dependencies;
mod engine;
mod examples;
mod fuzz;
mod generate;
mod image;
mod levels;
mod metadata;
mod modules;
mod oracle;
mod plimsoll;
mod shell;
mod smoke;
mod statistics;
mod system;
mod table;
mod test;

use clap::{Parser, Subcommand};

/// The project's own tasks.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Builds one example end to end and shows what came out: the quickest look at the program
    Demo(demo::Arguments),
    /// Runs all tests, after installing (as root) or naming what they need
    Test(test::Arguments),
    /// Runs what continuous integration runs: format, lints, tests, docs, licences, structure
    Ci,
    /// Writes the reference pages from the program's own help
    Generate(generate::Arguments),
    /// Builds every example, starts it from its image and asks for its health
    Smoke(smoke::Arguments),
    /// Feeds made-up input to everything that reads text and bytes from strangers
    Fuzz(fuzz::Arguments),
    /// Measures the examples and writes the table in README.md
    Table(table::Arguments),
    /// Measures plimsoll against other builders and writes docs/benchmarks.md
    Bench(bench::Arguments),
    /// Builds small situations with plimsoll and with `BuildKit` and prints where they differ
    Oracle(oracle::Arguments),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().task {
        Task::Demo(arguments) => demo::run(&arguments),
        Task::Test(arguments) => test::run(&arguments),
        Task::Ci => ci::run(),
        Task::Generate(arguments) => generate::run(&arguments),
        Task::Smoke(arguments) => smoke::run(&arguments),
        Task::Fuzz(arguments) => fuzz::run(&arguments),
        Task::Table(arguments) => table::run(&arguments),
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Oracle(arguments) => oracle::run(&arguments),
    }
}
