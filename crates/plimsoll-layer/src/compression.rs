//! Tar to blob: compression on several threads, with both digests computed on the way.
//!
//! The bytes depend on the format, its level and the compressor, never on the number of threads: the tar is cut
//! into blocks of fixed size, each becomes a gzip member (RFC 1952, 2.2, "members") or a zstd frame of its own, and
//! they are written in order. Readers must take more than one member or frame, which all container engines do.

mod background;
mod gzip;
mod pipeline;

use std::io::{self, Write};
use std::num::NonZeroUsize;

use plimsoll_oci::{DiffId, Digest};

use crate::error::LayerError;
use crate::estargz;
use crate::index::LayerIndex;
use crate::tar_write::{ContentSource, TarOptions, write_tar};
use background::BackgroundDigest;
use pipeline::{Codec, Pipeline};

const GZIP_BLOCK: usize = 1 << 20;
/// Twice the window of the usual level: larger blocks gain less than one percent.
const ZSTD_BLOCK: usize = 4 << 20;
const HIGHEST_GZIP_LEVEL: u8 = 12;
/// Levels above need windows larger than a block.
const HIGHEST_ZSTD_LEVEL: u8 = 19;

/// How a layer blob is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// gzip, written by libdeflate.
    Gzip {
        /// 0 (stored) to 12; higher ones count as 12.
        level: u8,
    },
    /// zstd.
    Zstd {
        /// 1 to 19; others count as the nearest of these.
        level: u8,
    },
    /// gzip in which each file can be fetched alone; for [`write_layer_blob`] only, which knows the files.
    Estargz {
        /// 0 (stored) to 12; higher ones count as 12.
        level: u8,
    },
    /// Plain tar.
    None,
}

impl Default for Compression {
    fn default() -> Self {
        Self::GZIP
    }
}

impl Compression {
    /// gzip at the usual level.
    pub const GZIP: Self = Self::Gzip { level: 4 };
    /// zstd at the usual level.
    pub const ZSTD: Self = Self::Zstd { level: 3 };
    /// eStargz at the usual level.
    pub const ESTARGZ: Self = Self::Estargz { level: 4 };

    /// Whether a layer's tar, and so its diff id, is another one in this form.
    pub const fn changes_tar(self) -> bool {
        matches!(self, Self::Estargz { .. })
    }

    /// The media type of an OCI layer compressed so (image-spec, layer.md).
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Gzip { .. } | Self::Estargz { .. } => plimsoll_oci::media_type::OCI_LAYER_GZIP,
            Self::Zstd { .. } => plimsoll_oci::media_type::OCI_LAYER_ZSTD,
            Self::None => plimsoll_oci::media_type::OCI_LAYER,
        }
    }

    /// Names what decides the bytes of a blob: format, level, block size, and the compressor, which is known by
    /// what it makes of a fixed sample. Part of a blob's key: another version of a compressor may give other bytes, and
    /// so may another rule of what is stored.
    pub fn identity(self) -> String {
        let Some(codec) = self.codec() else { return "tar".to_owned() };
        let mut compressed = Vec::new();
        codec
            .start()
            .and_then(|mut worker| worker.compress(&sample(), &mut compressed))
            .expect("memory is there");
        let (name, level) = match codec {
            Codec::Gzip { level, .. } if self.changes_tar() => ("estargz", level),
            Codec::Gzip { level, .. } => (gzip::IDENTITY, level),
            Codec::Zstd { level } => ("zstd", level),
        };
        format!("{name}-{level}-{}-{}", codec.block_size(), Digest::of(&compressed).short())
    }

    fn codec(self) -> Option<Codec> {
        match self {
            Self::Gzip { level } => {
                Some(Codec::Gzip { level: level.min(HIGHEST_GZIP_LEVEL), block_size: GZIP_BLOCK })
            }
            Self::Estargz { level } => {
                Some(Codec::Gzip { level: level.min(HIGHEST_GZIP_LEVEL), block_size: estargz::CHUNK })
            }
            Self::Zstd { level } => Some(Codec::Zstd { level: level.clamp(1, HIGHEST_ZSTD_LEVEL) }),
            Self::None => None,
        }
    }
}

/// Bytes that are neither random nor simple, the same everywhere.
fn sample() -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut bytes = Vec::with_capacity(64 << 10);
    while bytes.len() < 64 << 10 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let word = format!("{:x} ", state % 4093);
        bytes.extend_from_slice(word.as_bytes());
    }
    bytes
}

/// A finished layer blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobWritten {
    /// Digest of the uncompressed tar.
    pub diff_id: DiffId,
    /// Digest of the blob.
    pub digest: Digest,
    /// Size of the blob in bytes.
    pub size: u64,
    /// Size of the tar in bytes.
    pub uncompressed_size: u64,
    /// Media type of the blob.
    pub media_type: &'static str,
}

/// Takes a tar, writes a blob, and computes both digests on the way. Nothing is complete before `finish`.
#[derive(Debug)]
pub struct LayerBlobWriter<W: Write> {
    tar: BackgroundDigest,
    uncompressed_size: u64,
    compression: Compression,
    stage: Stage<W>,
}

#[derive(Debug)]
enum Stage<W: Write> {
    /// The blob is the tar, and so is its digest.
    Plain(W),
    Compressed(Box<Pipeline<Blob<W>>>),
}

impl<W: Write> LayerBlobWriter<W> {
    /// Starts a blob that goes to `out`, compressed by `threads` threads beside the caller's (one: by the caller's).
    pub fn new(out: W, compression: Compression, threads: NonZeroUsize) -> Self {
        let beside = threads > NonZeroUsize::MIN;
        let stage = match compression.codec() {
            None => Stage::Plain(out),
            Some(codec) => {
                let blob = Blob { out, digest: BackgroundDigest::new(beside), size: 0 };
                Stage::Compressed(Box::new(Pipeline::new(blob, codec, threads)))
            }
        };
        Self { tar: BackgroundDigest::new(beside), uncompressed_size: 0, compression, stage }
    }

    /// Ends the member that is being written, so that what comes next begins one; gives the next one's number.
    pub(crate) fn cut(&mut self) -> io::Result<usize> {
        match &mut self.stage {
            Stage::Plain(_) => Ok(0),
            Stage::Compressed(pipeline) => pipeline.cut(),
        }
    }

    /// Ends the member that is being written; gives where each member begins, and the place behind the last one.
    pub(crate) fn members(&mut self) -> io::Result<Vec<u64>> {
        self.cut()?;
        match &mut self.stage {
            Stage::Plain(_) => Ok(vec![0]),
            Stage::Compressed(pipeline) => pipeline.offsets(),
        }
    }

    /// Writes these bytes as one member, however many they are; nothing may be under way.
    pub(crate) fn write_member(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stage {
            Stage::Plain(out) => out.write_all(bytes)?,
            Stage::Compressed(pipeline) => pipeline.write_member(bytes)?,
        }
        self.tar.update(bytes);
        self.uncompressed_size += bytes.len() as u64;
        Ok(())
    }

    /// Writes what is left and returns the destination with the blob's digests and sizes.
    pub fn finish(self) -> Result<(W, BlobWritten), LayerError> {
        self.finish_with(&[])
    }

    /// The same, with some bytes at the end of a compressed blob that are no part of the tar.
    pub(crate) fn finish_with(self, tail: &[u8]) -> Result<(W, BlobWritten), LayerError> {
        let failed = |source| LayerError::Write { source };
        let diff_id = self.tar.finish();
        let (mut out, digest, size) = match self.stage {
            Stage::Plain(out) => (out, diff_id, self.uncompressed_size),
            Stage::Compressed(pipeline) => {
                let mut blob = pipeline.finish().map_err(failed)?;
                blob.write_all(tail).map_err(failed)?;
                (blob.out, blob.digest.finish(), blob.size)
            }
        };
        out.flush().map_err(failed)?;
        let written = BlobWritten {
            diff_id: DiffId(diff_id),
            digest,
            size,
            uncompressed_size: self.uncompressed_size,
            media_type: self.compression.media_type(),
        };
        Ok((out, written))
    }
}

impl<W: Write> Write for LayerBlobWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.stage {
            Stage::Plain(out) => out.write_all(bytes)?,
            Stage::Compressed(pipeline) => pipeline.write(bytes)?,
        }
        self.tar.update(bytes);
        self.uncompressed_size += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Counts and digests what goes to the destination.
#[derive(Debug)]
struct Blob<W: Write> {
    out: W,
    digest: BackgroundDigest,
    size: u64,
}

impl<W: Write> Write for Blob<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write_all(bytes)?;
        self.digest.update(bytes);
        self.size += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Writes a layer as a compressed blob in one pass; a layer without entries gives a valid blob too.
pub fn write_layer_blob(
    index: &LayerIndex,
    content: &mut ContentSource<'_>,
    tar: TarOptions,
    compression: Compression,
    threads: NonZeroUsize,
    out: &mut dyn Write,
) -> Result<BlobWritten, LayerError> {
    let mut writer = LayerBlobWriter::new(out, compression, threads);
    if compression.changes_tar() {
        return estargz::write(index, content, tar, writer);
    }
    write_tar(index, content, tar, &mut writer)?;
    Ok(writer.finish()?.1)
}
