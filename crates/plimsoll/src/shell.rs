//! A small shell for steps whose image has none: enough to look around, nothing to write scripts in.
//!
//! It is this program's own file, put into the step. Words are split at blanks, quotes hold them together, `$NAME` is a
//! variable, `*` and `?` in the last part of a path stand for names, `> FILE` takes what a command shows. What is no command
//! of its own is looked for in `PATH`.

mod commands;
mod words;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::exit;
use crate::terminal::{NoStop, line, show};

/// What a line asks for next.
enum Next {
    /// The next line; the code is that of the command before.
    Line(u8),
    /// The end, with this code.
    End(u8),
}

/// Runs the shell: `-c TEXT`, or lines from standard input. Gives its exit code.
pub(crate) fn run(arguments: &[OsString]) -> u8 {
    if let [flag, text, ..] = arguments
        && flag == "-c"
    {
        let mut code = exit::DONE;
        for text in text.to_string_lossy().lines() {
            match perform(text, code) {
                Next::Line(next) => code = next,
                Next::End(code) => return code,
            }
        }
        return code;
    }
    interactive()
}

fn interactive() -> u8 {
    let is_terminal = std::io::stdin().is_terminal();
    let _no_stop = NoStop::new();
    // With a handler, an interrupt ends the command in front, which has none, and not this process.
    let interrupted = Arc::new(AtomicBool::new(false));
    let _kept_for_good = signal_hook::flag::register(signal_hook::consts::SIGINT, interrupted);
    if is_terminal {
        let _closed =
            show(b"this image has no shell; this one is plimsoll's own. `help` shows what it can do.\n");
    }
    let mut code = exit::DONE;
    loop {
        if is_terminal {
            let place = std::env::current_dir().unwrap_or_default();
            let _closed = show(format!("{} # ", place.display()).as_bytes());
        }
        let Ok(Some(text)) = line() else { return code };
        match perform(&String::from_utf8_lossy(&text), code) {
            Next::Line(next) => code = next,
            Next::End(code) => return code,
        }
    }
}

/// Does what one line says.
fn perform(text: &str, last: u8) -> Next {
    let command = match words::split(text) {
        Ok(command) => command,
        Err(problem) => {
            commands::complain(&problem);
            return Next::Line(exit::IMPOSSIBLE);
        }
    };
    let Some((name, arguments)) = command.words.split_first() else { return Next::Line(last) };
    if name == "exit" {
        let code = arguments.first().map_or(Some(last), |code| code.parse().ok());
        return Next::End(code.unwrap_or(exit::IMPOSSIBLE));
    }
    match commands::run(name, arguments, command.output.as_deref()) {
        Ok(code) => Next::Line(code),
        Err(problem) => {
            commands::complain(&format!("{name}: {problem}"));
            Next::Line(exit::NO)
        }
    }
}
