//! A database that was damaged, or made to do damage: no panic, and no more memory than the file's size allows.

use plimsoll_advisories::{Database, Query};

use crate::support::{ALL, bytes, peak_memory};

/// Everything that a reader does.
fn read_all(bytes: Vec<u8>) {
    let Ok(database) = Database::from_bytes(bytes, "damaged") else { return };
    for (ecosystem, name, version) in [
        ("npm", "example-lib", "1.0.0"),
        ("PyPI", "example-templates", "1.0"),
        ("Debian:12", "example", "1:2.3-4"),
        ("Alpine:v3.18", "example", "1.2.3-r0"),
        ("Red Hat:enterprise_linux:9", "example-libs", "1"),
        ("crates.io", "example", "0.4.0"),
        ("Tomorrow", "thing", "1.5"),
    ] {
        let _found = database.find(&Query { ecosystem, name, version, with_summaries: true });
    }
    let _details = database.details("CVE-2024-1001");
}

#[test]
fn every_byte_changed_in_turn() {
    let (bytes, _) = bytes(&ALL);
    assert!(bytes.len() < 20_000, "{} bytes take too long", bytes.len());
    let before = peak_memory();
    for place in 0..bytes.len() {
        for changed in [0xff, bytes[place].wrapping_add(1)] {
            let mut damaged = bytes.clone();
            damaged[place] = changed;
            read_all(damaged);
        }
    }
    // Other tests of this process are in it as well.
    let more = peak_memory() - before;
    assert!(more < 200 << 20, "{} MiB", more >> 20);
}

#[test]
fn every_length() {
    let (bytes, _) = bytes(&ALL);
    for length in 0..bytes.len() {
        assert!(Database::from_bytes(bytes[..length].to_vec(), "short").is_err(), "{length}");
    }
}
