//! `plimsoll doctor`: on which rung this machine is, and how to climb.

use anyhow::Result;
use plimsoll_oci::Platform;
use plimsoll_sandbox::{Emulators, Ladder, Rung};

use crate::environment::{GlobalArgs, root};
use crate::exit;
use crate::namespace::Standing;

/// Say how steps run on this machine, what that costs, and how to make it better
#[derive(clap::Args)]
pub(crate) struct Args {}

#[expect(clippy::print_stdout, reason = "this is the command's answer")]
pub(crate) fn run(_args: &Args, global: &GlobalArgs, standing: &Standing) -> Result<u8> {
    let ladder = Ladder::detect();
    println!("store: {}", root(global, standing)?.display());
    let (rung, cost) = match &ladder.rung {
        Rung::Root => ("root", "steps run in namespaces of their own; owners and devices are real"),
        Rung::SubordinateIds { .. } => (
            "user with subordinate ids",
            "steps run in a user namespace; owners are real there; device nodes exist only in the image's layers",
        ),
        Rung::SingleId => (
            "user with a single id",
            "changes of owner, device nodes and set*id are answered and recorded, not done: the image is right, \
             but inside a step `stat` shows root as the owner of everything, and programs cannot become another user",
        ),
        Rung::Unavailable => ("none", "steps cannot run here; unchanged builds, push, pull and inspect work"),
    };
    println!("steps run as: {rung}");
    println!("  {cost}");
    for obstacle in &ladder.obstacles {
        println!("why not better: {obstacle}");
        println!("  hint: {}", obstacle.hint());
    }
    emulators();
    Ok(if ladder.rung == Rung::Unavailable { exit::NO } else { exit::DONE })
}

/// What programs of other processors run with.
#[expect(clippy::print_stdout, reason = "this is the command's answer")]
fn emulators() {
    let emulators = Emulators::detect();
    let host = Platform::host();
    if !emulators.is_mounted {
        println!("steps for other processors: unknown, because the kernel's list is not mounted");
        println!("  hint: `mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc` as root");
        return;
    }
    let foreign: Vec<_> = emulators.list.iter().filter(|one| one.architecture != host.architecture).collect();
    let names: Vec<&str> = foreign.iter().map(|one| one.architecture.as_str()).collect();
    if names.is_empty() {
        println!("steps for other processors: none, no emulator is registered");
        println!("  hint: install `qemu-user-static`, which registers emulators");
        return;
    }
    println!("steps for other processors: {}", names.join(", "));
    for one in foreign.iter().filter(|one| emulators.loose(&one.architecture).is_some()) {
        println!("why not better: the emulator for {} is not registered with the flag F", one.architecture);
        println!(
            "  hint: steps do not see `{}`; register it again with that flag",
            one.interpreter.display()
        );
    }
}
