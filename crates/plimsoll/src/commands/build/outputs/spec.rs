//! One `--output`: `type=TYPE`, then attributes after commas, or only a path.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use plimsoll_build::ImageOptions;
use plimsoll_export::ArchiveFormat;

use super::attributes::{self, Attributes, flag};
use super::{Destination, ImageOutput, Kind};

/// An output as it was written.
pub(super) struct Spec {
    pub(super) kind: Kind,
    /// `name=`.
    pub(super) names: Vec<String>,
    /// How the image is wanted; none for root file systems.
    pub(super) image: Option<ImageOptions>,
}

impl Spec {
    /// The store.
    pub(super) fn image() -> Self {
        let image = Some(ImageOptions::default());
        Self { kind: Kind::Image(ImageOutput::default()), names: Vec::new(), image }
    }

    /// The store and the registry.
    pub(super) fn registry() -> Self {
        let mut spec = Self::image();
        spec.push();
        spec
    }

    /// The Docker engine of this machine.
    pub(super) fn engine() -> Self {
        Self { kind: Kind::Engine { context: None }, ..Self::image() }
    }

    /// Whether an engine gets the image.
    pub(super) fn is_engine(&self) -> bool {
        matches!(self.kind, Kind::Engine { .. })
    }

    /// Lets an output to the store push as well; false if it is none.
    pub(super) fn push(&mut self) -> bool {
        match &mut self.kind {
            Kind::Image(image) => {
                image.push = true;
                true
            }
            _ => false,
        }
    }
}

/// Reads one `--output`.
pub(super) fn parse(text: &str) -> Result<Spec> {
    parse_fields(&attributes::split(text)).with_context(|| format!("`--output {text}`"))
}

fn parse_fields(fields: &[String]) -> Result<Spec> {
    // A bare path is a directory, and `-` a tar on standard output, as with Docker.
    if let [only] = fields
        && !only.contains('=')
    {
        let kind = if only == "-" {
            Kind::Tar { destination: Destination::Stdout, platform_split: None, epoch: None }
        } else {
            Kind::Local { directory: only.into(), delete: false, platform_split: None }
        };
        return Ok(Spec { kind, names: Vec::new(), image: None });
    }
    let mut attributes = Attributes::read(fields)?;
    let kind = attributes.take("type").context("there is no `type=`; it says where the result goes")?;
    let names = |attributes: &mut Attributes| -> Vec<String> {
        let names = attributes.take("name").unwrap_or_default();
        names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
    };
    let spec = match kind.as_str() {
        "image" | "registry" => {
            let kind = Kind::Image(image(&mut attributes, kind == "registry")?);
            Spec { kind, names: names(&mut attributes), image: Some(attributes.image_options()?) }
        }
        "oci" | "docker" => {
            let format = if kind == "oci" { ArchiveFormat::Oci } else { ArchiveFormat::Docker };
            let kind = archive(&mut attributes, format)?;
            Spec { kind, names: names(&mut attributes), image: Some(attributes.image_options()?) }
        }
        "local" => Spec { kind: local(&mut attributes)?, names: Vec::new(), image: None },
        "tar" => {
            let kind = Kind::Tar {
                destination: destination(attributes.take("dest").as_deref()),
                platform_split: attributes.flag("platform-split")?,
                epoch: attributes.epoch()?,
            };
            Spec { kind, names: Vec::new(), image: None }
        }
        "cacheonly" => Spec { kind: Kind::Nothing, names: Vec::new(), image: None },
        other => {
            bail!("there is no type `{other}`; it is image, registry, oci, docker, local, tar or cacheonly")
        }
    };
    attributes.finish(&kind)?;
    Ok(spec)
}

fn image(attributes: &mut Attributes, is_registry: bool) -> Result<ImageOutput> {
    let push = attributes.flag("push")?;
    let output = ImageOutput {
        store: attributes.flag("store")?.unwrap_or(true),
        unpack: attributes.flag("unpack")?.unwrap_or(false),
        push: push.unwrap_or(is_registry),
        by_digest: attributes.flag("push-by-digest")?.unwrap_or(false),
        insecure: attributes.flag("registry.insecure")?.unwrap_or(false),
        dangling_prefix: attributes.take("dangling-name-prefix").filter(|prefix| !prefix.is_empty()),
        // Written without a value it means yes.
        canonical: attributes.take("name-canonical").map_or(Ok(false), |value| {
            if value.is_empty() { Ok(true) } else { flag("name-canonical", &value) }
        })?,
    };
    if is_registry && !output.push {
        bail!("`type=registry` pushes; with `push=false` it is `type=image`");
    }
    if !output.push && (output.by_digest || output.insecure) {
        let name = if output.by_digest { "push-by-digest" } else { "registry.insecure" };
        bail!("`{name}` is about pushing, and nothing is pushed; add `push=true`");
    }
    Ok(output)
}

fn archive(attributes: &mut Attributes, format: ArchiveFormat) -> Result<Kind> {
    if format == ArchiveFormat::Docker && !attributes.has("dest") && !attributes.has("tar") {
        return Ok(Kind::Engine { context: attributes.take("context").filter(|name| !name.is_empty()) });
    }
    if attributes.has("context") {
        bail!("`context` names an engine to load into; with `dest` a file is written");
    }
    let destination = destination(attributes.take("dest").as_deref());
    let tar = attributes.flag("tar")?;
    let is_there = matches!(&destination, Destination::File(path) if path.is_dir());
    let is_directory = match (tar, &destination) {
        (Some(false), Destination::Stdout) => {
            bail!("`tar=false` writes a directory; say which with `dest=DIRECTORY`")
        }
        (Some(true), Destination::File(path)) if is_there => {
            bail!("`{}` is a directory, and a tar is a file; `tar=false` writes a directory", path.display())
        }
        (Some(tar), _) => !tar,
        // Docker's archive in a directory is nothing that anybody looks for.
        (None, Destination::File(path)) if is_there && format == ArchiveFormat::Docker => bail!(
            "`{}` is a directory, and Docker's archive is a file; `tar=false` writes a directory",
            path.display()
        ),
        (None, _) => is_there,
    };
    Ok(Kind::Archive { format, destination, is_directory })
}

fn local(attributes: &mut Attributes) -> Result<Kind> {
    let directory = attributes.take("dest").context("say where with `dest=DIRECTORY`")?;
    if directory.is_empty() || directory == "-" {
        bail!("`type=local` writes a directory; say which with `dest=DIRECTORY`");
    }
    let delete = match attributes.take("mode").as_deref() {
        None | Some("copy") => false,
        Some("delete") => true,
        Some(other) => bail!("there is no mode `{other}`; it is copy or delete"),
    };
    let platform_split = attributes.flag("platform-split")?;
    Ok(Kind::Local { directory: PathBuf::from(directory), delete, platform_split })
}

fn destination(value: Option<&str>) -> Destination {
    match value {
        None | Some("" | "-") => Destination::Stdout,
        Some(path) => Destination::File(path.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_build::AnnotationPlace;
    use plimsoll_layer::Compression;

    fn spec(text: &str) -> Spec {
        parse(text).unwrap_or_else(|error| panic!("{error:#}"))
    }

    fn error(text: &str) -> String {
        parse(text).err().map_or_else(|| panic!("{text} is taken"), |error| format!("{error:#}"))
    }

    #[test]
    fn a_bare_path_is_a_directory_and_a_dash_a_tar() {
        assert!(matches!(spec("out").kind, Kind::Local { delete: false, .. }));
        assert!(matches!(spec("-").kind, Kind::Tar { destination: Destination::Stdout, .. }));
    }

    #[test]
    fn docker_without_a_destination_is_an_engine() {
        assert!(matches!(spec("type=docker").kind, Kind::Engine { context: None }));
        assert!(matches!(spec("type=docker,context=a").kind, Kind::Engine { context: Some(_) }));
        let kind = spec("type=docker,dest=-").kind;
        assert!(matches!(kind, Kind::Archive { destination: Destination::Stdout, is_directory: false, .. }));
    }

    #[test]
    fn an_image_has_its_attributes() {
        let spec = spec(
            "type=image,\"name=a,b:1\",push=true,push-by-digest=1,registry.insecure=t,store=false,unpack=true,\
             dangling-name-prefix=x,name-canonical=,compression=zstd,compression-level=9,force-compression=true,\
             rewrite-timestamp=false,oci-mediatypes=true,source-date-epoch=5",
        );
        let Kind::Image(image) = &spec.kind else { panic!("an image") };
        assert!(image.push && image.by_digest && image.insecure && !image.store && image.unpack);
        assert!(image.canonical && image.dangling_prefix.as_deref() == Some("x"));
        assert_eq!(spec.names, ["a", "b:1"]);
        let options = spec.image.unwrap();
        assert_eq!(options.compression, Compression::Zstd { level: 9 });
        assert!(options.force_compression && !options.rewrite_timestamps && options.epoch == Some(5));
    }

    #[test]
    fn annotations_have_places_and_platforms() {
        let options = spec(
            "type=oci,annotation.a=1,annotation-index.B=2,annotation-manifest-descriptor[linux/arm64].c=x=y",
        )
        .image
        .unwrap();
        let of = |place: usize| {
            let one = &options.annotations[place];
            (one.place, one.platform.as_ref().map(ToString::to_string), one.name.as_str(), one.value.as_str())
        };
        assert_eq!(of(0), (AnnotationPlace::Manifest, None, "a", "1"));
        assert_eq!(of(1), (AnnotationPlace::Index, None, "B", "2"));
        let platform = Some("linux/arm64".to_owned());
        assert_eq!(of(2), (AnnotationPlace::ManifestDescriptor, platform, "c", "x=y"));
    }

    #[test]
    fn what_does_not_apply_is_refused_with_the_reason() {
        for (text, part) in [
            ("type=nonsense", "there is no type `nonsense`"),
            ("dest=x,type=local,compression=zstd", "`compression`"),
            ("type=image,mode=delete", "type=local"),
            ("type=image,compresion=zstd", "did you mean `compression`"),
            ("type=image,compression=lzma", "estargz"),
            ("type=image,compression=gzip,compression-level=10", "0 to 9"),
            ("type=image,compression=uncompressed,compression-level=1", "uncompressed"),
            ("type=image,compression=estargz,oci-mediatypes=false", "estargz"),
            ("type=oci,oci-mediatypes=false,annotation.a=b", "annotations"),
            ("type=image,push=maybe", "true or false"),
            ("type=image,push-by-digest=true", "push=true"),
            ("type=image,attestation-inline=true", "attestations"),
            ("type=local", "dest=DIRECTORY"),
            ("type=local,dest=x,mode=move", "copy or delete"),
            ("type=oci,tar=false", "dest=DIRECTORY"),
            ("type=cacheonly,dest=x", "`dest`"),
            ("type=docker,dest=x,context=y", "an engine"),
            ("type=oci,context=y", "an engine"),
            ("type=image,push", "key=value"),
            ("type=image,annotation-nowhere.a=b", "annotation-nowhere"),
            ("type=image,annotation-index[linux/amd64].a=b", "one index"),
        ] {
            assert!(error(text).contains(part), "{text}: {}", error(text));
        }
    }
}
