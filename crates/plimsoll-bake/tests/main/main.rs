//! What the crate does, by behaviour.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod errors;
mod golden;
mod support;
