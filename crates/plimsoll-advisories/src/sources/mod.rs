//! Where advisories come from: one module a source.

mod alpine;
mod debian_lists;
mod debian_tracker;
mod epss;
pub(crate) mod input;
mod kev;
mod kind;
mod nvd;
mod osv;
mod rustsec;
mod stream;

pub use kind::{SourceKind, UnknownSource};

use std::path::Path;

use crate::build::Sink;
use crate::error::BuildError;

/// Reads one source into a sink.
pub(crate) fn read(kind: SourceKind, path: &Path, sink: &mut Sink<'_>) -> Result<(), BuildError> {
    match kind {
        SourceKind::OsvZip | SourceKind::OsvDir => osv::read(path, sink),
        SourceKind::DebianTracker => debian_tracker::read(path, sink),
        SourceKind::DebianDsaDla => debian_lists::read(path, sink),
        SourceKind::AlpineSecdb => alpine::read(path, sink),
        SourceKind::Rustsec => rustsec::read(path, sink),
        SourceKind::Epss => epss::read(path, sink),
        SourceKind::Kev => kev::read(path, sink),
        SourceKind::Nvd => nvd::read(path, sink),
    }
}
