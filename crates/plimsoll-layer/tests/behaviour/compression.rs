//! Blobs: the same bytes from any number of threads, readable by others, with the digests of what was written.

use std::io::{Cursor, Read, Write};
use std::num::NonZeroUsize;
use std::process::{Command, Stdio};

use plimsoll_layer::{
    ArchiveFormat, Compression, Entry, Kind, LayerBlobWriter, LayerIndex, TarOptions, decompress, detect,
    open_archive, write_layer_blob,
};
use plimsoll_oci::{DiffId, Digest};

use crate::support::{RawTar, content, tar_of};

const ALL: [Compression; 3] = [Compression::GZIP, Compression::ZSTD, Compression::None];

fn bytes(size: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let step = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        b'a' + (state >> 60) as u8
    };
    (0..size).map(step).collect()
}

fn compressed(data: &[u8], compression: Compression, threads: usize) -> Vec<u8> {
    let threads = NonZeroUsize::new(threads).unwrap();
    let mut writer = LayerBlobWriter::new(Vec::new(), compression, threads);
    for piece in data.chunks(77_777) {
        writer.write_all(piece).unwrap();
    }
    let (blob, written) = writer.finish().unwrap();
    assert_eq!(written.diff_id, DiffId(Digest::of(data)));
    assert_eq!(written.digest, Digest::of(&blob));
    assert_eq!((written.size, written.uncompressed_size), (blob.len() as u64, data.len() as u64));
    assert_eq!(written.media_type, compression.media_type());
    blob
}

fn decompressed(blob: Vec<u8>) -> Vec<u8> {
    let mut data = Vec::new();
    decompress(Box::new(Cursor::new(blob))).unwrap().read_to_end(&mut data).unwrap();
    data
}

#[test]
fn the_number_of_threads_does_not_show() {
    let data = bytes(9_500_000);
    for compression in ALL {
        let one = compressed(&data, compression, 1);
        for threads in [2, 7] {
            assert!(compressed(&data, compression, threads) == one, "{compression:?} {threads}");
        }
        assert!(decompressed(one) == data);
    }
}

#[test]
fn sizes_around_a_block_and_nothing_at_all_are_valid() {
    for compression in ALL {
        for size in [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1] {
            let data = bytes(size);
            let blob = compressed(&data, compression, 2);
            assert_eq!(blob.is_empty(), size == 0 && compression == Compression::None);
            assert!(decompressed(blob) == data, "{compression:?} {size}");
        }
    }
}

#[test]
fn a_layer_without_entries_is_a_valid_blob() {
    let index = LayerIndex::default();
    for compression in ALL {
        let mut blob = Vec::new();
        let one = NonZeroUsize::MIN;
        let written =
            write_layer_blob(&index, &mut content, TarOptions::default(), compression, one, &mut blob)
                .unwrap();
        assert_eq!(written.uncompressed_size, 1024);
        assert_eq!(decompressed(blob), [0; 1024]);
    }
}

#[test]
fn gzip_and_zstd_programs_read_the_blobs() {
    let index = LayerIndex::from_entries([Entry::new(*b"a", Kind::File { size: 3_000_000 }, 0o644)]).unwrap();
    let tar = tar_of(&index);
    for (compression, program) in [(Compression::GZIP, "gzip"), (Compression::ZSTD, "zstd")] {
        let blob = compressed(&tar, compression, 2);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), blob).unwrap();
        let output = Command::new(program)
            .args(["-d", "-c"])
            .stdin(std::fs::File::open(file.path()).unwrap())
            .stderr(Stdio::inherit())
            .output();
        match output {
            Ok(output) => assert!(output.status.success() && output.stdout == tar, "{program}"),
            Err(_) => crate::support::skip(&format!("`{program}` is not installed")),
        }
    }
}

#[test]
fn a_destination_that_fails_is_an_error_and_ends_the_threads() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    for threads in [1, 3] {
        let mut writer = LayerBlobWriter::new(Full, Compression::GZIP, NonZeroUsize::new(threads).unwrap());
        let data = bytes(20 << 20);
        let result = writer.write_all(&data);
        assert!(result.is_err() || writer.finish().is_err());
    }
}

#[test]
fn identities_differ_by_format_and_level() {
    let kinds = [
        Compression::GZIP,
        Compression::ZSTD,
        Compression::None,
        Compression::Gzip { level: 9 },
        Compression::Zstd { level: 9 },
    ];
    let mut identities: Vec<String> = kinds.map(Compression::identity).to_vec();
    assert_eq!(Compression::Gzip { level: 99 }.identity(), Compression::Gzip { level: 12 }.identity());
    identities.sort();
    identities.dedup();
    assert_eq!(identities.len(), kinds.len());
}

#[test]
fn archives_are_recognised_by_content_in_every_format() {
    let tar = RawTar::default().file(b"a", b"content").end();
    let gzip = compressed(&tar, Compression::GZIP, 1);
    let zstd = compressed(&tar, Compression::ZSTD, 1);
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(&tar).unwrap();
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
    xz.write_all(&tar).unwrap();
    let files = [
        (ArchiveFormat::Tar, tar.clone()),
        (ArchiveFormat::Gzip, gzip),
        (ArchiveFormat::Zstd, zstd),
        (ArchiveFormat::Bzip2, bzip2.finish().unwrap()),
        (ArchiveFormat::Xz, xz.finish().unwrap()),
    ];
    for (format, file) in files {
        assert_eq!(detect(&file), Some(format));
        let mut read = Vec::new();
        let opened = open_archive(Box::new(Cursor::new(file.clone()))).unwrap().expect("an archive");
        { opened }.read_to_end(&mut read).unwrap();
        assert_eq!(read, tar);
        let broken = file[..file.len().min(8)].to_vec();
        assert!(open_archive(Box::new(Cursor::new(broken))).unwrap().is_none());
    }
    let plain_gzip = compressed(b"only text", Compression::GZIP, 1);
    for data in [plain_gzip, b"text".to_vec(), Vec::new(), vec![0; 1024]] {
        assert!(open_archive(Box::new(Cursor::new(data))).unwrap().is_none());
    }
}
