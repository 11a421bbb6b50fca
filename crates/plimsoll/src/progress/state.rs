//! What is known of a running build, ready to be shown. Text from outside is sanitised on its way in.

use std::collections::{BTreeMap, VecDeque};

use plimsoll_diagnostics::sanitize;
use plimsoll_solver::{Event, EventKind};

use super::summary::short_digest;
use super::text::{last_overwrite, tidy};

/// Lines of a step's output that are kept: what is left on the screen when the step fails.
const TAIL_LINES: usize = 20;
/// No terminal shows more of a line.
const LONGEST_LINE: usize = 4000;
/// Over how many seconds the speed of a transfer is measured.
const RATE_WINDOW: f64 = 4.0;

/// How far a step or a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// Announced, nothing more.
    Known,
    /// It runs.
    Running,
    /// Another build runs the same step.
    Waiting,
    /// Its result was there.
    Cached,
    /// It ran to its end.
    Done,
    /// It failed.
    Failed,
    /// The build ended before it did.
    Stopped,
}

impl Status {
    /// Whether it goes on.
    pub(super) fn is_active(self) -> bool {
        matches!(self, Self::Running | Self::Waiting)
    }
}

/// Bytes of a transfer.
#[derive(Clone, Debug, Default)]
pub(super) struct Transfer {
    pub(super) done: u64,
    pub(super) total: Option<u64>,
    samples: VecDeque<(f64, u64)>,
}

impl Transfer {
    fn update(&mut self, at: f64, done: u64, total: Option<u64>) {
        self.done = done;
        self.total = total.or(self.total);
        // A transfer that starts again from the beginning has no negative speed.
        if self.samples.back().is_some_and(|(_, before)| *before > done) {
            self.samples.clear();
        }
        if self.samples.back().is_none_or(|(last, _)| at - last >= 0.2) {
            self.samples.push_back((at, done));
        }
        while self.samples.len() > 2 && at - self.samples[0].0 > RATE_WINDOW {
            self.samples.pop_front();
        }
    }

    /// Bytes in a second, over the last seconds.
    pub(super) fn rate(&self, now: f64) -> Option<u64> {
        let (at, before) = *self.samples.front()?;
        let seconds = now - at;
        if seconds < 0.5 {
            return None;
        }
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a speed is shown with four digits; the cast saturates"
        )]
        Some(((self.done - before) as f64 / seconds) as u64)
    }
}

/// One step or task.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) status: Status,
    /// Why a step runs, what came of a task, why a step failed.
    pub(super) remark: Option<String>,
    pub(super) transfer: Option<Transfer>,
    pub(super) tail: VecDeque<String>,
    started: f64,
    seconds: f64,
    is_step: bool,
}

impl Entry {
    fn new(name: &str, is_step: bool) -> Self {
        Self {
            name: shown_name(name),
            status: Status::Known,
            remark: None,
            transfer: None,
            tail: VecDeque::new(),
            started: 0.0,
            seconds: 0.0,
            is_step,
        }
    }

    /// How long it has run.
    pub(super) fn seconds(&self, now: f64) -> f64 {
        if self.status.is_active() { now - self.started } else { self.seconds }
    }
}

/// How a build stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It goes on.
    Building,
    /// It did what was asked.
    Built,
    /// It did not.
    Failed,
    /// It ended, and nobody said how.
    Ended,
}

/// A running build.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) outcome: Outcome,
    pub(super) entries: Vec<Entry>,
    /// What has started, in that order, as places in `entries`.
    pub(super) order: Vec<usize>,
    vertices: BTreeMap<usize, usize>,
    tasks: BTreeMap<String, usize>,
    /// Warnings that have not been taken.
    warnings: Vec<String>,
    warned: Vec<String>,
    ended: Option<f64>,
}

impl State {
    /// A build of which nothing is known.
    pub(super) fn new() -> Self {
        Self {
            outcome: Outcome::Building,
            entries: Vec::new(),
            order: Vec::new(),
            vertices: BTreeMap::new(),
            tasks: BTreeMap::new(),
            warnings: Vec::new(),
            warned: Vec::new(),
            ended: None,
        }
    }

    /// Takes note of an event.
    pub(super) fn apply(&mut self, event: &Event) {
        let at = event.at;
        match &event.kind {
            EventKind::Started { .. } => {}
            EventKind::Vertex { vertex, name, .. } => {
                let entry = self.vertex(*vertex);
                entry.name = shown_name(name);
                entry.is_step = !is_source(name);
            }
            EventKind::VertexStarted { vertex } => {
                self.show(*vertex, Status::Running).started = at;
            }
            EventKind::VertexWaits { vertex } => {
                self.show(*vertex, Status::Waiting);
            }
            EventKind::VertexCached { vertex } => {
                self.show(*vertex, Status::Cached);
            }
            EventKind::VertexReason { vertex, reason } => {
                self.vertex(*vertex).remark = Some(one_line(reason));
            }
            EventKind::VertexDone { vertex, seconds } => {
                let entry = self.show(*vertex, Status::Done);
                entry.seconds = *seconds;
                entry.tail.clear();
            }
            EventKind::VertexFailed { vertex, seconds, message } => {
                let entry = self.show(*vertex, Status::Failed);
                entry.seconds = *seconds;
                entry.remark = Some(one_line(message));
            }
            EventKind::Log { vertex, text, .. } => {
                let entry = self.vertex(*vertex);
                // What waited for another build runs when it writes.
                if entry.status == Status::Waiting {
                    entry.status = Status::Running;
                }
                if entry.tail.len() == TAIL_LINES {
                    entry.tail.pop_front();
                }
                entry.tail.push_back(shown_log(text));
            }
            EventKind::TaskStarted { task, name } => self.start_task(task, name, at),
            EventKind::Progress { task, done_bytes, total_bytes } => {
                if !self.tasks.contains_key(task) {
                    self.start_task(task, task, at);
                }
                let entry = self.task(task);
                entry.transfer.get_or_insert_default().update(at, *done_bytes, *total_bytes);
            }
            EventKind::TaskDone { task, note, .. } => {
                let entry = self.task(task);
                // The sender's time may leave out how long the task was queued; the picture shows what was seen.
                entry.seconds = entry.seconds(at);
                entry.status = Status::Done;
                entry.remark = note.as_deref().map(|note| one_line(&short_digest(note)));
            }
            EventKind::Warning { message } => {
                let message = one_line(message);
                if !self.warned.contains(&message) {
                    self.warned.push(message.clone());
                    self.warnings.push(message);
                }
            }
            EventKind::Finished { ok, .. } => {
                self.end(if *ok { Outcome::Built } else { Outcome::Failed }, at);
            }
        }
    }

    /// The build is over; what still ran was stopped.
    pub(super) fn end(&mut self, outcome: Outcome, at: f64) {
        if self.outcome != Outcome::Building {
            return;
        }
        self.outcome = outcome;
        self.ended = Some(at);
        for entry in &mut self.entries {
            if entry.status.is_active() {
                entry.seconds = entry.seconds(at);
                entry.status = Status::Stopped;
            }
        }
    }

    /// Warnings since the last call.
    pub(super) fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    /// How long the build has run.
    pub(super) fn seconds(&self, now: f64) -> f64 {
        self.ended.unwrap_or(now)
    }

    /// Steps that are done, and all steps.
    pub(super) fn steps(&self) -> (usize, usize) {
        let steps = self.vertices.values().map(|place| &self.entries[*place]);
        // A vertex that gives what is there, such as a base image, is a step only when something happens to it.
        let steps = steps.filter(|entry| entry.is_step || entry.status != Status::Known);
        let (mut done, mut all) = (0, 0);
        for entry in steps {
            all += 1;
            done += usize::from(matches!(entry.status, Status::Done | Status::Cached));
        }
        // In a build that is done, what was not asked for was not needed.
        if self.outcome == Outcome::Built { (done, done) } else { (done, all) }
    }

    fn vertex(&mut self, vertex: usize) -> &mut Entry {
        let place = *self.vertices.entry(vertex).or_insert_with(|| {
            self.entries.push(Entry::new(&format!("step {vertex}"), true));
            self.entries.len() - 1
        });
        &mut self.entries[place]
    }

    fn show(&mut self, vertex: usize, status: Status) -> &mut Entry {
        self.vertex(vertex).status = status;
        let place = self.vertices[&vertex];
        if !self.order.contains(&place) {
            self.order.push(place);
        }
        &mut self.entries[place]
    }

    fn start_task(&mut self, task: &str, name: &str, at: f64) {
        let entry = Entry { started: at, status: Status::Running, ..Entry::new(name, false) };
        // A task that starts again, such as a transfer after an error, keeps its line.
        if let Some(place) = self.tasks.get(task) {
            self.entries[*place] = entry;
            return;
        }
        self.entries.push(entry);
        self.tasks.insert(task.to_owned(), self.entries.len() - 1);
        self.order.push(self.entries.len() - 1);
    }

    fn task(&mut self, task: &str) -> &mut Entry {
        if !self.tasks.contains_key(task) {
            self.start_task(task, task, 0.0);
        }
        let place = self.tasks[task];
        &mut self.entries[place]
    }
}

/// Whether a vertex only gives what is there already, and never runs.
fn is_source(name: &str) -> bool {
    let step =
        if name.starts_with('[') { name.split_once("] ").map_or(name, |(_, step)| step) } else { name };
    name.starts_with("[internal]") || step.starts_with("FROM ")
}

/// A name for one line: instructions over several lines are drawn together.
pub(super) fn shown_name(name: &str) -> String {
    one_line(&name.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Any text in one line.
pub(super) fn one_line(text: &str) -> String {
    tidy(&sanitize::line(text))
}

/// A line of a step's output as a terminal would show it; colours stay.
pub(super) fn shown_log(text: &str) -> String {
    let text = last_overwrite(text);
    let end = text.char_indices().nth(LONGEST_LINE).map_or(text.len(), |(end, _)| end);
    tidy(&sanitize::log_line(&text[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(events: impl IntoIterator<Item = (f64, EventKind)>) -> State {
        let mut state = State::new();
        events.into_iter().for_each(|(at, kind)| state.apply(&Event { at, kind }));
        state
    }

    fn vertex(vertex: usize, name: &str) -> (f64, EventKind) {
        (0.0, EventKind::Vertex { vertex, name: name.to_owned(), stage: None, line: None })
    }

    #[test]
    fn base_images_and_contexts_are_no_steps() {
        let state = state([
            vertex(0, "[internal] load build context"),
            vertex(1, "[builder 1/2] FROM node:20"),
            vertex(2, "[builder 2/2] RUN npm ci"),
            (1.0, EventKind::VertexCached { vertex: 2 }),
        ]);
        assert_eq!(state.steps(), (1, 1));
    }

    #[test]
    fn a_transfer_keeps_its_total_and_measures_its_speed() {
        let task = || "pull a".to_owned();
        let progress =
            |done_bytes, total_bytes| EventKind::Progress { task: task(), done_bytes, total_bytes };
        let state = state([
            (1.0, EventKind::TaskStarted { task: task(), name: task() }),
            (1.0, progress(0, Some(40_000_000))),
            (2.0, progress(5_000_000, None)),
            (3.0, progress(10_000_000, None)),
        ]);
        let transfer = state.entries[0].transfer.as_ref().unwrap();
        assert_eq!((transfer.done, transfer.total), (10_000_000, Some(40_000_000)));
        assert_eq!(transfer.rate(3.0), Some(5_000_000));
    }

    #[test]
    fn a_transfer_that_begins_again_has_no_negative_speed() {
        let mut transfer = Transfer::default();
        transfer.update(0.0, 1000, None);
        transfer.update(0.1, 900, None);
        transfer.update(2.0, 100, None);
        assert_eq!(transfer.rate(3.0), Some(0));
    }

    #[test]
    fn what_runs_when_a_build_ends_is_stopped() {
        let state = state([
            vertex(0, "RUN a"),
            (1.0, EventKind::VertexStarted { vertex: 0 }),
            (3.0, EventKind::Finished { ok: false, seconds: 3.0, run: 0, cached: 0 }),
        ]);
        assert_eq!(state.entries[0].status, Status::Stopped);
        assert!((state.entries[0].seconds(9.0) - 2.0).abs() < 1e-9);
    }

    #[test]
    fn one_warning_is_shown_once() {
        let warning = || (1.0, EventKind::Warning { message: "slow\x07".to_owned() });
        let mut state = state([warning(), warning()]);
        assert_eq!(state.take_warnings(), ["slow\\x07"]);
        assert!(state.take_warnings().is_empty());
    }

    #[test]
    fn names_of_several_lines_are_drawn_together() {
        assert_eq!(shown_name("[1/2] RUN a &&     b\n  c \x1b[2J"), "[1/2] RUN a && b c \\x1b[2J");
    }
}
