//! What rules about the build context have in common.

use plimsoll_dockerfile::glob::{Glob, has_wildcards, unescape};

use super::prelude::*;
use crate::context::{ContextEntry, EntryKind, Listing};

/// A source of a `COPY` or `ADD` in the build context.
pub(super) struct Taken<'d, 'a> {
    pub(super) stage: &'d Stage<'a>,
    pub(super) step: &'d Step<'a>,
    /// Where it is written.
    pub(super) place: Span,
    /// Clean and relative; `.` is the whole context.
    pub(super) path: String,
    glob: Option<Glob>,
    /// Whether `--exclude` leaves something out of it.
    pub(super) has_excludes: bool,
}

impl Taken<'_, '_> {
    /// Whether the whole context is taken.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self.path.as_str(), "." | "*" | "**")
    }

    /// Whether it is one path, and no pattern.
    pub(super) fn is_literal(&self) -> bool {
        self.glob.is_none()
    }

    /// Whether it takes a path, by itself or in a directory.
    pub(super) fn takes(&self, path: &str) -> bool {
        match &self.glob {
            None => self.path == "." || is_in(path, &self.path),
            Some(glob) => ends(path).any(|end| glob.matches(&path.as_bytes()[..end])),
        }
    }

    /// Whether it names a path or what lies below, so that somebody meant it.
    pub(super) fn names(&self, path: &str) -> bool {
        self.glob.is_none() && self.path != "." && is_in(&self.path, path)
    }
}

/// Whether a path is another one, or lies in it.
fn is_in(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The ends of the directories above a path, and its own.
pub(super) fn ends(path: &str) -> impl Iterator<Item = usize> {
    path.match_indices('/').map(|(at, _)| at).chain([path.len()])
}

/// Every source in the build context that is known by its text.
pub(super) fn taken<'d, 'a>(document: &'d Document<'a>) -> Vec<Taken<'d, 'a>> {
    let mut found = Vec::new();
    for stage in document.wanted_stages() {
        for step in &stage.steps {
            let kind = &step.instruction.kind;
            let Some(transfer) = kind.transfer().filter(|_| !kind.copies_from_elsewhere()) else { continue };
            for source in &transfer.sources {
                let Source::Path(path) = source else { continue };
                let Some((path_text, glob)) = known_path(document, stage, step, &path.value) else {
                    continue;
                };
                found.push(Taken {
                    stage,
                    step,
                    place: path.span,
                    path: path_text,
                    glob,
                    has_excludes: !transfer.excludes.is_empty(),
                });
            }
        }
    }
    found
}

fn known_path(
    document: &Document<'_>,
    stage: &Stage<'_>,
    step: &Step<'_>,
    written: &str,
) -> Option<(String, Option<Glob>)> {
    let names = document.variable_names(stage, step);
    if variables_in(written, document.dockerfile.escape).iter().any(|name| !names.contains(name)) {
        return None;
    }
    let value = document.expand(stage, step, written)?;
    if value.contains("://") || value.starts_with("git@") || value.is_empty() {
        return None;
    }
    // A leading slash and `..` mean the root of the context.
    let path = clean(&format!("/{value}"));
    let path = path.trim_start_matches('/');
    let path = if path.is_empty() { "." } else { path };
    if has_wildcards(path) {
        return Some((path.to_owned(), Some(Glob::new(path).ok()?)));
    }
    Some((unescape(path), None))
}

/// The listing of the context, where the context is probably the one that the file is built with.
///
/// A Dockerfile in a folder of its own is often built from the folder above. What it names tells: most of it must be there.
pub(super) fn listing<'a>(document: &Document<'a>, sources: &[Taken<'_, '_>]) -> Option<&'a Listing> {
    if sources.is_empty() {
        return None;
    }
    let context = document.options.context?;
    let listing = context.listing()?;
    if !context.is_guessed() {
        return Some(listing);
    }
    let named: Vec<&Taken<'_, '_>> =
        sources.iter().filter(|one| one.is_literal() && one.path != ".").collect();
    let there = named.iter().filter(|one| exists(listing, &one.path)).count();
    let is_likely =
        if named.is_empty() { listing.entries().iter().any(is_of_project) } else { there * 2 > named.len() };
    is_likely.then_some(listing)
}

/// Whether a file says that its folder is more than one for Dockerfiles.
fn is_of_project(entry: &ContextEntry) -> bool {
    let lower = entry.path.to_lowercase();
    let is_about_images = ["dockerfile", "containerfile", "compose", ".dockerignore", "readme", ".sh"];
    entry.kind != EntryKind::Directory && !is_about_images.iter().any(|part| lower.contains(part))
}

/// Whether a path is there, or in a directory that is left out as a whole, where nobody looked.
pub(super) fn exists(listing: &Listing, path: &str) -> bool {
    !listing.is_complete()
        || listing.find(path).is_some()
        || ends(path).any(|end| {
            listing.find(&path[..end]).is_some_and(|entry| !entry.is_kept || entry.kind == EntryKind::Other)
        })
}

/// `NAME:LINE` of the ignore file.
pub(super) fn ignore_line(document: &Document<'_>, line: usize) -> String {
    let source = document.options.context.and_then(|context| context.ignore_source());
    format!("{}:{line}", source.map_or(".dockerignore", |source| source.name()))
}

/// A line of the ignore file as it is written.
pub(super) fn ignore_text<'a>(document: &Document<'a>, line: usize) -> Option<&'a str> {
    let source = document.options.context?.ignore_source()?;
    Some(source.line_text(line).trim().trim_start_matches('\u{feff}'))
}

/// A number of bytes in decimal units: `41.2 MB`.
pub(super) fn human_bytes(bytes: u64) -> String {
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let tenths = |divisor: u64| (u128::from(bytes) * 10 + u128::from(divisor) / 2) / u128::from(divisor);
    let units = [(1_000, "kB"), (1_000_000, "MB"), (1_000_000_000, "GB")];
    let fitting = units.into_iter().find(|(divisor, _)| tenths(*divisor) < 10_000);
    let (divisor, unit) = fitting.unwrap_or((1_000_000_000_000, "TB"));
    let tenths = tenths(divisor);
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// Directories that tools make, and the programs that make them anew in a build; without programs nothing needs them there.
const CLUTTER: [(&str, &[&str]); 17] = [
    (".git", &[]),
    (".gradle", &["gradle", "gradlew", "./gradlew"]),
    (".hg", &[]),
    (".idea", &[]),
    (".mypy_cache", &[]),
    (".pytest_cache", &[]),
    (".ruff_cache", &[]),
    (".svn", &[]),
    (".terraform", &[]),
    (".tox", &[]),
    (".venv", PYTHON),
    (".vs", &[]),
    ("__pycache__", &[]),
    ("bower_components", &["bower"]),
    ("node_modules", &["npm", "yarn", "pnpm", "bun"]),
    ("target", &["cargo", "mvn", "./mvnw", "mvnw"]),
    ("venv", PYTHON),
];

const PYTHON: &[&str] = &["pip", "pip3", "python", "python3", "uv", "poetry", "pipenv", "pdm"];

/// The outermost directory of a path that is there for tools only, if a build has no use for it.
pub(super) fn clutter<'p>(listing: &Listing, path: &'p str) -> Option<(&'p str, &'static [&'static str])> {
    let mut start = 0;
    for end in ends(path) {
        let name = &path[start..end];
        start = end + 1;
        let Some((name, makers)) = CLUTTER.iter().find(|(clutter, _)| *clutter == name) else { continue };
        let folder = &path[..end - name.len()];
        let has = |file: &str| listing.find(&format!("{folder}{file}")).is_some();
        let is_it = match *name {
            "target" => has("Cargo.toml") || has("pom.xml"),
            "venv" => has("venv/pyvenv.cfg"),
            _ => true,
        };
        if is_it && listing.find(&path[..end]).is_some_and(|entry| entry.kind == EntryKind::Directory) {
            return Some((&path[..end], *makers));
        }
    }
    None
}

/// Writes `a`, `b` and 3 more.
pub(super) fn enumerate(items: &[String], most: usize) -> String {
    let (shown, rest) = items.split_at(items.len().min(most));
    match (shown, rest) {
        ([], _) => String::new(),
        ([only], []) => only.clone(),
        ([head @ .., last], []) => format!("{} and {last}", head.join(", ")),
        (shown, rest) => format!("{} and {} more", shown.join(", "), rest.len()),
    }
}
