//! Which instruction of which Dockerfile made the layers of an image: kept in the store, so that what is found in a layer later
//! leads back to a line.

use plimsoll_graph::{Graph, ImagePlan};
use plimsoll_oci::Digest;
use plimsoll_store::Store;
use serde::{Deserialize, Serialize};

use crate::error::BuildError;
use crate::request::BuildRequest;

/// The name under which it is kept; it rises with the form.
const READER: &str = "origin-1";

/// Where the layers of an image come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageOrigin {
    /// The Dockerfile, as messages name it.
    pub dockerfile: String,
    /// How many of the lowest layers are the base image's.
    pub base_layers: usize,
    /// The layers above those.
    pub layers: Vec<InstructionOrigin>,
}

/// Where a layer comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstructionOrigin {
    /// The stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// The line of its instruction, from 1; none for triggers of a base image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

impl ImageOrigin {
    pub(crate) fn of(request: &BuildRequest, graph: &Graph, plan: &ImagePlan, layers: usize) -> Self {
        let made = plan.history.iter().filter_map(|entry| entry.vertex).map(|vertex| {
            let vertex = &graph.vertices[vertex.0];
            InstructionOrigin {
                stage: vertex.stage.clone(),
                line: vertex.span.map(|span| request.dockerfile.line_of(span.start)),
            }
        });
        let made: Vec<InstructionOrigin> = made.collect();
        Self {
            dockerfile: request.dockerfile.name().to_owned(),
            base_layers: layers.saturating_sub(made.len()),
            layers: made,
        }
    }

    /// Keeps it for an image, by the digest of its manifest.
    pub(crate) fn keep(&self, store: &Store, manifest: &Digest) -> Result<(), BuildError> {
        let bytes = serde_json::to_vec(self).expect("it has only texts and numbers");
        Ok(store.keep_facts(manifest, READER, &bytes)?)
    }

    /// What is known of an image, by the digest of its manifest.
    pub fn read(store: &Store, manifest: &Digest) -> Option<Self> {
        serde_json::from_slice(&store.facts(manifest, READER).ok()??).ok()
    }
}
