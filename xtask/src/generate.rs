//! `cargo xtask generate`: reference pages from the program's own help, the pages of the lint rules, and the list of secrets.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

mod rules;
mod secrets;

use crate::plimsoll;
use crate::shell;

/// Options of `generate`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Write nothing; fail when a page is not what it would be
    #[arg(long)]
    pub(crate) check: bool,
}

/// Writes or checks all generated pages.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let docs = shell::workspace().join("docs");
    settle(arguments, &docs.join("reference"), &pages()?)?;
    settle(arguments, &docs.join("rules"), &rules::pages())?;
    settle(arguments, &docs.join("secrets"), &secrets::pages())
}

/// Writes or checks the pages of one folder.
fn settle(arguments: &Arguments, folder: &Path, pages: &BTreeMap<String, String>) -> Result<()> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let present = present(folder)?;
    if arguments.check {
        let stale: Vec<_> = pages
            .iter()
            .filter(|(name, text)| present.get(*name) != Some(*text))
            .map(|(name, _)| name.as_str())
            .chain(present.keys().filter(|name| !pages.contains_key(*name)).map(String::as_str))
            .collect();
        if !stale.is_empty() {
            bail!("docs/{name} is not up to date: {}; run `cargo xtask generate`", stale.join(", "));
        }
        return Ok(());
    }
    std::fs::create_dir_all(folder)?;
    for name in present.keys().filter(|name| !pages.contains_key(*name)) {
        std::fs::remove_file(folder.join(name))?;
    }
    for (page, text) in pages {
        std::fs::write(folder.join(page), text)?;
    }
    eprintln!("{} pages in docs/{name}", pages.len());
    Ok(())
}

/// The pages that this task has written before: those that say so.
fn present(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut pages = BTreeMap::new();
    if !folder.is_dir() {
        return Ok(pages);
    }
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let text = std::fs::read_to_string(entry.path())?;
        if text.starts_with(MARK) {
            pages.insert(entry.file_name().to_string_lossy().into_owned(), text);
        }
    }
    Ok(pages)
}

pub(crate) const MARK: &str = "<!-- written by `cargo xtask generate` -->\n";

/// One page per command, and one that lists them.
fn pages() -> Result<BTreeMap<String, String>> {
    let binary = plimsoll::debug_binary()?;
    let top = help(&binary, &[])?;
    let mut pages = BTreeMap::new();
    let mut index =
        format!("{MARK}\n# Command line\n\n```text\n{top}\n```\n\n| command | |\n| --- | --- |\n");
    for (name, about) in subcommands(&top) {
        writeln!(index, "| [`plimsoll {name}`]({name}.md) | {about} |")?;
        let mut page = format!("{MARK}\n# plimsoll {name}\n");
        describe(&binary, &[&name], &mut page)?;
        pages.insert(format!("{name}.md"), page);
    }
    pages.insert("README.md".to_owned(), index);
    Ok(pages)
}

/// Adds the help of a command and of the commands below it.
fn describe(binary: &PathBuf, words: &[&str], page: &mut String) -> Result<()> {
    let text = help(binary, words)?;
    if words.len() > 1 {
        write!(page, "\n## plimsoll {}\n", words.join(" "))?;
    }
    write!(page, "\n```text\n{text}\n```\n")?;
    for (name, _) in subcommands(&text) {
        let mut below = words.to_vec();
        below.push(&name);
        describe(binary, &below, page)?;
    }
    Ok(())
}

fn help(binary: &PathBuf, words: &[&str]) -> Result<String> {
    // A fixed width and an empty environment: the page must not depend on who writes it.
    let text = shell::capture(
        shell::program(binary)
            .args(words)
            .arg("--help")
            .env_clear()
            .env("COLUMNS", "100")
            .env("NO_COLOR", "1")
            .env("HOME", "/home/user"),
    )
    .context("the program could not show its help")?;
    Ok(text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim().to_owned())
}

/// The commands that a help text lists, with what it says about each.
fn subcommands(help: &str) -> Vec<(String, String)> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .filter(|line| line.starts_with("  ") && !line.starts_with("    "))
        .filter_map(|line| {
            let mut words = line.trim().splitn(2, char::is_whitespace);
            let name = words.next()?;
            Some((name.to_owned(), words.next().unwrap_or_default().trim().to_owned()))
        })
        .filter(|(name, _)| name != "help")
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_of_a_help_text_are_found() {
        let help = "Does it\n\nUsage: x\n\nCommands:\n  build  Builds an image\n         from a file\n  df     Counts\n  help   \
                    Print this message\n\nOptions:\n  -h  no\n";
        let names: Vec<_> = subcommands(help).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["build", "df"]);
    }
}
