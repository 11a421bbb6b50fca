//! `plimsoll build`: from a Dockerfile to an image, and to wherever it goes.

mod args;
mod attest;
mod budget;
mod call;
mod context;
mod limits;
mod outputs;
mod part;
mod refused;
mod scanned;
pub(super) mod secrets;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use anyhow::{Result, bail};
use plimsoll_build::{
    BuildError, BuildRequest, BuildResult, Builder, ContextSource, LockFile, NO_BASE_IMAGE, RemoteDockerfile,
};
use plimsoll_diagnostics::{SourceFile, render};
use plimsoll_executor::{Settings, SshAgent};
use plimsoll_graph::NetworkMode;
use plimsoll_solver::{Cancel, EVENT_SCHEMA, EventKind, EventSink};
use plimsoll_store::{BuildId, BuildStatus};

pub(crate) use args::{Args, truth};
pub(crate) use call::ask_as_requested;
pub(crate) use context::Inputs;
pub(crate) use outputs::Outputs;
pub(crate) use part::{Built, Failed, Part};

use crate::environment::{GlobalArgs, Host};
use crate::exit;
use crate::namespace::{NeedsCopy, Standing};
use crate::progress::{Display, DisplayOptions, EmulatedSummary, Mode, PlatformSummary, Summary};
use crate::variables;

use budget::Budget;
use context::Fetch;

pub(crate) fn run(args: &Args, global: &GlobalArgs, standing: Standing) -> Result<u8> {
    let (started, wall_clock) = (Instant::now(), SystemTime::now());
    if let Some((question, json)) = call::requested(args) {
        return call::run(args, question, json, global, standing);
    }
    let outputs = Outputs::parse(args)?;
    // What comes on standard input can be read once only: by the process that will use it.
    if !standing.may_run && (args.reads_stdin() || outputs.need_layers()) {
        return Err(NeedsCopy.into());
    }
    let host = Host::open(global, standing)?;
    let mut inputs = Inputs::read(args, &|| Ok(host.store.clone()))?;
    let (fetch, budget) = (inputs.fetch.take(), inputs.budget.take());
    let mut request = request(args, &host, inputs, &outputs)?;
    request.layer_sizes = budget.is_some();
    let color = !variables::no_color();
    let mode = if args.quiet { Mode::Quiet } else { args.progress };
    // Outside of the namespace nothing is shown until it is clear that this process can finish by itself.
    let display = Display::new(mode, DisplayOptions { color, is_ci: variables::is_ci() });
    let buffer = (!host.standing.may_run).then(|| Arc::new(Buffer::default()));
    let sink: Arc<dyn EventSink> = match &buffer {
        Some(buffer) => Arc::clone(buffer) as Arc<dyn EventSink>,
        None => display.sink(),
    };
    let cancel = Cancel::new()?;
    crate::interrupt::watch(&cancel)?;
    sink.send(EventKind::Started { schema: EVENT_SCHEMA, build: request.id.to_string() });
    let ca_bundle = host.ca_bundle(args.ca_certs.as_deref())?;
    let environment = host.build_environment(ca_bundle, Arc::clone(&sink), cancel.clone())?;
    let builder = Builder { environment };
    let dockerfile = fetch.map(|fetch| fetched(&builder, &fetch, &request));
    let built = match dockerfile {
        Some(Err(error)) => Err(error),
        Some(Ok(dockerfile)) => {
            request.dockerfile = dockerfile;
            builder.build(&request)
        }
        None => builder.build(&request),
    };
    let built = built.and_then(|result| Budget::check(budget.as_ref(), &request, result));
    if matches!(built, Err(BuildError::NeedsNamespace)) && !host.standing.may_run {
        // The copy in the namespace keeps the record of this build.
        host.store.withdraw_build(&request.id)?;
        return Err(NeedsCopy.into());
    }
    if let Some(buffer) = buffer {
        buffer.replay(&display.sink());
    }
    let mut found = String::new();
    let outcome = built.map_err(anyhow::Error::from).and_then(|mut result| {
        let client = &builder.environment.client;
        args.scan.check(&request, &result, &host, client, &mut found)?;
        args.attest.add(&request, &mut result, &host, client, wall_clock)?;
        let notes = outputs::write(&outputs, &request, &result, &builder.environment, &host, &sink)?;
        Ok((result, notes))
    });
    let failed = matches!(
        outcome.as_ref().err().and_then(|error| error.downcast_ref()),
        Some(BuildError::Diagnostics { .. })
    );
    let code = conclude(args, &outputs, &host, &request, &display, &*sink, started, outcome)?;
    tell(&found);
    if failed && args.debug_on_fail.is_some() {
        let settings = step_settings(args, &host, &request, cancel)?;
        crate::commands::debug::after_failure(&host, &settings, &request.id)?;
    }
    Ok(code)
}

/// What a scan found, behind everything that the display had to say.
#[expect(clippy::print_stderr, reason = "the answer on standard output is the image")]
fn tell(found: &str) {
    eprint!("{found}");
}

/// What a shell gets that is opened where a step failed.
fn step_settings(args: &Args, host: &Host, request: &BuildRequest, cancel: Cancel) -> Result<Settings> {
    let ca_bundle = host.ca_bundle(args.ca_certs.as_deref())?;
    let mut settings = host.build_environment(ca_bundle, Arc::new(()), cancel)?.settings;
    settings.secrets.clone_from(&request.secrets);
    settings.ssh_agents.clone_from(&request.ssh_agents);
    settings.extra_hosts.clone_from(&request.extra_hosts);
    settings.limits.clone_from(&request.limits);
    Ok(settings)
}

/// The Dockerfile of a context that is no directory.
fn fetched(builder: &Builder, fetch: &Fetch, request: &BuildRequest) -> Result<SourceFile, BuildError> {
    builder.remote_dockerfile(&RemoteDockerfile {
        context: &fetch.context,
        path: fetch.path.as_deref(),
        build_args: &request.build_args,
        secrets: &request.secrets,
        ssh_agents: &request.ssh_agents,
    })
}

#[expect(clippy::too_many_arguments, reason = "the end of a build touches everything that it began with")]
fn conclude(
    args: &Args,
    outputs: &Outputs,
    host: &Host,
    request: &BuildRequest,
    display: &Display,
    sink: &dyn EventSink,
    started: Instant,
    outcome: Result<(BuildResult, Vec<String>)>,
) -> Result<u8> {
    let seconds = started.elapsed().as_secs_f64();
    let color = !variables::no_color() && std::io::IsTerminal::is_terminal(&std::io::stderr());
    match outcome {
        Ok((result, written)) => {
            let (run, cached) = (result.steps_run, result.steps_cached);
            sink.send(EventKind::Finished { ok: true, seconds, run, cached });
            let mut summary = summary(outputs, request, &result, written, seconds);
            summary.notes.extend(args.limits.ignored());
            display.finish(Some(&summary));
            if args.progress != Mode::Rawjson && !args.quiet {
                result.warnings.iter().for_each(|warning| print_diagnostic(request, warning, color));
            }
            outputs::answer(args, outputs, request, &result)?;
            host.store.finish_build(&request.id, BuildStatus::Succeeded)?;
            if run > 0 {
                crate::commands::sync_store::start(host);
            }
            Ok(exit::DONE)
        }
        Err(error) => {
            sink.send(EventKind::Finished { ok: false, seconds, run: 0, cached: 0 });
            display.finish(None);
            match error.downcast_ref::<BuildError>() {
                Some(BuildError::Cancelled) => {
                    host.store.finish_build(&request.id, BuildStatus::Interrupted)?;
                    Ok(exit::INTERRUPTED)
                }
                Some(BuildError::Diagnostics { diagnostics }) => {
                    diagnostics.iter().for_each(|diagnostic| print_diagnostic(request, diagnostic, color));
                    host.store.finish_build(&request.id, BuildStatus::Failed)?;
                    let unreachable = diagnostics.iter().any(|diagnostic| diagnostic.code == NO_BASE_IMAGE);
                    Ok(if unreachable { exit::IMPOSSIBLE } else { exit::NO })
                }
                _ => {
                    host.store.finish_build(&request.id, BuildStatus::Failed)?;
                    Err(error)
                }
            }
        }
    }
}

pub(crate) fn request(args: &Args, host: &Host, inputs: Inputs, outputs: &Outputs) -> Result<BuildRequest> {
    let tags = outputs.names();
    let mut build_args = args.build_args()?;
    if !build_args.contains_key(variables::SOURCE_DATE_EPOCH)
        && let Some(epoch) = variables::text(variables::SOURCE_DATE_EPOCH)
    {
        build_args.insert(variables::SOURCE_DATE_EPOCH.to_owned(), epoch);
    }
    for name in ["http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"] {
        for name in [name.to_owned(), name.to_uppercase()] {
            if let Some(value) = variables::text(&name) {
                build_args.entry(name).or_insert(value);
            }
        }
    }
    let network = match args.network.as_str() {
        "default" => NetworkMode::Default,
        "host" => NetworkMode::Host,
        "none" => NetworkMode::None,
        other => bail!("`--network {other}` is not known; it is `default`, `host` or `none`"),
    };
    let id = if args.records_nothing || call::requested(args).is_some() {
        // Nothing is built: there is nothing to keep a record of.
        BuildId::random()?
    } else {
        host.store.begin_build(tags.first().map_or("build", String::as_str))?.id
    };
    let mut ssh_agents = secrets::ssh(&args.ssh)?;
    if let Some(ContextSource::Git(git)) = &inputs.context
        && git.is_ssh()
        && args.ssh.is_empty()
        && let Some(socket) = variables::path("SSH_AUTH_SOCK")
    {
        ssh_agents.insert("default".to_owned(), SshAgent::Socket(socket));
    }
    Ok(BuildRequest {
        dockerfile: inputs.dockerfile.unwrap_or_else(|| SourceFile::new("Dockerfile", "")),
        context: inputs.context,
        named_contexts: inputs.named_contexts,
        target: args.target.clone().filter(|target| !target.is_empty()),
        build_args,
        labels: args.labels()?,
        platforms: args.platforms(),
        no_cache: args.no_cache,
        no_cache_stages: args.no_cache_stages()?,
        pull: args.pull,
        lock: inputs.lock,
        layer_sizes: false,
        network,
        tags,
        images: outputs.options(),
        secrets: secrets::secrets(&args.secrets)?,
        ssh_agents,
        extra_hosts: args.extra_hosts()?,
        entitlements: args.entitlements()?,
        limits: args.limits.limits()?,
        id,
    })
}

/// What is said of bases that are locked.
fn locks(request: &BuildRequest, result: &BuildResult) -> Vec<String> {
    let Some(LockFile { path, .. }) = &request.lock else { return Vec::new() };
    let mut notes: Vec<String> = Vec::new();
    for base in &result.bases {
        let note = base.locked.map(|digest| format!("base: {} is {digest} by {path}", base.name));
        notes.extend(note.filter(|note| !notes.contains(note)));
    }
    if request.pull && !notes.is_empty() {
        notes.push(format!("`--pull` asks for nothing that {path} has; `plimsoll lock --update` does"));
    }
    notes
}

fn summary(
    outputs: &Outputs,
    request: &BuildRequest,
    result: &BuildResult,
    written: Vec<String>,
    seconds: f64,
) -> Summary {
    let now = plimsoll_store::Timestamp::now();
    let notes = locks(request, result).into_iter().chain(result.bases.iter().filter_map(|base| {
        let age = now.seconds.saturating_sub(base.resolved?.seconds);
        let age = crate::output::human_age(u64::try_from(age).unwrap_or(0));
        Some(format!("base: {} was taken from the store, asked for {age} (`--pull` asks again)", base.name))
    }));
    let told = outputs.told(result);
    let images = told.into_iter().flat_map(|told| &told.images).zip(&result.platforms);
    let images = images.map(|(image, platform)| PlatformSummary {
        platform: platform.platform.to_string(),
        digest: image.manifest.digest.to_string(),
        unpacked_bytes: platform.unpacked_bytes,
        compressed_bytes: image.layers.iter().map(|layer| layer.size).sum(),
        layers: image.layers.len(),
    });
    let emulated = result.emulated.iter().map(|step| EmulatedSummary {
        name: step.name.clone(),
        platform: step.platform.to_string(),
        seconds: step.seconds,
    });
    Summary {
        names: outputs.names().iter().map(|tag| familiar(tag)).collect(),
        digest: told.map(|told| told.target().digest.to_string()),
        images: images.collect(),
        seconds,
        steps_run: result.steps_run,
        steps_cached: result.steps_cached,
        emulated: emulated.collect(),
        notes: notes.collect(),
        outputs: written,
        parts: Vec::new(),
    }
}

/// A name as people write it.
fn familiar(tag: &str) -> String {
    tag.parse::<plimsoll_oci::Reference>().map_or_else(|_| tag.to_owned(), |reference| reference.familiar())
}

#[expect(clippy::print_stderr, reason = "diagnostics are for the user")]
pub(crate) fn print_diagnostic(
    request: &BuildRequest,
    diagnostic: &plimsoll_diagnostics::Diagnostic,
    color: bool,
) {
    eprintln!("{}", render(&request.dockerfile, diagnostic, color));
}

/// Keeps events until it is clear who shows them.
#[derive(Default)]
pub(crate) struct Buffer {
    events: std::sync::Mutex<Vec<EventKind>>,
    live: std::sync::OnceLock<Arc<dyn EventSink>>,
}

impl Buffer {
    /// Passes on what was kept, and from now on everything at once.
    pub(crate) fn replay(&self, sink: &Arc<dyn EventSink>) {
        let mut events = self.events.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        std::mem::take(&mut *events).into_iter().for_each(|event| sink.send(event));
        let _set_once = self.live.set(Arc::clone(sink));
    }
}

impl EventSink for Buffer {
    fn send(&self, event: EventKind) {
        match self.live.get() {
            Some(sink) => sink.send(event),
            None => self.events.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(event),
        }
    }
}

/// Build arguments by name, for the request.
type BuildArgs = BTreeMap<String, String>;
