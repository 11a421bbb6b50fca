//! What shell code consists of. Spans are offsets in the script's text.

use plimsoll_diagnostics::Span;

/// Pipelines, one behind the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// In order.
    pub items: Vec<Item>,
}

/// A pipeline, and how it is joined to the one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What stands before it.
    pub joint: Joint,
    /// The pipeline.
    pub pipeline: Pipeline,
}

/// What stands before a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joint {
    /// Nothing: it is the first.
    Start,
    /// `;`, `&` or the end of a line.
    Then,
    /// `&&`.
    And,
    /// `||`.
    Or,
}

/// Commands with `|` between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipeline {
    /// At least one.
    pub commands: Vec<Command>,
    /// From the first character to the last.
    pub span: Span,
}

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Words.
    Simple(Simple),
    /// Something that holds lists.
    Compound(Compound),
}

/// `if`, `for`, `while`, `case`, `{…}`, `(…)`, a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compound {
    /// The lists in it, in order.
    pub bodies: Vec<List>,
    /// The words in it that belong to no command: those of `for` and `case`.
    pub words: Vec<Word>,
    /// Redirections of the whole.
    pub redirects: Vec<Redirect>,
    /// Whether it is `(…)`, which changes nothing outside of it.
    pub is_subshell: bool,
}

/// A command that is words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Simple {
    /// `NAME=value` in front.
    pub assignments: Vec<Word>,
    /// The name and the arguments.
    pub words: Vec<Word>,
    /// Redirections.
    pub redirects: Vec<Redirect>,
    /// From the first character to the last.
    pub span: Span,
}

/// A redirection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// The operator, without a number in front: `>`, `>>`, `<`, `<<`, `<<<`, `>&` …
    pub operator: &'static str,
    /// Where it leads; of a heredoc, the line that ends it.
    pub target: Word,
}

/// A word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// Without quotes and escapes; expansions as they are written.
    pub text: String,
    /// As it is written.
    pub span: Span,
    /// Whether any part is quoted or escaped.
    pub quoted: bool,
    /// Whether it has an expansion, so that the text is not what the command gets.
    pub expands: bool,
    /// The lists inside of `$(…)`, backticks, `<(…)`.
    pub substitutions: Vec<List>,
}
