//! `plimsoll.lock`: where it is, how it is read and written.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use plimsoll_build::Lock;

/// With the project's `plimsoll.toml`, else beside the Dockerfile.
const NAME: &str = "plimsoll.lock";

/// A larger file is none.
const LARGEST: u64 = 16 << 20;

/// Where the lock is, or would be: in the directory of the project's file, else in the first of these directories.
pub(crate) fn path(project: Option<&Path>, directories: &[PathBuf]) -> Option<PathBuf> {
    let directory = project.or(directories.first().map(PathBuf::as_path))?;
    // Names in messages are those that people would type.
    Some(directory.strip_prefix(".").unwrap_or(directory).join(NAME))
}

/// Reads a lock; nothing when there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Lock>> {
    let failed = || format!("cannot read `{}`", path.display());
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        other => other.with_context(failed)?,
    };
    let mut text = String::new();
    file.take(LARGEST + 1).read_to_string(&mut text).with_context(failed)?;
    if text.len() as u64 > LARGEST {
        bail!("`{}` is larger than 16 MiB", path.display());
    }
    let lock = Lock::parse(&text).with_context(|| {
        let way_out = "mend it, or delete it and make it again with `plimsoll lock`";
        format!("cannot use `{}`; {way_out}", path.display())
    })?;
    Ok(Some(lock))
}

/// Writes a lock as a whole; a link of that name is replaced, not followed.
pub(crate) fn write(path: &Path, lock: &Lock) -> Result<()> {
    let failed = || format!("cannot write `{}`", path.display());
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let permissions = std::fs::Permissions::from_mode(0o644);
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix(".plimsoll.lock.").permissions(permissions);
    let mut file = builder.tempfile_in(directory).with_context(failed)?;
    file.write_all(lock.to_string().as_bytes()).with_context(failed)?;
    file.persist(path).with_context(failed)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use plimsoll_build::Pinned;
    use plimsoll_oci::Digest;

    use super::*;

    #[test]
    fn a_lock_is_written_and_read_back_and_links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(None, &[folder.path().to_owned()]).unwrap();
        assert!(read(&path).unwrap().is_none());
        let outside = folder.path().join("outside");
        std::fs::write(&outside, "mine").unwrap();
        std::os::unix::fs::symlink(&outside, &path).unwrap();
        let mut lock = Lock::default();
        lock.insert("node:22", Pinned::Image(Digest::of("node")));
        write(&path, &lock).unwrap();
        assert_eq!(read(&path).unwrap(), Some(lock));
        assert_eq!(std::fs::read_to_string(&outside).unwrap(), "mine");
        std::fs::write(&path, "version = 1\nmirror = \"x\"\n").unwrap();
        let error = format!("{:#}", read(&path).unwrap_err());
        assert!(error.contains("plimsoll.lock") && error.contains("`plimsoll lock`"), "{error}");
    }
}
