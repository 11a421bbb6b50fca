//! Archives and layers in every compression: read into an index, and unpacked without leaving the directory.
#![no_main]

use std::io::{Cursor, Read};
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use plimsoll_layer::{
    LayerIndex, Limits, Owners, ReadOptions, UnpackOptions, Whiteouts, XattrNamespace, decompress, detect,
    index_only, open_archive, unpack,
};

const LIMITS: Limits = Limits { content_size: 1 << 20, entries: 1000 };

fuzz_target!(|data: &[u8]| {
    let _format = detect(data);
    if let Ok(index) = LayerIndex::decode(data) {
        let again = LayerIndex::decode(&index.encode()).expect("what was encoded can be decoded");
        assert_eq!(index.entries(), again.entries());
    }
    let reader = || -> Box<dyn Read + Send> { Box::new(Cursor::new(data.to_vec())) };
    let archive = ReadOptions { whiteouts: Whiteouts::Literal, limits: LIMITS };
    if let Ok(Some(mut tar)) = open_archive(reader()) {
        let _index = index_only(&mut tar, &archive);
    }
    let layer = ReadOptions { whiteouts: Whiteouts::Interpret, limits: LIMITS };
    let Ok(mut tar) = decompress(reader()) else { return };
    let Ok(index) = index_only(&mut tar, &layer) else { return };
    let again = LayerIndex::decode(&index.encode()).expect("what was encoded can be decoded");
    assert_eq!(index.entries(), again.entries());

    // In memory where there is such a place: a disk would be the slowest part by far.
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let parent = parent.expect("a temporary directory");
    let directory = parent.path().join("layer");
    std::fs::create_dir(&directory).expect("an empty directory");
    let options = UnpackOptions {
        owners: Owners::Recorded,
        xattr_namespace: XattrNamespace::User,
        limits: LIMITS,
        base: None,
    };
    if let Ok(mut tar) = decompress(reader()) {
        let _unpacked = unpack(&mut tar, &directory, &options);
    }
    let names = std::fs::read_dir(parent.path()).expect("the directory is there").count();
    assert_eq!(names, 1, "something was written outside of the directory");
});
