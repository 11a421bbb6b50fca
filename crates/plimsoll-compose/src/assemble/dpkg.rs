//! dpkg's database for packages that are unpacked and not configured.
//!
//! dpkg writes this itself when it unpacks; here the composer does, so that `dpkg --configure` in the finished
//! tree finds what it would have left: the status file, one set of files a package in `info`, and the table of
//! trigger interests.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use md5::{Digest as _, Md5};

use super::Package;
use super::tree::{Tree, merged};
use crate::error::ComposeError;

const ADMIN: &str = "var/lib/dpkg";

/// The name of a package's files in `info`: with the architecture where several can be installed beside each
/// other.
pub(super) fn info_name(package: &Package<'_>) -> String {
    match package.deb.control.fields.field("Multi-Arch") {
        Some("same") => format!("{}:{}", package.planned.name, package.planned.architecture),
        _ => package.planned.name.clone(),
    }
}

/// Writes the database.
pub(super) fn add(tree: &mut Tree<'_>, packages: &[Package<'_>]) -> Result<(), ComposeError> {
    let mut status = String::new();
    for package in packages {
        status.push_str(&status_stanza(package)?);
        let info = format!("{ADMIN}/info/{}", info_name(package));
        tree.file(&format!("{info}.list"), 0o644, file_list(package));
        for (name, (mode, bytes)) in &package.deb.control.files {
            tree.file(&format!("{info}.{name}"), *mode, bytes.clone());
        }
    }
    tree.file(&format!("{ADMIN}/status"), 0o644, status);
    tree.file(&format!("{ADMIN}/info/format"), 0o644, "1\n");
    for name in ["available", "diversions", "statoverride"] {
        tree.file(&format!("{ADMIN}/{name}"), 0o644, "");
    }
    for name in ["alternatives", "parts", "updates"] {
        tree.directory(&format!("{ADMIN}/{name}"), 0o755);
    }
    add_triggers(tree, packages);
    Ok(())
}

fn status_stanza(package: &Package<'_>) -> Result<String, ComposeError> {
    let control = &package.deb.control;
    let mut stanza = String::new();
    for line in control.text.lines() {
        writeln!(stanza, "{line}").expect("a string takes everything");
        if line.starts_with("Package:") {
            stanza.push_str("Status: install ok unpacked\n");
        }
    }
    let mut conffiles = String::new();
    for path in control.conffiles() {
        let found = package.deb.entries.iter().find(|(entry, _)| entry.path == path.as_bytes());
        // One that the package names but does not bring is of an earlier version; there is nothing to record.
        let Some(content) = found.and_then(|(_, content)| content.as_ref()) else { continue };
        let mut digest = Md5::new();
        let failed = |source| ComposeError::PackageData { package: package.planned.name.clone(), source };
        digest.update(content.bytes().map_err(failed)?);
        write!(conffiles, "\n /{path} {}", hex::encode(digest.finalize()))
            .expect("a string takes everything");
    }
    if !conffiles.is_empty() {
        writeln!(stanza, "Conffiles:{conffiles}").expect("a string takes everything");
    }
    stanza.push('\n');
    Ok(stanza)
}

/// The paths as the package has them, which is how dpkg records them.
fn file_list(package: &Package<'_>) -> String {
    let mut list = "/.\n".to_owned();
    for (entry, _) in &package.deb.entries {
        list.push('/');
        list.push_str(&String::from_utf8_lossy(&entry.path));
        list.push('\n');
    }
    list
}

/// Who is told when a path or name is triggered (deb-triggers(5)).
fn add_triggers(tree: &mut Tree<'_>, packages: &[Package<'_>]) {
    let mut paths = BTreeSet::new();
    let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in packages {
        let text = package.deb.control.text_of("triggers");
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_ascii_whitespace();
            let (Some(directive), Some(name)) = (words.next(), words.next()) else { continue };
            let mark = match directive {
                "interest" | "interest-await" => "",
                "interest-noawait" => "/noawait",
                _ => continue,
            };
            let who = format!("{}{mark}", info_name(package));
            if name.starts_with('/') {
                paths.insert(format!("{name} {who}"));
            } else if !name.contains('/') {
                names.entry(name.to_owned()).or_default().insert(who);
            }
        }
    }
    let lines =
        |lines: BTreeSet<String>| lines.into_iter().fold(String::new(), |text, line| text + &line + "\n");
    tree.directory(&format!("{ADMIN}/triggers"), 0o755);
    tree.file(&format!("{ADMIN}/triggers/File"), 0o644, lines(paths));
    tree.file(&format!("{ADMIN}/triggers/Unincorp"), 0o644, "");
    for (name, who) in names {
        tree.file(&format!("{ADMIN}/triggers/{name}"), 0o644, lines(who));
    }
}

/// The packages with a `preinst`, those that others need first.
pub(super) fn preinst_order(packages: &[Package<'_>]) -> Vec<String> {
    let places: BTreeMap<&str, usize> =
        packages.iter().enumerate().map(|(place, package)| (package.planned.name.as_str(), place)).collect();
    let mut order = Vec::new();
    let mut seen = vec![false; packages.len()];
    // The users, and the folders, that other scripts take for granted.
    let first = ["base-passwd", "base-files"].iter().filter_map(|name| places.get(name).copied());
    for start in first.chain(0..packages.len()) {
        // Depth first with a stack of its own: chains of dependencies can be long.
        let mut stack = vec![(start, false)];
        while let Some((place, after)) = stack.pop() {
            if after {
                order.push(place);
            } else if !std::mem::replace(&mut seen[place], true) {
                stack.push((place, true));
                let depends = packages[place].planned.depends.iter().rev();
                stack.extend(depends.filter_map(|name| Some((*places.get(name.as_str())?, false))));
            }
        }
    }
    let has_preinst = |place: &usize| packages[*place].deb.control.files.contains_key("preinst");
    order.into_iter().filter(has_preinst).map(|place| info_name(&packages[place])).collect()
}

/// Whether a path of a package is in the tree, under its merged name.
pub(super) fn is_present(tree: &Tree<'_>, path: &str) -> bool {
    tree.follow(&merged(path.trim_start_matches('/').as_bytes())).is_some()
}
