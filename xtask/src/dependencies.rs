//! The cap on the number of crates from outside that the program is made of.

use anyhow::{Result, bail};

use crate::metadata;

/// A new dependency is a decision: raise this number in the change that gives the reason.
const CAP: usize = 320;

/// Counts the crates and fails above the cap.
pub(crate) fn check() -> Result<()> {
    let count = metadata::outside_dependencies("plimsoll")?.len();
    eprintln!("{count} crates from outside, of at most {CAP}");
    if count > CAP {
        bail!(
            "the program is made of {count} crates from outside; the cap in xtask/src/dependencies.rs is {CAP}"
        );
    }
    Ok(())
}
