//! Arguments before the first `FROM`, and those that are there without being declared.

use plimsoll_diagnostics::{Diagnostic, did_you_mean};
use plimsoll_dockerfile::{Dockerfile, InstructionKind};
use plimsoll_oci::Platform;

use crate::problems::Problems;
use crate::request::Request;
use crate::variables::{Expander, Variables};

/// Proxy variables, in the spelling that is shown to commands beside the lower-case one.
pub(crate) const PROXIES: [&str; 5] = ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"];

/// What the stage to build is called in `TARGETSTAGE` when it has no name.
const UNNAMED_STAGE: &str = "default";

/// The global scope: visible in `FROM`, and in stages that declare the same `ARG` again.
#[derive(Debug)]
pub(crate) struct Globals {
    variables: Variables,
    declared: Vec<String>,
}

impl Globals {
    /// Takes the platform's arguments and the `ARG`s before the first `FROM`.
    pub(crate) fn new(request: &Request<'_>, problems: &mut Problems) -> Self {
        let mut globals = Self { variables: predefined(request), declared: Vec::new() };
        for instruction in &request.dockerfile.instructions {
            match &instruction.kind {
                InstructionKind::Arg(definitions) => {
                    for definition in definitions {
                        globals.define(definition, request, problems);
                    }
                }
                InstructionKind::From(_) => break,
                InstructionKind::Invalid => {}
                other => problems.report(
                    Diagnostic::error(
                        "instruction-before-from",
                        format!("`{}` comes before the first `FROM`", other.name()),
                    )
                    .at(instruction.keyword.span)
                    .hint("only `ARG` may come before the first `FROM`"),
                ),
            }
        }
        globals
    }

    fn define(
        &mut self,
        definition: &plimsoll_dockerfile::ArgDefinition,
        request: &Request<'_>,
        problems: &mut Problems,
    ) {
        let name = &definition.name.value;
        let value = match request.build_args.get(name.as_str()) {
            Some(value) => Some(value.clone()),
            None => definition
                .default
                .as_ref()
                .and_then(|default| self.expander(request.dockerfile.escape).word(default, problems).ok()),
        };
        match value {
            Some(value) => self.variables.set(name, &value),
            None => self.declared.push(name.to_string()),
        }
    }

    /// The value that a stage gets when it declares an argument of this name.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.variables.value(name)
    }

    /// Expands words of `FROM`.
    pub(crate) fn expander(&self, escape: char) -> Expander<'_> {
        Expander {
            variables: &self.variables,
            declared: self.declared.iter().map(String::as_str).collect(),
            escape,
        }
    }
}

fn predefined(request: &Request<'_>) -> Variables {
    let mut variables = Variables::default();
    for (prefix, platform) in [("BUILD", &request.build_platform), ("TARGET", &request.target_platform)] {
        for (suffix, value) in platform_parts(platform) {
            variables.set(&format!("{prefix}{suffix}"), &value);
        }
    }
    let last = request.dockerfile.instructions.iter().rev().find_map(|instruction| match &instruction.kind {
        InstructionKind::From(from) => Some(from.name.as_ref().map(|name| name.value.to_lowercase())),
        _ => None,
    });
    let stage = request.target.map(str::to_owned).or_else(|| last.flatten());
    variables.set("TARGETSTAGE", stage.as_deref().unwrap_or(UNNAMED_STAGE));
    for (name, _) in variables.pairs().to_vec() {
        if let Some(value) = request.build_args.get(&name) {
            variables.set(&name, value);
        }
    }
    variables
}

fn platform_parts(platform: &Platform) -> [(&'static str, String); 5] {
    [
        ("PLATFORM", platform.to_string()),
        ("OS", platform.os.clone()),
        ("OSVERSION", platform.os_version.clone().unwrap_or_default()),
        ("ARCH", platform.architecture.clone()),
        ("VARIANT", platform.variant.clone().unwrap_or_default()),
    ]
}

/// Warns of stages whose cache is refused and that are not there.
pub(crate) fn report_unknown_filters(filters: &[String], stages: &[&str], problems: &mut Problems) {
    for filter in filters {
        if !stages.iter().any(|name| name.eq_ignore_ascii_case(filter)) {
            let near = did_you_mean(filter, stages.iter().copied());
            let message = format!("no stage is named `{filter}`, whose cache is not to be used");
            problems.report(
                Diagnostic::warning("unknown-stage", message)
                    .maybe_hint(near.map(|near| format!("did you mean `{near}`?"))),
            );
        }
    }
}

/// Warns of build arguments that nothing declares and nothing understands.
pub(crate) fn report_undeclared(
    request: &Request<'_>,
    declared_by_triggers: &[String],
    problems: &mut Problems,
) {
    let mut declared: Vec<&str> = declared_names(request.dockerfile);
    declared.extend(declared_by_triggers.iter().map(String::as_str));
    let known = predefined(request);
    for name in request.build_args.keys() {
        let understood = known.value(name).is_some()
            || name.starts_with("BUILDKIT_")
            || name == "SOURCE_DATE_EPOCH"
            || is_proxy(name)
            || declared.contains(&name.as_str());
        if !understood {
            let near = did_you_mean(name, declared.iter().copied());
            problems.report(
                Diagnostic::warning(
                    "unused-build-arg",
                    format!("no `ARG` declares the build argument `{name}`"),
                )
                .maybe_hint(near.map(|near| format!("did you mean `{near}`?"))),
            );
        }
    }
}

fn declared_names(dockerfile: &Dockerfile) -> Vec<&str> {
    let mut names = Vec::new();
    for instruction in &dockerfile.instructions {
        let kind = match &instruction.kind {
            InstructionKind::Onbuild(onbuild) => &onbuild.instruction.kind,
            kind => kind,
        };
        if let InstructionKind::Arg(definitions) = kind {
            names.extend(definitions.iter().map(|definition| definition.name.value.as_str()));
        }
    }
    names
}

fn is_proxy(name: &str) -> bool {
    PROXIES.iter().any(|proxy| proxy.eq_ignore_ascii_case(name))
}

/// The proxy variables that were given, in both spellings: programs read one or the other.
pub(crate) fn proxies(request: &Request<'_>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for proxy in PROXIES {
        let given = request.build_args.iter().find(|(name, _)| name.eq_ignore_ascii_case(proxy));
        if let Some((_, any)) = given {
            for name in [proxy.to_owned(), proxy.to_ascii_lowercase()] {
                let value = request.build_args.get(&name).unwrap_or(any).clone();
                found.push((name, value));
            }
        }
    }
    found
}
