//! Sources, databases and matching, from files to findings.

mod corrupt;
mod folder;
mod matching;
mod million;
mod real_data;
mod round_trip;
mod sources;
mod support;
