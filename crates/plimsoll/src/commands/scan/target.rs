//! What `plimsoll scan` is asked to look at, and where its bytes are.

use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use plimsoll_export::{ExportError, Image, ImageSet, PlatformChoice};
use plimsoll_oci::{Descriptor, ImageConfig, ParsedManifest, Platform, Reference};
use plimsoll_registry::BlockingClient;
use plimsoll_scan::{ImageSource, OpenBlob, archived_images};
use plimsoll_snapshot::Snapshots;

use super::remote;
use crate::commands::images::find;
use crate::environment::Host;

/// The ways in which a target can be named.
pub(super) const SCHEMES: &str = "an image's name, a directory, an archive, `oci-archive:FILE`, `docker-archive:FILE`, `oci:DIR`, \
                                  `dir:DIR`, `sbom:FILE`, `store:NAME`, `registry:NAME` or `docker:NAME`";

/// What was named.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// An image in the store, else in a registry.
    Anywhere(String),
    Store(String),
    Registry(String),
    Engine(String),
    Archive(PathBuf),
    /// A directory with an OCI image layout, and which image of it.
    Layout(PathBuf, Option<String>),
    Directory(PathBuf),
    Sbom(PathBuf),
}

impl Named {
    pub(super) fn parse(text: &str) -> Result<Self> {
        type Rest = fn(&str) -> Named;
        let schemes: [(&str, Rest); 12] = [
            ("oci-archive:", |rest| Self::Archive(rest.into())),
            ("docker-archive:", |rest| Self::Archive(rest.into())),
            ("archive:", |rest| Self::Archive(rest.into())),
            ("oci:", Self::layout),
            ("oci-layout://", Self::layout),
            ("dir:", |rest| Self::Directory(rest.into())),
            ("rootfs:", |rest| Self::Directory(rest.into())),
            ("sbom:", |rest| Self::Sbom(rest.into())),
            ("store:", |rest| Self::Store(rest.to_owned())),
            ("registry:", |rest| Self::Registry(rest.to_owned())),
            ("docker:", |rest| Self::Engine(rest.to_owned())),
            ("docker-daemon:", |rest| Self::Engine(rest.to_owned())),
        ];
        for (scheme, named) in schemes {
            if let Some(rest) = text.strip_prefix(scheme) {
                if rest.is_empty() {
                    bail!("`{text}` names nothing; a target is {SCHEMES}");
                }
                return Ok(named(rest));
            }
        }
        let path = Path::new(text);
        if path.is_dir() {
            let is_layout = path.join("oci-layout").is_file() && path.join("index.json").is_file();
            return Ok(if is_layout {
                Self::Layout(path.into(), None)
            } else {
                Self::Directory(path.into())
            });
        }
        if path.is_file() {
            return Ok(if is_json(path)? { Self::Sbom(path.into()) } else { Self::Archive(path.into()) });
        }
        if text.starts_with(['.', '/']) {
            bail!("there is no `{text}`; a target is {SCHEMES}");
        }
        Ok(Self::Anywhere(text.to_owned()))
    }

    fn layout(rest: &str) -> Self {
        match rest.rsplit_once(':').filter(|(_, tag)| !tag.is_empty() && !tag.contains('/')) {
            Some((path, tag)) if !Path::new(rest).exists() => Self::Layout(path.into(), Some(tag.to_owned())),
            _ => Self::Layout(rest.into(), None),
        }
    }
}

/// Whether a file begins as a JSON object does.
fn is_json(path: &Path) -> Result<bool> {
    use std::io::Read as _;
    let mut first = Vec::new();
    let file = std::fs::File::open(path).and_then(|file| file.take(64).read_to_end(&mut first));
    file.with_context(|| format!("cannot read `{}`", path.display()))?;
    Ok(first.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{'))
}

/// Finds the images that are wanted of those that were named.
pub(super) struct Finder<'h> {
    pub(super) host: &'h Host,
    pub(super) client: Arc<BlockingClient>,
    pub(super) snapshots: Arc<Snapshots>,
    pub(super) choice: PlatformChoice,
    /// Whether nothing may be asked over the network.
    pub(super) offline: bool,
    pub(super) temporary: PathBuf,
}

impl Finder<'_> {
    pub(super) fn anywhere(&self, name: &str) -> Result<Vec<ImageSource>> {
        match self.stored(name) {
            Err(error) if is_absent(&error) && !self.offline => self.registered(name),
            Err(error) if is_absent(&error) => Err(error)
                .with_context(|| format!("`{name}` is not in the store, and `--offline` asks no registry")),
            other => other,
        }
    }

    pub(super) fn stored(&self, name: &str) -> Result<Vec<ImageSource>> {
        let named = find(&self.host.store, name)?;
        let set = ImageSet::read(&self.host.store, &named.target, &self.one_or_chosen())?;
        Ok(set
            .images
            .iter()
            .filter(|image| is_real(&image.config.platform()))
            .map(|image| self.stored_image(image, named.name.as_deref()))
            .collect())
    }

    /// Of an index the host's image, unless others are asked for.
    fn one_or_chosen(&self) -> PlatformChoice {
        match &self.choice {
            PlatformChoice::Present => PlatformChoice::Listed(vec![Platform::host()]),
            other => other.clone(),
        }
    }

    pub(super) fn stored_image(&self, image: &Image, name: Option<&str>) -> ImageSource {
        let layers = image.layers.iter().map(|layer| self.stored_blob(layer)).collect();
        ImageSource {
            names: name.map(str::to_owned).into_iter().collect(),
            digest: Some(image.manifest.digest),
            config: image.config.clone(),
            layers,
        }
    }

    /// A blob of the store. One that only a registry has is brought when somebody reads it.
    fn stored_blob(&self, layer: &Descriptor) -> Box<OpenBlob> {
        let (snapshots, layer, offline) = (Arc::clone(&self.snapshots), layer.clone(), self.offline);
        Box::new(move || {
            let store = snapshots.store();
            if !offline && !store.has_blob(&layer.digest).map_err(io::Error::other)? {
                snapshots.ensure_blobs(std::slice::from_ref(&layer)).map_err(io::Error::other)?;
            }
            let blob = store.open_blob(&layer.digest).map_err(io::Error::other)?;
            Ok(Box::new(blob))
        })
    }

    pub(super) fn registered(&self, name: &str) -> Result<Vec<ImageSource>> {
        if self.offline {
            bail!("`{name}` is in a registry, and `--offline` asks none");
        }
        let reference = Reference::from_str(name)?;
        let failed = || format!("cannot scan `{}`", reference.familiar());
        let platforms = match &self.choice {
            PlatformChoice::Listed(platforms) => platforms.clone(),
            PlatformChoice::Present => vec![Platform::host()],
            PlatformChoice::All => {
                let (descriptor, bytes) = self.client.manifest(&reference).with_context(failed)?;
                let parsed =
                    ParsedManifest::parse(&bytes, Some(&descriptor.media_type)).with_context(failed)?;
                match parsed {
                    ParsedManifest::Index(index) => {
                        index.manifests.into_iter().filter_map(|one| one.platform).filter(is_real).collect()
                    }
                    ParsedManifest::Manifest(_) => vec![Platform::host()],
                }
            }
        };
        platforms
            .iter()
            .map(|platform| {
                remote::image(&self.client, &reference, platform, &self.temporary).with_context(failed)
            })
            .collect()
    }

    /// An image of a running engine, which writes it as an archive.
    pub(super) fn of_engine(&self, name: &str) -> Result<Vec<ImageSource>> {
        let file = remote::from_engine(&crate::engine::find(None)?, name, &self.temporary)?;
        archived(file.path(), None, &self.choice, &self.temporary)
    }
}

/// The images of an archive or a layout that are wanted.
pub(super) fn archived(
    path: &Path,
    tag: Option<&str>,
    choice: &PlatformChoice,
    temporary: &Path,
) -> Result<Vec<ImageSource>> {
    let mut images = archived_images(path, temporary)?;
    if let Some(tag) = tag {
        images
            .retain(|image| image.names.iter().any(|name| name == tag || name.ends_with(&format!(":{tag}"))));
        if images.is_empty() {
            bail!("`{}` has no image with the tag `{tag}`", path.display());
        }
    }
    Ok(match choice {
        PlatformChoice::All => images,
        PlatformChoice::Listed(platforms) => {
            images.retain(|image| platforms.iter().any(|wanted| fits(&image.config, wanted)));
            if images.is_empty() {
                bail!("`{}` has no image for any of these platforms", path.display());
            }
            images
        }
        // One platform of each image: this machine's where it is there.
        PlatformChoice::Present => {
            let native = images.iter().any(|image| fits(&image.config, &Platform::host()));
            if native {
                images.retain(|image| fits(&image.config, &Platform::host()));
            }
            images
        }
    })
}

fn is_absent(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<ExportError>()
        .is_some_and(|error| matches!(error, ExportError::NoImage { .. } | ExportError::BlobGone { .. }))
}

fn is_real(platform: &Platform) -> bool {
    platform.os != "unknown"
}

fn fits(config: &ImageConfig, wanted: &Platform) -> bool {
    config.platform().distance_from(wanted).is_some()
}
