//! What rules about the schema of labels have in common.

use super::prelude::*;

/// A label that an instruction sets.
pub(super) struct Label<'d> {
    pub(super) step: &'d Step<'d>,
    pub(super) key: &'d Spanned<Text>,
    pub(super) value: &'d Spanned<Text>,
    /// The key without quotes.
    pub(super) name: &'d str,
    /// The value without quotes, variables put in.
    pub(super) text: String,
}

/// All labels of a stage in order.
pub(super) fn of_stage<'d>(document: &'d Document<'_>, stage: &'d Stage<'_>) -> Vec<Label<'d>> {
    let mut labels = Vec::new();
    for step in &stage.steps {
        let InstructionKind::Label(pairs) = &step.instruction.kind else { continue };
        for pair in &pairs.pairs {
            labels.push(Label {
                step,
                key: &pair.key,
                value: &pair.value,
                name: pair.key.value.trim_matches(['"', '\'']),
                text: document.expand(stage, step, &pair.value.value).unwrap_or_default(),
            });
        }
    }
    labels
}
