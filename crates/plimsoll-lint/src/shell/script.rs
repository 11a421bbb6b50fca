//! The shell code of one instruction, with the way back to its places in the Dockerfile.

use std::borrow::Cow;

use plimsoll_diagnostics::{SourceFile, Span, Spanned, Text};
use plimsoll_dockerfile::{CommandForm, Heredoc, Run};

use super::ast::{Command, Compound, List, Redirect, Simple, Word};
use super::call::Call;
use super::parser;

/// Shell code, parsed.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// The text that the shell gets; empty in exec form.
    pub text: String,
    /// What it consists of.
    pub list: List,
    /// Whether it is a program with its arguments, and no shell has a part in it.
    pub is_exec: bool,
    /// The first line of a script, behind `#!`.
    pub interpreter: Option<String>,
    /// For each piece: offset in the text, offset in the file.
    pub(super) pieces: Vec<(usize, usize)>,
    /// The whole command in the file.
    pub(super) whole: Span,
}

impl Script {
    /// The code of a `RUN`.
    pub fn of_run(file: &SourceFile, run: &Run, escape: char) -> Self {
        match (&run.command.value, run.heredocs.as_slice()) {
            (CommandForm::Shell(_), [heredoc]) if run.lone_heredoc => Self::of_heredoc(heredoc),
            // `<<EOF bash`: the body is what the shell reads.
            (CommandForm::Shell(text), [heredoc]) if feeds_shell(text) => Self::of_heredoc(heredoc),
            (CommandForm::Shell(text), heredocs) if !heredocs.is_empty() => {
                let mut script = Self::unparsed(file, text, run.command.span, escape);
                for heredoc in heredocs {
                    script.push("\n", heredoc.body.span.start);
                    script.push(&heredoc.body.value, heredoc.body.span.start);
                    script.push(&heredoc.name.value, heredoc.terminator.start);
                }
                script.parsed()
            }
            _ => Self::of_command(file, &run.command, escape),
        }
    }

    /// The code of a command in either form.
    pub fn of_command(file: &SourceFile, command: &Spanned<CommandForm>, escape: char) -> Self {
        match &command.value {
            CommandForm::Shell(text) => Self::unparsed(file, text, command.span, escape).parsed(),
            CommandForm::Exec(words) => Self::of_exec(words, command.span),
        }
    }

    /// Code that stands in no file.
    pub fn of_text(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }.parsed()
    }

    fn of_exec(words: &[Text], span: Span) -> Self {
        let words: Vec<Word> =
            words.iter().map(|text| Word { text: text.to_string(), span, ..Word::default() }).collect();
        let simple = Simple { words, span, ..Simple::default() };
        let list = List { items: vec![parser::alone(Command::Simple(simple), span)] };
        Self { list, is_exec: true, whole: span, ..Self::default() }
    }

    fn of_heredoc(heredoc: &Heredoc) -> Self {
        let mut script = Self { whole: heredoc.body.span, ..Self::default() };
        let mut offset = heredoc.body.span.start;
        for line in heredoc.body.value.split_inclusive('\n') {
            let kept = if heredoc.strip_tabs { line.trim_start_matches('\t') } else { line };
            script.push(kept, offset + (line.len() - kept.len()));
            offset += line.len();
        }
        script.interpreter = script
            .text
            .strip_prefix("#!")
            .map(|rest| rest.lines().next().unwrap_or_default().trim().to_owned());
        script.parsed()
    }

    /// Finds the lines that a joined text comes from.
    fn unparsed(file: &SourceFile, text: &str, span: Span, escape: char) -> Self {
        let mut script = Self { whole: span, ..Self::default() };
        if file.slice(span) == text {
            script.push(text, span.start);
            return script;
        }
        for (piece, offset) in joined(file.slice(span), escape) {
            script.push(&piece, span.start + offset);
        }
        if script.text != text {
            // A place that cannot be found is better than a wrong one.
            script.pieces.clear();
            text.clone_into(&mut script.text);
        }
        script
    }

    fn push(&mut self, piece: &str, offset: usize) {
        if !piece.is_empty() {
            self.pieces.push((self.text.len(), offset));
            self.text.push_str(piece);
        }
    }

    fn parsed(mut self) -> Self {
        // The code of another language has no commands.
        if self.interpreter.as_deref().is_some_and(|line| !is_shell(line)) {
            return self;
        }
        self.list = parser::parse(&self.text);
        self
    }

    /// The place of a part of the text in the Dockerfile.
    pub fn place(&self, span: Span) -> Span {
        if self.is_exec || self.pieces.is_empty() {
            return self.whole;
        }
        let start = self.offset(span.start);
        // The end belongs to the piece of the last byte.
        let end = if span.is_empty() { start } else { self.offset(span.end - 1) + 1 };
        Span::new(start, end.max(start))
    }

    fn offset(&self, at: usize) -> usize {
        let index = self.pieces.partition_point(|(start, _)| *start <= at).max(1) - 1;
        let (start, source) = self.pieces[index];
        source + (at - start)
    }

    /// Whether a part of the text is written in the Dockerfile as it stands here, so that it can be edited.
    pub fn is_verbatim(&self, file: &SourceFile, span: Span) -> bool {
        !self.is_exec && self.text.get(span.range()).is_some_and(|text| file.slice(self.place(span)) == text)
    }

    /// Every command that is words, in order; those inside of substitutions behind the command that they are in.
    pub fn calls(&self) -> Vec<Call<'_>> {
        let mut calls = Vec::new();
        collect_list(&self.list, &mut calls);
        calls
    }
}

/// Whether a command is a heredoc and then a shell without arguments.
fn feeds_shell(text: &str) -> bool {
    let mut words = text.split_whitespace();
    words.next().is_some_and(|word| word.starts_with("<<"))
        && words.next().is_some_and(is_shell)
        && words.next().is_none()
}

/// Whether the program of a `#!` line is a shell.
fn is_shell(line: &str) -> bool {
    let program = |word: &str| word.rsplit('/').next().unwrap_or_default().to_owned();
    let mut words =
        line.split_whitespace().map(program).filter(|word| word != "env" && !word.starts_with('-'));
    words
        .next()
        .is_some_and(|name| ["sh", "bash", "dash", "ash", "ksh", "zsh", "busybox"].contains(&name.as_str()))
}

fn collect_list<'s>(list: &'s List, calls: &mut Vec<Call<'s>>) {
    for item in &list.items {
        for command in &item.pipeline.commands {
            match command {
                Command::Simple(simple) => {
                    calls.push(Call::new(simple));
                    simple.assignments.iter().chain(&simple.words).for_each(|word| collect_word(word, calls));
                    collect_redirects(&simple.redirects, calls);
                }
                Command::Compound(Compound { bodies, words, redirects, .. }) => {
                    words.iter().for_each(|word| collect_word(word, calls));
                    bodies.iter().for_each(|body| collect_list(body, calls));
                    collect_redirects(redirects, calls);
                }
            }
        }
    }
}

fn collect_word<'s>(word: &'s Word, calls: &mut Vec<Call<'s>>) {
    word.substitutions.iter().for_each(|list| collect_list(list, calls));
}

fn collect_redirects<'s>(redirects: &'s [Redirect], calls: &mut Vec<Call<'s>>) {
    redirects.iter().for_each(|redirect| collect_word(&redirect.target, calls));
}

/// The pieces of lines that are continued, as the Dockerfile parser joins them, each with its offset.
fn joined(text: &str, escape: char) -> Vec<(Cow<'_, str>, usize)> {
    let mut pieces = Vec::new();
    let mut offset = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let start = offset;
        offset += line.len();
        let line = line.trim_end_matches(['\n', '\r']);
        let trimmed = line.trim_start();
        if index > 0 && (trimmed.is_empty() || trimmed.starts_with('#')) {
            continue;
        }
        let kept = line.trim_end_matches([' ', '\t']);
        let before = kept.strip_suffix(escape).filter(|before| !before.ends_with(escape));
        pieces.push((Cow::Borrowed(before.unwrap_or(line)), start));
    }
    pieces
}
