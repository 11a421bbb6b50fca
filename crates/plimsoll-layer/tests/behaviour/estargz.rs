//! eStargz: what a reader that fetches single files relies on (stargz-snapshotter, docs/estargz.md).

use std::io::{Cursor, Read};
use std::num::NonZeroUsize;

use plimsoll_layer::{
    Compression, Entry, Kind, LayerIndex, ReadOptions, TarOptions, Timestamp, decompress, estargz_toc,
    index_only, write_layer_blob,
};
use plimsoll_oci::{DiffId, Digest};
use serde_json::Value;

use crate::support::content;

const CHUNK: u64 = 4 << 20;

fn index() -> LayerIndex {
    let mut link = Entry::new("bin/link", Kind::Symlink { target: b"big".to_vec() }, 0o777);
    link.mtime = Timestamp::from_seconds(1_700_000_000);
    let mut small = Entry::new("bin/small", Kind::File { size: 10 }, 0o4755);
    small.xattrs.push((b"user.a".to_vec(), vec![0, 255]));
    (small.uid, small.gid) = (7, 8);
    LayerIndex::from_entries([
        Entry::new("bin", Kind::Directory { opaque: true }, 0o755),
        Entry::new("bin/big", Kind::File { size: 2 * CHUNK + 5 }, 0o644),
        Entry::new("bin/empty", Kind::File { size: 0 }, 0o644),
        Entry::new("bin/hard", Kind::Hardlink { target: b"bin/big".to_vec() }, 0o644),
        link,
        small,
        Entry::new("gone", Kind::Whiteout, 0),
        Entry::new("null", Kind::CharDevice { major: 1, minor: 3 }, 0o666),
        Entry::new("stargz.index.json", Kind::File { size: 9 }, 0o644),
    ])
    .unwrap()
}

fn write(threads: usize) -> (Vec<u8>, plimsoll_layer::BlobWritten) {
    let mut blob = Vec::new();
    let threads = NonZeroUsize::new(threads).unwrap();
    let tar = TarOptions::default();
    let written =
        write_layer_blob(&index(), &mut content, tar, Compression::ESTARGZ, threads, &mut blob).unwrap();
    (blob, written)
}

fn table(blob: &[u8]) -> Vec<Value> {
    let json = estargz_toc(&mut Cursor::new(blob)).unwrap();
    let table: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(table["version"], 1);
    table["entries"].as_array().unwrap().clone()
}

#[test]
fn it_is_gzip_of_a_tar_with_landmark_and_table() {
    let (blob, written) = write(1);
    assert_eq!(written.digest, Digest::of(&blob));
    assert_eq!(written.size, blob.len() as u64);
    let mut tar = Vec::new();
    decompress(Box::new(Cursor::new(blob.clone()))).unwrap().read_to_end(&mut tar).unwrap();
    assert_eq!(written.diff_id, DiffId(Digest::of(&tar)));
    assert_eq!(written.uncompressed_size, tar.len() as u64);
    let read = index_only(&mut tar.as_slice(), &ReadOptions::default()).unwrap();
    assert!(read.entry(b".no.prefetch.landmark").is_some());
    // The table that was a file of the layer is replaced by the layer's own.
    let size = estargz_toc(&mut Cursor::new(&blob)).unwrap().len() as u64;
    assert_eq!(read.entry(b"stargz.index.json").unwrap().kind, Kind::File { size });
    assert_eq!(read.entry(b"bin").unwrap().kind, Kind::Directory { opaque: true });
    assert_eq!(read.entry(b"gone").unwrap().kind, Kind::Whiteout);
}

#[test]
fn the_number_of_threads_does_not_show() {
    let one = write(1).0;
    assert!(write(3).0 == one && write(8).0 == one);
}

#[test]
fn each_chunk_of_a_file_is_read_from_its_offset_alone() {
    let (blob, _) = write(2);
    let table = table(&blob);
    let mut whole = Vec::new();
    let of_big: Vec<&Value> = table.iter().filter(|entry| entry["name"] == "bin/big").collect();
    assert_eq!(
        of_big.iter().map(|e| e["type"].as_str().unwrap()).collect::<Vec<_>>(),
        ["reg", "chunk", "chunk"]
    );
    for entry in &of_big {
        let offset = usize::try_from(entry["offset"].as_u64().unwrap()).unwrap();
        let size = entry["chunkSize"].as_u64().unwrap();
        assert_eq!(entry["chunkOffset"].as_u64().unwrap_or(0), whole.len() as u64);
        let mut chunk = Vec::new();
        flate2::read::GzDecoder::new(&blob[offset..]).read_to_end(&mut chunk).unwrap();
        assert_eq!(chunk.len() as u64, size);
        assert_eq!(entry["chunkDigest"], Digest::of(&chunk).to_string());
        whole.extend(chunk);
    }
    assert_eq!(whole.len() as u64, 2 * CHUNK + 5);
    assert_eq!(of_big[0]["digest"], Digest::of(&whole).to_string());
    assert_eq!(of_big[0]["size"], 2 * CHUNK + 5);
}

#[test]
fn the_table_says_what_the_headers_say() {
    let table = table(&write(1).0);
    let names: Vec<&str> = table.iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            ".no.prefetch.landmark",
            "bin/",
            "bin/.wh..wh..opq",
            "bin/big",
            "bin/big",
            "bin/big",
            "bin/empty",
            "bin/hard",
            "bin/link",
            "bin/small",
            ".wh.gone",
            "null",
        ]
    );
    let entry = |name: &str| table.iter().find(|entry| entry["name"] == name).unwrap();
    assert_eq!((&entry("bin/")["type"], &entry("bin/")["mode"]), (&"dir".into(), &0o755.into()));
    assert_eq!(entry("bin/empty")["digest"], Digest::of([]).to_string());
    assert_eq!(entry(".wh.gone")["digest"], Digest::of([]).to_string());
    assert_eq!(
        (&entry("bin/hard")["type"], &entry("bin/hard")["linkName"]),
        (&"hardlink".into(), &"bin/big".into())
    );
    let link = entry("bin/link");
    assert_eq!((&link["linkName"], &link["modtime"]), (&"big".into(), &"2023-11-14T22:13:20Z".into()));
    let small = entry("bin/small");
    assert_eq!((&small["mode"], &small["uid"], &small["gid"]), (&0o4755.into(), &7.into(), &8.into()));
    assert_eq!(small["xattrs"]["user.a"], "AP8=");
    let null = entry("null");
    assert_eq!((&null["type"], &null["devMajor"], &null["devMinor"]), (&"char".into(), &1.into(), &3.into()));
}

#[test]
fn a_blob_without_table_is_told_apart() {
    let mut blob = Vec::new();
    let one = NonZeroUsize::MIN;
    write_layer_blob(&index(), &mut content, TarOptions::default(), Compression::GZIP, one, &mut blob)
        .unwrap();
    for broken in [blob, Vec::new(), write(1).0[1..].to_vec()] {
        assert!(estargz_toc(&mut Cursor::new(broken)).is_err());
    }
}

#[test]
fn a_name_that_json_cannot_hold_is_refused() {
    let index = LayerIndex::from_entries([Entry::new(vec![b'a', 0xff], Kind::Fifo, 0o644)]).unwrap();
    let one = NonZeroUsize::MIN;
    let result = write_layer_blob(
        &index,
        &mut content,
        TarOptions::default(),
        Compression::ESTARGZ,
        one,
        &mut Vec::new(),
    );
    assert!(result.unwrap_err().to_string().contains("UTF-8"));
}
