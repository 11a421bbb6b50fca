//! The live picture on a terminal.
//!
//! One thread draws, at most twelve times a second, and only what differs from what is there. The picture never is higher than
//! the terminal: what has scrolled out cannot be drawn over. Each frame is one write inside a synchronized update, which
//! terminals that do not know it ignore.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use plimsoll_solver::{Event, EventKind, EventSink};

use super::frame::{self, Size};
use super::state::{Outcome, State};
use super::summary::Summary;
use super::text::{Paint, Style, width};

const FRAME: Duration = Duration::from_millis(84);

static CURSOR_HIDDEN: AtomicBool = AtomicBool::new(false);

/// Shows the cursor again if a picture has hidden it.
fn restore_terminal() {
    if CURSOR_HIDDEN.swap(false, Ordering::SeqCst) {
        write("\x1b[?25h");
    }
}

/// Draws on the terminal that is standard error.
pub(super) struct Tty {
    shared: Arc<Shared>,
}

struct Shared {
    begin: Instant,
    paint: Paint,
    picture: Mutex<Picture>,
    stop: Condvar,
}

struct Picture {
    state: State,
    stopped: bool,
    /// Runs since the first event: a build that says nothing leaves the terminal alone.
    artist: Option<JoinHandle<Screen>>,
}

impl Tty {
    /// Draws nothing yet.
    pub(super) fn new(begin: Instant, color: bool) -> Self {
        let picture = Mutex::new(Picture { state: State::new(), stopped: false, artist: None });
        let shared = Shared { begin, paint: Paint { color }, picture, stop: Condvar::new() };
        Self { shared: Arc::new(shared) }
    }

    /// Draws the picture for the last time, and the summary below it.
    pub(super) fn finish(&self, summary: Option<&Summary>) {
        let mut picture = self.shared.lock();
        if std::mem::replace(&mut picture.stopped, true) {
            return;
        }
        let now = self.shared.now();
        picture.state.end(Outcome::Ended, now);
        let artist = picture.artist.take();
        let state = picture.state.clone();
        drop(picture);
        self.shared.stop.notify_all();
        if let Some(artist) = artist {
            let mut screen = artist.join().unwrap_or_default();
            let size = terminal_size();
            let warnings = self.shared.warnings(&mut self.shared.lock().state);
            let lines = frame::last(&state, now, size.columns, self.shared.paint);
            write(&screen.draw(lines, &warnings, size));
        }
        restore_terminal();
        if let Some(summary) = summary {
            let mut text = String::new();
            summary.lines(self.shared.paint).iter().for_each(|line| text.extend([line, "\r\n"]));
            write(&text);
        }
    }
}

impl EventSink for Tty {
    fn send(&self, event: EventKind) {
        let event = Event { at: self.shared.now(), kind: event };
        let mut picture = self.shared.lock();
        if picture.stopped {
            return;
        }
        picture.state.apply(&event);
        if picture.artist.is_none() {
            let shared = Arc::clone(&self.shared);
            // Without a thread there is the last picture, at least.
            picture.artist =
                std::thread::Builder::new().name("progress".to_owned()).spawn(move || shared.draw()).ok();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Picture> {
        self.picture.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> f64 {
        self.begin.elapsed().as_secs_f64()
    }

    fn warnings(&self, state: &mut State) -> Vec<String> {
        let word = self.paint.style(Style::Warn, "warning:");
        state.take_warnings().into_iter().map(|text| format!("{word} {text}")).collect()
    }

    fn draw(&self) -> Screen {
        let mut screen = Screen::default();
        let mut picture = self.lock();
        loop {
            let wait = self.stop.wait_timeout_while(picture, FRAME, |picture| !picture.stopped);
            picture = wait.unwrap_or_else(PoisonError::into_inner).0;
            if picture.stopped {
                return screen;
            }
            let size = terminal_size();
            let warnings = self.warnings(&mut picture.state);
            let lines = frame::live(&picture.state, self.now(), size, self.paint);
            drop(picture);
            // The build goes on while a slow terminal takes the frame.
            CURSOR_HIDDEN.store(true, Ordering::SeqCst);
            write(&screen.draw(lines, &warnings, size));
            picture = self.lock();
        }
    }
}

/// What was drawn last.
#[derive(Debug, Default)]
struct Screen {
    lines: Vec<String>,
    size: Option<Size>,
}

impl Screen {
    /// What to write, to get from the last picture to this one, with other lines above it.
    fn draw(&mut self, lines: Vec<String>, above: &[String], size: Size) -> String {
        let mut out = String::from("\x1b[?2026h\x1b[?25l\r");
        let same_size = self.size == Some(size);
        let up = if same_size { self.lines.len() } else { self.rows_at(size.columns).min(size.rows - 1) };
        let keep = same_size && above.is_empty();
        if up > 0 {
            let _infallible = write!(out, "\x1b[{up}A");
        }
        if !keep {
            // A line at a time: a whole screen that is erased at once goes to the history of some terminals.
            if up > 0 {
                out.push_str(&"\x1b[2K\r\n".repeat(up));
                let _infallible = write!(out, "\x1b[{up}A");
            }
            above.iter().for_each(|line| out.extend([line.as_str(), "\r\n"]));
        }
        for (at, line) in lines.iter().enumerate() {
            if !keep || self.lines.get(at) != Some(line) {
                out.push_str(line);
                // Behind a full line the cursor still stands on its last character, which would be erased.
                if keep && width(line) < size.columns {
                    out.push_str("\x1b[K");
                }
            }
            out.push_str("\r\n");
        }
        // Also what the terminal itself wrote there, such as `^C`.
        out.push_str("\x1b[J\x1b[?2026l");
        self.lines = lines;
        self.size = Some(size);
        out
    }

    /// Rows that the last picture takes after the terminal's width has changed: long lines have been wrapped.
    fn rows_at(&self, columns: usize) -> usize {
        self.lines.iter().map(|line| width(line).div_ceil(columns.max(1)).max(1)).sum()
    }
}

fn terminal_size() -> Size {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stderr()).ok();
    match size {
        Some(size) if size.ws_col > 0 && size.ws_row > 0 => {
            Size { columns: usize::from(size.ws_col), rows: usize::from(size.ws_row) }
        }
        _ => Size { columns: 80, rows: 24 },
    }
}

fn write(text: &str) {
    // A terminal that went away has nobody who could be told.
    let _lost = std::io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { columns: 10, rows: 24 };

    fn lines<const N: usize>(lines: [&str; N]) -> Vec<String> {
        lines.map(str::to_owned).to_vec()
    }

    #[test]
    fn only_lines_that_changed_are_written() {
        let mut screen = Screen::default();
        screen.draw(lines(["[+] 0.1s", "step one"]), &[], SIZE);
        assert_eq!(
            screen.draw(lines(["[+] 0.2s", "step one"]), &[], SIZE),
            "\x1b[?2026h\x1b[?25l\r\x1b[2A[+] 0.2s\x1b[K\r\n\r\n\x1b[J\x1b[?2026l"
        );
    }

    #[test]
    fn a_line_of_the_full_width_keeps_its_last_character() {
        let mut screen = Screen::default();
        screen.draw(lines(["0123456788"]), &[], SIZE);
        assert_eq!(
            screen.draw(lines(["0123456789"]), &[], SIZE),
            "\x1b[?2026h\x1b[?25l\r\x1b[1A0123456789\r\n\x1b[J\x1b[?2026l"
        );
    }

    #[test]
    fn a_warning_goes_above_the_picture() {
        let mut screen = Screen::default();
        screen.draw(lines(["a", "b"]), &[], SIZE);
        assert_eq!(
            screen.draw(lines(["a", "b"]), &lines(["warning: w"]), SIZE),
            "\x1b[?2026h\x1b[?25l\r\x1b[2A\x1b[2K\r\n\x1b[2K\r\n\x1b[2Awarning: w\r\na\r\nb\r\n\x1b[J\x1b[?2026l"
        );
    }

    #[test]
    fn wrapped_lines_are_erased_when_the_terminal_became_narrow() {
        let mut screen = Screen::default();
        screen.draw(lines(["0123456789", "b"]), &[], SIZE);
        let drawn = screen.draw(lines(["0", "b"]), &[], Size { columns: 4, rows: 24 });
        assert_eq!(drawn.matches("\x1b[2K\r\n").count(), 4, "{drawn:?}");
        assert!(drawn.ends_with("\x1b[4A0\r\nb\r\n\x1b[J\x1b[?2026l"), "{drawn:?}");
    }
}
