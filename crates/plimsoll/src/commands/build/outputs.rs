//! `--output`, `--push`, `--load`: where the result goes.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use plimsoll_build::{BuildRequest, BuildResult, Builder};
use plimsoll_oci::Reference;
use plimsoll_solver::EventSink;

use super::Args;
use crate::environment::Host;

/// One destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Output {
    kind: Kind,
    /// Where on this machine; none is standard output.
    destination: Option<PathBuf>,
    names: Vec<String>,
    push: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Image,
    Registry,
    Oci,
    Docker,
    Local,
    Tar,
}

impl Output {
    /// Names that it gives the image.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether it takes the image, or only the root file system.
    pub(crate) fn wants_image(&self) -> bool {
        !matches!(self.kind, Kind::Local | Kind::Tar)
    }

    /// Whether it reads unpacked layers.
    pub(crate) fn needs_layers(&self) -> bool {
        !self.wants_image()
    }
}

/// Reads `--output`, `--push` and `--load`.
pub(crate) fn parse(args: &Args) -> Result<Vec<Output>> {
    let mut outputs = args.outputs.iter().map(|spec| parse_one(spec)).collect::<Result<Vec<_>>>()?;
    if args.push {
        match outputs.iter_mut().find(|output| matches!(output.kind, Kind::Image | Kind::Registry)) {
            Some(output) => output.push = true,
            None => {
                outputs.push(Output {
                    kind: Kind::Registry,
                    destination: None,
                    names: Vec::new(),
                    push: true,
                });
            }
        }
    }
    if args.load && !outputs.iter().any(|output| output.kind == Kind::Image) {
        outputs.push(Output { kind: Kind::Image, destination: None, names: Vec::new(), push: false });
    }
    let has_name = !args.tags.is_empty() || outputs.iter().any(|output| !output.names.is_empty());
    if outputs.iter().any(|output| output.push) && !has_name {
        bail!("an image that is pushed needs a name; give it with `--tag`");
    }
    Ok(outputs)
}

fn parse_one(spec: &str) -> Result<Output> {
    // A bare path is a directory, and `-` a tar on standard output, as with Docker.
    if !spec.contains('=') {
        let kind = if spec == "-" { Kind::Tar } else { Kind::Local };
        let destination = (spec != "-").then(|| spec.into());
        return Ok(Output { kind, destination, names: Vec::new(), push: false });
    }
    let mut kind = None;
    let (mut destination, mut names, mut push) = (None, Vec::new(), false);
    for part in fields(spec) {
        let (key, value) = part
            .split_once('=')
            .with_context(|| format!("`--output {spec}`: `{part}` is not of the form `key=value`"))?;
        match key {
            "type" => {
                kind = Some(match value {
                    "image" => Kind::Image,
                    "registry" => Kind::Registry,
                    "oci" => Kind::Oci,
                    "docker" => Kind::Docker,
                    "local" => Kind::Local,
                    "tar" => Kind::Tar,
                    _ => bail!(
                        "`--output {spec}`: there is no type `{value}`; \
                         it is image, registry, oci, docker, local or tar"
                    ),
                });
            }
            "dest" => destination = (value != "-").then(|| PathBuf::from(value)),
            "name" => names.extend(value.split(',').filter(|name| !name.is_empty()).map(str::to_owned)),
            "push" => {
                push =
                    value.parse().with_context(|| format!("`--output {spec}`: `push` is true or false"))?;
            }
            _ => bail!("`--output {spec}`: there is no option `{key}`; it is type, dest, name or push"),
        }
    }
    let kind = kind.with_context(|| format!("`--output {spec}` has no `type=`"))?;
    if kind == Kind::Local && destination.is_none() {
        bail!("`--output {spec}`: say where with `dest=DIRECTORY`");
    }
    Ok(Output { kind, destination, names, push: push || kind == Kind::Registry })
}

/// Splits at commas, except inside double quotes.
fn fields(spec: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    for character in spec.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            other => field.push(other),
        }
    }
    fields.push(field);
    fields
}

/// Writes the result everywhere; gives one line for each destination.
pub(crate) fn write(
    outputs: &[Output],
    request: &BuildRequest,
    result: &BuildResult,
    builder: &Builder,
    host: &Host,
    events: &Arc<dyn EventSink>,
) -> Result<Vec<String>> {
    let environment = &builder.environment;
    let snapshots = &environment.snapshots;
    let mut notes = Vec::new();
    for output in outputs {
        let images: Vec<_> = result.image.clone().into_iter().collect();
        match output.kind {
            Kind::Image | Kind::Registry => {}
            Kind::Oci | Kind::Docker => {
                let format = if output.kind == Kind::Oci {
                    plimsoll_export::ArchiveFormat::Oci
                } else {
                    plimsoll_export::ArchiveFormat::Docker
                };
                let size = crate::commands::save::write(
                    snapshots,
                    &images,
                    &request.tags,
                    format,
                    output.destination.as_deref(),
                )?;
                notes.push(format!("wrote {} ({})", shown(output), crate::output::human_bytes(size)));
            }
            Kind::Local => {
                let directory = output.destination.as_deref().expect("checked when it was parsed");
                let report = plimsoll_export::local(snapshots, &result.chain, directory)?;
                notes.push(format!(
                    "wrote {} ({})",
                    shown(output),
                    crate::output::human_bytes(report.size_bytes)
                ));
                if let Some(first) = report.unapplied.first() {
                    notes.push(format!(
                        "{} things could not be set there, such as the {} of {}",
                        report.unapplied.len(),
                        first.what,
                        first.path
                    ));
                }
            }
            Kind::Tar => {
                let mut writer = crate::commands::save::destination(output.destination.as_deref())?;
                plimsoll_export::tar(snapshots, &result.chain, request_epoch(request), &mut writer)?;
                notes.push(format!("wrote {}", shown(output)));
            }
        }
        if output.push {
            for name in &request.tags {
                let reference = Reference::from_str(name)?;
                for image in &images {
                    let note =
                        plimsoll_export::push(snapshots, &environment.client, image, &reference, events)
                            .with_context(|| format!("cannot push `{}`", reference.familiar()))?;
                    notes.push(note);
                }
            }
        }
    }
    host.store.flush()?;
    Ok(notes)
}

fn request_epoch(request: &BuildRequest) -> Option<i64> {
    request.build_args.get(crate::variables::SOURCE_DATE_EPOCH).and_then(|epoch| epoch.parse().ok())
}

fn shown(output: &Output) -> String {
    output
        .destination
        .as_ref()
        .map_or_else(|| "standard output".to_owned(), |path| path.display().to_string())
}
