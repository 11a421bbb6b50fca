//! One stage in the making: its state, and what every step of it needs.

use plimsoll_diagnostics::{Diagnostic, Span};
use plimsoll_dockerfile::{Instruction, InstructionKind};
use plimsoll_oci::{History, ImageConfig, Platform};

use crate::globals::Globals;
use crate::lower::Lowering;
use crate::plan::{Author, Command};
use crate::problems::{Problems, Reported, Reporting};
use crate::stages::Origin;
use crate::variables::{Expander, Variables};
use crate::{HistoryEntry, Op, Vertex, VertexId};

/// `PATH` where nothing sets it.
pub(crate) const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The shell of shell forms where nothing sets it.
const DEFAULT_SHELL: [&str; 2] = ["/bin/sh", "-c"];

/// The same on Windows.
const WINDOWS_SHELL: [&str; 3] = ["cmd", "/S", "/C"];

/// Arguments that mean something to the builder and are no variables.
const NO_VARIABLES: [&str; 2] = ["BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"];

/// What a stage is, after each of its instructions.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// The vertex whose output is its root file system.
    pub(crate) root: VertexId,
    /// What its commands run on.
    pub(crate) platform: Platform,
    /// The image config, without layers and history.
    pub(crate) config: ImageConfig,
    /// What commands and words see: `PATH`, `ENV` and `ARG`.
    pub(crate) variables: Variables,
    /// The declared arguments, in order, with their values.
    pub(crate) arguments: Vec<(String, Option<String>)>,
    /// What the instructions added to the history.
    pub(crate) history: Vec<HistoryEntry>,
    /// The first layer is this directory and stands in no history.
    pub(crate) directory_base: Option<(String, VertexId)>,
    /// The history of the base image.
    pub(crate) base_history: Vec<History>,
    /// This stage has a `CMD` of its own.
    pub(crate) has_command: bool,
}

impl State {
    /// The state in front of the first instruction.
    pub(crate) fn new(root: VertexId, platform: Platform, mut config: ImageConfig) -> Self {
        let base_history = std::mem::take(&mut config.history);
        config.rootfs = plimsoll_oci::RootFs::default();
        let mut state = Self {
            root,
            platform,
            config,
            variables: Variables::default(),
            arguments: Vec::new(),
            history: Vec::new(),
            directory_base: None,
            base_history,
            has_command: false,
        };
        state.enter();
        state
    }

    /// The state of a stage built on this one: arguments stay declared, triggers are used up.
    pub(crate) fn child(&self) -> Self {
        let mut child = self.clone();
        child.has_command = false;
        child.enter();
        child
    }

    fn enter(&mut self) {
        let container = &mut self.config.config;
        container.on_build.clear();
        if container.variable("PATH").is_none() && self.config.os != "windows" {
            container.set_variable("PATH", DEFAULT_PATH);
        }
        for entry in &container.env {
            let (name, value) = entry.split_once('=').unwrap_or((entry, ""));
            self.variables.set(name, value);
        }
    }

    /// The working directory of commands.
    pub(crate) fn directory(&self) -> &str {
        match self.config.config.working_dir.as_str() {
            "" => "/",
            directory => directory,
        }
    }

    /// A command for the shell.
    pub(crate) fn with_shell(&self, text: &str) -> Vec<String> {
        let shell = self.config.config.shell.as_deref().filter(|shell| !shell.is_empty());
        let default: &[&str] = if self.platform.os == "windows" { &WINDOWS_SHELL } else { &DEFAULT_SHELL };
        let mut command =
            shell.map_or_else(|| default.iter().map(|word| (*word).to_owned()).collect(), <[_]>::to_vec);
        command.push(text.to_owned());
        command
    }

    /// Adds an entry without a layer.
    pub(crate) fn note(&mut self, created_by: String) {
        self.history.push(HistoryEntry { created_by, author: None, vertex: None, fills_in: false });
    }

    /// Adds an entry with a layer, whose vertex is the new root.
    pub(crate) fn advance(&mut self, created_by: String, vertex: VertexId) {
        self.root = vertex;
        self.history.push(HistoryEntry { created_by, author: None, vertex: Some(vertex), fills_in: false });
    }
}

/// Lowers the instructions of one stage.
pub(crate) struct StageLowering<'l, 'a> {
    /// What all stages share.
    pub(crate) lowering: &'l mut Lowering<'a>,
    /// The global scope.
    pub(crate) globals: &'l Globals,
    /// Which stage it is.
    pub(crate) index: usize,
    /// What it is by now.
    pub(crate) state: State,
    /// Numbers its steps.
    pub(crate) steps: Steps,
    /// The instruction that is lowered.
    pub(crate) span: Option<Span>,
}

/// Numbers the steps of a stage and names them for people.
#[derive(Clone, Debug)]
pub(crate) struct Steps {
    title: Option<String>,
    platform: Option<Platform>,
    done: usize,
    total: usize,
    trigger: bool,
}

impl Steps {
    /// Steps of a stage; `title` is shown when there are several stages, or when the stage has a name.
    pub(crate) fn new(title: Option<String>, platform: Option<Platform>, total: usize) -> Self {
        Self { title, platform, done: 0, total, trigger: false }
    }

    /// The name of the next step. In a build of several platforms it says for which one it is done, and behind an
    /// arrow for which one a stage that knows its target does it.
    pub(crate) fn name(&mut self, text: &str, variables: &Variables) -> String {
        self.done += 1;
        let width = self.total.to_string().len();
        let mut name = String::from("[");
        let platform = self.platform.as_ref().map(|own| format!("{own}{}", arrow(own, variables)));
        for word in [&platform, &self.title].into_iter().flatten() {
            name.push_str(word);
            name.push(' ');
        }
        let trigger = if self.trigger { "ONBUILD " } else { "" };
        format!("{name}{:>width$}/{}] {trigger}{text}", self.done, self.total)
    }
}

/// `->arm64`: the target that a stage's own `ARG TARGETPLATFORM` or the like names, if it is another than its own.
fn arrow(own: &Platform, variables: &Variables) -> String {
    let value = |name| variables.value(name);
    let parts = [value("TARGETOS"), value("TARGETARCH"), value("TARGETVARIANT")];
    let target = match value("TARGETPLATFORM").and_then(|text| text.parse::<Platform>().ok()) {
        Some(target) => target,
        None if parts == [None; 3] => return String::new(),
        None => {
            let [os, architecture, variant] = parts.map(|part| part.filter(|part| !part.is_empty()));
            let own_variant = architecture.is_none().then_some(own.variant.as_deref()).flatten();
            Platform::normalized(
                os.unwrap_or(&own.os),
                architecture.unwrap_or(&own.architecture),
                variant.or(own_variant),
            )
        }
    };
    if target.to_string() == own.to_string() {
        return String::new();
    }
    let text = target.to_string();
    let same_system = text.strip_prefix(&own.os).and_then(|rest| rest.strip_prefix('/'));
    format!("->{}", same_system.unwrap_or(&text))
}

impl StageLowering<'_, '_> {
    /// Lowers one instruction; what cannot be lowered is reported.
    pub(crate) fn command(&mut self, command: &Command<'_>, base: Span) {
        self.steps.trigger = command.author != Author::Stage;
        self.span = (!command.is_foreign()).then_some(command.instruction.span);
        command.enter(base, &mut self.lowering.problems);
        // What went wrong is reported; the instructions behind may have problems of their own to tell.
        let _ = self.instruction(&command.instruction);
        self.lowering.problems.leave_trigger();
    }

    fn instruction(&mut self, instruction: &Instruction) -> Reporting {
        match &instruction.kind {
            InstructionKind::Run(run) => self.run(run, instruction),
            InstructionKind::Copy(copy) => self.copy(copy, instruction),
            InstructionKind::Add(add) => self.add(add, instruction),
            InstructionKind::Workdir(path) => self.workdir(path, instruction),
            InstructionKind::Arg(definitions) => self.arg(definitions),
            InstructionKind::Env(pairs) => self.env(pairs),
            InstructionKind::Label(pairs) => self.label(pairs),
            InstructionKind::Expose(words) => self.expose(words),
            InstructionKind::Volume(words) => self.volume(words),
            InstructionKind::User(user) => self.user(user),
            InstructionKind::Stopsignal(signal) => self.stopsignal(signal),
            InstructionKind::Cmd(command) => {
                self.cmd(&command.value);
                Ok(())
            }
            InstructionKind::Entrypoint(command) => {
                self.entrypoint(&command.value);
                Ok(())
            }
            InstructionKind::Maintainer(text) => {
                self.maintainer(text);
                Ok(())
            }
            InstructionKind::Healthcheck(check) => {
                self.healthcheck(check);
                Ok(())
            }
            InstructionKind::Shell(words) => {
                self.shell(words);
                Ok(())
            }
            InstructionKind::Onbuild(onbuild) => {
                self.state.config.config.on_build.push(onbuild.expression.to_string());
                Ok(())
            }
            InstructionKind::From(_) | InstructionKind::Invalid => {
                self.lowering.problems.report(
                    Diagnostic::error("invalid-instruction", "this instruction cannot be built")
                        .at(instruction.keyword.span),
                );
                Err(Reported)
            }
        }
    }

    /// Runs something with the values from before the instruction.
    pub(crate) fn with_words<T>(&mut self, work: impl FnOnce(&Expander<'_>, &mut Problems) -> T) -> T {
        let expander = Expander {
            variables: &self.state.variables,
            declared: self
                .state
                .arguments
                .iter()
                .map(|(name, _)| name.as_str())
                .chain(NO_VARIABLES)
                .collect(),
            escape: self.lowering.request.dockerfile.escape,
        };
        work(&expander, &mut self.lowering.problems)
    }

    /// Adds a vertex of this stage.
    pub(crate) fn vertex(&mut self, op: Op, inputs: Vec<VertexId>, name: String) -> VertexId {
        let stage = &self.lowering.stages.list[self.index];
        self.lowering.builder.add(Vertex {
            op,
            inputs,
            name,
            span: self.span,
            stage: Some(stage.name.clone().unwrap_or_else(|| self.index.to_string())),
            platform: self.state.platform.clone(),
            no_cache: self.lowering.is_forced(self.index),
        })
    }

    /// The vertex that an origin's files come from.
    pub(crate) fn root_of(&mut self, origin: &Origin) -> Reporting<VertexId> {
        self.lowering.root_of(origin, self.span)
    }

    /// Whether an argument becomes a variable.
    pub(crate) fn is_variable(name: &str) -> bool {
        !NO_VARIABLES.contains(&name)
    }

    /// The instruction for the name of a step: keyword in upper case, variables put in.
    pub(crate) fn shown(&mut self, instruction: &Instruction) -> String {
        let text =
            self.with_words(|words, _| words.raw(&instruction.original).map(|expansion| expansion.text));
        upper_keyword(&text.unwrap_or_else(|_| instruction.original.to_string()))
    }
}

/// The text of an instruction on one line, with its keyword in upper case and single blanks.
pub(crate) fn upper_keyword(text: &str) -> String {
    let mut words = text.split_whitespace();
    let mut shown = words.next().unwrap_or_default().to_uppercase();
    for word in words {
        shown.push(' ');
        shown.push_str(word);
    }
    shown
}
