//! What the tests need from the system, and how it gets there.

use anyhow::Result;

use crate::shell;

/// A program or file that some tests need.
struct Need {
    /// A name looked up on the `PATH`.
    program: &'static str,
    /// The Debian package that has it.
    package: &'static str,
    /// What cannot be tested without it.
    purpose: &'static str,
}

const NEEDS: &[Need] = &[
    Need { program: "busybox", package: "busybox-static", purpose: "steps in small root file systems" },
    Need { program: "docker-registry", package: "docker-registry", purpose: "push and pull" },
    Need { program: "git", package: "git", purpose: "git contexts" },
    Need { program: "newuidmap", package: "uidmap", purpose: "builds as an ordinary user" },
    Need { program: "setpriv", package: "util-linux", purpose: "builds as an ordinary user" },
    Need { program: "skopeo", package: "skopeo", purpose: "reading exported images with another program" },
    Need { program: "umoci", package: "umoci", purpose: "unpacking exported images with another program" },
    Need { program: "xz", package: "xz-utils", purpose: "archives as other programs write them" },
    Need { program: "zstd", package: "zstd", purpose: "archives as other programs write them" },
];

/// Installs what is missing when that is possible, and says what stays missing.
pub(crate) fn prepare() -> Result<()> {
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<_> = missing.iter().map(|need| need.package).collect();
    if shell::is_root() && shell::find("apt-get").is_some() {
        install(&packages)?;
    }
    for need in self::missing() {
        eprintln!("missing: `{}`, needed for {}", need.program, need.purpose);
        eprintln!(
            "hint: install the package `{}`; tests that need it say that they are skipped",
            need.package
        );
    }
    Ok(())
}

fn missing() -> Vec<&'static Need> {
    NEEDS.iter().filter(|need| shell::find(need.program).is_none()).collect()
}

/// Installs Debian packages; the package lists are read again only when a package is not found in the present ones.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    let mut install = shell::program("apt-get");
    install
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["install", "--yes", "--quiet", "--no-install-recommends"])
        .args(packages);
    if shell::capture(&mut install).is_ok() {
        return Ok(());
    }
    shell::run(shell::program("apt-get").args(["update", "--quiet"]))?;
    // A package that cannot be had is no reason to run no test at all: what is missing is said afterwards.
    if let Err(error) = shell::run(&mut install) {
        eprintln!("warning: {error:#}");
    }
    Ok(())
}
