//! Secrets in files, variables and histories.
//!
//! One automaton looks for the keywords of all rules; only the rules whose keyword it met look at the bytes around it. Files
//! whose form is known are read by that form beside it. A scanner opens nothing: it is given a path and a reader, takes constant
//! memory whatever the size, and its findings hold no value.

mod allow;
mod config;
mod engine;
mod files;
mod finding;
mod paths;
mod placeholder;
mod rule;
mod rules;
mod scanner;

pub use config::{Allow, Config, ConfigError, CustomRule};
pub use finding::{FileFindings, Finding, Severity, Skipped};
pub use rule::Rule;
pub use rules::all as rules;
pub use scanner::Scanner;

/// The version of rules and readers, for cache keys: raised by every change that may find something else.
pub const RULES_VERSION: u32 = 1;
