//! `plimsoll explain`: what a rule means.

use anyhow::{Result, bail};
use plimsoll_diagnostics::did_you_mean;
use plimsoll_lint::{Rule, known_ids, rule_of};

use crate::commands::images::answer;

/// Explain a rule of `check`
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The rule, by any of its names: `relative-workdir`, `WorkdirRelativePath`, `DL3000`, `DS-0009`
    #[arg(value_name = "RULE")]
    rule: String,
}

pub(crate) fn run(args: &Args) -> Result<u8> {
    let Some(rule) = rule_of(&args.rule) else {
        let known = known_ids();
        let hint = match did_you_mean(&args.rule, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`plimsoll check --list-rules` lists them".to_owned(),
        };
        bail!("no rule is named `{}`; {hint}", args.rule);
    };
    answer(&page(rule))
}

fn page(rule: &Rule) -> String {
    let state = if rule.enabled { "" } else { ", off unless asked for" };
    let names = match rule.aliases {
        [] => String::new(),
        aliases => format!("also known as {}\n", aliases.join(", ")),
    };
    let head = format!("{}: {} ({}{state})\n{names}", rule.name, rule.summary, rule.severity);
    format!("{head}\n{}\n\n{}\n", rule.explanation.trim(), rule.url())
}
