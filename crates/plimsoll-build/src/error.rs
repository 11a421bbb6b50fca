//! Why a build did not succeed.

use plimsoll_diagnostics::Diagnostic;
use plimsoll_executor::ExecuteError;

/// The code of the diagnostic that says that a base image is not to be had.
pub const NO_BASE_IMAGE: &str = "no-base-image";

/// The code of the diagnostic that says that the lock lacks a base image.
pub(crate) const NOT_LOCKED: &str = "base-not-locked";

/// Why a build did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The Dockerfile is wrong, or a step failed: it has a place in the text.
    #[error("{}", .diagnostics.first().map_or("the Dockerfile is not valid", |first| &first.message))]
    Diagnostics {
        /// What is wrong, at least one.
        diagnostics: Vec<Diagnostic>,
    },
    /// Unpacked layers are needed, and this process is outside of the user namespace.
    #[error("this needs the user namespace")]
    NeedsNamespace,
    /// The build was asked to stop.
    #[error("interrupted")]
    Cancelled,
    /// Something outside of any step failed.
    #[error(transparent)]
    Execute {
        /// Why.
        #[from]
        source: ExecuteError,
    },
    /// A base image is not to be had.
    #[error("cannot use the base image `{name}`")]
    Base {
        /// The name.
        name: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A base image is not to be had as it is locked.
    #[error("cannot use the base image `{name}` as `{file}` has it")]
    LockedBase {
        /// The name.
        name: String,
        /// The lock's path.
        file: String,
        /// Why.
        #[source]
        source: Box<BuildError>,
    },
    /// The lock lacks the name of a base image, and has to have it.
    #[error("`{file}` lacks the base image `{name}`")]
    NotLocked {
        /// The name.
        name: String,
        /// The lock's path.
        file: String,
    },
    /// A context could not be had, or is not what it should be.
    #[error("cannot use the context `{address}`")]
    Context {
        /// Its address, without user and password.
        address: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store refused.
    #[error(transparent)]
    Store {
        /// Why.
        #[from]
        source: plimsoll_store::Error,
    },
    /// A layer could not be had.
    #[error(transparent)]
    Snapshot {
        /// Why.
        source: plimsoll_snapshot::SnapshotError,
    },
    /// An image could not be read or written.
    #[error(transparent)]
    Export {
        /// Why.
        #[from]
        source: plimsoll_export::ExportError,
    },
    /// A registry refused.
    #[error(transparent)]
    Registry {
        /// Why.
        #[from]
        source: plimsoll_registry::Error,
    },
    /// A base could not be composed.
    #[error(transparent)]
    Compose {
        /// Why.
        #[from]
        source: plimsoll_compose::ComposeError,
    },
    /// `SOURCE_DATE_EPOCH` is no number of seconds.
    #[error("SOURCE_DATE_EPOCH is `{value}`, which is not a number of seconds since 1970")]
    BadEpoch {
        /// The value as given.
        value: String,
    },
    /// An annotation of an index, where a single image is made.
    #[error(
        "the annotation `{annotation}` has no place: one platform gives a single manifest and no index; build for \
         several platforms, or ask for an index with `--build-arg BUILDKIT_MULTI_PLATFORM=1`"
    )]
    AnnotationOfNoIndex {
        /// Place and key.
        annotation: String,
    },
    /// An annotation for a platform that is not built.
    #[error("the annotation `{annotation}` is for `{platform}`, which is not built; add it to `--platform`")]
    AnnotationOfNoPlatform {
        /// Place and key.
        annotation: String,
        /// The platform.
        platform: plimsoll_oci::Platform,
    },
    /// The process is out of file descriptors or threads.
    #[error("cannot {action}")]
    Resources {
        /// What was attempted.
        action: &'static str,
        /// The reason.
        #[source]
        source: std::io::Error,
    },
    /// The configure step of a composed base cannot run on this machine.
    #[error("the packages of `{base}` could not be configured: {reason}\nhint: {hint}")]
    NoEmulator {
        /// The base.
        base: String,
        /// Why.
        reason: String,
        /// The way out.
        hint: String,
    },
    /// The configure step of a composed base failed.
    #[error("the packages of `{base}` could not be configured")]
    Configure {
        /// The base.
        base: String,
        /// Why.
        #[source]
        source: ExecuteError,
    },
}

impl BuildError {
    /// Whether something that a lock names is not there any more, so that it has to be asked for again.
    pub(crate) fn is_stale_lock(&self) -> bool {
        match self {
            Self::Compose { source } => source.is_stale_pin(),
            Self::Registry { source } => source.is_not_found(),
            Self::Base { source, .. } => source.downcast_ref::<Self>().is_some_and(Self::is_stale_lock),
            _ => false,
        }
    }
}

impl From<plimsoll_snapshot::SnapshotError> for BuildError {
    fn from(source: plimsoll_snapshot::SnapshotError) -> Self {
        match source {
            plimsoll_snapshot::SnapshotError::NeedsNamespace => Self::NeedsNamespace,
            source => Self::Snapshot { source },
        }
    }
}
