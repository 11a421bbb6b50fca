//! Giving an image to a Docker engine or to podman, through the API that both have (Docker Engine API, `/images/load`).
//!
//! What the engine has is not sent, as far as the API lets that be known and lets it be left out:
//!
//! - the image itself: then it only gets its names;
//! - with Docker's own storage, the layers at the bottom that one of its images has in the same order: the engine takes
//!   them by their diff ids and does not open their files;
//! - with containerd's storage, the blobs of images that this store knows by their manifests: the engine's content is
//!   addressed by digest;
//! - podman's API wants every layer.
//!
//! Whether the engine really has what was left out is checked afterwards; if not, everything is sent.

mod bridge;
mod http;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use plimsoll_oci::{DiffId, Digest, Reference};
use plimsoll_snapshot::Snapshots;
use plimsoll_solver::{EventKind, EventSink};
use serde::Deserialize;
use serde_json::Value;

use crate::layout::Bundle;
use crate::{ArchiveFormat, ExportError, Image, ImageSet, PlatformChoice};

use http::Http;

/// Where an engine listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineAddress {
    /// A socket on this machine.
    Unix(PathBuf),
    /// A host and port, perhaps with certificates.
    Tcp {
        /// `host:port`.
        host: String,
        /// Encrypted, with these certificates in PEM; none for plain http.
        tls: Option<EngineTls>,
    },
    /// Whoever answers on a command's standard input and output.
    Command {
        /// The program and its arguments.
        argv: Vec<OsString>,
        /// The address that stands for it in messages.
        shown: String,
    },
}

/// Certificates for an engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineTls {
    /// Whom to trust instead of the system's authorities.
    pub authorities: Option<Vec<u8>>,
    /// The client's own certificate, with its key behind it.
    pub identity: Option<Vec<u8>>,
    /// Any certificate is taken.
    pub accept_any: bool,
}

/// Why an engine did not take an image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// There is nobody, or not an engine.
    #[error("cannot reach the Docker engine at `{address}`")]
    Unreachable {
        /// Where.
        address: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What it gave could not be written.
    #[error("cannot write what the engine gave")]
    Write {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It answered with an error.
    #[error("the engine at `{address}` refused to {attempt}: {reason}")]
    Refused {
        /// Where.
        address: String,
        /// What was asked of it.
        attempt: &'static str,
        /// What it said.
        reason: String,
    },
    /// The command that leads to it failed.
    #[error("cannot reach the Docker engine at `{address}`: {words}")]
    Command {
        /// Where.
        address: String,
        /// What the command said.
        words: String,
    },
    /// The image could not be read.
    #[error("cannot send the image to the engine")]
    Archive {
        /// Why.
        #[source]
        source: Box<ExportError>,
    },
}

impl EngineError {
    /// The way out, where one is known.
    pub fn hint(&self) -> Option<&'static str> {
        let Self::Command { words, .. } = self else { return None };
        let has = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
        if has(&["Permission denied"]) {
            Some(
                "ssh is not let ask for passwords here: add the key to an agent (`ssh-add`) or name it in ~/.ssh/config",
            )
        } else if has(&["Host key verification failed", "HOST IDENTIFICATION HAS CHANGED"]) {
            Some("connect once by hand (`ssh HOST`), which shows the host's key and keeps it")
        } else if has(&["not found", "dial-stdio"]) {
            Some(
                "the host needs `docker` (or `podman`, for CONTAINER_HOST) where a command over ssh finds it",
            )
        } else {
            None
        }
    }
}

/// How an engine keeps images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Storage {
    /// Docker's own: an image is its config, a layer its chain of diff ids.
    Classic,
    /// containerd's: an image is its manifest or index, blobs are kept.
    Containerd,
    /// podman's.
    Podman,
}

/// An engine that answers.
pub struct Engine {
    http: Http,
    storage: Storage,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inspected {
    #[serde(rename = "RootFS")]
    root_fs: Option<InspectedRoot>,
    descriptor: Option<plimsoll_oci::Descriptor>,
    #[serde(default)]
    manifests: Option<Vec<InspectedManifest>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedRoot {
    #[serde(default)]
    layers: Option<Vec<DiffId>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedManifest {
    #[serde(rename = "ID")]
    id: String,
    #[serde(default)]
    available: bool,
}

impl Engine {
    /// Finds out who is there; `scratch` is a directory for this connection alone.
    pub fn connect(address: &EngineAddress, scratch: &Path) -> Result<Self, EngineError> {
        let http = Http::new(address, scratch)?;
        let version: Value = http.json("/version", "say what it is")?.unwrap_or_default();
        let is_podman = version["Components"].as_array().is_some_and(|parts| {
            parts.iter().any(|part| part["Name"].as_str().is_some_and(|name| name.contains("Podman")))
        });
        let storage = if is_podman {
            Storage::Podman
        } else {
            let info: Value = http.json("/info", "say how it keeps images")?.unwrap_or_default();
            // [["driver-type", "io.containerd.snapshotter.v1"]]
            let is_containerd = info["DriverStatus"].to_string().contains("io.containerd.snapshotter");
            if is_containerd { Storage::Containerd } else { Storage::Classic }
        };
        Ok(Self { http, storage })
    }

    /// What it is called in messages.
    pub fn name(&self) -> &'static str {
        if self.storage == Storage::Podman { "podman" } else { "Docker" }
    }

    /// Gives images to the engine under some names; gives one line about what was done.
    pub fn load(
        &self,
        snapshots: &Snapshots,
        images: &ImageSet,
        names: &[String],
        events: &dyn EventSink,
    ) -> Result<String, EngineError> {
        // Only containerd's storage holds several platforms under one name.
        let native: ImageSet;
        let images = match self.storage {
            Storage::Containerd => images,
            Storage::Classic | Storage::Podman => {
                native = images.native().clone().into();
                &native
            }
        };
        let shown = names.first().map_or_else(|| "an image without a name".to_owned(), |name| familiar(name));
        if self.has(images)? {
            self.tag(images, names)?;
            return Ok(format!("{} has {shown} already: nothing was sent", self.name()));
        }
        let known = self.known(snapshots, images)?;
        let mut sent = self.send(snapshots, images, names, &known, events);
        let is_whole = known.is_empty() || (sent.is_ok() && self.has(images)?);
        if !is_whole {
            sent = self.send(snapshots, images, names, &BTreeSet::new(), events);
        }
        let bytes = sent?;
        let all: BTreeSet<Digest> = blobs(images).collect();
        let spared = all.intersection(&known).count();
        let (count, total) = (all.len() - spared, all.len());
        Ok(format!("loaded {shown} into {} ({count} of {total} blobs sent, {bytes} bytes)", self.name()))
    }

    /// Writes an image of the engine as Docker's archive; false if it has none of that name.
    pub fn save(&self, name: &str, out: &mut dyn Write) -> Result<bool, EngineError> {
        let query = [("names", name.to_owned())];
        let saved = self.http.download("/images/get", &query, "give an image", out)?;
        Ok(saved.is_some())
    }

    /// The name by which the engine knows an image.
    fn id(&self, images: &ImageSet) -> Digest {
        match self.storage {
            Storage::Containerd => images.target().digest,
            Storage::Classic | Storage::Podman => images.images[0].config_descriptor.digest,
        }
    }

    /// Whether the engine has all of it.
    fn has(&self, images: &ImageSet) -> Result<bool, EngineError> {
        let path = format!("/images/{}/json?manifests=1", self.id(images));
        let Some(found) = self.http.json::<Inspected>(&path, "show an image")? else { return Ok(false) };
        let Some(manifests) = found.manifests else { return Ok(true) };
        let available = |image: &Image| {
            let digest = image.manifest.digest.to_string();
            manifests.iter().any(|manifest| manifest.id == digest && manifest.available)
        };
        Ok(images.images.iter().all(available))
    }

    fn tag(&self, images: &ImageSet, names: &[String]) -> Result<(), EngineError> {
        for name in names {
            let Ok(reference) = name.parse::<Reference>() else { continue };
            let tag = reference.tag().unwrap_or("latest");
            let id = self.id(images);
            let query = [("repo", reference.name()), ("tag", tag.to_owned())];
            self.http.post(&format!("/images/{id}/tag"), &query, "name an image")?;
        }
        Ok(())
    }

    /// Blobs that the engine need not be sent.
    fn known(&self, snapshots: &Snapshots, images: &ImageSet) -> Result<BTreeSet<Digest>, EngineError> {
        match self.storage {
            Storage::Podman => Ok(BTreeSet::new()),
            Storage::Classic => {
                let image = &images.images[0];
                let wanted = &image.config.rootfs.diff_ids;
                let mut most = 0;
                for found in self.all_images()? {
                    let layers = found.root_fs.and_then(|root| root.layers).unwrap_or_default();
                    most =
                        most.max(layers.iter().zip(wanted).take_while(|(has, wants)| has == wants).count());
                }
                Ok(image.layers[..most].iter().map(|layer| layer.digest).collect())
            }
            Storage::Containerd => {
                let mut manifests: Vec<Digest> = Vec::new();
                for found in self.all_images()? {
                    match found.manifests {
                        Some(list) => manifests.extend(
                            list.iter()
                                .filter(|one| one.available)
                                .filter_map(|one| one.id.parse::<Digest>().ok()),
                        ),
                        None => manifests.extend(found.descriptor.map(|descriptor| descriptor.digest)),
                    }
                }
                let mut known = BTreeSet::new();
                for digest in manifests {
                    let target =
                        plimsoll_oci::Descriptor::new(plimsoll_oci::media_type::OCI_MANIFEST, digest, 0);
                    // What this store does not know tells nothing.
                    if let Ok(set) = ImageSet::read(snapshots.store(), &target, &PlatformChoice::Present)
                        && set.index.is_none()
                    {
                        known.extend(blobs(&set));
                    }
                }
                Ok(known)
            }
        }
    }

    fn all_images(&self) -> Result<Vec<Inspected>, EngineError> {
        let attempt = "list its images";
        let listed: Vec<Listed> = self.http.json("/images/json?all=1", attempt)?.unwrap_or_default();
        let mut images = Vec::with_capacity(listed.len());
        for image in listed {
            // Another client may remove one meanwhile.
            images.extend(self.http.json(&format!("/images/{}/json?manifests=1", image.id), attempt)?);
        }
        Ok(images)
    }

    /// Sends an archive without the blobs that are known; gives its size in bytes.
    fn send(
        &self,
        snapshots: &Snapshots,
        images: &ImageSet,
        names: &[String],
        known: &BTreeSet<Digest>,
        events: &dyn EventSink,
    ) -> Result<u64, EngineError> {
        let task = format!("load into {}", self.name());
        events.send(EventKind::TaskStarted { task: task.clone(), name: format!("[internal] {task}") });
        let started = std::time::Instant::now();
        let mut failure = None;
        let mut size = 0;
        let answer = self.http.upload("/images/load?quiet=1", "load an image", &mut |out| {
            let bundle = Bundle { images, names };
            let mut counted = Told { out, done: 0, said: 0, task: &task, events };
            match crate::archive::partial(snapshots, &[bundle], ArchiveFormat::Docker, known, &mut counted) {
                Ok(written) => {
                    size = written;
                    Ok(())
                }
                Err(error) => {
                    failure = Some(error);
                    Err(io::Error::other("the image could not be read"))
                }
            }
        });
        if let Some(
            error @ (ExportError::Snapshot { .. } | ExportError::Store { .. } | ExportError::BlobGone { .. }),
        ) = failure
        {
            return Err(EngineError::Archive { source: Box::new(error) });
        }
        let answer = answer?;
        // One JSON object a line; an error comes with a status of success.
        for line in answer.lines() {
            let Ok(message) = serde_json::from_str::<Value>(line) else { continue };
            let error = message["errorDetail"]["message"].as_str().or_else(|| message["error"].as_str());
            if let Some(reason) = error {
                return Err(self.http.refused("load an image", reason));
            }
        }
        let seconds = started.elapsed().as_secs_f64();
        events.send(EventKind::TaskDone { task, seconds, note: None });
        Ok(size)
    }
}

fn blobs(images: &ImageSet) -> impl Iterator<Item = Digest> {
    images.images.iter().flat_map(|image| {
        let layers = image.layers.iter().map(|layer| layer.digest);
        layers.chain([image.config_descriptor.digest])
    })
}

fn familiar(name: &str) -> String {
    name.parse::<Reference>().map_or_else(|_| name.to_owned(), |reference| reference.familiar())
}

/// Tells how many bytes went through.
struct Told<'a> {
    out: &'a mut dyn io::Write,
    done: u64,
    said: u64,
    task: &'a str,
    events: &'a dyn EventSink,
}

/// Bytes between two events.
const TELL_EVERY: u64 = 4 << 20;

impl io::Write for Told<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.done += written as u64;
        if self.done - self.said >= TELL_EVERY {
            self.said = self.done;
            let (task, done_bytes) = (self.task.to_owned(), self.done);
            self.events.send(EventKind::Progress { task, done_bytes, total_bytes: None });
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
