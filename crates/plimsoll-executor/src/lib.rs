//! The ops: source, exec and file.
