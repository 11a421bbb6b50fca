//! Puts vertices together, each once.

use std::collections::HashMap;

use plimsoll_oci::Platform;

use crate::{Graph, ImagePlan, Op, Vertex, VertexId, canonical};

/// What makes two vertices the same: the op, its inputs, and the platform where it matters.
type Identity = (Vec<u8>, Vec<VertexId>, Option<Platform>);

/// A graph in the making.
#[derive(Debug, Default)]
pub(crate) struct GraphBuilder {
    vertices: Vec<Vertex>,
    known: HashMap<Identity, VertexId>,
}

impl GraphBuilder {
    /// Adds a vertex, or finds the one that does the same. A vertex that is forced anywhere is forced everywhere.
    pub(crate) fn add(&mut self, vertex: Vertex) -> VertexId {
        // Sources are what they are on every platform: an image is named by the manifest of one, a directory has none.
        let platform = match vertex.op {
            Op::Scratch | Op::Image(_) | Op::Local { .. } | Op::Git(_) | Op::Archive(_) => None,
            Op::Exec(_) | Op::Copy(_) | Op::MakeDir(_) => Some(vertex.platform.clone()),
        };
        let identity = (canonical(&vertex.op), vertex.inputs.clone(), platform);
        if let Some(&id) = self.known.get(&identity) {
            self.vertices[id.0].no_cache |= vertex.no_cache;
            return id;
        }
        let id = VertexId(self.vertices.len());
        self.vertices.push(vertex);
        self.known.insert(identity, id);
        id
    }

    /// A vertex that was added.
    pub(crate) fn vertex(&self, id: VertexId) -> &Vertex {
        &self.vertices[id.0]
    }

    /// The graph of what the images need, and only that.
    pub(crate) fn finish(self, images: Vec<ImagePlan>) -> Graph {
        let mut needed = vec![false; self.vertices.len()];
        for image in &images {
            needed[image.root.0] = true;
        }
        for index in (0..self.vertices.len()).rev() {
            if needed[index] {
                for input in &self.vertices[index].inputs {
                    needed[input.0] = true;
                }
            }
        }
        let mut graph = Graph::default();
        let mut moved = vec![None; needed.len()];
        for (index, mut vertex) in self.vertices.into_iter().enumerate() {
            if needed[index] {
                relocate(&mut vertex.inputs, &moved);
                moved[index] = Some(VertexId(graph.vertices.len()));
                graph.vertices.push(vertex);
            }
        }
        for mut image in images {
            relocate_image(&mut image, &moved);
            graph.images.push(image);
        }
        graph
    }
}

impl Graph {
    /// One graph of several, such as the graphs of several platforms: what they have in common is there once.
    pub fn merge(graphs: impl IntoIterator<Item = Self>) -> Self {
        let mut builder = GraphBuilder::default();
        let mut images = Vec::new();
        for graph in graphs {
            let mut moved = Vec::with_capacity(graph.vertices.len());
            for mut vertex in graph.vertices {
                relocate(&mut vertex.inputs, &moved);
                moved.push(Some(builder.add(vertex)));
            }
            for mut image in graph.images {
                relocate_image(&mut image, &moved);
                images.push(image);
            }
        }
        builder.finish(images)
    }
}

fn relocate(inputs: &mut [VertexId], moved: &[Option<VertexId>]) {
    for input in inputs {
        *input = moved[input.0].expect("inputs come before what uses them");
    }
}

fn relocate_image(image: &mut ImagePlan, moved: &[Option<VertexId>]) {
    relocate(std::slice::from_mut(&mut image.root), moved);
    for entry in &mut image.history {
        if let Some(vertex) = &mut entry.vertex {
            relocate(std::slice::from_mut(vertex), moved);
        }
    }
}
