//! Manifests and indexes (image-spec, manifest.md and image-index.md), read in OCI's and Docker's spelling.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Descriptor, Platform, media_type};

/// One image: its config and its layers, bottom first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always 2.
    pub schema_version: u32,
    /// The manifest's own media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The type of an artifact that is no image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The image config.
    pub config: Descriptor,
    /// The layers, bottom first.
    #[serde(default)]
    pub layers: Vec<Descriptor>,
    /// What this manifest is attached to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Free metadata.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// Several manifests, one a platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Always 2.
    pub schema_version: u32,
    /// The index's own media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The type of an artifact that is no image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The manifests.
    #[serde(default)]
    pub manifests: Vec<Descriptor>,
    /// What this index is attached to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Free metadata.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// What the bytes behind a reference turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParsedManifest {
    /// One image.
    Manifest(Box<Manifest>),
    /// A choice of images.
    Index(Box<Index>),
}

/// Why bytes are no manifest or index that can be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not JSON, or a field is missing or of the wrong type.
    #[error("the manifest is not valid")]
    Json {
        /// What the JSON reader says.
        #[source]
        source: serde_json::Error,
    },
    /// Docker's schema 1, or a type that is no image.
    #[error(
        "manifests of type `{media_type}` are not supported; rebuild or re-push the image with a current tool"
    )]
    Unsupported {
        /// The type that was found.
        media_type: String,
    },
    /// No manifest of the index fits.
    #[error("the image has no manifest for `{wanted}`; it has {}", list(.available))]
    NoPlatform {
        /// The platform that was asked for.
        wanted: Platform,
        /// The platforms that are there.
        available: Vec<Platform>,
    },
}

fn list(platforms: &[Platform]) -> String {
    if platforms.is_empty() {
        return "none at all".to_owned();
    }
    platforms.iter().map(|platform| format!("`{platform}`")).collect::<Vec<_>>().join(", ")
}

impl Manifest {
    /// An OCI image manifest.
    pub fn new(config: Descriptor, layers: Vec<Descriptor>) -> Self {
        Self {
            schema_version: 2,
            media_type: Some(media_type::OCI_MANIFEST.to_owned()),
            artifact_type: None,
            config,
            layers,
            subject: None,
            annotations: BTreeMap::new(),
        }
    }
}

impl Index {
    /// An OCI image index.
    pub fn new(manifests: Vec<Descriptor>) -> Self {
        Self {
            schema_version: 2,
            media_type: Some(media_type::OCI_INDEX.to_owned()),
            artifact_type: None,
            manifests,
            subject: None,
            annotations: BTreeMap::new(),
        }
    }

    /// The manifest that serves a platform best.
    pub fn select(&self, wanted: &Platform) -> Result<&Descriptor, ManifestError> {
        let candidates =
            self.manifests.iter().filter(|descriptor| media_type::is_manifest(&descriptor.media_type));
        let platforms = candidates.clone().filter_map(|d| d.platform.clone().map(|platform| (d, platform)));
        let best = platforms
            .clone()
            .filter_map(|(descriptor, platform)| Some((platform.distance_from(wanted)?, descriptor)))
            .min_by_key(|(distance, _)| *distance);
        if let Some((_, descriptor)) = best {
            return Ok(descriptor);
        }
        // An index with a single manifest and no platform says nothing against it; its config decides.
        let mut unknown = candidates.filter(|descriptor| descriptor.platform.is_none());
        if let (Some(only), None) = (unknown.next(), unknown.next()) {
            return Ok(only);
        }
        let available = platforms.map(|(_, platform)| platform).filter(|p| p.os != "unknown").collect();
        Err(ManifestError::NoPlatform { wanted: wanted.clone(), available })
    }
}

impl ParsedManifest {
    /// Reads a manifest or an index; `content_type` is what the registry called it, and wins over a missing `mediaType`.
    pub fn parse(bytes: &[u8], content_type: Option<&str>) -> Result<Self, ManifestError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Probe {
            schema_version: Option<u32>,
            media_type: Option<String>,
            manifests: Option<serde::de::IgnoredAny>,
            config: Option<serde::de::IgnoredAny>,
        }
        let json = |source| ManifestError::Json { source };
        let probe: Probe = serde_json::from_slice(bytes).map_err(json)?;
        let named = probe.media_type.as_deref().or(content_type).unwrap_or_default();
        let unsupported = |media_type: &str| ManifestError::Unsupported { media_type: media_type.to_owned() };
        if probe.schema_version == Some(1) {
            return Err(unsupported(media_type::DOCKER_MANIFEST_V1));
        }
        if media_type::is_index(named) || (!media_type::is_manifest(named) && probe.manifests.is_some()) {
            return serde_json::from_slice(bytes).map(|index| Self::Index(Box::new(index))).map_err(json);
        }
        if media_type::is_manifest(named) || probe.config.is_some() {
            return serde_json::from_slice(bytes)
                .map(|manifest| Self::Manifest(Box::new(manifest)))
                .map_err(json);
        }
        Err(unsupported(named))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Digest;

    fn entry(platform: Option<&str>) -> Descriptor {
        let platform = platform.map(|text| text.parse().unwrap());
        Descriptor { platform, ..Descriptor::new(media_type::OCI_MANIFEST, Digest::of("m"), 1) }
    }

    #[test]
    fn picks_the_nearest_variant() {
        let index = Index::new(vec![
            entry(Some("linux/arm/v5")),
            entry(Some("linux/arm/v6")),
            entry(Some("linux/amd64")),
        ]);
        let picked = index.select(&"linux/arm/v7".parse().unwrap()).unwrap();
        assert_eq!(picked.platform.as_ref().unwrap().to_string(), "linux/arm/v6");
    }

    #[test]
    fn a_missing_platform_names_those_that_are_there() {
        let index = Index::new(vec![entry(Some("linux/arm64")), entry(Some("unknown/unknown"))]);
        let error = index.select(&"linux/amd64".parse().unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "the image has no manifest for `linux/amd64`; it has `linux/arm64`");
    }

    #[test]
    fn kinds_are_told_apart_without_a_media_type() {
        let descriptor = serde_json::to_string(&entry(None)).unwrap();
        let manifest = format!(r#"{{"schemaVersion":2,"config":{descriptor},"layers":[]}}"#);
        assert!(matches!(ParsedManifest::parse(manifest.as_bytes(), None), Ok(ParsedManifest::Manifest(_))));
        let index = format!(r#"{{"schemaVersion":2,"manifests":[{descriptor}]}}"#);
        assert!(matches!(ParsedManifest::parse(index.as_bytes(), None), Ok(ParsedManifest::Index(_))));
        let old = br#"{"schemaVersion":1,"name":"x"}"#;
        assert!(matches!(ParsedManifest::parse(old, None), Err(ManifestError::Unsupported { .. })));
    }
}
