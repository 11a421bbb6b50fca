//! Lock files, manifests and installed trees of languages: the first byte chooses the path, the rest is the file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_packages::{File, analyze};

const PATHS: [&str; 45] = [
    "Cargo.lock",
    "Directory.Packages.props",
    "Gemfile.lock",
    "Manifest.toml",
    "Package.resolved",
    "Pipfile.lock",
    "Podfile.lock",
    "a-1.dist-info/METADATA",
    "a.deps.json",
    "build.sbt.lock",
    "bun.lock",
    "cabal.project.freeze",
    "composer.lock",
    "conan.lock",
    "conda-meta/a.json",
    "deno.lock",
    "environment.yml",
    "go.mod",
    "gradle.lockfile",
    "gradle/dependency-locks/compileClasspath.lockfile",
    "gradle/verification-metadata.xml",
    "mix.lock",
    "node_modules/.package-lock.json",
    "node_modules/a/package.json",
    "package-lock.json",
    "packages.config",
    "packages.lock.json",
    "pdm.lock",
    "pnpm-lock.yaml",
    "poetry.lock",
    "pom.xml",
    "pubspec.lock",
    "pylock.toml",
    "rebar.lock",
    "renv.lock",
    "requirements.txt",
    "specifications/a-1.gemspec",
    "stack.yaml.lock",
    "uv.lock",
    "vendor/composer/installed.json",
    "yarn.lock",
    "a.egg-info",
    "bun.lockb",
    "gems.locked",
    "packages.props",
];

fuzz_target!(|data: &[u8]| {
    let Some((selector, content)) = data.split_first() else { return };
    let path = PATHS[usize::from(*selector) % PATHS.len()].as_bytes();
    let file = File { path, size: content.len() as u64, is_executable: false };
    let results = analyze(&file, &content.to_vec());
    assert!(!results.is_empty(), "each of the paths is wanted");
    for package in results.into_iter().filter_map(|(_, result)| result.ok()).flat_map(|found| found.packages) {
        assert!(!package.name.is_empty() && !package.version.is_empty());
        let _purl = package.purl(None);
    }
});
