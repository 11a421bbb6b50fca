//! The program that the tasks run: where it is, which store it uses, how it is called.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::shell;

/// Options of every task that builds images.
#[derive(clap::Args, Clone)]
pub(crate) struct Options {
    /// The store to use; one below `target/` by default, so that the tasks leave your own alone
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,

    /// Certificates that steps trust; this machine's own bundle by default
    #[arg(long, value_name = "FILE")]
    ca_certs: Option<PathBuf>,

    /// A built program to use instead of building one
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

/// The program with its store.
#[derive(Clone)]
pub(crate) struct Plimsoll {
    binary: PathBuf,
    root: PathBuf,
    ca_certs: Option<PathBuf>,
}

impl Plimsoll {
    /// Builds the program in release mode, unless one was named, and opens the store of the tasks.
    pub(crate) fn open(options: &Options) -> Result<Self> {
        let binary = match &options.binary {
            Some(binary) => {
                binary.canonicalize().with_context(|| format!("no file `{}`", binary.display()))?
            }
            None => release_binary()?,
        };
        // A store belongs to one user: in one checkout, root and an ordinary user get one each.
        let own = || -> Result<PathBuf> {
            let uid = rustix::process::geteuid().as_raw();
            Ok(target_directory()?.join("xtask").join(format!("store-{uid}")))
        };
        let root = options.root.clone().map_or_else(own, Ok)?;
        std::fs::create_dir_all(&root).with_context(|| format!("could not make `{}`", root.display()))?;
        let root = root.canonicalize()?;
        Ok(Self { binary, root, ca_certs: options.ca_certs.clone().or_else(host_certificates) })
    }

    /// The program as the tests have it, or the one that is named, with a store of its own.
    pub(crate) fn for_oracle(binary: Option<&Path>, root: &Path) -> Result<Self> {
        let binary = match binary {
            Some(binary) => {
                binary.canonicalize().with_context(|| format!("no file `{}`", binary.display()))?
            }
            None => debug_binary()?,
        };
        std::fs::create_dir_all(root).with_context(|| format!("could not make `{}`", root.display()))?;
        Ok(Self { binary, root: root.canonicalize()?, ca_certs: host_certificates() })
    }

    /// The same program and settings with another store.
    pub(crate) fn with_root(&self, root: &Path) -> Self {
        Self { binary: self.binary.clone(), root: root.to_path_buf(), ca_certs: self.ca_certs.clone() }
    }

    /// The store's directory.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A command of the program on the store: `plimsoll NAME --root DIR`.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = shell::program(&self.binary);
        command.arg(name).arg("--root").arg(&self.root);
        command
    }

    /// `plimsoll build` of a Dockerfile in its context.
    pub(crate) fn build(&self, context: &Path, dockerfile: &Path) -> Command {
        let mut command = self.command("build");
        if let Some(bundle) = &self.ca_certs {
            command.arg("--ca-certs").arg(bundle);
        }
        command.arg("--file").arg(dockerfile).arg(context);
        command
    }

    /// `plimsoll fix --production`, which rewrites a Dockerfile.
    pub(crate) fn propose(&self, context: &Path, dockerfile: &Path) -> Command {
        let mut command = shell::program(&self.binary);
        command.args(["fix", "--production", "--file"]).arg(dockerfile).arg(context);
        command
    }

    /// What the program says its version is.
    pub(crate) fn version(&self) -> Result<String> {
        Ok(shell::capture(shell::program(&self.binary).arg("--version"))?.trim().to_owned())
    }
}

/// The certificates that programs on this machine are told to trust: a proxy that opens TLS has its own among them.
fn host_certificates() -> Option<PathBuf> {
    std::env::var_os("SSL_CERT_FILE")
        .map(PathBuf::from)
        .into_iter()
        .chain(["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"].map(PathBuf::from))
        .find(|path| path.is_file())
}

/// Builds the program as users get it.
fn release_binary() -> Result<PathBuf> {
    shell::run(shell::cargo().args(["build", "--release", "--package", "plimsoll"]))?;
    Ok(target_directory()?.join("release/plimsoll"))
}

/// Builds the program as the tests have it already.
pub(crate) fn debug_binary() -> Result<PathBuf> {
    shell::run(shell::cargo().args(["build", "--quiet", "--package", "plimsoll"]))?;
    Ok(target_directory()?.join("debug/plimsoll"))
}

/// Where cargo puts what it builds.
pub(crate) fn target_directory() -> Result<PathBuf> {
    let text = shell::capture(shell::cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&text)?;
    let path = metadata["target_directory"].as_str().context("cargo names no target directory")?;
    Ok(PathBuf::from(path))
}
