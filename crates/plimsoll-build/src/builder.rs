//! The road from a request to an image.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock};

use plimsoll_compose::ComposerOptions;
use plimsoll_diagnostics::Diagnostic;
use plimsoll_dockerfile::{detect_syntax, parse};
use plimsoll_executor::{LocalContext, Output, Settings, Worker};
use plimsoll_export::Image;
use plimsoll_graph::{
    BaseImage, BaseRequest, Graph, Lowered, MissingBase, NamedContext, NetworkMode, Op, Request,
    SecurityMode, lower,
};
use plimsoll_oci::{Digest, Platform, Reference};
use plimsoll_registry::BlockingClient;
use plimsoll_snapshot::{BlobOptions, Snapshots};
use plimsoll_solver::{Cancel, EventKind, EventSink, Problem, SolveError, Solved, solve};
use plimsoll_store::LayerId;

use crate::assemble::{self, Assembled};
use crate::bases::{self, Found};
use crate::check;
use crate::compose;
use crate::error::{BuildError, NO_BASE_IMAGE};
use crate::failure::failure;
use crate::remote::HttpFiles;
use crate::request::{BaseUse, BuildRequest, BuildResult, NamedContextSource};

/// The machine and the user's configuration, as a build sees them.
pub struct Environment {
    /// Layers, blobs and records.
    pub snapshots: Snapshots,
    /// How registries are reached.
    pub client: Arc<BlockingClient>,
    /// How Debian packages are reached.
    pub composer: ComposerOptions,
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
struct KnownBases {
    images: BTreeMap<BaseRequest, BaseImage>,
    layers: BTreeMap<Digest, plimsoll_executor::BaseLayers>,
    uses: Vec<BaseUse>,
}

impl Builder {
    /// Composes a base from Debian packages, or asks again for one that is pinned.
    pub fn compose(
        &self,
        spec: &plimsoll_compose::DebianSpec,
        platform: &Platform,
        again: bool,
    ) -> Result<Image, BuildError> {
        compose::base(&self.environment, spec, platform, again).map(|(image, _)| image)
    }

    /// Builds what a request asks for.
    pub fn build(&self, request: &BuildRequest) -> Result<BuildResult, BuildError> {
        let epoch = epoch(request)?;
        let parsed = parse(&request.dockerfile);
        if !parsed.is_ok() {
            return Err(BuildError::Diagnostics { diagnostics: parsed.diagnostics });
        }
        check_syntax(request)?;
        let mut known = KnownBases::default();
        let (graph, lowering) = self.lower(request, &parsed.dockerfile, &mut known)?;
        let mut warnings = check::warnings(request, &parsed.dockerfile, &known.images)
            .map_err(|diagnostics| BuildError::Diagnostics { diagnostics })?;
        warnings.extend(parsed.diagnostics.into_iter().chain(lowering).filter(|one| !check::is_linted(one)));
        warnings.sort_by_key(|warning| warning.span);
        check_entitlements(request, &graph)?;
        self.announce(request, &graph);
        let (solved, image) = self.solve(request, &graph, &known, epoch)?;
        let plan = graph.images.first().expect("every graph makes an image");
        let root = solved.outputs[plan.root.0].as_ref().expect("the root of the image was a goal");
        for output in solved.outputs.iter().flatten() {
            output.save_context()?;
        }
        let store = self.environment.snapshots.store();
        if let Some(image) = &image {
            for tag in &request.tags {
                if store.image(tag)?.as_ref() != Some(&image.manifest) {
                    store.set_image(tag, &image.manifest)?;
                }
            }
        }
        let is_step = |vertex: &&usize| {
            !matches!(graph.vertices[**vertex].op, Op::Scratch | Op::Image(_) | Op::Local { .. })
        };
        Ok(BuildResult {
            chain: root.chain.clone(),
            warnings,
            bases: known.uses,
            steps_run: solved.ran.iter().filter(is_step).count(),
            steps_cached: solved.cached.iter().filter(is_step).count(),
            unpacked_bytes: self.unpacked_bytes(&root.chain)?,
            compressed_bytes: image.iter().flat_map(|image| &image.layers).map(|layer| layer.size).sum(),
            image,
        })
    }

    fn lower(
        &self,
        request: &BuildRequest,
        dockerfile: &plimsoll_dockerfile::Dockerfile,
        known: &mut KnownBases,
    ) -> Result<(Graph, Vec<Diagnostic>), BuildError> {
        let host = Platform::host();
        let contexts = request
            .named_contexts
            .iter()
            .map(|(name, source)| {
                let context = match source {
                    NamedContextSource::Directory(_) => NamedContext::Directory,
                    NamedContextSource::Image(reference) => {
                        NamedContext::Image { reference: reference.clone() }
                    }
                };
                (name.clone(), context)
            })
            .collect();
        loop {
            let answer = |wanted: &BaseRequest| known.images.get(wanted).cloned();
            let mut lowering = Request::new(
                dockerfile,
                &request.dockerfile,
                &request.build_args,
                &contexts,
                request.platform.clone().unwrap_or_else(|| host.clone()),
                &answer,
            );
            lowering.target = request.target.as_deref();
            lowering.platform_requested = request.platform.is_some();
            lowering.build_platform = host.clone();
            lowering.labels = &request.labels;
            lowering.network = request.network;
            lowering.no_cache = request.no_cache;
            match lower(&lowering).map_err(|diagnostics| BuildError::Diagnostics { diagnostics })? {
                Lowered::Graph { graph, warnings } => return Ok((graph, warnings)),
                Lowered::NeedsBases(missing) => self.find_bases(request, &missing, known)?,
            }
        }
    }

    /// Finds out what several names stand for, all at the same time.
    fn find_bases(
        &self,
        request: &BuildRequest,
        missing: &[MissingBase],
        known: &mut KnownBases,
    ) -> Result<(), BuildError> {
        let environment = &self.environment;
        let found: Vec<Result<Found, BuildError>> = std::thread::scope(|scope| {
            let threads: Vec<_> = missing
                .iter()
                .map(|one| scope.spawn(|| bases::find(environment, request, &one.request)))
                .collect();
            let join = |thread: std::thread::ScopedJoinHandle<'_, _>| {
                thread.join().expect("a thread that resolves a name does not panic")
            };
            threads.into_iter().map(join).collect()
        });
        for (one, found) in missing.iter().zip(found) {
            let found = found.map_err(|error| at_place(one, error))?;
            known.layers.insert(found.base.manifest, found.layers);
            known.images.insert(one.request.clone(), found.base);
            known.uses.push(found.usage);
        }
        Ok(())
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
    ) -> Result<(Solved<Output>, Option<Image>), BuildError> {
        let environment = &self.environment;
        let store = environment.snapshots.store();
        let mut settings = environment.settings.clone();
        settings.epoch = epoch;
        settings.secrets.clone_from(&request.secrets);
        settings.ssh_sockets.clone_from(&request.ssh_sockets);
        settings.extra_hosts.clone_from(&request.extra_hosts);
        settings.logs = store.log_directory(&request.id);
        let contexts = contexts(request);
        let remote =
            HttpFiles { store, ca_certificates: settings.ca_bundle.as_deref(), connection: OnceLock::new() };
        let plan = graph.images.first().expect("every graph makes an image");
        let problem = Problem {
            inputs: graph.vertices.iter().map(|v| v.inputs.iter().map(|input| input.0).collect()).collect(),
            goals: vec![plan.root.0],
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
                events: &*environment.events,
                keys: Mutex::default(),
            };
            let solved = solve(&problem, &worker, &environment.cancel).map_err(|error| match error {
                SolveError::Cancelled => BuildError::Cancelled,
                SolveError::Vertex { vertex, error } => failure(&graph.vertices[vertex], error),
            })?;
            if !request.wants_image {
                return Ok((solved, None));
            }
            let options = BlobOptions { compression: request.compression, epoch };
            match assemble::image(plan, &solved.outputs, &environment.snapshots, options)? {
                Assembled::Image(image) => return Ok((solved, Some(*image))),
                Assembled::Missing(place) => {
                    let chain = solved.outputs[plan.root.0].as_ref().map(|output| output.chain.clone());
                    let layer = chain.and_then(|chain| chain.get(place).cloned());
                    let maker = solved.outputs.iter().position(|output| {
                        output.as_ref().is_some_and(|output| output.chain.last() == layer.as_ref())
                    });
                    let maker = maker.expect("every layer above the base was made by a vertex");
                    assert!(forced.insert(maker), "a step that ran again has its layer");
                }
            }
        }
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

fn contexts(request: &BuildRequest) -> BTreeMap<String, LocalContext> {
    let named = request.named_contexts.iter().filter_map(|(name, source)| match source {
        NamedContextSource::Directory(context) => Some((name.clone(), context.clone())),
        NamedContextSource::Image(_) => None,
    });
    let main = request.context.iter().map(|context| ("context".to_owned(), context.clone()));
    main.chain(named).collect()
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
fn check_entitlements(request: &BuildRequest, graph: &Graph) -> Result<(), BuildError> {
    let mut diagnostics = Vec::new();
    for vertex in &graph.vertices {
        let Op::Exec(op) = &vertex.op else { continue };
        let asked = request.network != NetworkMode::Host && op.network == NetworkMode::Host;
        let wanted = [
            (asked && !request.allow_host_network, "network.host"),
            (op.security == SecurityMode::Insecure && !request.allow_insecure, "security.insecure"),
        ];
        for (_, entitlement) in wanted.into_iter().filter(|(refused, _)| *refused) {
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

/// Puts the failure to find a base image where its name stands.
fn at_place(missing: &MissingBase, error: BuildError) -> BuildError {
    let BuildError::Base { source, .. } = &error else { return error };
    let mut message = format!("cannot use the image `{}`: {source}", missing.request.name);
    let mut cause = source.source();
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
    if let Some(hint) = &missing.hint {
        diagnostic = diagnostic.hint(hint.clone());
    }
    BuildError::Diagnostics { diagnostics: vec![diagnostic] }
}
