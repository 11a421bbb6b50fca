//! From a request to a graph: stages in the order of the file, each after those it uses.

use std::collections::BTreeMap;

use plimsoll_diagnostics::{Diagnostic, Span};
use plimsoll_dockerfile::InstructionKind;
use plimsoll_oci::{ImageConfig, Platform};

use crate::builder::GraphBuilder;
use crate::git::without_login;
use crate::globals::{Globals, proxies, report_undeclared, report_unknown_filters};
use crate::plan::{Command, Plan};
use crate::problems::{Problems, Reported, Reporting};
use crate::request::{BaseImage, BaseRequest, Lowered, NamedContext, Request};
use crate::stage::{StageLowering, State, Steps};
use crate::stages::{Origin, Stages};
use crate::variables::Variables;
use crate::{
    ArchiveSource, CopyOp, CopySource, GitSource, HistoryEntry, ImageOp, ImagePlan, Op, Vertex, VertexId,
};

/// Lowers a parsed Dockerfile to the graph of one target on one platform.
///
/// Only what the target needs is lowered. Warnings come with the graph.
///
/// # Errors
/// Everything in the file that stands in the way, each at its place; warnings are among them.
pub fn lower(request: &Request<'_>) -> Result<Lowered, Vec<Diagnostic>> {
    let mut problems = Problems::default();
    let globals = Globals::new(request, &mut problems);
    let stages = Stages::new(request, &globals, &mut problems);
    if stages.list.is_empty() {
        problems.report(
            Diagnostic::error("no-stage", "the file has no `FROM`")
                .hint("start with the image to build on, such as `FROM scratch`"),
        );
        return Err(problems.into_sorted());
    }
    let Some(target) = stages.target(&mut problems) else { return Err(problems.into_sorted()) };
    let plan = Plan::new(request, &stages, target, &mut problems);
    if problems.has_errors() {
        return Err(problems.into_sorted());
    }
    if !plan.missing.is_empty() {
        return Ok(Lowered::NeedsBases(plan.missing));
    }
    let mut lowering = Lowering {
        request,
        stages,
        bases: plan.bases,
        builder: GraphBuilder::default(),
        problems,
        done: BTreeMap::new(),
        proxies: proxies(request),
    };
    let mut triggered = Vec::new();
    for (&index, commands) in &plan.stages {
        for command in commands {
            if let (true, InstructionKind::Arg(definitions)) =
                (command.is_foreign(), &command.instruction.kind)
            {
                triggered.extend(definitions.iter().map(|definition| definition.name.to_string()));
            }
        }
        let Ok(state) = lowering.stage(index, commands, &globals) else { break };
        lowering.done.insert(index, state);
    }
    report_undeclared(request, &triggered, &mut lowering.problems);
    let stages: Vec<&str> = lowering.stages.list.iter().filter_map(|stage| stage.name.as_deref()).collect();
    report_unknown_filters(request.no_cache_stages, &stages, &mut lowering.problems);
    match lowering.done.remove(&target) {
        Some(state) if !lowering.problems.has_errors() => {
            let image = image(request, state, &lowering.builder);
            Ok(Lowered::Graph {
                graph: lowering.builder.finish(vec![image]),
                warnings: lowering.problems.into_sorted(),
            })
        }
        _ => Err(lowering.problems.into_sorted()),
    }
}

/// The image of the target's last state.
fn image(request: &Request<'_>, mut state: State, builder: &GraphBuilder) -> ImagePlan {
    if let Some((directory, layer)) = state.directory_base.take() {
        fill_in(&mut state, &directory, layer, builder);
    }
    let mut config = state.config;
    for (name, value) in request.labels {
        config.config.labels.insert(name.clone(), value.clone());
    }
    let platform = if request.platform_requested {
        request.target_platform.clone()
    } else if config.os.is_empty() || config.architecture.is_empty() {
        state.platform
    } else {
        config.platform()
    };
    if request.platform_requested || config.os.is_empty() || config.architecture.is_empty() {
        config.os.clone_from(&platform.os);
        config.architecture.clone_from(&platform.architecture);
        config.variant.clone_from(&platform.variant);
        config.os_version = platform.os_version.clone().or(config.os_version);
        if !platform.os_features.is_empty() {
            config.os_features.clone_from(&platform.os_features);
        }
    }
    ImagePlan { platform, root: state.root, config, history: state.history, base_history: state.base_history }
}

/// A directory as the base has no entry in the history, so that each layer has that of the next one, and the last one has
/// what stands for no instruction.
fn fill_in(state: &mut State, directory: &str, layer: VertexId, builder: &GraphBuilder) {
    let mut layer = Some(layer);
    let mut created_by = format!("local source for {directory}");
    for entry in state.history.iter_mut().filter(|entry| entry.vertex.is_some()) {
        std::mem::swap(&mut entry.vertex, &mut layer);
        created_by.clone_from(&builder.vertex(state.root).name);
    }
    state.history.push(HistoryEntry { created_by, author: None, vertex: layer, fills_in: true });
}

/// What all stages share while they are lowered.
pub(crate) struct Lowering<'a> {
    pub(crate) request: &'a Request<'a>,
    pub(crate) stages: Stages<'a>,
    pub(crate) bases: BTreeMap<BaseRequest, BaseImage>,
    pub(crate) builder: GraphBuilder,
    pub(crate) problems: Problems,
    pub(crate) done: BTreeMap<usize, State>,
    pub(crate) proxies: Vec<(String, String)>,
}

impl Lowering<'_> {
    fn stage(&mut self, index: usize, commands: &[Command<'_>], globals: &Globals) -> Reporting<State> {
        let stage = &self.stages.list[index];
        let (span, from_span) = (stage.from.image.span, stage.span);
        let origin = stage.origin.clone().ok_or(Reported)?;
        let title = (self.stages.list.len() > 1 || stage.name.is_some()).then(|| stage.title(index));
        let total = usize::from(matches!(origin, Origin::Image(_) | Origin::Directory(_)))
            + commands.iter().filter(|command| is_step(&command.instruction.kind)).count();
        let shown_platform = self.request.multi_platform.then(|| self.platform_of(index));
        let steps = Steps::new(title, shown_platform, total);
        let (state, steps) = self.start(index, &origin, steps, from_span)?;
        let mut lowering = StageLowering { lowering: self, globals, index, state, steps, span: None };
        for command in commands {
            lowering.command(command, span);
        }
        Ok(lowering.state)
    }

    /// What is asked for a stage, before its base is known.
    fn platform_of(&self, index: usize) -> Platform {
        let stage = &self.stages.list[index];
        match &stage.origin {
            Some(Origin::Stage(base)) => {
                self.done.get(base).map_or(&self.request.target_platform, |state| &state.platform).clone()
            }
            // As with Docker, nothing is for the target, whatever `--platform` says.
            Some(Origin::Scratch) => self.request.target_platform.clone(),
            _ => stage.platform.clone().unwrap_or_else(|| self.request.target_platform.clone()),
        }
    }

    fn start(
        &mut self,
        index: usize,
        origin: &Origin,
        mut steps: Steps,
        span: Span,
    ) -> Reporting<(State, Steps)> {
        let target = self.request.target_platform.clone();
        let state = match origin {
            Origin::Stage(base) => self.done.get(base).ok_or(Reported)?.child(),
            Origin::Scratch => {
                State::new(self.root_of(origin, Some(span))?, target.clone(), empty_config(&target))
            }
            Origin::Directory(_) => {
                let platform = self.platform_of(index);
                self.directory_state(index, origin, platform, span)?
            }
            Origin::Image(request) => {
                let image = self.bases.get(request).ok_or(Reported)?.clone();
                let name = steps.name(&format!("FROM {}", pinned(&image)), &Variables::default());
                let platform = self.base_platform(index, request, &image, span);
                let root = self.image_vertex(&image, &platform, name, Some(span), Some(index));
                let triggers = image.config.config.on_build.clone();
                let mut state = State::new(root, platform, image.config);
                // A context that stands in for a whole stage is taken as it is; stages built on it run its triggers.
                if self.stages.list[index].replaced {
                    state.config.config.on_build = triggers;
                }
                state
            }
        };
        Ok((state, steps))
    }

    /// The platform of a stage on an image. Where no platform was asked for, that of the image counts.
    fn base_platform(
        &mut self,
        index: usize,
        request: &BaseRequest,
        image: &BaseImage,
        span: Span,
    ) -> Platform {
        let stage = &self.stages.list[index];
        let has = image.config.platform();
        if has.os.is_empty() || has.architecture.is_empty() || has.distance_from(&request.platform) == Some(0)
        {
            return request.platform.clone();
        }
        if stage.platform.is_none() && !self.request.platform_requested && has.os == request.platform.os {
            return has;
        }
        if has.os != request.platform.os || has.architecture != request.platform.architecture {
            let place = stage.from.image.span;
            self.problems.report(
                Diagnostic::warning(
                    "base-platform",
                    format!("the base image is for `{has}`, but `{}` is asked for", request.platform),
                )
                .at(if place.is_empty() { span } else { place }),
            );
        }
        request.platform.clone()
    }

    /// A directory as a base: its files become the first layer.
    fn directory_state(
        &mut self,
        index: usize,
        origin: &Origin,
        platform: Platform,
        span: Span,
    ) -> Reporting<State> {
        let source = self.root_of(origin, Some(span))?;
        let empty = self.root_of(&Origin::Scratch, Some(span))?;
        let stage = &self.stages.list[index];
        let op = Op::Copy(CopyOp::to_root(vec![CopySource::Path { input: 1, pattern: ".".to_owned() }]));
        let root = self.builder.add(Vertex {
            op,
            inputs: vec![empty, source],
            name: format!("[internal] FROM {}", stage.base_name),
            span: Some(span),
            stage: Some(stage.name.clone().unwrap_or_else(|| index.to_string())),
            platform: platform.clone(),
            no_cache: false,
        });
        let mut state = State::new(root, platform, empty_config(&self.request.target_platform));
        state.directory_base = Some((stage.base_name.clone(), root));
        Ok(state)
    }

    /// The vertex that an origin's files come from.
    pub(crate) fn root_of(&mut self, origin: &Origin, span: Option<Span>) -> Reporting<VertexId> {
        match origin {
            Origin::Stage(index) => self.done.get(index).map(|state| state.root).ok_or(Reported),
            Origin::Scratch => Ok(self.source(Op::Scratch, "[internal] empty root".to_owned(), span)),
            Origin::Directory(name) => Ok(self.local(name, span)),
            Origin::Image(request) => {
                let image = self.bases.get(request).ok_or(Reported)?.clone();
                let name = format!("FROM {}", pinned(&image));
                Ok(self.image_vertex(&image, &request.platform, name, span, None))
            }
        }
    }

    /// The files that the caller gives under this name; `context` is the build context.
    pub(crate) fn local(&mut self, name: &str, span: Option<Span>) -> VertexId {
        let context = match name {
            MAIN_CONTEXT => Some(&self.request.main_context),
            name => self.request.contexts.get(name),
        };
        match context {
            Some(NamedContext::Git(git)) => return self.git(git.clone(), span),
            Some(NamedContext::Archive(archive)) => {
                let shown = match &archive.source {
                    ArchiveSource::Url(url) => format!("[internal] load {}", without_login(url)),
                    ArchiveSource::Blob(_) => "[internal] load the archive from standard input".to_owned(),
                };
                return self.source(Op::Archive(archive.clone()), shown, span);
            }
            _ => {}
        }
        let shown = if name == MAIN_CONTEXT {
            "[internal] load build context".to_owned()
        } else {
            format!("[internal] load context {name}")
        };
        self.source(Op::Local { name: name.to_owned() }, shown, span.filter(|_| name != MAIN_CONTEXT))
    }

    /// The files of a git repository.
    pub(crate) fn git(&mut self, git: GitSource, span: Option<Span>) -> VertexId {
        let shown = format!("[internal] load {git}");
        self.source(Op::Git(git), shown, span)
    }

    fn source(&mut self, op: Op, name: String, span: Option<Span>) -> VertexId {
        self.builder.add(Vertex {
            op,
            inputs: Vec::new(),
            name,
            span,
            stage: None,
            platform: self.request.target_platform.clone(),
            no_cache: false,
        })
    }

    fn image_vertex(
        &mut self,
        image: &BaseImage,
        platform: &Platform,
        name: String,
        span: Option<Span>,
        stage: Option<usize>,
    ) -> VertexId {
        // An image without layers is nothing but a config.
        let op = if image.config.rootfs.diff_ids.is_empty() && has_no_layer_in_history(&image.config) {
            Op::Scratch
        } else {
            Op::Image(ImageOp { manifest: image.manifest, reference: image.reference.clone() })
        };
        let stage =
            stage.map(|index| self.stages.list[index].name.clone().unwrap_or_else(|| index.to_string()));
        self.builder.add(Vertex {
            op,
            inputs: Vec::new(),
            name,
            span,
            stage,
            platform: platform.clone(),
            no_cache: false,
        })
    }

    /// Whether the steps of a stage are not taken from the cache.
    pub(crate) fn is_forced(&self, index: usize) -> bool {
        let names = self.request.no_cache_stages;
        self.request.no_cache
            || self.stages.list[index]
                .name
                .as_ref()
                .is_some_and(|name| names.iter().any(|filter| filter.eq_ignore_ascii_case(name)))
    }
}

/// What the build context is known by: no named context can have this name.
pub const MAIN_CONTEXT: &str = "";

fn has_no_layer_in_history(config: &ImageConfig) -> bool {
    config.history.iter().all(|entry| entry.empty_layer)
}

/// The config of nothing.
fn empty_config(platform: &Platform) -> ImageConfig {
    let mut config = ImageConfig::empty(platform);
    let root = if platform.os == "windows" { "\\" } else { "/" };
    root.clone_into(&mut config.config.working_dir);
    config
}

/// The reference with its digest.
fn pinned(image: &BaseImage) -> String {
    if image.reference.contains('@') {
        image.reference.clone()
    } else {
        format!("{}@{}", image.reference, image.manifest)
    }
}

fn is_step(kind: &InstructionKind) -> bool {
    matches!(
        kind,
        InstructionKind::Run(_)
            | InstructionKind::Copy(_)
            | InstructionKind::Add(_)
            | InstructionKind::Workdir(_)
    )
}
