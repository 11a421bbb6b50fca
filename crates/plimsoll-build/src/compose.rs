//! Bases from Debian packages, composed once and then kept as images.
//!
//! A composed base is pinned: the exact versions stay until `--pull` or `base build` asks again, or are those of a lock. Where packages must
//! be configured by their own scripts, that is one more vertex, run in the sandbox like any other.

use std::collections::BTreeMap;
use std::sync::Mutex;

use plimsoll_compose::{Assembled, Composer, ConfigureStep, DebianSpec, Event, Plan};
use plimsoll_executor::{BaseLayers, ExecuteError, Worker};
use plimsoll_export::Image;
use plimsoll_graph::{ExecOp, Graph, ImageOp, InlineFile, NetworkMode, Op, SecurityMode, Vertex, VertexId};
use plimsoll_layer::{Compression, TarOptions, write_layer_blob};
use plimsoll_oci::{Descriptor, DiffId, ImageConfig, Manifest, Platform, media_type};
use plimsoll_snapshot::BlobOptions;
use plimsoll_solver::{EventKind, Problem, SolveError, solve};
use plimsoll_store::{SourceRecord, Timestamp};

use crate::builder::Environment;
use crate::emulation;
use crate::error::BuildError;
use crate::remote::NoRemote;

/// Where the script that configures packages is seen while it runs.
const SCRIPT: &str = "/run/plimsoll/configure";

/// Which versions of its packages a base is made of.
#[derive(Clone, Copy)]
pub(crate) enum Version<'p> {
    /// Those that the store has a base of; else those that there are now.
    Known,
    /// Those that there are now.
    New,
    /// These.
    Locked(&'p Plan),
}

/// A request with its architecture.
pub(crate) fn whole(spec: &DebianSpec, platform: &Platform) -> Result<DebianSpec, BuildError> {
    Ok(spec.clone().with_default_arch(plimsoll_compose::debian_architecture(platform)?))
}

/// The image of a base: the one that is pinned, or a new one.
pub(crate) fn base(
    environment: &Environment,
    spec: &DebianSpec,
    platform: &Platform,
    version: Version<'_>,
) -> Result<(Image, Option<Timestamp>), BuildError> {
    let store = environment.snapshots.store();
    let spec = whole(spec, platform)?;
    // What the store calls the base, and under which name it is listed.
    let (pin, name) = match version {
        Version::Known | Version::New => (spec.to_string(), name(&spec, &spec.to_string())),
        Version::Locked(plan) => {
            let composer = Composer::new(environment.composer.clone())?;
            let pin = format!("{spec} of {}", composer.key(plan)?);
            let name = name(&spec, &pin);
            (pin, name)
        }
    };
    let known = |since: Option<Timestamp>| -> Result<Option<(Image, Timestamp)>, BuildError> {
        let Some(record) = store.source(&pin)? else { return Ok(None) };
        if since.is_some_and(|since| record.resolved_at < since) || !store.has_blob(&record.digest)? {
            return Ok(None);
        }
        let target = Descriptor::new(media_type::OCI_MANIFEST, record.digest, 0);
        Ok(Image::read(store, &target, platform).ok().map(|image| (image, record.resolved_at)))
    };
    if !matches!(version, Version::New)
        && let Some((image, resolved)) = known(None)?
    {
        return Ok((image, Some(resolved)));
    }
    // Two stages, or two builds, that want the same base compose it once.
    let lock = plimsoll_oci::Digest::of(format!("compose {pin}"));
    let asked = Timestamp::now();
    let _lock = store.lock_key(&lock, &mut |_| {
        if environment.cancel.is_raised() {
            std::ops::ControlFlow::Break(())
        } else {
            std::ops::ControlFlow::Continue(())
        }
    })?;
    if let Some((image, _)) = known(Some(asked))? {
        return Ok((image, None));
    }
    if !environment.settings.may_run {
        return Err(BuildError::NeedsNamespace);
    }
    let plan = match version {
        Version::Locked(plan) => Some(plan),
        Version::Known | Version::New => None,
    };
    let image = compose(environment, &spec, plan)?;
    let record = SourceRecord { digest: image.manifest.digest, resolved_at: Timestamp::now() };
    store.record_source(&pin, &record)?;
    store.set_image(&name, &image.manifest)?;
    Ok((image, None))
}

/// The packages that a base would be made of now.
pub(crate) fn plan(environment: &Environment, spec: &DebianSpec) -> Result<Plan, BuildError> {
    let composer = Composer::new(environment.composer.clone())?;
    let events = |event: Event| tell(environment, event);
    Ok(threads()?.block_on(composer.plan(spec, None, &events))?)
}

/// What is said of the way to a base besides its progress.
fn tell(environment: &Environment, event: Event) {
    let message = match event {
        Event::Retry { uri, reason, .. } => format!("fetching {uri} again: {reason}"),
        Event::Notice { text } => text,
        _ => return,
    };
    environment.events.send(EventKind::Warning { message });
}

fn threads() -> Result<tokio::runtime::Runtime, BuildError> {
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    threads
        .map_err(|source| BuildError::Resources { action: "start the threads that fetch packages", source })
}

/// The name under which a composed base is listed and kept.
fn name(spec: &DebianSpec, pin: &str) -> String {
    let digest = plimsoll_oci::Digest::of(pin);
    format!("debian.base/{}:{}-{}", spec.suite(), spec.variant(), digest.short())
}

fn compose(environment: &Environment, spec: &DebianSpec, pin: Option<&Plan>) -> Result<Image, BuildError> {
    let composer = Composer::new(environment.composer.clone())?;
    let fetched = Mutex::new((0_u64, None));
    let task = format!("compose {spec}");
    environment
        .events
        .send(EventKind::TaskStarted { task: task.clone(), name: format!("[internal] compose {spec}") });
    let started = std::time::Instant::now();
    let events = |event: Event| match event {
        Event::FetchStarted { total_bytes, .. } => {
            *fetched.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = (0, Some(total_bytes));
        }
        Event::FetchProgress { bytes, .. } => {
            let mut fetched = fetched.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            fetched.0 += bytes;
            let (done_bytes, total_bytes) = *fetched;
            environment.events.send(EventKind::Progress { task: task.clone(), done_bytes, total_bytes });
        }
        other => tell(environment, other),
    };
    let runtime = threads()?;
    let plan = runtime.block_on(async {
        let plan = composer.plan(spec, pin, &events).await?;
        composer.fetch(&plan, &events).await?;
        Ok::<_, BuildError>(plan)
    })?;
    drop(runtime);
    let assembled = composer.assemble(&plan, &events)?;
    let (diff_id, layer) = store_layer(environment, &assembled)?;
    let configure = assembled.configure.clone();
    let mut config = ImageConfig { rootfs: plimsoll_oci::RootFs::default(), ..assembled.config.clone() };
    drop(assembled);
    config.rootfs.diff_ids = vec![diff_id];
    let mut layers = vec![layer];
    let mut emulated = None;
    if let Some(step) = configure {
        let begin = std::time::Instant::now();
        let unconfigured = write_image(environment, &config, &layers)?;
        let (diff_id, layer) = self::configure(environment, spec, &plan, &unconfigured, &step)?;
        if !config.platform().runs_natively_on(&Platform::host()) {
            emulated = Some(begin.elapsed());
        }
        config.rootfs.diff_ids.push(diff_id);
        layers.push(layer);
        config.history.push(plimsoll_oci::History {
            created: config.created.clone(),
            created_by: Some("dpkg --configure -a".to_owned()),
            comment: Some("plimsoll".to_owned()),
            ..plimsoll_oci::History::default()
        });
    }
    let image = write_image(environment, &config, &layers)?;
    let seconds = started.elapsed().as_secs_f64();
    let mut note = format!("{} packages", plan.packages.len());
    if let Some(took) = emulated {
        note = format!("{note}, configured under an emulator in {} s", took.as_secs());
    }
    let note = Some(note);
    environment.events.send(EventKind::TaskDone { task: task.clone(), seconds, note });
    Ok(image)
}

fn store_layer(environment: &Environment, assembled: &Assembled) -> Result<(DiffId, Descriptor), BuildError> {
    let store = environment.snapshots.store();
    let mut writer = store.blob_writer()?;
    let threads = environment.settings.threads;
    let mut contents = assembled.contents();
    let index = assembled.index();
    let tar = TarOptions::default();
    let written = write_layer_blob(index, &mut contents, tar, Compression::GZIP, threads, &mut writer)
        .map_err(|source| plimsoll_executor::ExecuteError::Layer { source })?;
    writer.commit(Some(&written.digest))?;
    let descriptor = Descriptor::new(written.media_type, written.digest, written.size);
    store.record_base_layers(&[(written.diff_id, descriptor.clone())])?;
    Ok((written.diff_id, descriptor))
}

fn write_image(
    environment: &Environment,
    config: &ImageConfig,
    layers: &[Descriptor],
) -> Result<Image, BuildError> {
    let store = environment.snapshots.store();
    let config_bytes = serde_json::to_vec(config).expect("a config has only texts and numbers");
    let config_digest = store.put_blob(&config_bytes)?;
    let config_descriptor = Descriptor::new(media_type::OCI_CONFIG, config_digest, config_bytes.len() as u64);
    let manifest = Manifest::new(config_descriptor.clone(), layers.to_vec());
    let manifest_bytes = serde_json::to_vec(&manifest).expect("a manifest has only texts and numbers");
    let digest = store.put_blob(&manifest_bytes)?;
    Ok(Image {
        manifest: Descriptor::new(media_type::OCI_MANIFEST, digest, manifest_bytes.len() as u64),
        manifest_bytes,
        config_descriptor,
        config_bytes,
        config: config.clone(),
        layers: layers.to_vec(),
    })
}

/// Runs the packages' own scripts, as a step on top of the unpacked packages.
fn configure(
    environment: &Environment,
    spec: &DebianSpec,
    plan: &Plan,
    unconfigured: &Image,
    step: &ConfigureStep,
) -> Result<(DiffId, Descriptor), BuildError> {
    let manifest = unconfigured.manifest.digest;
    // What the base says of itself: `arch=` wins over the platform that was asked for.
    let platform = unconfigured.config.platform();
    let vertex = |op, inputs, name: String| Vertex {
        op,
        inputs,
        name,
        span: None,
        stage: None,
        platform: platform.clone(),
        no_cache: false,
    };
    let mut args = step.argv.clone();
    args.push(SCRIPT.to_owned());
    let exec = ExecOp {
        args,
        env: step.env.clone(),
        proxy_env: Vec::new(),
        cwd: "/".to_owned(),
        user: String::new(),
        network: NetworkMode::None,
        security: SecurityMode::Sandbox,
        mounts: Vec::new(),
        hostname: None,
        devices: Vec::new(),
        files: vec![InlineFile { path: SCRIPT.to_owned(), text: step.script.clone(), mode: 0o755 }],
    };
    let image = Op::Image(ImageOp { manifest, reference: spec.to_string() });
    let graph = Graph {
        vertices: vec![
            vertex(image, Vec::new(), format!("unpack {spec}")),
            vertex(Op::Exec(exec), vec![VertexId(0)], format!("configure the packages of {spec}")),
        ],
        images: Vec::new(),
    };
    let bases = BTreeMap::from([(manifest, BaseLayers::imported(&unconfigured.config.rootfs.diff_ids))]);
    let mut settings = environment.settings.clone();
    settings.epoch = Some(plan.created);
    settings.logs = environment.snapshots.store().temporary_directory()?;
    let worker = Worker {
        graph: &graph,
        snapshots: &environment.snapshots,
        settings: &settings,
        contexts: &BTreeMap::new(),
        bases: &bases,
        remote: &NoRemote,
        events: &(),
        keys: Mutex::default(),
    };
    let problem = Problem { inputs: vec![Vec::new(), vec![0]], goals: vec![1] };
    let solved = solve(&problem, &worker, &environment.cancel).map_err(|error| match error {
        // Another base that failed ends this one too.
        SolveError::Cancelled | SolveError::Vertex { error: ExecuteError::Cancelled, .. } => {
            BuildError::Cancelled
        }
        SolveError::Vertex { vertex, error } => {
            let base = spec.to_string();
            match emulation::explain(&graph.vertices[vertex], &error) {
                Some((reason, hint)) => BuildError::NoEmulator { base, reason, hint },
                None => BuildError::Configure { base, source: error },
            }
        }
    })?;
    let output = solved.outputs[1].as_ref().expect("a goal that was reached has an output");
    let layer = output.chain.last().expect("a step's output ends with its own layer");
    let options = BlobOptions { epoch: Some(plan.created), ..BlobOptions::default() };
    let blob = environment.snapshots.blob(layer, options)?;
    let blob = blob.expect("a layer that was made just now is there");
    let descriptor = Descriptor::new(blob.media_type, blob.digest, blob.size);
    environment.snapshots.store().record_base_layers(&[(blob.diff_id, descriptor.clone())])?;
    Ok((blob.diff_id, descriptor))
}
