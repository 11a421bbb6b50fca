//! What one name stands for: one image, or several platforms' images and the index around them.

use std::collections::BTreeMap;

use plimsoll_oci::{
    Descriptor, Digest, Index, ManifestError, ParsedManifest, Platform, Reference, media_type,
};
use plimsoll_store::Store;

use crate::image::blob;
use crate::{ExportError, Image};

/// One image, or several platforms' images and the index around them.
#[derive(Clone, Debug)]
pub struct ImageSet {
    /// The images, at least one.
    pub images: Vec<Image>,
    /// The index around them; a single image may be without one.
    pub index: Option<StoredIndex>,
}

/// An index, as the bytes that its digest is of.
#[derive(Clone, Debug)]
pub struct StoredIndex {
    /// Its name.
    pub descriptor: Descriptor,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Which images of an index are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PlatformChoice {
    /// All whose manifests are in the store.
    #[default]
    Present,
    /// All, and each must be there.
    All,
    /// One for each of these platforms.
    Listed(Vec<Platform>),
}

impl From<Image> for ImageSet {
    fn from(image: Image) -> Self {
        Self { images: vec![image], index: None }
    }
}

impl ImageSet {
    /// Puts an index around images, even around a single one.
    pub fn with_index(
        images: Vec<Image>,
        media_type: &str,
        annotations: BTreeMap<String, String>,
    ) -> Result<Self, ExportError> {
        if images.is_empty() {
            return Err(ExportError::NothingToExport);
        }
        let index = Index {
            media_type: Some(media_type.to_owned()),
            annotations,
            ..Index::new(images.iter().map(Image::entry).collect())
        };
        let bytes = serde_json::to_vec(&index).expect("texts and numbers can be written as JSON");
        let descriptor = Descriptor::new(media_type, Digest::of(&bytes), bytes.len() as u64);
        Ok(Self { images, index: Some(StoredIndex { descriptor, bytes }) })
    }

    /// One image as it is, several with an index of OCI's kind.
    pub fn of(mut images: Vec<Image>) -> Result<Self, ExportError> {
        match (images.len(), images.pop()) {
            (1, Some(image)) => Ok(image.into()),
            (_, last) => {
                images.extend(last);
                Self::with_index(images, media_type::OCI_INDEX, BTreeMap::new())
            }
        }
    }

    /// Reads what a manifest or index in the store stands for.
    ///
    /// All images of an index that are wanted keep that index; fewer get one of their own, a single one gets none.
    pub fn read(store: &Store, target: &Descriptor, choice: &PlatformChoice) -> Result<Self, ExportError> {
        let bytes = blob(store, &target.digest)?;
        let index = match ParsedManifest::parse(&bytes, Some(&target.media_type))? {
            ParsedManifest::Manifest(_) => return Self::single(store, target, choice),
            ParsedManifest::Index(index) => index,
        };
        let whole = || StoredIndex { descriptor: target.clone(), bytes: bytes.clone() };
        let images = match choice {
            PlatformChoice::All => children(store, &index, true)?,
            PlatformChoice::Present => children(store, &index, false)?,
            PlatformChoice::Listed(platforms) => {
                let mut images: Vec<Image> = Vec::new();
                for platform in platforms {
                    let image = Image::read(store, target, platform)?;
                    if !images.iter().any(|other| other.manifest.digest == image.manifest.digest) {
                        images.push(image);
                    }
                }
                images
            }
        };
        if images.is_empty() {
            return Err(match index.manifests.first() {
                Some(first) => ExportError::BlobGone { digest: first.digest },
                None => ExportError::NothingToExport,
            });
        }
        if images.len() == index.manifests.len()
            && !matches!(choice, PlatformChoice::Listed(list) if list.len() == 1)
        {
            return Ok(Self { images, index: Some(whole()) });
        }
        Self::of(images)
    }

    /// A manifest is for the platform that its config names; another one is asked for in vain.
    fn single(store: &Store, target: &Descriptor, choice: &PlatformChoice) -> Result<Self, ExportError> {
        let wanted = match choice {
            PlatformChoice::Listed(platforms) => platforms.as_slice(),
            PlatformChoice::Present | PlatformChoice::All => &[],
        };
        let image = Image::read(store, target, &Platform::host())?;
        let has = image.config.platform();
        if let Some(wanted) = wanted.iter().find(|wanted| has.distance_from(wanted).is_none())
            && !has.architecture.is_empty()
        {
            let (wanted, available) = (wanted.clone(), vec![has]);
            return Err(ManifestError::NoPlatform { wanted, available }.into());
        }
        Ok(image.into())
    }

    /// What a name for all of this stands for.
    pub fn target(&self) -> &Descriptor {
        self.index.as_ref().map_or_else(|| &self.images[0].manifest, |index| &index.descriptor)
    }

    /// The image for this machine, or the first one.
    pub fn native(&self) -> &Image {
        let host = Platform::host();
        let distance = |image: &&Image| image.config.platform().distance_from(&host);
        let native = self.images.iter().filter(|image| distance(image).is_some()).min_by_key(distance);
        native.unwrap_or(&self.images[0])
    }

    /// Keeps the index among the store's blobs, and gives all this a name.
    pub fn name(&self, store: &Store, name: &str) -> Result<(), ExportError> {
        self.keep(store)?;
        // The platform stands in the config, annotations of the descriptor belong to an index: the name has neither.
        let target = self.target();
        let target = Descriptor::new(&target.media_type, target.digest, target.size);
        if store.image(name)?.as_ref() != Some(&target) {
            store.set_image(name, &target)?;
        }
        Ok(())
    }

    /// Keeps the index among the store's blobs.
    pub fn keep(&self, store: &Store) -> Result<(), ExportError> {
        if let Some(index) = &self.index {
            store.put_blob(&index.bytes)?;
        }
        Ok(())
    }

    /// A reference by which these very bytes are found: the repository of a name at the digest.
    pub fn canonical(&self, name: &Reference) -> Reference {
        name.with_digest(self.target().digest)
    }
}

/// The images of an index; those that are absent are an error or left out.
fn children(store: &Store, index: &Index, all: bool) -> Result<Vec<Image>, ExportError> {
    let mut images = Vec::new();
    for entry in &index.manifests {
        match Image::read_entry(store, entry) {
            Ok(image) => images.push(image),
            Err(ExportError::BlobGone { .. }) if !all => {}
            Err(error) => return Err(error),
        }
    }
    Ok(images)
}
