//! One build among several: what `plimsoll bake` does for each target.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use anyhow::{Result, bail};
use plimsoll_build::{BuildError, BuildResult, Builder, BuiltTarget, ContextSource, NO_BASE_IMAGE};
use plimsoll_diagnostics::{Diagnostic, SourceFile, render};
use plimsoll_solver::{Cancel, EventSink};
use plimsoll_store::BuildStatus;

use super::budget::Budget;
use super::context::Inputs;
use super::outputs::{Outputs, metadata, write};
use super::{Args, fetched, request, summary};
use crate::environment::Host;
use crate::exit;
use crate::namespace::NeedsCopy;
use crate::progress::Summary;

/// A build and what it needs besides its arguments.
pub(crate) struct Part<'a> {
    /// The arguments, as of `plimsoll build`.
    pub(crate) args: &'a Args,
    /// Named contexts that have no address, such as what another part made.
    pub(crate) contexts: BTreeMap<String, ContextSource>,
    /// The machine.
    pub(crate) host: &'a Host,
    /// Where events go.
    pub(crate) sink: Arc<dyn EventSink>,
    /// Stops all parts.
    pub(crate) cancel: Cancel,
}

/// What came of a part.
pub(crate) struct Built {
    /// What it came to.
    pub(crate) summary: Summary,
    /// What it made, to be a context of other parts.
    pub(crate) targets: Vec<BuiltTarget>,
    /// What `--metadata-file` says of it.
    pub(crate) metadata: serde_json::Value,
    /// The Dockerfile, which warnings are about.
    pub(crate) dockerfile: SourceFile,
    /// Remarks about the Dockerfile.
    pub(crate) warnings: Vec<Diagnostic>,
}

/// Why a part has no result.
pub(crate) struct Failed {
    /// The Dockerfile, when it was read.
    dockerfile: Option<SourceFile>,
    error: anyhow::Error,
}

impl Failed {
    fn early(error: anyhow::Error) -> Self {
        Self { dockerfile: None, error }
    }

    /// Whether it ended because another one failed or the user wanted it.
    pub(crate) fn is_cancelled(&self) -> bool {
        matches!(self.error.downcast_ref::<BuildError>(), Some(BuildError::Cancelled))
    }

    /// Whether it must be tried again in the user namespace.
    pub(crate) fn needs_copy(&self) -> bool {
        self.error.is::<NeedsCopy>()
    }

    /// Tells the user; gives the exit code.
    #[expect(clippy::print_stderr, reason = "diagnostics are for the user")]
    pub(crate) fn report(&self, target: &str, color: bool) -> u8 {
        match (self.error.downcast_ref::<BuildError>(), &self.dockerfile) {
            (Some(BuildError::Cancelled), _) => exit::INTERRUPTED,
            (Some(BuildError::Diagnostics { diagnostics }), Some(dockerfile)) => {
                eprintln!("target `{target}` cannot be built:\n");
                diagnostics
                    .iter()
                    .for_each(|diagnostic| eprintln!("{}", render(dockerfile, diagnostic, color)));
                let unreachable = diagnostics.iter().any(|diagnostic| diagnostic.code == NO_BASE_IMAGE);
                if unreachable { exit::IMPOSSIBLE } else { exit::NO }
            }
            _ => {
                eprintln!("target `{target}` cannot be built:");
                crate::commands::report(&self.error);
                exit::IMPOSSIBLE
            }
        }
    }
}

impl Part<'_> {
    /// Builds, and writes what was asked for.
    pub(crate) fn build(&self) -> Result<Built, Failed> {
        let (started, wall_clock) = (Instant::now(), SystemTime::now());
        let early = Failed::early;
        let outputs = Outputs::parse(self.args).map_err(early)?;
        if self.args.reads_stdin() {
            return Err(early(no_stdin().expect_err("it always refuses")));
        }
        if !self.host.standing.may_run && outputs.need_layers() {
            return Err(early(NeedsCopy.into()));
        }
        let mut inputs = Inputs::read(self.args, &|| Ok(self.host.store.clone())).map_err(early)?;
        inputs.named_contexts.extend(self.contexts.clone());
        let (fetch, budget) = (inputs.fetch.take(), inputs.budget.take());
        let mut request = request(self.args, self.host, inputs, &outputs).map_err(early)?;
        request.layer_sizes = budget.is_some();
        let ca_bundle = self.host.ca_bundle(self.args.ca_certs.as_deref()).map_err(early)?;
        let environment = self
            .host
            .build_environment(ca_bundle, Arc::clone(&self.sink), self.cancel.clone())
            .map_err(early)?;
        let builder = Builder { environment };
        let fetched = fetch.map(|fetch| fetched(&builder, &fetch, &request)).transpose();
        let built = fetched.and_then(|dockerfile| {
            if let Some(dockerfile) = dockerfile {
                request.dockerfile = dockerfile;
            }
            let result = builder.build(&request)?;
            Budget::check(budget.as_ref(), &request, result)
        });
        let dockerfile = request.dockerfile.clone();
        let failed = |error: anyhow::Error| Failed { dockerfile: Some(dockerfile.clone()), error };
        let outcome: Result<(BuildResult, Vec<String>)> =
            built.map_err(anyhow::Error::from).and_then(|mut result| {
                // Of several builds, the number of findings in the error must do.
                let client = &builder.environment.client;
                self.args.scan.check(&request, &result, self.host, client, &mut String::new())?;
                self.args.attest.add(&request, &mut result, self.host, client, wall_clock)?;
                let written =
                    write(&outputs, &request, &result, &builder.environment, self.host, &self.sink)?;
                Ok((result, written))
            });
        let store = &self.host.store;
        let recorded = match &outcome {
            Ok(_) => store.finish_build(&request.id, BuildStatus::Succeeded),
            Err(error) => match error.downcast_ref::<BuildError>() {
                // The copy in the namespace keeps the record of this build.
                Some(BuildError::NeedsNamespace) => store.withdraw_build(&request.id),
                Some(BuildError::Cancelled) => store.finish_build(&request.id, BuildStatus::Interrupted),
                _ => store.finish_build(&request.id, BuildStatus::Failed),
            },
        };
        recorded.map_err(|error| failed(error.into()))?;
        match outcome {
            Ok((result, written)) => Ok(Built {
                summary: summary(&outputs, &request, &result, written, started.elapsed().as_secs_f64()),
                metadata: metadata(&outputs, &request, &result),
                targets: result.targets,
                warnings: result.warnings,
                dockerfile: request.dockerfile,
            }),
            Err(error) if matches!(error.downcast_ref(), Some(BuildError::NeedsNamespace)) => {
                Err(failed(NeedsCopy.into()))
            }
            Err(error) => Err(failed(error)),
        }
    }
}

fn no_stdin() -> Result<()> {
    bail!("one of several builds cannot read standard input; name a directory and a Dockerfile")
}
