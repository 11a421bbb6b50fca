//! Brings the result to every destination.

use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use plimsoll_build::{BuildRequest, BuildResult, Environment};
use plimsoll_export::{Bundle, Engine, EngineAddress, ImageSet, Root};
use plimsoll_oci::Reference;
use plimsoll_solver::EventSink;

use super::{Destination, ImageOutput, Kind, Output, Outputs};
use crate::environment::Host;
use crate::output::human_bytes;
use crate::variables;

/// Writes the result everywhere; gives one line for each destination.
pub(crate) fn write(
    outputs: &Outputs,
    request: &BuildRequest,
    result: &BuildResult,
    environment: &Environment,
    host: &Host,
    events: &Arc<dyn EventSink>,
) -> Result<Vec<String>> {
    let mut writer = Writer { request, result, environment, host, events, notes: Vec::new() };
    for output in &outputs.list {
        writer.output(output)?;
    }
    host.store.flush()?;
    Ok(writer.notes)
}

struct Writer<'a> {
    request: &'a BuildRequest,
    result: &'a BuildResult,
    environment: &'a Environment,
    host: &'a Host,
    events: &'a Arc<dyn EventSink>,
    notes: Vec<String>,
}

impl Writer<'_> {
    fn output(&mut self, output: &Output) -> Result<()> {
        let images = output.form.map(|form| &self.result.images[form]);
        match (&output.kind, images) {
            (Kind::Nothing, _) | (Kind::Image(_) | Kind::Engine { .. } | Kind::Archive { .. }, None) => {
                Ok(())
            }
            (Kind::Image(image), Some(images)) => self.image(image, images, &output.names),
            (Kind::Engine { context }, Some(images)) => {
                let mut address = crate::engine::find(context.as_deref())?;
                if let EngineAddress::Command { argv, .. } = &mut address {
                    *argv = self.host.standing.as_user(std::mem::take(argv));
                }
                let engine = Engine::connect(&address, &self.host.store.temporary_directory()?)?;
                let snapshots = &self.environment.snapshots;
                self.notes.push(engine.load(snapshots, images, &output.names, &**self.events)?);
                Ok(())
            }
            (Kind::Archive { format, destination, is_directory }, Some(images)) => {
                let bundle = Bundle { images, names: &output.names };
                let path = destination.path();
                let snapshots = &self.environment.snapshots;
                let size = if let Some(path) = path.filter(|_| *is_directory) {
                    plimsoll_export::layout_directory(snapshots, &[bundle], *format, path)?
                } else {
                    let mut out = crate::commands::save::destination(path)?;
                    plimsoll_export::archive(snapshots, &[bundle], *format, &mut out)?
                };
                self.notes.push(format!("wrote {destination} ({})", human_bytes(size)));
                Ok(())
            }
            (Kind::Local { directory, delete, platform_split }, _) => {
                let names = self.directories(*platform_split);
                let roots = self.roots(&names);
                let snapshots = &self.environment.snapshots;
                let report = plimsoll_export::local(snapshots, &roots, directory, *delete)?;
                let size = human_bytes(report.size_bytes);
                self.notes.push(format!("wrote {} ({size})", directory.display()));
                if let Some(first) = report.unapplied.first() {
                    self.notes.push(format!(
                        "{} things could not be set there, such as the {} of {}",
                        report.unapplied.len(),
                        first.what,
                        first.path
                    ));
                }
                Ok(())
            }
            (Kind::Tar { destination, platform_split, epoch }, _) => {
                let names = self.directories(*platform_split);
                let epoch =
                    epoch.or_else(|| self.request.build_args.get(variables::SOURCE_DATE_EPOCH)?.parse().ok());
                let mut out = crate::commands::save::destination(destination.path())?;
                plimsoll_export::tar(&self.environment.snapshots, &self.roots(&names), epoch, &mut out)?;
                self.notes.push(format!("wrote {destination}"));
                Ok(())
            }
        }
    }

    /// For each platform its name and, if each has one, its directory: `linux_arm64`.
    fn directories(&self, platform_split: Option<bool>) -> Vec<(String, Option<String>)> {
        let split = platform_split.unwrap_or(self.result.is_multi_platform);
        let of = |platform: &plimsoll_oci::Platform| {
            let name = platform.to_string();
            let directory = split.then(|| name.replace('/', "_"));
            (name, directory)
        };
        self.result.platforms.iter().map(|one| of(&one.platform)).collect()
    }

    fn roots<'r>(&'r self, names: &'r [(String, Option<String>)]) -> Vec<Root<'r>> {
        let pairs = self.result.platforms.iter().zip(names);
        pairs
            .map(|(one, (platform, directory))| Root {
                chain: &one.chain,
                platform,
                directory: directory.as_deref(),
            })
            .collect()
    }

    fn image(&mut self, output: &ImageOutput, images: &ImageSet, names: &[String]) -> Result<()> {
        let snapshots = &self.environment.snapshots;
        if output.store {
            for name in names {
                images.name(&self.host.store, name)?;
                if output.canonical {
                    let canonical = images.canonical(&Reference::from_str(name)?);
                    images.name(&self.host.store, &canonical.to_string())?;
                }
            }
            if let Some(prefix) = output.dangling_prefix.as_ref().filter(|_| names.is_empty()) {
                let name = Reference::from_str(prefix)
                    .with_context(|| format!("`dangling-name-prefix={prefix}`"))?;
                images.name(&self.host.store, &images.canonical(&name).to_string())?;
            }
        }
        if output.unpack {
            for one in &self.result.platforms {
                if let Some(place) = snapshots.materialise(&one.chain)? {
                    let layer = one.chain[place].clone();
                    return Err(plimsoll_export::ExportError::LayerGone { layer }.into());
                }
            }
        }
        if output.push {
            self.push(output, images, names)?;
        }
        Ok(())
    }

    fn push(&mut self, output: &ImageOutput, images: &ImageSet, names: &[String]) -> Result<()> {
        let mut pushed: Vec<Reference> = Vec::new();
        for name in names {
            let mut reference = Reference::from_str(name)?;
            if output.by_digest {
                reference = images.canonical(&reference);
            }
            if pushed.contains(&reference) {
                continue;
            }
            let client = &self.environment.client;
            let trusting = output.insecure.then(|| client.trusting(reference.registry()));
            let client = trusting.as_ref().unwrap_or(client);
            let snapshots = &self.environment.snapshots;
            let (_, note) = plimsoll_export::push(snapshots, client, images, &reference, &**self.events)
                .with_context(|| format!("cannot push `{}`", reference.familiar()))?;
            self.notes.push(note);
            pushed.push(reference);
        }
        Ok(())
    }
}

impl Destination {
    fn path(&self) -> Option<&std::path::Path> {
        match self {
            Self::Stdout => None,
            Self::File(path) => Some(path),
        }
    }
}

impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stdout => f.write_str("standard output"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}
