//! How a build shows what it does.
