//! The nouns of the OCI specifications: digest, descriptor, reference, platform, image config, manifest and index.
//!
//! Everything here is plain data. Reading is lenient where registries differ (Docker's media types are accepted
//! beside OCI's), writing is canonical: fields in a fixed order, so that equal values give equal bytes.

mod config;
mod descriptor;
mod digest;
mod manifest;
pub mod media_type;
mod platform;
mod reference;

pub use config::{ContainerConfig, Empty, Healthcheck, History, ImageConfig, RootFs};
pub use descriptor::Descriptor;
pub use digest::{ChainId, DiffId, Digest, DigestError, Hasher};
pub use manifest::{Index, Manifest, ManifestError, ParsedManifest};
pub use platform::{Platform, PlatformError};
pub use reference::{Reference, ReferenceError};
