//! `plimsoll sync-store`: writes the store back to the disk, for a command that has ended already.
//!
//! A process inside `syncfs` cannot end, so a build does not wait for the disk itself: it leaves that to one more,
//! short-lived copy of the program. Until it is done, what the build made is only trusted until the machine goes down.

use std::process::{Command, Stdio};

use anyhow::Result;
use plimsoll_sandbox::copy_identity;

use crate::environment::{GlobalArgs, Host};
use crate::exit;
use crate::namespace::Standing;

/// Write the store back to the disk
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args, global: &GlobalArgs, standing: Standing) -> Result<u8> {
    let store = Host::open(global, standing)?.store;
    store.sync()?;
    // What killed processes left behind; a busy or unreadable rest is the next one's.
    let _left = store.sweep()?;
    Ok(exit::DONE)
}

/// Starts it, and does not wait.
pub(crate) fn start(host: &Host) {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new("/proc/self/exe");
    if let Some(marker) = std::env::args_os().nth(1).filter(|argument| copy_identity(argument).is_some()) {
        command.arg(marker);
    }
    command.arg("sync-store").arg("--root").arg(host.store.root());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    // Without it, what was built is looked at more closely after a crash of the machine; nothing else is lost.
    let _started = command.spawn();
}
