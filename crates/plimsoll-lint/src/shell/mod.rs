//! Shell code as rules see it: which commands there are, with which flags and arguments, joined how.
//!
//! The parser reads what `sh` and `bash` have in common and most of what `bash` adds, never fails, and takes time in proportion to
//! the text. What it does not understand becomes words. Quotes and escapes are taken out of words; expansions stay as they
//! are written. Every part knows its place in the Dockerfile.

mod ast;
mod call;
mod heredoc;
mod parser;
mod script;
mod word;

pub use ast::{Command, Compound, Item, Joint, List, Pipeline, Redirect, Simple, Word};
pub use call::Call;
pub use script::Script;

#[cfg(test)]
mod tests;
