//! Each folder in `tests/fixtures` is a small image: `root/` holds its files, `expected.json` what they say, by path.
//! `PLIMSOLL_BLESS=1` writes the expectations anew.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use plimsoll_packages::{File, OpenFile, ReadAt, analyze, wanted};
use serde_json::{Value, json};

#[test]
fn every_fixture_says_what_is_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let bless = std::env::var_os("PLIMSOLL_BLESS").is_some();
    let mut wrong = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(&folder).expect("the folder of fixtures").map(|entry| entry.expect("its entry"))
    {
        if !entry.path().is_dir() {
            continue;
        }
        count += 1;
        let found = analysis(&entry.path().join("root"));
        let text = serde_json::to_string_pretty(&found).expect("JSON") + "\n";
        let expected = entry.path().join("expected.json");
        if bless {
            fs::write(&expected, &text).expect("write the expectation");
        } else if fs::read_to_string(&expected).unwrap_or_default() != text {
            wrong.push(format!("{}: found\n{text}", entry.path().display()));
        }
    }
    assert!(count > 0, "no fixture in {}", folder.display());
    assert!(wrong.is_empty(), "{}\nPLIMSOLL_BLESS=1 takes it over", wrong.join("\n"));
}

fn analysis(root: &Path) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for path in files(root) {
        let opened = OpenFile::new(fs::File::open(&path).expect("open a fixture")).expect("its size");
        let inside = path.strip_prefix(root).expect("below the root").as_os_str().as_bytes();
        let mode = fs::metadata(&path).expect("its mode").permissions().mode();
        let file = File { path: inside, size: opened.size(), is_executable: mode & 0o111 != 0 };
        let said: BTreeMap<&str, Value> = analyze(&file, &opened)
            .into_iter()
            .map(|(name, result)| match result {
                Ok(analysis) => (name, json!(analysis)),
                Err(error) => (name, json!({ "error": error.to_string() })),
            })
            .collect();
        assert_eq!(wanted(&file), !said.is_empty());
        if !said.is_empty() {
            found.insert(String::from_utf8_lossy(inside).into_owned(), json!(said));
        }
    }
    found
}

pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries: Vec<_> = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}
