//! Measures what the crate does with a directory tree: scan, index, export, unpack.
//!
//! `cargo run --release -p plimsoll-layer --example layer_speed -- DIRECTORY SCRATCH`
#![allow(clippy::print_stdout, reason = "it shows its measurements")]

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Instant;

use plimsoll_layer::{
    Compression, DirectoryContent, LayerIndex, Limits, Owners, ReadOptions, ScanOptions, TarOptions,
    UnpackOptions, XattrNamespace, decompress, index_only, scan_upper, unpack, write_layer_blob,
};

fn timed<T>(what: &str, bytes: u64, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    let milliseconds = start.elapsed().as_millis().max(1);
    println!("{what:<24} {milliseconds:>7} ms {:>6} MB/s", u128::from(bytes) / 1000 / milliseconds);
    result
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, directory, scratch] = arguments.as_slice() else { return Err("DIRECTORY SCRATCH".into()) };
    let options = ScanOptions {
        xattr_namespace: XattrNamespace::Trusted,
        owners: Owners::Real,
        base: None,
        side_owners: None,
    };
    let index = timed("scan", 0, || scan_upper(Path::new(directory), &options))?;
    let size = index.content_size();
    let encoded = timed("encode", 0, || index.encode());
    timed("decode", encoded.len() as u64, || LayerIndex::decode(&encoded))?;
    println!("{} entries, {} bytes of index, {size} bytes of content", index.len(), encoded.len());
    let source = DirectoryContent::open(Path::new(directory))?;
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    for compression in [Compression::None, Compression::ZSTD, Compression::GZIP] {
        let mut out = BufWriter::new(File::create(Path::new(scratch).join("blob"))?);
        let tar = TarOptions::default();
        let mut content = |entry: &plimsoll_layer::Entry| source.content(entry);
        let written = timed(&format!("export {compression:?}"), size, || {
            write_layer_blob(&index, &mut content, tar, compression, threads, &mut out)
        })?;
        out.flush()?;
        println!("{:>32} bytes, {}", written.size, written.digest);
    }
    let open = || decompress(Box::new(File::open(Path::new(scratch).join("blob"))?));
    let read = timed("index of the gzip blob", size, || {
        index_only(&mut open()?, &ReadOptions::default()).map_err(std::io::Error::other)
    })?;
    println!("the index is {}", if read.entries() == index.entries() { "the same" } else { "another" });
    let target = Path::new(scratch).join("unpacked");
    std::fs::create_dir(&target)?;
    let options = UnpackOptions {
        owners: Owners::Real,
        xattr_namespace: XattrNamespace::Trusted,
        limits: Limits::default(),
        base: None,
    };
    timed("unpack the gzip blob", size, || {
        unpack(&mut open()?, &target, &options).map_err(std::io::Error::other)
    })?;
    let status = std::fs::read_to_string("/proc/self/status")?;
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default());
    Ok(())
}
