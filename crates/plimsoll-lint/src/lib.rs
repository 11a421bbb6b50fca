//! The rules for Dockerfiles: what is probably not meant, or known to end badly.
//!
//! The crate is pure: a text, and what the caller knows about the build, go in; findings come out. [`Document`] holds what a
//! rule may look at: stages, the values of variables, the shell in force. Each rule is one module in `rules`, with its
//! explanation, and one function from the document to findings. A [`Finding`] has a place, a way out, sometimes a fix, and as
//! `aliases` the names under which other linters report the same thing, where their own condition holds too.
//!
//! - [`check`] runs the rules and applies what suppresses findings.
//! - [`output`] writes findings in the shapes that people and programs read.
//! - [`shell`] reads the code of `RUN` and its like.
//! - [`shellcheck`] says what `ShellCheck` is to be asked, which the caller runs.
//! - [`introspect`] answers what stages and arguments a file has.

pub mod introspect;
pub mod output;
pub mod shell;
pub mod shellcheck;

mod configuration;
mod context;
mod document;
mod engine;
mod finding;
mod fix;
mod labels;
mod names;
mod options;
pub mod production;
mod rule;
mod rules;
mod suppression;

pub use configuration::{Configuration, ConfigurationError, Threshold};
pub use context::{BuildContext, ContextEntry, EntryKind, Listing};
pub use document::{Base, BaseFacts, BaseFiles, Document, Stage, Step};
pub use engine::{Report, check, is_known_id, known_ids, rule_of};
pub use finding::{Finding, apply};
pub use fix::{Fixed, fix};
pub use labels::LabelType;
pub use options::{Bases, Options, Scope};
pub use rule::{Origin, Rule, origin, rule_named, rules};
