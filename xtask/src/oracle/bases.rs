//! The images that cases start from: built by plimsoll once, and given to both.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::plimsoll::Plimsoll;
use crate::shell;

/// In the order in which they are built: later ones may start from earlier ones.
const NAMES: [&str; 5] = ["busybox", "debian", "triggers", "rich", "bare"];

/// What the base `debian` is made of; the other bases need no package.
const PACKAGES: &str = "packages=debian://bookworm?variant=minbase&packages=\
    attr,bash,coreutils,libcap2-bin,perl-base,python3-minimal";

/// An image that cases start from.
pub(super) struct Base {
    /// Changes when the image does.
    pub(super) key: String,
    /// The image, as `docker load` reads it.
    pub(super) archive: PathBuf,
}

/// Builds what is not there yet. The archives are kept, since building one anew gives other times.
pub(super) fn prepare(plimsoll: &Plimsoll, directory: &Path) -> Result<Vec<Base>> {
    let sources = shell::workspace().join("oracle/bases");
    let kept = directory.join("bases");
    std::fs::create_dir_all(&kept)?;
    let mut bases = Vec::new();
    let mut digest = Sha256::new();
    for name in NAMES {
        let dockerfile = sources.join(format!("{name}.Dockerfile"));
        let text =
            std::fs::read(&dockerfile).with_context(|| format!("no file `{}`", dockerfile.display()))?;
        // What an image is built on is part of what it is.
        digest.update(&text);
        digest.update(PACKAGES);
        let key = hex::encode(digest.clone().finalize());
        let archive = kept.join(format!("{name}-{}.tar", &key[..16]));
        if archive.is_file() {
            shell::capture(plimsoll.command("load").arg("--input").arg(&archive))?;
        } else {
            build(plimsoll, name, &dockerfile, &archive)?;
        }
        bases.push(Base { key, archive });
    }
    Ok(bases)
}

fn build(plimsoll: &Plimsoll, name: &str, dockerfile: &Path, archive: &Path) -> Result<()> {
    let context = tempfile::tempdir()?;
    if name == "busybox" {
        let busybox =
            shell::find("busybox").context("`busybox` is not installed: install `busybox-static`")?;
        std::fs::copy(busybox, context.path().join("busybox"))?;
    }
    let mut build = plimsoll.build(context.path(), dockerfile);
    shell::run(build.args(["--tag", name, "--build-context", PACKAGES]))?;
    let half = archive.with_extension("half");
    let mut save: Command = plimsoll.command("save");
    shell::capture(save.arg("--output").arg(&half).arg(name))?;
    std::fs::rename(half, archive)?;
    Ok(())
}
