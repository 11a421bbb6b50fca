//! Which Docker engine, or podman, an image is loaded into: the one that Docker's own client would take, else whoever
//! listens at the usual places.

mod ssh;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use plimsoll_export::{EngineAddress, EngineTls};
use plimsoll_oci::Digest;
use serde::Deserialize;

use crate::variables;

/// Finds the engine; `context` is the name of one of Docker's contexts.
pub(crate) fn find(context: Option<&str>) -> Result<EngineAddress> {
    if let Some(name) = context.filter(|name| *name != "default") {
        return of_context(name);
    }
    if let Some(host) = variables::text(variables::DOCKER_HOST) {
        let verify = variables::text(variables::DOCKER_TLS_VERIFY).is_some();
        let tls = verify || variables::text(variables::DOCKER_TLS).is_some();
        let folder = variables::path(variables::DOCKER_CERT_PATH).or_else(docker_folder);
        let tls = folder.filter(|_| tls).map(|folder| certificates(&folder, !verify));
        return address(&host, tls.transpose()?, Far::Docker)
            .with_context(|| format!("`DOCKER_HOST={host}`"));
    }
    let chosen = variables::text(variables::DOCKER_CONTEXT).or_else(current_context);
    if let Some(name) = chosen.filter(|name| context.is_none() && name != "default") {
        return of_context(&name);
    }
    if let Some(host) = variables::text(variables::CONTAINER_HOST) {
        return address(&host, None, Far::Podman).with_context(|| format!("`CONTAINER_HOST={host}`"));
    }
    let runtime = variables::path("XDG_RUNTIME_DIR");
    let own = |name: &str| runtime.as_ref().map(|runtime| runtime.join(name));
    let places = [
        Some(PathBuf::from("/var/run/docker.sock")),
        own("docker.sock"),
        own("podman/podman.sock"),
        Some(PathBuf::from("/run/podman/podman.sock")),
    ];
    match places.into_iter().flatten().find(|path| path.exists()) {
        Some(path) => Ok(EngineAddress::Unix(path)),
        None => bail!(
            "there is no Docker engine and no podman to load the image into: nobody listens at the usual sockets. \
             Name one with `DOCKER_HOST` or a context of Docker; without `--load` the image is in plimsoll's own store, \
             and `--output type=docker,dest=FILE` writes what `docker load` reads"
        ),
    }
}

/// The program at the other end of ssh that leads on to the engine.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Far {
    Docker,
    Podman,
}

/// Reads `unix://PATH`, `tcp://HOST:PORT`, `ssh://USER@HOST:PORT/PATH`.
fn address(host: &str, tls: Option<EngineTls>, far: Far) -> Result<EngineAddress> {
    match host.split_once("://") {
        Some(("unix", path)) => Ok(EngineAddress::Unix(path.into())),
        Some((scheme @ ("tcp" | "http" | "https"), host)) => {
            let host = host.trim_end_matches('/');
            let tls = if scheme == "https" { Some(tls.unwrap_or_default()) } else { tls };
            let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
            let host = match (scheme, &tls) {
                // Docker's own ports.
                ("tcp", None) if !has_port => format!("{host}:2375"),
                ("tcp", Some(_)) if !has_port => format!("{host}:2376"),
                _ => host.to_owned(),
            };
            Ok(EngineAddress::Tcp { host, tls })
        }
        Some(("ssh", rest)) => ssh::address(rest, far == Far::Podman),
        _ => bail!("the address is `unix://PATH`, `tcp://HOST:PORT` or `ssh://USER@HOST`"),
    }
}

fn docker_folder() -> Option<PathBuf> {
    variables::docker_config()?.parent().map(Path::to_owned)
}

fn current_context() -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Config {
        current_context: Option<String>,
    }
    let bytes = std::fs::read(variables::docker_config()?).ok()?;
    serde_json::from_slice::<Config>(&bytes).ok()?.current_context.filter(|name| !name.is_empty())
}

/// One of Docker's contexts; its files lie in folders that are named by the digest of its name.
fn of_context(name: &str) -> Result<EngineAddress> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Meta {
        endpoints: Endpoints,
    }
    #[derive(Deserialize)]
    struct Endpoints {
        docker: Docker,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Docker {
        host: String,
        #[serde(default, rename = "SkipTLSVerify")]
        skip_tls_verify: bool,
    }
    let folder = docker_folder().context("neither HOME nor DOCKER_CONFIG is set")?.join("contexts");
    let digest = Digest::of(name).hex();
    let path = folder.join("meta").join(&digest).join("meta.json");
    let bytes = std::fs::read(&path).with_context(|| format!("there is no context `{name}` of Docker"))?;
    let meta: Meta = serde_json::from_slice(&bytes)
        .with_context(|| format!("the context `{name}` cannot be read: `{}`", path.display()))?;
    let docker = meta.endpoints.docker;
    let certificate_folder = folder.join("tls").join(&digest).join("docker");
    let tls = certificate_folder.is_dir().then(|| certificates(&certificate_folder, docker.skip_tls_verify));
    address(&docker.host, tls.transpose()?, Far::Docker)
        .with_context(|| format!("the context `{name}` is at `{}`", docker.host))
}

/// `ca.pem`, `cert.pem` and `key.pem` of a folder, as far as they are there.
fn certificates(folder: &Path, accept_any: bool) -> Result<EngineTls> {
    let read = |name: &str| match std::fs::read(folder.join(name)) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read `{}`", folder.join(name).display())),
    };
    let identity = match (read("cert.pem")?, read("key.pem")?) {
        (Some(certificate), Some(key)) => Some([certificate, b"\n".to_vec(), key].concat()),
        _ => None,
    };
    Ok(EngineTls { authorities: read("ca.pem")?, identity, accept_any })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_schemes() {
        let address = |host: &str| address(host, None, Far::Docker);
        assert_eq!(address("unix:///run/d.sock").unwrap(), EngineAddress::Unix("/run/d.sock".into()));
        let tcp = |host: &str| EngineAddress::Tcp { host: host.to_owned(), tls: None };
        assert_eq!(address("tcp://127.0.0.1:99/").unwrap(), tcp("127.0.0.1:99"));
        assert_eq!(address("tcp://[::1]").unwrap(), tcp("[::1]:2375"));
        let tls = super::address("tcp://host", Some(EngineTls::default()), Far::Docker).unwrap();
        assert!(matches!(tls, EngineAddress::Tcp { host, tls: Some(_) } if host == "host:2376"));
        assert!(address("/run/d.sock").is_err());
    }
}
