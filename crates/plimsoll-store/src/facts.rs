//! What was found out about layers and images, so that none is read twice: by scans, and by the builds that made them.
//!
//! One small file for each digest and reader. A reader's name changes when it finds more than before, and then what it left under
//! its old name is never asked for again; pruning removes it, as everything that is not used.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use plimsoll_oci::Digest;

use crate::Store;
use crate::error::{IoContext as _, Result};
use crate::id::random_text;
use crate::layout::{self, FACTS};

impl Store {
    /// What a reader kept about a layer or an image.
    pub fn facts(&self, subject: &Digest, reader: &str) -> Result<Option<Vec<u8>>> {
        let path = self.facts_path(subject, reader);
        match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            bytes => {
                let bytes = bytes.on("read", &path)?;
                // Only the time of use is lost when this fails, as it does in a store that may only be read.
                let _times = fs::File::open(&path).and_then(|file| file.set_modified(SystemTime::now()));
                Ok(Some(bytes))
            }
        }
    }

    /// Keeps what a reader found out about a layer or an image.
    pub fn keep_facts(&self, subject: &Digest, reader: &str, bytes: &[u8]) -> Result<()> {
        let path = self.facts_path(subject, reader);
        layout::make_directory(&self.layout().directory(FACTS))?;
        let scratch = self.session()?.directory().join(format!("facts-{}", random_text()?));
        layout::write_by_rename(&scratch, &path, bytes)
    }

    fn facts_path(&self, subject: &Digest, reader: &str) -> PathBuf {
        let reader = Digest::of(reader).short();
        self.layout().directory(FACTS).join(format!("{}-{reader}", subject.hex()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Owner, XattrNamespace};

    #[test]
    fn facts_belong_to_a_digest_and_a_reader() {
        let directory = tempfile::tempdir().unwrap();
        let owner = Owner { uid: 0, id_map: String::new(), xattr_namespace: XattrNamespace::User };
        let store = Store::open(directory.path(), owner).unwrap();
        let (one, other) = (Digest::of("one"), Digest::of("other"));
        store.keep_facts(&one, "packages-1", b"x").unwrap();
        store.keep_facts(&one, "packages-1", b"y").unwrap();
        assert_eq!(store.facts(&one, "packages-1").unwrap().as_deref(), Some(&b"y"[..]));
        assert_eq!(store.facts(&one, "packages-2").unwrap(), None);
        assert_eq!(store.facts(&other, "packages-1").unwrap(), None);
    }
}
