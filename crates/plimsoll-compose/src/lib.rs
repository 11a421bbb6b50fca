//! Debian package sets composed into root file systems: bases without a hub.
//!
//! The way of the data: a [`DebianSpec`] and the host's apt sources give a [`Plan`] (exact versions and
//! digests, read from signed indexes), the plan's packages are fetched into a cache, and [`Composer::assemble`]
//! turns them into one layer whose bytes depend on nothing but the plan. What is taken on trust is the keyring:
//! a package's digest is in an index, the index's digest is in `InRelease`, and that is signed by a key of the
//! keyring. Mirrors, proxies and the cache are not trusted.
//!
//! Nothing here prints, reads the environment or looks for the host's files by itself; the caller passes paths
//! in.

mod archive;
mod assemble;
mod composer;
mod deb;
mod deb822;
mod decode;
mod error;
mod events;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod net;
mod plan;
mod planning;
mod resolve;
mod sources;
mod spec;
mod suggest;

pub use assemble::{Assembled, ConfigureStep};
pub use composer::{Composer, ComposerOptions, Proxy, debian_architecture, platform_of};
pub use error::ComposeError;
pub use events::{Event, Events};
pub use plan::{LeftOut, LeftOutReason, Pin, Plan, PlannedArchive, PlannedPackage};
pub use sources::{
    AptSource, Archive, HostSources, SignedBy, SourcesError, parse_deb822, parse_sources_list, select,
};
pub use spec::{DebianSpec, SpecError, Variant};
