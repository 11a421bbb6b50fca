//! Every `RUN`, with its shell code parsed.

use plimsoll_diagnostics::{Edit, Span};
use plimsoll_dockerfile::{InstructionKind, Mount, MountKind, Run};

use super::{Document, Stage, Step};
use crate::finding::Finding;
use crate::rule::Rule;
use crate::shell::{Call, Script, Word};

/// The code of one `RUN`.
pub(super) struct RunScript {
    stage: usize,
    step: usize,
    script: Script,
}

/// One `RUN`; also the one of an `ONBUILD`.
pub(crate) struct RunView<'d, 'a> {
    /// Its stage.
    pub(crate) stage: &'d Stage<'a>,
    /// Its place in the stage.
    pub(crate) step: &'d Step<'a>,
    /// What it says.
    pub(crate) run: &'a Run,
    /// Its code.
    pub(crate) script: &'d Script,
    /// The commands in it, in order.
    pub(crate) calls: Vec<Call<'d>>,
}

impl<'a> Document<'a> {
    /// Every `RUN` of the stages that are looked at.
    pub(crate) fn runs(&self) -> impl Iterator<Item = RunView<'_, 'a>> {
        self.scripts.get_or_init(|| self.parse_scripts()).iter().filter_map(|entry| {
            let stage = &self.stages[entry.stage];
            let step = &stage.steps[entry.step];
            let InstructionKind::Run(run) = step.kind() else { return None };
            Some(RunView { stage, step, run, script: &entry.script, calls: entry.script.calls() })
        })
    }

    fn parse_scripts(&self) -> Vec<RunScript> {
        let mut scripts = Vec::new();
        for stage in self.wanted_stages() {
            for (number, step) in stage.steps.iter().enumerate() {
                let InstructionKind::Run(run) = step.kind() else { continue };
                // PowerShell and `cmd` are read alike: programs and their arguments look the same there.
                let script = Script::of_run(self.file, run, self.dockerfile.escape);
                scripts.push(RunScript { stage: stage.index, step: number, script });
            }
        }
        scripts
    }
}

impl RunView<'_, '_> {
    /// A finding about a part of the code.
    pub(crate) fn finding(&self, rule: &'static Rule, message: impl Into<String>, span: Span) -> Finding {
        Finding::new(rule, message).at(self.script.place(span), self.step.span())
    }

    /// An edit that puts words behind a word.
    pub(crate) fn insert_behind(&self, word: &Word, text: &str) -> Vec<Edit> {
        let place = self.script.place(word.span);
        vec![Edit { span: Span::at(place.end), replacement: text.to_owned() }]
    }

    /// Whether a place in the code can be edited: in exec form words are written in another way.
    pub(crate) fn is_editable(&self, document: &Document<'_>, word: &Word) -> bool {
        self.script.is_verbatim(document.file, word.span)
    }

    /// Where caches and empty file systems are mounted.
    pub(crate) fn volatile_mounts(&self, document: &Document<'_>) -> Vec<String> {
        let mounts = self.run.mounts.iter().filter_map(|mount| {
            let value = |word: &str| {
                Ok(document.expand(self.stage, self.step, word).unwrap_or_else(|| word.to_owned()))
            };
            let mount = Mount::parse(&mount.value, value).ok()?;
            matches!(mount.kind, MountKind::Cache | MountKind::Tmpfs).then_some(mount.target?)
        });
        mounts.collect()
    }

    /// Whether a cache or an empty file system is mounted on a directory, or on one above it.
    pub(crate) fn mounts_over(&self, document: &Document<'_>, directory: &str) -> bool {
        self.volatile_mounts(document).iter().any(|target| {
            let target = target.trim_end_matches('/');
            directory == target || directory.strip_prefix(target).is_some_and(|rest| rest.starts_with('/'))
        })
    }
}

impl Step<'_> {
    /// Whether commands go to a shell that reads what `sh` reads.
    pub(crate) fn has_unix_shell(&self) -> bool {
        let of_instruction = self.shell.and_then(<[_]>::first).map(|word| word.value.as_str());
        let Some(name) = self.shell_comment.or(of_instruction) else { return true };
        let name = name.to_lowercase();
        !["powershell", "pwsh", "cmd"].iter().any(|other| name.contains(other))
    }
}
