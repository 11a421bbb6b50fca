//! Heredocs: which words announce one, and the lines that follow.

use plimsoll_diagnostics::{Diagnostic, Span, Spanned, Text};

use super::{Reader, Sink, line::Body, shown};
use crate::{
    ast::Heredoc,
    words::{Options, Quotes, process},
};

/// No instruction has more heredocs.
const MOST: usize = 100;

/// A word that announces a heredoc.
pub(super) struct Announced {
    pub(super) name: Text,
    expand: bool,
    strip_tabs: bool,
    file_descriptor: u32,
}

impl Announced {
    /// A heredoc without a body, announced at `span`.
    pub(super) fn into_empty(self, span: Span) -> Heredoc {
        let end = Span::at(span.end);
        Heredoc {
            name: Spanned::new(self.name, span),
            body: Spanned::new(Text::new(), end),
            expand: self.expand,
            strip_tabs: self.strip_tabs,
            file_descriptor: self.file_descriptor,
            terminator: end,
        }
    }
}

/// Reads a word as `N<<NAME`, `N<<-NAME`; the name may be quoted and may stand behind blanks.
pub(super) fn announced(word: &str) -> Option<Announced> {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    let rest = word[digits..].strip_prefix("<<")?;
    let (strip_tabs, rest) = rest.strip_prefix('-').map_or((false, rest), |rest| (true, rest));
    let rest = rest.trim_start();
    if rest.is_empty() || rest.contains('<') {
        return None;
    }
    let options = Options { keep_unset: true, ..Options::new('\\') };
    let expansion = process(rest, options, &|_| None).ok()?;
    let [name] = expansion.words.as_slice() else { return None };
    Some(Announced {
        name: name.text.as_str().into(),
        expand: !expansion.quoted,
        strip_tabs,
        file_descriptor: word[..digits].parse().unwrap_or(0),
    })
}

/// The heredocs announced in a line, each with its word.
fn announced_in(line: Body<'_>) -> Vec<(Announced, Span)> {
    let options = Options { quotes: Quotes::Keep, keep_escapes: true, keep_unset: true, escape: '\\' };
    // A line that is no sequence of words, such as one with an open quote, announces nothing.
    let Ok(expansion) = process(line.text(), options, &|_| None) else { return Vec::new() };
    expansion
        .words
        .iter()
        .filter_map(|word| announced(&word.text).map(|found| (found, line.part(word.start, word.end).span())))
        .take(MOST + 1)
        .collect()
}

/// Reads the heredocs that a line announces from the lines behind it.
pub(super) fn read(line: Body<'_>, reader: &mut Reader<'_>, diagnostics: &mut Sink) -> Vec<Heredoc> {
    let mut heredocs = Vec::new();
    for (announced, span) in announced_in(line) {
        if heredocs.len() == MOST {
            diagnostics.report(
                Diagnostic::error(
                    "too-many-heredocs",
                    format!("an instruction has more than {MOST} heredocs"),
                )
                .at(span),
            );
            break;
        }
        let start = reader.position();
        let mut terminator = None;
        while let Some(physical) = reader.next() {
            let text = reader.slice(physical);
            let text = if announced.strip_tabs { text.trim_start_matches('\t') } else { text };
            if announced.name == *text {
                terminator = Some(physical);
                break;
            }
        }
        let end = terminator.map_or(reader.position(), |terminator| terminator.start);
        if terminator.is_none() {
            let name = shown(&announced.name);
            let mut diagnostic =
                Diagnostic::error("unterminated-heredoc", format!("the heredoc `{name}` is not closed"))
                    .at(span)
                    .label("opened here");
            diagnostic = if name.contains(')') {
                diagnostic.hint("a shift in shell arithmetic is written without blanks: `$((1<<2))`")
            } else {
                diagnostic.hint(format!("end it with a line that holds `{name}` and nothing else"))
            };
            diagnostics.report(diagnostic);
        }
        let body = Span::new(start, end);
        heredocs.push(Heredoc {
            name: Spanned::new(announced.name, span),
            body: Spanned::new(reader.text(body), body),
            expand: announced.expand,
            strip_tabs: announced.strip_tabs,
            file_descriptor: announced.file_descriptor,
            terminator: terminator.unwrap_or(Span::at(end)),
        });
    }
    heredocs
}
