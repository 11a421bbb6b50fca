//! `plimsoll images`: the images that have names, and how the other commands find one.

use std::io::Write as _;
use std::str::FromStr;

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use jiff::Timestamp;
use plimsoll_export::{ExportError, Image, ImageSet, PlatformChoice};
use plimsoll_oci::{Descriptor, Digest, ManifestError, ParsedManifest, Platform, Reference};
use plimsoll_store::{ImageRecord, Store};
use serde_json::json;

use crate::environment::{GlobalArgs, Host};
use crate::exit;
use crate::namespace::Standing;
use crate::output::{Align, Table, human_age, human_bytes, terminal_width};

/// A manifest or index larger than this many bytes is none.
const LARGEST_MANIFEST: u64 = 16 << 20;
/// Digits of a digest that are shown, and digits that are needed to name an image by it.
const SHORT: usize = 12;
const SHORTEST: usize = 4;

/// List images
///
/// SIZE is what the layers take compressed, of all platforms that are here: what is stored and sent.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Show composed bases too
    #[arg(short, long)]
    all: bool,
    /// Show only digests
    #[arg(short, long)]
    quiet: bool,
    /// Show the digests of manifests
    #[arg(long)]
    digests: bool,
    /// How to show them
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Do not shorten digests
    #[arg(long)]
    no_trunc: bool,
    /// Show only this repository, or this name
    #[arg(value_name = "REPOSITORY[:TAG]")]
    name: Option<String>,
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// For programs: one object a line
    Json,
}

pub(crate) fn run(args: &Args, global: &GlobalArgs, standing: Standing) -> Result<u8> {
    let host = Host::open(global, standing)?;
    let wanted = args.name.as_deref().map(Wanted::parse).transpose()?;
    let mut rows = Vec::new();
    for record in host.store.images()? {
        let Ok(reference) = Reference::from_str(&record.name) else { continue };
        if wanted.as_ref().is_some_and(|wanted| !wanted.matches(&reference)) {
            continue;
        }
        // Bases that were composed for a build have names only so that they are kept.
        if !args.all && wanted.is_none() && reference.registry() == "debian.base" {
            continue;
        }
        rows.push(Row::read(&host.store, &record, &reference)?);
    }
    rows.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.name.cmp(&b.name)));
    if args.quiet {
        let mut seen = std::collections::BTreeSet::new();
        rows.retain(|row| seen.insert(row.digest));
        return answer_lines(rows.iter().map(|row| row.id(args.no_trunc)));
    }
    match args.format {
        Format::Json => answer_lines(rows.iter().map(|row| row.json().to_string())),
        Format::Table => answer(&table(&rows, args).render(terminal_width())),
    }
}

/// What the user named.
struct Wanted {
    reference: Reference,
    has_tag: bool,
}

impl Wanted {
    fn parse(text: &str) -> Result<Self> {
        let reference = Reference::from_str(text)?;
        let last = text.rsplit('/').next().unwrap_or(text);
        Ok(Self { reference, has_tag: last.contains([':', '@']) })
    }

    fn matches(&self, reference: &Reference) -> bool {
        if self.has_tag { *reference == self.reference } else { reference.name() == self.reference.name() }
    }
}

/// One image under one name.
struct Row {
    name: String,
    repository: String,
    tag: String,
    digest: Digest,
    created: Option<Timestamp>,
    size: Option<u64>,
    /// Those whose images are there.
    platforms: Vec<Platform>,
}

impl Row {
    fn read(store: &Store, record: &ImageRecord, reference: &Reference) -> Result<Self> {
        let set = match ImageSet::read(store, &record.target, &PlatformChoice::Present) {
            Ok(set) => Some(set),
            Err(ExportError::BlobGone { .. } | ExportError::NothingToExport) => None,
            Err(error) => return Err(error.into()),
        };
        let image = set.as_ref().map(ImageSet::native);
        let familiar = reference.familiar();
        let tag = reference.tag().unwrap_or("<none>").to_owned();
        let repository = familiar.split('@').next().unwrap_or(&familiar);
        let repository = repository.strip_suffix(&format!(":{tag}")).unwrap_or(repository).to_owned();
        Ok(Self {
            repository,
            tag,
            name: record.name.clone(),
            digest: record.target.digest,
            created: image.and_then(|image| created(image.config.created.as_deref())),
            size: set.as_ref().map(size),
            platforms: set.iter().flat_map(|set| &set.images).map(|image| image.config.platform()).collect(),
        })
    }

    fn id(&self, whole: bool) -> String {
        if whole { self.digest.to_string() } else { self.digest.hex()[..SHORT].to_owned() }
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "Repository": self.repository,
            "Tag": self.tag,
            "ID": self.digest.to_string(),
            "Digest": self.digest.to_string(),
            "CreatedAt": self.created.map(|time| time.to_string()),
            "CreatedSince": self.created.map(age),
            "Size": self.size.map(human_bytes),
            "SizeBytes": self.size,
            "Platforms": self.platforms.iter().map(ToString::to_string).collect::<Vec<_>>(),
        })
    }
}

fn table(rows: &[Row], args: &Args) -> Table {
    let left = |header| (header, Align::Left);
    let mut headers = vec![left("REPOSITORY"), left("TAG")];
    if args.digests {
        headers.push(left("DIGEST"));
    }
    headers.extend([left("IMAGE ID"), left("CREATED"), ("SIZE", Align::Right)]);
    let mut table = Table::new(&headers);
    for row in rows {
        let mut cells = vec![row.repository.clone(), row.tag.clone()];
        if args.digests {
            cells.push(row.digest.to_string());
        }
        cells.push(row.id(args.no_trunc));
        cells.push(row.created.map_or_else(|| "-".to_owned(), age));
        cells.push(row.size.map_or_else(|| "-".to_owned(), human_bytes));
        table.row(cells);
    }
    table
}

/// What the layers of all platforms take compressed, each layer once.
fn size(set: &ImageSet) -> u64 {
    let layers = set.images.iter().flat_map(|image| &image.layers).map(|layer| (layer.digest, layer.size));
    layers.collect::<std::collections::BTreeMap<_, _>>().values().sum()
}

/// A time in a config; images of reproducible builds often say 1970.
pub(crate) fn created(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().ok()
}

/// How long ago a time was.
pub(crate) fn age(time: Timestamp) -> String {
    let seconds = Timestamp::now().as_second().saturating_sub(time.as_second());
    human_age(u64::try_from(seconds).unwrap_or(0))
}

/// Writes a command's answer to standard output; a reader that has seen enough is no error.
pub(crate) fn answer(text: &str) -> Result<u8> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        _ => Ok(exit::DONE),
    }
}

/// Writes an answer of several lines, given without their ends.
pub(crate) fn answer_lines(lines: impl IntoIterator<Item = String>) -> Result<u8> {
    let mut text = String::new();
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
    answer(&text)
}

/// `--platform`: platforms after commas, or `all`; nothing means all that are there.
pub(crate) fn platform_choice(texts: &[String]) -> Result<PlatformChoice> {
    if texts.is_empty() {
        return Ok(PlatformChoice::Present);
    }
    if texts.iter().any(|text| text == "all") {
        if texts.len() > 1 {
            bail!("`--platform all` stands alone");
        }
        return Ok(PlatformChoice::All);
    }
    let platforms = texts.iter().map(|text| text.parse()).collect::<Result<Vec<Platform>, _>>()?;
    Ok(PlatformChoice::Listed(platforms))
}

/// An image that a user named.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    /// Its manifest or index.
    pub(crate) target: Descriptor,
    /// The name that was given, if it was a name and no digest.
    pub(crate) name: Option<String>,
    /// All names of the image.
    pub(crate) names: Vec<String>,
}

/// Finds an image by its name, or by the first digits of its manifest's, index's or config's digest.
pub(crate) fn find(store: &Store, text: &str) -> Result<Named> {
    let records = store.images()?;
    let names = |digest: &Digest| -> Vec<String> {
        records
            .iter()
            .filter(|record| record.target.digest == *digest)
            .map(|record| record.name.clone())
            .collect()
    };
    if let Ok(reference) = Reference::from_str(text) {
        let name = reference.to_string();
        if let Some(target) = store.image(&name)? {
            return Ok(Named { names: names(&target.digest), target, name: Some(name) });
        }
        let pinned = reference.digest().and_then(|digest| {
            let same_repository = |record: &&ImageRecord| {
                Reference::from_str(&record.name).is_ok_and(|other| other.name() == reference.name())
            };
            records.iter().filter(same_repository).find(|record| record.target.digest == digest)
        });
        if let Some(record) = pinned {
            return Ok(Named {
                names: names(&record.target.digest),
                target: record.target.clone(),
                name: None,
            });
        }
    }
    by_digest(store, &records, text).map(|target| Named { names: names(&target.digest), target, name: None })
}

fn by_digest(store: &Store, records: &[ImageRecord], text: &str) -> Result<Descriptor> {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    let mut found: Vec<&Descriptor> = Vec::new();
    if digits.len() >= SHORTEST && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        for record in records {
            let target = &record.target;
            let is_known = found.iter().any(|other| other.digest == target.digest);
            if !is_known && (target.digest.hex().starts_with(digits) || config_starts(store, target, digits))
            {
                found.push(target);
            }
        }
    }
    match found[..] {
        [one] => Ok(one.clone()),
        [] => Err(ExportError::NoImage { name: text.to_owned() }.into()),
        _ => bail!("`{text}` is the beginning of {} digests; give more of it", found.len()),
    }
}

fn config_starts(store: &Store, target: &Descriptor, digits: &str) -> bool {
    let bytes = store.read_blob(&target.digest, LARGEST_MANIFEST).ok();
    let parsed = bytes.and_then(|bytes| ParsedManifest::parse(&bytes, Some(&target.media_type)).ok());
    matches!(parsed, Some(ParsedManifest::Manifest(manifest)) if manifest.config.digest.hex().starts_with(digits))
}

/// The image for this machine, or if there is none, one for another; none when its manifest or config are gone.
pub(crate) fn open_any(store: &Store, target: &Descriptor) -> Result<Option<Image>> {
    let mut platforms = vec![Platform::host()];
    let mut next = 0;
    while let Some(platform) = platforms.get(next) {
        next += 1;
        match Image::read(store, target, platform) {
            Ok(image) => return Ok(Some(image)),
            Err(ExportError::BlobGone { .. }) => {}
            Err(ExportError::Manifest { source: ManifestError::NoPlatform { available, .. } }) => {
                if next == 1 {
                    platforms.extend(available);
                }
            }
            Err(error) => return Err(error.into()),
        }
        if next == 1 && platforms.len() == 1 {
            break;
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_without_a_tag_means_all_its_tags() {
        let one: Reference = "docker.io/library/app:1".parse().unwrap();
        let latest: Reference = "app".parse().unwrap();
        assert!(Wanted::parse("app").unwrap().matches(&one));
        assert!(Wanted::parse("app").unwrap().matches(&latest));
        assert!(!Wanted::parse("app:latest").unwrap().matches(&one));
        assert!(!Wanted::parse("localhost:5000/app").unwrap().matches(&one));
    }
}
