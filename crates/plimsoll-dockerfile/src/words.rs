//! Words: quotes and escapes are removed, variables put in.
//!
//! The rules are those of the shell lexer of `BuildKit`'s Dockerfile frontend, which are like a shell's and yet not the same: there is no command
//! substitution, an escape inside double quotes is dropped only before `"`, `$` and the escape character, and nothing is split unless
//! [`expand_words`] is used. Patterns know `*`, `?` and escapes, no brackets.
//!
//! Which instruction expands what, and how (everything else is taken as it is written):
//!
//! | where | how |
//! | --- | --- |
//! | `FROM` image and `--platform` | [`expand`], with the global `ARG`s only |
//! | `ARG` defaults | [`expand`] |
//! | `ENV`, `LABEL` keys and values | [`expand`]; all pairs see the values from before the instruction |
//! | `ADD`, `COPY` paths, `--chown`, `--chmod`, `--checksum` | [`expand`] |
//! | `ADD`, `COPY` inline files, name not quoted | [`expand_body`] |
//! | `COPY --from`, `from` of `RUN --mount`, `RUN --network`, `--security` | not at all |
//! | values inside `RUN --mount` | [`expand`], each value by itself ([`crate::Mount::parse`]) |
//! | `RUN`, `CMD`, `ENTRYPOINT`, `HEALTHCHECK`, `SHELL` bodies | not at all: the shell does it |
//! | `EXPOSE` | [`expand_words`]: one word may become several ports |
//! | `VOLUME`, `USER`, `WORKDIR`, `STOPSIGNAL` | [`expand`] |
//! | `ONBUILD` | nothing until the trigger runs |
//!
//! The escape character is the file's ([`crate::Dockerfile::escape`]), except in inline files and for the names of heredocs: there it is
//! always the backslash.

mod pattern;

use std::collections::BTreeSet;

use pattern::Pattern;

/// How deep `${a:-${b:-…}}` may go.
const DEEPEST: usize = 64;

/// No value is longer than this many bytes.
const LONGEST: usize = 16 << 20;

/// Finds the value of a variable.
pub type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// What happens to quotes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quotes {
    /// They group and vanish.
    #[default]
    Remove,
    /// They group and stay.
    Keep,
    /// They are characters like any other.
    Literal,
}

/// How a word is processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The escape character.
    pub escape: char,
    /// What happens to quotes.
    pub quotes: Quotes,
    /// Whether escape characters stay.
    pub keep_escapes: bool,
    /// Whether variables without a value stay as they are written.
    pub keep_unset: bool,
}

impl Options {
    /// The usual way: quotes and escapes vanish, a variable without a value is empty.
    pub const fn new(escape: char) -> Self {
        Self { escape, quotes: Quotes::Remove, keep_escapes: false, keep_unset: false }
    }
}

/// The result of processing a word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expansion {
    /// The word with everything put in.
    pub text: String,
    /// The same, split at blanks that are not quoted or escaped; empty words are dropped.
    pub words: Vec<Word>,
    /// Variables that were looked up and have a value.
    pub used: BTreeSet<String>,
    /// Variables that have no value, where the word does not say what to do then (as `${v:-x}`, `${v+x}` and `${v?x}` do);
    /// none when such variables are kept.
    pub unset: BTreeSet<String>,
    /// Whether anything was quoted.
    pub quoted: bool,
}

/// A word of an [`Expansion`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The word.
    pub text: String,
    /// Byte offset in the input at which it starts.
    pub start: usize,
    /// Byte offset in the input just behind it.
    pub end: usize,
}

/// Why a word cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct WordError {
    /// Byte offset in the word at which it was noticed.
    pub offset: usize,
    /// What is wrong.
    pub kind: WordErrorKind,
}

/// What is wrong with a word.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WordErrorKind {
    /// A quote is not closed.
    #[error("the quote `{quote}` is not closed")]
    UnclosedQuote {
        /// The quote.
        quote: char,
    },
    /// `${` without its `}`.
    #[error("`${{` is not closed by `}}`")]
    UnclosedBrace,
    /// `${v/pattern` without the second `/`.
    #[error("a replacement needs a second `/`: `${{name/pattern/replacement}}`")]
    MissingSlash,
    /// `${}`, `${{`, `${:`.
    #[error("`${{` is not followed by a name")]
    BadSubstitution,
    /// Something else than a known operator behind the name.
    #[error("`{operator}` is not an operator in `${{…}}`")]
    UnknownOperator {
        /// The text in place of an operator.
        operator: String,
    },
    /// `${v?message}` without a value.
    #[error("variable `{name}`: {message}")]
    Required {
        /// The variable.
        name: String,
        /// The message, from the file or a general one.
        message: String,
    },
    /// A backslash in a pattern before a character that needs none.
    #[error("`\\` in a pattern goes before `*`, `?`, `\\`, `/` or `}}` only")]
    BadPatternEscape,
    /// Value and pattern are too long for each other.
    #[error("the value is too long for its pattern")]
    PatternTooLarge,
    /// Too many nested `${…}`.
    #[error("more than {DEEPEST} nested `${{…}}`")]
    TooDeep,
    /// The result is too long.
    #[error("the result has more than {LONGEST} bytes")]
    TooLong,
}

/// Removes quotes and escapes and puts in variables; a variable without a value is empty.
pub fn expand(word: &str, escape: char, lookup: &Lookup<'_>) -> Result<String, WordError> {
    if is_plain(word, escape) {
        return Ok(word.to_owned());
    }
    Ok(process(word, Options::new(escape), lookup)?.text)
}

/// Like [`expand`], and splits the result at blanks that are not quoted: a variable may become several words, or none.
pub fn expand_words(word: &str, escape: char, lookup: &Lookup<'_>) -> Result<Vec<String>, WordError> {
    let words = process(word, Options::new(escape), lookup)?.words;
    Ok(words.into_iter().map(|word| word.text).collect())
}

/// Puts variables into the body of an inline file: quotes stay, `\$` is a dollar, the escape character is the backslash.
pub fn expand_body(body: &str, lookup: &Lookup<'_>) -> Result<String, WordError> {
    let options = Options { quotes: Quotes::Literal, ..Options::new('\\') };
    Ok(process(body, options, lookup)?.text)
}

/// Processes a word and tells everything there is to know about it.
pub fn process(word: &str, options: Options, lookup: &Lookup<'_>) -> Result<Expansion, WordError> {
    let mut lexer = Lexer {
        source: word,
        position: 0,
        options,
        lookup,
        depth: 0,
        used: BTreeSet::new(),
        unset: BTreeSet::new(),
        quoted: false,
    };
    let mut words = Words::default();
    let text = lexer.until(None, options.keep_escapes, &mut words)?;
    words.finish(word.len());
    Ok(Expansion { text, words: words.done, used: lexer.used, unset: lexer.unset, quoted: lexer.quoted })
}

/// Whether processing would change nothing.
fn is_plain(word: &str, escape: char) -> bool {
    !word.chars().any(|character| character == escape || matches!(character, '$' | '\'' | '"'))
}

#[derive(Default)]
struct Words {
    done: Vec<Word>,
    current: String,
    start: usize,
    inside: bool,
}

impl Words {
    fn add(&mut self, character: char, at: usize) {
        if !character.is_whitespace() {
            self.add_raw(at).push(character);
        } else if self.inside {
            self.finish(at);
        }
    }

    fn add_raw(&mut self, at: usize) -> &mut String {
        if self.current.is_empty() {
            self.start = at;
        }
        self.inside = true;
        &mut self.current
    }

    fn finish(&mut self, at: usize) {
        if !self.current.is_empty() {
            self.done.push(Word { text: std::mem::take(&mut self.current), start: self.start, end: at });
            self.inside = false;
        }
    }
}

struct Lexer<'a> {
    source: &'a str,
    position: usize,
    options: Options,
    lookup: &'a Lookup<'a>,
    depth: usize,
    used: BTreeSet<String>,
    unset: BTreeSet<String>,
    quoted: bool,
}

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.source[self.position..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.position += character.len_utf8();
        Some(character)
    }

    fn error<T>(&self, kind: WordErrorKind) -> Result<T, WordError> {
        Err(WordError { offset: self.position, kind })
    }

    /// Processes up to `stop`, which is consumed, or to the end of the word.
    fn until(
        &mut self,
        stop: Option<char>,
        keep_escapes: bool,
        words: &mut Words,
    ) -> Result<String, WordError> {
        let mut out = String::new();
        loop {
            let at = self.position;
            let Some(character) = self.next() else { break };
            if stop == Some(character) {
                return Ok(out);
            }
            match character {
                '$' => {
                    let value = self.dollar()?;
                    value.chars().for_each(|character| words.add(character, at));
                    out.push_str(&value);
                }
                '\'' | '"' if self.options.quotes != Quotes::Literal => {
                    let start = out.len();
                    self.quote(character, keep_escapes, &mut out)?;
                    words.add_raw(at).push_str(&out[start..]);
                }
                '<' => {
                    out.push('<');
                    words.add_raw(at).push('<');
                    if self.peek() == Some('<') {
                        self.next();
                        out.push('<');
                        words.add_raw(at).push('<');
                        // The name of a heredoc may stand behind blanks: they do not end the word.
                        while let Some(blank) = self.peek().filter(|next| next.is_whitespace()) {
                            self.next();
                            out.push(blank);
                            words.add_raw(at).push(blank);
                        }
                    }
                }
                _ if character == self.options.escape => {
                    if keep_escapes {
                        out.push(character);
                        words.add_raw(at).push(character);
                    }
                    let Some(escaped) = self.next() else { break };
                    out.push(escaped);
                    words.add_raw(at).push(escaped);
                }
                _ => {
                    out.push(character);
                    words.add(character, at);
                }
            }
            if out.len() > LONGEST {
                return self.error(WordErrorKind::TooLong);
            }
        }
        match stop {
            None => Ok(out),
            Some('/') => self.error(WordErrorKind::MissingSlash),
            Some(_) => self.error(WordErrorKind::UnclosedBrace),
        }
    }

    fn quote(&mut self, quote: char, keep_escapes: bool, out: &mut String) -> Result<(), WordError> {
        self.quoted = true;
        let start = self.position - 1;
        let keep = self.options.quotes == Quotes::Keep;
        if keep {
            out.push(quote);
        }
        loop {
            let Some(character) = self.next() else {
                return Err(WordError { offset: start, kind: WordErrorKind::UnclosedQuote { quote } });
            };
            if character == quote {
                if keep {
                    out.push(quote);
                }
                return Ok(());
            }
            if quote == '"' && character == '$' {
                let value = self.dollar()?;
                out.push_str(&value);
                if out.len() > LONGEST {
                    return self.error(WordErrorKind::TooLong);
                }
            } else if quote == '"' && character == self.options.escape {
                match self.peek() {
                    Some(next) if matches!(next, '"' | '$') || next == self.options.escape => {
                        if keep_escapes {
                            out.push(character);
                        }
                        self.next();
                        out.push(next);
                    }
                    _ => out.push(character),
                }
            } else {
                out.push(character);
            }
        }
    }

    /// What stands behind a `$`, which is already consumed.
    fn dollar(&mut self) -> Result<String, WordError> {
        if self.peek() != Some('{') {
            let name = self.name();
            if name.is_empty() {
                return Ok("$".to_owned());
            }
            return Ok(self.value(&name, true).unwrap_or_else(|| {
                if self.options.keep_unset { format!("${name}") } else { String::new() }
            }));
        }
        self.next();
        if matches!(self.peek(), Some('{' | '}' | ':')) {
            return self.error(WordErrorKind::BadSubstitution);
        }
        if self.depth == DEEPEST {
            return self.error(WordErrorKind::TooDeep);
        }
        self.depth += 1;
        let value = self.braces()?;
        self.depth -= 1;
        Ok(value)
    }

    /// What stands behind `${`.
    fn braces(&mut self) -> Result<String, WordError> {
        let name = self.name();
        let start = self.position;
        let Some(mut operator) = self.next() else { return self.error(WordErrorKind::UnclosedBrace) };
        match operator {
            '}' => {
                return Ok(self.value(&name, true).unwrap_or_else(|| {
                    if self.options.keep_unset { format!("${{{name}}}") } else { String::new() }
                }));
            }
            '/' => return self.replacement(&name),
            _ => {}
        }
        let colon = operator == ':';
        if colon {
            let Some(next) = self.next() else { return self.error(WordErrorKind::UnclosedBrace) };
            operator = next;
        }
        let trims = matches!(operator, '#' | '%');
        if !trims && !matches!(operator, '-' | '+' | '?') {
            let operator = self.source[start..self.position].to_owned();
            return Err(WordError { offset: start, kind: WordErrorKind::UnknownOperator { operator } });
        }
        let written = self.source[start..self.position].to_owned();
        let argument = self.until(Some('}'), trims, &mut Words::default())?;
        let value = self.value(&name, trims);
        let Some(value) = value else {
            if self.options.keep_unset {
                return Ok(format!("${{{name}{written}{argument}}}"));
            }
            return match operator {
                '-' => Ok(argument),
                '?' => self.required(name, argument, "it must have a value"),
                _ => Ok(String::new()),
            };
        };
        let empty = colon && value.is_empty();
        match operator {
            '-' if empty => Ok(argument),
            '+' if empty => Ok(String::new()),
            '+' => Ok(argument),
            '?' if empty => self.required(name, argument, "it must not be empty"),
            '#' | '%' => self.trimmed(&value, &argument, operator),
            _ => Ok(value),
        }
    }

    fn required<T>(&self, name: String, message: String, general: &str) -> Result<T, WordError> {
        let message = if message.is_empty() { general.to_owned() } else { message };
        self.error(WordErrorKind::Required { name, message })
    }

    fn trimmed(&self, value: &str, argument: &str, operator: char) -> Result<String, WordError> {
        // A doubled operator means the longest match; its second half arrives as the start of the pattern.
        let (longest, text) = argument.strip_prefix(operator).map_or((false, argument), |text| (true, text));
        let pattern = Pattern::new(text).or_else(|kind| self.error(kind))?;
        let rest = if operator == '#' {
            pattern.trim_start(value, longest)
        } else {
            pattern.trim_end(value, longest)
        };
        rest.map(str::to_owned).or_else(|kind| self.error(kind))
    }

    /// `${name/pattern/replacement}` behind the first slash.
    fn replacement(&mut self, name: &str) -> Result<String, WordError> {
        let all = self.peek() == Some('/');
        if all {
            self.next();
        }
        let pattern = self.until(Some('/'), true, &mut Words::default())?;
        let replacement = self.until(Some('}'), true, &mut Words::default())?;
        let Some(value) = self.value(name, true) else {
            if self.options.keep_unset {
                let slashes = if all { "//" } else { "/" };
                return Ok(format!("${{{name}{slashes}{pattern}/{replacement}}}"));
            }
            return Ok(String::new());
        };
        let pattern = Pattern::new(&pattern).or_else(|kind| self.error(kind))?;
        pattern.replace(&value, &replacement, all, LONGEST).or_else(|kind| self.error(kind))
    }

    /// A name: letters, digits and `_`; digits only when it starts with one; or one special character.
    fn name(&mut self) -> String {
        let rest = &self.source[self.position..];
        let Some(first) = rest.chars().next() else { return String::new() };
        let length = if is_digit(first) {
            rest.find(|character| !is_digit(character)).unwrap_or(rest.len())
        } else if matches!(first, '@' | '*' | '#' | '?' | '-' | '$' | '!') {
            1
        } else {
            rest.find(|character: char| {
                !(character == '_' || character.is_alphabetic() || is_digit(character))
            })
            .unwrap_or(rest.len())
        };
        self.position += length;
        rest[..length].to_owned()
    }

    fn value(&mut self, name: &str, report: bool) -> Option<String> {
        let value = (self.lookup)(name);
        if value.is_some() {
            self.used.insert(name.to_owned());
        } else if report && !self.options.keep_unset {
            self.unset.insert(name.to_owned());
        }
        value
    }
}

fn is_digit(character: char) -> bool {
    character.is_ascii_digit() || (!character.is_ascii() && character.is_numeric())
}

#[cfg(test)]
mod tests;
