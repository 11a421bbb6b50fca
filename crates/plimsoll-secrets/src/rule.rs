//! What a rule is.

use std::borrow::Cow;

use crate::engine::context::Context;
use crate::finding::Severity;

/// One kind of secret.
#[derive(Clone)]
pub struct Rule {
    /// Its name in reports and configurations.
    pub id: Cow<'static, str>,
    /// What the value is.
    pub title: Cow<'static, str>,
    /// How bad it is that somebody has the value.
    pub severity: Severity,
    pub(crate) keywords: Cow<'static, [Cow<'static, str>]>,
    pub(crate) shape: Shape,
    /// The pattern of the value, or of what it stands in; then its first group is the value.
    pub(crate) pattern: Cow<'static, str>,
    /// The least entropy of the value, in bits for each character.
    pub(crate) entropy: f32,
    /// What else must hold.
    pub(crate) check: Option<Check>,
    /// The only paths that the rule looks at.
    pub(crate) path: Option<fn(&str) -> bool>,
    pub(crate) rank: u8,
}

/// A condition on a match, beyond its pattern.
pub(crate) type Check = fn(&Context<'_>) -> bool;

/// How a rule finds its value.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    /// The text has a form of its own. The pattern begins at the keyword, or so many bytes before it at most.
    Token { before: usize },
    /// The value is assigned to a name with the keyword and all of these words in it.
    Named { also: &'static [&'static str] },
    /// Code finds the value around the keyword.
    Code(Finder),
    /// A pattern of the configuration: it may begin anywhere around the keyword.
    Custom,
    /// A reader of whole files finds the value and names the rule.
    File,
}

/// Finds a value in a window: the window, where the keyword is in it, and the place of the value.
pub(crate) type Finder = fn(&[u8], std::ops::Range<usize>) -> Option<std::ops::Range<usize>>;

/// Ranks: of two rules at one place the higher one reports.
mod rank {
    pub(super) const GENERIC: u8 = 1;
    pub(super) const NAMED: u8 = 2;
    pub(super) const FILE: u8 = 3;
    pub(super) const CODE: u8 = 4;
    pub(super) const TOKEN: u8 = 5;
    pub(super) const SPECIAL: u8 = 6;
}

type Words = &'static [Cow<'static, str>];

/// The keywords of a rule, as its table takes them.
macro_rules! words {
    ($($word:literal),* $(,)?) => { &[$(::std::borrow::Cow::Borrowed($word)),*] };
}
pub(crate) use words;

const fn rule(
    id: &'static str,
    title: &'static str,
    severity: Severity,
    keywords: Words,
    shape: Shape,
    pattern: &'static str,
    rank: u8,
) -> Rule {
    Rule {
        id: Cow::Borrowed(id),
        title: Cow::Borrowed(title),
        severity,
        keywords: Cow::Borrowed(keywords),
        shape,
        pattern: Cow::Borrowed(pattern),
        entropy: 0.0,
        check: None,
        path: None,
        rank,
    }
}

/// A text that begins with one of the keywords.
pub(crate) const fn token(
    id: &'static str,
    title: &'static str,
    severity: Severity,
    keywords: Words,
    pattern: &'static str,
) -> Rule {
    rule(id, title, severity, keywords, Shape::Token { before: 0 }, pattern, rank::TOKEN)
}

/// A text with one of the keywords in it, at most `before` bytes from its beginning.
pub(crate) const fn around(
    id: &'static str,
    title: &'static str,
    severity: Severity,
    keywords: Words,
    before: usize,
    pattern: &'static str,
) -> Rule {
    rule(id, title, severity, keywords, Shape::Token { before }, pattern, rank::TOKEN)
}

/// The value of a name with one of the keywords, and all of `also`, in it.
pub(crate) const fn named(
    id: &'static str,
    title: &'static str,
    severity: Severity,
    keywords: Words,
    also: &'static [&'static str],
    pattern: &'static str,
) -> Rule {
    rule(id, title, severity, keywords, Shape::Named { also }, pattern, rank::NAMED)
}

/// A value that code finds around a keyword.
pub(crate) const fn code(
    id: &'static str,
    title: &'static str,
    severity: Severity,
    keywords: Words,
    finder: Finder,
) -> Rule {
    rule(id, title, severity, keywords, Shape::Code(finder), "", rank::CODE)
}

/// A value in a file whose form is known.
pub(crate) const fn file(id: &'static str, title: &'static str, severity: Severity) -> Rule {
    rule(id, title, severity, &[], Shape::File, "", rank::FILE)
}

impl Rule {
    /// With a floor for the value's entropy.
    pub(crate) const fn entropy(mut self, bits: f32) -> Self {
        self.entropy = bits;
        self
    }

    /// With one more condition.
    pub(crate) const fn checked(mut self, check: Check) -> Self {
        self.check = Some(check);
        self
    }

    /// Yields to every rule that knows more.
    pub(crate) const fn generic(mut self) -> Self {
        self.rank = rank::GENERIC;
        self
    }

    /// Knows more than the form of the value tells.
    pub(crate) const fn special(mut self) -> Self {
        self.rank = rank::SPECIAL;
        self
    }

    /// What the rule looks for in a text before anything else.
    pub fn keywords(&self) -> impl Iterator<Item = &str> {
        self.keywords.iter().map(AsRef::as_ref)
    }

    /// The rule of a configuration; without keywords its pattern runs over everything.
    pub(crate) fn custom(
        id: String,
        title: String,
        severity: Severity,
        keywords: Vec<String>,
        pattern: String,
    ) -> Self {
        Self {
            id: id.into(),
            title: title.into(),
            severity,
            keywords: keywords.into_iter().map(Cow::Owned).collect(),
            shape: Shape::Custom,
            pattern: pattern.into(),
            entropy: 0.0,
            check: None,
            path: None,
            rank: rank::SPECIAL,
        }
    }
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Rule")
            .field("id", &self.id)
            .field("severity", &self.severity)
            .finish_non_exhaustive()
    }
}
