//! What the rules find, what hides findings, and how they are written.

mod documents;
mod output;
mod support;
mod suppression;
