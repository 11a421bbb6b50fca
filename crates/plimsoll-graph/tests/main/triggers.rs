//! `ONBUILD`.

use plimsoll_graph::Op;
use plimsoll_oci::ContainerConfig;

use crate::support::{build, graph};

fn with_triggers(triggers: &[&str]) -> ContainerConfig {
    ContainerConfig {
        env: vec!["PATH=/p".into()],
        on_build: triggers.iter().map(|trigger| (*trigger).to_owned()).collect(),
        ..ContainerConfig::default()
    }
}

const BASE: &str = "docker.io/library/a:latest";

#[test]
fn a_trigger_is_kept_as_text() {
    let outcome = graph("FROM a\nONBUILD RUN --network=none echo   $A\nONBUILD COPY . /app");
    assert_eq!(outcome.container().on_build, ["RUN --network=none echo   $A", "COPY . /app"]);
    assert!(outcome.execs().is_empty());
    assert!(outcome.history().is_empty());
}

#[test]
fn triggers_of_the_base_run_first_and_are_used_up() {
    let outcome = build("FROM a\nRUN own")
        .base(BASE, with_triggers(&["WORKDIR /t", "COPY . .", "RUN trigger"]))
        .graph();
    assert_eq!(
        outcome.history(),
        [
            "WORKDIR /t",
            "COPY . . # buildkit",
            "RUN /bin/sh -c trigger # buildkit",
            "RUN /bin/sh -c own # buildkit"
        ]
    );
    assert!(outcome.container().on_build.is_empty());
    let run = outcome.vertices(|op| matches!(op, Op::Exec(_)))[0];
    assert_eq!(run.name, "[4/5] ONBUILD RUN trigger");
    assert_eq!(run.span, None);
}

#[test]
fn triggers_of_a_stage_run_in_stages_built_on_it() {
    let outcome =
        graph("FROM a AS base\nONBUILD RUN trigger\nRUN base\nFROM base AS app\nRUN app\nFROM app\nRUN last");
    let args: Vec<&str> = outcome.execs().iter().map(|exec| exec.args[2].as_str()).collect();
    assert_eq!(args, ["base", "trigger", "app", "last"]);
    assert!(outcome.container().on_build.is_empty());
    let run = outcome.vertices(|op| matches!(op, Op::Exec(_)))[1];
    assert_eq!(run.span.unwrap().start, "FROM a AS base\nONBUILD ".len());
}

#[test]
fn arguments_of_triggers_take_build_arguments() {
    let outcome = build("FROM a\nRUN x").base(BASE, with_triggers(&["ARG V=1"])).arg("V", "2").graph();
    assert_eq!(outcome.variable("V"), Some("2"));
    assert!(outcome.warnings.is_empty());
}

#[test]
fn triggers_may_need_further_stages_and_images() {
    let build = build("FROM s AS tools\nFROM a\nRUN x").base(
        BASE,
        with_triggers(&[
            "COPY --from=tools /t /t",
            "COPY --from=busybox /b /b",
            "RUN --mount=from=git,target=/g x",
        ]),
    );
    let missing = build.missing(&|request| request.name == BASE);
    let names: Vec<&str> = missing.iter().map(|base| base.request.name.as_str()).collect();
    assert_eq!(
        names,
        ["docker.io/library/s:latest", "docker.io/library/busybox:latest", "docker.io/library/git:latest"]
    );
    assert_eq!(missing[1].span.start, "FROM s AS tools\nFROM ".len());
    assert_eq!(build.graph().copies().len(), 2);
}

#[test]
fn problems_of_a_trigger_are_shown_at_its_base() {
    let build = build("FROM a\nRUN x").base(BASE, with_triggers(&["EXPOSE http"]));
    let error = build.error();
    assert_eq!((error.code, build.marked(&error)), ("bad-port", "a"));
    assert_eq!(error.notes, ["in the trigger `ONBUILD EXPOSE http` of this base image"]);
}

#[test]
fn what_cannot_be_a_trigger_is_an_error() {
    for trigger in ["FROM b", "ONBUILD RUN x", "MAINTAINER me", "RUN a\nRUN b", "", "NOPE x"] {
        let errors = build("FROM a\nRUN x").base(BASE, with_triggers(&[trigger])).errors();
        assert!(errors.iter().all(|error| error.span.is_some()), "{trigger}");
        assert!(errors.iter().any(plimsoll_diagnostics::Diagnostic::is_error), "{trigger}");
    }
}

#[test]
fn a_context_that_stands_in_for_a_stage_keeps_its_triggers_for_stages_built_on_it() {
    let build = build("FROM x AS base\nRUN never\nFROM base\nRUN own")
        .image("base", "docker.io/library/a:latest")
        .base(BASE, with_triggers(&["RUN trigger"]));
    let outcome = build.graph();
    let args: Vec<&str> = outcome.execs().iter().map(|exec| exec.args[2].as_str()).collect();
    assert_eq!(args, ["trigger", "own"]);
}

#[test]
fn heredocs_fit_in_triggers() {
    let outcome = build("FROM a").base(BASE, with_triggers(&["COPY <<EOF /f\nhi\nEOF"])).graph();
    assert_eq!(outcome.copy().sources.len(), 1);
}
