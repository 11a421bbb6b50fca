//! `ONBUILD` triggers of base images: texts that become instructions.

use std::borrow::Cow;

use plimsoll_diagnostics::{Diagnostic, SourceFile, Span};
use plimsoll_dockerfile::{InstructionKind, parse as parse_dockerfile};

use crate::plan::{Author, Command};
use crate::problems::Problems;

/// Parses the text of a trigger; it must be one instruction.
pub(crate) fn parse<'a>(text: &str, base: Span, problems: &mut Problems) -> Vec<Command<'a>> {
    let parsed = parse_dockerfile(&SourceFile::new("ONBUILD", text));
    problems.enter_trigger(base, text);
    let mut commands = Vec::new();
    for diagnostic in parsed.diagnostics.into_iter().filter(Diagnostic::is_error) {
        problems.report(diagnostic);
    }
    if parsed.dockerfile.instructions.len() != 1 {
        problems.report(Diagnostic::error("bad-trigger", "a trigger must be one instruction"));
    }
    for instruction in parsed.dockerfile.instructions {
        let name = instruction.kind.name();
        match instruction.kind {
            InstructionKind::From(_) | InstructionKind::Onbuild(_) | InstructionKind::Maintainer(_) => {
                problems.report(Diagnostic::error("bad-trigger", format!("`{name}` cannot be a trigger")));
            }
            _ => commands.push(Command {
                instruction: Cow::Owned(instruction),
                author: Author::ImageTrigger(text.to_owned()),
            }),
        }
    }
    problems.leave_trigger();
    commands
}
