//! Where pulled blobs go and where pushed blobs come from: blocking traits, run on threads of their own.

use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use plimsoll_oci::{Descriptor, Reference};

/// Receives the bytes of one blob. Runs on a blocking thread: it may write to disk or decompress.
pub trait BlobSink: Send {
    /// Bytes that an earlier, broken transfer of this blob has left. They are read and hashed, and only the rest is fetched.
    /// Whatever comes next is appended to them.
    fn existing(&mut self) -> io::Result<Option<Box<dyn Read + Send>>> {
        Ok(None)
    }

    /// Takes the next bytes.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Forgets everything that was written or left, because it was wrong; the blob comes again from its start.
    fn restart(&mut self) -> io::Result<()>;

    /// Called once, after all bytes have come and their digest was right. Without it the blob is not whole;
    /// a sink may then keep what it has for the next time.
    fn commit(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<S: BlobSink + ?Sized> BlobSink for Box<S> {
    fn existing(&mut self) -> io::Result<Option<Box<dyn Read + Send>>> {
        (**self).existing()
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        (**self).write(bytes)
    }

    fn restart(&mut self) -> io::Result<()> {
        (**self).restart()
    }

    fn commit(&mut self) -> io::Result<()> {
        (**self).commit()
    }
}

/// Collects a blob in memory.
impl BlobSink for Vec<u8> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.extend_from_slice(bytes);
        Ok(())
    }

    fn restart(&mut self) -> io::Result<()> {
        self.clear();
        Ok(())
    }
}

/// The bytes of a blob to push; opened again when a transfer must be repeated, and not at all when the registry has it.
pub trait BlobSource: Send + Sync {
    /// A reader at the blob's first byte.
    fn open(&self) -> io::Result<Box<dyn Read + Send>>;
}

impl BlobSource for Bytes {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(io::Cursor::new(self.clone())))
    }
}

impl BlobSource for PathBuf {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(std::fs::File::open(self)?))
    }
}

impl BlobSource for &'static Path {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(std::fs::File::open(self)?))
    }
}

/// A blob to push.
#[derive(Clone)]
pub struct PushBlob {
    /// Its name, size and media type.
    pub descriptor: Descriptor,
    /// Its bytes.
    pub source: Arc<dyn BlobSource>,
    /// Where the blob is known to be, such as the base image it came from. Those in the target's registry are offered to it
    /// for a mount, which transfers nothing; others are passed over.
    pub mount_from: Vec<Reference>,
}

impl PushBlob {
    /// A blob that is known to be nowhere else.
    pub fn new(descriptor: Descriptor, source: impl BlobSource + 'static) -> Self {
        Self { descriptor, source: Arc::new(source), mount_from: Vec::new() }
    }
}

impl fmt::Debug for PushBlob {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PushBlob")
            .field("descriptor", &self.descriptor)
            .field("mount_from", &self.mount_from)
            .finish_non_exhaustive()
    }
}

/// A manifest or index to push, as bytes that are sent unchanged.
#[derive(Debug, Clone)]
pub struct PushManifest {
    /// Its media type.
    pub media_type: String,
    /// Its bytes.
    pub bytes: Bytes,
}

/// An image to push.
#[derive(Debug, Clone, Default)]
pub struct PushImage {
    /// Layers and configs, in any order; the same blob may come twice.
    pub blobs: Vec<PushBlob>,
    /// Manifests by digest, children first; the last one gets the reference's tag.
    pub manifests: Vec<PushManifest>,
}

/// What a reference and a platform came to, and what was fetched to find out.
#[derive(Debug, Clone)]
pub struct RemoteImage {
    /// The index, when the reference names one.
    pub index: Option<(Descriptor, Bytes)>,
    /// The manifest's name.
    pub manifest: Descriptor,
    /// The manifest's bytes, as the registry has them.
    pub manifest_bytes: Bytes,
    /// The config's name.
    pub config: Descriptor,
    /// The layers' names, bottom first.
    pub layers: Vec<Descriptor>,
}

impl RemoteImage {
    /// The name of what the reference itself stands for: the index if there is one, else the manifest.
    pub fn top(&self) -> &Descriptor {
        self.index.as_ref().map_or(&self.manifest, |(descriptor, _)| descriptor)
    }
}
