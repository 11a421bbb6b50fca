//! What the user's configuration says about registries: mirrors, plain http, certificates.
//!
//! Decides which endpoints stand for a registry name, and how each is spoken to. Only the user's own configuration
//! may carry these settings; the caller must not feed a project's file into them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The host that serves images named `docker.io/…`.
pub(crate) const DOCKER_HUB_HOST: &str = "registry-1.docker.io";
const DOCKER_HUB_NAMES: [&str; 3] = ["docker.io", "index.docker.io", DOCKER_HUB_HOST];

/// Settings of all registries, by the name they have in references (`docker.io`, `127.0.0.1:5000`).
///
/// As a `[registries]` table: each key is a registry, each value a [`RegistryConfig`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RegistriesConfig {
    /// Settings by registry name.
    pub registries: BTreeMap<String, RegistryConfig>,
    /// Registries that may speak plain http or have any certificate, whatever their settings say.
    #[serde(skip)]
    pub insecure: BTreeSet<String>,
}

/// Settings of one registry or mirror.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RegistryConfig {
    /// Where to read from first, in order: `host[:port][/prefix]`, with `http://` or `https://` in front if wished.
    /// The registry itself comes last. Pushes never go to a mirror.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mirrors: Vec<String>,
    /// Speak http without encryption. Unset: https, except that a registry on a loopback address may be either.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plain_http: Option<bool>,
    /// File of PEM certificates trusted for this registry, besides the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// Accept any certificate.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub insecure_skip_verify: bool,
}

/// How an endpoint is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
    /// A loopback address without settings: asked once which of the two it speaks.
    Probe,
}

/// One address that serves the content of a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EndpointConfig {
    /// `host[:port]`, the name for credentials and in messages.
    pub(crate) host: String,
    /// Path in front of repository names, without slashes at its ends; mostly empty.
    pub(crate) prefix: String,
    pub(crate) scheme: Scheme,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) skip_verify: bool,
    /// The registry that this mirrors, sent as `ns=`; `None` for the registry itself.
    pub(crate) mirror_of: Option<String>,
}

impl RegistriesConfig {
    fn settings(&self, registry: &str) -> Option<&RegistryConfig> {
        self.registries.get(registry).or_else(|| {
            is_docker_hub(registry)
                .then(|| DOCKER_HUB_NAMES.iter().find_map(|name| self.registries.get(*name)))
                .flatten()
        })
    }

    /// The endpoints that may be read for `registry`: its mirrors in order, then itself.
    pub(crate) fn read_endpoints(&self, registry: &str) -> Vec<EndpointConfig> {
        let mirrors = self.settings(registry).map(|settings| settings.mirrors.as_slice()).unwrap_or_default();
        let mut endpoints: Vec<_> = mirrors
            .iter()
            .map(|mirror| {
                let mut endpoint = self.endpoint(mirror);
                endpoint.mirror_of = Some(registry.to_owned());
                endpoint
            })
            .collect();
        endpoints.push(self.endpoint(registry));
        endpoints
    }

    /// The one endpoint that takes pushes for `registry`; or any endpoint by its address.
    pub(crate) fn endpoint(&self, address: &str) -> EndpointConfig {
        let (scheme, rest) = if let Some(rest) = address.strip_prefix("http://") {
            (Some(Scheme::Http), rest)
        } else if let Some(rest) = address.strip_prefix("https://") {
            (Some(Scheme::Https), rest)
        } else {
            (None, address)
        };
        let (host, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let settings = self.settings(host);
        let loopback = is_loopback(host);
        let insecure = self.insecure.contains(host);
        let scheme = scheme.unwrap_or(match settings.and_then(|settings| settings.plain_http) {
            _ if insecure => Scheme::Probe,
            Some(true) => Scheme::Http,
            None if loopback => Scheme::Probe,
            Some(false) | None => Scheme::Https,
        });
        let has_ca = settings.is_some_and(|settings| settings.ca.is_some());
        EndpointConfig {
            host: if is_docker_hub(host) { DOCKER_HUB_HOST.to_owned() } else { host.to_owned() },
            prefix: prefix.trim_matches('/').to_owned(),
            scheme,
            ca: settings.and_then(|settings| settings.ca.clone()),
            // Users of Docker expect a registry on the same machine to work with whatever certificate it has;
            // naming a certificate for it brings the check back.
            skip_verify: insecure
                || settings.is_some_and(|settings| settings.insecure_skip_verify)
                || (scheme == Scheme::Probe && !has_ca),
            mirror_of: None,
        }
    }
}

/// True for every name under which Docker Hub is known.
pub(crate) fn is_docker_hub(registry: &str) -> bool {
    DOCKER_HUB_NAMES.contains(&registry)
}

/// True for `localhost`, 127.0.0.0/8 and `[::1]`, with or without a port.
pub(crate) fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> RegistriesConfig {
        #[derive(Deserialize)]
        struct File {
            registries: RegistriesConfig,
        }
        toml::from_str::<File>(text).unwrap().registries
    }

    #[test]
    fn reads_mirrors_in_order_and_the_registry_last() {
        let config = parse(
            "[registries.\"docker.io\"]\nmirrors = [\"127.0.0.1:5000\", \"https://cache.example/hub\"]\n\
             [registries.\"cache.example\"]\nca = \"/ca.pem\"\n",
        );
        let endpoints = config.read_endpoints("docker.io");
        let hosts: Vec<_> = endpoints.iter().map(|endpoint| endpoint.host.as_str()).collect();
        assert_eq!(hosts, ["127.0.0.1:5000", "cache.example", "registry-1.docker.io"]);
        assert_eq!(endpoints[1].prefix, "hub");
        assert_eq!(endpoints[1].ca.as_deref(), Some(std::path::Path::new("/ca.pem")));
        assert_eq!(endpoints[1].mirror_of.as_deref(), Some("docker.io"));
        assert_eq!(endpoints[2].scheme, Scheme::Https);
        assert_eq!(endpoints[2].mirror_of, None);
    }

    #[test]
    fn loopback_is_probed_unless_the_configuration_says_more() {
        for host in ["localhost", "localhost:5000", "127.0.0.1:5000", "127.8.9.1", "[::1]:5000"] {
            assert_eq!(RegistriesConfig::default().endpoint(host).scheme, Scheme::Probe, "{host}");
        }
        for host in ["registry.example:5000", "localhost.example", "10.0.0.1:5000", "128.0.0.1"] {
            assert_eq!(RegistriesConfig::default().endpoint(host).scheme, Scheme::Https, "{host}");
        }
        let config = parse(
            "[registries.\"10.0.0.1:5000\"]\nplain-http = true\n[registries.\"localhost:1\"]\nplain-http = false\n",
        );
        assert_eq!(config.endpoint("10.0.0.1:5000").scheme, Scheme::Http);
        assert_eq!(config.endpoint("localhost:1").scheme, Scheme::Https);
        assert!(!config.endpoint("localhost:1").skip_verify);
    }

    #[test]
    fn an_insecure_registry_is_probed_and_its_certificate_not_looked_at() {
        let mut config = parse("[registries.\"10.0.0.1:5000\"]\nplain-http = false\nca = \"/ca.pem\"\n");
        assert_eq!(config.endpoint("10.0.0.1:5000").scheme, Scheme::Https);
        config.insecure.insert("10.0.0.1:5000".to_owned());
        let endpoint = config.endpoint("10.0.0.1:5000");
        assert!(endpoint.scheme == Scheme::Probe && endpoint.skip_verify);
        assert_eq!(config.endpoint("10.0.0.2").scheme, Scheme::Https);
    }

    #[test]
    fn refuses_settings_it_does_not_know() {
        let result = toml::from_str::<BTreeMap<String, RegistryConfig>>("[\"a.example\"]\nmirror = []\n");
        assert!(result.unwrap_err().to_string().contains("mirror"));
    }
}
