//! The stages of a file: what each starts from, and what the words behind `--from` mean.
//!
//! A stage may use stages before it only. `FROM` sees the nearest earlier stage of a name, and takes a name that only a later
//! stage has for an image, since `FROM golang AS golang` is common. `--from` of a later stage is an error.

use std::collections::BTreeMap;

use plimsoll_diagnostics::{Diagnostic, Span, Spanned, Text, did_you_mean};
use plimsoll_dockerfile::{From, Instruction, InstructionKind};
use plimsoll_oci::{Platform, Reference};

use crate::globals::Globals;
use crate::problems::{Problems, Reported, Reporting};
use crate::request::{BaseRequest, NamedContext, Request};

/// What a stage starts from, or what files are taken from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Another stage, by index.
    Stage(usize),
    /// Nothing.
    Scratch,
    /// An image.
    Image(BaseRequest),
    /// A named context that is a tree of files: a directory, a repository, an archive.
    Directory(String),
}

/// One stage.
#[derive(Debug)]
pub(crate) struct Stage<'a> {
    /// Its name in lower case.
    pub(crate) name: Option<String>,
    /// Its `FROM`.
    pub(crate) from: &'a From,
    /// Where its `FROM` is.
    pub(crate) span: Span,
    /// What it starts from; none after an error.
    pub(crate) origin: Option<Origin>,
    /// The image as written, expanded.
    pub(crate) base_name: String,
    /// `--platform`.
    pub(crate) platform: Option<Platform>,
    /// What comes behind `FROM`; nothing when a named context stands in for the whole stage.
    pub(crate) instructions: &'a [Instruction],
    /// A named context stands in for the whole stage.
    pub(crate) replaced: bool,
}

impl Stage<'_> {
    /// The name people know it by.
    pub(crate) fn title(&self, index: usize) -> String {
        self.name.clone().unwrap_or_else(|| format!("stage-{index}"))
    }
}

/// All stages of a file.
pub(crate) struct Stages<'a> {
    request: &'a Request<'a>,
    /// In the order of the file.
    pub(crate) list: Vec<Stage<'a>>,
}

impl<'a> Stages<'a> {
    /// Finds the stages, and what each starts from.
    pub(crate) fn new(request: &'a Request<'a>, globals: &Globals, problems: &mut Problems) -> Self {
        let instructions = &request.dockerfile.instructions;
        let starts: Vec<usize> = instructions
            .iter()
            .enumerate()
            .filter(|(_, instruction)| matches!(instruction.kind, InstructionKind::From(_)))
            .map(|(index, _)| index)
            .collect();
        let mut stages = Self { request, list: Vec::with_capacity(starts.len()) };
        for (index, &start) in starts.iter().enumerate() {
            let end = starts.get(index + 1).copied().unwrap_or(instructions.len());
            if let InstructionKind::From(from) = &instructions[start].kind {
                let stage = stages.stage(
                    from,
                    instructions[start].span,
                    &instructions[start + 1..end],
                    globals,
                    problems,
                );
                stages.list.push(stage);
            }
        }
        stages
    }

    fn stage(
        &self,
        from: &'a From,
        span: Span,
        instructions: &'a [Instruction],
        globals: &Globals,
        problems: &mut Problems,
    ) -> Stage<'a> {
        let mut stage = Stage {
            name: from.name.as_ref().map(|name| name.value.to_lowercase()),
            from,
            span,
            origin: None,
            base_name: String::new(),
            platform: None,
            instructions,
            replaced: false,
        };
        let expander = globals.expander(self.request.dockerfile.escape);
        let Ok(base_name) = expander.word(&from.image, problems) else { return stage };
        let Ok(platform) = expander.optional(from.platform.as_ref(), problems) else { return stage };
        if base_name.is_empty() {
            problems.report(
                Diagnostic::error("empty-base", format!("`{}` expands to nothing", from.image.value))
                    .at(from.image.span)
                    .hint("give the `ARG` before the first `FROM` a default, or pass it with `--build-arg`"),
            );
            return stage;
        }
        stage.base_name = base_name;
        if let (Some(text), Some(written)) = (platform, &from.platform) {
            match text.parse::<Platform>() {
                Ok(platform) => stage.platform = Some(platform),
                Err(error) => {
                    let mut diagnostic =
                        Diagnostic::error("bad-platform", error.to_string()).at(written.span);
                    if text.is_empty() {
                        diagnostic = diagnostic.note(format!("`{}` expands to nothing", written.value));
                    }
                    problems.report(diagnostic);
                    return stage;
                }
            }
        }
        let wanted = stage.platform.clone().unwrap_or_else(|| self.request.target_platform.clone());
        if let Some(name) = &from.name
            && let Some(origin) = self.context(&name.value, &wanted)
        {
            stage.origin = Some(origin);
            stage.replaced = true;
            stage.instructions = &[];
            return stage;
        }
        stage.origin = self
            .base(&Spanned::new(stage.base_name.as_str().into(), from.image.span), &wanted, problems)
            .ok();
        stage
    }

    fn base(&self, name: &Spanned<Text>, platform: &Platform, problems: &mut Problems) -> Reporting<Origin> {
        // Here, and only here, a stage must be named in lower case.
        if let Some(index) = self.list.iter().rposition(|stage| stage.name.as_deref() == Some(&name.value)) {
            return self.earlier(index);
        }
        self.source(name, platform, problems)
    }

    /// An earlier stage, or the context that stands in for it.
    fn earlier(&self, index: usize) -> Reporting<Origin> {
        match &self.list[index] {
            stage if stage.replaced => stage.origin.clone().ok_or(Reported),
            _ => Ok(Origin::Stage(index)),
        }
    }

    /// What the value of a `--from` means in the stage at `index`; an empty one means the build context and is none.
    /// With `numbers`, a number is that of a stage.
    pub(crate) fn resolve(
        &self,
        from: &Spanned<Text>,
        index: usize,
        numbers: bool,
        problems: &mut Problems,
    ) -> Reporting<Origin> {
        let text = from.value.as_str();
        if text.contains('$') {
            problems.report(
                Diagnostic::error("variable-in-from", "variables are not expanded in `--from`")
                    .at(from.span)
                    .hint(
                        "name the image in a stage of its own, `FROM $IMAGE AS name`, and use `--from=name`",
                    ),
            );
            return Err(Reported);
        }
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        if numbers && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return self.by_number(from, index, problems);
        }
        let lower = text.to_lowercase();
        let named = |stage: &Stage<'_>| stage.name.as_deref() == Some(&lower);
        if let Some(found) = self.list[..index].iter().rposition(named) {
            return self.earlier(found);
        }
        if let Some(later) = self.list.iter().skip(index).position(named) {
            self.too_late(from, index, index + later, problems);
            return Err(Reported);
        }
        self.source(from, &self.request.target_platform, problems)
    }

    fn by_number(&self, from: &Spanned<Text>, index: usize, problems: &mut Problems) -> Reporting<Origin> {
        match from.value.parse::<i64>().map_or(Err(()), |number| usize::try_from(number).map_err(drop)) {
            Ok(number) if number < index => self.earlier(number),
            Ok(number) if number < self.list.len() => {
                self.too_late(from, index, number, problems);
                Err(Reported)
            }
            _ => {
                let count = self.list.len();
                let stages = if count == 1 { "one stage, number 0" } else { "stages, counted from 0" };
                problems.report(
                    Diagnostic::error("unknown-stage", format!("there is no stage number {}", from.value))
                        .at(from.span)
                        .note(if count == 1 {
                            format!("the file has {stages}")
                        } else {
                            format!("the file has {count} {stages}")
                        }),
                );
                Err(Reported)
            }
        }
    }

    fn too_late(&self, from: &Spanned<Text>, index: usize, found: usize, problems: &mut Problems) {
        let stage = &self.list[found];
        let title = stage.title(found);
        let diagnostic = if found == index {
            Diagnostic::error("stage-uses-itself", format!("stage `{title}` cannot take files from itself"))
        } else {
            Diagnostic::error("stage-too-late", format!("stage `{title}` is defined after this one"))
                .hint("a stage can only use stages before it; move the other one up")
        };
        problems.report(diagnostic.at(from.span).label("used here").also(stage.span, "defined here"));
    }

    /// Something outside of the file: nothing, a named context, or an image.
    fn source(
        &self,
        name: &Spanned<Text>,
        platform: &Platform,
        problems: &mut Problems,
    ) -> Reporting<Origin> {
        if name.value == "scratch" {
            return Ok(Origin::Scratch);
        }
        if let Some(origin) = self.context(&name.value, platform) {
            return Ok(origin);
        }
        match name.value.parse::<Reference>() {
            Ok(reference) => {
                Ok(Origin::Image(BaseRequest { name: reference.to_string(), platform: platform.clone() }))
            }
            Err(error) => {
                let hint = self.hint(&name.value).or_else(|| {
                    (name.value.eq_ignore_ascii_case("scratch"))
                        .then(|| "the empty image is named `scratch`, in lower case".to_owned())
                });
                let is_composed = name.value.starts_with("debian://");
                let hint = hint.or_else(|| {
                    is_composed.then(|| {
                        "a composed base has a name, which other builders can give another meaning: set it with \
                         `--build-context NAME=debian://…` or in `plimsoll.toml` under `[contexts]`"
                            .to_owned()
                    })
                });
                problems.report(
                    Diagnostic::error("bad-reference", error.to_string()).at(name.span).maybe_hint(hint),
                );
                Err(Reported)
            }
        }
    }

    fn context(&self, name: &str, platform: &Platform) -> Option<Origin> {
        // This has a meaning of its own that no context can take over.
        if name.eq_ignore_ascii_case("scratch") {
            return None;
        }
        let wanted = context_name(name);
        let (key, context) = find_context(self.request.contexts, &wanted, platform)?;
        Some(match context {
            NamedContext::Directory | NamedContext::Git(_) | NamedContext::Archive(_) => {
                Origin::Directory(key.to_owned())
            }
            NamedContext::Image { reference } => {
                Origin::Image(BaseRequest { name: reference.clone(), platform: platform.clone() })
            }
        })
    }

    /// What to say about a name that turns out to be no image.
    pub(crate) fn hint(&self, name: &str) -> Option<String> {
        let lower = name.to_lowercase();
        let line = |stage: &Stage<'_>| self.request.source.line_of(stage.span.start);
        if let Some(stage) = self.list.iter().find(|stage| stage.name.as_deref() == Some(&lower)) {
            return Some(format!(
                "a stage named `{lower}` is only defined later, on line {}; a stage can only use stages before it",
                line(stage)
            ));
        }
        let names = self.list.iter().filter_map(|stage| stage.name.as_deref());
        let near = did_you_mean(name, names.chain(self.request.contexts.keys().map(String::as_str)))?;
        Some(match self.list.iter().find(|stage| stage.name.as_deref() == Some(near)) {
            Some(stage) => format!("a stage named `{near}` starts on line {}", line(stage)),
            None => format!("did you mean the context `{near}`?"),
        })
    }

    /// The stage to build.
    pub(crate) fn target(&self, problems: &mut Problems) -> Option<usize> {
        let Some(target) = self.request.target else { return self.list.len().checked_sub(1) };
        let lower = target.to_lowercase();
        if let Some(index) = self.list.iter().rposition(|stage| stage.name.as_deref() == Some(&lower)) {
            return Some(index);
        }
        let names: Vec<&str> = self.list.iter().filter_map(|stage| stage.name.as_deref()).collect();
        let mut diagnostic =
            Diagnostic::error("unknown-target", format!("no stage is named `{target}`, which is the target"));
        if names.is_empty() {
            diagnostic = diagnostic.note("no stage of this file has a name");
        } else {
            diagnostic = diagnostic.note(format!("the stages are `{}`", names.join("`, `")));
        }
        let near = did_you_mean(target, names).map(|near| format!("did you mean `{near}`?"));
        problems.report(diagnostic.maybe_hint(near));
        None
    }
}

/// Names of contexts are compared as image names are: `node`, `node:latest` and `docker.io/library/node` are one.
fn context_name(name: &str) -> String {
    match name.parse::<Reference>() {
        Ok(reference) => {
            let familiar = reference.familiar();
            familiar.strip_suffix(":latest").map_or(familiar.clone(), str::to_owned)
        }
        Err(_) => name.to_lowercase(),
    }
}

/// The context of a name; one that is for this very platform (`NAME::PLATFORM`) wins.
fn find_context<'a>(
    contexts: &'a BTreeMap<String, NamedContext>,
    wanted: &str,
    platform: &Platform,
) -> Option<(&'a str, &'a NamedContext)> {
    let of = |key: &str| match key.split_once("::") {
        Some((name, text)) => text
            .parse::<Platform>()
            .is_ok_and(|own| own.distance_from(platform) == Some(0))
            .then(|| (context_name(name), true)),
        None => Some((context_name(key), false)),
    };
    let mut found = None;
    for (key, context) in contexts {
        match of(key).filter(|(name, _)| name == wanted) {
            Some((_, true)) => return Some((key, context)),
            Some((_, false)) => found = Some((key.as_str(), context)),
            None => {}
        }
    }
    found
}
