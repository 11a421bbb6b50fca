//! `--call`: a question about each target, answered in Docker's shapes.

use std::collections::BTreeMap;

use anyhow::Result;
use plimsoll_build::ContextSource;
use plimsoll_diagnostics::sanitize;

use super::{Args, Plan, shown};
use crate::commands::build::ask_as_requested;
use crate::environment::GlobalArgs;
use crate::exit;
use crate::namespace::Standing;

/// Asks all targets, in the order of their names; the exit code is the worst of theirs.
pub(super) fn run(args: &Args, plan: &Plan, global: &GlobalArgs, standing: &Standing) -> Result<u8> {
    let method = args.method().unwrap_or_default();
    let json = method.split(',').any(|part| part == "format=json");
    let (mut answers, mut code) = (BTreeMap::new(), exit::DONE);
    for (name, line) in &plan.arguments {
        // What is only asked about is built on nothing: that the contexts are there is all that counts.
        let linked = plan.resolved.targets[name].linked_contexts();
        let contexts = linked.map(|(context, target)| {
            (context.to_owned(), ContextSource::Target { name: target.to_owned(), built: Vec::new() })
        });
        let Some(answer) = ask_as_requested(line, contexts.collect(), global, standing.clone()) else {
            continue;
        };
        let (text, own) = answer?;
        code = code.max(own);
        answers.insert(name.clone(), text);
    }
    let text = if json {
        let question = match method.split(',').next().unwrap_or_default() {
            "lint" => "check",
            question => question,
        };
        plimsoll_bake::print_answers(&plan.resolved, question, &answers)
    } else {
        let block = |(name, answer): (&String, &String)| {
            let description = &plan.resolved.targets[name].description;
            let description = if description.is_empty() {
                String::new()
            } else {
                format!("{}\n", sanitize::line(description))
            };
            format!("{}\n{description}\n{answer}", shown(name))
        };
        answers.iter().map(block).collect::<Vec<_>>().join("\n")
    };
    crate::commands::images::answer(&text)?;
    Ok(code)
}
