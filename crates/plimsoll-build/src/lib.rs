//! One build request, from text to exported image.
//!
//! [`Builder::build`] parses the Dockerfile, finds out what its base images are, lowers it to a graph, has the
//! solver look up or run every vertex, and writes config and manifest around the layers, for each platform. What
//! happens with the images then (names, archives, registries) is `plimsoll-export`'s.

mod assemble;
mod bases;
mod builder;
mod check;
mod compose;
mod contexts;
mod emulation;
mod error;
mod failure;
mod fetch;
mod git;
mod image_options;
mod import;
mod lock;
mod locking;
mod origin;
mod remote;
mod request;
mod sizes;

pub use builder::{Builder, Environment};
pub use check::{Checked, check};
pub use contexts::RemoteDockerfile;
pub use error::{BuildError, NO_BASE_IMAGE};
pub use fetch::RegistryFetcher;
pub use git::GitProgram;
pub use image_options::{Annotation, AnnotationPlace, ImageOptions};
pub use import::{pull, store_remote_image};
pub use lock::{Lock, LockError, LockFile, Pinned};
pub use locking::Locked;
pub use origin::{ImageOrigin, InstructionOrigin};
pub use request::{
    BaseUse, BuildRequest, BuildResult, BuiltTarget, ContextSource, EmulatedStep, Entitlements,
    PlatformResult,
};
pub use sizes::{LayerOrigin, LayerSize};
