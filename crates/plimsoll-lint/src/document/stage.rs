//! A stage and its instructions.

use plimsoll_diagnostics::{Span, Spanned, Text};
use plimsoll_dockerfile::{From, Instruction, InstructionKind};

use super::BaseFacts;
use super::globals::Word;

/// What a stage starts with.
pub struct Base<'a> {
    /// The `FROM`.
    pub instruction: &'a Instruction,
    /// What it says.
    pub from: &'a From,
    /// Its image, variables put in; nothing when they cannot be.
    pub(crate) image: Option<Word>,
    /// Its platform, variables put in; nothing when there is none or they cannot be.
    pub(crate) platform: Option<Word>,
}

/// One stage.
pub struct Stage<'a> {
    /// Its number in the file.
    pub index: usize,
    /// How it starts; nothing for instructions that no `FROM` stands before.
    pub base: Option<Base<'a>>,
    /// Its name in lower case.
    pub name: Option<String>,
    /// The stage it is built on.
    pub parent: Option<usize>,
    /// The stages that it takes files from.
    pub(crate) sources: Vec<usize>,
    /// Its instructions behind `FROM`.
    pub steps: Vec<Step<'a>>,
    /// Whether it is looked at.
    pub wanted: bool,
    /// What is known of its base image; nothing for a stage on a stage.
    pub facts: Option<BaseFacts>,
    /// Variables in the order of their definition.
    pub(crate) variables: Vec<Variable>,
}

/// A variable that an instruction defines.
#[derive(Clone, Debug)]
pub(crate) struct Variable {
    /// Its name.
    pub(crate) name: String,
    /// Its value; nothing for an argument without one.
    pub(crate) value: Option<String>,
}

impl Stage<'_> {
    /// What people call it: its name, or its number.
    pub fn title(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.index.to_string())
    }

    /// Whether it starts from nothing.
    pub fn is_scratch(&self) -> bool {
        self.base.as_ref().and_then(|base| base.image.as_ref()).is_some_and(|image| image.text == "scratch")
    }
}

/// One instruction, with what is in force in front of it.
pub struct Step<'a> {
    /// The instruction.
    pub instruction: &'a Instruction,
    /// The last `SHELL` before it, in its stage or in one that it is built on.
    pub(crate) shell: Option<&'a [Spanned<Text>]>,
    /// The shell that a comment (`# hadolint shell=NAME`) says commands go to, unless a later `SHELL` says otherwise.
    pub(crate) shell_comment: Option<&'a str>,
    /// Whether the base image is known to set a shell that is in force.
    pub(crate) base_shell: bool,
    /// Variables in its words that are defined nowhere, each once.
    pub(crate) undefined: Vec<(String, Span)>,
    /// How many of its stage's variables are defined before it.
    pub(crate) known: usize,
}

impl<'a> Step<'a> {
    /// What the instruction says; of `ONBUILD`, what its trigger says.
    pub fn kind(&self) -> &'a InstructionKind {
        match &self.instruction.kind {
            InstructionKind::Onbuild(onbuild) => &onbuild.instruction.kind,
            kind => kind,
        }
    }

    /// Whether it is a trigger for images that are built on this one.
    pub fn is_onbuild(&self) -> bool {
        matches!(self.instruction.kind, InstructionKind::Onbuild(_))
    }

    /// The span of the whole instruction.
    pub fn span(&self) -> Span {
        self.instruction.span
    }
}
