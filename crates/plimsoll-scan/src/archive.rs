//! Archives and directories with images: OCI image layouts (image-spec, image-layout.md) and Docker's archives.
//!
//! An archive is not unpacked: the places of its files are noted, and layers are read where they lie.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use plimsoll_layer::{DirectoryContent, decompress};
use plimsoll_oci::{Descriptor, Digest, ImageConfig, Index, Manifest, ParsedManifest};
use serde::Deserialize;

use crate::error::ArchiveError;
use crate::source::{ImageSource, LARGEST_DOCUMENT, OpenBlob};

const INDEX: &str = "index.json";
const DOCKER_LIST: &str = "manifest.json";
/// More files than this are in no honest archive of images.
const MOST_ENTRIES: usize = 1_000_000;
/// Indexes may name indexes; more levels than this are no honest image.
const MOST_LEVELS: usize = 4;
/// The annotations with a tag or a whole name (image-spec, annotations.md), and with the name that containerd reads.
const NAMES: [&str; 2] = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];
/// The annotation of manifests that are about another one.
const ABOUT: &str = "vnd.docker.reference.type";

/// The images in an archive or in a directory with an OCI image layout, each of one platform.
///
/// A compressed archive is first decompressed into a file without a name in `temporary`.
pub fn images(path: &Path, temporary: &Path) -> Result<Vec<ImageSource>, ArchiveError> {
    let failed = |source| ArchiveError::Read { path: path.to_owned(), source };
    let is_directory = std::fs::metadata(path).map_err(failed)?.is_dir();
    let files = if is_directory {
        Files::Directory(Arc::new(DirectoryContent::open(path).map_err(failed)?))
    } else {
        let mut file = plain(File::open(path).map_err(failed)?, temporary).map_err(failed)?;
        let places = places(&mut file).map_err(failed)?;
        Files::Archive { file: Arc::new(file), places }
    };
    let reader = Reader { path: path.to_owned(), files };
    let images = if let Some(bytes) = reader.document(INDEX)? {
        reader.layout(&bytes)?
    } else if let Some(bytes) = reader.document(DOCKER_LIST)? {
        reader.docker(&bytes)?
    } else {
        Vec::new()
    };
    if images.is_empty() { Err(ArchiveError::NoImage { path: path.to_owned() }) } else { Ok(images) }
}

/// The archive without its compression.
fn plain(file: File, temporary: &Path) -> io::Result<File> {
    let mut first = [0; 512];
    let read = file.read_at(&mut first, 0)?;
    if plimsoll_layer::is_tar(&first[..read]) {
        return Ok(file);
    }
    let mut bytes = decompress(Box::new(file))?;
    let mut whole = tempfile::tempfile_in(temporary)?;
    io::copy(&mut bytes, &mut whole)?;
    Ok(whole)
}

/// Where the files of an archive lie in it, with their lengths. Links name other files of the archive.
fn places(file: &mut File) -> io::Result<BTreeMap<String, (u64, u64)>> {
    use std::io::Seek as _;
    file.rewind()?;
    let mut places = BTreeMap::new();
    let mut links = Vec::new();
    let mut archive = tar::Archive::new(file);
    for entry in archive.entries_with_seek()? {
        let entry = entry?;
        let name = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_start_matches("./").to_owned();
        let path = name(&entry.path_bytes());
        match entry.header().entry_type() {
            tar::EntryType::Regular | tar::EntryType::Continuous => {
                places.insert(path, (entry.raw_file_position(), entry.size()));
            }
            tar::EntryType::Link | tar::EntryType::Symlink => {
                if let Some(target) = entry.link_name_bytes() {
                    links.push((path, name(&target)));
                }
            }
            _ => {}
        }
        if places.len() + links.len() > MOST_ENTRIES {
            return Err(io::Error::other(format!("it has more than {MOST_ENTRIES} files")));
        }
    }
    for (path, target) in links {
        // Older archives of Docker point to a layer that they already have as `../ID/layer.tar`.
        let target = target.trim_start_matches("../");
        if let Some(place) = places.get(target).copied() {
            places.entry(path).or_insert(place);
        }
    }
    Ok(places)
}

/// The files of an archive or a directory.
enum Files {
    Directory(Arc<DirectoryContent>),
    Archive { file: Arc<File>, places: BTreeMap<String, (u64, u64)> },
}

/// One image in Docker's list.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerEntry {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Option<Vec<String>>,
}

struct Reader {
    path: PathBuf,
    files: Files,
}

impl Reader {
    /// Opens a file, if it is there.
    fn open(&self, name: &str) -> io::Result<Option<Box<dyn Read + Send>>> {
        let Ok(open) = self.blob(name) else { return Ok(None) };
        match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            file => file.map(Some),
        }
    }

    /// The bytes of a small file, if it is there.
    fn document(&self, name: &str) -> Result<Option<Vec<u8>>, ArchiveError> {
        let failed = |source| ArchiveError::File { name: name.to_owned(), path: self.path.clone(), source };
        let Some(file) = self.open(name).map_err(failed)? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.take(LARGEST_DOCUMENT + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > LARGEST_DOCUMENT {
            return Err(failed(io::Error::other("it is larger than 16 MiB")));
        }
        Ok(Some(bytes))
    }

    fn parsed<T: serde::de::DeserializeOwned>(&self, name: &str, bytes: &[u8]) -> Result<T, ArchiveError> {
        let failed = |source| ArchiveError::Json { name: name.to_owned(), path: self.path.clone(), source };
        serde_json::from_slice(bytes).map_err(failed)
    }

    fn missing(&self, name: &str) -> ArchiveError {
        ArchiveError::Missing { name: name.to_owned(), path: self.path.clone() }
    }

    fn layout(&self, index: &[u8]) -> Result<Vec<ImageSource>, ArchiveError> {
        let index: Index = self.parsed(INDEX, index)?;
        let mut images = Vec::new();
        for entry in &index.manifests {
            let names = NAMES.iter().find_map(|key| entry.annotations.get(*key)).cloned();
            self.follow(entry, &names.into_iter().collect::<Vec<_>>(), 0, &mut images)?;
        }
        Ok(images)
    }

    /// The images that a descriptor leads to. Of an index, the images of other platforms may be absent.
    fn follow(
        &self,
        entry: &Descriptor,
        names: &[String],
        level: usize,
        images: &mut Vec<ImageSource>,
    ) -> Result<(), ArchiveError> {
        if entry.annotations.contains_key(ABOUT)
            || images.iter().any(|image| image.digest == Some(entry.digest))
        {
            return Ok(());
        }
        let name = blob(&entry.digest);
        let Some(bytes) = self.document(&name)? else {
            return if level == 0 { Err(self.missing(&name)) } else { Ok(()) };
        };
        if Digest::of(&bytes) != entry.digest {
            return Err(ArchiveError::Digest { name, path: self.path.clone() });
        }
        let parsed = ParsedManifest::parse(&bytes, Some(&entry.media_type)).map_err(|source| {
            ArchiveError::Manifest { name: name.clone(), path: self.path.clone(), source }
        })?;
        match parsed {
            ParsedManifest::Manifest(manifest) => {
                images.extend(self.manifest(&manifest, entry.digest, names)?);
            }
            ParsedManifest::Index(index) if level < MOST_LEVELS => {
                for child in &index.manifests {
                    self.follow(child, names, level + 1, images)?;
                }
            }
            ParsedManifest::Index(_) => return Err(ArchiveError::Levels { path: self.path.clone() }),
        }
        Ok(())
    }

    /// The image of a manifest; nothing when it is one of something else than an image.
    fn manifest(
        &self,
        manifest: &Manifest,
        digest: Digest,
        names: &[String],
    ) -> Result<Option<ImageSource>, ArchiveError> {
        let is_image = plimsoll_oci::media_type::OCI_CONFIG == manifest.config.media_type
            || plimsoll_oci::media_type::DOCKER_CONFIG == manifest.config.media_type;
        if !is_image {
            return Ok(None);
        }
        let layers: Vec<String> = manifest.layers.iter().map(|layer| blob(&layer.digest)).collect();
        self.image(&blob(&manifest.config.digest), &layers, Some(digest), names).map(Some)
    }

    fn docker(&self, list: &[u8]) -> Result<Vec<ImageSource>, ArchiveError> {
        let entries: Vec<DockerEntry> = self.parsed(DOCKER_LIST, list)?;
        let image = |entry: &DockerEntry| {
            let names = entry.repo_tags.clone().unwrap_or_default();
            self.image(&entry.config, entry.layers.as_deref().unwrap_or_default(), None, &names)
        };
        entries.iter().map(image).collect()
    }

    fn image(
        &self,
        config: &str,
        layers: &[String],
        digest: Option<Digest>,
        names: &[String],
    ) -> Result<ImageSource, ArchiveError> {
        let bytes = self.document(config)?.ok_or_else(|| self.missing(config))?;
        let parsed: ImageConfig = self.parsed(config, &bytes)?;
        if parsed.rootfs.diff_ids.len() != layers.len() {
            let (named, given) = (parsed.rootfs.diff_ids.len(), layers.len());
            return Err(ArchiveError::Layers { path: self.path.clone(), named, given });
        }
        let layers = layers.iter().map(|name| self.blob(name)).collect::<Result<_, _>>()?;
        Ok(ImageSource { names: names.to_vec(), digest, config: parsed, layers })
    }

    fn blob(&self, name: &str) -> Result<Box<OpenBlob>, ArchiveError> {
        match &self.files {
            Files::Directory(directory) => {
                let (directory, name) = (Arc::clone(directory), name.to_owned());
                Ok(Box::new(move || Ok(Box::new(directory.file(name.as_bytes())?))))
            }
            Files::Archive { file, places } => {
                let (start, length) = *places.get(name).ok_or_else(|| self.missing(name))?;
                let file = Arc::clone(file);
                Ok(Box::new(move || {
                    let end = start.saturating_add(length);
                    Ok(Box::new(Section { file: Arc::clone(&file), position: start, end }))
                }))
            }
        }
    }
}

fn blob(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

/// A part of a file. Several threads read parts of one file at a time.
struct Section {
    file: Arc<File>,
    position: u64,
    end: u64,
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.position)).unwrap_or(usize::MAX);
        let most = buffer.len().min(left);
        let count = self.file.read_at(&mut buffer[..most], self.position)?;
        self.position += count as u64;
        Ok(count)
    }
}
