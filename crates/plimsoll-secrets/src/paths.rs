//! Names of files that hold no text, and the parts that paths are matched by.

use crate::finding::Skipped;

/// Endings of pictures, sound, fonts, archives and compressed data: nothing of them can be read as it lies.
const MEDIA: [&str; 70] = [
    "7z", "aac", "apk", "avi", "avif", "bmp", "br", "bz2", "cab", "cpio", "crate", "deb", "dmg", "ear",
    "eot", "flac", "flv", "gif", "gz", "heic", "icns", "ico", "iso", "jar", "jpeg", "jpg", "jxl", "lz4",
    "lzma", "lzo", "m4a", "m4v", "mkv", "mo", "mov", "mp3", "mp4", "mpeg", "mpg", "nupkg", "ogg", "opus",
    "otf", "pack", "pbm", "pcf", "pgm", "png", "ppm", "psd", "rar", "rpm", "snap", "squashfs", "tbz2", "tgz",
    "tif", "tiff", "ttc", "ttf", "txz", "war", "wasm", "wav", "webm", "webp", "whl", "woff", "woff2", "xz",
];

/// First bytes of compressed formats.
const MAGICS: [&[u8]; 14] = [
    b"\x1f\x8b",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"BZh",
    b"\xfd7zXZ\0",
    b"\x28\xb5\x2f\xfd",
    b"7z\xbc\xaf\x27\x1c",
    b"\x04\x22\x4d\x18",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"Rar!\x1a",
    b"hsqs",
    b"wOF2",
];

/// Why a file is not read, by its name.
pub(crate) fn skip_by_name(path: &str) -> Option<Skipped> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let (_, ending) = name.rsplit_once('.')?;
    let ending = ending.to_ascii_lowercase();
    (MEDIA.contains(&ending.as_str()) || ending == "zip" || ending == "zst").then_some(Skipped::MediaName)
}

/// Whether data is compressed, by its first bytes.
pub(crate) fn is_compressed(head: &[u8]) -> bool {
    MAGICS.iter().any(|magic| head.starts_with(magic))
}

/// Whether a path has one of the folders in it: whole names.
pub(crate) fn has_folder(path: &str, folders: &[&str]) -> bool {
    let parts = path.split('/');
    let last = parts.clone().count().saturating_sub(1);
    parts.take(last).any(|part| folders.contains(&part))
}
