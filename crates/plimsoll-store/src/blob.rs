//! Blobs: immutable files named by their digest, as in an OCI image layout (image-spec, image-layout.md, "Blobs").
//!
//! A blob has a record that says how large it is and when it was put in place. One without a record, or put in place
//! before the machine went down and not durable by then, is hashed once before it is trusted.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use plimsoll_oci::{Digest, Hasher};
use rusqlite::OptionalExtension as _;

use crate::Store;
use crate::database::{Raw, Size};
use crate::durability::Stamp;
use crate::error::{Error, IoContext as _, Result};
use crate::id::random_text;
use crate::layout;
use crate::lease::Name;
use crate::limit::Room;
use crate::lock::{FileLock, Mode};
use crate::store::Table;
use crate::time::Timestamp;

/// A blob that is being written. Dropping it without [`BlobWriter::commit`] removes it.
#[derive(Debug)]
pub struct BlobWriter {
    store: Store,
    file: File,
    path: PathBuf,
    /// None when whoever writes takes the digest as well.
    hasher: Option<Hasher>,
    size: u64,
    room: Room,
    committed: bool,
}

impl BlobWriter {
    /// How many bytes were written so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Lets the digest that [`BlobWriter::commit_as`] is given stand: for bytes that this program makes and digests itself.
    #[must_use]
    pub fn digested_by_caller(mut self) -> Self {
        self.hasher = None;
        self
    }

    /// Puts a blob in place whose digest the caller took while it wrote.
    pub fn commit_as(mut self, digest: &Digest) -> Result<u64> {
        self.store.place_blob(&self.path, digest, self.size)?;
        self.committed = true;
        Ok(self.size)
    }

    /// Puts the blob in place, and into this handle's lease; gives its digest and its size in bytes.
    ///
    /// With an expectation that is not met the bytes are dropped: [`Error::DigestMismatch`].
    pub fn commit(mut self, expected: Option<&Digest>) -> Result<(Digest, u64)> {
        let digest = self.hasher.take().expect("a writer without a digest is committed with one").finish();
        if let Some(expected) = expected.filter(|expected| **expected != digest) {
            return Err(Error::DigestMismatch { expected: *expected, actual: digest });
        }
        self.store.place_blob(&self.path, &digest, self.size)?;
        self.committed = true;
        Ok((digest, self.size))
    }
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.room.for_writing(&self.store, self.size, bytes.len())?;
        let written = self.file.write(bytes)?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&bytes[..written]);
        }
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for BlobWriter {
    fn drop(&mut self) {
        if !self.committed {
            let _removed = fs::remove_file(&self.path);
        }
    }
}

/// A blob whose download can be continued later, also by another process. Only one may write it at a time.
#[derive(Debug)]
pub struct PartialBlob {
    store: Store,
    file: File,
    path: PathBuf,
    digest: Digest,
    hasher: Hasher,
    size: u64,
    room: Room,
    _lock: FileLock,
}

impl PartialBlob {
    /// How many bytes are there already.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads what is there already, from the first byte.
    pub fn reader(&self) -> Result<File> {
        File::open(&self.path).on("open", &self.path)
    }

    /// Starts again from the first byte, when the sender cannot continue.
    pub fn restart(&mut self) -> Result<()> {
        self.file.set_len(0).on("truncate", &self.path)?;
        self.hasher = Hasher::new();
        self.size = 0;
        Ok(())
    }

    /// Puts the blob in place, and into this handle's lease; gives its size in bytes.
    ///
    /// If the bytes are not the right ones they are dropped: [`Error::DigestMismatch`].
    pub fn commit(self) -> Result<u64> {
        let actual = self.hasher.finish();
        if actual != self.digest {
            fs::remove_file(&self.path).on("remove", &self.path)?;
            return Err(Error::DigestMismatch { expected: self.digest, actual });
        }
        self.store.place_blob(&self.path, &self.digest, self.size)?;
        Ok(self.size)
    }
}

impl Write for PartialBlob {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.room.for_writing(&self.store, self.size, bytes.len())?;
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Reads a blob and fails at its end if the bytes are not the ones that the digest names.
#[derive(Debug)]
pub struct BlobReader {
    file: File,
    digest: Digest,
    hasher: Option<Hasher>,
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buffer[..read]);
        }
        if read == 0
            && !buffer.is_empty()
            && let Some(hasher) = self.hasher.take()
        {
            let actual = hasher.finish();
            if actual != self.digest {
                let mismatch = Error::DigestMismatch { expected: self.digest, actual };
                return Err(io::Error::new(io::ErrorKind::InvalidData, mismatch));
            }
        }
        Ok(read)
    }
}

/// Adds the whole of a file to a hasher; gives the number of bytes.
fn hash_file(file: &mut File, path: &Path, hasher: &mut Hasher) -> Result<u64> {
    let mut buffer = vec![0; 1 << 17];
    let mut size = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(size),
            Ok(read) => {
                hasher.update(&buffer[..read]);
                size += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error).on("read", path),
        }
    }
}

impl Store {
    /// A new blob to be written.
    pub fn blob_writer(&self) -> Result<BlobWriter> {
        let path = self.session()?.directory().join(format!("blob-{}", random_text()?));
        let file = layout::create_file(&path)?;
        let hasher = Some(Hasher::new());
        let room = Room::default();
        Ok(BlobWriter { store: self.clone(), file, path, hasher, size: 0, room, committed: false })
    }

    /// Keeps some bytes as a blob.
    pub fn put_blob(&self, bytes: &[u8]) -> Result<Digest> {
        let digest = Digest::of(bytes);
        if self.protect_blobs(&[digest])? {
            return Ok(digest);
        }
        let mut writer = self.blob_writer()?;
        writer.write_all(bytes).on("write", &writer.path)?;
        writer.commit(Some(&digest)).map(|(digest, _)| digest)
    }

    /// Takes over a file with the bytes of a blob, after hashing it; the file is gone then. It must be on the store's file
    /// system, as in [`Store::temporary_directory`].
    pub fn adopt_blob(&self, path: &Path, digest: &Digest) -> Result<u64> {
        let mut hasher = Hasher::new();
        let size = hash_file(&mut File::open(path).on("open", path)?, path, &mut hasher)?;
        let actual = hasher.finish();
        if actual != *digest {
            return Err(Error::DigestMismatch { expected: *digest, actual });
        }
        self.place_blob(path, digest, size)?;
        Ok(size)
    }

    /// The download of a blob, where it was interrupted or at its beginning.
    ///
    /// Waits while another process downloads the same blob, as [`Store::lock_key`] does; look with [`Store::has_blob`]
    /// afterwards whether the other one finished it.
    pub fn partial_blob(
        &self,
        digest: &Digest,
        wait: &mut dyn FnMut(Duration) -> ControlFlow<()>,
    ) -> Result<PartialBlob> {
        let lock = self.layout().lock(&format!("partial-{}", digest.hex()));
        let what = || format!("blob `{}`, which another process downloads", digest.short());
        let lock = FileLock::acquire(&lock, Mode::Exclusive, true, &what, wait)?;
        let path = self.layout().partial(digest);
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&path)
            .on("open", &path)?;
        let mut hasher = Hasher::new();
        let size = hash_file(&mut file, &path, &mut hasher)?;
        Ok(PartialBlob {
            store: self.clone(),
            file,
            path,
            digest: *digest,
            hasher,
            size,
            room: Room::default(),
            _lock: lock,
        })
    }

    /// Whether a blob is in the store. One that may be damaged is hashed first.
    pub fn has_blob(&self, digest: &Digest) -> Result<bool> {
        let path = self.layout().blob(digest);
        let size = match fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error).on("examine", &path),
        };
        let found = self.database().read("look up a blob", |connection| {
            connection
                .prepare_cached("SELECT size, boot, committed, row, last_use FROM blobs WHERE digest = ?1")?
                .query_row([Raw(*digest)], |row| {
                    let stamp = Stamp { boot: row.get(1)?, committed: row.get(2)? };
                    Ok((row.get::<_, Size>(0)?.0, stamp, row.get(3)?, row.get(4)?))
                })
                .optional()
        })?;
        if let Some((recorded, stamp, row, last_use)) = found
            && recorded == size
            && self.trusts(&stamp)?
        {
            self.touch(Table::Blobs, row, last_use);
            return Ok(true);
        }
        self.verify_blob(digest)
    }

    /// Where a blob is, or would be.
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.layout().blob(digest)
    }

    /// Opens a blob, without looking at its bytes.
    pub fn open_blob(&self, digest: &Digest) -> Result<File> {
        if !self.has_blob(digest)? {
            return Err(Error::BlobAbsent { digest: *digest });
        }
        let path = self.layout().blob(digest);
        match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(Error::BlobAbsent { digest: *digest })
            }
            other => other.on("open", &path),
        }
    }

    /// Opens a blob for a reader that fails at the end if the bytes are wrong.
    pub fn blob_reader(&self, digest: &Digest) -> Result<BlobReader> {
        Ok(BlobReader { file: self.open_blob(digest)?, digest: *digest, hasher: Some(Hasher::new()) })
    }

    /// The bytes of a small blob, compared with its digest; at most `limit` bytes.
    ///
    /// A blob with wrong bytes is removed, so that the next look finds it absent instead of damaged.
    pub fn read_blob(&self, digest: &Digest, limit: u64) -> Result<Vec<u8>> {
        let file = self.open_blob(digest)?;
        let path = self.layout().blob(digest);
        let size = file.metadata().on("examine", &path)?.len();
        if size > limit {
            return Err(Error::BlobTooLarge { digest: *digest, size, limit });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        file.take(limit).read_to_end(&mut bytes).on("read", &path)?;
        let actual = Digest::of(&bytes);
        if actual != *digest {
            self.forget_blob(digest)?;
            return Err(Error::DigestMismatch { expected: *digest, actual });
        }
        Ok(bytes)
    }

    /// Hashes a blob that is there; a good one gets a new record, a bad one is removed.
    fn verify_blob(&self, digest: &Digest) -> Result<bool> {
        let path = self.layout().blob(digest);
        let mut file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            other => other.on("open", &path)?,
        };
        let mut hasher = Hasher::new();
        let size = hash_file(&mut file, &path, &mut hasher)?;
        if hasher.finish() == *digest {
            self.record_blob(digest, size)?;
            return Ok(true);
        }
        self.forget_blob(digest)?;
        Ok(false)
    }

    fn forget_blob(&self, digest: &Digest) -> Result<()> {
        self.discard(&self.layout().blob(digest))?;
        self.empty_trash()?;
        self.database().write("forget a damaged blob", |transaction| {
            transaction.execute("DELETE FROM blobs WHERE digest = ?1", [Raw(*digest)])?;
            Ok(())
        })
    }

    /// Moves a file whose digest is known to its place.
    fn place_blob(&self, path: &Path, digest: &Digest, size: u64) -> Result<()> {
        let target = self.layout().blob(digest);
        self.session()?
            .protect(&[Name::Blob(digest)], || fs::rename(path, &target).on("put in place", &target))?;
        self.record_blob(digest, size)
    }

    fn record_blob(&self, digest: &Digest, size: u64) -> Result<()> {
        let stamp = self.stamp();
        self.database().write("record a blob", |transaction| {
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO blobs (digest, size, boot, committed, last_use) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute((Raw(*digest), Size(size), &stamp.boot, stamp.committed, Timestamp::now().seconds))?;
            Ok(())
        })
    }
}
