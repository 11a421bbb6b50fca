//! What a bake reads: files, the environment, `.env`.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use plimsoll_bake::{DEFAULT_FILES, Unreadable, parse_dotenv};
use plimsoll_diagnostics::SourceFile;

use super::Args;
use super::allow::Allowed;

/// A definition larger than this many bytes is none.
const LARGEST: u64 = 4 << 20;

/// Reads the files that were named, else those of the usual names that exist.
pub(super) fn read(args: &Args) -> Result<Vec<Arc<SourceFile>>> {
    let mut files = Vec::new();
    for path in &args.files {
        files
            .push(read_one(path).with_context(|| format!("cannot read the bake file `{}`", path.display()))?);
    }
    if args.files.is_empty() {
        for name in DEFAULT_FILES.iter().filter(|name| Path::new(name).exists()) {
            files.push(
                read_one(Path::new(name)).with_context(|| format!("cannot read the bake file `{name}`"))?,
            );
        }
    }
    if files.is_empty() {
        bail!(
            "there is no bake file here: docker-bake.hcl, docker-bake.json and compose.yaml are looked for; name another one \
             with `--file`"
        );
    }
    Ok(files)
}

fn read_one(path: &Path) -> Result<Arc<SourceFile>> {
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        std::io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes)?;
    } else {
        std::fs::File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    }
    if bytes.len() as u64 > LARGEST {
        bail!("it is larger than 4 MiB");
    }
    let text = String::from_utf8(bytes).context("it is not UTF-8")?;
    Ok(Arc::new(SourceFile::new(path.display().to_string(), text.trim_start_matches('\u{feff}'))))
}

/// Reads a file that a compose file names, if it may.
pub(super) fn read_other(path: &str, allowed: &Allowed) -> Result<Option<Arc<SourceFile>>, Unreadable> {
    let shown = path;
    let path = Path::new(path);
    let unreadable = |message: String| Unreadable { message, hint: None };
    // What may not be read may not be asked about either.
    if let Some(flag) = allowed.missing_read(path) {
        let message = format!("`{shown}` is outside of the working directory");
        let hint = Some(format!("if you trust the file, run the command again with `{flag}`"));
        return Err(Unreadable { message, hint });
    }
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Err(unreadable(format!("`{shown}` is not a file"))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(format!("cannot read `{shown}`: {error}"))),
    }
    read_one(path).map(Some).map_err(|error| unreadable(format!("cannot read `{shown}`: {error:#}")))
}

/// `--var` by name.
pub(super) fn variables(args: &Args) -> Result<BTreeMap<String, String>> {
    let mut variables = BTreeMap::new();
    for variable in &args.variables {
        match variable.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                variables.insert(name.to_owned(), value.to_owned());
            }
            _ => bail!("`--var {variable}` is not of the form `NAME=VALUE`"),
        }
    }
    Ok(variables)
}

/// The environment with what `.env` adds to it, for compose files.
pub(super) fn compose_environment() -> Result<BTreeMap<String, String>> {
    let mut environment: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let text = match std::fs::read_to_string(".env") {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(environment),
        Err(error) => return Err(error).context("cannot read `.env`"),
    };
    let found = parse_dotenv(&text, &environment)
        .map_err(|(line, error)| anyhow::anyhow!("`.env`, line {line}: {error}"))?;
    for (name, value) in found {
        environment.entry(name).or_insert(value);
    }
    Ok(environment)
}
