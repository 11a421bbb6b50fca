//! `--secret` and `--ssh`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use plimsoll_executor::{SecretSource, SshAgent, SshKeys};

use crate::variables;

/// Reads `id=ID[,src=FILE|,env=NAME][,type=file|env]`; without a source it is the variable of that name, or the file.
pub(crate) fn secrets(specs: &[String]) -> Result<BTreeMap<String, SecretSource>> {
    let mut secrets = BTreeMap::new();
    for spec in specs {
        let (mut id, mut source, mut variable, mut kind) = (None, None, None, None);
        for part in spec.split(',') {
            match part.split_once('=') {
                Some(("id", value)) => id = Some(value),
                Some(("src" | "source", value)) => source = Some(value),
                Some(("env", value)) => variable = Some(value),
                Some(("type", value @ ("file" | "env"))) => kind = Some(value),
                _ => bail!(
                    "`--secret {spec}`: `{part}` is not `id=`, `src=`, `env=`, `type=file` or `type=env`"
                ),
            }
        }
        let id = id.filter(|id| !id.is_empty());
        let id = id.or(source).or(variable).with_context(|| format!("`--secret {spec}` has no `id=`"))?;
        let from_variable = |name: &str| {
            std::env::var(name)
                .map(|value| SecretSource::Value(value.into_bytes()))
                .with_context(|| format!("`--secret {spec}`: the variable `{name}` is not set"))
        };
        let value = match (source, variable, kind) {
            (Some(name), None, Some("env")) | (_, Some(name), _) => from_variable(name)?,
            (Some(path), None, _) => SecretSource::File(existing(spec, path)?),
            (None, None, Some("env")) => from_variable(id)?,
            (None, None, kind) => match std::env::var(id) {
                Ok(value) if kind.is_none() => SecretSource::Value(value.into_bytes()),
                _ => SecretSource::File(existing(spec, id)?),
            },
        };
        secrets.insert(id.to_owned(), value);
    }
    Ok(secrets)
}

fn existing(spec: &str, path: &str) -> Result<PathBuf> {
    let path = PathBuf::from(path);
    if !path.is_file() {
        bail!("`--secret {spec}`: there is no file `{}`", path.display());
    }
    Ok(path)
}

/// Reads `default` or `ID[=SOCKET|KEY[,KEY…]]`; without a value it is the running agent's socket.
pub(crate) fn ssh(specs: &[String]) -> Result<BTreeMap<String, SshAgent>> {
    let mut agents = BTreeMap::new();
    for spec in specs {
        let (id, paths) = if let Some((id, paths)) = spec.split_once('=') {
            (id, paths.split(',').map(PathBuf::from).collect())
        } else {
            let running = variables::path("SSH_AUTH_SOCK")
                .with_context(|| format!("`--ssh {spec}`: no agent runs, SSH_AUTH_SOCK is not set"))?;
            (spec.as_str(), vec![running])
        };
        let agent = ssh_agent(paths).with_context(|| format!("`--ssh {spec}`"))?;
        agents.insert(id.to_owned(), agent);
    }
    Ok(agents)
}

/// One socket of an agent, or files with keys.
fn ssh_agent(mut paths: Vec<PathBuf>) -> Result<SshAgent> {
    use std::os::unix::fs::FileTypeExt;
    let mut sockets = 0;
    for path in &paths {
        let metadata = path.metadata().with_context(|| format!("cannot use `{}`", path.display()))?;
        sockets += usize::from(metadata.file_type().is_socket());
        if metadata.is_dir() {
            bail!("`{}` is a directory; name an agent's socket, or files with keys", path.display());
        }
    }
    match (sockets, paths.len()) {
        (0, _) => Ok(SshAgent::Keys(Arc::new(SshKeys::read(&paths)?))),
        (1, 1) => Ok(SshAgent::Socket(paths.remove(0))),
        _ => bail!("it is either one socket of an agent, or files with keys"),
    }
}
