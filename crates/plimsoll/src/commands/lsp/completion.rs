//! What may stand at a place: instructions, their flags, names of stages.

use plimsoll_diagnostics::Span;
use plimsoll_dockerfile::{Instruction, InstructionKind, KEYWORDS, flags_of};
use serde_json::{Value, json};

use super::document::Open;

/// The protocol's kinds of items.
const KEYWORD: u32 = 14;
const PROPERTY: u32 = 10;
const REFERENCE: u32 = 18;

const MOUNTS: [&str; 5] =
    ["type=bind,source=", "type=cache,target=", "type=secret,id=", "type=ssh", "type=tmpfs,target="];

/// `--name`, with a `=` where a value belongs, sorted.
fn flags(keyword: &str) -> Vec<String> {
    let flag = |(name, has_value)| if has_value { format!("--{name}=") } else { format!("--{name}") };
    let mut flags: Vec<String> = flags_of(keyword).map(flag).collect();
    flags.sort();
    flags
}

/// The items for a position.
pub(super) fn completions(open: &Open, position: &Value) -> Vec<Value> {
    let text = open.file.text();
    let offset = open.lines.offset(text, position);
    let line = open.lines.line_start(offset);
    let before = &text[line..offset];
    let word_start = before.rfind([' ', '\t']).map_or(0, |at| at + 1);
    let word = &before[word_start..];
    let is_first = before[..word_start].trim().is_empty();
    let instructions = &open.dockerfile.instructions;
    // A line inside of an instruction begins with no keyword.
    let around = instructions.iter().find(|one| one.span.start < line && line <= one.span.end);
    if word.starts_with('#') || before.trim_start().starts_with('#') {
        return Vec::new();
    }
    let of_line = || before.split_whitespace().next().unwrap_or_default().to_uppercase();
    let keyword = match around {
        None if is_first => {
            let is_lower = !word.is_empty() && word.chars().all(char::is_lowercase);
            let cased = |name: &&str| if is_lower { name.to_lowercase() } else { (*name).to_owned() };
            let names = KEYWORDS.iter().map(cased).collect();
            return items(open, Span::new(line + word_start, offset), word, names, KEYWORD);
        }
        None => of_line(),
        Some(instruction) => instruction.keyword.value.to_uppercase(),
    };
    let keyword = match keyword.as_str() {
        "ONBUILD" => before.split_whitespace().nth(1).unwrap_or_default().to_uppercase(),
        _ => keyword,
    };
    let at = |typed: &str| Span::new(offset - typed.len(), offset);
    if let Some(value) = word.strip_prefix("--from=").filter(|_| keyword == "COPY") {
        return items(open, at(value), value, stages(instructions, line), REFERENCE);
    }
    if let Some(value) = word.strip_prefix("--mount=").filter(|_| keyword == "RUN") {
        return match value.rsplit(',').next().and_then(|part| part.strip_prefix("from=")) {
            Some(stage) => items(open, at(stage), stage, stages(instructions, line), REFERENCE),
            None if value.contains(',') => Vec::new(),
            None => items(open, at(value), value, MOUNTS.map(str::to_owned).to_vec(), PROPERTY),
        };
    }
    if word.starts_with('-') {
        return items(open, at(word), word, flags(&keyword), PROPERTY);
    }
    if keyword == "FROM" && before.split_whitespace().filter(|word| !word.starts_with("--")).count() <= 2 {
        let mut names = stages(instructions, line);
        names.push("scratch".to_owned());
        return items(open, at(word), word, names, REFERENCE);
    }
    Vec::new()
}

/// Names of the stages that start before a place.
fn stages(instructions: &[Instruction], before: usize) -> Vec<String> {
    let names =
        instructions.iter().take_while(|one| one.span.start < before).filter_map(|one| match &one.kind {
            InstructionKind::From(from) => from.name.as_ref().map(ToString::to_string),
            _ => None,
        });
    names.collect()
}

/// Those that begin with what is typed, which they take the place of.
fn items(open: &Open, span: Span, typed: &str, names: Vec<String>, kind: u32) -> Vec<Value> {
    let range = open.lines.range(open.file.text(), span);
    let fits = |name: &String| name.to_lowercase().starts_with(&typed.to_lowercase());
    let item = |name: String| json!({ "label": name, "kind": kind, "textEdit": { "range": range, "newText": name } });
    names.into_iter().filter(fits).map(item).collect()
}
