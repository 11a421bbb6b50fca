//! File-system states: prepare, commit, materialise.
