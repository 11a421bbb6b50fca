//! Every fixture, cut off and mangled: whatever comes of it, it is an answer.

use std::fs;
use std::path::{Path, PathBuf};

use plimsoll_packages::{File, analyze};

/// Larger ones are real trees, of which the small ones have all forms.
const MOST_BYTES: usize = 16 << 10;
const CUTS: usize = 40;

#[test]
fn cut_and_mangled_fixtures_do_not_panic() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut answers = 0;
    for path in files(&fixtures).into_iter().filter(|path| !path.ends_with("expected.json")) {
        let content = fs::read(&path).expect("read a fixture");
        if content.len() > MOST_BYTES {
            continue;
        }
        let inside = path.strip_prefix(&fixtures).expect("below the fixtures").to_string_lossy().into_owned();
        let (_, inside) = inside.split_once("/root/").unwrap_or(("", &inside));
        let mut answer = |content: Vec<u8>| {
            let file = File { path: inside.as_bytes(), size: content.len() as u64, is_executable: false };
            for (_, result) in analyze(&file, &content) {
                answers += 1;
                for package in result.map(|analysis| analysis.packages).unwrap_or_default() {
                    assert!(!package.name.is_empty() && !package.version.is_empty(), "{inside}: {package:?}");
                }
            }
        };
        for cut in 0..CUTS {
            answer(content[..content.len() * cut / CUTS].to_vec());
        }
        for (from, to) in [(b'"', b'\''), (b'{', b'['), (b' ', b'\n'), (b'\n', 0), (b'@', 0xff), (b':', b'=')]
        {
            answer(content.iter().map(|byte| if *byte == from { to } else { *byte }).collect());
        }
    }
    assert!(answers > 1000, "only {answers} answers");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of fixtures") {
        let path = entry.expect("its entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}
