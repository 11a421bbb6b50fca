//! Where the bytes of a root file system come from: its layers, each with the step that made it.

use std::collections::BTreeMap;

use plimsoll_diagnostics::Span;
use plimsoll_executor::Output;
use plimsoll_export::ExportError;
use plimsoll_graph::{Graph, Op};
use plimsoll_snapshot::Snapshots;
use plimsoll_store::LayerId;

use crate::error::BuildError;

/// A layer and where it comes from.
#[derive(Clone, Debug)]
pub struct LayerSize {
    /// Bytes of its files, unpacked.
    pub size_bytes: u64,
    /// Where it comes from.
    pub origin: LayerOrigin,
}

/// Where a layer comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayerOrigin {
    /// A base image.
    Base {
        /// Its name.
        name: String,
    },
    /// A step.
    Step {
        /// Its name, with that of its stage.
        name: String,
        /// The instruction; none for triggers of a base image.
        span: Option<Span>,
    },
}

/// The layers of a chain, bottom first. A layer of which nothing is known yet is fetched.
pub(crate) fn of(
    snapshots: &Snapshots,
    graph: &Graph,
    outputs: &[Option<Output>],
    chain: &[LayerId],
) -> Result<Vec<LayerSize>, BuildError> {
    let origins = origins(graph, outputs);
    let mut sizes = Vec::with_capacity(chain.len());
    for layer in chain {
        let index = snapshots.index(layer)?.ok_or_else(|| ExportError::LayerGone { layer: layer.clone() })?;
        let origin = origins.get(layer).expect("every layer is a base's or was made by a vertex").clone();
        sizes.push(LayerSize { size_bytes: index.content_size(), origin });
    }
    Ok(sizes)
}

fn origins<'o>(graph: &Graph, outputs: &'o [Option<Output>]) -> BTreeMap<&'o LayerId, LayerOrigin> {
    let mut origins = BTreeMap::new();
    for (vertex, output) in graph.vertices.iter().zip(outputs) {
        let Some(output) = output else { continue };
        if let Op::Image(image) = &vertex.op {
            let origin = LayerOrigin::Base { name: image.reference.clone() };
            origins.extend(output.chain.iter().map(|layer| (layer, origin.clone())));
        } else if let Some(layer) = output.chain.last() {
            let (name, span) = (vertex.name.clone(), vertex.span);
            // A step that made none ends with a layer of its input, which is known by now.
            origins.entry(layer).or_insert(LayerOrigin::Step { name, span });
        }
    }
    origins
}
