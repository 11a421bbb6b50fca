//! Security advisories: reading their sources, building one database of them, and finding what of it concerns a package.
//!
//! A database is one file ([`Builder`], [`Database`]): a sorted table from (ecosystem, package) to what is known of it, and, in the same file or
//! one of its own, the texts that people read. It is made of files; nothing here reaches the network, and nothing is printed.

mod age;
mod build;
mod codec;
mod cve;
mod database;
pub mod ecosystem;
mod error;
mod interval;
mod osv;
mod row;
mod severity;
mod sources;

pub use age::{Age, DEFAULT_MAX_AGE};
pub use build::{BuildReport, Builder, DetailsTo, Skip, SourceReport};
pub use database::{Database, Epss, FORMAT, Finding, Found, NotComparable, Query, SourceEntry};
pub use error::{BuildError, DatabaseError};
pub use row::{Details, State};
pub use severity::{Severity, UnknownSeverity, score_tenths};
pub use sources::{SourceKind, UnknownSource};
