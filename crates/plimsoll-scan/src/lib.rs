//! What is in an image, and what is wrong with it.
//!
//! A layer is read once, as a stream, and what it says ([`LayerFacts`]) is kept by its diff id. The facts of an image's layers
//! together become a [`Report`]: its packages, what is known of them, the secrets in it, and what could not be read.
//! Everything that is read here comes from strangers.

mod content;
mod error;
mod facts;
mod file;
mod layer;
pub mod report;
mod root;

pub use error::ScanError;
pub use facts::{LayerFacts, NotScanned, Paths};
pub use file::Scanners;
pub use layer::{OpenLayer, scan_layer};
pub use report::Report;
pub use root::scan_directory;
