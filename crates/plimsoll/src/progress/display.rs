//! Which of the writers shows a build, and how long it does.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Instant;

use clap::ValueEnum;
use plimsoll_solver::EventSink;

use super::plain::{Plain, PlainOptions};
use super::rawjson::Rawjson;
use super::summary::Summary;
use super::tty::Tty;

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// A live picture on a terminal, lines elsewhere
    Auto,
    /// A live picture
    Tty,
    /// Lines, as for a log
    Plain,
    /// Every event as a line of JSON
    Rawjson,
    /// Nothing
    #[value(alias = "none")]
    Quiet,
}

/// What a display depends on besides its mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DisplayOptions {
    /// Whether colours are welcome on a terminal.
    pub(crate) color: bool,
    /// Whether a CI system reads the lines.
    pub(crate) is_ci: bool,
}

/// Shows a build on standard error. When it is dropped, drawing ends and the terminal is as it was.
pub(crate) struct Display {
    writer: Writer,
}

#[derive(Clone)]
enum Writer {
    Tty(Arc<Tty>),
    Plain(Arc<Plain>),
    Rawjson(Arc<Rawjson>),
    Quiet,
}

impl Display {
    /// A display whose clock starts now; nothing is written before the first event.
    pub(crate) fn new(mode: Mode, options: DisplayOptions) -> Self {
        let begin = Instant::now();
        let is_terminal = std::io::stderr().is_terminal();
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let color = options.color && is_terminal && !is_dumb;
        let writer = match mode {
            Mode::Auto if is_terminal && !is_dumb => Writer::Tty(Arc::new(Tty::new(begin, color))),
            Mode::Tty => Writer::Tty(Arc::new(Tty::new(begin, color))),
            Mode::Auto | Mode::Plain => {
                let options = PlainOptions { color, is_ci: options.is_ci };
                Writer::Plain(Arc::new(Plain::new(begin, options)))
            }
            Mode::Rawjson => Writer::Rawjson(Arc::new(Rawjson::new(begin))),
            Mode::Quiet => Writer::Quiet,
        };
        Self { writer }
    }

    /// Where the events of the build go; may outlive the display, and shows nothing then.
    pub(crate) fn sink(&self) -> Arc<dyn EventSink> {
        match &self.writer {
            Writer::Tty(tty) => Arc::clone(tty) as Arc<dyn EventSink>,
            Writer::Plain(plain) => Arc::clone(plain) as Arc<dyn EventSink>,
            Writer::Rawjson(rawjson) => Arc::clone(rawjson) as Arc<dyn EventSink>,
            Writer::Quiet => Arc::new(()),
        }
    }

    /// Ends the drawing: the last picture stays, and the summary follows it. Later events are not shown.
    pub(crate) fn finish(&self, summary: Option<&Summary>) {
        match &self.writer {
            Writer::Tty(tty) => tty.finish(summary),
            Writer::Plain(plain) => plain.finish(summary),
            Writer::Rawjson(_) | Writer::Quiet => {}
        }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.finish(None);
    }
}
