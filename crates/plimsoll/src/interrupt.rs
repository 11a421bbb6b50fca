//! Signals that stop the program: the first one asks the build to stop, and the process ends within a second in any case.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use plimsoll_solver::Cancel;

use crate::exit;

/// How long a build may take to stop by itself. Transfers and archives do not look at the flag; whatever they leave
/// behind is swept by a later command, and steps die with the process.
const PATIENCE: Duration = Duration::from_millis(800);

/// Raises the flag at the first INT, TERM or HUP, and ends the process soon after.
#[expect(clippy::exit, reason = "nothing else can end a process whose main thread waits for a server")]
pub(crate) fn watch(cancel: &Cancel) -> anyhow::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let cancel = cancel.clone();
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        if signals.forever().next().is_some() {
            cancel.raise();
            std::thread::sleep(PATIENCE);
            let mut terminal = std::io::stderr();
            if terminal.is_terminal() {
                // The display hides the cursor while it draws.
                let _closed_terminal = terminal.write_all(b"\x1b[?25h\n");
            }
            std::process::exit(i32::from(exit::INTERRUPTED));
        }
    })?;
    Ok(())
}
