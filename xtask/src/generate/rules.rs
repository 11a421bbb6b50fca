//! The pages of the lint rules, and the table of all their names.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use plimsoll_lint::{Rule, rules};

use super::MARK;

/// One page per rule, and one that lists them.
pub(super) fn pages() -> BTreeMap<String, String> {
    let mut pages: BTreeMap<String, String> =
        rules().iter().map(|rule| (format!("{}.md", rule.name), page(rule))).collect();
    pages.insert("README.md".to_owned(), index());
    pages
}

fn page(rule: &Rule) -> String {
    let mut page = format!("{MARK}\n# {}\n\n*{}*\n\n", rule.name, sentence(rule.summary));
    let _infallible = write!(page, "Severity: {}", rule.severity);
    if !rule.enabled {
        page.push_str(", off unless asked for");
    }
    if !rule.aliases.is_empty() {
        let _infallible = write!(page, ". Also known as {}", rule.aliases.join(", "));
    }
    page.push_str(".\n\n");
    page.push_str(rule.explanation.trim());
    page.push('\n');
    page
}

fn index() -> String {
    let mut index = format!(
        "{MARK}\n# Rules\n\nWhat is looked for in a Dockerfile. A finding also answers to the names that other linters have \
         for it, where their own condition holds.\n\n| rule | severity | also known as | |\n| --- | --- | --- | --- |\n"
    );
    for rule in rules() {
        let severity = if rule.enabled { rule.severity.to_string() } else { "off".to_owned() };
        let _infallible = writeln!(
            index,
            "| [{0}]({0}.md) | {severity} | {1} | {2} |",
            rule.name,
            rule.aliases.join(", "),
            rule.summary.replace('|', "\\|")
        );
    }
    index.push_str("\n## From other names\n\n| name | rule |\n| --- | --- |\n");
    let mut names: Vec<(&str, &str)> =
        rules().iter().flat_map(|rule| rule.aliases.iter().map(|alias| (*alias, rule.name))).collect();
    names.sort_unstable();
    for (alias, name) in names {
        let _infallible = writeln!(index, "| {alias} | [{name}]({name}.md) |");
    }
    index
}

fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), characters.as_str()),
        None => String::new(),
    }
}
