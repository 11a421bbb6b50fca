//! What a build tells while it runs: the one stream that progress, `rawjson`, logs and `why` read.

use serde::Serialize;

/// The version of the event format; it changes when a field changes its meaning or goes.
pub const EVENT_SCHEMA: u32 = 1;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// Seconds since the build started.
    pub at: f64,
    /// What it was.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// Which of a command's outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// What happened. Vertices are numbered within one build.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum EventKind {
    /// The first event of a build.
    Started {
        /// [`EVENT_SCHEMA`].
        schema: u32,
        /// The build's id, which is also the name of its log folder.
        build: String,
    },
    /// A vertex of the graph is known.
    Vertex {
        /// Its number.
        vertex: usize,
        /// What it does, for people.
        name: String,
        /// Its stage.
        stage: Option<String>,
        /// The line in the Dockerfile, counted from 1.
        line: Option<usize>,
    },
    /// A vertex runs now.
    VertexStarted {
        /// Its number.
        vertex: usize,
    },
    /// A vertex need not run: its result is known.
    VertexCached {
        /// Its number.
        vertex: usize,
    },
    /// A vertex waits for another process that runs the same step.
    VertexWaits {
        /// Its number.
        vertex: usize,
    },
    /// Why a vertex was not found in the cache.
    VertexReason {
        /// Its number.
        vertex: usize,
        /// The first ingredient that differs, in the user's words.
        reason: String,
    },
    /// A vertex ran to its end.
    VertexDone {
        /// Its number.
        vertex: usize,
        /// How long it ran.
        seconds: f64,
    },
    /// A vertex failed.
    VertexFailed {
        /// Its number.
        vertex: usize,
        /// How long it ran.
        seconds: f64,
        /// Why, in one line.
        message: String,
    },
    /// One line that a command wrote.
    Log {
        /// Its vertex.
        vertex: usize,
        /// Where it was written.
        stream: Stream,
        /// The line without its end; secrets are masked, nothing else is changed.
        text: String,
    },
    /// Work beside the graph: resolving a name, composing a base, exporting.
    TaskStarted {
        /// Its id, unique in the build.
        task: String,
        /// What it does, for people.
        name: String,
    },
    /// How far a task or a vertex is.
    Progress {
        /// The task's id.
        task: String,
        /// Done so far, in bytes.
        done_bytes: u64,
        /// All that is to be done, where it is known, in bytes.
        total_bytes: Option<u64>,
    },
    /// A task ended.
    TaskDone {
        /// Its id.
        task: String,
        /// How long it took.
        seconds: f64,
        /// What came of it, in one line.
        note: Option<String>,
    },
    /// Something that the user should know, and that stops nothing.
    Warning {
        /// The text.
        message: String,
    },
    /// The last event.
    Finished {
        /// Whether the build did what was asked.
        ok: bool,
        /// How long it took.
        seconds: f64,
        /// Vertices that ran.
        run: usize,
        /// Vertices that were known.
        cached: usize,
    },
}

/// Takes events, from any thread.
pub trait EventSink: Send + Sync {
    /// Takes one event; the sink adds the time.
    fn send(&self, event: EventKind);
}

/// Drops everything.
impl EventSink for () {
    fn send(&self, _event: EventKind) {}
}
