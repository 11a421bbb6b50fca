//! `ARG`, `ENV` and what words are expanded with.

use plimsoll_oci::{ContainerConfig, Platform};

use crate::support::{arm64, build, graph, value};

#[test]
fn a_global_argument_is_visible_in_from_only() {
    let outcome = graph("ARG V=3\nFROM alpine:$V\nRUN echo $V");
    assert!(outcome.names()[0].contains("docker.io/library/alpine:3@sha256:"));
    assert_eq!(outcome.variable("V"), None);
}

#[test]
fn a_stage_takes_a_global_value_by_declaring_it_again() {
    let outcome = graph("ARG V=3\nFROM alpine\nARG V\nRUN echo");
    assert_eq!(outcome.variable("V"), Some("3"));
    assert_eq!(outcome.history()[0], "ARG V=3");
}

#[test]
fn a_stage_default_beats_the_global_value_and_a_build_argument_beats_both() {
    let text = "ARG V=3\nFROM alpine\nARG V=4\nRUN echo";
    assert_eq!(graph(text).variable("V"), Some("4"));
    assert_eq!(build(text).arg("V", "5").graph().variable("V"), Some("5"));
}

#[test]
fn global_defaults_see_earlier_ones() {
    let outcome = build("ARG A=1\nARG B=$A-${C:-c}\nFROM x:$B").arg("A", "2").graph();
    assert!(outcome.names()[0].contains("/x:2-c@"));
}

#[test]
fn an_argument_without_a_value_is_no_variable_but_is_shown_in_the_history() {
    let outcome = graph("FROM alpine\nARG V\nRUN echo \"$V\"");
    assert_eq!(outcome.variable("V"), None);
    assert_eq!(outcome.history(), ["ARG V", "RUN |1 V= /bin/sh -c echo \"$V\" # buildkit"]);
    assert!(outcome.warnings.is_empty());
}

#[test]
fn arguments_end_with_their_stage_and_pass_on_to_stages_built_on_it() {
    let outcome =
        graph("FROM alpine AS a\nARG V=1\nFROM a AS b\nRUN b\nFROM alpine\nCOPY --from=b / /\nRUN c");
    let execs = outcome.execs();
    assert_eq!(value(execs[0], "V"), Some("1"));
    assert_eq!(value(execs[1], "V"), None);
}

#[test]
fn several_arguments_fit_on_one_line() {
    let outcome = graph("FROM alpine\nARG A=1 B=$A C\nRUN x");
    assert_eq!(outcome.variable("B"), Some("1"));
    assert_eq!(outcome.history(), ["ARG A=1 B=1 C", "RUN |3 A=1 B=1 C= /bin/sh -c x # buildkit"]);
}

#[test]
fn a_variable_set_after_an_argument_of_its_name_hides_it() {
    let outcome = graph("FROM alpine\nARG V=arg\nENV V=env\nRUN x");
    assert_eq!(outcome.variable("V"), Some("env"));
    assert_eq!(outcome.history()[2], "RUN |1 V=env /bin/sh -c x # buildkit");
    assert_eq!(outcome.container().variable("V"), Some("env"));
}

#[test]
fn an_argument_never_reaches_the_config_and_a_child_stage_sees_the_variable_again() {
    let outcome = graph("FROM alpine AS a\nENV V=env\nARG V=arg\nRUN one\nFROM a\nRUN two");
    let execs = outcome.execs();
    assert_eq!(value(execs[0], "V"), Some("arg"));
    assert_eq!(value(execs[1], "V"), Some("env"));
    assert_eq!(outcome.container().variable("V"), Some("env"));
}

#[test]
fn one_instruction_sees_the_values_from_before_it() {
    let outcome = graph("FROM alpine\nENV A=1\nENV A=2 B=$A\nLABEL l=$A$B");
    assert_eq!(outcome.container().variable("B"), Some("1"));
    assert_eq!(outcome.container().labels["l"], "21");
}

#[test]
fn variables_keep_their_order_and_place() {
    let outcome = graph("FROM alpine\nENV Z=1\nENV A=2\nENV BASE=3\nRUN x");
    assert_eq!(outcome.container().env, ["PATH=/usr/bin:/bin", "BASE=3", "Z=1", "A=2"]);
    let names: Vec<&str> = outcome.exec().env.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["PATH", "BASE", "Z", "A"]);
}

#[test]
fn the_old_form_of_env_takes_the_rest_of_the_line() {
    let outcome = graph("FROM alpine\nENV A one  two=3");
    assert_eq!(outcome.container().variable("A"), Some("one  two=3"));
    assert_eq!(outcome.history(), ["ENV A=one  two=3"]);
}

#[test]
fn path_is_set_where_the_base_has_none() {
    let outcome = graph("FROM scratch\nCOPY a /a");
    assert_eq!(
        outcome.container().env,
        ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
    );
    let outcome =
        build("FROM bare\nRUN x").base("docker.io/library/bare:latest", ContainerConfig::default()).graph();
    assert!(outcome.variable("PATH").is_some());
    assert_eq!(outcome.container().env.len(), 1);
}

#[test]
fn the_platform_is_known_by_name() {
    let text = "FROM --platform=$BUILDPLATFORM golang AS build\nARG TARGETOS TARGETARCH TARGETVARIANT BUILDPLATFORM\nRUN x";
    let outcome = build(text)
        .with(|request| request.target_platform = Platform::normalized("linux", "arm", Some("v7")))
        .graph();
    assert_eq!(outcome.variable("TARGETOS"), Some("linux"));
    assert_eq!(outcome.variable("TARGETARCH"), Some("arm"));
    assert_eq!(outcome.variable("TARGETVARIANT"), Some("v7"));
    assert_eq!(outcome.variable("BUILDPLATFORM"), Some("linux/amd64"));
    assert_eq!(outcome.graph.vertices[1].platform.to_string(), "linux/amd64");
}

#[test]
fn platform_arguments_must_be_declared_in_a_stage() {
    let outcome = build("FROM alpine\nRUN x").with(|request| request.target_platform = arm64()).graph();
    assert_eq!(outcome.variable("TARGETARCH"), None);
}

#[test]
fn a_platform_argument_can_be_overridden() {
    let outcome = build("FROM alpine\nARG TARGETARCH\nRUN x").arg("TARGETARCH", "mine").graph();
    assert_eq!(outcome.variable("TARGETARCH"), Some("mine"));
}

#[test]
fn the_target_stage_is_known_by_name() {
    let text = "FROM alpine AS One\nARG TARGETSTAGE\nRUN x";
    assert_eq!(graph(text).variable("TARGETSTAGE"), Some("one"));
    assert_eq!(graph("FROM alpine\nARG TARGETSTAGE\nRUN x").variable("TARGETSTAGE"), Some("default"));
    let outcome = build("FROM alpine AS a\nARG TARGETSTAGE\nRUN x\nFROM a AS b")
        .with(|request| request.target = Some("a"))
        .graph();
    assert_eq!(outcome.variable("TARGETSTAGE"), Some("a"));
}

#[test]
fn proxies_need_no_declaration_and_stay_out_of_key_and_history() {
    let outcome = build("FROM alpine\nRUN x").arg("HTTP_PROXY", "http://p").arg("no_proxy", "h").graph();
    let exec = outcome.exec();
    assert_eq!(value(exec, "HTTP_PROXY"), None);
    let proxies: Vec<(&str, &str)> =
        exec.proxy_env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        proxies,
        [("HTTP_PROXY", "http://p"), ("http_proxy", "http://p"), ("NO_PROXY", "h"), ("no_proxy", "h")]
    );
    assert_eq!(outcome.history(), ["RUN /bin/sh -c x # buildkit"]);
    assert!(outcome.warnings.is_empty());
}

#[test]
fn a_declared_proxy_is_an_ordinary_argument() {
    let outcome = build("FROM alpine\nARG HTTP_PROXY\nRUN x").arg("HTTP_PROXY", "http://p").graph();
    assert_eq!(outcome.variable("HTTP_PROXY"), Some("http://p"));
    assert!(outcome.exec().proxy_env.iter().all(|(name, _)| name != "HTTP_PROXY"));
    assert_eq!(outcome.history()[1], "RUN |1 HTTP_PROXY=http://p /bin/sh -c x # buildkit");
}

#[test]
fn the_epoch_is_visible_when_declared() {
    let text = "FROM alpine\nARG SOURCE_DATE_EPOCH\nRUN x";
    let outcome = build(text).arg("SOURCE_DATE_EPOCH", "0").graph();
    assert_eq!(outcome.variable("SOURCE_DATE_EPOCH"), Some("0"));
    let outcome = build("FROM alpine\nRUN x").arg("SOURCE_DATE_EPOCH", "0").graph();
    assert_eq!(outcome.variable("SOURCE_DATE_EPOCH"), None);
    assert!(outcome.warnings.is_empty());
}

#[test]
fn settings_of_the_scanner_are_no_variables() {
    let outcome = graph("FROM alpine\nARG BUILDKIT_SBOM_SCAN_STAGE=true\nRUN x");
    assert_eq!(outcome.variable("BUILDKIT_SBOM_SCAN_STAGE"), None);
}

#[test]
fn a_build_argument_that_nothing_declares_is_a_warning() {
    let outcome =
        build("FROM alpine\nARG VERSION").arg("VERSON", "1").arg("BUILDKIT_INLINE_CACHE", "1").graph();
    assert_eq!(outcome.warnings.len(), 1);
    assert_eq!(outcome.warnings[0].code, "unused-build-arg");
    assert_eq!(outcome.warnings[0].hint.as_deref(), Some("did you mean `VERSION`?"));
}

#[test]
fn an_undefined_variable_is_empty_and_a_warning() {
    let build = build("FROM alpine\nENV NAME=x\nWORKDIR /a/$NAEM");
    let outcome = build.graph();
    assert_eq!(outcome.container().working_dir, "/a/");
    assert_eq!(outcome.warnings.len(), 1);
    assert_eq!(outcome.warnings[0].code, "undefined-variable");
    assert_eq!(build.marked(&outcome.warnings[0]), "/a/$NAEM");
    assert_eq!(outcome.warnings[0].hint.as_deref(), Some("did you mean `NAME`?"));
}

#[test]
fn commands_are_not_expanded() {
    let outcome =
        graph("FROM alpine\nENV A=1\nRUN echo $A\nCMD echo $A\nENTRYPOINT [\"$A\"]\nHEALTHCHECK CMD echo $A");
    assert_eq!(outcome.exec().args[2], "echo $A");
    assert_eq!(outcome.container().cmd.as_ref().unwrap()[2], "echo $A");
    assert_eq!(outcome.container().entrypoint.as_ref().unwrap()[0], "$A");
    assert_eq!(outcome.container().healthcheck.as_ref().unwrap().test[1], "echo $A");
}

#[test]
fn a_word_that_cannot_be_expanded_is_an_error() {
    let build = build("FROM alpine\nENV A=\"${B?is missing}\"");
    let error = build.error();
    assert_eq!(error.code, "bad-expansion");
    assert!(error.message.contains("is missing"), "{}", error.message);
    assert_eq!(build.marked(&error), "\"${B?is missing}\"");
}

#[test]
fn a_default_that_a_build_argument_replaces_is_not_expanded() {
    let outcome = build("FROM alpine\nARG A=${B?needed}\nRUN x").arg("A", "1").graph();
    assert_eq!(outcome.variable("A"), Some("1"));
}

#[test]
fn an_argument_declared_twice_is_shown_once() {
    let outcome = graph("FROM alpine\nARG A=1\nARG B=2\nARG A=3\nRUN x");
    assert_eq!(outcome.history()[3], "RUN |2 A=3 B=2 /bin/sh -c x # buildkit");
}
