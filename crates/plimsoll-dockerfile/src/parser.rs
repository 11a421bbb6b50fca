//! Text → [`Dockerfile`].
//!
//! The file is read line by line: directives, comments, blank lines, then instructions, whose continued lines are joined before their words are looked at.
//! Everything keeps its place in the text.

mod flags;
mod healthcheck;
mod heredoc;
mod instructions;
mod json;
mod line;
mod tree;

use std::borrow::Cow;

use plimsoll_diagnostics::{Diagnostic, Severity, SharedText, SourceFile, Span, Spanned, Text};
use smallvec::{SmallVec, smallvec};

use crate::{
    ast::{Comment, Directive, DirectiveKind, Dockerfile},
    directives,
};
use line::Line;

pub use instructions::{KEYWORDS, flags_of};
pub use tree::{Node, Part, Tree, tree};

/// What [`parse`] gives.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The file, as far as it could be understood.
    pub dockerfile: Dockerfile,
    /// Errors and warnings in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

impl Parsed {
    /// Whether there is no error, so that the file can be built.
    pub fn is_ok(&self) -> bool {
        !self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// Parses a file, and goes on behind errors.
///
/// An instruction with an error is kept as far as it makes sense, else as [`crate::InstructionKind::Invalid`].
pub fn parse(file: &SourceFile) -> Parsed {
    Parser::new(file.shared_text()).finish().1
}

/// After this many errors a file is no Dockerfile, and reading it to the end would only cost time.
const MOST_ERRORS: usize = 500;

/// No line is longer than this many bytes, its ending left out.
const LONGEST_LINE: usize = 65_535;

/// How much of a word is shown in a message, in characters.
const SHOWN: usize = 60;

/// A word as it is shown in a message.
fn shown(word: &str) -> Cow<'_, str> {
    match word.char_indices().nth(SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}…", &word[..end])),
        None => Cow::Borrowed(word),
    }
}

/// Takes diagnostics, and no more errors than make sense.
#[derive(Default)]
struct Sink {
    list: Vec<Diagnostic>,
    errors: usize,
}

impl Sink {
    fn report(&mut self, diagnostic: Diagnostic) {
        if !diagnostic.is_error() {
            self.list.push(diagnostic);
            return;
        }
        if self.errors < MOST_ERRORS {
            self.list.push(diagnostic);
        } else if self.errors == MOST_ERRORS {
            let mut last = Diagnostic::error(
                "too-many-errors",
                format!("more than {MOST_ERRORS} errors: the rest of the file is not read"),
            );
            last.span = diagnostic.span;
            self.list.push(last);
        }
        self.errors += 1;
    }

    /// Makes warnings of the errors since the first `known`, except for those that no text gets through with.
    ///
    /// What a trigger means is only found out where it runs; until then it is kept as it is written.
    fn excuse(&mut self, known: usize) {
        const SYNTAX: [&str; 4] = ["missing-value", "missing-equals", "not-strings", "too-many-errors"];
        for diagnostic in &mut self.list[known..] {
            if diagnostic.is_error() && !SYNTAX.contains(&diagnostic.code) {
                diagnostic.severity = Severity::Warning;
                self.errors = self.errors.saturating_sub(1);
            }
        }
    }

    /// Whether further errors are dropped.
    fn is_full(&self) -> bool {
        self.errors > MOST_ERRORS
    }
}

/// The physical lines of a text.
struct Reader<'a> {
    text: &'a SharedText,
    position: usize,
    /// Where the first line that is too long starts.
    long_line: Option<usize>,
}

impl<'a> Reader<'a> {
    /// The next line without its line ending; carriage returns before the line feed belong to that.
    fn next(&mut self) -> Option<Span> {
        let rest = &self.text.as_bytes()[self.position..];
        if rest.is_empty() {
            return None;
        }
        let start = self.position;
        let mut length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        self.position += (length + 1).min(rest.len());
        if length > LONGEST_LINE {
            self.long_line.get_or_insert(start);
        }
        while length > 0 && rest[length - 1] == b'\r' {
            length -= 1;
        }
        Some(Span::new(start, start + length))
    }

    fn position(&self) -> usize {
        self.position
    }

    fn slice(&self, span: Span) -> &'a str {
        &self.text[span.range()]
    }

    fn text(&self, span: Span) -> Text {
        self.text.substr(span.range())
    }
}

struct Parser<'a> {
    reader: Reader<'a>,
    dockerfile: Dockerfile,
    diagnostics: Sink,
    /// Whether a line was seen behind which no directive can be.
    directives_done: bool,
    /// Whether the first line is `#!…`, behind which only some directives are looked for.
    shebang: bool,
    /// The instructions as they are written, when that is asked for.
    tree: Option<Vec<Node>>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a SharedText) -> Self {
        let bom = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Self {
            reader: Reader { text, position: bom, long_line: None },
            dockerfile: Dockerfile {
                directives: Vec::new(),
                // A guess that saves copying: lines of instructions are seldom shorter.
                instructions: Vec::with_capacity(text.len() / 32),
                comments: Vec::new(),
                escape: '\\',
            },
            diagnostics: Sink::default(),
            directives_done: false,
            shebang: text[bom..].starts_with("#!"),
            tree: None,
        }
    }

    /// Reads the text to its end; gives the tree as well if it was asked for.
    fn finish(mut self) -> (Option<Vec<Node>>, Parsed) {
        self.run();
        if let Some(start) = self.reader.long_line {
            self.diagnostics.report(
                Diagnostic::error("long-line", format!("a line has more than {LONGEST_LINE} bytes"))
                    .at(Span::at(start))
                    .hint("break it with the escape character, or copy what it holds from a file"),
            );
        }
        if self.dockerfile.instructions.is_empty() && self.diagnostics.list.is_empty() {
            self.diagnostics.report(
                Diagnostic::error("empty-file", "the file has no instructions")
                    .at(Span::at(0))
                    .hint("a Dockerfile starts with `FROM`"),
            );
        }
        let mut diagnostics = self.diagnostics.list;
        diagnostics.sort_by_key(|diagnostic| diagnostic.span);
        (self.tree, Parsed { dockerfile: self.dockerfile, diagnostics })
    }

    fn run(&mut self) {
        let mut first = true;
        while let Some(physical) = self.reader.next() {
            let content = self.without_indent(physical);
            let text = self.reader.slice(content);
            if text.starts_with('#') {
                if !(self.directive(content) || first && self.shebang) {
                    self.directives_done = true;
                }
            } else {
                self.directives_done = true;
                if !text.is_empty() {
                    self.instruction(content);
                }
            }
            first = false;
            if self.diagnostics.is_full() && self.tree.is_none() {
                break;
            }
        }
    }

    fn without_indent(&self, line: Span) -> Span {
        let text = self.reader.slice(line);
        if text.as_bytes().first().is_some_and(u8::is_ascii_graphic) {
            return line;
        }
        Span::new(line.end - text.trim_start().len(), line.end)
    }

    /// Reads a comment line; tells whether it is a directive.
    fn directive(&mut self, line: Span) -> bool {
        let found =
            if self.directives_done { None } else { directives::find_in_line(self.reader.text, line, "#") };
        let found = found.filter(|found| !(self.shebang && found.kind == DirectiveKind::Escape));
        let Some(found) = found else {
            self.comment(line);
            return false;
        };
        let value = Spanned::new(self.reader.text(found.value), found.value);
        let name = Spanned::new(self.reader.text(found.name), found.name);
        if let Some(first) = self.dockerfile.directive(found.kind) {
            self.diagnostics.report(
                Diagnostic::error("duplicate-directive", format!("the directive `{name}` is given twice"))
                    .at(line)
                    .also(first.span, "first given here"),
            );
            return true;
        }
        if found.kind == DirectiveKind::Escape {
            match value.as_str() {
                "\\" => self.dockerfile.escape = '\\',
                "`" => self.dockerfile.escape = '`',
                other => self.diagnostics.report(
                    Diagnostic::error(
                        "bad-escape",
                        format!("`{}` cannot be the escape character", shown(other)),
                    )
                    .at(value.span)
                    .hint("it is either a backslash or a backtick"),
                ),
            }
        }
        self.dockerfile.directives.push(Directive { kind: found.kind, name, value, span: line });
        true
    }

    fn comment(&mut self, line: Span) {
        let text = self.reader.slice(line).get(1..).unwrap_or_default().trim();
        let text = self.reader.text.substr_from(text);
        self.dockerfile.comments.push(Comment { text, span: line });
    }

    /// Reads an instruction that starts at `content`, with the lines that continue it and its heredocs.
    fn instruction(&mut self, content: Span) {
        let (piece, mut continued) = self.continuation(content);
        let mut pieces: SmallVec<[Span; 4]> = smallvec![piece];
        let mut end = content.end;
        let mut empty = Vec::new();
        while continued {
            let Some(physical) = self.reader.next() else { break };
            let indented = self.without_indent(physical);
            let text = self.reader.slice(indented);
            if text.starts_with('#') {
                self.comment(indented);
            } else if text.is_empty() {
                empty.push(physical);
            } else {
                let (piece, more) = self.continuation(physical);
                continued = more;
                pieces.push(piece);
                end = physical.end;
            }
        }
        if let (Some(first), Some(last)) = (empty.first(), empty.last()) {
            self.diagnostics.report(
                Diagnostic::warning("empty-continuation", "a continued instruction has blank lines")
                    .at(first.to(*last))
                    .hint("remove them, or put a `#` at their start"),
            );
        }
        let line = Line::new(self.reader.text, &pieces);
        let mut context = instructions::Context {
            escape: self.dockerfile.escape,
            diagnostics: &mut self.diagnostics,
            reader: &mut self.reader,
        };
        if let Some(tree) = &mut self.tree {
            tree.push(instructions::node(line.body(), context.escape));
        }
        let mut instruction = instructions::parse(&line, &mut context);
        // Blanks and a continuation that continues nothing are not part of it.
        let text = self.reader.slice(Span::new(content.start, end));
        let escape = u8::try_from(self.dockerfile.escape).expect("the escape character is ASCII");
        let is_dropped = |byte: &u8| matches!(byte, b' ' | b'\t') || *byte == escape;
        let kept = text.len() - text.bytes().rev().take_while(is_dropped).count();
        instruction.span = Span::new(content.start, instruction.span.end.max(content.start + kept));
        instruction.empty_continuations = empty;
        self.dockerfile.instructions.push(instruction);
    }

    /// The part of a line before the continuation character, and whether there is one.
    fn continuation(&self, line: Span) -> (Span, bool) {
        let escape = u8::try_from(self.dockerfile.escape).expect("the escape character is ASCII");
        let bytes = self.reader.slice(line).as_bytes();
        let blanks = bytes.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let kept = &bytes[..bytes.len() - blanks];
        // Two escape characters are one literal one, not a continuation.
        match kept {
            [before @ .., last] if *last == escape && before.last() != Some(&escape) => {
                (Span::new(line.start, line.start + before.len()), true)
            }
            _ => (line, false),
        }
    }
}

#[cfg(test)]
mod tests;
