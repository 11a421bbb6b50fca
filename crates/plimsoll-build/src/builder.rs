//! The road from a request to an image.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use plimsoll_compose::ComposerOptions;
use plimsoll_diagnostics::{Diagnostic, SourceFile};
use plimsoll_dockerfile::{detect_syntax, parse};
use plimsoll_executor::{Devices, FoundDevice, Output, Settings, Worker};
use plimsoll_export::{Image, ImageSet};
use plimsoll_graph::{
    BaseImage, BaseRequest, Graph, ImagePlan, Lowered, MissingBase, NetworkMode, Op, Request, SecurityMode,
    lower,
};
use plimsoll_oci::{Digest, Platform, Reference};
use plimsoll_registry::BlockingClient;
use plimsoll_snapshot::Snapshots;
use plimsoll_solver::{Cancel, EventKind, EventSink, Problem, SolveError, Solved, solve};
use plimsoll_store::LayerId;

use crate::assemble::{self, Assembled};
use crate::bases::{self, Found};
use crate::check;
use crate::compose::{self, Version};
use crate::contexts::{self, RemoteDockerfile};
use crate::emulation::{NO_EMULATOR, Stopwatch};
use crate::error::{BuildError, NO_BASE_IMAGE, NOT_LOCKED};
use crate::failure::failure;
use crate::git::GitProgram;
use crate::origin::ImageOrigin;
use crate::remote::Remote;
use crate::request::{BaseUse, BuildRequest, BuildResult, Entitlements, PlatformResult};
use crate::sizes;

/// The machine and the user's configuration, as a build sees them.
pub struct Environment {
    /// Layers, blobs and records.
    pub snapshots: Snapshots,
    /// How registries are reached.
    pub client: Arc<BlockingClient>,
    /// How Debian packages are reached.
    pub composer: ComposerOptions,
    /// How repositories are reached; none where there is no git.
    pub git: Option<GitProgram>,
    /// What steps get; logs, secrets and hosts come from each request.
    pub settings: Settings,
    /// Where events go.
    pub events: Arc<dyn EventSink>,
    /// Stops everything.
    pub cancel: Cancel,
}

/// Builds images.
pub struct Builder {
    /// The machine.
    pub environment: Environment,
}

/// What was found out about base images so far.
#[derive(Default)]
pub(crate) struct KnownBases {
    images: BTreeMap<BaseRequest, BaseImage>,
    layers: BTreeMap<Digest, plimsoll_executor::BaseLayers>,
    uses: Vec<BaseUse>,
}

/// Finds out what a name stands for.
pub(crate) type Find<'f> = dyn Fn(&BaseRequest) -> Result<Found, BuildError> + Sync + 'f;

impl Builder {
    /// Composes a base from Debian packages, or asks again for one that is pinned.
    pub fn compose(
        &self,
        spec: &plimsoll_compose::DebianSpec,
        platform: &Platform,
        again: bool,
    ) -> Result<Image, BuildError> {
        let version = if again { Version::New } else { Version::Known };
        compose::base(&self.environment, spec, platform, version).map(|(image, _)| image)
    }

    /// Reads the Dockerfile of a context that is no directory of the caller's.
    pub fn remote_dockerfile(&self, wanted: &RemoteDockerfile<'_>) -> Result<SourceFile, BuildError> {
        contexts::dockerfile(&self.environment, wanted)
    }

    /// Builds what a request asks for.
    pub fn build(&self, request: &BuildRequest) -> Result<BuildResult, BuildError> {
        let epoch = epoch(request)?;
        let is_multi_platform = is_multi_platform(request);
        request.images.iter().try_for_each(|options| options.check(&request.platforms, is_multi_platform))?;
        let parsed = parse(&request.dockerfile);
        if !parsed.is_ok() {
            return Err(BuildError::Diagnostics { diagnostics: parsed.diagnostics });
        }
        check_syntax(request)?;
        let mut known = KnownBases::default();
        let find = |wanted: &BaseRequest| bases::find(&self.environment, request, wanted);
        let target = request.target.as_deref();
        let (graph, lowering) = lower_with(request, &parsed.dockerfile, target, &mut known, &find)?;
        let mut warnings = check::warnings(request, &parsed.dockerfile, &known.images)
            .map_err(|diagnostics| BuildError::Diagnostics { diagnostics })?;
        warnings.extend(parsed.diagnostics.into_iter().chain(lowering).filter(|one| !check::is_linted(one)));
        warnings.sort_by_key(|warning| warning.span);
        check_entitlements(request, &graph, &self.environment.settings.device_directories)?;
        self.announce(request, &graph);
        let stopwatch = Stopwatch::new(&*self.environment.events);
        let (solved, images) = self.solve(request, &graph, &known, epoch, &stopwatch)?;
        for output in solved.outputs.iter().flatten() {
            output.save_context()?;
        }
        let mut platforms = Vec::with_capacity(graph.images.len());
        for plan in &graph.images {
            let chain = root(plan, &solved).chain.clone();
            let layers = if request.layer_sizes {
                sizes::of(&self.environment.snapshots, &graph, &solved.outputs, &chain)?
            } else {
                Vec::new()
            };
            let unpacked_bytes = self.unpacked_bytes(&chain)?;
            platforms.push(PlatformResult { platform: plan.platform.clone(), chain, unpacked_bytes, layers });
        }
        let is_step = |vertex: &&usize| !graph.vertices[**vertex].op.is_source();
        Ok(BuildResult {
            platforms,
            is_multi_platform,
            images,
            targets: graph.images.iter().map(|plan| assemble::target(plan, &solved.outputs, epoch)).collect(),
            warnings,
            bases: known.uses,
            steps_run: solved.ran.iter().filter(is_step).count(),
            steps_cached: solved.cached.iter().filter(is_step).count(),
            emulated: stopwatch.emulated(&graph),
        })
    }

    fn announce(&self, request: &BuildRequest, graph: &Graph) {
        for (number, vertex) in graph.vertices.iter().enumerate() {
            let line = vertex.span.map(|span| request.dockerfile.line_of(span.start));
            self.environment.events.send(EventKind::Vertex {
                vertex: number,
                name: vertex.name.clone(),
                stage: vertex.stage.clone(),
                line,
            });
        }
    }

    /// Solves the graph; when the image then needs bytes that are gone, the steps that made them run again.
    fn solve(
        &self,
        request: &BuildRequest,
        graph: &Graph,
        known: &KnownBases,
        epoch: Option<i64>,
        events: &dyn EventSink,
    ) -> Result<(Solved<Output>, Vec<ImageSet>), BuildError> {
        let environment = &self.environment;
        let store = environment.snapshots.store();
        let mut settings = environment.settings.clone();
        settings.epoch = epoch;
        settings.secrets.clone_from(&request.secrets);
        settings.ssh_agents.clone_from(&request.ssh_agents);
        settings.extra_hosts.clone_from(&request.extra_hosts);
        settings.limits.clone_from(&request.limits);
        settings.logs = store.log_directory(&request.id);
        let contexts = contexts::directories(request);
        let remote = Remote::new(environment, &settings);
        let problem = Problem {
            inputs: graph.vertices.iter().map(|v| v.inputs.iter().map(|input| input.0).collect()).collect(),
            goals: graph.images.iter().map(|plan| plan.root.0).collect(),
        };
        let mut forced: BTreeSet<usize> = BTreeSet::new();
        loop {
            let mut graph = graph.clone();
            for vertex in &forced {
                graph.vertices[*vertex].no_cache = true;
            }
            let worker = Worker {
                graph: &graph,
                snapshots: &environment.snapshots,
                settings: &settings,
                contexts: &contexts,
                bases: &known.layers,
                remote: &remote,
                events,
                keys: Mutex::default(),
            };
            let solved = solve(&problem, &worker, &environment.cancel).map_err(|error| match error {
                SolveError::Cancelled => BuildError::Cancelled,
                SolveError::Vertex { vertex, error } => failure(&graph.vertices[vertex], &error),
            })?;
            match self.assemble(request, &graph, &solved, epoch)? {
                Ok(sets) => return Ok((solved, sets)),
                Err(layer) => {
                    let maker = solved.outputs.iter().position(|output| {
                        output.as_ref().is_some_and(|output| output.chain.last() == Some(&layer))
                    });
                    let maker = maker.expect("every layer above the base was made by a vertex");
                    assert!(forced.insert(maker), "a step that ran again has its layer");
                }
            }
        }
    }

    /// Writes the images in every way that is asked for; or names a layer whose bytes are gone.
    fn assemble(
        &self,
        request: &BuildRequest,
        graph: &Graph,
        solved: &Solved<Output>,
        epoch: Option<i64>,
    ) -> Result<Result<Vec<ImageSet>, LayerId>, BuildError> {
        let snapshots = &self.environment.snapshots;
        let mut sets = Vec::with_capacity(request.images.len());
        for options in &request.images {
            let mut images = Vec::with_capacity(graph.images.len());
            for plan in &graph.images {
                match assemble::image(plan, &solved.outputs, snapshots, options, epoch)? {
                    Assembled::Image(image) => {
                        let origin = ImageOrigin::of(request, graph, plan, image.layers.len());
                        origin.keep(snapshots.store(), &image.manifest.digest)?;
                        images.push(*image);
                    }
                    Assembled::Missing(place) => return Ok(Err(root(plan, solved).chain[place].clone())),
                }
            }
            sets.push(assemble::set(images, options, is_multi_platform(request), snapshots.store())?);
        }
        Ok(Ok(sets))
    }

    fn unpacked_bytes(&self, chain: &[LayerId]) -> Result<Option<u64>, BuildError> {
        let mut total = 0;
        for layer in chain {
            match self.environment.snapshots.unpacked_size(layer)? {
                Some(size) => total += size,
                None => return Ok(None),
            }
        }
        Ok(Some(total))
    }
}

/// The graph of a target on all platforms; names of base images are looked up on the way.
pub(crate) fn lower_with(
    request: &BuildRequest,
    dockerfile: &plimsoll_dockerfile::Dockerfile,
    target: Option<&str>,
    known: &mut KnownBases,
    find: &Find<'_>,
) -> Result<(Graph, Vec<Diagnostic>), BuildError> {
    let host = Platform::host();
    let contexts = contexts::named(request);
    let mut platforms: Vec<Option<&Platform>> = request.platforms.iter().map(Some).collect();
    if platforms.is_empty() {
        platforms.push(None);
    }
    loop {
        let (mut graphs, mut all_warnings) = (Vec::new(), Vec::new());
        let mut all_missing: Vec<MissingBase> = Vec::new();
        let answer = |wanted: &BaseRequest| known.images.get(wanted).cloned();
        for platform in &platforms {
            let mut lowering = Request::new(
                dockerfile,
                &request.dockerfile,
                &request.build_args,
                &contexts,
                platform.unwrap_or(&host).clone(),
                &answer,
            );
            lowering.target = target;
            lowering.main_context = contexts::main(request);
            lowering.platform_requested = platform.is_some();
            lowering.build_platform = host.clone();
            lowering.multi_platform = is_multi_platform(request);
            lowering.labels = &request.labels;
            lowering.network = request.network;
            lowering.no_cache = request.no_cache;
            lowering.no_cache_stages = &request.no_cache_stages;
            match lower(&lowering).map_err(|diagnostics| BuildError::Diagnostics { diagnostics })? {
                Lowered::Graph { graph, warnings } => {
                    graphs.push(graph);
                    let new = warnings.into_iter().filter(|warning| !all_warnings.contains(warning));
                    let new: Vec<_> = new.collect();
                    all_warnings.extend(new);
                }
                Lowered::NeedsBases(missing) => {
                    for one in missing {
                        if !all_missing.iter().any(|other| other.request == one.request) {
                            all_missing.push(one);
                        }
                    }
                }
            }
        }
        if all_missing.is_empty() {
            return Ok((Graph::merge(graphs), all_warnings));
        }
        find_bases(&all_missing, known, find)?;
    }
}

/// Finds out what several names stand for, all at the same time.
fn find_bases(missing: &[MissingBase], known: &mut KnownBases, find: &Find<'_>) -> Result<(), BuildError> {
    let found: Vec<Result<Found, BuildError>> = std::thread::scope(|scope| {
        let threads: Vec<_> = missing.iter().map(|one| scope.spawn(|| find(&one.request))).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, _>| {
            thread.join().expect("a thread that resolves a name does not panic")
        };
        threads.into_iter().map(join).collect()
    });
    // The first failure ends the others; it is the one to tell of.
    let is_cause = |found: &Result<Found, BuildError>| {
        found.as_ref().is_err_and(|error| !matches!(error, BuildError::Cancelled))
    };
    let mut pairs: Vec<_> = missing.iter().zip(found).collect();
    pairs.sort_by_key(|(_, found)| !is_cause(found));
    for (one, found) in pairs {
        let found = found.map_err(|error| at_place(one, error))?;
        known.layers.insert(found.base.manifest, found.layers);
        known.images.insert(one.request.clone(), found.base);
        known.uses.push(found.usage);
    }
    Ok(())
}

/// What the root of an image came to.
fn root<'s>(plan: &ImagePlan, solved: &'s Solved<Output>) -> &'s Output {
    solved.outputs[plan.root.0].as_ref().expect("the root of an image was a goal")
}

/// Several platforms make an index; one does when it is asked for.
fn is_multi_platform(request: &BuildRequest) -> bool {
    let asked = request.build_args.get("BUILDKIT_MULTI_PLATFORM").map(String::as_str);
    request.platforms.len() > 1 || matches!(asked, Some("1" | "true" | "True" | "TRUE" | "t" | "T"))
}

fn epoch(request: &BuildRequest) -> Result<Option<i64>, BuildError> {
    match request.build_args.get("SOURCE_DATE_EPOCH").map(String::as_str) {
        None | Some("") => Ok(None),
        Some(value) => match value.parse() {
            Ok(seconds) => Ok(Some(seconds)),
            Err(_) => Err(BuildError::BadEpoch { value: value.to_owned() }),
        },
    }
}

/// `# syntax=` names a front end to be fetched and run; the standard one is built in, others are not run.
fn check_syntax(request: &BuildRequest) -> Result<(), BuildError> {
    let Some(syntax) = detect_syntax(request.dockerfile.text()) else { return Ok(()) };
    let name = syntax.value.split_whitespace().next().unwrap_or_default();
    let is_standard = name.parse::<Reference>().is_ok_and(|reference| {
        let repository = reference.repository();
        ["docker/dockerfile", "docker/dockerfile-upstream"].iter().any(|standard| {
            repository.strip_suffix(standard).is_some_and(|before| before.is_empty() || before.ends_with('/'))
        })
    });
    if is_standard {
        return Ok(());
    }
    let message = format!("the front end `{name}` is not built in, and front ends from images are not run");
    let diagnostic = Diagnostic::error("unknown-syntax", message)
        .at(syntax.span)
        .hint("remove the line, or name `docker/dockerfile:1`, which means the one that is built in");
    Err(BuildError::Diagnostics { diagnostics: vec![diagnostic] })
}

/// Steps that ask for more than a sandbox need the caller's consent.
fn check_entitlements(
    request: &BuildRequest,
    graph: &Graph,
    device_directories: &[PathBuf],
) -> Result<(), BuildError> {
    let mut diagnostics = Vec::new();
    let devices = OnceLock::new();
    let devices = || devices.get_or_init(|| Devices::read(device_directories));
    for vertex in &graph.vertices {
        let Op::Exec(op) = &vertex.op else { continue };
        let asked = request.network != NetworkMode::Host && op.network == NetworkMode::Host;
        let wanted = [
            (asked && !request.entitlements.host_network, "network.host"),
            (op.security == SecurityMode::Insecure && !request.entitlements.insecure, "security.insecure"),
        ];
        let wanted = wanted.into_iter().filter(|(refused, _)| *refused).map(|(_, name)| name.to_owned());
        let wanted_devices = op.devices.iter().flat_map(|device| {
            let found = devices().find(&device.name);
            let refused = found.into_iter().filter(|device| !is_allowed(device, &request.entitlements));
            refused.map(|device| format!("device={}", device.name()))
        });
        for entitlement in wanted.chain(wanted_devices).collect::<BTreeSet<String>>() {
            let message = format!("this step needs the entitlement `{entitlement}`");
            let hint = format!("allow it with `--allow {entitlement}` if you trust this Dockerfile");
            let diagnostic = Diagnostic::error("not-allowed", message).hint(hint);
            diagnostics.push(match vertex.span {
                Some(span) => diagnostic.at(span),
                None => diagnostic,
            });
        }
    }
    if diagnostics.is_empty() { Ok(()) } else { Err(BuildError::Diagnostics { diagnostics }) }
}

fn is_allowed(device: &FoundDevice<'_>, entitlements: &Entitlements) -> bool {
    let allowed = &entitlements.devices;
    entitlements.all_devices || device.is_automatic() || allowed.iter().any(|name| device.is_called(name))
}

/// Puts the failure to find a base image where its name stands.
fn at_place(missing: &MissingBase, error: BuildError) -> BuildError {
    if let BuildError::NoEmulator { reason, hint, .. } = &error {
        let message = format!("cannot compose `{}`: {reason}", missing.request.name);
        let message = plimsoll_diagnostics::sanitize::line(&message).into_owned();
        let diagnostic = Diagnostic::error(NO_EMULATOR, message).at(missing.span).hint(hint.clone());
        return BuildError::Diagnostics { diagnostics: vec![diagnostic] };
    }
    let name = &missing.request.name;
    let (mut message, mut cause, hint) = match &error {
        BuildError::Base { source, .. } => {
            (format!("cannot use the image `{name}`: {source}"), source.source(), missing.hint.clone())
        }
        BuildError::LockedBase { file, source, .. } => {
            let again = format!("`plimsoll lock --update {name}` locks what there is now");
            let hint = source.is_stale_lock().then_some(again);
            let source: &dyn std::error::Error = source;
            (format!("cannot use `{name}` as `{file}` has it"), Some(source), hint)
        }
        BuildError::NotLocked { name, file } => {
            let message = format!("`{file}` lacks `{name}`");
            let message = plimsoll_diagnostics::sanitize::line(&message).into_owned();
            let diagnostic = Diagnostic::error(NOT_LOCKED, message).at(missing.span);
            let diagnostic = diagnostic.hint("`plimsoll lock` adds what is missing");
            return BuildError::Diagnostics { diagnostics: vec![diagnostic] };
        }
        _ => return error,
    };
    while let Some(error) = cause {
        let part = error.to_string();
        if !message.contains(&part) {
            message = format!("{message}: {part}");
        }
        cause = error.source();
    }
    let mut diagnostic =
        Diagnostic::error(NO_BASE_IMAGE, plimsoll_diagnostics::sanitize::line(&message).into_owned())
            .at(missing.span);
    if let Some(hint) = hint {
        diagnostic = diagnostic.hint(hint);
    }
    BuildError::Diagnostics { diagnostics: vec![diagnostic] }
}
