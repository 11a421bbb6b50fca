//! One module per destination of a built image, and the way back.
//!
//! An [`Image`] is one platform's image in the store: its manifest and config are there as blobs, its layers as
//! blobs or as names of blobs that a registry has. An [`ImageSet`] is what one name stands for: one image, or those of
//! several platforms and their index. What is exported under one list of names is a [`Bundle`].
//!
//! | destination | function |
//! | --- | --- |
//! | OCI image layout or Docker's archive, as a tar | [`archive()`] |
//! | OCI image layout, as a directory | [`layout_directory`] |
//! | registry | [`push`] |
//! | Docker engine, podman | [`Engine`] |
//! | root file system, as a directory | [`local()`] |
//! | root file system, as a tar | [`tar()`] |
//!
//! [`load`] and [`load_path`] read archives and layouts into the store.

mod archive;
mod engine;
mod error;
mod image;
mod import;
mod layout;
mod local;
mod merged;
mod progress;
mod registry;
mod roots;
mod set;
mod tree;

pub use archive::{ArchiveFormat, archive, layout_directory};
pub use engine::{Engine, EngineAddress, EngineError, EngineTls};
pub use error::ExportError;
pub use image::Image;
pub use import::{LoadedImage, load, load_from_layout, load_path};
pub use layout::Bundle;
pub use local::{LocalReport, Unapplied, local};
pub use progress::TransferProgress;
pub use registry::push;
pub use roots::Root;
pub use set::{ImageSet, PlatformChoice, StoredIndex};
pub use tree::tar;
