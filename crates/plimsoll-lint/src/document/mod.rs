//! What rules look at: stages with what they are built on, and for each instruction what is in force in front of it.

mod build;
mod globals;
mod run;
mod stage;
mod used_words;

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use plimsoll_diagnostics::{SourceFile, Span};
use plimsoll_dockerfile::{Comment, Dockerfile, Instruction, words};
use plimsoll_oci::{Digest, ImageConfig, Platform, Reference};

use crate::options::Options;

pub(crate) use globals::Globals;
pub(crate) use run::RunView;
pub use stage::{Base, Stage, Step};

/// `PATH` where nothing sets it.
pub(crate) const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What is known of a base image.
#[derive(Clone, Debug)]
pub struct BaseFacts {
    /// Its config.
    pub config: ImageConfig,
    /// The digest that its name stands for, as far as it is known: of the index, where there is one.
    pub digest: Option<Digest>,
    /// Answers what files it has.
    pub files: Option<Rc<dyn BaseFiles>>,
}

/// Answers what files an image has; nothing when they are not at hand. Nothing is read before a rule asks.
pub trait BaseFiles {
    /// Whether a path leads to something that is no directory, links followed.
    fn has_file(&self, path: &str) -> Option<bool>;

    /// The names in a directory, links followed; none when there is no such directory.
    fn names(&self, directory: &str) -> Option<Vec<String>>;
}

impl std::fmt::Debug for dyn BaseFiles {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("BaseFiles")
    }
}

/// A file, ready to be looked at.
pub struct Document<'a> {
    /// The text.
    pub file: &'a SourceFile,
    /// The text, parsed.
    pub dockerfile: &'a Dockerfile,
    /// What the caller wants and knows.
    pub options: &'a Options<'a>,
    /// The platform that is built for.
    pub platform: Platform,
    /// Arguments before the first `FROM`.
    pub(crate) globals: Globals,
    /// The stages in order. Instructions that no `FROM` stands before are a stage without one.
    pub stages: Vec<Stage<'a>>,
    /// The code of every `RUN` of the stages that are looked at, once a rule has asked for it.
    scripts: OnceCell<Vec<run::RunScript>>,
}

impl<'a> Document<'a> {
    /// Takes a parsed file.
    pub fn new(file: &'a SourceFile, dockerfile: &'a Dockerfile, options: &'a Options<'a>) -> Self {
        build::document(file, dockerfile, options)
    }

    /// The stages that are looked at.
    pub fn wanted_stages(&self) -> impl Iterator<Item = &Stage<'a>> {
        self.stages.iter().filter(|stage| stage.wanted)
    }

    /// The stage that the scope names; nothing when there is none.
    pub fn target(&self) -> Option<usize> {
        build::target(self)
    }

    /// Every instruction of the file, whether or not its stage is looked at.
    pub fn instructions(&self) -> impl Iterator<Item = &'a Instruction> + use<'a> {
        self.dockerfile.instructions.iter()
    }

    /// The stage of a name, case ignored.
    pub(crate) fn stage_named(&self, name: &str, before: usize) -> Option<usize> {
        let lower = name.to_lowercase();
        self.stages[..before.min(self.stages.len())]
            .iter()
            .rposition(|stage| stage.name.as_deref() == Some(&lower))
    }

    /// Puts variables into a word of a step; nothing when it cannot be.
    pub(crate) fn expand(&self, stage: &Stage<'a>, step: &Step<'a>, word: &str) -> Option<String> {
        let lookup = |name: &str| build::lookup(&self.stages, stage, step.known, name).map(str::to_owned);
        words::expand(word, self.dockerfile.escape, &lookup).ok()
    }

    /// Puts variables into a word of a step that may become several.
    pub(crate) fn expand_words(&self, stage: &Stage<'a>, step: &Step<'a>, word: &str) -> Vec<String> {
        let lookup = |name: &str| build::lookup(&self.stages, stage, step.known, name).map(str::to_owned);
        words::expand_words(word, self.dockerfile.escape, &lookup).unwrap_or_default()
    }

    /// Names of the variables that have a value in front of a step.
    pub(crate) fn variable_names(&self, stage: &Stage<'a>, step: &Step<'a>) -> Vec<String> {
        build::names(&self.stages, stage, step.known)
    }

    /// Whether the files of a stage are in the image: the last stage, and those that a stage is built on.
    pub(crate) fn is_in_image(&self, stage: &Stage<'a>) -> bool {
        stage.index + 1 == self.stages.len()
            || self.stages.iter().any(|other| other.parent == Some(stage.index))
    }

    /// Whether another stage is built on a stage or takes files from it.
    pub(crate) fn is_used(&self, stage: &Stage<'a>) -> bool {
        let needs =
            |other: &Stage<'a>| other.parent == Some(stage.index) || other.sources.contains(&stage.index);
        self.stages.iter().any(needs)
    }

    /// The stages that start from an image, each with its name, variables put in.
    pub(crate) fn base_images(&self) -> impl Iterator<Item = (&Base<'a>, String)> {
        self.wanted_stages().filter_map(|stage| {
            let base = stage.base.as_ref()?;
            let image = base.image.as_ref()?.text.clone();
            let is_image = stage.parent.is_none()
                && !image.is_empty()
                && image != "scratch"
                && !self.options.contexts.contains(&image);
            is_image.then_some((base, image))
        })
    }

    /// Whether the project's lock has a digest for an image.
    pub(crate) fn is_locked(&self, image: &str) -> bool {
        let Some(locked) = &self.options.locked else { return false };
        image.parse::<Reference>().is_ok_and(|reference| locked.contains(&reference.to_string()))
    }

    /// The digest that the image of a `FROM` has, as far as it is known.
    pub(crate) fn known_digest(&self, base: &Base<'a>) -> Option<Digest> {
        let is_of = |stage: &&Stage<'a>| stage.base.as_ref().is_some_and(|own| std::ptr::eq(own, base));
        self.stages.iter().find(is_of)?.facts.as_ref()?.digest
    }

    /// The config of the image that a stage goes back to, as far as it is known.
    pub(crate) fn base_config<'s>(
        &'s self,
        stage: &'s Stage<'a>,
    ) -> Option<&'s plimsoll_oci::ContainerConfig> {
        match stage.parent {
            Some(parent) => self.base_config(&self.stages[parent]),
            None => stage.facts.as_ref().map(|facts| &facts.config.config),
        }
    }

    /// The files of the image that a stage goes back to, as far as they may be known.
    pub(crate) fn base_files<'s>(&'s self, stage: &'s Stage<'a>) -> Option<&'s dyn BaseFiles> {
        match stage.parent {
            Some(parent) => self.base_files(&self.stages[parent]),
            // Rules ask for what is in images of Linux.
            None => stage.facts.as_ref().filter(|facts| facts.config.os != "windows")?.files.as_deref(),
        }
    }

    /// Whether an instruction before a step, in its stage or below it, declares a variable.
    pub(crate) fn file_defines_before(&self, stage: &Stage<'a>, step: &Step<'a>, name: &str) -> bool {
        let mut variables = &stage.variables[..step.known];
        let mut stage = stage;
        loop {
            if variables.iter().any(|variable| variable.name == name) {
                return true;
            }
            let Some(parent) = stage.parent else { return false };
            stage = &self.stages[parent];
            variables = &stage.variables;
        }
    }

    /// Whether the stage goes back to an image that nothing is known of.
    pub(crate) fn base_is_unknown(&self, stage: &Stage<'a>) -> bool {
        match stage.parent {
            Some(parent) => self.base_is_unknown(&self.stages[parent]),
            None => stage.facts.is_none() && !stage.is_scratch(),
        }
    }

    /// The arguments before the first `FROM` as they are when no build argument is given.
    pub(crate) fn default_globals(&self) -> Globals {
        Globals::new(self.dockerfile, &self.platform, &BTreeMap::new(), "default")
    }

    /// The comments directly above an instruction, top to bottom: no other line lies between.
    pub(crate) fn comments_above(&self, instruction: &Instruction) -> &'a [Comment] {
        let comments = &self.dockerfile.comments;
        let end = comments.partition_point(|comment| comment.span.start < instruction.span.start);
        let mut start = end;
        let mut line = self.file.line_of(instruction.span.start);
        while start > 0 && self.file.line_of(comments[start - 1].span.start) + 1 == line {
            start -= 1;
            line -= 1;
        }
        &comments[start..end]
    }

    /// First and last line of a span, 1-based.
    pub(crate) fn lines(&self, span: Span) -> (usize, usize) {
        let first = self.file.line_of(span.start);
        let last = self.file.line_of(span.end.max(span.start + 1) - 1);
        (first, last.min(self.file.line_count()).max(first))
    }
}
