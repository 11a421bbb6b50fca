//! One module per destination of a built image.
//!
//! An [`Image`] is one platform's image in the store: its manifest and config are there as blobs, its layers as
//! blobs or as names of blobs that a registry has.

mod error;
mod image;

pub use error::ExportError;
pub use image::Image;
