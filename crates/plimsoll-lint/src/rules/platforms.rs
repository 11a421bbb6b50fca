//! What is in base images: their files and configs say it, and their names where these are not at hand. Every answer may be
//! "not known".

use super::prelude::*;
use crate::document::BaseFiles;

/// Which C library programs find in an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Library {
    /// That of Debian, Fedora and most others.
    Glibc,
    /// That of Alpine.
    Musl,
    /// None at all.
    None,
}

impl Library {
    /// Its name in a message.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Glibc => "glibc",
            Self::Musl => "musl",
            Self::None => "no C library",
        }
    }
}

/// Distributions with glibc, by the last part of the repository.
const GLIBC: [&str; 13] = [
    "almalinux",
    "amazonlinux",
    "archlinux",
    "buildpack-deps",
    "centos",
    "debian",
    "fedora",
    "oraclelinux",
    "rockylinux",
    "ubi8",
    "ubi9",
    "ubi-minimal",
    "ubuntu",
];

/// Images of languages that are Debian unless their tag says otherwise.
const LANGUAGES: [&str; 8] = ["gcc", "golang", "node", "openjdk", "php", "python", "ruby", "rust"];

/// The image that a stage goes back to: its name with variables put in, and where it is written.
pub(super) fn root_image<'s>(document: &'s Document<'_>, stage: &'s Stage<'_>) -> Option<&'s str> {
    let image = match stage.parent {
        Some(parent) => root_image(document, &document.stages[parent])?,
        None => stage.base.as_ref()?.image.as_ref()?.text.as_str(),
    };
    (!document.options.contexts.iter().any(|context| context == image)).then_some(image)
}

/// The last part of the repository, and the tag.
pub(super) fn short_name(image: &str) -> Option<(String, String)> {
    let reference = image.parse::<Reference>().ok()?;
    let name = reference.repository().rsplit('/').next()?.to_owned();
    Some((name, reference.tag().unwrap_or_default().to_owned()))
}

/// Whether the image is one of Docker's own, which have a known meaning, or a mirror of it.
pub(super) fn is_official(image: &str) -> bool {
    image.parse::<Reference>().is_ok_and(|reference| {
        let repository = reference.repository();
        repository.strip_prefix("library/").unwrap_or(repository).split('/').count() == 1
            || repository.contains("library/")
    })
}

/// Whether the image is a distroless one.
pub(super) fn is_distroless(image: &str) -> bool {
    image.parse::<Reference>().is_ok_and(|reference| {
        reference.registry() == "gcr.io" && reference.repository().starts_with("distroless/")
    })
}

/// The C library of the image that a stage goes back to.
pub(super) fn library(document: &Document<'_>, stage: &Stage<'_>) -> Option<Library> {
    let image = root_image(document, stage)?;
    if image == "scratch" {
        return Some(Library::None);
    }
    if let Some(found) = document.base_files(stage).and_then(libraries) {
        // On Alpine there may be a stand-in for glibc's loader.
        return match found.as_slice() {
            [] => Some(Library::None),
            [one] => Some(*one),
            _ => None,
        };
    }
    let (name, tag) = short_name(image)?;
    if is_distroless(image) {
        return Some(if name.starts_with("static") { Library::None } else { Library::Glibc });
    }
    if GLIBC.contains(&name.as_str()) {
        return Some(Library::Glibc);
    }
    if name == "alpine" {
        return Some(Library::Musl);
    }
    (LANGUAGES.contains(&name.as_str())
        && is_official(image)
        && !tag.contains("windows")
        && !tag.contains("nanoserver"))
    .then(|| if tag.contains("alpine") { Library::Musl } else { Library::Glibc })
}

/// The libraries whose loaders are among the files.
fn libraries(files: &dyn BaseFiles) -> Option<Vec<Library>> {
    let mut names = files.names("/lib")?;
    names.extend(files.names("/lib64")?);
    let has = |prefixes: &[&str]| names.iter().any(|name| prefixes.iter().any(|one| name.starts_with(one)));
    let found = [(Library::Glibc, has(&["ld-linux", "ld64.so"])), (Library::Musl, has(&["ld-musl-"]))];
    Some(found.into_iter().filter(|(_, is_there)| *is_there).map(|(library, _)| library).collect())
}

/// The numbers that a tag starts with: of `3.12-slim`, 3 and 12.
pub(super) fn version(tag: &str) -> Vec<u32> {
    let head = tag.split('-').next().unwrap_or_default();
    let numbers = head.split('.').map_while(|part| part.parse().ok());
    numbers.collect()
}

/// The numbers of a version that an image of a language has in its environment.
fn version_in_environment(document: &Document<'_>, stage: &Stage<'_>, name: &str) -> Option<Vec<u32>> {
    let config = document.base_config(stage)?;
    let value =
        config.env.iter().rev().find_map(|variable| variable.strip_prefix(name)?.strip_prefix('='))?;
    Some(version(value))
}

/// The version of Python in the image that a stage goes back to.
pub(super) fn python_version(document: &Document<'_>, stage: &Stage<'_>) -> Option<(u32, u32)> {
    let image = root_image(document, stage)?;
    if let Some([major, minor, ..]) = version_in_environment(document, stage, "PYTHON_VERSION").as_deref() {
        return Some((*major, *minor));
    }
    match document.base_files(stage).and_then(pythons).as_deref() {
        Some([version]) => Some(*version),
        Some(_) => None,
        None => python_of_name(image),
    }
}

/// The versions in the names of interpreters, such as `python3.13`: the first directory that has one counts, as in `PATH`.
fn pythons(files: &dyn BaseFiles) -> Option<Vec<(u32, u32)>> {
    let version = |name: &String| {
        let (major, minor) = name.strip_prefix("python")?.split_once('.')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    };
    for directory in ["/usr/local/bin", "/usr/bin"] {
        let versions: Vec<_> = files.names(directory)?.iter().filter_map(version).collect();
        if !versions.is_empty() {
            return Some(versions);
        }
    }
    Some(Vec::new())
}

fn python_of_name(image: &str) -> Option<(u32, u32)> {
    let (name, tag) = short_name(image)?;
    if is_distroless(image) && name.starts_with("python3") {
        let releases = [("debian11", (3, 9)), ("debian12", (3, 11)), ("debian13", (3, 13))];
        return releases.iter().find(|(release, _)| name.ends_with(release)).map(|(_, version)| *version);
    }
    match version(&tag).as_slice() {
        [major, minor, ..] if name == "python" && is_official(image) => Some((*major, *minor)),
        _ => None,
    }
}

/// The major version of Node in the image that a stage goes back to.
pub(super) fn node_version(document: &Document<'_>, stage: &Stage<'_>) -> Option<u32> {
    let image = root_image(document, stage)?;
    let own = version_in_environment(document, stage, "NODE_VERSION");
    own.and_then(|version| version.first().copied()).or_else(|| node_of_name(image))
}

fn node_of_name(image: &str) -> Option<u32> {
    let (name, tag) = short_name(image)?;
    if is_distroless(image) {
        let number = name.strip_prefix("nodejs")?.split('-').next()?;
        return number.parse().ok();
    }
    (name == "node" && is_official(image)).then(|| version(&tag).first().copied()).flatten()
}

/// Every source of a `COPY --from` a stage of the file: the stage it goes to, the step, the stage it comes from, the path, its place.
pub(super) struct Carried<'d, 'a> {
    pub(super) stage: &'d Stage<'a>,
    pub(super) step: &'d Step<'a>,
    pub(super) from: &'d Stage<'a>,
    pub(super) path: String,
    pub(super) place: Span,
}

/// What stages take from each other.
pub(super) fn carried<'d, 'a>(document: &'d Document<'a>) -> Vec<Carried<'d, 'a>> {
    let mut found = Vec::new();
    for stage in document.wanted_stages() {
        for step in &stage.steps {
            let InstructionKind::Copy(copy) = &step.instruction.kind else { continue };
            let Some(name) = &copy.from else { continue };
            let by_number = || name.value.parse().ok().filter(|number| *number < stage.index);
            let Some(from) = document.stage_named(&name.value, stage.index).or_else(by_number) else {
                continue;
            };
            for source in &copy.transfer.sources {
                let Source::Path(path) = source else { continue };
                let Some(value) = document.expand(stage, step, &path.value) else { continue };
                let from = &document.stages[from];
                found.push(Carried {
                    stage,
                    step,
                    from,
                    path: clean(&format!("/{value}")),
                    place: path.span,
                });
            }
        }
    }
    found
}

/// The stage and those of the file that it is built on.
pub(super) fn lineage<'d, 'a>(document: &'d Document<'a>, stage: &'d Stage<'a>) -> Vec<&'d Stage<'a>> {
    let mut stages = vec![stage];
    let mut parent = stage.parent;
    while let Some(index) = parent {
        stages.push(&document.stages[index]);
        parent = document.stages[index].parent;
    }
    stages
}
