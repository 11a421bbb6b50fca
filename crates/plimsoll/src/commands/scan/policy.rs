//! What the user and the project decided about findings.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use plimsoll_scan::{IgnoreRules, Vex};

/// Larger files are none of these.
const LARGEST: u64 = 1 << 20;
/// The same of a VEX document.
const LARGEST_VEX: u64 = 256 << 20;
/// The files that are read in the current directory.
const NAMES: [&str; 2] = [".trivyignore", ".trivyignore.yaml"];

/// Reads the ignore files: the one that was named, else those in the current directory.
pub(super) fn ignore_rules(named: Option<&Path>, today: &str) -> Result<IgnoreRules> {
    let mut rules = IgnoreRules::default();
    let usual = || NAMES.iter().map(PathBuf::from).filter(|path| path.is_file()).collect();
    let paths: Vec<PathBuf> = named.map_or_else(usual, |path| vec![path.to_owned()]);
    for path in paths {
        let text = text(&path)?;
        let is_yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        if is_yaml {
            rules.add_file(&text, today).with_context(|| format!("`{}`", path.display()))?;
        } else {
            rules.add_list(&text, today);
        }
    }
    Ok(rules)
}

/// Reads what others say about vulnerabilities.
pub(super) fn vex(paths: &[PathBuf]) -> Result<Vex> {
    let mut vex = Vex::default();
    for path in paths {
        vex.add(&bytes(path, LARGEST_VEX)?).with_context(|| format!("`{}`", path.display()))?;
    }
    Ok(vex)
}

fn text(path: &Path) -> Result<String> {
    Ok(String::from_utf8_lossy(&bytes(path, LARGEST)?).into_owned())
}

fn bytes(path: &Path, most: u64) -> Result<Vec<u8>> {
    use std::io::Read as _;
    let failed = || format!("cannot read `{}`", path.display());
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).with_context(failed)?;
    file.take(most + 1).read_to_end(&mut bytes).with_context(failed)?;
    if bytes.len() as u64 > most {
        bail!("`{}` is larger than {} MiB", path.display(), most >> 20);
    }
    Ok(bytes)
}
