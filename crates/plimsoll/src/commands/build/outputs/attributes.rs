//! The attributes of an output: `key=value` after commas, with double quotes around what holds commas.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use plimsoll_build::{Annotation, ImageOptions};
use plimsoll_diagnostics::did_you_mean;
use plimsoll_layer::Compression;

use super::annotation;

/// Which types of output an attribute belongs to.
const BELONGS: [(&str, &str); 20] = [
    ("name", "image, registry, oci or docker"),
    ("push", "image or registry"),
    ("push-by-digest", "image or registry"),
    ("registry.insecure", "image or registry"),
    ("store", "image or registry"),
    ("unpack", "image or registry"),
    ("dangling-name-prefix", "image or registry"),
    ("name-canonical", "image or registry"),
    ("compression", "image, registry, oci or docker"),
    ("compression-level", "image, registry, oci or docker"),
    ("force-compression", "image, registry, oci or docker"),
    ("rewrite-timestamp", "image, registry, oci or docker"),
    ("oci-mediatypes", "image, registry, oci or docker"),
    ("source-date-epoch", "image, registry, oci, docker or tar"),
    ("annotation", "image, registry, oci or docker"),
    ("dest", "oci, docker, local or tar"),
    ("tar", "oci or docker"),
    ("context", "docker"),
    ("mode", "local"),
    ("platform-split", "local or tar"),
];

/// What Docker knows and this program does not do, with the reason.
const REFUSED: [(&str, &str); 5] = [
    ("oci-artifact", "attestations have the older form, which all registries take"),
    ("attestation-inline", "attestations stand in the index"),
    ("attestation-prefix", "attestations are not written into directories"),
    ("prefer-nondist-layers", "layers that may not be distributed keep their type in any case"),
    ("buildinfo", "Docker has given it up; what was built from what stands in the events of the build"),
];

/// The attributes that nobody has taken yet.
pub(super) struct Attributes {
    values: BTreeMap<String, String>,
    annotations: Vec<Annotation>,
}

/// Splits at commas, except inside double quotes; a doubled quote is one.
pub(super) fn split(text: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            other => field.push(other),
        }
    }
    fields.push(field);
    fields
}

/// Yes or no, in the spellings that Docker takes.
pub(super) fn flag(name: &str, value: &str) -> Result<bool> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => bail!("`{name}` is true or false, and not `{value}`"),
    }
}

impl Attributes {
    pub(super) fn read(fields: &[String]) -> Result<Self> {
        let mut attributes = Self { values: BTreeMap::new(), annotations: Vec::new() };
        for field in fields {
            let (key, value) =
                field.split_once('=').with_context(|| format!("`{field}` is not of the form `key=value`"))?;
            let key = key.trim();
            if let Some(annotation) = annotation::attribute(key, value)? {
                attributes.annotations.push(annotation);
                continue;
            }
            let key = key.to_ascii_lowercase();
            if let Some((_, reason)) = REFUSED.iter().find(|(name, _)| *name == key) {
                bail!("`{key}` is not supported: {reason}");
            }
            if attributes.values.insert(key.clone(), value.to_owned()).is_some() {
                bail!("`{key}` is given twice");
            }
        }
        Ok(attributes)
    }

    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        self.values.remove(name)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<Option<bool>> {
        self.take(name).map(|value| flag(name, &value)).transpose()
    }

    /// `source-date-epoch`.
    pub(super) fn epoch(&mut self) -> Result<Option<i64>> {
        let Some(value) = self.take("source-date-epoch").filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        let seconds = value.parse();
        let seconds = seconds.with_context(|| {
            format!("`source-date-epoch` is a number of seconds since 1970, not `{value}`")
        })?;
        Ok(Some(seconds))
    }

    /// Everything that says how an image is written.
    pub(super) fn image_options(&mut self) -> Result<ImageOptions> {
        let compression = self.compression()?;
        let docker_types = self.flag("oci-mediatypes")? == Some(false);
        let annotations = std::mem::take(&mut self.annotations);
        if docker_types && matches!(compression, Compression::Estargz { .. }) {
            bail!(
                "estargz layers are described by annotations, which only OCI's types have; leave out `oci-mediatypes=false`"
            );
        }
        if docker_types && !annotations.is_empty() {
            bail!("only OCI's types have annotations; leave out `oci-mediatypes=false`");
        }
        Ok(ImageOptions {
            compression,
            force_compression: self.flag("force-compression")?.unwrap_or(false),
            rewrite_timestamps: self.flag("rewrite-timestamp")?.unwrap_or(true),
            epoch: self.epoch()?,
            docker_types,
            annotations,
        })
    }

    fn compression(&mut self) -> Result<Compression> {
        let kind = self.take("compression");
        let level = self.take("compression-level");
        let limit = match kind.as_deref() {
            None | Some("gzip" | "estargz") => 9,
            Some("zstd") => 22,
            Some("uncompressed") if level.is_some() => bail!("`uncompressed` has no `compression-level`"),
            Some("uncompressed") => return Ok(Compression::None),
            Some(other) => {
                bail!("there is no compression `{other}`; it is gzip, zstd, estargz or uncompressed")
            }
        };
        let level = level.map(|text| match text.parse::<u8>() {
            Ok(level) if level <= limit => Ok(level),
            _ => bail!("`compression-level` is 0 to {limit} here, and not `{text}`"),
        });
        Ok(match (kind.as_deref(), level.transpose()?) {
            (Some("zstd"), None) => Compression::ZSTD,
            (Some("zstd"), Some(level)) => Compression::Zstd { level },
            (Some("estargz"), None) => Compression::ESTARGZ,
            (Some("estargz"), Some(level)) => Compression::Estargz { level },
            (_, None) => Compression::GZIP,
            (_, Some(level)) => Compression::Gzip { level },
        })
    }

    /// Whatever is left does not belong to this type of output.
    pub(super) fn finish(mut self, kind: &str) -> Result<()> {
        if !self.annotations.is_empty() {
            self.values.insert("annotation".to_owned(), String::new());
        }
        let Some(key) = self.values.keys().next() else { return Ok(()) };
        if let Some((_, belongs)) = BELONGS.iter().find(|(name, _)| name == key) {
            bail!("`{key}` does not apply to `type={kind}`; it belongs to type={belongs}");
        }
        match did_you_mean(key, BELONGS.iter().map(|(name, _)| *name)) {
            Some(near) => bail!("there is no attribute `{key}`; did you mean `{near}`?"),
            None => bail!("there is no attribute `{key}`"),
        }
    }
}
