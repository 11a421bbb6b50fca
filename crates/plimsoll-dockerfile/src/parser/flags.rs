//! Flags: `--name` and `--name=value` before the arguments of an instruction.
//!
//! Quotes and backslashes are taken out of a flag when it is read, whatever the file's escape character is, so that
//! `--chown="a b"` and `"--chown=a b"` are the same.

use std::borrow::Cow;

use plimsoll_diagnostics::{Diagnostic, Span, Spanned, Text, did_you_mean};
use smallvec::SmallVec;

use super::{Sink, line::Body, shown};

/// What a flag takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// One value.
    Value,
    /// One value each time it is given.
    Values,
    /// Nothing, `true` or `false`.
    Bool,
}

/// The flags of an instruction.
pub(super) type Known = &'static [(&'static str, Takes)];

/// A flag as written.
pub(super) struct RawFlag<'l> {
    text: Cow<'l, str>,
    body: Body<'l>,
}

impl RawFlag<'_> {
    /// A part of the flag as a text that shares its bytes with the file, if nothing was taken out of the flag.
    fn value(&self, part: &str) -> Text {
        match (&self.text, self.body.find(b'=')) {
            (Cow::Borrowed(_), Some(at)) => self.body.from(at + 1).value(),
            _ => part.into(),
        }
    }

    /// The flag without its quotes, dashes included.
    pub(super) fn into_text(self) -> String {
        self.text.into_owned()
    }
}

/// The flags of one instruction as written.
pub(super) type RawFlags<'l> = SmallVec<[RawFlag<'l>; 2]>;

/// Takes the flags off the front of an instruction's arguments.
pub(super) fn split(rest: Body<'_>) -> (RawFlags<'_>, Body<'_>) {
    let text = rest.text();
    if text.as_bytes().first().is_some_and(|first| first.is_ascii_graphic() && *first != b'-') {
        return (RawFlags::new(), rest.trim());
    }
    let mut flags = RawFlags::new();
    let mut position = 0;
    loop {
        position += text[position..].len() - text[position..].trim_start().len();
        if !text[position..].starts_with("--") {
            return (flags, rest.from(position).trim());
        }
        let (flag, length) = unquoted(&text[position..]);
        let body = rest.part(position, position + length);
        position += length;
        if flag == "--" {
            return (flags, rest.from(position).trim());
        }
        flags.push(RawFlag { text: flag, body });
    }
}

/// The flag at the start of a text, without its quotes and escapes, and its length as written.
fn unquoted(text: &str) -> (Cow<'_, str>, usize) {
    let plain =
        text.bytes().position(|byte| !byte.is_ascii_graphic() || matches!(byte, b'\\' | b'\'' | b'"'));
    match plain.map(|end| (end, text.as_bytes()[end])) {
        None => return (Cow::Borrowed(text), text.len()),
        Some((end, b' ')) => return (Cow::Borrowed(&text[..end]), end),
        Some(_) => {}
    }
    let mut flag = String::new();
    let mut quote = None;
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => flag.extend(characters.next().map(|(_, escaped)| escaped)),
            _ if quote == Some(character) => quote = None,
            _ if quote.is_some() => flag.push(character),
            '\'' | '"' => quote = Some(character),
            _ if character.is_whitespace() => return (Cow::Owned(flag), at),
            _ => flag.push(character),
        }
    }
    (Cow::Owned(flag), text.len())
}

/// The flags of one instruction, checked against those it knows.
pub(super) struct Flags {
    found: SmallVec<[(&'static str, Spanned<Text>); 2]>,
}

impl Flags {
    /// Checks flags; what is wrong is reported and left out.
    pub(super) fn read(raw: RawFlags<'_>, known: Known, instruction: &str, diagnostics: &mut Sink) -> Self {
        let mut found: SmallVec<[(&'static str, Spanned<Text>); 2]> = SmallVec::new();
        for flag in raw {
            if diagnostics.is_full() {
                break;
            }
            let span = flag.body.span();
            let body = &flag.text[2..];
            let (name, value) = match body.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (body, None),
            };
            let Some((name, takes)) = known.iter().copied().find(|(known, _)| *known == name) else {
                diagnostics.report(unknown(name, span, known, instruction));
                continue;
            };
            if takes != Takes::Values
                && let Some((_, first)) = found.iter().find(|(found, _)| *found == name)
            {
                diagnostics.report(
                    Diagnostic::error("duplicate-flag", format!("`--{name}` is given twice"))
                        .at(span)
                        .also(first.span, "first given here"),
                );
                continue;
            }
            let place = value_span(flag.body, span);
            match (takes, value) {
                (Takes::Value | Takes::Values, None) => {
                    diagnostics.report(
                        Diagnostic::error("missing-flag-value", format!("`--{name}` needs a value"))
                            .at(span)
                            .hint(format!("write `--{name}=…`")),
                    );
                }
                (Takes::Bool, Some(value)) if !is_bool(value) => {
                    diagnostics.report(
                        Diagnostic::error(
                            "bad-flag-value",
                            format!("`{}` is not a value for `--{name}`", shown(value)),
                        )
                        .at(place)
                        .hint(format!("write `--{name}`, `--{name}=true` or `--{name}=false`")),
                    );
                }
                (_, value) => found.push((name, Spanned::new(flag.value(value.unwrap_or("true")), place))),
            }
        }
        Self { found }
    }

    /// A flag's value; an empty one counts as none.
    pub(super) fn value(&mut self, name: &str) -> Option<Spanned<Text>> {
        self.given(name).filter(|value| !value.value.is_empty())
    }

    /// A flag's value, which may be empty.
    pub(super) fn given(&mut self, name: &str) -> Option<Spanned<Text>> {
        let index = self.found.iter().position(|(found, _)| *found == name)?;
        Some(self.found.remove(index).1)
    }

    /// All values of a flag that may be given several times.
    pub(super) fn values(&mut self, name: &str) -> Vec<Spanned<Text>> {
        std::iter::from_fn(|| self.given(name)).collect()
    }

    /// A switch.
    pub(super) fn switch(&mut self, name: &str) -> Option<Spanned<bool>> {
        self.value(name).map(|value| value.map(|text| !text.eq_ignore_ascii_case("false")))
    }
}

fn is_bool(value: &str) -> bool {
    value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false")
}

/// The place of a flag's value, or of the flag when it has none.
fn value_span(body: Body<'_>, whole: Span) -> Span {
    match body.find(b'=') {
        Some(at) => body.from(at + 1).span(),
        None => whole,
    }
}

fn unknown(name: &str, span: Span, known: Known, instruction: &str) -> Diagnostic {
    let diagnostic =
        Diagnostic::error("unknown-flag", format!("`{instruction}` has no flag `--{}`", shown(name)))
            .at(span);
    match did_you_mean(name, known.iter().map(|(known, _)| *known)) {
        Some(meant) => diagnostic.hint(format!("did you mean `--{meant}`?")),
        None if known.is_empty() => diagnostic.hint(format!(
            "`{instruction}` has no flags; write `{instruction} -- …` if the text starts with `--`"
        )),
        None => {
            let names: Vec<String> = known.iter().map(|(known, _)| format!("`--{known}`")).collect();
            diagnostic.note(format!("the flags of `{instruction}` are {}", names.join(", ")))
        }
    }
}
