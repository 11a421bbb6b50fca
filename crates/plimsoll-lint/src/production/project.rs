//! What the renderers ask about a project, and the parts that all proposals have.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::naive::Naive;
use super::{Refusal, Surroundings, refuse};
use crate::context::{EntryKind, Listing};
use crate::names::{base_name, has_extension};

/// Patterns that no image needs, in whatever language.
pub(super) const CLUTTER: &[&str] = &[".git", "**/.env", "Dockerfile*"];

/// Names at the top of a context that serve development only.
const DEVELOPMENT: &[&str] = &[
    "test",
    "tests",
    "__tests__",
    "docs",
    "node_modules",
    "coverage",
    "Makefile",
    "plimsoll.toml",
    "conftest.py",
    "setup.py",
    "setup.cfg",
    "pyproject.toml",
    "poetry.lock",
    "uv.lock",
    "pnpm-lock.yaml",
    "yarn.lock",
    "tox.ini",
    "tsconfig.json",
    "LICENSE",
    "package.json",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "eslint.config.js",
    "compose.yaml",
    "docker-compose.yml",
    "__pycache__",
    "venv",
];

/// Folders that programs read when they run, and that no compiler makes.
const ASSETS: &[&str] =
    &["assets", "config", "locales", "migrations", "public", "static", "templates", "views"];

/// The image that the program runs in.
pub(super) struct Runtime {
    pub(super) image: String,
    /// What it is composed of, when it is: suite and options. Its programs are in `/usr/bin` then.
    pub(super) composed: Option<String>,
    /// Whether nothing stands for its name yet.
    pub(super) is_new: bool,
}

impl Runtime {
    pub(super) fn is_composed(&self) -> bool {
        self.composed.is_some()
    }

    /// Whether it is composed, and of a package of this name among others.
    pub(super) fn has_package(&self, name: &str) -> bool {
        self.composed.as_deref().is_some_and(|options| options.contains(name))
    }
}

/// Where certificates of authorities are in nearly all images.
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Takes certificates of authorities along from the build.
pub(super) fn copy_certificates(out: &mut String) {
    let _infallible =
        writeln!(out, "# For the calls that it makes.\nCOPY --from=build {CERTIFICATES} {CERTIFICATES}");
}

/// A build context and what stands around it.
pub(super) struct Project<'p>(&'p Surroundings<'p>);

impl<'p> Project<'p> {
    pub(super) fn new(surroundings: &'p Surroundings<'p>) -> Self {
        Self(surroundings)
    }

    /// The files that the build gets.
    pub(super) fn files(&self) -> impl Iterator<Item = &'p str> {
        let kept = self.0.context.listing().into_iter().flat_map(Listing::kept);
        kept.filter(|entry| entry.kind == EntryKind::File).map(|entry| entry.path.as_str())
    }

    pub(super) fn has(&self, path: &str) -> bool {
        let entry = self.0.context.listing().and_then(|listing| listing.find(path));
        entry.is_some_and(|entry| entry.is_kept && entry.kind == EntryKind::File)
    }

    pub(super) fn read(&self, path: &str) -> Option<String> {
        self.0.context.read(path)
    }

    fn top(&self) -> BTreeSet<(&'p str, bool)> {
        self.files()
            .map(|path| path.split_once('/').map_or((path, false), |(folder, _)| (folder, true)))
            .collect()
    }

    /// Folders with files that programs read when they run.
    pub(super) fn assets(&self) -> Vec<&'p str> {
        self.top()
            .into_iter()
            .filter(|(name, folder)| *folder && ASSETS.contains(name))
            .map(|(name, _)| name)
            .collect()
    }

    /// All that is not known to be for development only: folders, and files.
    pub(super) fn sources(&self) -> (Vec<&'p str>, Vec<&'p str>) {
        let is_for_run = |name: &str| {
            let is_manifest = name.starts_with("requirements") && has_extension(name, "txt");
            let is_clutter = name.starts_with('.') || name.contains("ockerfile") || has_extension(name, "md");
            !DEVELOPMENT.contains(&name) && !is_manifest && !is_clutter
        };
        let (folders, files): (Vec<_>, Vec<_>) =
            self.top().into_iter().filter(|(name, _)| is_for_run(name)).partition(|(_, folder)| *folder);
        let names = |list: Vec<(&'p str, bool)>| list.into_iter().map(|(name, _)| name).collect();
        (names(folders), names(files))
    }

    /// What an image is composed of: suite and options, when it is.
    pub(super) fn composed(&self, image: &str) -> Option<&'p str> {
        self.stands_for(image)?.strip_prefix("debian://")
    }

    /// What stands for a named context.
    pub(super) fn stands_for(&self, name: &str) -> Option<&'p str> {
        self.0.contexts.get(name).map(String::as_str)
    }

    /// The runtime image: what the user names, the `X-runtime` beside `X-build`, one composed of these `packages` when the
    /// base is composed too, or the one of the hub image's family.
    pub(super) fn runtime(
        &self,
        naive: &Naive,
        packages: &str,
        family: impl Fn(&str, &str) -> Option<String>,
    ) -> Result<Runtime, Refusal> {
        let of = |image: String| {
            let composed = self.composed(&image).map(str::to_owned);
            Runtime { image, composed, is_new: false }
        };
        if let Some(image) = &self.0.runtime {
            return Ok(of(image.clone()));
        }
        let beside = naive.base.strip_suffix("-build").map(|name| format!("{name}-runtime"));
        if let Some(name) = beside.filter(|name| self.stands_for(name).is_some()) {
            return Ok(of(name));
        }
        if let Some((suite, options)) =
            self.composed(&naive.base).map(|base| base.split_once('?').unwrap_or((base, "")))
        {
            let certificates = if options.contains("ca-certificates") { ",ca-certificates" } else { "" };
            if packages.is_empty() {
                return Ok(of("scratch".to_owned()));
            }
            let stem = naive.base.strip_suffix("-build").unwrap_or(&naive.base);
            let composed = format!("{suite}?packages={packages}{certificates}&variant=distroless");
            return Ok(Runtime { image: format!("{stem}-runtime"), composed: Some(composed), is_new: true });
        }
        let base = naive.base.split('@').next().unwrap_or_default();
        let base = base.strip_prefix("docker.io/").unwrap_or(base);
        let base = base.strip_prefix("library/").unwrap_or(base);
        let (name, tag) = base.split_once(':').unwrap_or((base, "latest"));
        family(name, tag).map(of).ok_or_else(|| {
            let message = format!("no runtime image is known for `{}`", naive.base);
            refuse(naive.from_span, message, "name one with `--runtime IMAGE`")
        })
    }
}

/// Instructions, each on lines of its own.
pub(super) fn lines(out: &mut String, instructions: &[String]) {
    for instruction in instructions {
        out.push_str(instruction);
        out.push('\n');
    }
}

/// The start of a build stage.
pub(super) fn build_stage(out: &mut String, naive: &Naive, name: &str) {
    let _infallible = writeln!(out, "{} AS {name}", naive.from);
    lines(out, &naive.build_settings);
    let _infallible = writeln!(out, "WORKDIR {}", naive.workdir);
}

/// The sources for the build, as the original copies them.
pub(super) fn copy_sources(out: &mut String, naive: &Naive) {
    if naive.copies_all { out.push_str("COPY . .\n") } else { lines(out, &naive.copies) }
}

/// Folders that a compiled program may read when it runs.
pub(super) fn copy_assets(out: &mut String, naive: &Naive, project: &Project<'_>) {
    let assets = project.assets();
    if assets.is_empty() {
        return;
    }
    let _infallible = writeln!(out, "# Folders that it may read when it runs.\nWORKDIR {}", naive.workdir);
    for folder in assets {
        let _infallible = writeln!(out, "COPY {folder} ./{folder}");
    }
}

/// The end of the runtime stage.
pub(super) fn finish(out: &mut String, naive: &Naive, health: Option<String>, command: &[String]) {
    out.push_str("# A number, so that an orchestrator can see that it is not root.\nUSER 65532:65532\n");
    lines(out, &naive.metadata);
    out.extend(health);
    out.push_str("# No shell in between: the program gets the signals itself.\n");
    let _infallible = writeln!(out, "ENTRYPOINT {}", json(command));
}

/// A health check that the project has a program for.
pub(super) fn health(command: &[String]) -> String {
    let comment = "# The project's own health check: the image has no curl.\n";
    format!("{comment}HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD {}\n", json(command))
}

/// The original's check, with a program that the runtime image has; else the one that the project has itself.
///
/// `ask` gives the command that asks for an address in the program's own language.
pub(super) fn health_check(
    naive: &Naive,
    (names, program): (&[&str], &str),
    ask: Option<fn(&str) -> [String; 2]>,
    found: Option<String>,
) -> Result<Option<String>, Refusal> {
    let Some(health) = &naive.health else { return Ok(found) };
    let first = health.words.first().map(|first| base_name(first)).unwrap_or_default();
    if names.contains(&first) {
        let words = [&[program.to_owned()], &health.words[1..]].concat();
        return Ok(Some(format!("{} CMD {}\n", health.flags, json(&words))));
    }
    if found.is_some() && health.url.is_some() {
        return Ok(found);
    }
    if let (Some(ask), Some(url)) = (ask, &health.url) {
        let words = [&[program.to_owned()], ask(url).as_slice()].concat();
        let comment = format!("# The same question without `{first}`, which the image does not have.\n");
        return Ok(Some(format!("{comment}{} CMD {}\n", health.flags, json(&words))));
    }
    if health.url.is_some() {
        return Ok(Some(format!(
            "# HEALTHCHECK is left out: the image has no `{first}`. Let the program ask for its own health, and say so here.\n"
        )));
    }
    let message = format!("`{first}`, the program of HEALTHCHECK, is not in the runtime image");
    let hint = format!("let it run `{program}`, for example with a flag by which it asks for its own health");
    Err(refuse(health.span, message, hint))
}

fn json(words: &[String]) -> String {
    let words: Vec<String> =
        words.iter().map(|word| serde_json::Value::from(word.as_str()).to_string()).collect();
    format!("[{}]", words.join(", "))
}
