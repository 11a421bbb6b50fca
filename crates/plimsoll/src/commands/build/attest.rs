//! `--sbom` and `--provenance`: what an image is made of and how, as attestations beside it in its index.
//!
//! They have BuildKit's form (docs/attestations/attestation-storage.md there): each image of the index has one more manifest, for
//! the platform `unknown/unknown`, whose layers are in-toto statements about it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use plimsoll_build::{BuildRequest, BuildResult};
use plimsoll_export::{Image, ImageSet};
use plimsoll_oci::{
    Descriptor, DiffId, ImageConfig, Index, Manifest, Platform, Reference, RootFs, media_type,
};
use plimsoll_registry::BlockingClient;
use plimsoll_report::Format;
use serde_json::{Value, json};

use super::args::truth;
use crate::commands::scan::Question;
use crate::environment::Host;

/// The media type of a statement.
const IN_TOTO: &str = "application/vnd.in-toto+json";
/// What statements of each kind are about (in-toto, "predicateType").
const SPDX: &str = "https://spdx.dev/Document";
const SLSA: &str = "https://slsa.dev/provenance/v1";
/// What `buildDefinition` means (SLSA v1, "buildType").
const BUILD_TYPE: &str = "https://github.com/plimsoll/plimsoll/blob/main/docs/attestations.md";

/// Which attestations are wanted.
#[derive(clap::Args)]
pub(crate) struct AttestArgs {
    /// Attach a bill of materials (SPDX) to the image
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = sbom)]
    sbom: Option<Wanted>,
    /// Attach how the image was built (SLSA); `mode=max` has the Dockerfile and the build arguments too
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL|mode=min|mode=max", value_parser = provenance)]
    provenance: Option<Wanted>,
    /// The same in one flag: `type=sbom` or `type=provenance`, with options behind it
    #[arg(long, value_name = "type=TYPE[,…]", value_parser = attest)]
    attest: Vec<(Kind, Wanted)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sbom,
    Provenance,
}

/// Whether an attestation is wanted, and how much is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Not,
    Least,
    Most,
}

fn sbom(text: &str) -> Result<Wanted, String> {
    options(Kind::Sbom, text.split(','))
}

fn provenance(text: &str) -> Result<Wanted, String> {
    options(Kind::Provenance, text.split(','))
}

fn attest(text: &str) -> Result<(Kind, Wanted), String> {
    let kind = text.split(',').find_map(|part| part.strip_prefix("type="));
    let kind = match kind {
        Some("sbom") => Kind::Sbom,
        Some("provenance") => Kind::Provenance,
        Some(other) => {
            return Err(format!("no attestation has the type `{other}`; there are sbom and provenance"));
        }
        None => return Err("it has no `type=`; types are sbom and provenance".to_owned()),
    };
    let rest = text.split(',').filter(|part| !part.starts_with("type="));
    Ok((kind, options(kind, rest)?))
}

fn options<'t>(kind: Kind, parts: impl Iterator<Item = &'t str>) -> Result<Wanted, String> {
    let mut wanted = Wanted::Least;
    for part in parts.filter(|part| !part.is_empty()) {
        match part.split_once('=') {
            None => wanted = if truth(part)? { wanted } else { Wanted::Not },
            Some(("disabled", value)) => wanted = if truth(value)? { Wanted::Not } else { wanted },
            Some(("mode", "min")) if kind == Kind::Provenance => wanted = Wanted::Least,
            Some(("mode", "max")) if kind == Kind::Provenance => wanted = Wanted::Most,
            Some(("version", "v1")) if kind == Kind::Provenance => {}
            Some(("version", _)) if kind == Kind::Provenance => {
                return Err("only version v1 is written".to_owned());
            }
            Some(("generator", _)) => {
                return Err(
                    "plimsoll makes the bill of materials itself and runs no other generator".to_owned()
                );
            }
            Some((key, _)) => return Err(format!("there is no option `{key}`")),
        }
    }
    Ok(wanted)
}

impl AttestArgs {
    fn wanted(&self, kind: Kind) -> Wanted {
        let own = if kind == Kind::Sbom { self.sbom } else { self.provenance };
        let named = self.attest.iter().rev().find(|(named, _)| *named == kind).map(|(_, wanted)| *wanted);
        own.or(named).unwrap_or(Wanted::Not)
    }

    /// Puts the attestations that are wanted beside the images.
    pub(crate) fn add(
        &self,
        request: &BuildRequest,
        result: &mut BuildResult,
        host: &Host,
        client: &Arc<BlockingClient>,
        started: SystemTime,
    ) -> Result<()> {
        let (sbom, provenance) = (self.wanted(Kind::Sbom), self.wanted(Kind::Provenance));
        if sbom == Wanted::Not && provenance == Wanted::Not {
            return Ok(());
        }
        let epoch = request.build_args.get("SOURCE_DATE_EPOCH").and_then(|epoch| epoch.parse().ok());
        let question = Question::of(None, false, client)?;
        let mut sets = std::mem::take(&mut result.images);
        for set in &mut sets {
            let mut images = set.images.clone();
            for image in &set.images {
                let mut statements = Vec::new();
                if sbom != Wanted::Not {
                    let predicate = bill_of_materials(&question, image, request, host, epoch)?;
                    statements.push((SPDX, statement(SPDX, &predicate, image, &request.tags)));
                }
                if provenance != Wanted::Not {
                    let times = epoch.is_none().then(|| (seconds(started), seconds(SystemTime::now())));
                    let predicate = how_it_was_built(request, result, provenance == Wanted::Most, times);
                    statements.push((SLSA, statement(SLSA, &predicate, image, &request.tags)));
                }
                images.push(attestation(image, &statements, host)?);
            }
            *set = indexed(set, images)?;
            set.keep(&host.store)?;
        }
        result.images = sets;
        Ok(())
    }
}

/// An index around images and attestations, with what the set's own index said.
fn indexed(set: &ImageSet, images: Vec<Image>) -> Result<ImageSet> {
    let known: Option<Index> =
        set.index.as_ref().map(|index| serde_json::from_slice(&index.bytes)).transpose()?;
    let annotations = known.map(|known| known.annotations).unwrap_or_default();
    let kind = set.index.as_ref().map_or(media_type::OCI_INDEX, |index| &index.descriptor.media_type);
    let mut new = ImageSet::with_index(images, kind, annotations)?;
    if let (Some(index), Some(old)) = (&mut new.index, &set.index) {
        index.descriptor.annotations.clone_from(&old.descriptor.annotations);
    }
    Ok(new)
}

/// An in-toto statement (v0.1, which BuildKit's readers know) about an image.
fn statement(kind: &str, predicate: &Value, image: &Image, tags: &[String]) -> Value {
    let digest = json!({ "sha256": image.manifest.digest.hex() });
    let platform = image.config.platform().to_string().replace('/', "%2F");
    let name = |tag: &String| match tag.parse::<Reference>() {
        Ok(reference) => {
            let version = reference.tag().map(|tag| format!("@{tag}")).unwrap_or_default();
            format!("pkg:docker/{}{version}?platform={platform}", reference.name())
        }
        Err(_) => tag.clone(),
    };
    let mut subjects: Vec<Value> =
        tags.iter().map(|tag| json!({ "name": name(tag), "digest": digest })).collect();
    if subjects.is_empty() {
        subjects.push(json!({ "name": "image", "digest": digest }));
    }
    json!({
        "_type": "https://in-toto.io/Statement/v0.1", "predicateType": kind, "subject": subjects, "predicate": predicate,
    })
}

fn bill_of_materials(
    question: &Question,
    image: &Image,
    request: &BuildRequest,
    host: &Host,
    epoch: Option<u64>,
) -> Result<Value> {
    let name = request.tags.first().map_or("image", String::as_str);
    let report = question.report(image, name, host)?;
    let options = plimsoll_report::Options { created: epoch, ..plimsoll_report::Options::default() };
    Ok(serde_json::from_str(&plimsoll_report::write(Format::Spdx, &[report], &options))?)
}

/// SLSA v1, "Provenance". Values of build arguments may be of no one's business, so that they are in the fuller form only.
fn how_it_was_built(
    request: &BuildRequest,
    result: &BuildResult,
    is_full: bool,
    times: Option<(String, String)>,
) -> Value {
    let mut arguments = json!({ "target": request.target, "platforms":
        request.platforms.iter().map(ToString::to_string).collect::<Vec<_>>() });
    let mut internal = json!({ "builderPlatform": Platform::host().to_string() });
    if is_full {
        arguments["args"] = json!(request.build_args);
        arguments["labels"] = json!(request.labels.iter().cloned().collect::<BTreeMap<String, String>>());
        internal["dockerfile"] = json!(request.dockerfile.text());
    }
    let mut bases: Vec<Value> = Vec::new();
    for base in &result.bases {
        let Some(digest) = base.digest else { continue };
        let uri = if base.reference.contains("://") {
            base.reference.clone()
        } else {
            format!("pkg:docker/{}", base.reference)
        };
        let entry = json!({ "uri": uri, "digest": { "sha256": digest.hex() } });
        if !bases.contains(&entry) {
            bases.push(entry);
        }
    }
    let mut metadata = json!({});
    if let Some((started, finished)) = times {
        metadata =
            json!({ "invocationId": request.id.to_string(), "startedOn": started, "finishedOn": finished });
    }
    json!({
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": { "configSource": { "path": request.dockerfile.name() }, "request": arguments },
            "internalParameters": internal,
            "resolvedDependencies": bases,
        },
        "runDetails": {
            "builder": { "id": "", "version": { "plimsoll": env!("CARGO_PKG_VERSION") } },
            "metadata": metadata,
        },
    })
}

/// The manifest that holds statements about an image.
fn attestation(image: &Image, statements: &[(&str, Value)], host: &Host) -> Result<Image> {
    let mut layers = Vec::new();
    for (kind, statement) in statements {
        let bytes = serde_json::to_vec(statement)?;
        let digest = host.store.put_blob(&bytes)?;
        let annotations = BTreeMap::from([("in-toto.io/predicate-type".to_owned(), (*kind).to_owned())]);
        layers.push(Descriptor { annotations, ..Descriptor::new(IN_TOTO, digest, bytes.len() as u64) });
    }
    let unknown = Platform::new("unknown", "unknown");
    let diff_ids = layers.iter().map(|layer| DiffId(layer.digest)).collect();
    let config =
        ImageConfig { rootfs: RootFs { diff_ids, ..RootFs::default() }, ..ImageConfig::empty(&unknown) };
    let config_bytes = serde_json::to_vec(&config)?;
    let digest = host.store.put_blob(&config_bytes)?;
    let config_descriptor = Descriptor::new(media_type::OCI_CONFIG, digest, config_bytes.len() as u64);
    let manifest = Manifest::new(config_descriptor.clone(), layers.clone());
    let manifest_bytes = serde_json::to_vec(&manifest)?;
    let digest = host.store.put_blob(&manifest_bytes)?;
    let annotations = BTreeMap::from([
        ("vnd.docker.reference.digest".to_owned(), image.manifest.digest.to_string()),
        ("vnd.docker.reference.type".to_owned(), "attestation-manifest".to_owned()),
    ]);
    let descriptor = Descriptor::new(media_type::OCI_MANIFEST, digest, manifest_bytes.len() as u64);
    Ok(Image {
        manifest: Descriptor { annotations, platform: Some(unknown), ..descriptor },
        manifest_bytes,
        config_descriptor,
        config_bytes,
        config,
        layers,
    })
}

fn seconds(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let time = i64::try_from(seconds).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    time.unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_have_dockers_forms() {
        assert_eq!(sbom("true"), Ok(Wanted::Least));
        assert_eq!(sbom("false"), Ok(Wanted::Not));
        assert!(sbom("generator=x").is_err());
        assert_eq!(provenance("mode=max"), Ok(Wanted::Most));
        assert_eq!(provenance("mode=min,version=v1"), Ok(Wanted::Least));
        assert!(provenance("mode=some").is_err() && provenance("version=v0.2").is_err());
        assert_eq!(attest("type=provenance,mode=max"), Ok((Kind::Provenance, Wanted::Most)));
        assert_eq!(attest("type=sbom,disabled=true"), Ok((Kind::Sbom, Wanted::Not)));
        assert!(attest("type=other").is_err() && attest("mode=max").is_err());
    }
}
