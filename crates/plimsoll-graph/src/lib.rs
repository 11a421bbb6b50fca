//! Instructions, arguments and platform to vertices.
//!
//! Pure: what it needs to know of base images is asked for by name and given by the caller.

mod op;

pub use op::{
    AddSource, CacheSharing, CopyOp, CopySource, ExecMount, ExecOp, Graph, HistoryEntry, ImageOp, ImagePlan, InlineFile, MakeDirOp, MountKind,
    NetworkMode, Op, OwnerSpec, SecurityMode, Vertex, VertexId, OP_SCHEMA,
};
