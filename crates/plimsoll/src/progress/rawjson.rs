//! Every event as one line of JSON (`docs/reference/events.md`). Text is escaped as JSON asks, and not changed otherwise.

use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use plimsoll_solver::{Event, EventKind, EventSink};

/// Writes events to standard error.
pub(super) struct Rawjson {
    begin: Instant,
    /// Orders the lines by their time.
    turn: Mutex<()>,
}

impl Rawjson {
    /// Times are counted from `begin`.
    pub(super) fn new(begin: Instant) -> Self {
        Self { begin, turn: Mutex::new(()) }
    }
}

impl EventSink for Rawjson {
    fn send(&self, event: EventKind) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let line = line(self.begin.elapsed().as_secs_f64(), event);
        // Nobody is left to be told that the stream is closed.
        let _lost = std::io::stderr().lock().write_all(line.as_bytes());
    }
}

/// One line with its end; times are in microseconds at most.
fn line(at: f64, kind: EventKind) -> String {
    let at = (at * 1e6).round() / 1e6;
    let mut line =
        serde_json::to_string(&Event { at, kind }).expect("an event holds names, numbers and text only");
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use plimsoll_solver::Stream;

    use super::*;

    #[test]
    fn an_event_is_one_line() {
        let text = "a\nb\x1b[31m\u{202e}".to_owned();
        assert_eq!(
            line(1.234_567_89, EventKind::Log { vertex: 3, stream: Stream::Stderr, text }),
            "{\"at\":1.234568,\"event\":\"log\",\"vertex\":3,\"stream\":\"stderr\",\"text\":\"a\\nb\\u001b[31m\u{202e}\"}\n"
        );
    }
}
