//! What a build reads: the Dockerfile, ignore files, contexts.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use plimsoll_build::{ContextSource, LockFile};
use plimsoll_diagnostics::SourceFile;
use plimsoll_executor::LocalContext;
use plimsoll_graph::{ArchiveOp, ArchiveSource, GitSource};
use plimsoll_layer::detect;
use plimsoll_oci::{Digest, Reference};
use plimsoll_store::Store;

use super::Args;
use super::budget::Budget;
use crate::config::{OCI_LAYOUT, ProjectConfig};
use crate::{ignore_file, lock_file};

/// So many bytes tell an archive from a Dockerfile.
const ARCHIVE_HEADER: usize = 512;
const STDIN: &str = "cannot read standard input";

/// A Dockerfile larger than this many bytes is none.
const LARGEST_DOCKERFILE: u64 = 16 << 20;

/// What was read.
pub(crate) struct Inputs {
    /// The Dockerfile; none while it must be fetched.
    pub(crate) dockerfile: Option<SourceFile>,
    /// From where it must be fetched.
    pub(crate) fetch: Option<Fetch>,
    pub(crate) context: Option<ContextSource>,
    pub(crate) named_contexts: BTreeMap<String, ContextSource>,
    /// What names of base images are locked to.
    pub(crate) lock: Option<LockFile>,
    /// Where the lock is, or would be; nowhere when neither the Dockerfile nor the context is at hand.
    pub(crate) lock_path: Option<PathBuf>,
    /// How large the image may be.
    pub(super) budget: Option<Budget>,
}

/// Where a Dockerfile is that must be fetched.
pub(crate) struct Fetch {
    /// The context that it is in.
    pub(crate) context: ContextSource,
    /// Its path there; without it the usual names.
    pub(crate) path: Option<String>,
}

impl Inputs {
    /// Reads everything that the arguments name and that is at hand.
    /// The store is opened only for what must be kept.
    pub(crate) fn read(args: &Args, store: &dyn Fn() -> Result<Store>) -> Result<Self> {
        let mut inputs = match main_context(args)? {
            Main::Stdin => Self::from_stdin(args, store)?,
            Main::Directory => Self::from_directory(args)?,
            Main::Remote(context) => Self::from_remote(args, context)?,
        };
        let name = inputs.dockerfile.as_ref().map(SourceFile::name).filter(|name| *name != "-");
        let beside = name.map(PathBuf::from);
        let beside = beside.as_deref().map(|path| match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        });
        let directories: Vec<PathBuf> =
            beside.into_iter().chain(args.context.is_dir().then(|| args.context.clone())).collect();
        let project = ProjectConfig::load(&directories)?;
        let directory = project.as_ref().map(|(_, directory)| directory.as_path());
        inputs.lock_path = lock_file::path(directory, &directories);
        inputs.lock = lock(args, inputs.lock_path.as_deref())?;
        let size_budget = project.as_ref().and_then(|(project, _)| project.size_budget.as_deref());
        inputs.budget = Budget::of(args, size_budget)?;
        inputs.named_contexts = named_contexts(args, project)?;
        Ok(inputs)
    }

    fn of(dockerfile: Option<SourceFile>, fetch: Option<Fetch>, context: Option<ContextSource>) -> Self {
        Self {
            dockerfile,
            fetch,
            context,
            named_contexts: BTreeMap::new(),
            lock: None,
            lock_path: None,
            budget: None,
        }
    }

    /// An archive, or a Dockerfile without a context.
    fn from_stdin(args: &Args, store: &dyn Fn() -> Result<Store>) -> Result<Self> {
        if args.file.as_ref().is_some_and(|file| file.as_os_str() == "-") {
            bail!("standard input cannot be both the context and the Dockerfile");
        }
        let mut stdin = std::io::stdin().lock();
        let mut first = Vec::with_capacity(ARCHIVE_HEADER);
        stdin.by_ref().take(ARCHIVE_HEADER as u64).read_to_end(&mut first).context(STDIN)?;
        if detect(&first).is_none() {
            if let Some(file) = &args.file {
                bail!(
                    "standard input holds no archive, and so is the Dockerfile; `--file {}` names another one",
                    file.display()
                );
            }
            let dockerfile = read_dockerfile("-", &mut first.chain(stdin))?;
            return Ok(Self::of(Some(dockerfile), None, None));
        }
        let store = store()?;
        let mut writer = store.blob_writer()?;
        std::io::copy(&mut first.chain(stdin), &mut writer).context(STDIN)?;
        let (digest, _) = writer.commit(None)?;
        store.protect_blobs(&[digest])?;
        let context = ContextSource::Archive(archive(ArchiveSource::Blob(digest)));
        Self::from_remote(args, context)
    }

    fn from_directory(args: &Args) -> Result<Self> {
        if let Some(url) = args.file.as_deref().and_then(http_address).filter(|_| args.inline.is_none()) {
            let context = ContextSource::Directory(local(&args.context, None)?);
            return Ok(Self::of(None, Some(dockerfile_at(url)), Some(context)));
        }
        let (path, dockerfile) = if let Some(inline) = &args.inline {
            (None, inline.clone())
        } else if args.reads_stdin() {
            (None, read_dockerfile("-", &mut std::io::stdin().lock())?)
        } else {
            let path = dockerfile_path(args)?;
            let mut file = std::fs::File::open(&path)
                .with_context(|| format!("cannot read the Dockerfile `{}`", path.display()))?;
            let dockerfile = read_dockerfile(&path.display().to_string(), &mut file)?;
            (Some(path), dockerfile)
        };
        let context = ContextSource::Directory(local(&args.context, path.as_deref())?);
        Ok(Self::of(Some(dockerfile), None, Some(context)))
    }

    /// The Dockerfile is in the context, unless it comes from standard input, an address or an absolute path.
    fn from_remote(args: &Args, context: ContextSource) -> Result<Self> {
        let dockerfile = match args.file.as_deref() {
            _ if args.inline.is_some() => args.inline.clone(),
            Some(file) if file.as_os_str() == "-" => {
                Some(read_dockerfile("-", &mut std::io::stdin().lock())?)
            }
            Some(file) if file.is_absolute() => {
                let mut opened = std::fs::File::open(file)
                    .with_context(|| format!("cannot read the Dockerfile `{}`", file.display()))?;
                Some(read_dockerfile(&file.display().to_string(), &mut opened)?)
            }
            _ => None,
        };
        let fetch = match (&dockerfile, args.file.as_deref()) {
            (Some(_), _) => None,
            (None, Some(file)) => Some(match http_address(file) {
                Some(url) => dockerfile_at(url),
                None => Fetch { context: context.clone(), path: Some(file.to_string_lossy().into_owned()) },
            }),
            (None, None) => Some(Fetch { context: context.clone(), path: None }),
        };
        Ok(Self::of(dockerfile, fetch, Some(context)))
    }
}

/// Where the main context is.
enum Main {
    Stdin,
    Directory,
    Remote(ContextSource),
}

fn main_context(args: &Args) -> Result<Main> {
    let text = args.context.to_string_lossy();
    if text == "-" {
        return Ok(Main::Stdin);
    }
    if args.context.is_dir() {
        return Ok(Main::Directory);
    }
    match remote(&text)? {
        Some(context) => Ok(Main::Remote(context)),
        None => bail!("the context `{text}` is not a directory"),
    }
}

/// A context that is reached by its address: a repository, or a file on a web server.
fn remote(text: &str) -> Result<Option<ContextSource>> {
    let git = GitSource::parse_context(text).with_context(|| format!("cannot use the context `{text}`"))?;
    if let Some(git) = git {
        return Ok(Some(ContextSource::Git(git)));
    }
    let url = http_address(Path::new(text));
    Ok(url.map(|url| ContextSource::Archive(archive(ArchiveSource::Url(url.to_owned())))))
}

fn archive(source: ArchiveSource) -> ArchiveOp {
    ArchiveOp { source, name: "context".to_owned(), unpack: true }
}

fn http_address(path: &Path) -> Option<&str> {
    path.to_str().filter(|text| text.starts_with("http://") || text.starts_with("https://"))
}

/// A Dockerfile that lies alone at an address.
fn dockerfile_at(url: &str) -> Fetch {
    let source = ArchiveSource::Url(url.to_owned());
    let context = ArchiveOp { source, name: "Dockerfile".to_owned(), unpack: false };
    Fetch { context: ContextSource::Archive(context), path: None }
}

fn dockerfile_path(args: &Args) -> Result<PathBuf> {
    if let Some(file) = &args.file {
        return Ok(file.clone());
    }
    for name in ["Dockerfile", "dockerfile"] {
        let path = args.context.join(name);
        if path.exists() {
            return Ok(path);
        }
    }
    bail!("there is no Dockerfile in `{}`; name another file with `--file`", args.context.display())
}

fn read_dockerfile(name: &str, reader: &mut dyn Read) -> Result<SourceFile> {
    let mut bytes = Vec::new();
    reader
        .take(LARGEST_DOCKERFILE + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read the Dockerfile `{name}`"))?;
    if bytes.len() as u64 > LARGEST_DOCKERFILE {
        bail!("the Dockerfile `{name}` is larger than 16 MiB");
    }
    Ok(SourceFile::from_bytes_lossy(name, &bytes))
}

/// A directory as a context, with its ignore file.
fn local(directory: &Path, dockerfile: Option<&Path>) -> Result<LocalContext> {
    let file = ignore_file::read(directory, dockerfile)?;
    let ignore = file.as_ref().map(ignore_file::parse).transpose()?.unwrap_or_default();
    let ignore_name = match &file {
        Some(file) => file.name().to_owned(),
        None => directory.join(".dockerignore").display().to_string(),
    };
    Ok(LocalContext { path: directory.to_owned(), ignore: Arc::new(ignore), ignore_name })
}

/// The lock, unless it is not wanted.
fn lock(args: &Args, path: Option<&Path>) -> Result<Option<LockFile>> {
    if args.no_lock {
        return Ok(None);
    }
    let read = path.map(|path| anyhow::Ok((path, lock_file::read(path)?))).transpose()?;
    match read {
        Some((path, Some(lock))) => {
            Ok(Some(LockFile { path: path.display().to_string(), lock, required: args.locked }))
        }
        Some((path, None)) if args.locked => {
            bail!("`--locked` needs `{}`, which is not there; `plimsoll lock` makes it", path.display())
        }
        None if args.locked => {
            bail!("`--locked` needs a `plimsoll.lock`, and a context that is fetched has none")
        }
        _ => Ok(None),
    }
}

fn named_contexts(
    args: &Args,
    project: Option<(ProjectConfig, PathBuf)>,
) -> Result<BTreeMap<String, ContextSource>> {
    let mut contexts = BTreeMap::new();
    if let Some((project, directory)) = project {
        for (name, value) in project.contexts {
            contexts.insert(name.clone(), named(&name, &value, &directory)?);
        }
    }
    for context in &args.build_contexts {
        let (name, value) = context
            .split_once('=')
            .filter(|(name, value)| !name.is_empty() && !value.is_empty())
            .with_context(|| format!("`--build-context {context}` is not of the form `NAME=VALUE`"))?;
        contexts.insert(name.to_owned(), named(name, value, Path::new("."))?);
    }
    Ok(contexts)
}

fn named(name: &str, value: &str, directory: &Path) -> Result<ContextSource> {
    let image = name.split_once("::").map_or(name, |(name, _)| name);
    if let Err(error) = image.parse::<Reference>() {
        bail!("`{name}` is not the name of a context, which is as that of an image: {error}");
    }
    if let Some(context) = remote(value).with_context(|| format!("context `{name}`"))? {
        return Ok(context);
    }
    if let Some(layout) = value.strip_prefix(OCI_LAYOUT) {
        return oci_layout(layout, directory).with_context(|| format!("context `{name}`"));
    }
    if value.starts_with("docker-image://") || value.starts_with("debian://") {
        return Ok(ContextSource::Image(value.to_owned()));
    }
    if let Some(target) = value.strip_prefix("target:") {
        bail!("context `{name}`: `{target}` is a target of a bake file; build it with `plimsoll bake`");
    }
    if let Some((scheme, _)) = value.split_once("://") {
        bail!(
            "context `{name}`: addresses of the kind `{scheme}://` are not known; use a directory, a git or http address, \
             `docker-image://NAME`, `oci-layout://DIRECTORY` or `debian://SUITE?packages=…`"
        );
    }
    let path = directory.join(value);
    if !path.is_dir() {
        bail!("context `{name}`: `{}` is not a directory", path.display());
    }
    Ok(ContextSource::Directory(local(&path, None)?))
}

/// `DIRECTORY[:TAG][@DIGEST]`.
fn oci_layout(text: &str, directory: &Path) -> Result<ContextSource> {
    let (path, digest) = match text.split_once('@') {
        Some((path, digest)) => (path, Some(digest.parse::<Digest>()?)),
        None => (text, None),
    };
    let (path, tag) = match path.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')) {
        Some((path, tag)) => (path, Some(tag.to_owned())),
        None => (path, None),
    };
    let path = directory.join(path);
    if !path.join("index.json").is_file() {
        bail!("`{}` is no OCI layout: it has no index.json", path.display());
    }
    Ok(ContextSource::Layout { directory: path, tag, digest })
}
