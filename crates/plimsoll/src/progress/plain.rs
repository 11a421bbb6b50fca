//! The build as lines of a log: `#4 [builder 2/5] RUN npm ci`, `#4 1.23 added 120 packages`, `#4 DONE 12.3s`.
//!
//! Steps and tasks share one numbering, in the order in which they start. Text from outside passes the sanitiser; for a CI
//! system it passes [`ci_text`] too.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use plimsoll_diagnostics::sanitize;
use plimsoll_solver::{Event, EventKind, EventSink};

use super::state::{one_line, shown_log, shown_name};
use super::summary::Summary;
use super::text::{Paint, amount, without_colors};
use crate::output::human_bytes;

/// Seconds between two lines about one transfer.
const PROGRESS_EVERY: f64 = 5.0;

/// What the lines depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PlainOptions {
    /// Whether the colours of a step's output pass.
    pub(super) color: bool,
    /// Whether a CI system reads the lines.
    pub(super) is_ci: bool,
}

/// Writes lines to standard error.
pub(super) struct Plain {
    begin: Instant,
    writer: Mutex<Writer>,
}

impl Plain {
    /// Writes nothing yet.
    pub(super) fn new(begin: Instant, options: PlainOptions) -> Self {
        Self { begin, writer: Mutex::new(Writer::new(options)) }
    }

    /// Writes the summary.
    pub(super) fn finish(&self, summary: Option<&Summary>) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut writer.finished, true)
            && let Some(summary) = summary
        {
            let lines = summary.lines(Paint { color: false });
            let safe: Vec<String> = lines.iter().map(|line| writer.safe(line)).collect();
            print(&safe);
        }
    }
}

impl EventSink for Plain {
    fn send(&self, event: EventKind) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if !writer.finished {
            // The clock is read under the lock, so that times never go back.
            let event = Event { at: self.begin.elapsed().as_secs_f64(), kind: event };
            print(&writer.lines(&event));
        }
    }
}

fn print(lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let mut text = lines.join("\n");
    text.push('\n');
    // Nobody is left to be told that the log is closed.
    let _lost = std::io::stderr().lock().write_all(text.as_bytes());
}

#[derive(Debug, Default)]
struct Step {
    number: usize,
    name: String,
    reason: Option<String>,
    started: f64,
    /// When the last line about a transfer was written, and how far it was.
    told: (f64, u64),
    total: Option<u64>,
    is_open: bool,
}

#[derive(Debug)]
struct Writer {
    options: PlainOptions,
    numbers: usize,
    vertices: BTreeMap<usize, Step>,
    tasks: BTreeMap<String, Step>,
    finished: bool,
}

impl Writer {
    fn new(options: PlainOptions) -> Self {
        Self { options, numbers: 0, vertices: BTreeMap::new(), tasks: BTreeMap::new(), finished: false }
    }

    /// The lines of one event.
    fn lines(&mut self, event: &Event) -> Vec<String> {
        let mut lines = Vec::new();
        match &event.kind {
            EventKind::Started { .. } | EventKind::Finished { .. } => {}
            EventKind::Vertex { vertex, name, .. } => {
                let name = self.safe(&shown_name(name));
                self.vertices.entry(*vertex).or_default().name = name;
            }
            EventKind::VertexReason { vertex, reason } => {
                let reason = self.safe(&one_line(reason));
                self.vertices.entry(*vertex).or_default().reason = Some(reason);
            }
            EventKind::VertexStarted { vertex } => {
                let step = self.open(*vertex, event.at, &mut lines);
                if let Some(reason) = step.reason.take() {
                    lines.push(format!("#{} because: {reason}", step.number));
                }
            }
            EventKind::VertexWaits { vertex } => {
                let number = self.open(*vertex, event.at, &mut lines).number;
                lines.push(format!("#{number} another build runs the same step: waiting for its result"));
            }
            EventKind::VertexCached { vertex } => {
                let number = self.open(*vertex, event.at, &mut lines).number;
                lines.push(format!("#{number} CACHED"));
                self.close(*vertex);
            }
            EventKind::VertexDone { vertex, seconds } => {
                let number = self.open(*vertex, event.at, &mut lines).number;
                lines.push(format!("#{number} DONE {seconds:.1}s"));
                self.close(*vertex);
            }
            EventKind::VertexFailed { vertex, message, .. } => {
                let message = self.safe(&one_line(message));
                let number = self.open(*vertex, event.at, &mut lines).number;
                lines.push(format!("#{number} ERROR: {message}"));
                self.close(*vertex);
            }
            EventKind::Log { vertex, text, .. } => {
                let text = self.log(text);
                let step = self.open(*vertex, event.at, &mut lines);
                let line = format!("#{} {:.2} {text}", step.number, event.at - step.started);
                lines.push(line.trim_end().to_owned());
            }
            EventKind::TaskStarted { task, name } => self.start_task(task, name, event.at, &mut lines),
            EventKind::Progress { task, done_bytes, total_bytes } => {
                if !self.tasks.contains_key(task) {
                    self.start_task(task, task, event.at, &mut lines);
                }
                let step = self.tasks.entry(task.clone()).or_default();
                step.total = total_bytes.or(step.total);
                lines.extend(step.progress(event.at, *done_bytes));
            }
            EventKind::TaskDone { task, note, .. } => {
                if let Some(step) = self.tasks.remove(task) {
                    let note = note.as_deref().map(|note| format!(": {}", self.safe(&one_line(note))));
                    let (number, seconds) = (step.number, event.at - step.started);
                    lines.push(format!("#{number} DONE {seconds:.1}s{}", note.unwrap_or_default()));
                }
            }
            EventKind::Warning { message } => {
                lines.push(format!("warning: {}", self.safe(&one_line(message))));
            }
        }
        lines
    }

    /// The step, after its name was written.
    fn open(&mut self, vertex: usize, at: f64, lines: &mut Vec<String>) -> &mut Step {
        let step = self.vertices.entry(vertex).or_default();
        if !step.is_open {
            if step.number == 0 {
                self.numbers += 1;
                step.number = self.numbers;
            }
            step.is_open = true;
            step.started = at;
            let number = step.number;
            lines.push(if step.name.is_empty() {
                format!("#{number}")
            } else {
                format!("#{number} {}", step.name)
            });
        }
        step
    }

    fn close(&mut self, vertex: usize) {
        self.vertices.entry(vertex).or_default().is_open = false;
    }

    fn start_task(&mut self, task: &str, name: &str, at: f64, lines: &mut Vec<String>) {
        self.numbers += 1;
        let number = self.numbers;
        lines.push(format!("#{number} {}", self.safe(&shown_name(name))));
        let step = Step { number, started: at, told: (at, 0), ..Step::default() };
        self.tasks.insert(task.to_owned(), step);
    }

    fn log(&self, text: &str) -> String {
        let text = shown_log(text);
        let text = if self.options.color { text } else { without_colors(&text) };
        self.safe(&text)
    }

    fn safe(&self, text: &str) -> String {
        if self.options.is_ci { ci_text(text) } else { text.to_owned() }
    }
}

impl Step {
    fn progress(&mut self, at: f64, done: u64) -> Option<String> {
        let (told_at, told) = self.told;
        let seconds = at - told_at;
        if seconds < PROGRESS_EVERY {
            return None;
        }
        self.told = (at, done);
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a speed is shown with four digits; the cast saturates"
        )]
        let rate = (done.saturating_sub(told) as f64 / seconds) as u64;
        Some(format!("#{} {} {}/s", self.number, amount(done, self.total), human_bytes(rate)))
    }
}

/// A line without commands to a CI system: neither at its beginning, nor, for systems that look there, in its midst.
pub(super) fn ci_text(text: &str) -> String {
    let text = sanitize::ci_line(text);
    let mut out = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(at) = rest.find("##") {
        let (before, command) = rest.split_at(at);
        out.push_str(before);
        let word = command[2..].trim_start_matches(|character: char| character.is_ascii_alphanumeric());
        out.push_str(if word.starts_with('[') { "\\x23" } else { "#" });
        rest = &command[1..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use plimsoll_solver::Stream;

    use super::*;

    fn lines(options: PlainOptions, events: impl IntoIterator<Item = (f64, EventKind)>) -> String {
        let mut writer = Writer::new(options);
        let lines = events.into_iter().flat_map(|(at, kind)| writer.lines(&Event { at, kind }));
        lines.collect::<Vec<_>>().join("\n")
    }

    const OFF: PlainOptions = PlainOptions { color: false, is_ci: false };

    fn vertex(vertex: usize, name: &str) -> (f64, EventKind) {
        (0.0, EventKind::Vertex { vertex, name: name.to_owned(), stage: None, line: None })
    }

    fn log(vertex: usize, text: &str) -> EventKind {
        EventKind::Log { vertex, stream: Stream::Stdout, text: text.to_owned() }
    }

    #[test]
    fn a_build_reads_as_numbered_lines() {
        let task = || "resolve node:20".to_owned();
        let written = lines(
            OFF,
            [
                (0.1, EventKind::TaskStarted { task: task(), name: "[internal] resolve node:20".to_owned() }),
                (0.5, EventKind::TaskDone { task: task(), seconds: 0.4, note: Some("sha256:12".to_owned()) }),
                vertex(0, "[builder 1/3] WORKDIR /app"),
                vertex(7, "[builder 2/3] RUN npm ci"),
                vertex(8, "[builder 3/3] RUN false"),
                (0.6, EventKind::VertexCached { vertex: 0 }),
                (0.7, EventKind::VertexReason { vertex: 7, reason: "package.json changed".to_owned() }),
                (1.0, EventKind::VertexStarted { vertex: 7 }),
                (2.234, log(7, "\x1b[32madded\x1b[0m 120 packages")),
                (2.3, log(7, "")),
                (13.3, EventKind::VertexDone { vertex: 7, seconds: 12.3 }),
                (13.4, EventKind::VertexStarted { vertex: 8 }),
                (14.0, EventKind::VertexWaits { vertex: 8 }),
                (
                    14.4,
                    EventKind::VertexFailed {
                        vertex: 8,
                        seconds: 1.0,
                        message: "the command ended with 1".to_owned(),
                    },
                ),
                (14.5, EventKind::Warning { message: "slow mirror".to_owned() }),
            ],
        );
        assert_eq!(
            written,
            "#1 [internal] resolve node:20\n\
             #1 DONE 0.4s: sha256:12\n\
             #2 [builder 1/3] WORKDIR /app\n\
             #2 CACHED\n\
             #3 [builder 2/3] RUN npm ci\n\
             #3 because: package.json changed\n\
             #3 1.23 added 120 packages\n\
             #3 1.30\n\
             #3 DONE 12.3s\n\
             #4 [builder 3/3] RUN false\n\
             #4 another build runs the same step: waiting for its result\n\
             #4 ERROR: the command ended with 1\n\
             warning: slow mirror"
        );
    }

    #[test]
    fn a_transfer_writes_at_most_one_line_in_five_seconds() {
        let task = || "pull 12".to_owned();
        let progress = |at: f64, done_bytes| {
            (at, EventKind::Progress { task: task(), done_bytes, total_bytes: Some(40_100_000) })
        };
        let written = lines(
            OFF,
            [
                (0.0, EventKind::TaskStarted { task: task(), name: task() }),
                progress(0.1, 0),
                progress(4.9, 10_000_000),
                progress(5.0, 12_000_000),
                progress(6.0, 13_000_000),
                progress(10.0, 22_000_000),
                (11.0, EventKind::TaskDone { task: task(), seconds: 0.0, note: None }),
            ],
        );
        assert_eq!(written, "#1 pull 12\n#1 12.0/40.1 MB 2.4 MB/s\n#1 22.0/40.1 MB 2.0 MB/s\n#1 DONE 11.0s");
    }

    #[test]
    fn control_characters_are_escaped_and_colors_pass_when_asked_for() {
        let events = || [vertex(0, "RUN \x1b]0;x\x07"), (0.0, log(0, "\x1b[31mred\x1b[2J"))];
        assert_eq!(lines(OFF, events()), "#1 RUN \\x1b]0;x\\x07\n#1 0.00 red\\x1b[2J");
        let colored = lines(PlainOptions { color: true, ..OFF }, events());
        assert_eq!(colored, "#1 RUN \\x1b]0;x\\x07\n#1 0.00 \x1b[31mred\\x1b[2J\x1b[0m");
    }

    #[test]
    fn ci_systems_get_no_commands_from_a_step() {
        let options = PlainOptions { is_ci: true, ..OFF };
        let written = lines(
            options,
            [
                (0.0, log(0, "::error::x")),
                (0.0, log(0, "a ##vso[task.complete] ###[b")),
                (0.0, log(0, "## text")),
            ],
        );
        assert_eq!(
            written,
            "#1\n#1 0.00 \\x3a:error::x\n#1 0.00 a \\x23#vso[task.complete] #\\x23#[b\n#1 0.00 ## text"
        );
    }
}
