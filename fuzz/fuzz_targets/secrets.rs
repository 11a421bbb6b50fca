//! The search for secrets: the first byte picks the file's name, the rest is its content.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use plimsoll_secrets::{Config, Scanner};

const NAMES: [&str; 12] = [
    "notes.txt",
    "app.py",
    ".npmrc",
    ".netrc",
    ".docker/config.json",
    "secret.yaml",
    "key.json",
    "settings.xml",
    ".pgpass",
    ".env",
    "terraform.tfvars",
    ".git-credentials",
];

static SCANNER: LazyLock<Scanner> =
    LazyLock::new(|| Scanner::new(&Config::default()).expect("the default configuration is right"));

fuzz_target!(|data: &[u8]| {
    let Some((first, content)) = data.split_first() else { return };
    let name = NAMES[usize::from(*first) % NAMES.len()];
    let found = SCANNER.scan(name, content).expect("reading from memory never fails");
    assert_eq!(found, SCANNER.scan_in_blocks(0, name, content).expect("reading from memory never fails"));
    let text = String::from_utf8_lossy(content);
    SCANNER.scan_text("env", &text);
});
