//! Sizes, times and tables for people.
