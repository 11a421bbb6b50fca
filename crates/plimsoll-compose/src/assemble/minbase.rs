//! The `minbase` variant: all packages unpacked, dpkg's database, apt's sources; their scripts run afterwards.

use std::fmt::Write;
use std::fs;

use super::tree::Tree;
use super::{Assembled, Package, configure, dpkg, image};
use crate::composer::ComposerOptions;
use crate::error::ComposeError;
use crate::net::shown;
use crate::plan::Plan;
use crate::planning;
use crate::sources::Archive;

/// apt's settings in the image. The name is one that many Dockerfiles remove when they mount a cache for
/// packages: then apt keeps what it downloads.
const CLEAN: (&str, &str) = (
    "etc/apt/apt.conf.d/docker-clean",
    "// Downloaded packages are of no use in a layer.\nAPT::Keep-Downloaded-Packages \"false\";\n",
);

const SMALL: (&str, &str) = (
    "etc/apt/apt.conf.d/90small-layers",
    "// Indexes stay compressed, translations and caches are not kept.\n\
     Acquire::GzipIndexes \"true\";\n\
     Acquire::Languages \"none\";\n\
     Dir::Cache::pkgcache \"\";\n\
     Dir::Cache::srcpkgcache \"\";\n\
     APT::AutoRemove::SuggestsImportant \"false\";\n",
);

const DPKG: (&str, &str) = (
    "etc/dpkg/dpkg.cfg.d/image",
    "# A build that is interrupted is thrown away: nothing is gained by waiting for the disk.\nforce-unsafe-io\n",
);

/// Denies that services are started: there is no init system in a build.
const POLICY: (&str, &str) = ("usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n");

pub(super) fn assemble(
    options: &ComposerOptions,
    plan: &Plan,
    packages: &[Package<'_>],
) -> Result<Assembled, ComposeError> {
    let mut tree = Tree::new(packages, plan.created);
    tree.add_packages(|_, _| true)?;
    tree.add_merged_links();
    add_accounts(&mut tree)?;
    dpkg::add(&mut tree, packages)?;
    add_sources(&mut tree, options, plan)?;
    for (path, text) in [CLEAN, SMALL, DPKG] {
        tree.file(path, 0o644, text);
    }
    tree.file(POLICY.0, 0o755, POLICY.1);
    for (path, mode) in
        [("dev", 0o755), ("proc", 0o555), ("sys", 0o555), ("tmp", 0o1777), ("var/tmp", 0o1777)]
    {
        tree.directory(path, mode);
    }
    if !dpkg::is_present(&tree, "bin/sh") {
        if !dpkg::is_present(&tree, "bin/dash") {
            return Err(ComposeError::Incomplete { path: "bin/sh".to_owned(), variant: "minbase" });
        }
        // Before it shipped the link, the shell's package made it by a script, which needs a shell.
        tree.symlink("usr/bin/sh", "dash");
    }
    let configure = configure::step(plan, packages);
    let (index, contents) = tree.finish()?;
    let mut config = image::config(plan);
    config.config.cmd = Some(vec!["bash".to_owned()]);
    Ok(Assembled { config, configure: Some(configure), index, contents })
}

/// The first users and groups, which `base-passwd` would put in place before it is unpacked.
fn add_accounts(tree: &mut Tree<'_>) -> Result<(), ComposeError> {
    for name in ["passwd", "group"] {
        let master = format!("usr/share/base-passwd/{name}.master");
        let missing = || ComposeError::Incomplete { path: master.clone(), variant: "minbase" };
        let bytes = tree.bytes(master.as_bytes()).ok_or_else(missing)?;
        let bytes = bytes
            .map_err(|source| ComposeError::PackageData { package: "base-passwd".to_owned(), source })?;
        tree.file(&format!("etc/{name}"), 0o644, bytes);
    }
    Ok(())
}

/// The archives that the base came from, so that `apt` finds more of the same.
fn add_sources(tree: &mut Tree<'_>, options: &ComposerOptions, plan: &Plan) -> Result<(), ComposeError> {
    let used = |archive: &Archive| plan.archives.iter().any(|planned| planned.suite == archive.suite);
    let mut archives = planning::archives(options, plan.spec.suite())?;
    archives.retain(used);
    let mut text = String::new();
    let mut done: Vec<&Archive> = Vec::new();
    for archive in &archives {
        let same = |other: &Archive| {
            other.uris == archive.uris
                && other.components == archive.components
                && other.signed_by == archive.signed_by
                && other.check_valid_until == archive.check_valid_until
        };
        if done.iter().any(|other| same(other)) {
            continue;
        }
        let suites: Vec<&str> =
            archives.iter().filter(|other| same(other)).map(|other| other.suite.as_str()).collect();
        // An image is handed on: credentials stay here.
        let uris: Vec<String> = archive.uris.iter().map(|uri| shown(uri)).collect();
        let signed_by = signed_by(tree, options, archive)?;
        let check = archive.check_valid_until.unwrap_or(true) && options.check_valid_until;
        let separator = if text.is_empty() { "" } else { "\n" };
        write!(
            text,
            "{separator}Types: deb\nURIs: {}\nSuites: {}\nComponents: {}\n{}{}",
            uris.join(" "),
            suites.join(" "),
            archive.components.join(" "),
            if check { "" } else { "Check-Valid-Until: no\n" },
            signed_by,
        )
        .expect("a string takes everything");
        done.push(archive);
    }
    tree.file("etc/apt/sources.list.d/debian.sources", 0o644, text);
    Ok(())
}

/// The `Signed-By` field: the image's own keyring file where it has it, else a copy of the host's.
fn signed_by(
    tree: &mut Tree<'_>,
    options: &ComposerOptions,
    archive: &Archive,
) -> Result<String, ComposeError> {
    if let Some(block) = archive.signed_by.as_ref().and_then(|signed_by| signed_by.embedded.as_ref()) {
        let lines = block.lines().map(|line| if line.is_empty() { " ." } else { line });
        return Ok(lines.fold("Signed-By:\n".to_owned(), |text, line| text + " " + line.trim_start() + "\n"));
    }
    let keyring = planning::keyring(options, archive)?;
    let mut paths = Vec::new();
    for file in &keyring.files {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let packaged = [name.to_owned(), format!("{stem}.gpg"), format!("{stem}.pgp")]
            .map(|name| format!("usr/share/keyrings/{name}"))
            .into_iter()
            .find(|path| dpkg::is_present(tree, path));
        let path = packaged.clone().unwrap_or_else(|| format!("etc/apt/keyrings/{name}"));
        if packaged.is_none() {
            let bytes = fs::read(file).map_err(|source| ComposeError::Io {
                action: "read keyring",
                path: file.clone(),
                source,
            })?;
            tree.file(&path, 0o644, bytes);
        }
        paths.push(format!("/{path}"));
    }
    Ok(format!("Signed-By: {}\n", paths.join(",")))
}
