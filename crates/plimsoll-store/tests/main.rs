//! What the store promises, seen from outside.
#![expect(clippy::print_stdout, reason = "the other process of a test speaks to it that way")]
#![expect(clippy::unwrap_used, reason = "helpers of tests are not recognised as tests")]

mod cases;
