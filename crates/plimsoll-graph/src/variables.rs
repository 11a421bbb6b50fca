//! Variables and the words they are put into.

use plimsoll_diagnostics::{Diagnostic, Spanned, Text, did_you_mean};
use plimsoll_dockerfile::words::{self, Expansion, Options, WordError};

use crate::problems::{Problems, Reported, Reporting};

/// Variables in order; a name occurs once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Variables(Vec<(String, String)>);

impl Variables {
    /// The value of a variable.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Sets a variable in its place, or appends it.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        match self.0.iter_mut().find(|(key, _)| key == name) {
            Some((_, old)) => value.clone_into(old),
            None => self.0.push((name.to_owned(), value.to_owned())),
        }
    }

    /// All of them, in order.
    pub(crate) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

/// Expands the words of one instruction: all of them see the values from before it.
pub(crate) struct Expander<'a> {
    /// The values.
    pub(crate) variables: &'a Variables,
    /// Names that are declared without a value: empty, and no reason for a warning.
    pub(crate) declared: Vec<&'a str>,
    /// The escape character.
    pub(crate) escape: char,
}

impl Expander<'_> {
    /// Expands a word to one word.
    pub(crate) fn word(&self, word: &Spanned<Text>, problems: &mut Problems) -> Reporting<String> {
        Ok(self.process(word, Options::new(self.escape), problems)?.text)
    }

    /// Expands an optional word.
    pub(crate) fn optional(
        &self,
        word: Option<&Spanned<Text>>,
        problems: &mut Problems,
    ) -> Reporting<Option<String>> {
        word.map(|word| self.word(word, problems)).transpose()
    }

    /// Expands a word to any number of words.
    pub(crate) fn words(&self, word: &Spanned<Text>, problems: &mut Problems) -> Reporting<Vec<String>> {
        let words = self.process(word, Options::new(self.escape), problems)?.words;
        Ok(words.into_iter().map(|word| word.text).collect())
    }

    /// Expands the body of an inline file.
    pub(crate) fn body(&self, body: &Spanned<Text>, problems: &mut Problems) -> Reporting<String> {
        let options = Options { quotes: words::Quotes::Literal, ..Options::new('\\') };
        Ok(self.process(body, options, problems)?.text)
    }

    /// Expands a text that has no place of its own.
    pub(crate) fn raw(&self, text: &str) -> Result<Expansion, WordError> {
        words::process(text, Options::new(self.escape), &|name| self.variables.value(name).map(str::to_owned))
    }

    /// Reports the variables that have no value, as [`Expansion::unset`] lists them.
    pub(crate) fn report_unset(
        &self,
        unset: impl IntoIterator<Item = String>,
        span: plimsoll_diagnostics::Span,
        problems: &mut Problems,
    ) {
        for name in unset {
            if self.declared.contains(&name.as_str()) {
                continue;
            }
            let near = did_you_mean(&name, self.variables.names().chain(self.declared.iter().copied()));
            problems.report(
                Diagnostic::warning("undefined-variable", format!("variable `{name}` is not defined here"))
                    .at(span)
                    .label("expands to nothing")
                    .maybe_hint(near.map(|near| format!("did you mean `{near}`?"))),
            );
        }
    }

    fn process(
        &self,
        word: &Spanned<Text>,
        options: Options,
        problems: &mut Problems,
    ) -> Reporting<Expansion> {
        let lookup = |name: &str| self.variables.value(name).map(str::to_owned);
        match words::process(&word.value, options, &lookup) {
            Ok(expansion) => {
                self.report_unset(expansion.unset.iter().cloned(), word.span, problems);
                Ok(expansion)
            }
            Err(error) => {
                problems.report(
                    Diagnostic::error("bad-expansion", format!("cannot expand `{}`: {error}", word.value))
                        .at(word.span),
                );
                Err(Reported)
            }
        }
    }
}
