//! From a parsed file to a [`Document`].

use std::cell::{OnceCell, RefCell};

use plimsoll_diagnostics::{SourceFile, Span, Spanned, Text};
use plimsoll_dockerfile::{Dockerfile, Instruction, InstructionKind, Mount, words};
use plimsoll_oci::Platform;

use super::globals::Globals;
use super::stage::{Base, Stage, Step, Variable};
use super::{DEFAULT_PATH, Document};
use crate::options::{Options, Scope};

/// Arguments that mean something to the builder and are no variables.
const NO_VARIABLES: [&str; 2] = ["BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"];

pub(super) fn document<'a>(
    file: &'a SourceFile,
    dockerfile: &'a Dockerfile,
    options: &'a Options<'a>,
) -> Document<'a> {
    let platform = options.platform.clone().unwrap_or_else(Platform::host);
    let target = match options.scope {
        Scope::Target(target) => target.to_owned(),
        Scope::All | Scope::Last => last_name(dockerfile).unwrap_or_else(|| "default".to_owned()),
    };
    let globals = Globals::new(dockerfile, &platform, &options.build_args, &target);
    let mut document = Document {
        file,
        dockerfile,
        options,
        platform,
        globals,
        stages: Vec::new(),
        scripts: OnceCell::new(),
    };
    for (start, body) in bodies(&dockerfile.instructions) {
        let stage = new_stage(&document, start);
        document.stages.push(stage);
        fill(&mut document, body);
    }
    mark_wanted(&mut document);
    document
}

fn last_name(dockerfile: &Dockerfile) -> Option<String> {
    let last = dockerfile.instructions.iter().rev().find_map(|instruction| match &instruction.kind {
        InstructionKind::From(from) => Some(from.name.as_ref().map(|name| name.value.to_lowercase())),
        _ => None,
    });
    last.flatten()
}

/// Each `FROM` with the instructions behind it; first those that no `FROM` stands before, arguments left out if there is one.
fn bodies(instructions: &[Instruction]) -> Vec<(Option<&Instruction>, &[Instruction])> {
    let is_from = |instruction: &Instruction| matches!(instruction.kind, InstructionKind::From(_));
    let first = instructions.iter().position(is_from).unwrap_or(instructions.len());
    let (head, rest) = instructions.split_at(first);
    let mut found: Vec<(Option<&Instruction>, &[Instruction])> = Vec::new();
    let is_global = |instruction: &Instruction| {
        matches!(instruction.kind, InstructionKind::Arg(_) | InstructionKind::Invalid)
    };
    if !head.iter().all(is_global) || (rest.is_empty() && !head.is_empty()) {
        found.push((None, head));
    }
    let mut rest = rest;
    while let Some((from, behind)) = rest.split_first() {
        let length = behind.iter().position(is_from).unwrap_or(behind.len());
        found.push((Some(from), &behind[..length]));
        rest = &behind[length..];
    }
    found
}

fn new_stage<'a>(document: &Document<'a>, start: Option<&'a Instruction>) -> Stage<'a> {
    let index = document.stages.len();
    let mut stage = Stage {
        index,
        base: None,
        name: None,
        parent: None,
        sources: Vec::new(),
        steps: Vec::new(),
        wanted: true,
        facts: None,
        variables: Vec::new(),
    };
    let Some(instruction) = start else { return stage };
    let InstructionKind::From(from) = &instruction.kind else { return stage };
    stage.name = from.name.as_ref().map(|name| name.value.to_lowercase());
    let image = document.globals.word(&from.image.value);
    let platform = from.platform.as_ref().and_then(|platform| document.globals.word(&platform.value));
    if let Some(image) = &image {
        stage.parent = document.stage_named(&image.text, index);
        if stage.parent.is_none() && !image.text.is_empty() {
            let wanted = platform.as_ref().and_then(|word| word.text.parse().ok());
            let wanted = wanted.unwrap_or_else(|| document.platform.clone());
            stage.facts = document.options.bases.and_then(|bases| bases(&image.text, &wanted));
        }
    }
    stage.base = Some(Base { instruction, from, image, platform });
    stage
}

/// Walks the instructions of the last stage.
fn fill<'a>(document: &mut Document<'a>, body: &'a [Instruction]) {
    let index = document.stages.len() - 1;
    let parent = document.stages[index].parent;
    let mut shell: Option<&'a [Spanned<Text>]> = None;
    let mut base_shell = document.stages[index]
        .facts
        .as_ref()
        .is_some_and(|facts| facts.config.config.shell.as_ref().is_some_and(|shell| !shell.is_empty()));
    if let Some(last) = parent.and_then(|parent| document.stages[parent].steps.last()) {
        // What the parent's last instruction leaves behind.
        shell = shell_behind(last);
        base_shell = last.base_shell && shell.is_none();
    }
    let comments = shell_comments(document.dockerfile);
    let mut since = document.stages[index].base.as_ref().map_or(0, |base| base.instruction.span.start);
    let head = document.dockerfile.instructions.first().map_or(0, |first| first.span.start);
    let mut of_file = last_before(&comments, 0, head);
    for instruction in body {
        let stage = &document.stages[index];
        let known = stage.variables.len();
        let undefined = undefined(document, stage, known, instruction);
        let shell_comment = last_before(&comments, since, instruction.span.start).or(of_file);
        let base_shell = base_shell && shell.is_none();
        let step = Step { instruction, shell, shell_comment, base_shell, undefined, known };
        if matches!(instruction.kind, InstructionKind::Shell(_)) {
            since = instruction.span.end;
            of_file = None;
        }
        shell = shell_behind(&step);
        let defined = definitions(document, stage, known, instruction);
        let sources = sources(document, instruction, index);
        let stage = &mut document.stages[index];
        stage.steps.push(step);
        stage.variables.extend(defined);
        stage.sources.extend(sources);
    }
}

/// The shells that comments name, `# hadolint shell=NAME`, with their places.
fn shell_comments(dockerfile: &Dockerfile) -> Vec<(usize, &str)> {
    let named = dockerfile.comments.iter().filter_map(|comment| {
        let rest = comment.text.trim().strip_prefix("hadolint")?.trim_start().strip_prefix("shell")?;
        let name = rest.trim_start().strip_prefix('=')?.split_whitespace().next()?;
        Some((comment.span.start, name))
    });
    named.collect()
}

/// The last of these names between two places.
fn last_before<'t>(names: &[(usize, &'t str)], from: usize, to: usize) -> Option<&'t str> {
    names.iter().rev().find(|(place, _)| (from..to).contains(place)).map(|(_, name)| *name)
}

fn shell_behind<'a>(step: &Step<'a>) -> Option<&'a [Spanned<Text>]> {
    match &step.instruction.kind {
        InstructionKind::Shell(words) => Some(words),
        _ => step.shell,
    }
}

/// The value of a variable in a stage of which `known` variables are defined.
pub(super) fn lookup<'s>(
    stages: &'s [Stage<'_>],
    stage: &'s Stage<'_>,
    known: usize,
    name: &str,
) -> Option<&'s str> {
    let mut stage = stage;
    let mut known = known;
    loop {
        let mut entries = stage.variables[..known].iter().rev();
        if let Some(value) = entries.find(|entry| entry.name == name && entry.value.is_some()) {
            return value.value.as_deref();
        }
        match stage.parent {
            Some(parent) => {
                stage = &stages[parent];
                known = stage.variables.len();
            }
            None => break,
        }
    }
    let of_base = stage.facts.as_ref().and_then(|facts| facts.config.config.variable(name));
    of_base.or((name == "PATH").then_some(DEFAULT_PATH))
}

/// Names of the variables that have a value in a stage of which `known` are defined.
pub(super) fn names(stages: &[Stage<'_>], stage: &Stage<'_>, known: usize) -> Vec<String> {
    let mut names: Vec<String> = stage.variables[..known]
        .iter()
        .filter(|entry| entry.value.is_some())
        .map(|entry| entry.name.clone())
        .collect();
    if let Some(parent) = stage.parent {
        names.extend(self::names(stages, &stages[parent], stages[parent].variables.len()));
    } else {
        let base = stage.facts.iter().flat_map(|facts| &facts.config.config.env);
        names.extend(base.filter_map(|entry| Some(entry.split_once('=')?.0.to_owned())));
        names.push("PATH".to_owned());
    }
    names
}

fn is_declared(stages: &[Stage<'_>], stage: &Stage<'_>, name: &str) -> bool {
    if NO_VARIABLES.contains(&name) || stage.variables.iter().any(|entry| entry.name == name) {
        return true;
    }
    stage.parent.is_some_and(|parent| is_declared(stages, &stages[parent], name))
}

/// Variables that an instruction uses and nothing defines.
fn undefined(
    document: &Document<'_>,
    stage: &Stage<'_>,
    known: usize,
    instruction: &Instruction,
) -> Vec<(String, Span)> {
    let missing: RefCell<Vec<String>> = RefCell::default();
    let value = |name: &str| {
        let value = lookup(&document.stages, stage, known, name);
        if value.is_none() {
            missing.borrow_mut().push(name.to_owned());
        }
        value.map(str::to_owned)
    };
    let mut found: Vec<(String, Span)> = Vec::new();
    // `ARG a b=$a`: what stands in front in the same instruction is declared.
    let is_declared_here = |name: &str, place: Span| match &instruction.kind {
        InstructionKind::Arg(definitions) => {
            let is_here = |default: &Spanned<Text>| default.span == place;
            let mut in_front =
                definitions.iter().take_while(|one| !one.default.as_ref().is_some_and(is_here));
            in_front.any(|definition| definition.name.value == name)
        }
        _ => false,
    };
    super::used_words::visit(&instruction.kind, document.dockerfile.escape, &value, &mut |span| {
        for name in missing.take() {
            let is_new = !found.iter().any(|(known, _)| *known == name);
            let is_known = is_declared(&document.stages, stage, &name) || is_declared_here(&name, span);
            if is_new && !is_known {
                found.push((name, span));
            }
        }
    });
    found
}

/// Variables that an instruction defines.
fn definitions(
    document: &Document<'_>,
    stage: &Stage<'_>,
    known: usize,
    instruction: &Instruction,
) -> Vec<Variable> {
    let escape = document.dockerfile.escape;
    let value = |name: &str| lookup(&document.stages, stage, known, name).map(str::to_owned);
    let expand = |text: &str| words::expand(text, escape, &value).unwrap_or_default();
    match &instruction.kind {
        InstructionKind::Env(pairs) => pairs
            .pairs
            .iter()
            .map(|pair| Variable { name: expand(&pair.key.value), value: Some(expand(&pair.value.value)) })
            .collect(),
        InstructionKind::Arg(definitions) => {
            let mut found: Vec<Variable> = Vec::new();
            for definition in definitions {
                let name = definition.name.to_string();
                // The ones of an `ARG` see each other, those of an `ENV` do not.
                let in_front = |name: &str| {
                    let own = found.iter().rev().find(|variable| variable.name == name);
                    own.and_then(|variable| variable.value.clone()).or_else(|| value(name))
                };
                let given = document.options.build_args.get(&name).cloned();
                let default = || match &definition.default {
                    Some(default) => {
                        Some(words::expand(&default.value, escape, &in_front).unwrap_or_default())
                    }
                    None => document.globals.value(&name).map(str::to_owned),
                };
                let value = given.or_else(default);
                found.push(Variable { name, value });
            }
            found
        }
        _ => Vec::new(),
    }
}

/// Stages that an instruction takes files from.
fn sources(document: &Document<'_>, instruction: &Instruction, index: usize) -> Vec<usize> {
    let find = |name: &str| {
        let by_number = || name.parse().ok().filter(|number| *number < index);
        document.stage_named(name, index).or_else(by_number)
    };
    match &instruction.kind {
        InstructionKind::Copy(copy) => copy.from.iter().filter_map(|from| find(&from.value)).collect(),
        InstructionKind::Run(run) => run
            .mounts
            .iter()
            .filter_map(|mount| Mount::from_of(&mount.value).ok().flatten())
            .filter_map(|from| find(&from))
            .collect(),
        _ => Vec::new(),
    }
}

/// The stage that the scope names.
pub(super) fn target(document: &Document<'_>) -> Option<usize> {
    match document.options.scope {
        Scope::All | Scope::Last => document.stages.len().checked_sub(1),
        Scope::Target(target) => document
            .stage_named(target, usize::MAX)
            .or_else(|| target.parse().ok().filter(|number| *number < document.stages.len())),
    }
}

/// Marks the stages that the scope asks for.
fn mark_wanted(document: &mut Document<'_>) {
    if document.options.scope == Scope::All {
        return;
    }
    let Some(target) = target(document) else { return };
    let mut wanted = vec![false; document.stages.len()];
    let mut open = vec![target];
    while let Some(index) = open.pop() {
        if !std::mem::replace(&mut wanted[index], true) {
            open.extend(document.stages[index].parent);
            open.extend(&document.stages[index].sources);
        }
    }
    for (stage, wanted) in document.stages.iter_mut().zip(wanted) {
        stage.wanted = wanted;
    }
}
