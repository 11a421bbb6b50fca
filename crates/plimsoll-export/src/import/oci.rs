//! OCI image layouts (image-spec, image-layout.md).

use std::collections::BTreeSet;
use std::io;
use std::str::FromStr;

use plimsoll_layer::decompress;
use plimsoll_oci::{
    Descriptor, DiffId, Digest, Hasher, ImageConfig, Index, Manifest, ParsedManifest, Reference,
};
use plimsoll_store::Store;

use super::LoadedImage;
use super::docker;
use crate::ExportError;
use crate::layout::{IMAGE_NAME, INDEX, REF_NAME};

/// A manifest, index or config larger than this many bytes is none.
pub(super) const LARGEST_DOCUMENT: u64 = 16 << 20;
/// Indexes may name indexes; more levels than this are no honest image.
const MOST_LEVELS: usize = 4;

/// Brings a blob into the store, if whatever is read has it.
type Bring<'b> = dyn Fn(&Digest) -> Result<bool, ExportError> + 'b;

/// The images of a layout. Names come from annotations, and from Docker's list where it is beside the index.
pub(super) fn images(
    store: &Store,
    index: &[u8],
    docker_list: Option<&[u8]>,
    bring: &Bring<'_>,
) -> Result<Vec<LoadedImage>, ExportError> {
    let index: Index = serde_json::from_slice(index)
        .map_err(|source| ExportError::ArchiveFile { path: INDEX.to_owned(), source })?;
    let mut loaded: Vec<LoadedImage> = Vec::new();
    for entry in &index.manifests {
        let target = Descriptor::new(&entry.media_type, entry.digest, entry.size);
        let place = loaded.iter().position(|image| image.target.digest == target.digest);
        let place = if let Some(place) = place {
            place
        } else {
            let mut layout = Layout { store, bring, images: 0, seen: BTreeSet::new() };
            layout.follow(&target, 0, true)?;
            loaded.push(LoadedImage { names: Vec::new(), target });
            loaded.len() - 1
        };
        let names = &mut loaded[place].names;
        names.extend(name(entry).filter(|name| !names.contains(name)));
    }
    if let Some(list) = docker_list {
        add_docker_names(store, list, &mut loaded)?;
    }
    if loaded.is_empty() { Err(ExportError::NoImageInside) } else { Ok(loaded) }
}

/// The name in an entry's annotations. A mere tag names nothing.
fn name(entry: &Descriptor) -> Option<Reference> {
    let full = entry.annotations.get(IMAGE_NAME);
    let short = entry.annotations.get(REF_NAME).filter(|name| name.contains(['/', ':']));
    full.or(short).and_then(|name| Reference::from_str(name).ok())
}

/// Docker's list names images by their configs.
fn add_docker_names(store: &Store, list: &[u8], loaded: &mut [LoadedImage]) -> Result<(), ExportError> {
    let entries = docker::entries(list)?;
    for image in loaded {
        let Ok(ParsedManifest::Manifest(manifest)) = parse(store, &image.target) else { continue };
        let digits = manifest.config.digest.hex();
        let same = entries.iter().filter(|entry| entry.config.contains(&digits));
        for reference in same.flat_map(docker::names) {
            if !image.names.contains(&reference) {
                image.names.push(reference);
            }
        }
    }
    Ok(())
}

fn parse(store: &Store, descriptor: &Descriptor) -> Result<ParsedManifest, ExportError> {
    let bytes = store.read_blob(&descriptor.digest, LARGEST_DOCUMENT)?;
    Ok(ParsedManifest::parse(&bytes, Some(&descriptor.media_type))?)
}

struct Layout<'a> {
    store: &'a Store,
    bring: &'a Bring<'a>,
    /// Images whose blobs are all there.
    images: usize,
    seen: BTreeSet<Digest>,
}

impl Layout<'_> {
    /// Brings everything that a descriptor needs. Of an index, the images of other platforms may be absent.
    fn follow(&mut self, target: &Descriptor, level: usize, needed: bool) -> Result<(), ExportError> {
        if !self.seen.insert(target.digest) {
            return Ok(());
        }
        if !(self.bring)(&target.digest)? {
            return if needed { Err(ExportError::Incomplete { digest: target.digest }) } else { Ok(()) };
        }
        match parse(self.store, target)? {
            ParsedManifest::Manifest(manifest) => {
                if self.manifest(&manifest, needed)? {
                    self.images += 1;
                }
            }
            ParsedManifest::Index(index) => {
                if level == MOST_LEVELS {
                    let problem = "leads to further indexes again and again";
                    return Err(ExportError::ArchiveEntry { path: INDEX.to_owned(), problem });
                }
                let before = self.images;
                for child in &index.manifests {
                    self.follow(child, level + 1, false)?;
                }
                if needed && self.images == before {
                    let digest = index.manifests.first().map_or(target.digest, |child| child.digest);
                    return Err(ExportError::Incomplete { digest });
                }
            }
        }
        Ok(())
    }

    /// Brings an image's config and layers; false if they are absent and not needed.
    fn manifest(&mut self, manifest: &Manifest, needed: bool) -> Result<bool, ExportError> {
        for blob in std::iter::once(&manifest.config).chain(&manifest.layers) {
            if !(self.bring)(&blob.digest)? {
                return if needed { Err(ExportError::Incomplete { digest: blob.digest }) } else { Ok(false) };
            }
        }
        // Attestations are manifests too, with layers that are no file systems.
        if manifest.layers.iter().any(|layer| !plimsoll_oci::media_type::is_layer(&layer.media_type)) {
            return Ok(true);
        }
        record_layers(self.store, manifest)?;
        Ok(true)
    }
}

/// Compares the layers with the config, and keeps which blob gives which layer.
pub(super) fn record_layers(store: &Store, manifest: &Manifest) -> Result<(), ExportError> {
    let digest = manifest.config.digest;
    let bytes = store.read_blob(&digest, LARGEST_DOCUMENT)?;
    let config: ImageConfig =
        serde_json::from_slice(&bytes).map_err(|source| ExportError::Config { digest, source })?;
    let diff_ids = config.rootfs.diff_ids;
    if diff_ids.len() != manifest.layers.len() {
        let (layers, diff_ids) = (manifest.layers.len(), diff_ids.len());
        return Err(ExportError::LayerCount { config: digest, layers, diff_ids });
    }
    let layers: Vec<(DiffId, Descriptor)> =
        diff_ids.into_iter().zip(manifest.layers.iter().cloned()).collect();
    let mut unknown = Vec::new();
    for (diff_id, layer) in &layers {
        // What is recorded already was compared then, or is compared when it is unpacked.
        let known = store.base_layer(diff_id)?.is_some_and(|known| known.digest == layer.digest);
        if !known {
            compare(store, diff_id, layer)?;
            unknown.push((*diff_id, layer.clone()));
        }
    }
    Ok(store.record_base_layers(&unknown)?)
}

/// Unpacks a layer's blob into nothing, for the digest of what comes out.
fn compare(store: &Store, expected: &DiffId, layer: &Descriptor) -> Result<(), ExportError> {
    let broken = |source| ExportError::Layer {
        digest: layer.digest,
        source: plimsoll_layer::LayerError::Read { offset: 0, source },
    };
    let blob = Box::new(store.blob_reader(&layer.digest)?);
    let mut tar = decompress(blob).map_err(broken)?;
    let mut hashing = Hashing(Hasher::new());
    io::copy(&mut tar, &mut hashing).map_err(broken)?;
    let found = hashing.0.finish();
    if found == expected.0 {
        return Ok(());
    }
    Err(ExportError::WrongDiffId { digest: layer.digest, expected: expected.0, found })
}

struct Hashing(Hasher);

impl io::Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
