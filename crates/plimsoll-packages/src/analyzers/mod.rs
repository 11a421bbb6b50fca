//! One module a kind of file.

mod apk;
mod bun_lock;
mod cargo_lock;
mod composer;
mod conan_lock;
mod conda;
mod deno_lock;
mod dotnet_deps;
mod dpkg;
mod gemfile_lock;
mod gemspec;
mod go_binary;
mod go_mod;
mod gradle_lock;
mod gradle_verification;
mod haskell_lock;
mod hex_lock;
mod java;
mod julia_manifest;
mod node_modules;
mod nuget_lock;
mod os_release;
mod package_lock;
mod package_resolved;
mod packages_config;
mod packages_props;
mod pdm_lock;
mod pipfile_lock;
mod pnpm_lock;
mod podfile_lock;
mod poetry_lock;
mod pom;
mod pubspec_lock;
mod pylock;
mod python_metadata;
mod r_description;
mod release_file;
mod renv_lock;
mod requirements;
mod rpm;
mod rust_binary;
mod sbt_lock;
mod uv_lock;
mod yarn_cache;
mod yarn_lock;

use crate::analyzer::Analyzer;

/// All analyzers, by module.
pub(crate) static ANALYZERS: &[&Analyzer] = &[
    &apk::ANALYZER,
    &bun_lock::ANALYZER,
    &cargo_lock::ANALYZER,
    &composer::INSTALLED,
    &composer::LOCK,
    &conan_lock::ANALYZER,
    &conda::ENVIRONMENT,
    &conda::META,
    &deno_lock::ANALYZER,
    &dotnet_deps::ANALYZER,
    dpkg::FILES,
    dpkg::LICENSES,
    dpkg::STATUS,
    &gemfile_lock::ANALYZER,
    &gemspec::ANALYZER,
    &go_binary::ANALYZER,
    &go_mod::ANALYZER,
    &gradle_lock::ANALYZER,
    &gradle_verification::ANALYZER,
    &haskell_lock::CABAL,
    &haskell_lock::STACK,
    &hex_lock::MIX,
    &hex_lock::REBAR,
    java::ARCHIVE,
    &julia_manifest::ANALYZER,
    &node_modules::ANALYZER,
    &nuget_lock::ANALYZER,
    &os_release::ANALYZER,
    &package_lock::ANALYZER,
    &package_resolved::ANALYZER,
    &packages_config::ANALYZER,
    &packages_props::ANALYZER,
    &pdm_lock::ANALYZER,
    &pipfile_lock::ANALYZER,
    &pnpm_lock::ANALYZER,
    &podfile_lock::ANALYZER,
    &poetry_lock::ANALYZER,
    &pom::ANALYZER,
    &pubspec_lock::ANALYZER,
    &pylock::ANALYZER,
    &python_metadata::ANALYZER,
    &release_file::ANALYZER,
    &python_metadata::EGG,
    &r_description::ANALYZER,
    &renv_lock::ANALYZER,
    &requirements::ANALYZER,
    rpm::DATABASE,
    rpm::MANIFEST,
    &rust_binary::ANALYZER,
    &sbt_lock::ANALYZER,
    &uv_lock::ANALYZER,
    &yarn_cache::ANALYZER,
    &yarn_lock::ANALYZER,
];
