//! What the rules find, what hides findings, and how they are written.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod documents;
mod fixes;
mod hostile;
mod output;
mod production;
mod support;
mod suppression;
