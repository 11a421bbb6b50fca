//! Findings of the linter about a request, with what the build knows about its base images.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::str::FromStr;

use plimsoll_diagnostics::{Diagnostic, Severity};
use plimsoll_dockerfile::{Dockerfile, InstructionKind, parse};
use plimsoll_graph::{BaseImage, BaseRequest, Lowered, NamedContext, Request, lower};
use plimsoll_lint::{BaseFacts, Finding, Options, Report, Scope};
use plimsoll_oci::{Digest, ImageConfig, Platform, Reference};

use crate::bases::{self, TARGET};
use crate::builder::Environment;
use crate::contexts;
use crate::request::{BuildRequest, ContextSource};

/// Remarks of the parser and of the graph that the linter makes too, and can be told not to make.
const LINTED: [&str; 3] = ["empty-continuation", "undefined-variable", "exposed-host-port"];

/// What came of a check.
pub struct Checked {
    /// What was found.
    pub report: Report,
    /// What stands in the way of a build.
    pub error: Option<Diagnostic>,
    /// Base images that could not be asked what they define, with the reason.
    pub unknown_bases: Vec<(String, String)>,
}

/// Checks a Dockerfile as a build would read it; nothing is run.
///
/// Without a target all stages are looked at. Base images that are not in the store are asked for in their registries;
/// one that is not to be had is no reason to stop.
pub fn check(environment: &Environment, request: &BuildRequest) -> Checked {
    let parsed = parse(&request.dockerfile);
    let known: RefCell<BTreeMap<(String, Platform), Option<BaseFacts>>> = RefCell::default();
    let unknown = RefCell::new(Vec::new());
    let bases = |name: &str, platform: &Platform| {
        let address = address(request, name)?;
        let key = (address.clone(), platform.clone());
        if let Some(facts) = known.borrow().get(&key) {
            return facts.clone();
        }
        // Composing a base is a build of its own, and so is another target.
        let facts = if address.starts_with("debian://") || address.starts_with(TARGET) {
            None
        } else {
            let wanted = BaseRequest { name: address.clone(), platform: platform.clone() };
            match bases::find(environment, request, &wanted) {
                Ok(found) => Some(facts(found.base.config)),
                Err(error) => {
                    let reason = std::error::Error::source(&error)
                        .map_or_else(|| error.to_string(), ToString::to_string);
                    let remark = (name.to_owned(), reason);
                    let mut unknown = unknown.borrow_mut();
                    if !unknown.contains(&remark) {
                        unknown.push(remark);
                    }
                    None
                }
            }
        };
        known.borrow_mut().insert(key, facts.clone());
        facts
    };
    let scope = request.target.as_deref().map_or(Scope::All, Scope::Target);
    let report = of_all_platforms(request, &parsed.dockerfile, scope, &bases);
    let error = report.problems.first().cloned();
    let error = error.or_else(|| parsed.diagnostics.into_iter().find(Diagnostic::is_error));
    let error = error.or_else(|| structure_error(request, &parsed.dockerfile));
    Checked { report, error, unknown_bases: unknown.into_inner() }
}

/// What a build warns of besides its own remarks: the findings that Docker has too, about the stages that are built.
///
/// `images` are the base images that were found.
///
/// # Errors
/// The findings, when the file asks that they fail the build, or its options when they are wrong.
pub(crate) fn warnings(
    request: &BuildRequest,
    dockerfile: &Dockerfile,
    images: &BTreeMap<BaseRequest, BaseImage>,
) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    let bases = |name: &str, platform: &Platform| {
        let wanted = BaseRequest { name: address(request, name)?, platform: platform.clone() };
        images.get(&wanted).map(|image| facts(image.config.clone()))
    };
    let scope = request.target.as_deref().map_or(Scope::Last, Scope::Target);
    let report = of_all_platforms(request, dockerfile, scope, &bases);
    if !report.problems.is_empty() {
        return Err(report.problems);
    }
    let severity = if report.is_strict { Severity::Error } else { Severity::Warning };
    let findings: Vec<_> =
        report.docker_findings().map(|finding| under_dockers_name(finding, severity)).collect();
    if report.is_strict && !findings.is_empty() { Err(findings) } else { Ok(findings) }
}

/// What Docker's rules ask of a base.
fn facts(config: ImageConfig) -> BaseFacts {
    BaseFacts { config, digest: None, files: None }
}

/// Whether the linter says it too.
pub(crate) fn is_linted(diagnostic: &Diagnostic) -> bool {
    !diagnostic.is_error() && LINTED.contains(&diagnostic.code)
}

/// The finding under the name by which it can be hidden, in Docker's builder too.
fn under_dockers_name(finding: &Finding, severity: Severity) -> Diagnostic {
    let mut diagnostic = finding.diagnostic.clone();
    diagnostic.severity = severity;
    diagnostic.code = finding.docker_name().unwrap_or(diagnostic.code);
    diagnostic
}

/// What is found for any of the platforms; `BuildKit` looks at its own platform alone.
fn of_all_platforms<'a>(
    request: &'a BuildRequest,
    dockerfile: &Dockerfile,
    scope: Scope<'a>,
    bases: &'a dyn Fn(&str, &Platform) -> Option<BaseFacts>,
) -> Report {
    let mut merged: Option<Report> = None;
    for platform in platforms(request) {
        let options = Options { bases: Some(bases), ..options(request, scope, platform) };
        let report = plimsoll_lint::check(&request.dockerfile, dockerfile, &options);
        match &mut merged {
            Some(merged) => merged.merge(report),
            None => merged = Some(report),
        }
    }
    merged.unwrap_or_default()
}

/// The platforms that are asked for; nothing is the host's.
fn platforms(request: &BuildRequest) -> Vec<Option<Platform>> {
    if request.platforms.is_empty() {
        vec![None]
    } else {
        request.platforms.iter().cloned().map(Some).collect()
    }
}

fn options<'a>(request: &'a BuildRequest, scope: Scope<'a>, platform: Option<Platform>) -> Options<'a> {
    Options {
        scope,
        build_args: request.build_args.clone(),
        platform,
        ignore_file: match &request.context {
            Some(ContextSource::Directory(context)) => Some(&*context.ignore),
            // The ignore file of a context that is fetched hides nothing.
            _ => None,
        },
        contexts: request.named_contexts.keys().cloned().collect(),
        ..Options::default()
    }
}

/// What a base is asked for under: the named context's address, or the whole name.
fn address(request: &BuildRequest, name: &str) -> Option<String> {
    if name == "scratch" {
        return None;
    }
    let familiar = |name: &str| Reference::from_str(name).map(|reference| reference.familiar());
    let whole = Reference::from_str(name).ok()?;
    let context = request
        .named_contexts
        .iter()
        .find(|(key, _)| key.as_str() == name || familiar(key).is_ok_and(|key| key == whole.familiar()));
    match context {
        Some((name, source)) => match contexts::graph_context(name, source) {
            NamedContext::Image { reference } => Some(reference),
            _ => None,
        },
        None => Some(whole.to_string()),
    }
}

/// The first error that no base image could change, of any stage that is looked at.
fn structure_error(request: &BuildRequest, dockerfile: &Dockerfile) -> Option<Diagnostic> {
    // Every stage that has a name, and the last one. One that has none and that nothing uses cannot be built at all.
    let names = dockerfile.instructions.iter().filter_map(|instruction| match &instruction.kind {
        InstructionKind::From(from) => from.name.as_ref().map(ToString::to_string),
        _ => None,
    });
    let contexts = contexts::named(request);
    let host = Platform::host();
    let stand_in = |wanted: &BaseRequest| {
        Some(BaseImage {
            manifest: Digest::of(b""),
            reference: wanted.name.clone(),
            config: ImageConfig::empty(&wanted.platform),
        })
    };
    let targets: Vec<Option<String>> = match &request.target {
        Some(target) => vec![Some(target.clone())],
        None => names.map(Some).chain([None]).collect(),
    };
    let wanted =
        targets.iter().flat_map(|target| platforms(request).into_iter().map(move |one| (target, one)));
    wanted.into_iter().find_map(|(target, platform)| {
        let mut lowering = Request::new(
            dockerfile,
            &request.dockerfile,
            &request.build_args,
            &contexts,
            platform.unwrap_or_else(|| host.clone()),
            &stand_in,
        );
        lowering.target = target.as_deref();
        lowering.main_context = contexts::main(request);
        lowering.build_platform = host.clone();
        lowering.platform_requested = !request.platforms.is_empty();
        match lower(&lowering) {
            Ok(Lowered::Graph { .. } | Lowered::NeedsBases(_)) => None,
            Err(diagnostics) => diagnostics.into_iter().find(Diagnostic::is_error),
        }
    })
}
