//! The build contexts of the cases, written into the scratch directory once and shared by all builders.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result};

use super::case::{Case, Files};
use crate::examples::{self, Example, Variant};
use crate::shell;

/// Where the contexts lie.
pub(crate) struct Fixture {
    directory: PathBuf,
}

/// The context of one case.
pub(crate) struct Context {
    directory: PathBuf,
    dockerfile: PathBuf,
    example: Option<&'static Example>,
}

impl Fixture {
    /// Contexts below `scratch`.
    pub(crate) fn new(scratch: &Path) -> Result<Self> {
        let directory = scratch.join("contexts");
        std::fs::create_dir(&directory)?;
        Ok(Self { directory })
    }

    /// Writes the context of a case, unless another case has written the same one.
    pub(crate) fn context(&self, case: &Case) -> Result<Context> {
        let (directory, example) = match case.files {
            Files::Example(name) => {
                let example = examples::find(name)?;
                let directory = self.directory.join(name);
                if !directory.exists() {
                    example.copy_to(&directory)?;
                }
                (directory, Some(example))
            }
            Files::Small => (self.directory.join("small"), None),
            Files::Many => (self.directory.join("many"), None),
        };
        if !directory.exists() {
            if matches!(case.files, Files::Many) {
                write_many(&directory)?;
            } else {
                write_small(&directory)?;
            }
        }
        let dockerfile = if case.dockerfile.is_empty() {
            directory.join(Variant::Production.dockerfile())
        } else {
            // Outside of the context: a Dockerfile of another case is no change of the files.
            let path = self.directory.join(format!("{}.Dockerfile", case.name));
            std::fs::write(&path, case.dockerfile)?;
            path
        };
        Ok(Context { directory, dockerfile, example })
    }
}

impl Context {
    /// The build context.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The Dockerfile.
    pub(crate) fn dockerfile(&self) -> &Path {
        &self.dockerfile
    }

    /// Changes one source file to something it never was before.
    pub(crate) fn change(&self) -> Result<()> {
        // One count for all cases: two of them may share a context, and a builder remembers what it was in the other.
        static CHANGES: AtomicU32 = AtomicU32::new(0);
        let nonce = format!("{}-{}", std::process::id(), CHANGES.fetch_add(1, Ordering::Relaxed));
        if let Some(example) = self.example {
            return example.change(&self.directory, &nonce);
        }
        let source = self.directory.join("source");
        if source.is_dir() {
            std::fs::write(source.join("main"), format!("changed {nonce}\n"))?;
        }
        Ok(())
    }
}

fn write_small(directory: &Path) -> Result<()> {
    let busybox = shell::find("busybox").context("the cases need `busybox` (package `busybox-static`)")?;
    std::fs::create_dir_all(directory.join("source"))?;
    std::fs::copy(busybox, directory.join("busybox"))?;
    std::fs::write(directory.join("source/main"), "not yet changed\n")?;
    std::fs::write(directory.join("manifest"), "a 1.0\nb 2.0\n")?;
    for index in 0..20 {
        std::fs::write(
            directory.join(format!("source/{index}")),
            format!("source file {index}\n").repeat(100),
        )?;
    }
    Ok(())
}

/// 1,000 directories of 50 files, of 1 to 5 KiB each.
fn write_many(directory: &Path) -> Result<()> {
    for folder in 0..1000_usize {
        let path = directory.join(format!("d{}/{folder}", folder % 20));
        std::fs::create_dir_all(&path)?;
        for file in 0..50_usize {
            let length = 1024 + (folder * 50 + file) * 97 % 4096;
            let mut bytes = format!("{folder} {file}\n").into_bytes();
            bytes.resize(length, b'.');
            std::fs::write(path.join(format!("f{file}")), bytes)?;
        }
    }
    Ok(())
}
