//! The search: keywords, windows around them, and what a rule reads there.

pub(crate) mod assignment;
pub(crate) mod context;
pub(crate) mod jwt;
pub(crate) mod keys;
mod keywords;
pub(crate) mod search;
mod stream;
mod text;
pub(crate) mod urls;

pub(crate) use search::Search;
pub(crate) use stream::{BLOCK, Stream};
pub(crate) use text::Transcoded;
