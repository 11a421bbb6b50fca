//! `--call`: questions about a Dockerfile, answered in Docker's shapes without building anything.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use plimsoll_build::{BuildError, BuildRequest, Builder, ContextSource, Environment, check};
use plimsoll_diagnostics::{Diagnostic, SourceFile, render, sanitize};
use plimsoll_dockerfile::parse;
use plimsoll_lint::introspect::{Outline, Targets};
use plimsoll_lint::output::docker;
use plimsoll_lint::{Document, Options, Scope};
use plimsoll_oci::Platform;
use plimsoll_solver::{Cancel, EventKind, EventSink};

use super::Args;
use super::context::Inputs;
use crate::commands::images::answer;
use crate::environment::{GlobalArgs, Host};
use crate::exit;
use crate::namespace::{NeedsCopy, Standing};
use crate::variables;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// What the linter finds.
    Check,
    /// What the target takes.
    Outline,
    /// Which stages there are.
    Targets,
}

/// The value of `--call`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// The question; nothing for an ordinary build.
    question: Option<Question>,
    /// Whether the answer is JSON.
    json: bool,
}

impl Call {
    /// `--check`.
    const CHECK: Self = Self { question: Some(Question::Check), json: false };
}

impl FromStr for Call {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(',');
        let method = parts.next().unwrap_or_default();
        let question = match method {
            "build" => None,
            "check" | "lint" => Some(Question::Check),
            "outline" => Some(Question::Outline),
            "targets" => Some(Question::Targets),
            _ => return Err(format!("`{method}` is not `build`, `check`, `outline` or `targets`")),
        };
        let mut json = false;
        for part in parts {
            json = match part {
                "format=json" => true,
                "format=text" | "format=" => false,
                _ => return Err(format!("`{part}` is not `format=text` or `format=json`")),
            };
        }
        Ok(Self { question, json })
    }
}

/// What the arguments ask; nothing for an ordinary build.
pub(crate) fn requested(args: &Args) -> Option<(Question, bool)> {
    let call = if args.check { Call::CHECK } else { args.call? };
    Some((call.question?, call.json))
}

/// Answers a question on standard output.
pub(crate) fn run(
    args: &Args,
    question: Question,
    json: bool,
    global: &GlobalArgs,
    standing: Standing,
) -> Result<u8> {
    let unused = args.without_effect_on_questions();
    if !unused.is_empty() {
        say(&format!("note: nothing is built, so {} has no effect", unused.join(", ")));
    }
    let (text, code) = ask(args, BTreeMap::new(), question, json, global, standing)?;
    answer(&text)?;
    Ok(code)
}

/// The answer to the question that the arguments ask, and the exit code; nothing for an ordinary build.
///
/// `contexts` are named contexts that have no address.
pub(crate) fn ask_as_requested(
    args: &Args,
    contexts: BTreeMap<String, ContextSource>,
    global: &GlobalArgs,
    standing: Standing,
) -> Option<Result<(String, u8)>> {
    let (question, json) = requested(args)?;
    Some(ask(args, contexts, question, json, global, standing))
}

/// The answer to a question, and the exit code.
fn ask(
    args: &Args,
    contexts: BTreeMap<String, ContextSource>,
    question: Question,
    json: bool,
    global: &GlobalArgs,
    standing: Standing,
) -> Result<(String, u8)> {
    if !standing.may_run && args.reads_stdin() {
        return Err(NeedsCopy.into());
    }
    let mut inputs = Inputs::read(args, &|| Ok(Host::open(global, standing.clone())?.store))?;
    inputs.named_contexts.extend(contexts);
    let fetch = inputs.fetch.take();
    if let (Question::Outline | Question::Targets, Some(dockerfile), None) =
        (question, &inputs.dockerfile, &fetch)
    {
        return introspect(args, question, json, dockerfile);
    }
    let host = Host::open(global, standing)?;
    let mut request = super::request(args, &host, inputs, &super::outputs::Outputs::default())?;
    let cancel = Cancel::new()?;
    crate::interrupt::watch(&cancel)?;
    let ca_bundle = host.ca_bundle(args.ca_certs.as_deref())?;
    let environment = host.build_environment(ca_bundle, Arc::new(Silence), cancel)?;
    let builder = Builder { environment };
    if let Some(fetch) = fetch {
        request.dockerfile = match super::fetched(&builder, &fetch, &request) {
            Err(BuildError::NeedsNamespace) if !host.standing.may_run => return Err(NeedsCopy.into()),
            dockerfile => dockerfile?,
        };
    }
    match question {
        Question::Check => Ok(run_check(json, &builder.environment, &request)),
        Question::Outline | Question::Targets => introspect(args, question, json, &request.dockerfile),
    }
}

fn run_check(json: bool, environment: &Environment, request: &BuildRequest) -> (String, u8) {
    let checked = check(environment, request);
    for (name, reason) in &checked.unknown_bases {
        say(&format!("note: what the base image `{name}` defines is not known: {reason}"));
    }
    let violations = checked.report.violations();
    let strict = (!violations.is_empty()).then(|| {
        let message = format!(
            "the file asks that findings fail the build; there are some of {}",
            violations.join(", ")
        );
        Diagnostic::error("check-failed", message)
    });
    let (file, error) = (&request.dockerfile, checked.error.as_ref().or(strict.as_ref()));
    let text = if json {
        docker::json(file, &checked.report, error)
    } else {
        docker::text(file, &checked.report, error)
    };
    if let Some(error) = error {
        say(&format!("\n{}", docker::error_text(file, error)));
    }
    let found = checked.report.docker_findings().next().is_some();
    (text, if found || error.is_some() { exit::NO } else { exit::DONE })
}

fn introspect(args: &Args, question: Question, json: bool, file: &SourceFile) -> Result<(String, u8)> {
    let parsed = parse(file);
    let errors: Vec<&Diagnostic> = parsed.diagnostics.iter().filter(|one| one.is_error()).collect();
    if !errors.is_empty() {
        let color = !variables::no_color() && std::io::IsTerminal::is_terminal(&std::io::stderr());
        errors.iter().for_each(|error| say(&render(file, error, color)));
        return Ok((String::new(), exit::NO));
    }
    let target = args.target.as_deref().filter(|target| !target.is_empty());
    let build_args = args.build_args()?;
    let options = |platform: Option<&Platform>| Options {
        scope: target.map_or(Scope::Last, Scope::Target),
        build_args: build_args.clone(),
        platform: platform.cloned(),
        ..Options::default()
    };
    let platforms = args.platforms();
    let first = options(platforms.first());
    let first = Document::new(file, &parsed.dockerfile, &first);
    if let Some(target) = target {
        first.target().with_context(|| format!("no stage is named `{target}`, which is the target"))?;
    }
    let text = match (question, json) {
        (Question::Targets, true) => Targets::of(&first).to_json(),
        (Question::Targets, false) => Targets::of(&first).to_text(),
        (_, json) => {
            let mut outline = Outline::of(&first);
            for platform in platforms.iter().skip(1) {
                let options = options(Some(platform));
                outline.merge(Outline::of(&Document::new(file, &parsed.dockerfile, &options)));
            }
            if json { outline.to_json() } else { outline.to_text() }
        }
    };
    Ok((text, exit::DONE))
}

/// Nothing is shown of what happens on the way.
struct Silence;

impl EventSink for Silence {
    fn send(&self, _event: EventKind) {}
}

#[expect(
    clippy::print_stderr,
    reason = "the answer is on standard output, what stands in its way is for people"
)]
fn say(text: &str) {
    eprintln!("{}", sanitize::text(text.trim_end()));
}
