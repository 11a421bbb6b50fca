//! `plimsoll debug parse`: a Dockerfile as its words.

use std::io::Read;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use plimsoll_diagnostics::{SourceFile, render};
use plimsoll_dockerfile::tree;

use crate::exit;
use crate::variables;

/// Show the words of a Dockerfile, one expression an instruction
///
/// The form is that of BuildKit's own dump: the name of the instruction in lower case, its flags in brackets, its words as Go
/// writes strings. Names of instructions and of flags are not checked.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The Dockerfile, or `-` for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "the tree is the command's answer")]
pub(super) fn run(args: &Args) -> Result<u8> {
    let (name, bytes) = if args.file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).context("cannot read standard input")?;
        ("Dockerfile".to_owned(), bytes)
    } else {
        let name = args.file.display().to_string();
        let bytes = std::fs::read(&args.file).with_context(|| format!("cannot read `{name}`"))?;
        (name, bytes)
    };
    let file = SourceFile::new(name, String::from_utf8_lossy(&bytes).into_owned());
    match tree(&file) {
        Ok(tree) => {
            println!("{tree}");
            Ok(exit::DONE)
        }
        Err(diagnostics) => {
            let color = !variables::no_color() && std::io::IsTerminal::is_terminal(&std::io::stderr());
            diagnostics.iter().for_each(|diagnostic| eprintln!("{}", render(&file, diagnostic, color)));
            Ok(exit::NO)
        }
    }
}
