//! What transfers tell, as events.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use plimsoll_oci::Digest;
use plimsoll_registry::{BlobOutcome, Progress, TransferEvent};
use plimsoll_solver::{EventKind, EventSink};

/// Turns a transfer's progress into events.
pub struct TransferProgress<'e> {
    events: &'e dyn EventSink,
    verb: &'static str,
    started: Mutex<BTreeMap<Digest, Instant>>,
    outcomes: Mutex<Vec<BlobOutcome>>,
}

impl<'e> TransferProgress<'e> {
    /// Events go to `events`; each blob is a task named by `verb` (`pulling`, `pushing`) and its digest.
    pub fn new(events: &'e dyn EventSink, verb: &'static str) -> Self {
        Self { events, verb, started: Mutex::default(), outcomes: Mutex::default() }
    }

    /// How many blobs really crossed the network so far, and how many need not.
    pub fn transferred(&self) -> (usize, usize) {
        let outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        let moved = outcomes.iter().filter(|outcome| **outcome == BlobOutcome::Transferred).count();
        (moved, outcomes.len() - moved)
    }

    fn finished(&self, digest: &Digest, outcome: BlobOutcome) {
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(start) = started.remove(digest) else { return };
        drop(started);
        let note = match &outcome {
            BlobOutcome::Transferred => None,
            BlobOutcome::Existed => Some("was there already".to_owned()),
            BlobOutcome::Mounted { from } => Some(format!("mounted from {from}")),
            BlobOutcome::Skipped => Some("not needed".to_owned()),
        };
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner).push(outcome);
        let seconds = start.elapsed().as_secs_f64();
        self.events.send(EventKind::TaskDone { task: self.task(digest), seconds, note });
    }

    fn task(&self, digest: &Digest) -> String {
        format!("{} {}", self.verb, digest.short())
    }
}

impl Progress for TransferProgress<'_> {
    fn event(&self, event: TransferEvent) {
        match event {
            TransferEvent::Started { digest, size_bytes } => {
                let task = self.task(&digest);
                let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
                started.insert(digest, Instant::now());
                drop(started);
                self.events.send(EventKind::TaskStarted { task: task.clone(), name: task.clone() });
                let total_bytes = Some(size_bytes);
                self.events.send(EventKind::Progress { task, done_bytes: 0, total_bytes });
            }
            TransferEvent::Position { digest, position_bytes } => self.events.send(EventKind::Progress {
                task: self.task(&digest),
                done_bytes: position_bytes,
                total_bytes: None,
            }),
            TransferEvent::Finished { digest, outcome } => self.finished(&digest, outcome),
            TransferEvent::Retrying { registry, name, reason, .. } => {
                let message = format!("`{registry}` could not serve `{name}` ({reason}); trying again");
                self.events.send(EventKind::Warning { message });
            }
            TransferEvent::MirrorFailed { mirror, name, reason } => {
                let message = format!("mirror `{mirror}` could not serve `{name}`: {reason}");
                self.events.send(EventKind::Warning { message });
            }
            _ => {}
        }
    }
}
