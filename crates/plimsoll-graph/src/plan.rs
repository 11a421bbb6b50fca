//! Which stages the target needs, what each of them does, and which images must be known for that.

use std::borrow::Cow;
use std::collections::BTreeMap;

use plimsoll_diagnostics::{Diagnostic, Span, Spanned, Text};
use plimsoll_dockerfile::{Instruction, InstructionKind, Mount};

use crate::problems::Problems;
use crate::request::{BaseImage, BaseRequest, MissingBase, Request};
use crate::stages::{Origin, Stage, Stages};
use crate::triggers;

/// An instruction of a stage, and where it comes from.
#[derive(Clone, Debug)]
pub(crate) struct Command<'a> {
    /// The instruction.
    pub(crate) instruction: Cow<'a, Instruction>,
    /// Whose it is.
    pub(crate) author: Author,
}

/// Whose instruction it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Author {
    /// The stage's own.
    Stage,
    /// An `ONBUILD` of the stage it is built on, in this file.
    StageTrigger,
    /// An `ONBUILD` of the base image, whose spans are places in this text.
    ImageTrigger(String),
}

/// What has to be done for the target.
#[derive(Debug, Default)]
pub(crate) struct Plan<'a> {
    /// The needed stages, by index: every stage comes after those it uses.
    pub(crate) stages: BTreeMap<usize, Vec<Command<'a>>>,
    /// What is known of images.
    pub(crate) bases: BTreeMap<BaseRequest, BaseImage>,
    /// What is not known of images, in the order it was asked for.
    pub(crate) missing: Vec<MissingBase>,
}

impl<'a> Plan<'a> {
    /// Walks from the target to everything it uses. Stages only use stages before them, so one pass backwards is enough.
    pub(crate) fn new(
        request: &Request<'_>,
        stages: &Stages<'a>,
        target: usize,
        problems: &mut Problems,
    ) -> Self {
        let mut plan = Self::default();
        let mut needed = vec![false; target + 1];
        needed[target] = true;
        for index in (0..=target).rev() {
            if !needed[index] {
                continue;
            }
            let stage = &stages.list[index];
            let span = stage.from.image.span;
            if let Some(origin) = &stage.origin {
                plan.need(request, stages, origin, &stage.base_name, span, &mut needed);
            }
            let commands = plan.commands(stages, stage, problems);
            for command in &commands {
                // Only `COPY --from` knows stages by number.
                let numbers = matches!(command.instruction.kind, InstructionKind::Copy(_));
                for from in sources(command, span, problems) {
                    command.enter(span, problems);
                    let origin = stages.resolve(&from, index, numbers, problems);
                    problems.leave_trigger();
                    if let Ok(origin) = origin {
                        let place = if command.is_foreign() { span } else { from.span };
                        plan.need(request, stages, &origin, &from.value, place, &mut needed);
                    }
                }
            }
            plan.stages.insert(index, commands);
        }
        plan.missing.sort_by_key(|missing| missing.span);
        plan
    }

    fn need(
        &mut self,
        request: &Request<'_>,
        stages: &Stages<'a>,
        origin: &Origin,
        written: &str,
        span: Span,
        needed: &mut [bool],
    ) {
        match origin {
            Origin::Stage(index) => needed[*index] = true,
            Origin::Scratch | Origin::Directory(_) => {}
            Origin::Image(base) => {
                if self.bases.contains_key(base) {
                    return;
                }
                // The walk goes backwards; what is asked for several times is shown at its first place.
                if let Some(known) = self.missing.iter_mut().find(|known| known.request == *base) {
                    if span < known.span {
                        known.span = span;
                        known.hint = stages.hint(written);
                    }
                } else if let Some(image) = (request.bases)(base) {
                    self.bases.insert(base.clone(), image);
                } else {
                    let hint = stages.hint(written);
                    self.missing.push(MissingBase { request: base.clone(), span, hint });
                }
            }
        }
    }

    /// The triggers that a stage inherits, and its own instructions.
    fn commands(&self, stages: &Stages<'a>, stage: &Stage<'a>, problems: &mut Problems) -> Vec<Command<'a>> {
        let mut commands = Vec::new();
        if stage.replaced {
            return commands;
        }
        let base = match &stage.origin {
            Some(Origin::Stage(index)) => {
                let base = &stages.list[*index];
                commands.extend(base.instructions.iter().filter_map(|instruction| match &instruction.kind {
                    InstructionKind::Onbuild(onbuild) => Some(Command {
                        instruction: Cow::Borrowed(&*onbuild.instruction),
                        author: Author::StageTrigger,
                    }),
                    _ => None,
                }));
                None
            }
            origin => origin.as_ref(),
        };
        if let Some(Origin::Image(request)) = base
            && let Some(image) = self.bases.get(request)
        {
            for text in &image.config.config.on_build {
                commands.extend(triggers::parse(text, stage.from.image.span, problems));
            }
        }
        commands.extend(
            stage.instructions.iter().map(|instruction| Command {
                instruction: Cow::Borrowed(instruction),
                author: Author::Stage,
            }),
        );
        commands
    }
}

impl Command<'_> {
    /// Whether its spans are places in another text than the file.
    pub(crate) fn is_foreign(&self) -> bool {
        matches!(self.author, Author::ImageTrigger(_))
    }

    /// Lets diagnostics of a base image's trigger belong to the name of that image.
    pub(crate) fn enter(&self, base: Span, problems: &mut Problems) {
        if let Author::ImageTrigger(text) = &self.author {
            problems.enter_trigger(base, text);
        }
    }
}

/// The values of `--from` of an instruction.
fn sources(command: &Command<'_>, base: Span, problems: &mut Problems) -> Vec<Spanned<Text>> {
    let mut found = Vec::new();
    match &command.instruction.kind {
        InstructionKind::Copy(copy) => found.extend(copy.from.clone()),
        InstructionKind::Run(run) => {
            for mount in &run.mounts {
                match Mount::from_of(&mount.value) {
                    Ok(from) => found.extend(from.map(|from| Spanned::new(from.into(), mount.span))),
                    Err(error) => {
                        command.enter(base, problems);
                        problems.report(bad_mount(&error, mount.span));
                        problems.leave_trigger();
                    }
                }
            }
        }
        _ => {}
    }
    found.retain(|from| !from.value.is_empty());
    found
}

/// What is wrong with a `--mount`.
pub(crate) fn bad_mount(error: &plimsoll_dockerfile::MountError, span: Span) -> Diagnostic {
    let message = match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    Diagnostic::error("bad-mount", message).at(span).maybe_hint(error.hint())
}
