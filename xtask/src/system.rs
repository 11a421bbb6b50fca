//! What the tests need from the system, and how it gets there.

use anyhow::Result;

use crate::shell;

/// Something of the system that some tests need.
struct Need {
    /// How it is called when it is missing.
    name: &'static str,
    /// Whether it is there.
    is_there: fn(&str) -> bool,
    /// The Debian package that has it.
    package: &'static str,
    /// What cannot be tested without it.
    purpose: &'static str,
}

const NEEDS: &[Need] = &[
    #[cfg(target_arch = "x86_64")]
    Need {
        name: "cc -m32 -static",
        is_there: compiles_for_i386,
        package: "gcc-multilib",
        purpose: "steps that run programs for i386",
    },
    Need {
        name: "busybox",
        is_there: program,
        package: "busybox-static",
        purpose: "steps in small root file systems",
    },
    Need { name: "docker-registry", is_there: program, package: "docker-registry", purpose: "push and pull" },
    Need { name: "git", is_there: program, package: "git", purpose: "git contexts" },
    Need { name: "newuidmap", is_there: program, package: "uidmap", purpose: "builds as an ordinary user" },
    Need { name: "setpriv", is_there: program, package: "util-linux", purpose: "builds as an ordinary user" },
    Need {
        name: "shellcheck",
        is_there: program,
        package: "shellcheck",
        purpose: "checking the code of RUN",
    },
    Need {
        name: "skopeo",
        is_there: program,
        package: "skopeo",
        purpose: "reading exported images with another program",
    },
    Need {
        name: "umoci",
        is_there: program,
        package: "umoci",
        purpose: "unpacking exported images with another program",
    },
    Need {
        name: "xz",
        is_there: program,
        package: "xz-utils",
        purpose: "archives as other programs write them",
    },
    Need {
        name: "zstd",
        is_there: program,
        package: "zstd",
        purpose: "archives as other programs write them",
    },
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
        eprintln!("missing: `{}`, needed for {}", need.name, need.purpose);
        eprintln!(
            "hint: install the package `{}`; tests that need it say that they are skipped",
            need.package
        );
    }
    Ok(())
}

fn missing() -> Vec<&'static Need> {
    NEEDS.iter().filter(|need| !(need.is_there)(need.name)).collect()
}

/// Whether a program of that name is on the `PATH`.
fn program(name: &str) -> bool {
    shell::find(name).is_some()
}

/// Whether a static program for i386 can be linked; the compiler itself is there without the libraries for it.
#[cfg(target_arch = "x86_64")]
fn compiles_for_i386(command: &str) -> bool {
    let mut words = command.split(' ');
    let Some(compiler) = words.next() else { return false };
    let source = "int main(void) { return 0; }";
    let Ok(directory) = tempfile::tempdir() else { return false };
    let file = directory.path().join("main.c");
    std::fs::write(&file, source).is_ok()
        && shell::capture(
            shell::program(compiler).args(words).arg(&file).arg("-o").arg(directory.path().join("main")),
        )
        .is_ok()
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
