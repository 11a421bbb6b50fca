//! How a build shows what it does: live on a terminal, as log lines, as JSON, or not at all.
//!
//! Everything goes to standard error. [`Display::sink`] takes the events of a build (`docs/reference/events.md`); one of four
//! writers shows them. The terminal's picture is made in three steps: `state` collects what is known, `frame` lays it out for a
//! size, `tty` draws the difference to what is on the screen. Text from outside passes the sanitiser in `state` and `plain`.

mod display;
mod frame;
mod plain;
mod rawjson;
mod state;
mod summary;
mod text;
mod tty;

pub(crate) use display::{Display, DisplayOptions, Mode};
pub(crate) use summary::{EmulatedSummary, PlatformSummary, Summary};
pub(crate) use text::{fit, width};
