//! What `docker buildx bake --print` (version 0.29.1) prints for the same files.
//!
//! Each folder of `tests/fixtures/print` is a project. `case.json` holds the arguments: `targets`, `set`, `files` (names
//! in the order in which they are given; else the default ones) and `env`. `expected.json` is the recorded answer; where
//! there is none, the definition is refused by both. `PLIMSOLL_BLESS` does not exist here: only the other program can
//! bless these.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use plimsoll_bake::{DEFAULT_FILES, print};
use serde::Deserialize;

use crate::support::Call;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Case {
    targets: Vec<String>,
    set: Vec<String>,
    files: Vec<String>,
    env: BTreeMap<String, String>,
}

fn call(folder: &Path) -> Call {
    let case: Case = match std::fs::read(folder.join("case.json")) {
        Ok(bytes) => serde_json::from_slice(&bytes).unwrap(),
        Err(_) => Case::default(),
    };
    let names: Vec<String> = if case.files.is_empty() {
        DEFAULT_FILES
            .iter()
            .filter(|name| folder.join(name).exists())
            .map(|name| (*name).to_owned())
            .collect()
    } else {
        case.files
    };
    let files =
        names.into_iter().map(|name| (name.clone(), std::fs::read_to_string(folder.join(&name)).unwrap()));
    let mut others = BTreeMap::new();
    below(folder, "", &mut others);
    Call {
        files: files.collect(),
        others,
        targets: case.targets,
        set: case.set,
        environment: case.env,
        ..Call::default()
    }
}

/// All files of a project, by their paths in it.
fn below(folder: &Path, prefix: &str, found: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            below(&entry.path(), &format!("{path}/"), found);
        } else {
            found.insert(path, std::fs::read_to_string(entry.path()).unwrap());
        }
    }
}

#[test]
fn definitions_are_printed_as_buildx_prints_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/print");
    let mut folders: Vec<_> = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    assert!(folders.len() > 40, "the cases are there");
    let mut failures = String::new();
    for folder in &folders {
        let name = folder.file_name().unwrap().to_string_lossy();
        let expected = std::fs::read_to_string(folder.join("expected.json")).ok();
        match (call(folder).resolve(), expected) {
            (Ok(resolved), Some(expected)) => {
                let printed = print(&resolved);
                if printed != expected {
                    let differs = printed.lines().zip(expected.lines()).find(|(a, b)| a != b);
                    let _infallible = writeln!(failures, "{name}: {differs:?}\n{printed}");
                }
            }
            (Ok(_), None) => {
                let _infallible = writeln!(failures, "{name}: must be refused");
            }
            (Err(error), Some(_)) => {
                for problem in error.problems {
                    let _infallible = writeln!(failures, "{name}: refused: {}", problem.render(false));
                }
            }
            (Err(error), None) => assert!(!error.problems.is_empty()),
        }
    }
    assert!(failures.is_empty(), "{failures}");
}
