//! A base from the archive that apt's own sources name, where a test run says that it may be asked.

use std::path::PathBuf;

use plimsoll_compose::{Composer, ComposerOptions, HostSources};

use crate::support::{layer, listing, runtime, spec_of};

/// The directory of apt's configuration; without it this test is skipped, since tests reach no network unasked.
const VARIABLE: &str = "PLIMSOLL_TEST_APT_DIRECTORY";
const SUITE: &str = "PLIMSOLL_TEST_APT_SUITE";

#[test]
fn a_real_archive_gives_a_base_twice_alike() {
    let Some(directory) = std::env::var_os(VARIABLE).map(PathBuf::from) else {
        eprintln!(
            "SKIPPED a_real_archive_gives_a_base_twice_alike: {VARIABLE} names no directory such as /etc/apt"
        );
        return;
    };
    let suite = std::env::var(SUITE).unwrap_or_else(|_| "stable".to_owned());
    let host = HostSources::read(&directory).unwrap();
    assert!(!host.sources.is_empty(), "{} has no sources", directory.display());
    let spec = spec_of(&format!("debian://{suite}?packages=python3-minimal"));
    let mut layers = Vec::new();
    for jobs in [1, 4] {
        let cache = tempfile::tempdir().unwrap();
        let mut options = ComposerOptions::new(cache.path());
        options.sources.clone_from(&host.sources);
        options.check_valid_until = host.check_valid_until;
        options.keyrings = vec!["/usr/share/keyrings".into()];
        options.jobs = jobs;
        let composer = Composer::new(options).unwrap();
        let plan = runtime().block_on(composer.plan(&spec, None, &|_| {})).unwrap();
        runtime().block_on(composer.fetch(&plan, &|_| {})).unwrap();
        let assembled = composer.assemble(&plan, &|_| {}).unwrap();
        let files = listing(&assembled);
        assert!(files.contains_key("usr/bin/python3"));
        assert!(files["etc/ssl/certs/ca-certificates.crt"].contains("BEGIN CERTIFICATE"));
        assert!(!files.contains_key("usr/bin/sh") && !files.contains_key("usr/bin/dpkg"));
        layers.push(layer(&assembled));
    }
    assert_eq!(layers[0], layers[1]);
}
