//! `plimsoll db push` and `plimsoll db pull`: a database as an artifact of an OCI registry (image-spec, manifest.md, "Guidelines for
//! Artifact Usage").

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use plimsoll_advisories::Database;
use plimsoll_layer::{decompress, file_digest};
use plimsoll_oci::{Descriptor, Digest, Manifest, ParsedManifest, Reference, media_type};
use plimsoll_registry::{BlobSink, BlockingClient, NoProgress, PushBlob, PushImage, PushManifest};

use crate::commands::images::answer;
use crate::commands::report;
use crate::environment::{GlobalArgs, Host};
use crate::namespace::Standing;
use crate::variables;

/// What the artifact is.
const ARTIFACT: &str = "application/vnd.plimsoll.advisories.v1";
/// Its only layer: the database, compressed.
const LAYER: &str = "application/vnd.plimsoll.advisories.v1+zstd";
/// The config of an artifact that has none, and its bytes (image-spec, manifest.md, "Guidance for an Empty Descriptor").
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// A database is compressed once and fetched often.
const LEVEL: i32 = 17;

/// Send a database to a registry
#[derive(clap::Args)]
pub(crate) struct PushArgs {
    /// The database
    database: PathBuf,
    /// Where to, as an image's name
    reference: String,
    /// Trust these certificates, besides the system's
    #[arg(long, value_name = "FILE", env = variables::CA_CERTS, hide_env_values = true)]
    ca_certs: Option<PathBuf>,
}

/// Fetch a database from a registry
///
/// Of several references the first one that answers is taken. A database is never replaced by one that was built before it, unless the
/// reference has a digest.
#[derive(clap::Args)]
pub(crate) struct PullArgs {
    /// Where from, as an image's name
    #[arg(required = true, value_name = "REFERENCE")]
    references: Vec<String>,
    /// The file to write [default: where `scan` looks, below $XDG_DATA_HOME/plimsoll]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Trust these certificates, besides the system's
    #[arg(long, value_name = "FILE", env = variables::CA_CERTS, hide_env_values = true)]
    ca_certs: Option<PathBuf>,
}

/// Where `scan` looks for a database when none is named.
pub(crate) fn usual_path() -> Option<PathBuf> {
    variables::data_home().map(|home| home.join("plimsoll/db/advisories.db"))
}

pub(crate) fn push(args: &PushArgs, global: &GlobalArgs, standing: Standing) -> Result<u8> {
    let reference = Reference::from_str(&args.reference)?;
    let failed = || format!("cannot push `{}`", args.database.display());
    // What is no database is not sent.
    Database::open(&args.database).with_context(failed)?;
    let temporary = tempfile::Builder::new().prefix("plimsoll-db-").tempdir()?;
    let path = temporary.path().join("database.zst");
    let mut from = File::open(&args.database).with_context(failed)?;
    let mut encoder = zstd::Encoder::new(File::create(&path)?, LEVEL)?;
    io::copy(&mut from, &mut encoder).with_context(failed)?;
    encoder.finish()?.flush()?;
    let layer = Descriptor::new(LAYER, file_digest(&path)?, std::fs::metadata(&path)?.len());
    let empty = Bytes::from_static(b"{}");
    let config = Descriptor::new(EMPTY, Digest::of(&empty), 2);
    let manifest = Manifest {
        artifact_type: Some(ARTIFACT.to_owned()),
        ..Manifest::new(config.clone(), vec![layer.clone()])
    };
    let pushed = PushImage {
        blobs: vec![PushBlob::new(config, empty), PushBlob::new(layer, path)],
        manifests: vec![PushManifest {
            media_type: media_type::OCI_MANIFEST.to_owned(),
            bytes: serde_json::to_vec(&manifest)?.into(),
        }],
    };
    let client = client(global, standing, args.ca_certs.as_deref())?;
    let descriptor = client.push_image(&reference, &pushed, &NoProgress)?;
    answer(&format!("{}@{}\n", reference.name(), descriptor.digest))
}

pub(crate) fn pull(args: &PullArgs, global: &GlobalArgs, standing: Standing) -> Result<u8> {
    let output = match &args.output {
        Some(path) => path.clone(),
        None => usual_path()
            .context("neither HOME nor XDG_DATA_HOME is set; say where the database goes with `--output`")?,
    };
    let references: Vec<Reference> =
        args.references.iter().map(|text| Reference::from_str(text)).collect::<Result<_, _>>()?;
    let client = client(global, standing, args.ca_certs.as_deref())?;
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
    for (place, reference) in references.iter().enumerate() {
        let fetched = fetch(&client, reference, folder)
            .with_context(|| format!("cannot fetch a database from `{}`", reference.familiar()));
        match fetched {
            Ok(file) => return keep(file, reference, &output),
            Err(error) if place + 1 == references.len() => return Err(error),
            Err(error) => report(&error),
        }
    }
    unreachable!("there is at least one reference, and the last one ends the loop")
}

fn client(
    global: &GlobalArgs,
    standing: Standing,
    ca_certs: Option<&Path>,
) -> Result<std::sync::Arc<BlockingClient>> {
    let host = Host::open(global, standing)?;
    Ok(host.client(host.ca_bundle(ca_certs)?.as_deref()))
}

/// The database of a reference, in a file beside where it will be.
fn fetch(client: &BlockingClient, reference: &Reference, folder: &Path) -> Result<tempfile::NamedTempFile> {
    let (descriptor, bytes) = client.manifest(reference)?;
    let ParsedManifest::Manifest(manifest) = ParsedManifest::parse(&bytes, Some(&descriptor.media_type))?
    else {
        bail!("it is an index, and a database has a single manifest");
    };
    let [layer] = manifest.layers.as_slice() else {
        bail!("it has {} layers, and a database has one", manifest.layers.len());
    };
    if layer.media_type != LAYER {
        bail!("it is of type `{}`, and a database is `{LAYER}`", layer.media_type);
    }
    let sink = FileSink { file: tempfile::tempfile_in(folder)? };
    let mut compressed = client.pull_blob(reference, layer, sink, &NoProgress)?.file;
    io::Seek::rewind(&mut compressed)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    io::copy(&mut decompress(Box::new(compressed))?, &mut file)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Puts a database in its place, if it is one and not older than what is there.
fn keep(file: tempfile::NamedTempFile, reference: &Reference, output: &Path) -> Result<u8> {
    let new = Database::open(file.path())
        .with_context(|| format!("what `{}` holds is no database", reference.familiar()))?;
    if reference.digest().is_none()
        && let Ok(old) = Database::open(output)
        && old.built() > new.built()
    {
        bail!(
            "`{}` was built before the database in `{}`, which is kept; name a digest to take it all the same",
            reference.familiar(),
            output.display()
        );
    }
    let digest = file_digest(file.path())?;
    file.persist(output).with_context(|| format!("cannot write `{}`", output.display()))?;
    answer(&format!("{} {digest}\n", output.display()))
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
        io::Seek::rewind(&mut self.file)
    }
}
