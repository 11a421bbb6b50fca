//! Places in text, what there is to say about them, and how it is shown.
//!
//! Everything that has a place in a file (a syntax error, a lint finding, a failed step) is a [`Diagnostic`]. It refers to the text
//! by byte offsets ([`Span`]) and is shown with [`render()`], or serialised through [`Diagnostic::located`]. Text of unknown origin
//! passes the [`sanitize`] module before it reaches a terminal or a CI log; [`render()`] does that itself.

pub mod encode;
pub mod sanitize;

mod diagnostic;
mod render;
mod source;
mod span;
mod suggest;

pub use diagnostic::{Diagnostic, Edit, Fix, Label, LocatedDiagnostic, LocatedLabel, Location, Severity};
pub use render::render;
pub use source::{LineColumn, SourceFile};
pub use span::{Span, Spanned};
pub use suggest::did_you_mean;

/// A text that shares its bytes with others: a part of a file is not a copy of it.
pub type Text = arcstr::Substr;
/// A whole text that its parts share.
pub type SharedText = arcstr::ArcStr;
