//! What a build reads: the Dockerfile, ignore files, contexts.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use plimsoll_build::NamedContextSource;
use plimsoll_diagnostics::SourceFile;
use plimsoll_dockerfile::ignore::IgnoreFile;
use plimsoll_executor::LocalContext;

use super::Args;
use crate::config::{ProjectConfig, is_address};

/// A Dockerfile larger than this many bytes is none.
const LARGEST_DOCKERFILE: u64 = 16 << 20;

/// What was read.
pub(crate) struct Inputs {
    pub(crate) dockerfile: SourceFile,
    pub(crate) context: Option<LocalContext>,
    pub(crate) named_contexts: BTreeMap<String, NamedContextSource>,
}

impl Inputs {
    /// Reads everything that the arguments name.
    pub(crate) fn read(args: &Args) -> Result<Self> {
        let from_stdin = args.context.as_os_str() == "-";
        if from_stdin && args.file.is_some() {
            bail!("the context on standard input must be a Dockerfile; give a directory to use `--file`");
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
        let context = if from_stdin { None } else { Some(local(&args.context, path.as_deref())?) };
        let named_contexts = named_contexts(args, path.as_deref())?;
        Ok(Self { dockerfile, context, named_contexts })
    }
}

fn dockerfile_path(args: &Args) -> Result<PathBuf> {
    if !args.context.is_dir() {
        let text = args.context.to_string_lossy();
        if text.contains("://") || text.starts_with("git@") {
            bail!("the context `{text}` is an address; fetch it first and give the directory");
        }
        bail!("the context `{text}` is not a directory");
    }
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

/// A directory as a context, with its ignore file: `NAME.dockerignore` beside the Dockerfile wins.
fn local(directory: &Path, dockerfile: Option<&Path>) -> Result<LocalContext> {
    let beside = dockerfile.and_then(|path| {
        let name = format!("{}.dockerignore", path.file_name()?.to_string_lossy());
        Some(path.with_file_name(name)).filter(|path| path.is_file())
    });
    let path = beside.unwrap_or_else(|| directory.join(".dockerignore"));
    let name = path.display().to_string();
    let ignore = match std::fs::read(&path) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let (ignore, diagnostics) = IgnoreFile::parse(&text);
            if let Some(first) = diagnostics.iter().find(|diagnostic| diagnostic.is_error()) {
                let source = SourceFile::new(name, text);
                bail!("{}", plimsoll_diagnostics::render(&source, first, false).trim_start_matches("error"));
            }
            ignore
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => IgnoreFile::default(),
        Err(error) => return Err(error).with_context(|| format!("cannot read `{name}`")),
    };
    Ok(LocalContext { path: directory.to_owned(), ignore: Arc::new(ignore), ignore_name: name })
}

fn named_contexts(args: &Args, dockerfile: Option<&Path>) -> Result<BTreeMap<String, NamedContextSource>> {
    let mut contexts = BTreeMap::new();
    let beside = dockerfile.map(|path| match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    });
    let directories: Vec<PathBuf> =
        beside.into_iter().chain(args.context.is_dir().then(|| args.context.clone())).collect();
    if let Some((project, directory)) = ProjectConfig::load(&directories)? {
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

fn named(name: &str, value: &str, directory: &Path) -> Result<NamedContextSource> {
    if is_address(value) {
        return match value.split_once("://") {
            Some(("docker-image" | "debian", _)) => Ok(NamedContextSource::Image(value.to_owned())),
            Some((scheme, _)) => bail!(
                "context `{name}`: addresses of the kind `{scheme}://` are not supported; \
                 use a directory, `docker-image://NAME` or `debian://SUITE?packages=…`"
            ),
            None => unreachable!("an address has `://`"),
        };
    }
    let path = directory.join(value);
    if !path.is_dir() {
        bail!("context `{name}`: `{}` is not a directory", path.display());
    }
    Ok(NamedContextSource::Directory(local(&path, None)?))
}
