//! The `distroless` variant: packages' files, and by hand what their scripts would have made.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::{Assembled, Package, alternatives, certificates, filter, image, tree::Tree};
use crate::composer::ComposerOptions;
use crate::error::ComposeError;
use crate::events::{Event, Events};
use crate::plan::Plan;

const NONROOT: u32 = 65532;
const NOBODY: u32 = 65534;
const SHELLS: [&str; 6] = ["bash", "busybox", "dash", "ksh", "sh", "zsh"];

pub(super) fn assemble(
    options: &ComposerOptions,
    plan: &Plan,
    packages: &[Package<'_>],
    events: Events<'_>,
) -> Result<Assembled, ComposeError> {
    let mut tree = Tree::new(packages, plan.created);
    tree.add_packages(|package, path| {
        filter::keeps(path, options.keep_documentation)
            && (package.planned.name != certificates::PACKAGE || is_copyright(path))
    })?;
    tree.add_merged_links();
    add_certificates(&mut tree, packages, plan.created)?;
    add_accounts(&mut tree);
    add_places(&mut tree);
    alternatives::add(&mut tree, packages);
    add_status(&mut tree, packages);
    if !tree.contains(b"usr/lib/os-release") {
        let path = "usr/lib/os-release".to_owned();
        return Err(ComposeError::Incomplete { path, variant: plan.spec.variant().as_str() });
    }
    tree.symlink("etc/os-release", "../usr/lib/os-release");
    for shell in SHELLS {
        if tree.contains(format!("usr/bin/{shell}").as_bytes()) {
            events(Event::Notice { text: format!("the base has a shell, `/usr/bin/{shell}`") });
        }
    }
    let (index, contents) = tree.finish()?;
    let mut config = image::config(plan);
    config.config.set_variable("SSL_CERT_FILE", &format!("/{}", certificates::BUNDLE));
    // By number, so that a cluster can tell without the image's files that it is not root.
    config.config.user = NONROOT.to_string();
    "/home/nonroot".clone_into(&mut config.config.working_dir);
    Ok(Assembled { config, configure: None, index, contents })
}

fn is_copyright(path: &[u8]) -> bool {
    path.starts_with(b"usr/share/doc")
}

fn add_certificates(tree: &mut Tree<'_>, packages: &[Package<'_>], created: i64) -> Result<(), ComposeError> {
    let Some(package) = packages.iter().find(|package| package.planned.name == certificates::PACKAGE) else {
        let (path, variant) = (certificates::BUNDLE.to_owned(), "distroless");
        return Err(ComposeError::Incomplete { path, variant });
    };
    tree.file(certificates::BUNDLE, 0o644, certificates::bundle(package)?);
    if packages.iter().any(|package| package.planned.name == certificates::JAVA_PACKAGE) {
        tree.file(certificates::JAVA_STORE, 0o644, certificates::java_store(package, created)?);
    }
    // Where `OpenSSL` looks by itself; the links are otherwise part of its command line tool's package.
    for (path, target) in [
        ("usr/lib/ssl/certs", "/etc/ssl/certs"),
        ("usr/lib/ssl/cert.pem", "/etc/ssl/certs/ca-certificates.crt"),
    ] {
        if !tree.contains(path.as_bytes()) {
            tree.symlink(path, target);
        }
    }
    Ok(())
}

fn add_accounts(tree: &mut Tree<'_>) {
    let passwd = format!(
        "root:x:0:0:root:/root:/sbin/nologin\n\
         nobody:x:{NOBODY}:{NOBODY}:nobody:/nonexistent:/sbin/nologin\n\
         nonroot:x:{NONROOT}:{NONROOT}:nonroot:/home/nonroot:/sbin/nologin\n"
    );
    let group = format!(
        "root:x:0:\ntty:x:5:\nmail:x:8:\nutmp:x:43:\nstaff:x:50:\nnogroup:x:{NOBODY}:\nnonroot:x:{NONROOT}:\n"
    );
    tree.file("etc/passwd", 0o644, passwd);
    tree.file("etc/group", 0o644, group);
    tree.file("etc/nsswitch.conf", 0o644, "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n");
    tree.directory("root", 0o700);
    tree.directory("home", 0o755);
    tree.directory_of("home/nonroot", 0o700, NONROOT);
}

fn add_places(tree: &mut Tree<'_>) {
    for (path, mode) in [
        ("dev", 0o755),
        ("proc", 0o555),
        ("run", 0o755),
        ("run/lock", 0o1777),
        ("sys", 0o555),
        ("tmp", 0o1777),
        ("var/tmp", 0o1777),
    ] {
        tree.directory(path, mode);
    }
    for (path, target) in
        [("var/run", "/run"), ("var/lock", "/run/lock"), ("etc/localtime", "/usr/share/zoneinfo/Etc/UTC")]
    {
        if !tree.contains(path.as_bytes()) {
            tree.symlink(path, target);
        }
    }
}

/// The record of what is installed, one file a package, which scanners read.
fn add_status(tree: &mut Tree<'_>, packages: &[Package<'_>]) {
    for package in packages {
        let control = &package.deb.control;
        let name = &package.planned.name;
        let kept: BTreeSet<String> = package
            .deb
            .entries
            .iter()
            .map(|(entry, _)| &entry.path)
            .filter(|path| tree.contains(&tree.through_links(super::tree::merged(path))))
            .map(|path| String::from_utf8_lossy(path).into_owned())
            .collect();
        let mut sums = String::new();
        for line in control.text_of("md5sums").lines() {
            if line.split_once("  ").is_some_and(|(_, path)| kept.contains(path)) {
                writeln!(sums, "{line}").expect("a string takes everything");
            }
        }
        tree.file(&format!("var/lib/dpkg/status.d/{name}"), 0o644, control.text.clone());
        if !sums.is_empty() {
            tree.file(&format!("var/lib/dpkg/status.d/{name}.md5sums"), 0o644, sums);
        }
    }
}
