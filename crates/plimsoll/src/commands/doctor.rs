//! `plimsoll doctor`: on which rung this machine is, and how to climb.

use anyhow::Result;
use plimsoll_sandbox::{Ladder, Rung};

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
    Ok(if ladder.rung == Rung::Unavailable { exit::NO } else { exit::DONE })
}
