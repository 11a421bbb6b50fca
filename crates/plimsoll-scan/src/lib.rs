//! What is in an image, and what is wrong with it.
//!
//! A layer is read once, as a stream, and what it says ([`LayerFacts`]) is kept by its diff id. The facts of an image's layers
//! together become a [`Report`]: its packages, what is known of them, the secrets in it, and what could not be read.
//! Everything that is read here comes from strangers.

mod archive;
mod assess;
mod content;
mod error;
mod exposed;
mod facts;
mod file;
mod foreign;
mod gate;
mod ignore;
mod image;
mod inventory;
mod layer;
pub mod report;
mod root;
mod source;
mod subject;
mod vex;

pub use archive::images as archived_images;
pub use error::{ArchiveError, ScanError};
pub use facts::{LayerFacts, NotScanned, Paths};
pub use file::Scanners;
pub use gate::{Gate, Verdict};
pub use ignore::{IgnoreError, IgnoreRules};
pub use image::{KeepsNothing, Kept, scan_layers};
pub use inventory::Inventory;
pub use layer::{OpenLayer, scan_layer};
pub use report::Report;
pub use root::scan_directory;
pub use source::{ImageSource, LARGEST_DOCUMENT, OpenBlob};
pub use subject::{Judgement, KnownLayers, Subject};
pub use vex::{Vex, VexError};
