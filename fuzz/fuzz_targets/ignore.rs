//! `.dockerignore` and the wildcards of COPY: an ignore file, then the paths that are asked about.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_dockerfile::glob;
use plimsoll_dockerfile::ignore::{IgnoreFile, clean};

fuzz_target!(|data: &[u8]| {
    let split = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let (file, paths) = data.split_at(split);
    let text = String::from_utf8_lossy(file);
    let (ignore, _diagnostics) = IgnoreFile::parse(&text);
    for path in paths.split(|byte| *byte == 0).filter(|path| !path.is_empty()).take(20) {
        let _decision = ignore.matches(path);
        let _below = ignore.may_contain_exception_below(path);
        if let Some(pattern) = text.lines().next() {
            let _matches = glob::matches(pattern, path);
        }
        let _clean = clean(&String::from_utf8_lossy(path));
    }
    let first = text.lines().next().unwrap_or_default();
    let _wildcards = glob::has_wildcards(first);
    let _unescaped = glob::unescape(first);
});
