//! One specification: a JSON or YAML file.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

/// Larger files are no specifications.
const LARGEST: u64 = 4 << 20;

/// Why a file is no specification.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SpecError {
    /// It cannot be read.
    #[error("it cannot be read: {reason}")]
    Read {
        /// What the system said.
        reason: String,
    },
    /// It is larger than any specification.
    #[error("it has more than 4 MiB")]
    TooLarge,
    /// Its text does not have the form of one.
    #[error("{reason}")]
    Form {
        /// What is wrong, and where.
        reason: String,
    },
    /// Its kind is not `vendor/class`.
    #[error("its kind `{kind}` is not of the form `vendor/class`")]
    Kind {
        /// The kind.
        kind: String,
    },
    /// A field that changes what later ones mean.
    #[error("it is of version `{version}`; versions 0.3.0 to 1.x are known")]
    Version {
        /// The version.
        version: String,
    },
}

/// A specification.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Spec {
    cdi_version: String,
    /// `vendor/class`.
    pub(super) kind: String,
    #[serde(default)]
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) devices: Vec<Device>,
    /// For every device of this file.
    #[serde(default, rename = "containerEdits")]
    pub(super) edits: Edits,
}

/// One device.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Device {
    pub(super) name: String,
    #[serde(default)]
    pub(super) annotations: BTreeMap<String, String>,
    #[serde(default, rename = "containerEdits")]
    pub(super) edits: Edits,
}

/// What a container needs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Edits {
    pub(super) env: Vec<String>,
    pub(super) device_nodes: Vec<DeviceNode>,
    pub(super) mounts: Vec<Mount>,
    pub(super) hooks: Vec<Hook>,
    #[serde(rename = "additionalGids")]
    pub(super) additional_gids: Vec<u32>,
    /// What is not known here.
    #[serde(flatten)]
    pub(super) others: BTreeMap<String, serde_json::Value>,
}

/// A device node.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeviceNode {
    pub(super) path: String,
    pub(super) host_path: Option<String>,
    pub(super) file_mode: Option<u32>,
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
}

/// A mount.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Mount {
    pub(super) host_path: String,
    pub(super) container_path: String,
    #[serde(default, rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) options: Vec<String>,
}

/// A program that a runtime would start beside the container.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Hook {
    #[serde(rename = "hookName")]
    pub(super) name: String,
    pub(super) path: String,
}

/// Reads a file, if its name is that of a specification.
pub(super) fn read(path: &Path) -> Option<Result<Spec, SpecError>> {
    let extension = path.extension().and_then(|extension| extension.to_str())?;
    let parse: fn(&str) -> Result<Spec, SpecError> = match extension {
        "json" => json,
        "yaml" | "yml" => yaml,
        _ => return None,
    };
    let failed = |error: std::io::Error| SpecError::Read { reason: error.to_string() };
    let text = path.metadata().map_err(failed).and_then(|metadata| {
        if metadata.len() > LARGEST {
            return Err(SpecError::TooLarge);
        }
        std::fs::read_to_string(path).map_err(failed)
    });
    Some(text.and_then(|text| parse(&text)).and_then(check))
}

fn json(text: &str) -> Result<Spec, SpecError> {
    serde_json::from_str(text).map_err(|error| SpecError::Form { reason: error.to_string() })
}

fn yaml(text: &str) -> Result<Spec, SpecError> {
    serde_saphyr::from_str(text).map_err(|error| SpecError::Form { reason: error.to_string() })
}

fn check(spec: Spec) -> Result<Spec, SpecError> {
    let mut version = spec.cdi_version.split('.').map(str::parse::<u32>);
    let known = matches!((version.next(), version.next()), (Some(Ok(0)), Some(Ok(3..))) | (Some(Ok(1)), _));
    if !known {
        return Err(SpecError::Version { version: spec.cdi_version });
    }
    let is_kind = spec.kind.split_once('/').is_some_and(|(vendor, class)| {
        !vendor.is_empty() && !class.is_empty() && !class.contains(['/', '='])
    });
    if is_kind { Ok(spec) } else { Err(SpecError::Kind { kind: spec.kind }) }
}
