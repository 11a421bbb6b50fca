//! Getting files: over http with retries and resumption, into a cache that several processes share.

mod cache;
mod client;
mod download;

pub(crate) use cache::Cache;
pub(crate) use client::{Client, shown};
pub(crate) use download::{Wanted, download, release_file};
