//! The orders against what the ecosystems' own tools say, and what holds for all of them.

mod answers;
mod decisions;
mod properties;
