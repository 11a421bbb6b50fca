//! Vertices and cache to what runs when.
//!
//! The solver knows an acyclic graph of numbers and an [`Executor`] that can look a vertex up or run it. It decides
//! the order: a vertex starts as soon as its inputs are known, everything independent at the same time. It knows
//! nothing of containers, files or images.
//!
//! *Known is not the same as present.* A vertex found in the cache has an output whose bytes may be gone. Whoever
//! needs those bytes says so ([`Attempt::Missing`]); the solver then runs the vertex that makes them, and asks
//! everything that depends on it again, because a second run may give another output.

mod cancel;
mod event;
mod solve;

pub use cancel::Cancel;
pub use event::{EVENT_SCHEMA, Event, EventKind, EventSink, Stream};
pub use solve::{Attempt, Executor, Found, Problem, SolveError, Solved, solve};
