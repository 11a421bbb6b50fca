//! Instructions, arguments and platform to vertices.
//!
//! [`lower()`] takes a parsed Dockerfile and gives the [`Graph`] of one target on one platform: vertices that do one op
//! each, and the image config and history around the last one. The crate is pure: what it needs to know of base images
//! is asked for by name ([`Lowered::NeedsBases`]) and given by the caller, all of it at once, until nothing is missing.
//!
//! Semantics and the wording of histories are those of Docker's builder. On purpose different are:
//!
//! - several sources always have a directory for destination, whether or not it ends with `/`;
//! - `RUN --mount` of type bind, cache and tmpfs needs a `target`;
//! - a stage may be the `from` of a mount by number, as it may be of `COPY`;
//! - triggers that ran are gone, also when the base is a stage of the same file;
//! - a cache mount without a namespace is named by its id alone.

mod builder;
mod git;
mod globals;
mod go;
mod key;
mod lower;
mod op;
mod paths;
mod plan;
mod problems;
mod request;
mod stage;
mod stages;
mod steps;
mod triggers;
mod variables;

pub use git::{GitAddressError, GitSource, GitTimes, Login, without_login};
pub use key::canonical;
pub use lower::{MAIN_CONTEXT, lower};
pub use op::{
    AddSource, ArchiveOp, ArchiveSource, CacheSharing, CopyOp, CopySource, DeviceRequest, ExecMount, ExecOp,
    Graph, HistoryEntry, ImageOp, ImagePlan, InlineFile, MakeDirOp, MountKind, NetworkMode, OP_SCHEMA, Op,
    OwnerSpec, SecurityMode, Vertex, VertexId,
};
pub use request::{BaseImage, BaseRequest, Lowered, MissingBase, NamedContext, Request};
