//! What `ShellCheck` is asked, and where in a Dockerfile its answers belong.
//!
//! The program itself is run by the caller. For each `RUN` in shell form it gets one script: the shell in force, an assignment
//! to every variable that the builder defines, and the code. Answers about what stands before the code are dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use plimsoll_diagnostics::{Edit, Severity, SourceFile, Span};
use plimsoll_dockerfile::Dockerfile;
use serde::{Deserialize, Serialize};

use crate::document::{Document, RunView, Stage, Step};
use crate::options::Options;
use crate::shell::Script;

/// Answers what `ShellCheck` says about a script; nothing when it was not asked.
pub type Answers<'a> = dyn Fn(&str) -> Vec<Comment> + 'a;

/// Codes that nobody can do anything about here: `ash` is checked as `dash`, and files that a script reads are not at hand.
pub const EXCLUDED: [u32; 3] = [1090, 1091, 2187];

/// The shells whose code it reads.
const SHELLS: [&str; 5] = ["sh", "bash", "dash", "ash", "ksh"];

/// Variables that the builder gives to every step when it has them.
const PROXIES: [&str; 5] = ["http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"];

/// Something that `ShellCheck` says, as its format `json1` has it. Lines and columns start with 1, columns count characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Comment {
    /// The script that it is about.
    #[serde(default, skip_serializing)]
    pub file: String,
    /// Where it begins.
    pub line: usize,
    /// The line of its end.
    pub end_line: usize,
    /// Where in the line it begins.
    pub column: usize,
    /// The column behind its end.
    pub end_column: usize,
    /// How serious it is.
    pub level: Severity,
    /// The number of what it is about.
    pub code: u32,
    /// What there is to say.
    pub message: String,
    /// What would make it go away.
    #[serde(default)]
    pub fix: Option<CommentFix>,
}

/// Changes of a script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommentFix {
    /// In any order.
    pub replacements: Vec<Replacement>,
}

/// A change of a script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Replacement {
    /// Where it begins.
    pub line: usize,
    /// The line of its end.
    pub end_line: usize,
    /// Where in the line it begins.
    pub column: usize,
    /// The column behind its end.
    pub end_column: usize,
    /// `beforeStart` or `afterEnd`.
    #[serde(default)]
    pub insertion_point: String,
    /// The new text.
    pub replacement: String,
}

/// The scripts that it is to be asked about.
pub fn scripts(file: &SourceFile, dockerfile: &Dockerfile, options: &Options<'_>) -> Vec<String> {
    let document = Document::new(file, dockerfile, options);
    document.runs().filter_map(|run| Some(Asked::new(&document, &run)?.text)).collect()
}

/// The name of a code: `SC2086`. There are some hundred of them; each is kept once.
pub(crate) fn name_of(code: u32) -> &'static str {
    static NAMES: Mutex<BTreeMap<u32, &'static str>> = Mutex::new(BTreeMap::new());
    if !(1000..10_000).contains(&code) {
        return "SC0000";
    }
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    names.entry(code).or_insert_with(|| Box::leak(format!("SC{code}").into_boxed_str()))
}

/// The script of one `RUN`.
pub(crate) struct Asked<'d> {
    /// What `ShellCheck` gets.
    pub(crate) text: String,
    script: &'d Script,
    /// How many lines stand before the code, the first one of the script included.
    preamble: usize,
    /// Where in the script's own text the code begins.
    skipped: usize,
}

impl<'d> Asked<'d> {
    /// The script; nothing when it is no code that `ShellCheck` reads.
    pub(crate) fn new(document: &Document<'_>, run: &RunView<'d, '_>) -> Option<Self> {
        let script = run.script;
        if script.is_exec || script.text.trim().is_empty() {
            return None;
        }
        let (interpreter, skipped) = match &script.interpreter {
            Some(line) => (line.clone(), script.text.find('\n').map_or(script.text.len(), |end| end + 1)),
            None => (shell(document, run.stage, run.step), 0),
        };
        let interpreter = known_shell(&interpreter)?;
        let mut text = format!("#!{interpreter}\n");
        let names = variables(document, run.stage, run.step);
        for name in &names {
            let _infallible = writeln!(text, "export {name}=1");
        }
        text.push_str(&script.text[skipped..]);
        // A last line without an end would be a remark about the script, not about its code.
        if !text.ends_with('\n') {
            text.push('\n');
        }
        Some(Self { text, script, preamble: names.len() + 1, skipped })
    }

    /// The place of a comment in the Dockerfile; nothing for what stands before the code.
    pub(crate) fn place(&self, comment: &Comment) -> Option<Span> {
        let start = self.offset(comment.line, comment.column)?;
        let end = self.offset(comment.end_line, comment.end_column)?.max(start);
        Some(self.script.place(Span::new(start, end)))
    }

    /// The changes of a comment as changes of the Dockerfile; nothing when its text is not written there as the shell gets it.
    pub(crate) fn edits(&self, file: &SourceFile, comment: &Comment) -> Option<Vec<Edit>> {
        let replacements = &comment.fix.as_ref()?.replacements;
        let edit = |change: &Replacement| {
            let start = self.offset(change.line, change.column)?;
            let span = Span::new(start, self.offset(change.end_line, change.end_column)?);
            let text = change.replacement.clone();
            if text.contains('\n') || span.end < span.start || !self.script.is_verbatim(file, span) {
                return None;
            }
            // What closes belongs behind the last character, which may be the last one of a continued line.
            let closes = span.is_empty() && change.insertion_point == "beforeStart" && start > self.skipped;
            let place = if closes {
                Span::at(self.script.place(Span::new(start - 1, start)).end)
            } else {
                self.script.place(span)
            };
            Some(Edit { span: place, replacement: text })
        };
        let edits: Option<Vec<Edit>> = replacements.iter().map(edit).collect();
        edits.filter(|edits| !edits.is_empty())
    }

    /// The offset in the script's own text.
    fn offset(&self, line: usize, column: usize) -> Option<usize> {
        let line = line.checked_sub(self.preamble + 1)?;
        let code = &self.script.text[self.skipped..];
        let start = match line {
            0 => 0,
            _ => code.match_indices('\n').nth(line - 1).map_or(code.len(), |(at, _)| at + 1),
        };
        let text = code[start..].split('\n').next().unwrap_or_default();
        let inside = text.char_indices().nth(column.saturating_sub(1)).map_or(text.len(), |(at, _)| at);
        Some(self.skipped + start + inside)
    }
}

/// The first word of the shell that a step's code goes to.
fn shell(document: &Document<'_>, stage: &Stage<'_>, step: &Step<'_>) -> String {
    if let Some(name) = step.shell_comment {
        return name.to_owned();
    }
    if let Some(word) = step.shell.and_then(<[_]>::first) {
        return word.to_string();
    }
    let of_base = document.base_config(stage).and_then(|config| config.shell.as_ref()?.first());
    of_base.filter(|_| step.base_shell).map_or_else(|| "/bin/sh".to_owned(), Clone::clone)
}

/// The words behind `#!` when they name a shell whose code can be read, with its flags; `env` in front is taken away.
fn known_shell(line: &str) -> Option<String> {
    let mut words = line.split_whitespace().peekable();
    let name = |word: &str| word.rsplit('/').next().unwrap_or_default().to_owned();
    words.next_if(|word| name(word) == "env");
    let first = words.find(|word| !word.starts_with('-'))?;
    let name = name(first);
    SHELLS
        .contains(&name.as_str())
        .then(|| words.fold(format!("/bin/{name}"), |line, word| line + " " + word))
}

/// Names of the variables that are defined in front of a step, as far as a shell can have them.
fn variables(document: &Document<'_>, stage: &Stage<'_>, step: &Step<'_>) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = document.variable_names(stage, step).into_iter().collect();
    let mut known = &stage.variables[..step.known];
    let mut stage = stage;
    loop {
        // Arguments without a value are among them: the one who builds may give one.
        names.extend(known.iter().map(|variable| variable.name.clone()));
        let Some(parent) = stage.parent else { break };
        stage = &document.stages[parent];
        known = &stage.variables;
    }
    names.extend(PROXIES.iter().flat_map(|name| [(*name).to_owned(), name.to_uppercase()]));
    let is_name = |name: &String| {
        let mut bytes = name.bytes();
        bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    names.retain(is_name);
    names.remove("PATH");
    names
}

/// Codes that comments of the Dockerfile switch off for a `RUN`, each with the offset that it counts from.
///
/// `# shellcheck disable=…` inside of a heredoc is the script's own, and never comes here. Lines between continued ones are
/// the Dockerfile's, and the script does not have them: such a comment counts for what follows in the same instruction, one
/// directly above for all of it.
pub(crate) struct Disabled(Vec<(usize, Vec<(u32, u32)>)>);

impl Disabled {
    pub(crate) fn of(document: &Document<'_>, step: &Step<'_>) -> Self {
        let span = step.span();
        let above = document.comments_above(step.instruction).iter().map(|comment| (span.start, comment));
        let comments = &document.dockerfile.comments;
        let first = comments.partition_point(|comment| comment.span.start < span.start);
        let inside = comments[first..].iter().take_while(|comment| comment.span.start < span.end);
        let inside = inside.map(|comment| (comment.span.start, comment));
        Self(above.chain(inside).map(|(from, comment)| (from, codes(&comment.text))).collect())
    }

    pub(crate) fn hides(&self, code: u32, place: Span) -> bool {
        let covers =
            |ranges: &[(u32, u32)]| ranges.iter().any(|(first, last)| (*first..=*last).contains(&code));
        self.0.iter().any(|(from, ranges)| place.start >= *from && covers(ranges))
    }
}

/// The codes in `shellcheck disable=SC2086,SC1000-SC1099`, as ranges.
fn codes(comment: &str) -> Vec<(u32, u32)> {
    let mut words = comment.split_whitespace();
    if words.next() != Some("shellcheck") {
        return Vec::new();
    }
    let lists =
        words.take_while(|word| !word.starts_with('#')).filter_map(|word| word.strip_prefix("disable="));
    let number = |text: &str| text.trim_start_matches("SC").parse::<u32>().ok();
    let range = |part: &str| match part.split_once('-') {
        _ if part == "all" => Some((0, u32::MAX)),
        Some((first, last)) => Some((number(first)?, number(last)?)),
        None => number(part).map(|code| (code, code)),
    };
    lists.flat_map(|list| list.split(',')).filter_map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_shells_that_it_reads_are_asked_about() {
        for (line, shell) in [
            ("/bin/sh", Some("/bin/sh")),
            ("bash", Some("/bin/bash")),
            ("/usr/bin/env bash", Some("/bin/bash")),
            ("/usr/bin/env -S bash -e", Some("/bin/bash -e")),
            ("/bin/ash -eo pipefail", Some("/bin/ash -eo pipefail")),
            ("/usr/bin/env python3", None),
            ("pwsh", None),
            ("zsh", None),
            ("C:\\Windows\\cmd.exe", None),
            ("", None),
        ] {
            assert_eq!(known_shell(line).as_deref(), shell, "{line}");
        }
    }

    #[test]
    fn codes_of_comments_are_read() {
        assert_eq!(codes("shellcheck disable=SC2086,2046 # why"), [(2086, 2086), (2046, 2046)]);
        assert_eq!(codes("shellcheck shell=sh disable=SC1000-SC1099"), [(1000, 1099)]);
        assert_eq!(codes("shellcheck disable=all"), [(0, u32::MAX)]);
        assert_eq!(codes("shellcheck"), []);
        assert_eq!(codes("see shellcheck disable=SC1000"), []);
    }

    #[test]
    fn names_of_codes_are_kept_once() {
        assert_eq!(name_of(2086), "SC2086");
        assert!(std::ptr::eq(name_of(2086), name_of(2086)));
        assert_eq!(name_of(7), "SC0000");
    }
}
