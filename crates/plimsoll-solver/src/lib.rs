//! Vertices and cache to what runs when.
