//! Behaviour of changesets from outside: tars, directories, merged views and blobs.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests fail and speak as tests do")]

#[path = "behaviour/chain.rs"]
mod chain;
#[path = "behaviour/compression.rs"]
mod compression;
#[path = "behaviour/estargz.rs"]
mod estargz;
#[path = "behaviour/foreign_tar.rs"]
mod foreign_tar;
#[path = "behaviour/hostile_tar.rs"]
mod hostile_tar;
#[path = "behaviour/index.rs"]
mod index;
#[path = "behaviour/overlay.rs"]
mod overlay;
#[path = "behaviour/round_trip.rs"]
mod round_trip;
#[path = "behaviour/support.rs"]
mod support;
