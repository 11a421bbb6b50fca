//! Signals that stop the program: the first one asks the build to stop, a second one ends the process.

use plimsoll_solver::Cancel;

/// Raises the flag at the first INT, TERM or HUP.
pub(crate) fn watch(cancel: &Cancel) -> anyhow::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let cancel = cancel.clone();
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in &mut signals {
            if cancel.is_raised() {
                // The default action of the signal ends the process; what it leaves is swept by the next command.
                let _ended = signal_hook::low_level::emulate_default_handler(signal);
            }
            cancel.raise();
        }
    })?;
    Ok(())
}
