//! Contexts: what the graph is told of them, and the Dockerfile of one that is not at hand as a directory.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Mutex;

use plimsoll_diagnostics::SourceFile;
use plimsoll_executor::{LocalContext, RemoteSources, SecretSource, SshAgent, Worker};
use plimsoll_graph::{
    ArchiveOp, ArchiveSource, GitSource, Graph, MAIN_CONTEXT, NamedContext, Op, Vertex, without_login,
};
use plimsoll_layer::{ChainIndex, DirectoryContent, open_archive};
use plimsoll_oci::Platform;
use plimsoll_solver::{EventKind, Problem, SolveError, solve};

use crate::bases::{LAYOUT, TARGET};
use crate::builder::Environment;
use crate::error::BuildError;
use crate::failure::interruption;
use crate::remote::Remote;
use crate::request::{BuildRequest, ContextSource};

/// A Dockerfile larger than this many bytes is none.
const LARGEST_DOCKERFILE: u64 = 16 << 20;

/// What the graph is told of the main context.
pub(crate) fn main(request: &BuildRequest) -> NamedContext {
    let keep = request.build_args.get("BUILDKIT_CONTEXT_KEEP_GIT_DIR").map(String::as_str);
    match &request.context {
        Some(ContextSource::Git(git)) => NamedContext::Git(with_git_dir(git, keep)),
        Some(source) => graph_context(MAIN_CONTEXT, source),
        None => NamedContext::Directory,
    }
}

fn with_git_dir(git: &GitSource, argument: Option<&str>) -> GitSource {
    let asked = matches!(argument, Some("1" | "t" | "T" | "true" | "TRUE" | "True"));
    GitSource { keep_git_dir: git.keep_git_dir || asked, ..git.clone() }
}

/// What the graph is told of named contexts.
pub(crate) fn named(request: &BuildRequest) -> BTreeMap<String, NamedContext> {
    request.named_contexts.iter().map(|(name, source)| (name.clone(), graph_context(name, source))).collect()
}

pub(crate) fn graph_context(name: &str, source: &ContextSource) -> NamedContext {
    match source {
        ContextSource::Directory(_) => NamedContext::Directory,
        ContextSource::Git(git) => NamedContext::Git(git.clone()),
        ContextSource::Archive(archive) => NamedContext::Archive(archive.clone()),
        ContextSource::Image(reference) => NamedContext::Image { reference: reference.clone() },
        // These are found again by their name, which the address carries.
        ContextSource::Layout { .. } => NamedContext::Image { reference: format!("{LAYOUT}{name}") },
        ContextSource::Target { .. } => NamedContext::Image { reference: format!("{TARGET}{name}") },
    }
}

/// The contexts that are directories.
pub(crate) fn directories(request: &BuildRequest) -> BTreeMap<String, LocalContext> {
    let main = request.context.iter().map(|context| (MAIN_CONTEXT, context));
    let named = request.named_contexts.iter().map(|(name, source)| (name.as_str(), source));
    main.chain(named)
        .filter_map(|(name, source)| match source {
            ContextSource::Directory(context) => Some((name.to_owned(), context.clone())),
            _ => None,
        })
        .collect()
}

/// The Dockerfile in a context that must be fetched first.
pub struct RemoteDockerfile<'a> {
    /// The context: a repository or an archive.
    pub context: &'a ContextSource,
    /// Its path in the context; without it the usual names.
    pub path: Option<&'a str>,
    /// `--build-arg`: one of them says that `.git` is kept.
    pub build_args: &'a BTreeMap<String, String>,
    /// `--secret`: tokens may be among them.
    pub secrets: &'a BTreeMap<String, SecretSource>,
    /// `--ssh`.
    pub ssh_agents: &'a BTreeMap<String, SshAgent>,
}

/// Fetches a context and reads its Dockerfile.
pub(crate) fn dockerfile(
    environment: &Environment,
    wanted: &RemoteDockerfile<'_>,
) -> Result<SourceFile, BuildError> {
    let mut settings = environment.settings.clone();
    settings.secrets.clone_from(wanted.secrets);
    settings.ssh_agents.clone_from(wanted.ssh_agents);
    let remote = Remote::new(environment, &settings);
    let store = environment.snapshots.store();
    let (op, shown) = match wanted.context {
        ContextSource::Git(git) => {
            let keep = wanted.build_args.get("BUILDKIT_CONTEXT_KEEP_GIT_DIR").map(String::as_str);
            let git = with_git_dir(git, keep);
            let shown = git.to_string();
            (Op::Git(git), shown)
        }
        ContextSource::Archive(archive) => {
            let (digest, shown) = match &archive.source {
                ArchiveSource::Blob(digest) => (*digest, "-".to_owned()),
                ArchiveSource::Url(url) => {
                    let shown = without_login(url);
                    let file = remote
                        .fetch(url, None)
                        .map_err(|source| BuildError::Context { address: shown.clone(), source })?;
                    (file.digest, shown)
                }
            };
            let failed = |source: std::io::Error| BuildError::Context {
                address: shown.clone(),
                source: source.into(),
            };
            let open = || store.open_blob(&digest);
            if open_archive(Box::new(open()?)).map_err(failed)?.is_none() {
                // What is no archive is the Dockerfile itself.
                return read(&shown, &mut open()?).map_err(failed);
            }
            (Op::Archive(ArchiveOp { source: ArchiveSource::Blob(digest), ..archive.clone() }), shown)
        }
        _ => return Err(BuildError::Context { address: "-".to_owned(), source: "it is not remote".into() }),
    };
    let chain = bring(environment, &settings, &remote, op, &shown)?;
    let snapshots = &environment.snapshots;
    snapshots.materialise(&chain)?;
    let failed = |reason: String| BuildError::Context { address: shown.clone(), source: reason.into() };
    let layer = chain.first().ok_or_else(|| failed("it is empty".to_owned()))?;
    let index = snapshots.index(layer)?.ok_or_else(|| failed("its files are gone".to_owned()))?;
    let index = ChainIndex::new(vec![index]);
    let names = wanted.path.map_or_else(|| vec!["Dockerfile", "dockerfile"], |path| vec![path]);
    let found = names.iter().find_map(|name| {
        let resolved = index.resolve(name.as_bytes(), true).ok()?;
        Some((*name, index.data(resolved.found?)?))
    });
    let Some((name, found)) = found else {
        return Err(failed(format!("it has no file `{}`; name another one with `--file`", names[0])));
    };
    let failed =
        |source: std::io::Error| BuildError::Context { address: shown.clone(), source: source.into() };
    let content = DirectoryContent::open(&store.layer_fs(layer)).map_err(failed)?;
    read(name, &mut content.file(&found.entry.path).map_err(failed)?).map_err(failed)
}

fn read(name: &str, reader: &mut dyn Read) -> std::io::Result<SourceFile> {
    let mut bytes = Vec::new();
    reader.take(LARGEST_DOCKERFILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_DOCKERFILE {
        let reason = format!("the Dockerfile `{name}` is larger than 16 MiB");
        return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, reason));
    }
    Ok(SourceFile::from_bytes_lossy(name, &bytes))
}

/// Brings one source into the store; gives its layers.
fn bring(
    environment: &Environment,
    settings: &plimsoll_executor::Settings,
    remote: &Remote<'_>,
    op: Op,
    shown: &str,
) -> Result<Vec<plimsoll_store::LayerId>, BuildError> {
    let task = format!("load {shown}");
    let name = format!("[internal] load {shown}");
    environment.events.send(EventKind::TaskStarted { task: task.clone(), name: name.clone() });
    let started = std::time::Instant::now();
    let vertex = Vertex {
        op,
        inputs: Vec::new(),
        name,
        span: None,
        stage: None,
        platform: Platform::host(),
        no_cache: false,
    };
    let graph = Graph { vertices: vec![vertex], images: Vec::new() };
    let worker = Worker {
        graph: &graph,
        snapshots: &environment.snapshots,
        settings,
        contexts: &BTreeMap::new(),
        bases: &BTreeMap::new(),
        remote,
        events: &(),
        keys: Mutex::default(),
    };
    let problem = Problem { inputs: vec![Vec::new()], goals: vec![0] };
    let solved = solve(&problem, &worker, &environment.cancel).map_err(|error| match error {
        SolveError::Cancelled => BuildError::Cancelled,
        SolveError::Vertex { error, .. } => interruption(&error)
            .unwrap_or_else(|| BuildError::Context { address: shown.to_owned(), source: error.into() }),
    })?;
    let output = solved.outputs.into_iter().flatten().next().expect("the only vertex was a goal");
    let seconds = started.elapsed().as_secs_f64();
    environment.events.send(EventKind::TaskDone { task, seconds, note: None });
    Ok(output.chain)
}
