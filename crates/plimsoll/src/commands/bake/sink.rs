//! The events of several builds as those of one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use plimsoll_solver::{EventKind, EventSink};

/// Numbers for the vertices of all builds.
#[derive(Default)]
pub(super) struct Numbers {
    next: AtomicUsize,
}

/// Passes the events of one target on: with its name, and with numbers that no other target has.
pub(super) struct TargetSink {
    pub(super) target: String,
    pub(super) numbers: Arc<Numbers>,
    pub(super) inner: Arc<dyn EventSink>,
    pub(super) known: Mutex<BTreeMap<usize, usize>>,
}

impl TargetSink {
    fn number(&self, vertex: usize) -> usize {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        *known.entry(vertex).or_insert_with(|| self.numbers.next.fetch_add(1, Ordering::Relaxed))
    }

    /// `[build 2/5] RUN make` of the target `web` is `[web build 2/5] RUN make`, as with Docker.
    fn name(&self, name: &str) -> String {
        match name.strip_prefix('[') {
            Some(rest) => format!("[{} {rest}", self.target),
            None => format!("[{}] {name}", self.target),
        }
    }

    fn task(&self, task: &str) -> String {
        format!("{}: {task}", self.target)
    }
}

impl EventSink for TargetSink {
    fn send(&self, event: EventKind) {
        use EventKind as Kind;
        self.inner.send(match event {
            // All targets together start and end once.
            Kind::Started { .. } | Kind::Finished { .. } => return,
            Kind::Vertex { vertex, name, stage, line } => {
                Kind::Vertex { vertex: self.number(vertex), name: self.name(&name), stage, line }
            }
            Kind::VertexStarted { vertex } => Kind::VertexStarted { vertex: self.number(vertex) },
            Kind::VertexCached { vertex } => Kind::VertexCached { vertex: self.number(vertex) },
            Kind::VertexWaits { vertex } => Kind::VertexWaits { vertex: self.number(vertex) },
            Kind::VertexReason { vertex, reason } => {
                Kind::VertexReason { vertex: self.number(vertex), reason }
            }
            Kind::VertexDone { vertex, seconds } => Kind::VertexDone { vertex: self.number(vertex), seconds },
            Kind::VertexFailed { vertex, seconds, message } => {
                Kind::VertexFailed { vertex: self.number(vertex), seconds, message }
            }
            Kind::Log { vertex, stream, text } => Kind::Log { vertex: self.number(vertex), stream, text },
            Kind::TaskStarted { task, name } => {
                Kind::TaskStarted { task: self.task(&task), name: self.name(&name) }
            }
            Kind::Progress { task, done_bytes, total_bytes } => {
                Kind::Progress { task: self.task(&task), done_bytes, total_bytes }
            }
            Kind::TaskDone { task, seconds, note } => {
                Kind::TaskDone { task: self.task(&task), seconds, note }
            }
            other @ Kind::Warning { .. } => other,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Kept(Mutex<Vec<EventKind>>);

    impl EventSink for Kept {
        fn send(&self, event: EventKind) {
            self.0.lock().unwrap().push(event);
        }
    }

    #[test]
    fn vertices_of_different_targets_never_share_a_number() {
        let (kept, numbers) = (Arc::new(Kept::default()), Arc::new(Numbers::default()));
        for target in ["a", "b"] {
            let sink = TargetSink {
                target: target.to_owned(),
                numbers: Arc::clone(&numbers),
                inner: Arc::clone(&kept) as Arc<dyn EventSink>,
                known: Mutex::default(),
            };
            let name = "[1/2] RUN x".to_owned();
            sink.send(EventKind::Vertex { vertex: 0, name, stage: None, line: None });
            sink.send(EventKind::VertexStarted { vertex: 0 });
        }
        let name =
            |name: &str, vertex| EventKind::Vertex { vertex, name: name.to_owned(), stage: None, line: None };
        let started = |vertex| EventKind::VertexStarted { vertex };
        let expected = [name("[a 1/2] RUN x", 0), started(0), name("[b 1/2] RUN x", 1), started(1)];
        assert_eq!(*kept.0.lock().unwrap(), expected);
    }
}
