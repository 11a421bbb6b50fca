//! The production form of a Dockerfile with one stage: build tools stay in the build, the image has what runs.
//!
//! [`propose`] is pure: it takes the text and answers about the build context, and gives a new text, or a [`Refusal`] at the
//! first line whose meaning for the runtime image is not known. Every language has one renderer.

mod go;
mod java;
mod naive;
mod node;
mod project;
mod python;
mod rust;

use std::collections::BTreeMap;

use plimsoll_diagnostics::{Diagnostic, Severity, SourceFile, Span};

use crate::context::BuildContext;
use naive::Naive;
use project::{Project, Runtime};

/// What the proposal is made from, beside the Dockerfile.
pub struct Surroundings<'s> {
    /// The build context.
    pub context: &'s dyn BuildContext,
    /// The project's named contexts, with what stands for them.
    pub contexts: BTreeMap<String, String>,
    /// The runtime image that the user wants.
    pub runtime: Option<String>,
}

/// The production form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The text of the Dockerfile.
    pub dockerfile: String,
    /// Patterns that the ignore file should have.
    pub ignore: Vec<&'static str>,
    /// A named context that the project should have: name and value.
    pub context: Option<(String, String)>,
}

/// Why there is no proposal, with the place and the way out.
pub type Refusal = Box<Diagnostic>;

/// Makes the production form.
///
/// # Errors
///
/// The line that is not understood well enough to move it.
pub fn propose(file: &SourceFile, surroundings: &Surroundings<'_>) -> Result<Proposal, Refusal> {
    let parsed = plimsoll_dockerfile::parse(file);
    if let Some(error) = parsed.diagnostics.into_iter().find(Diagnostic::is_error) {
        return Err(Box::new(error));
    }
    let naive = Naive::read(file, &parsed.dockerfile)?;
    let project = Project::new(surroundings);
    let rendered = if node::is_meant(&naive) {
        node::render(&naive, &project)?
    } else if naive.runs("go") {
        go::render(&naive, &project)?
    } else if naive.runs("cargo") || naive.starts("cargo") {
        rust::render(&naive, &project)?
    } else if java::is_meant(&naive) {
        java::render(&naive, &project)?
    } else if python::is_meant(&naive) {
        python::render(&naive, &project)?
    } else {
        let hint = "the proposal knows npm, Yarn, pnpm, pip, Poetry, uv, Go, Cargo, Maven and Gradle";
        return Err(refuse(naive.from_span, "no step shows what language the program is in", hint));
    };
    let Rendered { dockerfile, ignore, runtime } = rendered;
    let composed = runtime.composed.filter(|_| runtime.is_new);
    let context = composed.map(|options| (runtime.image, format!("debian://{options}")));
    Ok(Proposal { dockerfile, ignore, context })
}

/// What a renderer gives.
struct Rendered {
    dockerfile: String,
    ignore: Vec<&'static str>,
    runtime: Runtime,
}

fn refuse(span: Span, message: impl Into<String>, hint: impl Into<String>) -> Refusal {
    let mut diagnostic = Diagnostic::new(Severity::Error, "no-production-form", message).hint(hint);
    diagnostic.span = Some(span);
    Box::new(diagnostic)
}
