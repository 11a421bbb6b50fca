//! Scans of made-up files.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod samples;
mod scan;
