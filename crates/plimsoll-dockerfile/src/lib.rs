//! Dockerfile text → instructions, each with its place in the text.
//!
//! The crate is pure: text in, values and diagnostics out. It knows the language as `BuildKit`'s frontend of August 2026 reads it, from the byte
//! order mark to heredocs. [`parse()`] goes on behind errors, so that a linter sees the rest of a broken file; a builder refuses a
//! file with any diagnostic of severity error.
//!
//! - [`ast`] has the types, [`parse()`] makes them.
//! - [`tree()`] gives the words of every instruction, before anything is known of their meaning.
//! - [`words`] removes quotes and puts in variables, once their values are known.
//! - [`Mount`] is the typed form of a `RUN --mount` value.
//! - [`ignore`] reads and applies `.dockerignore`, [`glob`] matches the wildcards of `COPY`.

pub mod ast;
pub mod glob;
pub mod ignore;
pub mod words;

mod directives;
mod mount;
mod parser;

pub use ast::{
    Add, ArgDefinition, Check, CommandForm, Comment, Copy, Directive, DirectiveKind, Dockerfile, From,
    Healthcheck, Heredoc, Instruction, InstructionKind, Invocation, Onbuild, Pair, Pairs, Run, Source,
    Transfer,
};
pub use directives::{CheckOptions, CheckOptionsError, RuleSet, detect_syntax};
pub use mount::{Mount, MountError, MountKind, Sharing, memory_size};
pub use parser::{KEYWORDS, Node, Parsed, Part, Tree, flags_of, parse, tree};
pub use plimsoll_diagnostics::{Diagnostic, Severity, SourceFile, Span, Spanned, Text};
