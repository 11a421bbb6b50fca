//! Changeset to tar and back: index, whiteouts, compression.
