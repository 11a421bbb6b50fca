//! Every environment variable that the program reads.
//!
//! | variable | meaning |
//! | --- | --- |
//! | `PLIMSOLL_ROOT` | directory of the store, as `--root` |
//! | `PLIMSOLL_CONFIG` | the user's configuration, as `--config` |
//! | `PLIMSOLL_CA_CERTS` | a bundle of certificates for steps and registries, as `build --ca-certs` |
//! | `XDG_DATA_HOME`, `XDG_CONFIG_HOME`, `HOME` | where the two above are by default |
//! | `XDG_CACHE_HOME` | where `check` keeps what ShellCheck answered; `~/.cache` by default |
//! | `DOCKER_CONFIG` | folder of Docker's `config.json`, with credentials |
//! | `REGISTRY_AUTH_FILE` | podman's credentials, read after Docker's |
//! | `DOCKER_HOST`, `DOCKER_CONTEXT`, `CONTAINER_HOST` | the engine that `build --load` means |
//! | `DOCKER_TLS_VERIFY`, `DOCKER_TLS`, `DOCKER_CERT_PATH` | certificates for an engine at `tcp://` |
//! | `CONTAINER_SSHKEY` | the key for a podman at `CONTAINER_HOST=ssh://…` |
//! | `XDG_RUNTIME_DIR` | where a user's own engine listens |
//! | `SSH_AUTH_SOCK` | the agent that `--ssh default` means |
//! | `PATH` | where `git`, `ssh` and `shellcheck` are |
//! | `http_proxy`, `https_proxy`, `all_proxy`, `no_proxy` | ways to servers; also given to steps, as Docker does |
//! | `SOURCE_DATE_EPOCH` | as the build argument of that name, when that is not given; the time of `db build` |
//! | `BUILDX_BAKE_ENTITLEMENTS_FS` | `0`: bake files may use every path |
//! | `BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP` | `1`: variables of bake files do not come from the environment |
//! | `NO_COLOR` | no colours |
//! | `CI` | lines that a CI system would take for commands are neutralised |

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

/// Directory of the store.
pub(crate) const ROOT: &str = "PLIMSOLL_ROOT";
/// The user's configuration.
pub(crate) const CONFIG: &str = "PLIMSOLL_CONFIG";
/// A bundle of certificates.
pub(crate) const CA_CERTS: &str = "PLIMSOLL_CA_CERTS";
/// Where the Docker engine is.
pub(crate) const DOCKER_HOST: &str = "DOCKER_HOST";
/// Which of Docker's contexts is meant.
pub(crate) const DOCKER_CONTEXT: &str = "DOCKER_CONTEXT";
/// Whether the engine at `tcp://` is spoken to with certificates.
pub(crate) const DOCKER_TLS_VERIFY: &str = "DOCKER_TLS_VERIFY";
/// Whether it is spoken to with certificates, without a look at its own.
pub(crate) const DOCKER_TLS: &str = "DOCKER_TLS";
/// Folder of those certificates.
pub(crate) const DOCKER_CERT_PATH: &str = "DOCKER_CERT_PATH";
/// Where podman is.
pub(crate) const CONTAINER_HOST: &str = "CONTAINER_HOST";
/// The key for a podman behind ssh.
pub(crate) const CONTAINER_SSHKEY: &str = "CONTAINER_SSHKEY";
/// Times of what is built.
pub(crate) const SOURCE_DATE_EPOCH: &str = "SOURCE_DATE_EPOCH";
/// Whether bake files may use every path: `0` says yes.
pub(crate) const BAKE_EVERY_PATH: &str = "BUILDX_BAKE_ENTITLEMENTS_FS";
/// Whether variables of bake files come from the environment: `1` says no.
pub(crate) const BAKE_NO_ENVIRONMENT: &str = "BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP";
/// Set by the program for its own copy in a user namespace: the user's id and the id map outside of it.
pub(crate) const OUTER: &str = "PLIMSOLL_OUTER_IDENTITY";

/// A variable that is set and not empty.
pub(crate) fn text(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// A variable that holds a path.
pub(crate) fn path(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value: &OsString| !value.is_empty()).map(PathBuf::from)
}

/// Where programs are.
pub(crate) fn search_path() -> Vec<PathBuf> {
    env::var_os("PATH").map(|value| env::split_paths(&value).collect()).unwrap_or_default()
}

/// The user's home directory.
pub(crate) fn home() -> Option<PathBuf> {
    path("HOME")
}

/// Where user data goes.
pub(crate) fn data_home() -> Option<PathBuf> {
    path("XDG_DATA_HOME").or_else(|| home().map(|home| home.join(".local/share")))
}

/// Where user configuration is.
pub(crate) fn config_home() -> Option<PathBuf> {
    path("XDG_CONFIG_HOME").or_else(|| home().map(|home| home.join(".config")))
}

/// Where data is that can be made again.
pub(crate) fn cache_home() -> Option<PathBuf> {
    path("XDG_CACHE_HOME").or_else(|| home().map(|home| home.join(".cache")))
}

/// Docker's `config.json`.
pub(crate) fn docker_config() -> Option<PathBuf> {
    let folder = path("DOCKER_CONFIG").or_else(|| home().map(|home| home.join(".docker")));
    folder.map(|folder| folder.join("config.json"))
}

/// Whether colours are unwanted (<https://no-color.org>).
pub(crate) fn no_color() -> bool {
    text("NO_COLOR").is_some()
}

/// Whether a CI system reads the output.
pub(crate) fn is_ci() -> bool {
    text("CI").is_some_and(|value| value != "false")
}
