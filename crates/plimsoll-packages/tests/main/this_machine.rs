//! This machine's own packages, as its package manager lists them.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use plimsoll_packages::{File, OpenFile, ReadAt as _, analyze};

#[test]
fn dpkg_lists_the_same_packages() {
    let path = Path::new("/var/lib/dpkg/status");
    let fields =
        "${db:Status-Status}\t${Package} ${Version} ${Architecture} ${source:Package} ${source:Version}\n";
    let output = Command::new("dpkg-query").args(["-W", "-f", fields]).output();
    let (Ok(output), true) = (output, path.exists()) else {
        eprintln!("skipped: there is no `dpkg-query` here");
        return;
    };
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let listed: BTreeSet<String> =
        text.lines().filter_map(|line| line.strip_prefix("installed\t")).map(str::to_owned).collect();
    assert!(!listed.is_empty(), "dpkg lists nothing");

    let content = OpenFile::new(std::fs::File::open(path).expect("open")).expect("its size");
    let file = File { path: b"var/lib/dpkg/status", size: content.size(), is_executable: false };
    let mut found = BTreeSet::new();
    for (_, analysis) in analyze(&file, &content) {
        let analysis = analysis.expect("dpkg's own file");
        assert_eq!(analysis.not_scanned, Vec::<String>::new());
        for package in analysis.packages {
            let (name, version) = (&package.name, &package.version);
            let source =
                package.source.as_ref().map_or((name, version), |source| (&source.name, &source.version));
            let architecture = package.architecture.as_deref().unwrap_or_default();
            found.insert(format!("{name} {version} {architecture} {} {}", source.0, source.1));
        }
    }
    assert_eq!(found, listed);
}
