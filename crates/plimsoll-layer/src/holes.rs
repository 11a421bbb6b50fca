//! Files with holes on disk.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;

/// Bytes that are read at once.
const BUFFER: usize = 64 * 1024;
/// What the kernel counts the room of a file in, in bytes.
const BLOCK: u64 = 512;
/// Fewer zeros than this are no hole.
const HOLE: usize = 4096;

/// Whether a file takes less room on disk than it has bytes.
pub fn has_holes(metadata: &Metadata) -> bool {
    metadata.blocks() * BLOCK < metadata.len()
}

/// Copies a stream; whole blocks of zeros become holes. Gives the number of bytes.
pub fn copy_sparse(bytes: &mut dyn Read, file: &mut File) -> io::Result<u64> {
    let mut buffer = vec![0; BUFFER];
    let (mut size, mut hole) = (0_u64, 0_i64);
    loop {
        let count = match bytes.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        size += count as u64;
        if count >= HOLE && buffer[..count].iter().all(|byte| *byte == 0) {
            hole += i64::try_from(count).expect("a buffer is small");
            continue;
        }
        if hole > 0 {
            file.seek(SeekFrom::Current(std::mem::take(&mut hole)))?;
        }
        file.write_all(&buffer[..count])?;
    }
    if hole > 0 {
        file.set_len(size)?;
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_become_holes_and_stay_zeros() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let mut bytes = vec![0; 3 << 20];
        bytes[1 << 20] = 1;
        let mut file = File::create_new(&path).unwrap();
        assert_eq!(copy_sparse(&mut bytes.as_slice(), &mut file).unwrap(), 3 << 20);
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
        assert!(file.metadata().unwrap().blocks() * BLOCK < 1 << 20 && has_holes(&file.metadata().unwrap()));
    }
}
