//! The client against the registry inside the process, and against a real one.
#![expect(clippy::unwrap_used, reason = "helpers outside test functions fail the test in the same way")]
#![expect(clippy::print_stderr, reason = "what is skipped is said")]

mod authentication;
mod docker_registry;
mod errors;
mod images;
mod login;
mod mirrors;
mod pull;
mod push;
mod support;
mod tls;
