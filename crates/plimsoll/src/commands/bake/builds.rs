//! All targets at the same time. Steps that several of them share run once: whoever comes second waits for the first.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context as _, Result};
use plimsoll_bake::Target;
use plimsoll_build::ContextSource;
use plimsoll_diagnostics::render;
use plimsoll_solver::{Cancel, EVENT_SCHEMA, EventKind, EventSink};
use plimsoll_store::BuildId;

use super::sink::{Numbers, TargetSink};
use super::{Args, Plan, shown};
use crate::commands::build::{Buffer, Built, Failed, Part};
use crate::environment::{GlobalArgs, Host};
use crate::exit;
use crate::namespace::{NeedsCopy, Standing};
use crate::progress::{Display, DisplayOptions, Mode, Summary};
use crate::variables;

/// What came of a target; nothing when one that it is built on has none.
type Outcome = Option<Result<Built, Failed>>;

/// What came of each target so far.
#[derive(Default)]
struct Board {
    done: Mutex<BTreeMap<String, Arc<Outcome>>>,
    changed: Condvar,
}

impl Board {
    fn put(&self, target: &str, outcome: Outcome) {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.insert(target.to_owned(), Arc::new(outcome));
        self.changed.notify_all();
    }

    /// Waits for the end of another target.
    fn wait(&self, target: &str) -> Arc<Outcome> {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(outcome) = done.get(target) {
                return Arc::clone(outcome);
            }
            done = self.changed.wait(done).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits for the targets that this one is built on; gives what they made, if all could be built.
    fn contexts(&self, target: &Target) -> Option<BTreeMap<String, ContextSource>> {
        let contexts = target.linked_contexts().map(|(context, link)| match &*self.wait(link) {
            Some(Ok(built)) => {
                let source = ContextSource::Target { name: link.to_owned(), built: built.targets.clone() };
                Some((context.to_owned(), source))
            }
            _ => None,
        });
        contexts.collect()
    }
}

/// Builds everything, shows it as one, and gives the exit code.
pub(super) fn run(args: &Args, plan: Plan, global: &GlobalArgs, standing: Standing) -> Result<u8> {
    let started = Instant::now();
    let host = Host::open(global, standing)?;
    let display = Display::new(
        args.progress,
        DisplayOptions { color: !variables::no_color(), is_ci: variables::is_ci() },
    );
    // Outside of the namespace nothing is shown until it is clear that this process can finish by itself.
    let buffer = (!host.standing.may_run).then(|| Arc::new(Buffer::default()));
    let sink: Arc<dyn EventSink> = match &buffer {
        Some(buffer) => Arc::clone(buffer) as Arc<dyn EventSink>,
        None => display.sink(),
    };
    let cancel = Cancel::new()?;
    crate::interrupt::watch(&cancel)?;
    sink.send(EventKind::Started { schema: EVENT_SCHEMA, build: BuildId::random()?.to_string() });
    let outcomes = build_all(plan, &host, &sink, &cancel);
    if !host.standing.may_run && outcomes.iter().any(|(_, outcome)| needs_copy(outcome)) {
        return Err(NeedsCopy.into());
    }
    if let Some(buffer) = buffer {
        buffer.replay(&display.sink());
    }
    let seconds = started.elapsed().as_secs_f64();
    conclude(args, &host, &display, &*sink, outcomes, seconds)
}

fn needs_copy(outcome: &Outcome) -> bool {
    matches!(outcome, Some(Err(failed)) if failed.needs_copy())
}

/// One thread a target; each waits for those that it is built on.
fn build_all(plan: Plan, host: &Host, sink: &Arc<dyn EventSink>, cancel: &Cancel) -> Vec<(String, Outcome)> {
    let (board, numbers) = (Board::default(), Arc::new(Numbers::default()));
    let Plan { resolved, mut arguments } = plan;
    std::thread::scope(|scope| {
        for (name, target) in &resolved.targets {
            let mut line = arguments.remove(name).expect("every target has arguments");
            if resolved.linked.contains(name) {
                // It was not asked for: it is built for others, and gets no name.
                line.tags.clear();
            }
            let sink = Arc::new(TargetSink {
                target: shown(name),
                numbers: Arc::clone(&numbers),
                inner: Arc::clone(sink),
                known: Mutex::default(),
            });
            let board = &board;
            scope.spawn(move || {
                let outcome = board.contexts(target).map(|contexts| {
                    Part { args: &line, contexts, host, sink, cancel: cancel.clone() }.build()
                });
                // The first failure ends everything else.
                if !matches!(outcome, Some(Ok(_))) {
                    cancel.raise();
                }
                board.put(name, outcome);
            });
        }
    });
    let done = board.done.into_inner().unwrap_or_else(PoisonError::into_inner);
    let take = |outcome| Arc::try_unwrap(outcome).unwrap_or_else(|_| unreachable!("every thread has ended"));
    done.into_iter().map(|(name, outcome)| (name, take(outcome))).collect()
}

#[expect(clippy::print_stderr, reason = "diagnostics are for the user")]
fn conclude(
    args: &Args,
    host: &Host,
    display: &Display,
    sink: &dyn EventSink,
    outcomes: Vec<(String, Outcome)>,
    seconds: f64,
) -> Result<u8> {
    let color = !variables::no_color() && std::io::IsTerminal::is_terminal(&std::io::stderr());
    let (mut built, mut failed) = (Vec::new(), Vec::new());
    for (name, outcome) in outcomes {
        match outcome {
            Some(Ok(part)) => built.push((name, part)),
            Some(Err(error)) => failed.push((name, error)),
            None => {}
        }
    }
    if !failed.is_empty() {
        sink.send(EventKind::Finished { ok: false, seconds, run: 0, cached: 0 });
        display.finish(None);
        // What was only stopped has nothing to tell, unless nothing else has.
        let causes: Vec<_> = failed.iter().filter(|(_, error)| !error.is_cancelled()).collect();
        let codes = causes.iter().map(|(name, error)| error.report(&shown(name), color));
        return Ok(codes.max().unwrap_or(exit::INTERRUPTED));
    }
    let mut metadata = serde_json::Map::new();
    let (mut parts, mut warnings): (Vec<(String, Summary)>, Vec<String>) = (Vec::new(), Vec::new());
    for (name, part) in built {
        warnings.extend(part.warnings.iter().map(|warning| render(&part.dockerfile, warning, color)));
        metadata.insert(name.clone(), part.metadata);
        parts.push((name, part.summary));
    }
    let summary = Summary::of_parts(parts, seconds);
    let (run, cached) = (summary.steps_run, summary.steps_cached);
    sink.send(EventKind::Finished { ok: true, seconds, run, cached });
    display.finish(Some(&summary));
    if !matches!(args.progress, Mode::Rawjson | Mode::Quiet) {
        // Targets that share a Dockerfile share its flaws.
        warnings.sort();
        warnings.dedup();
        warnings.iter().for_each(|warning| eprintln!("{warning}"));
    }
    if let Some(path) = &args.metadata_file {
        let text = serde_json::to_string_pretty(&metadata)?;
        std::fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    if run > 0 {
        crate::commands::sync_store::start(host);
    }
    Ok(exit::DONE)
}
