//! Images of registries and engines. A layer of a registry is fetched when it is read, and not kept.

use std::fs::File;
use std::io::{self, Read, Seek as _, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};
use plimsoll_export::{Engine, EngineAddress};
use plimsoll_oci::{Descriptor, ImageConfig, Platform, Reference};
use plimsoll_registry::{BlobSink, BlockingClient, NoProgress};
use plimsoll_scan::{ImageSource, LARGEST_DOCUMENT, OpenBlob};

/// The image that a reference stands for on a platform.
pub(super) fn image(
    client: &Arc<BlockingClient>,
    reference: &Reference,
    platform: &Platform,
    temporary: &Path,
) -> Result<ImageSource> {
    let image = client.resolve_image(reference, platform)?;
    let bytes = client.blob_bytes(reference, &image.config, LARGEST_DOCUMENT)?;
    let config: ImageConfig = serde_json::from_slice(&bytes).context("the image's config is not valid")?;
    let (given, named) = (image.layers.len(), config.rootfs.diff_ids.len());
    if given != named {
        bail!("the manifest has {given} layers, and the config tells of {named}");
    }
    let layers = image.layers.iter().map(|layer| blob(client, reference, layer, temporary)).collect();
    Ok(ImageSource {
        names: vec![reference.to_string()],
        digest: Some(image.manifest.digest),
        config,
        layers,
    })
}

/// A blob that is fetched into a file without a name when it is read first.
fn blob(
    client: &Arc<BlockingClient>,
    reference: &Reference,
    layer: &Descriptor,
    temporary: &Path,
) -> Box<OpenBlob> {
    let (client, reference, layer) = (Arc::clone(client), reference.clone(), layer.clone());
    let temporary = temporary.to_owned();
    let fetched: Mutex<Option<File>> = Mutex::new(None);
    Box::new(move || {
        let mut fetched = fetched.lock().unwrap_or_else(PoisonError::into_inner);
        let file = if let Some(file) = fetched.take() {
            file
        } else {
            let sink = FileSink { file: tempfile::tempfile_in(&temporary)? };
            client.pull_blob(&reference, &layer, sink, &NoProgress).map_err(io::Error::other)?.file
        };
        let mut reader = file.try_clone()?;
        reader.rewind()?;
        *fetched = Some(file);
        Ok(Box::new(reader) as Box<dyn Read + Send>)
    })
}

struct FileSink {
    file: File,
}

impl BlobSink for FileSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()
    }
}

/// An image of a running engine, as the archive that it writes.
pub(super) fn from_engine(
    address: &EngineAddress,
    name: &str,
    temporary: &Path,
) -> Result<tempfile::NamedTempFile> {
    let scratch = tempfile::tempdir_in(temporary)?;
    let engine = Engine::connect(address, scratch.path())?;
    let mut file = tempfile::NamedTempFile::new_in(temporary)?;
    if !engine.save(name, &mut file)? {
        bail!("{} has no image `{name}`", engine.name());
    }
    Ok(file)
}
