//! `cargo xtask demo`: the main job end to end, on one example.

use anyhow::Result;

use crate::examples::{self, Variant};
use crate::plimsoll::{self, Plimsoll};
use crate::{shell, smoke};

/// Options of `demo`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    plimsoll: plimsoll::Options,

    /// The example to build
    #[arg(default_value = "node-api")]
    example: String,
}

/// Builds the program, composes the bases, builds the example, starts it, and builds again to show what is kept.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let example = examples::find(&arguments.example)?;
    let plimsoll = Plimsoll::open(&arguments.plimsoll)?;

    step("build the image: the bases are composed from signed Debian packages the first time");
    let seen = smoke::smoke(&plimsoll, example, Variant::Production)?;
    println!("{seen}");

    step("build it again: nothing has changed");
    let directory = example.directory();
    let mut again = plimsoll.build(&directory, &directory.join(Variant::Production.dockerfile()));
    again.args(["--tag", &example.tag(Variant::Production)]);
    shell::run(&mut again)?;

    step("change one source file and build: what does not depend on it is kept");
    let folder = tempfile::tempdir()?;
    let copy = folder.path().join(example.name);
    example.copy_to(&copy)?;
    example.change(&copy, &std::process::id().to_string())?;
    shell::run(&mut plimsoll.build(&copy, &copy.join(Variant::Production.dockerfile())))?;

    step("what the store holds");
    shell::run(&mut plimsoll.command("images"))?;
    println!("\n{seen}");
    println!(
        "the store is `{}`; remove it with `plimsoll reset --root` and its path",
        plimsoll.root().display()
    );
    Ok(())
}

fn step(title: &str) {
    println!("\n── {title}");
}
