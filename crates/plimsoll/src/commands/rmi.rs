//! `plimsoll rmi`: images lose their names.

use anyhow::Result;
use plimsoll_export::ExportError;
use plimsoll_oci::Reference;

use crate::commands::images::{answer_lines, find};
use crate::environment::{GlobalArgs, Host};
use crate::exit;
use crate::namespace::Standing;

/// Take names away from images
///
/// An image without a name goes with the next `plimsoll prune`, with everything that no other image and no running
/// build uses. Until then its layers still serve as cache.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Take away all names of an image that is given by its digest, and do not fail where there is no such image
    #[arg(short, long)]
    force: bool,
    /// Names, or the first digits of digests
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
}

/// A stored name as people write it.
fn familiar(name: &str) -> String {
    name.parse::<Reference>().map_or_else(|_| name.to_owned(), |reference| reference.familiar())
}

#[expect(clippy::print_stderr, reason = "says what was not done")]
pub(crate) fn run(args: &Args, global: &GlobalArgs, standing: Standing) -> Result<u8> {
    let host = Host::open(global, standing)?;
    let mut removed = Vec::new();
    let mut code = exit::DONE;
    for name in &args.names {
        let image = match find(&host.store, name) {
            Ok(image) => image,
            Err(error) if matches!(error.downcast_ref(), Some(ExportError::NoImage { .. })) => {
                if !args.force {
                    eprintln!("error: {}", plimsoll_diagnostics::sanitize::line(&error.to_string()));
                    code = exit::NO;
                }
                continue;
            }
            Err(error) => return Err(error),
        };
        let names = match image.name {
            Some(name) => vec![name],
            None if image.names.len() > 1 && !args.force => {
                eprintln!(
                    "error: the image `{}` has several names: {}\n\
                     hint: name the one to take away, or take away all with `--force`",
                    plimsoll_diagnostics::sanitize::line(name),
                    image.names.iter().map(|name| familiar(name)).collect::<Vec<_>>().join(", ")
                );
                code = exit::NO;
                continue;
            }
            None => image.names,
        };
        for name in names {
            if host.store.remove_image(&name)? {
                removed.push(format!("Untagged: {}", familiar(&name)));
            }
        }
    }
    if !removed.is_empty() {
        answer_lines(removed)?;
        eprintln!("hint: the room that they take is freed by the next `plimsoll prune`");
    }
    Ok(code)
}
