//! What is installed: the files of an image, read one at a time, become packages.
//!
//! An analyzer says by its path which files it wants and turns the bytes of one into facts. What needs several files (a program
//! that an operating-system package owns, a lock file that the installed tree contradicts) is decided afterwards, over the facts
//! of all layers. The bytes come from strangers: a broken file is an error for that file and never the end of the scan.

mod analyzer;
mod analyzers;
mod bytes;
mod collector;
mod document;
mod end_of_life;
mod executable;
mod inventory;
mod package;
mod package_url;
mod purl;
mod read_at;
mod zip;

pub use analyzer::{
    Analysis, AnalyzerError, File, Licensed, OperatingSystem, Owned, analyze, fingerprint, wanted,
};
pub use end_of_life::{Lifetime, Support, lifetime, support};
pub use inventory::{Found, Installed, Inventory, Layer, Location, NotScanned, inventory, merged_usr};
pub use package::{Evidence, Kind, Package, Scope, Source};
pub use package_url::{Purl, PurlError};
pub use read_at::{OpenFile, ReadAt, read_whole};
