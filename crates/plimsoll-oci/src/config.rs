//! The image config (image-spec, config.md) with the fields that Docker adds to it (health check, triggers, shell).

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::{DiffId, Platform};

/// What an image runs as, and what it was made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageConfig {
    /// The instruction set, in Go's words.
    #[serde(default)]
    pub architecture: String,
    /// The variant of the instruction set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// The operating system.
    #[serde(default)]
    pub os: String,
    /// The operating system's version (Windows).
    #[serde(rename = "os.version", default, skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// Features that the image needs (Windows).
    #[serde(
        rename = "os.features",
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "nullable"
    )]
    pub os_features: Vec<String>,
    /// Who made it (`MAINTAINER`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// What a container of this image starts with.
    #[serde(default, deserialize_with = "nullable")]
    pub config: ContainerConfig,
    /// RFC 3339 time of the last change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// One entry an instruction, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "nullable")]
    pub history: Vec<History>,
    /// The layers.
    #[serde(default)]
    pub rootfs: RootFs,
}

/// The execution parameters (config.md, "config"), in Docker's spelling.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ContainerConfig {
    /// `user[:group]`, by name or number; empty is root.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "nullable")]
    pub user: String,
    /// `port/protocol` that the program listens on.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "nullable")]
    pub exposed_ports: BTreeMap<String, Empty>,
    /// `NAME=value`.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "nullable")]
    pub env: Vec<String>,
    /// The program and its first arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Vec<String>>,
    /// The default arguments, or the program where there is no entry point.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cmd: Option<Vec<String>>,
    /// How to ask whether the program is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
    /// Windows: the command line is already escaped.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub args_escaped: bool,
    /// Paths whose data outlives the container.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "nullable")]
    pub volumes: BTreeMap<String, Empty>,
    /// Where the program starts.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "nullable")]
    pub working_dir: String,
    /// Instructions that run in images built on this one.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "nullable")]
    pub on_build: Vec<String>,
    /// Free metadata.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "nullable")]
    pub labels: BTreeMap<String, String>,
    /// The signal that asks the program to end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_signal: Option<String>,
    /// Seconds to wait after that signal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_timeout: Option<i64>,
    /// The shell of the shell forms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shell: Option<Vec<String>>,
}

/// An empty JSON object: the value of sets written as maps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}

/// Docker's health check; durations in nanoseconds, zero and absent mean "inherit".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Healthcheck {
    /// `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", text]`.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "nullable")]
    pub test: Vec<String>,
    /// Time between two checks, in nanoseconds.
    #[serde(skip_serializing_if = "is_zero")]
    pub interval: i64,
    /// Time after which a check has failed, in nanoseconds.
    #[serde(skip_serializing_if = "is_zero")]
    pub timeout: i64,
    /// Time in which failures do not count, in nanoseconds.
    #[serde(skip_serializing_if = "is_zero")]
    pub start_period: i64,
    /// Time between two checks in the start period, in nanoseconds.
    #[serde(skip_serializing_if = "is_zero")]
    pub start_interval: i64,
    /// Failures in a row that make it unhealthy.
    #[serde(skip_serializing_if = "is_zero")]
    pub retries: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(value: &i64) -> bool {
    *value == 0
}

/// One instruction in an image's history (config.md, "history").
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    /// RFC 3339 time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// The instruction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// Who wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Free text; names the builder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The instruction made no layer.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub empty_layer: bool,
}

/// The layers of an image, bottom first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootFs {
    /// Always `layers`.
    #[serde(rename = "type", default = "layers")]
    pub kind: String,
    /// Digests of the uncompressed layers.
    #[serde(default, deserialize_with = "nullable")]
    pub diff_ids: Vec<DiffId>,
}

impl Default for RootFs {
    fn default() -> Self {
        Self { kind: layers(), diff_ids: Vec::new() }
    }
}

fn layers() -> String {
    "layers".to_owned()
}

/// Go writes absent slices, maps and structs as `null`.
fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl ImageConfig {
    /// A config without layers, for one platform.
    pub fn empty(platform: &Platform) -> Self {
        Self {
            architecture: platform.architecture.clone(),
            variant: platform.variant.clone(),
            os: platform.os.clone(),
            os_version: platform.os_version.clone(),
            os_features: platform.os_features.clone(),
            ..Self::default()
        }
    }

    /// The platform that the config names.
    pub fn platform(&self) -> Platform {
        Platform {
            os_version: self.os_version.clone(),
            os_features: self.os_features.clone(),
            ..Platform::normalized(&self.os, &self.architecture, self.variant.as_deref())
        }
    }
}

impl ContainerConfig {
    /// The value of an environment variable; the last entry wins.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.env
            .iter()
            .rev()
            .find_map(|entry| entry.split_once('=').filter(|(key, _)| *key == name))
            .map(|(_, v)| v)
    }

    /// Sets an environment variable in its place, or appends it.
    pub fn set_variable(&mut self, name: &str, value: &str) {
        let entry = format!("{name}={value}");
        match self.env.iter().position(|old| old.split_once('=').is_some_and(|(key, _)| key == name)) {
            Some(place) => self.env[place] = entry,
            None => self.env.push(entry),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nulls_of_go_are_read_as_absent() {
        let text = r#"{"architecture":"amd64","os":"linux","config":{"Env":null,"Cmd":null,"Volumes":null,"Labels":null,
            "OnBuild":null,"Healthcheck":{"Test":["CMD","a"],"Interval":1000000000}},"rootfs":{"type":"layers","diff_ids":null},"history":null}"#;
        let config: ImageConfig = serde_json::from_str(text).unwrap();
        assert_eq!(config.config.healthcheck.unwrap().interval, 1_000_000_000);
        assert!(config.rootfs.diff_ids.is_empty());
        let text = r#"{"architecture":"amd64","os":"linux","config":null}"#;
        assert!(serde_json::from_str::<ImageConfig>(text).is_ok());
    }

    #[test]
    fn an_image_without_layers_has_an_empty_list() {
        let text = serde_json::to_string(&ImageConfig::empty(&Platform::new("linux", "amd64"))).unwrap();
        assert_eq!(
            text,
            r#"{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[]}}"#
        );
    }

    #[test]
    fn variables_keep_their_place() {
        let mut config = ContainerConfig { env: vec!["A=1".into(), "B=2".into()], ..Default::default() };
        config.set_variable("A", "3");
        config.set_variable("C", "=");
        assert_eq!(config.env, ["A=3", "B=2", "C=="]);
        assert_eq!(config.variable("C"), Some("="));
        assert_eq!(config.variable("D"), None);
    }
}
