//! `size-budget` and `--size-budget`: how large an image may be, unpacked.
//!
//! The smaller one counts, so that a project cannot loosen what its user asks for; `--size-budget none` is the user's word that
//! there is none.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use plimsoll_build::{BuildError, BuildRequest, BuildResult, LayerOrigin, LayerSize, PlatformResult};
use plimsoll_diagnostics::{Diagnostic, Span, sanitize};

use super::Args;
use crate::config::{PROJECT_FILE, parse_size};
use crate::output::human_bytes;

/// So many steps are named, the largest first.
const MOST_STEPS: usize = 5;

/// How large an image may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    bytes: u64,
    /// Where it is set.
    source: String,
}

impl Budget {
    /// What the command line and the project say.
    pub(super) fn of(args: &Args, project: Option<&str>) -> Result<Option<Self>> {
        let budget = |text: &str, source: String| {
            let bytes = parse_size(text).with_context(|| format!("{source} is `{text}`"))?;
            anyhow::Ok(Self { bytes, source })
        };
        let given = match args.size_budget.as_deref() {
            Some("none") => return Ok(None),
            given => given.map(|text| budget(text, "`--size-budget`".to_owned())).transpose()?,
        };
        let project =
            project.map(|text| budget(text, format!("`size-budget` of `{PROJECT_FILE}`"))).transpose()?;
        Ok(given.into_iter().chain(project).min_by_key(|budget| budget.bytes))
    }

    /// The result, if all of its images keep to the budget.
    pub(super) fn check(
        budget: Option<&Self>,
        request: &BuildRequest,
        result: BuildResult,
    ) -> Result<BuildResult, BuildError> {
        let Some(budget) = budget else { return Ok(result) };
        let several = result.platforms.len() > 1;
        let diagnostics: Vec<_> =
            result.platforms.iter().filter_map(|one| budget.exceeded(request, one, several)).collect();
        if diagnostics.is_empty() { Ok(result) } else { Err(BuildError::Diagnostics { diagnostics }) }
    }

    fn exceeded(&self, request: &BuildRequest, one: &PlatformResult, several: bool) -> Option<Diagnostic> {
        let size: u64 = one.layers.iter().map(|layer| layer.size_bytes).sum();
        let over = size.checked_sub(self.bytes).filter(|over| *over > 0)?;
        let image = if several { format!("the image for {}", one.platform) } else { "the image".to_owned() };
        let message = format!(
            "{image} has {} unpacked, {} more than its budget of {}",
            human_bytes(size),
            human_bytes(over),
            human_bytes(self.bytes)
        );
        let mut diagnostic = Diagnostic::error("image-over-size-budget", message);
        for (place, (bytes, name, span)) in largest(&one.layers).into_iter().take(MOST_STEPS).enumerate() {
            let line = span.map(|span| request.dockerfile.line_of(span.start));
            let line = line.map_or_else(String::new, |line| format!(" (line {line})"));
            let size = human_bytes(bytes);
            diagnostic = diagnostic.note(format!("{size} from {}{line}", sanitize::line(&name)));
            if let (0, Some(span)) = (place, span) {
                diagnostic = diagnostic.at(span);
            }
        }
        let source = &self.source;
        Some(diagnostic.hint(format!(
            "nothing was exported or pushed; leave files out, delete them in the step that makes them, take a smaller \
             base, or raise {source}"
        )))
    }
}

/// The steps and bases that add most, each with its bytes. What adds nothing is not among them.
fn largest(layers: &[LayerSize]) -> Vec<(u64, String, Option<Span>)> {
    let mut bases: BTreeMap<&str, u64> = BTreeMap::new();
    let mut all = Vec::new();
    for layer in layers {
        match &layer.origin {
            LayerOrigin::Base { name } => *bases.entry(name).or_default() += layer.size_bytes,
            LayerOrigin::Step { name, span } => all.push((layer.size_bytes, name.clone(), *span)),
        }
    }
    all.extend(bases.into_iter().map(|(name, bytes)| (bytes, format!("the base {name}"), None)));
    all.retain(|(bytes, ..)| *bytes > 0);
    all.sort_by_key(|(bytes, ..)| std::cmp::Reverse(*bytes));
    all
}
