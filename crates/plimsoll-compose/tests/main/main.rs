//! The composer against an archive made by code and served on the loopback interface.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod distroless;
mod fetching;
mod host;
mod minbase;
mod signatures;
mod support;
