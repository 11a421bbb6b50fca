//! RUN: a command in the sandbox, over a stack of layers, into a new one.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use plimsoll_graph::{CacheSharing, ExecOp, InlineFile, MountKind, NetworkMode, SecurityMode};
use plimsoll_layer::{ChainIndex, Found, Kind, LayerIndex, Owners, ScanOptions, Timestamp, scan_upper};
use plimsoll_sandbox::{ExitStatus, MountSource, Network, OwnerTable, Security, Stdio, Step, StepMount};
use plimsoll_snapshot::Snapshots;
use plimsoll_solver::{Cancel, EventKind, EventSink, Stream};
use plimsoll_store::{CacheMount, LayerDraft, LayerId, Sharing, Store};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{AtFlags, CWD, Gid, Mode, Timespec, Timestamps, Uid, chmod, chown, utimensat};

use crate::agent::Passage;
use crate::changeset::{Changeset, NewDirectory};
use crate::devices::{self, Devices, FoundDevice, Given};
use crate::error::ExecuteError;
use crate::kept;
use crate::log::{Log, Mask};
use crate::owner::{Identity, identity};
use crate::settings::{SecretSource, Settings};
use crate::stubs::Stubs;
use crate::tree::Tree;

/// The host name that commands see.
const HOSTNAME: &str = "buildkitsandbox";
/// Where a bundle of certificates appears; the path is in no image, because a mount leaves nothing behind.
const CA_BUNDLE: &str = "/run/plimsoll/ca-certificates.crt";
/// Variables by which programs are told of a bundle of certificates.
const CA_VARIABLES: [&str; 9] = [
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "PIP_CERT",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    "CARGO_HTTP_CAINFO",
    "AWS_CA_BUNDLE",
    "NIX_SSL_CERT_FILE",
];

/// One command with everything it needs.
pub(crate) struct Command<'a> {
    pub(crate) op: &'a ExecOp,
    pub(crate) settings: &'a Settings,
    pub(crate) store: &'a Store,
    pub(crate) snapshots: &'a Snapshots,
    /// The layers below, bottom first, all unpacked.
    pub(crate) base: &'a ChainIndex,
    pub(crate) chain: &'a [LayerId],
    /// For each mount that has an input: that input's files.
    pub(crate) inputs: &'a BTreeMap<usize, MountInput<'a>>,
    /// Cache mounts, held for as long as the command runs, in the order of the op's mounts.
    pub(crate) caches: &'a BTreeMap<usize, CacheMount>,
    pub(crate) secrets: &'a BTreeMap<String, Vec<u8>>,
    pub(crate) vertex: usize,
    /// For people.
    pub(crate) name: &'a str,
    pub(crate) events: &'a dyn EventSink,
    pub(crate) log: PathBuf,
    pub(crate) cancel: &'a Cancel,
}

/// What a bind mount shows.
pub(crate) enum MountInput<'a> {
    /// A path in a directory of the caller's. What the ignore file hides must not be seen: the files are copied.
    Context(&'a Tree),
    /// A path in a stack of unpacked layers, bottom first.
    Layers { chain: &'a [LayerId], index: &'a ChainIndex },
    /// A copy of what a context showed to a command that failed.
    Kept(PathBuf),
}

/// Where a command writes, and where overlayfs works.
pub(crate) struct Place {
    pub(crate) upper: PathBuf,
    pub(crate) work: PathBuf,
}

/// Locks the cache mounts of a step, always in the order of their ids, so that two steps never wait for each other.
pub(crate) fn cache_mounts(
    op: &ExecOp,
    store: &Store,
    owners: Owners,
    cancel: &Cancel,
    fill: &mut dyn FnMut(usize, &Path) -> Result<(), ExecuteError>,
) -> Result<BTreeMap<usize, CacheMount>, ExecuteError> {
    let mut wanted: Vec<_> = op
        .mounts
        .iter()
        .enumerate()
        .filter_map(|(place, mount)| match &mount.kind {
            MountKind::Cache { id, sharing, mode, uid, gid, .. } => {
                let sharing = match sharing {
                    CacheSharing::Shared => Sharing::Shared,
                    CacheSharing::Private => Sharing::Private,
                    CacheSharing::Locked => Sharing::Locked,
                };
                Some((place, id.as_str(), sharing, (*mode, *uid, *gid)))
            }
            _ => None,
        })
        .collect();
    wanted.sort_unstable_by_key(|(place, id, ..)| (*id, *place));
    let mut mounts = BTreeMap::new();
    for (place, id, sharing, (mode, uid, gid)) in wanted {
        let mut wait =
            |_| if cancel.is_raised() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        let mut failure = None;
        let mut fill = |path: &Path| {
            if let Err(error) = fill(place, path) {
                failure = Some(error);
                return Err(io::Error::other("the cache mount could not be filled"));
            }
            match owners {
                Owners::Real => chown(path, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?,
                Owners::Recorded => {}
            }
            Ok(chmod(path, Mode::from_raw_mode(mode))?)
        };
        let mount = store.cache_mount(id, sharing, &mut wait, &mut fill);
        if let Some(failure) = failure {
            return Err(failure);
        }
        mounts.insert(place, mount?);
    }
    Ok(mounts)
}

/// Runs the command; gives the index of what it left in the draft.
pub(crate) fn run(command: &Command<'_>, draft: &LayerDraft) -> Result<LayerIndex, ExecuteError> {
    let user = identity(command.base, &command.op.user)?;
    let scratch = command.store.temporary_directory()?;
    let kept_directories = keep_directories(command, &draft.fs())?;
    let place = Place { upper: draft.fs(), work: draft.work() };
    let Prepared { step, mut stubs, passages } = step(command, &place, &user, &scratch, None)?;
    stubs.retain(|path| !kept_directories.contains(path));
    let secrets = command.op.mounts.iter().filter_map(|mount| match &mount.kind {
        MountKind::Secret { id, .. } => command.secrets.get(id).map(Vec::as_slice),
        _ => None,
    });
    let log = Log::create(&command.log, command.vertex, command.events, Mask::new(secrets))
        .map_err(|source| ExecuteError::Write { path: command.log.clone(), source })?;
    let room = || Ok(command.snapshots.ensure_room(0)?);
    let outcome = run_step(&step, &log, command.cancel, &room);
    drop(passages);
    let (tail, path) =
        log.finish().map_err(|source| ExecuteError::Write { path: command.log.clone(), source })?;
    let Ended { status, out_of_memory, owners } = outcome?;
    if command.cancel.is_raised() {
        return Err(ExecuteError::Cancelled);
    }
    if !status.success() {
        kept::keep(command, command.name, &draft.fs(), &scratch);
        let command = command.op.args.join(" ");
        return Err(ExecuteError::Failed { command, status, out_of_memory, tail, log: path });
    }
    remove_stubs(&stubs, &draft.fs())?;
    let index = scan(command, draft, &owners)?;
    // Only what a mount wrote is in there; a failure to remove it costs space until this process ends.
    let _left_for_the_sweep = std::fs::remove_dir_all(&scratch);
    Ok(index)
}

fn scan(command: &Command<'_>, draft: &LayerDraft, owners: &OwnerTable) -> Result<LayerIndex, ExecuteError> {
    use std::os::unix::ffi::OsStrExt;
    let side = owners
        .owners
        .iter()
        .map(|(path, owner)| (path.as_os_str().as_bytes().to_vec(), *owner))
        .collect::<BTreeMap<_, _>>();
    let options = ScanOptions {
        xattr_namespace: command.settings.xattr_namespace,
        owners: command.settings.owners,
        base: Some(command.base),
        side_owners: Some(&side),
    };
    scan_upper(&draft.fs(), &options).map_err(|source| ExecuteError::Layer { source })
}

/// How a command ended, and what it left beside its files.
struct Ended {
    status: ExitStatus,
    out_of_memory: bool,
    owners: OwnerTable,
}

/// Runs the step to its end, or until it is cancelled, or until `room` says that the disk is full.
fn run_step(
    step: &Step,
    log: &Log<'_>,
    cancel: &Cancel,
    room: &dyn Fn() -> Result<(), ExecuteError>,
) -> Result<Ended, ExecuteError> {
    let pipe = || rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC);
    let failed = |source: rustix::io::Errno| ExecuteError::Read {
        path: "the command's output".to_owned(),
        source: source.into(),
    };
    let (stdout, stdout_writer) = pipe().map_err(failed)?;
    let (stderr, stderr_writer) = pipe().map_err(failed)?;
    let null = File::open("/dev/null")
        .map_err(|source| ExecuteError::Read { path: "/dev/null".to_owned(), source })?;
    std::thread::scope(|scope| {
        let pump = |output: OwnedFd, stream| scope.spawn(move || log.pump(output, stream));
        let pumps = [pump(stdout, Stream::Stdout), pump(stderr, Stream::Stderr)];
        let stdio = Stdio { stdin: null.into(), stdout: stdout_writer, stderr: stderr_writer };
        let child = step.spawn(stdio).map_err(|source| ExecuteError::Sandbox { source });
        let outcome = child.and_then(|mut child| {
            let mut ready =
                [PollFd::from_borrowed_fd(child.pidfd(), PollFlags::IN), PollFd::new(cancel, PollFlags::IN)];
            let full = loop {
                let tick = rustix::time::Timespec { tv_sec: 1, tv_nsec: 0 };
                match poll(&mut ready, Some(&tick)) {
                    Ok(0) => match room() {
                        Ok(()) => {}
                        Err(error) => break Some(error),
                    },
                    Err(rustix::io::Errno::INTR) => {}
                    Ok(_) | Err(_) => break None,
                }
            };
            if full.is_some() || ready[1].revents().contains(PollFlags::IN) {
                child.kill();
            }
            let status = child.wait().map_err(|source| ExecuteError::Sandbox { source })?;
            let out_of_memory = child.ran_out_of_memory();
            let owners = child.owners().map_err(|source| ExecuteError::Sandbox { source })?;
            full.map_or(Ok(Ended { status, out_of_memory, owners }), Err)
        });
        for pump in pumps {
            let pumped = pump.join().expect("a thread that reads a log does not panic");
            pumped
                .map_err(|source| ExecuteError::Read { path: "the command's output".to_owned(), source })?;
        }
        outcome
    })
}

/// A command, ready to be run.
pub(crate) struct Prepared {
    pub(crate) step: Step,
    /// Paths that are only there for something to be mounted on.
    pub(crate) stubs: Vec<Vec<u8>>,
    /// Ways to agents, which must stay open while it runs.
    pub(crate) passages: Vec<Passage>,
}

/// The step that a command is. `more` is mounted besides.
pub(crate) fn step(
    command: &Command<'_>,
    place: &Place,
    user: &Identity,
    scratch: &Path,
    more: Option<StepMount>,
) -> Result<Prepared, ExecuteError> {
    let (op, settings) = (command.op, command.settings);
    let stub_directory = scratch.join("stubs");
    make(&stub_directory)?;
    let mut stubs = Stubs::new(command.base, &stub_directory, settings.owners);
    for directory in ["/dev", "/proc", "/sys", op.cwd.as_str()] {
        stubs.mount_point(directory, true)?;
    }
    let mut mounts = vec![
        data(&mut stubs, "/etc/resolv.conf", &settings.resolv_conf, 0o644)?,
        data(&mut stubs, "/etc/hosts", &settings.hosts(), 0o644)?,
    ];
    if let Some(bundle) = &settings.ca_bundle {
        mounts.push(StepMount { read_only: true, ..data(&mut stubs, CA_BUNDLE, bundle, 0o444)? });
    }
    for (place, file) in op.files.iter().enumerate() {
        mounts.push(script(&mut stubs, file, &scratch.join(format!("script-{place}")))?);
    }
    let mut environment: Vec<(String, Vec<u8>)> =
        op.env.iter().chain(&op.proxy_env).map(|(k, v)| (k.clone(), v.clone().into_bytes())).collect();
    let mut passages = Vec::new();
    for (place, mount) in op.mounts.iter().enumerate() {
        if let MountKind::Secret { id, variable: Some(variable), .. } = &mount.kind
            && let Some(value) = command.secrets.get(id)
        {
            environment.push((variable.clone(), value.clone()));
        }
        if !mount.target.is_empty()
            && let Some(step_mount) = step_mount(command, place, &mut stubs, scratch, &mut passages)?
        {
            mounts.push(step_mount);
        }
    }
    let mut groups = user.groups.clone();
    let given = given_devices(command)?;
    for mount in given.mounts {
        let target = stubs.mount_point_in_dev(&mount.target, mount.is_directory)?;
        mounts.push(StepMount { source: mount.source, target, read_only: mount.read_only });
    }
    for (name, value) in given.env {
        environment.retain(|(key, _)| *key != name);
        environment.push((name, value.into_bytes()));
    }
    groups.extend(given.groups);
    if let Some(more) = more {
        let target = stubs.mount_point(&more.target.to_string_lossy(), false)?;
        mounts.push(StepMount { target, ..more });
    }
    let mut default = |name: &str, value: &str| {
        if !environment.iter().any(|(key, _)| key == name) {
            environment.push((name.to_owned(), value.as_bytes().to_vec()));
        }
    };
    default("HOME", &user.home);
    if settings.ca_bundle.is_some() {
        CA_VARIABLES.iter().for_each(|name| default(name, CA_BUNDLE));
    }
    let made = stubs.made();
    let stubs = stubs.finish()?;
    let lowers = command.chain.iter().rev().map(|layer| command.store.layer_fs(layer));
    let mut lowers: Vec<PathBuf> = stubs.into_iter().chain(lowers).collect();
    if lowers.is_empty() {
        // An overlay needs a lower directory, and an image from scratch has none.
        lowers.push(stub_directory);
    }
    let step = Step {
        lowers,
        upper: place.upper.clone(),
        work: place.work.clone(),
        mounts,
        argv: op.args.iter().map(OsString::from).collect(),
        env: environment.into_iter().map(|(key, value)| (key.into(), os(value))).collect(),
        cwd: resolved(command.base, &op.cwd)?,
        uid: user.uid,
        gid: user.gid,
        groups,
        hostname: op.hostname.clone().unwrap_or_else(|| HOSTNAME.to_owned()),
        network: if op.network == NetworkMode::None { Network::None } else { Network::Host },
        security: match op.security {
            SecurityMode::Sandbox => Security::Sandbox,
            SecurityMode::Insecure => Security::Insecure,
        },
        no_new_privileges: settings.limits.no_new_privileges,
        shm_size: settings.limits.shm_size,
        resource_limits: settings.limits.resources.clone(),
        control_limits: settings.limits.control.clone(),
        identity: settings.identity,
    };
    Ok(Prepared { step, stubs: made, passages })
}

/// What the devices that the command asks for need. One that may be absent and is absent is skipped.
fn given_devices(command: &Command<'_>) -> Result<Given, ExecuteError> {
    let requests = &command.op.devices;
    if requests.is_empty() {
        return Ok(Given::default());
    }
    let devices = Devices::read(&command.settings.device_directories);
    let mut found = Vec::new();
    for request in requests {
        let named = devices.find(&request.name);
        if named.is_empty() {
            let error = devices.missing(&request.name);
            if request.required {
                return Err(error.into());
            }
            let text = format!("plimsoll: {error}; the command runs without it");
            command.events.send(EventKind::Log { vertex: command.vertex, stream: Stream::Stderr, text });
        }
        for device in named {
            if !found.iter().any(|known: &FoundDevice<'_>| known.name() == device.name()) {
                found.push(device);
            }
        }
    }
    Ok(devices::give(&found)?)
}

fn step_mount(
    command: &Command<'_>,
    place: usize,
    stubs: &mut Stubs<'_>,
    scratch: &Path,
    passages: &mut Vec<Passage>,
) -> Result<Option<StepMount>, ExecuteError> {
    let mount = &command.op.mounts[place];
    let target = mount.target.as_str();
    let (source, is_directory, read_only) = match &mount.kind {
        MountKind::Bind { source, read_write, .. } => {
            let input = command.inputs.get(&place).expect("every bind mount has its input");
            let (source, is_directory) = bind(command, input, source, &bind_directory(scratch, place))?;
            (source, is_directory, !read_write)
        }
        MountKind::Cache { read_only, .. } => {
            let cache = command.caches.get(&place).expect("every cache mount is held");
            (MountSource::Bind(cache.directory().to_owned()), true, *read_only)
        }
        MountKind::Tmpfs { size } => {
            // It has the mode of the directory that it hides.
            let mode = stubs.mode_at(target).unwrap_or(0o1777);
            (MountSource::Tmpfs { size: *size, mode }, true, false)
        }
        MountKind::Secret { id, mode, uid, gid, required, .. } => match command.secrets.get(id) {
            Some(value) => {
                let source = MountSource::Data { bytes: value.clone(), mode: *mode, uid: *uid, gid: *gid };
                (source, false, true)
            }
            None if *required => return Err(ExecuteError::SecretMissing { id: id.clone() }),
            None => return Ok(None),
        },
        MountKind::Ssh { id, required, mode, uid, gid } => match command.settings.ssh_agents.get(id) {
            Some(agent) => {
                let path = scratch.join(format!("agent-{place}"));
                let owners = command.settings.owners;
                let passage = Passage::open(&path, agent.clone(), *mode, (*uid, *gid), owners);
                passages.push(passage.map_err(|source| ExecuteError::Write { path: path.clone(), source })?);
                (MountSource::Socket(path), false, false)
            }
            None if *required => return Err(ExecuteError::SshMissing { id: id.clone() }),
            None => return Ok(None),
        },
    };
    let target = stubs.mount_point(target, is_directory)?;
    Ok(Some(StepMount { source, target, read_only }))
}

/// The source of a bind mount, and whether it is a directory.
fn bind(
    command: &Command<'_>,
    input: &MountInput<'_>,
    source: &str,
    scratch: &Path,
) -> Result<(MountSource, bool), ExecuteError> {
    let missing = || ExecuteError::SourceMissing { path: source.to_owned() };
    let resolve = |index: &ChainIndex| -> Result<(Vec<u8>, bool), ExecuteError> {
        let resolved =
            index.resolve(source.as_bytes(), true).map_err(|source| ExecuteError::Resolve { source })?;
        let found = resolved.found.ok_or_else(missing)?;
        Ok((resolved.path, found.entry.is_directory()))
    };
    make(scratch)?;
    let (upper, work) = (scratch.join("upper"), scratch.join("work"));
    make(&upper)?;
    make(&work)?;
    match input {
        MountInput::Layers { chain, index } => {
            let (path, is_directory) = resolve(index)?;
            let mut lowers: Vec<_> = chain.iter().rev().map(|layer| command.store.layer_fs(layer)).collect();
            if lowers.is_empty() {
                let empty = scratch.join("empty");
                make(&empty)?;
                lowers.push(empty);
            }
            let path = Path::new("/").join(os(path));
            Ok((MountSource::Overlay { lowers, upper, work, path }, is_directory))
        }
        MountInput::Context(tree) => {
            let (path, is_directory) = resolve(&tree.index)?;
            let copy = scratch.join(COPY);
            make(&copy)?;
            let threads = command.settings.threads;
            copy_context(tree, &path, copy.clone(), command.settings.owners, threads)?;
            let path = Path::new("/").join(os(path));
            Ok((MountSource::Overlay { lowers: vec![copy], upper, work, path }, is_directory))
        }
        MountInput::Kept(copy) => {
            let path = Path::new("/").join(source);
            let is_directory = copy.join(source).is_dir();
            Ok((MountSource::Overlay { lowers: vec![copy.clone()], upper, work, path }, is_directory))
        }
    }
}

/// Where a bind mount has its directories.
fn bind_directory(scratch: &Path, place: usize) -> PathBuf {
    scratch.join(format!("bind-{place}"))
}

/// The name of the directory that a context is copied to.
const COPY: &str = "copy";

/// What a command saw of a context.
pub(crate) fn context_copy(scratch: &Path, place: usize) -> PathBuf {
    bind_directory(scratch, place).join(COPY)
}

/// Copies one path of a context, with everything below it, to where a step may see it.
fn copy_context(
    tree: &Tree,
    path: &[u8],
    directory: PathBuf,
    owners: Owners,
    threads: std::num::NonZeroUsize,
) -> Result<(), ExecuteError> {
    let nothing = ChainIndex::default();
    let mut changes = Changeset::new(&nothing, directory, owners, std::collections::BTreeSet::new());
    let mut put = |found: Found<'_>| {
        let entry = plimsoll_layer::Entry { uid: 0, gid: 0, ..found.entry.clone() };
        if entry.is_directory() {
            return changes.put_directory(entry);
        }
        changes.put(entry, tree, 0, found, false)
    };
    let parents = (0..path.len()).filter(|place| path[*place] == b'/').map(|end| &path[..end]);
    for parent in parents.chain([path]).filter(|path| !path.is_empty()) {
        tree.index.lookup(parent).map_or(Ok(()), &mut put)?;
    }
    if tree.index.lookup(path).is_none_or(|found| matches!(found.entry.kind, Kind::Directory { .. })) {
        tree.index.walk(path).into_iter().try_for_each(&mut put)?;
    }
    changes.finish(threads).map(drop)
}

fn data(stubs: &mut Stubs<'_>, target: &str, bytes: &[u8], mode: u32) -> Result<StepMount, ExecuteError> {
    let target = stubs.mount_point(target, false)?;
    let source = MountSource::Data { bytes: bytes.to_vec(), mode, uid: 0, gid: 0 };
    Ok(StepMount { source, target, read_only: false })
}

/// A script that is run by its name: files of [`data`] may not be run.
fn script(stubs: &mut Stubs<'_>, file: &InlineFile, path: &Path) -> Result<StepMount, ExecuteError> {
    let write = || {
        std::fs::write(path, &file.text)?;
        chmod(path, Mode::from_raw_mode(file.mode))?;
        Ok(())
    };
    write().map_err(|source| ExecuteError::Write { path: path.to_owned(), source })?;
    let target = stubs.mount_point(&file.path, false)?;
    Ok(StepMount { source: MountSource::Bind(path.to_owned()), target, read_only: true })
}

/// Makes the directories that every container has part of the layer, where the image lacks them: programs in an image
/// from scratch find `/proc` there afterwards, as with every other builder.
fn keep_directories(command: &Command<'_>, layer: &Path) -> Result<BTreeSet<Vec<u8>>, ExecuteError> {
    let (base, owners) = (command.base, command.settings.owners);
    let mut changes = Changeset::new(base, layer.to_owned(), owners, BTreeSet::new());
    let now = Timestamp::from_seconds(plimsoll_store::Timestamp::now().seconds);
    let new = NewDirectory::at(now);
    for directory in ["/dev", "/proc", "/sys", command.op.cwd.as_str()] {
        let resolved =
            base.resolve(directory.as_bytes(), true).map_err(|source| ExecuteError::Resolve { source })?;
        if resolved.found.is_none() {
            changes.ensure_directory(&resolved.path, new)?;
        }
    }
    let kept = changes.paths().map(<[u8]>::to_vec).collect();
    changes.finish(std::num::NonZeroUsize::MIN)?;
    Ok(kept)
}

/// Takes away what was only made to mount something on, as far as the step left it empty: a step that worked in such a
/// directory has it in its layer. `made` has parents first.
fn remove_stubs(made: &[Vec<u8>], layer: &Path) -> Result<(), ExecuteError> {
    for path in made.iter().rev() {
        let path = layer.join(os(path.clone()));
        let remove = || -> io::Result<()> {
            let Ok(metadata) = path.symlink_metadata() else { return Ok(()) };
            let parent = path.parent().unwrap_or(layer);
            let before = rustix::fs::stat(parent)?;
            if metadata.is_dir() && path.read_dir()?.next().is_none() {
                std::fs::remove_dir(&path)?;
            } else if metadata.is_file() && metadata.len() == 0 {
                std::fs::remove_file(&path)?;
            } else {
                return Ok(());
            }
            let time = |tv_sec, tv_nsec: u64| Timespec { tv_sec, tv_nsec: tv_nsec.cast_signed() };
            let times = Timestamps {
                last_access: time(before.st_atime, before.st_atime_nsec),
                last_modification: time(before.st_mtime, before.st_mtime_nsec),
            };
            Ok(utimensat(CWD, parent, &times, AtFlags::empty())?)
        };
        remove().map_err(|source| ExecuteError::Write { path: path.clone(), source })?;
    }
    Ok(())
}

fn resolved(base: &ChainIndex, path: &str) -> Result<PathBuf, ExecuteError> {
    let resolved = base.resolve(path.as_bytes(), true).map_err(|source| ExecuteError::Resolve { source })?;
    Ok(Path::new("/").join(os(resolved.path)))
}

/// The values of the secrets that a command mounts, as far as they were given.
pub(crate) fn secrets(op: &ExecOp, settings: &Settings) -> Result<BTreeMap<String, Vec<u8>>, ExecuteError> {
    let mut values = BTreeMap::new();
    for mount in &op.mounts {
        let MountKind::Secret { id, .. } = &mount.kind else { continue };
        let value = match settings.secrets.get(id) {
            None => continue,
            Some(SecretSource::Value(value)) => value.clone(),
            Some(SecretSource::File(path)) => std::fs::read(path)
                .map_err(|source| ExecuteError::SecretUnreadable { id: id.clone(), source })?,
        };
        values.insert(id.clone(), value);
    }
    Ok(values)
}

pub(crate) fn make(path: &Path) -> Result<(), ExecuteError> {
    std::fs::create_dir(path).map_err(|source| ExecuteError::Write { path: path.to_owned(), source })
}

fn os(bytes: Vec<u8>) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes)
}
