//! Files of an image, as package analyzers read them: the first byte says which file it is, the rest is its content.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_packages::{Analysis, File, Found, Layer, analyze, inventory};

const PATHS: [&str; 16] = [
    "var/lib/dpkg/status",
    "var/lib/dpkg/status.d/base",
    "var/lib/dpkg/status.d/base.md5sums",
    "var/lib/dpkg/info/base.list",
    "usr/share/doc/base/copyright",
    "lib/apk/db/installed",
    "var/lib/rpm/Packages",
    "var/lib/rpm/Packages.db",
    "var/lib/rpm/rpmdb.sqlite",
    "var/lib/rpmmanifest/container-manifest-2",
    "usr/bin/program",
    "app/app.jar",
    "etc/os-release",
    "etc/lsb-release",
    "etc/redhat-release",
    "etc/debian_version",
];
/// Smaller programs are not looked at.
const LEAST_PROGRAM: usize = 16 << 10;

fuzz_target!(|data: &[u8]| {
    let Some((selector, content)) = data.split_first() else { return };
    let path = PATHS[usize::from(*selector) % PATHS.len()];
    let mut content = content.to_vec();
    if path == "usr/bin/program" {
        content.resize(content.len().max(LEAST_PROGRAM), 0);
    }
    let file = File { path: path.as_bytes(), size: content.len() as u64, is_executable: true };
    let mut found = Vec::new();
    for (analyzer, result) in analyze(&file, &content) {
        let analysis = result.unwrap_or_else(|error| {
            Analysis { not_scanned: vec![error.to_string()], ..Analysis::default() }
        });
        found.push(Found { path: path.to_owned(), analyzer: analyzer.to_owned(), analysis });
    }
    let layers = [Layer { diff_id: "layer".to_owned(), found }];
    let packages = inventory(&layers, &|_, _| false).packages;
    for installed in packages {
        installed.package.purl(Some(("debian", "12")));
    }
});
