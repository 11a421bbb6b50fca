//! Doors for the fuzz targets, to what is otherwise reached only through a mirror.

use std::fs::File;
use std::io::{Seek, Write};

use crate::archive::{Accept, Keyring, Release, verify};
use crate::deb::{self, Spool};
use crate::deb822;
use crate::resolve::{Field, PackageIndex, relation, version};

/// Reads a clear-signed release file, and the same bytes as if their signature had been good.
pub fn release(bytes: &[u8]) {
    let accept = Accept { fingerprints: &[], now: 0, keys_of_then: false };
    drop(verify(bytes, &Keyring::default(), accept, "InRelease"));
    let text = String::from_utf8_lossy(bytes);
    if let Ok(release) = Release::parse(&text, "InRelease") {
        release.package_indexes("main", "amd64").len();
    }
    drop(deb822::parse(&text));
}

/// Reads a keyring.
pub fn keyring(bytes: &[u8]) {
    drop(Keyring::default().add_bytes(bytes));
}

/// Reads an index of packages, and its relations and versions.
pub fn index(bytes: &[u8]) {
    let mut index = PackageIndex::default();
    if index.read(0, bytes).is_err() {
        return;
    }
    index.finish();
    let mut newest = None;
    for id in index.all_newest() {
        for field in [Field::Depends, Field::Provides] {
            for clause in relation::clauses(index.field(id, field)) {
                for relation in relation::alternatives(clause) {
                    relation.allows(index.version(id));
                }
            }
        }
        index.providers(index.name(id)).count();
        if let Some(other) = newest.replace(index.version(id)) {
            let there = version::compare(other, index.version(id));
            assert_eq!(there.reverse(), version::compare(index.version(id), other));
        }
    }
}

/// Reads a package file.
pub fn package(bytes: &[u8]) {
    if !bytes.starts_with(b"!<arch>\n") {
        return;
    }
    let file = || -> std::io::Result<File> {
        let mut file = tempfile::tempfile()?;
        file.write_all(bytes)?;
        file.rewind()?;
        Ok(file)
    };
    let (Ok(package), Ok(spool)) = (file(), tempfile::tempfile()) else { return };
    drop(deb::read(package, "fuzzed", &mut Spool::new(spool)));
}
