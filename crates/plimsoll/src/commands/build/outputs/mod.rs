//! `--output`, `--push`, `--load`: where the result goes, and in which form.

mod annotation;
mod attributes;
mod metadata;
mod spec;
mod write;

use std::path::PathBuf;

use anyhow::{Result, bail};
use plimsoll_build::{BuildResult, ImageOptions};
use plimsoll_export::ImageSet;

use super::Args;
use super::args::tag;

pub(crate) use metadata::{answer, metadata};
pub(crate) use write::write;

/// All destinations of a build.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outputs {
    list: Vec<Output>,
    /// The ways in which the image is wanted, each once.
    options: Vec<ImageOptions>,
}

/// One destination.
#[derive(Clone, Debug)]
struct Output {
    kind: Kind,
    /// The names of `name=` and `--tag`, made whole.
    names: Vec<String>,
    /// Which of the ways in which the image is wanted goes there; none for root file systems.
    form: Option<usize>,
}

/// What a destination is, with what only such a one has.
#[derive(Clone, Debug)]
enum Kind {
    Image(ImageOutput),
    /// A Docker engine, or podman; by the name of one of Docker's contexts.
    Engine {
        context: Option<String>,
    },
    Archive {
        format: plimsoll_export::ArchiveFormat,
        destination: Destination,
        is_directory: bool,
    },
    Local {
        directory: PathBuf,
        delete: bool,
        platform_split: Option<bool>,
    },
    Tar {
        destination: Destination,
        platform_split: Option<bool>,
        epoch: Option<i64>,
    },
    /// Only the cache gets the result.
    Nothing,
}

/// The store, and perhaps a registry.
#[derive(Clone, Debug)]
struct ImageOutput {
    /// The image gets its names in the store.
    store: bool,
    unpack: bool,
    push: bool,
    by_digest: bool,
    /// The registry may have no certificate, or a wrong one.
    insecure: bool,
    /// An image without names is called so, with its digest.
    dangling_prefix: Option<String>,
    /// Names with the digest are given too.
    canonical: bool,
}

impl Default for ImageOutput {
    fn default() -> Self {
        Self {
            store: true,
            unpack: false,
            push: false,
            by_digest: false,
            insecure: false,
            dangling_prefix: None,
            canonical: false,
        }
    }
}

/// A file, or standard output.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Destination {
    Stdout,
    File(PathBuf),
}

impl Outputs {
    /// Reads `--output`, `--push`, `--load` and `--annotation`.
    pub(crate) fn parse(args: &Args) -> Result<Self> {
        let annotations = annotation::parse(&args.annotations)?;
        let tags = args.references()?;
        let mut specs = args.outputs.iter().map(|spec| spec::parse(spec)).collect::<Result<Vec<_>>>()?;
        if args.push && !specs.iter_mut().any(spec::Spec::push) {
            specs.push(spec::Spec::registry());
        }
        if args.load && !specs.iter().any(spec::Spec::is_engine) {
            specs.push(spec::Spec::engine());
        }
        if specs.is_empty() {
            specs.push(spec::Spec::image());
        }
        let mut outputs = Self::default();
        for spec in specs {
            outputs.add(spec, &tags, &annotations)?;
        }
        outputs.check()?;
        Ok(outputs)
    }

    fn add(
        &mut self,
        spec: spec::Spec,
        tags: &[String],
        annotations: &[plimsoll_build::Annotation],
    ) -> Result<()> {
        let mut names = Vec::new();
        for name in spec.names.iter().map(|name| tag(name)).chain(tags.iter().cloned().map(Ok)) {
            let name = name?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let form = spec.image.map(|mut options| {
            options.annotations.extend(annotations.iter().cloned());
            let place = self.options.iter().position(|other| *other == options);
            place.unwrap_or_else(|| {
                self.options.push(options);
                self.options.len() - 1
            })
        });
        self.list.push(Output { kind: spec.kind, names, form });
        Ok(())
    }

    fn check(&self) -> Result<()> {
        let stdouts = self.list.iter().filter(|output| output.destination() == Some(&Destination::Stdout));
        let count = stdouts.count();
        if count > 1 {
            bail!("{count} outputs go to standard output, which takes one; give the others `dest=FILE`");
        }
        if count == 1 && std::io::IsTerminal::is_terminal(&std::io::stdout()) {
            bail!("an archive does not belong on a terminal; say where with `dest=FILE`");
        }
        for output in &self.list {
            if let Kind::Image(image) = &output.kind
                && image.push
                && output.names.is_empty()
            {
                bail!("an image that is pushed needs a name; give it with `--tag`");
            }
            // Nothing is built for an engine that is not there.
            if let Kind::Engine { context } = &output.kind {
                crate::engine::find(context.as_deref())?;
            }
        }
        Ok(())
    }

    /// The ways in which the image is wanted.
    pub(crate) fn options(&self) -> Vec<ImageOptions> {
        self.options.clone()
    }

    /// All names that the image gets anywhere, each once.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for name in self.list.iter().flat_map(|output| &output.names) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names
    }

    /// Whether unpacked layers are read.
    pub(crate) fn need_layers(&self) -> bool {
        self.list.iter().any(|output| match &output.kind {
            Kind::Local { .. } | Kind::Tar { .. } => true,
            Kind::Image(image) => image.unpack,
            Kind::Engine { .. } | Kind::Archive { .. } | Kind::Nothing => false,
        })
    }

    /// The image that is told of: that of the first destination that takes one.
    pub(crate) fn told<'r>(&self, result: &'r BuildResult) -> Option<&'r ImageSet> {
        self.list.iter().find_map(|output| result.images.get(output.form?))
    }
}

impl Output {
    fn destination(&self) -> Option<&Destination> {
        match &self.kind {
            Kind::Archive { destination, .. } | Kind::Tar { destination, .. } => Some(destination),
            Kind::Image(_) | Kind::Engine { .. } | Kind::Local { .. } | Kind::Nothing => None,
        }
    }
}
