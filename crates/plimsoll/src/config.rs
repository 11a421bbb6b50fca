//! The user's configuration and the project's file.
//!
//! The project's file comes with the sources and is not trusted: it names contexts, and cannot set mirrors,
//! credentials or certificates.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use plimsoll_graph::GitSource;
use plimsoll_registry::RegistriesConfig;
use serde::Deserialize;

use crate::variables;

/// The project's file, beside the Dockerfile or at the top of the context.
pub(crate) const PROJECT_FILE: &str = "plimsoll.toml";

/// `$XDG_CONFIG_HOME/plimsoll/config.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct UserConfig {
    /// Mirrors and transport settings by registry.
    pub(crate) registries: RegistriesConfig,
    /// Where Debian packages come from.
    pub(crate) debian: DebianConfig,
    /// Limits of the store.
    pub(crate) store: StoreConfig,
    /// How steps and registries are reached.
    pub(crate) network: NetworkConfig,
    /// Where devices are described.
    pub(crate) devices: DevicesConfig,
}

/// Where devices are described (CDI).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct DevicesConfig {
    /// Directories of specifications; later ones win.
    pub(crate) directories: Option<Vec<PathBuf>>,
}

impl DevicesConfig {
    /// The directories, which are the usual ones unless others are named.
    pub(crate) fn directories(&self) -> Vec<PathBuf> {
        let usual = || ["/etc/cdi", "/var/run/cdi"].map(PathBuf::from).to_vec();
        self.directories.clone().unwrap_or_else(usual)
    }
}

/// Where Debian packages come from, when it is not where the host's apt has them from.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct DebianConfig {
    /// Address of a mirror.
    pub(crate) mirror: Option<String>,
    /// Address of a mirror of the security archive.
    pub(crate) security_mirror: Option<String>,
    /// Keyring files, or directories of keyrings.
    pub(crate) keyrings: Vec<PathBuf>,
    /// Whether an outdated release file is refused.
    pub(crate) check_valid_until: Option<bool>,
}

/// Limits of the store.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct StoreConfig {
    /// The most that it may take, such as `40GB`.
    pub(crate) max_size: Option<String>,
    /// What must stay free on its file system, such as `1GB`.
    pub(crate) reserve: Option<String>,
    /// The most entries of an archive that ADD unpacks.
    pub(crate) max_archive_entries: Option<u64>,
}

impl StoreConfig {
    /// Each entry takes memory until its layer is written; twenty million are the most that a layer may have.
    const DEFAULT_ENTRIES: u64 = 4_000_000;
    const MOST_ENTRIES: u64 = 20_000_000;

    /// The most entries of an archive that ADD unpacks.
    pub(crate) fn archive_entries(&self) -> Result<u64> {
        let entries = self.max_archive_entries.unwrap_or(Self::DEFAULT_ENTRIES);
        if !(1..=Self::MOST_ENTRIES).contains(&entries) {
            bail!(
                "`store.max-archive-entries` of the configuration is {entries}; it can be from 1 to {}",
                Self::MOST_ENTRIES
            );
        }
        Ok(entries)
    }
}

/// How steps and registries are reached.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct NetworkConfig {
    /// A bundle of certificates, as `--ca-certs`.
    pub(crate) ca_certs: Option<PathBuf>,
}

/// `plimsoll.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct ProjectConfig {
    /// Named contexts, by the name that they replace: a directory, `debian://…`, `docker-image://…`.
    pub(crate) contexts: BTreeMap<String, String>,
    /// How large an image may be, unpacked, such as `200MB`.
    pub(crate) size_budget: Option<String>,
}

impl UserConfig {
    /// Reads the file that was named, or the one at the usual place if it is there.
    pub(crate) fn load(named: Option<&Path>) -> Result<Self> {
        let usual = variables::config_home().map(|home| home.join("plimsoll/config.toml"));
        let path = match (named, usual) {
            (Some(path), _) => path.to_owned(),
            (None, Some(path)) if path.exists() => path,
            (None, _) => return Ok(Self::default()),
        };
        read(&path)
    }
}

impl ProjectConfig {
    /// Reads the project's file beside the Dockerfile, or in the context, if there is one; with it the directory that
    /// its paths are relative to.
    pub(crate) fn load(directories: &[PathBuf]) -> Result<Option<(Self, PathBuf)>> {
        let mut found = directories.iter().filter(|directory| directory.join(PROJECT_FILE).is_file());
        let Some(directory) = found.next() else { return Ok(None) };
        let config: Self = read(&directory.join(PROJECT_FILE))?;
        let root = directory.canonicalize().unwrap_or_else(|_| directory.clone());
        for (name, value) in &config.contexts {
            let Some(path) = local_path(value) else { continue };
            let path = directory.join(path);
            let path =
                path.canonicalize().with_context(|| format!("context `{name}`: cannot use `{value}`"))?;
            if !path.starts_with(&root) {
                bail!(
                    "context `{name}` of `{}` is `{value}`, which lies outside of the project; \
                     give it on the command line with `--build-context {name}={value}` if you trust it",
                    directory.join(PROJECT_FILE).display()
                );
            }
        }
        Ok(Some((config, directory.clone())))
    }
}

/// What stands before a directory with an OCI layout.
pub(crate) const OCI_LAYOUT: &str = "oci-layout://";

/// The path in a named context that is read from this host.
fn local_path(value: &str) -> Option<&str> {
    if let Some(layout) = value.strip_prefix(OCI_LAYOUT) {
        let path = layout.split_once('@').map_or(layout, |(path, _)| path);
        return Some(
            path.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).map_or(path, |(path, _)| path),
        );
    }
    let is_remote =
        value.contains("://") || GitSource::parse_context(value).map_or(true, |source| source.is_some());
    (!is_remote).then_some(value)
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    toml::from_str(&text).with_context(|| format!("`{}` is not valid", path.display()))
}

/// Reads a size such as `40GB`, `512MiB` or `1000000`.
pub(crate) fn parse_size(text: &str) -> Result<u64> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "t" | "tb" => 1_000_000_000_000,
        "ki" | "kib" => 1 << 10,
        "mi" | "mib" => 1 << 20,
        "gi" | "gib" => 1 << 30,
        "ti" | "tib" => 1 << 40,
        _ => bail!("`{text}` is not a size; write it as `40GB`, `512MiB` or a number of bytes"),
    };
    let value: f64 = number.parse().with_context(|| {
        format!("`{text}` is not a size; write it as `40GB`, `512MiB` or a number of bytes")
    })?;
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a limit of a store needs no more than 52 bits, and the digits have no sign"
    )]
    let bytes = (value * factor as f64) as u64;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_decimal_and_binary_units() {
        assert_eq!(parse_size("40GB").unwrap(), 40_000_000_000);
        assert_eq!(parse_size("1.5GiB").unwrap(), 3 << 29);
        assert_eq!(parse_size("12").unwrap(), 12);
        assert!(parse_size("a lot").is_err());
        assert!(parse_size("5 parsecs").is_err());
    }

    #[test]
    fn a_project_cannot_set_mirrors() {
        let text = "[registries.\"docker.io\"]\nmirrors = [\"evil.example\"]\n";
        assert!(toml::from_str::<ProjectConfig>(text).is_err());
    }

    #[test]
    fn a_project_context_outside_of_the_project_is_refused() {
        let outside = tempfile::tempdir().unwrap();
        let project = tempfile::tempdir().unwrap();
        for kind in ["", OCI_LAYOUT] {
            let text = format!("[contexts]\nx = \"{kind}{}\"\n", outside.path().display());
            std::fs::write(project.path().join(PROJECT_FILE), text).unwrap();
            let error = ProjectConfig::load(&[project.path().to_owned()]).unwrap_err();
            assert!(error.to_string().contains("outside of the project"), "{error}");
        }
    }
}
