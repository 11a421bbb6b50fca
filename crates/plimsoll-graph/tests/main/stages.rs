//! Stages: which are needed, and how they refer to each other.

use plimsoll_graph::{NetworkMode, Op};

use crate::support::{arm64, build, errors, graph};

#[test]
fn only_stages_that_the_target_needs_are_lowered() {
    let outcome = graph("FROM a AS a\nRUN a\nFROM b AS b\nRUN b\nFROM c\nCOPY --from=a /x /y");
    assert_eq!(outcome.execs().len(), 1);
    assert_eq!(outcome.vertices(|op| matches!(op, Op::Image(_))).len(), 2);
}

#[test]
fn the_target_is_found_by_name_in_any_case() {
    let outcome =
        build("FROM a AS build\nRUN a\nFROM b\nRUN b").with(|request| request.target = Some("Build")).graph();
    assert_eq!(outcome.exec().args[2], "a");
}

#[test]
fn a_number_is_no_target() {
    let error = build("FROM a AS build\nFROM b").with(|request| request.target = Some("0")).error();
    assert_eq!(error.code, "unknown-target");
}

#[test]
fn a_base_names_a_stage_in_lower_case_only() {
    let error = build("FROM a AS Build\nFROM BuiLD").error();
    assert_eq!(error.code, "bad-reference");
    assert_eq!(graph("FROM a AS Build\nRUN a\nFROM build\nRUN b").execs().len(), 2);
}

#[test]
fn a_target_that_does_not_exist_is_an_error_with_a_suggestion() {
    let error =
        build("FROM a AS builder\nFROM b AS final").with(|request| request.target = Some("biulder")).error();
    assert_eq!(error.code, "unknown-target");
    assert_eq!(error.hint.as_deref(), Some("did you mean `builder`?"));
    assert_eq!(error.notes, ["the stages are `builder`, `final`"]);
}

#[test]
fn a_stage_continues_the_stage_it_is_built_on() {
    let outcome = graph("FROM alpine AS Base\nENV A=1\nUSER u\nWORKDIR /w\nRUN one\nFROM base\nRUN two");
    let execs = outcome.execs();
    assert_eq!(execs[1].cwd, "/w");
    assert_eq!(execs[1].user, "u");
    assert_eq!(outcome.history().len(), 5);
    assert_eq!(outcome.image().base_history.len(), 1);
    assert_eq!(outcome.container().env.last().unwrap(), "A=1");
}

#[test]
fn files_are_copied_from_stages_by_name_and_number() {
    let outcome = graph("FROM a AS One\nRUN a\nFROM b\nCOPY --from=ONE /x /1\nCOPY --from=0 /x /2");
    let copies = outcome.vertices(|op| matches!(op, Op::Copy(_)));
    assert_eq!(copies[0].inputs[1], copies[1].inputs[1]);
    let source = &outcome.graph.vertices[copies[0].inputs[1].0];
    assert!(matches!(source.op, Op::Exec(_)));
}

#[test]
fn the_nearest_earlier_stage_of_a_name_counts() {
    let outcome = graph("FROM a AS x\nRUN one\nFROM b AS x\nRUN two\nFROM x\nRUN three");
    let args: Vec<&str> = outcome.execs().iter().map(|exec| exec.args[2].as_str()).collect();
    assert_eq!(args, ["two", "three"]);
}

#[test]
fn files_cannot_be_copied_from_a_later_stage() {
    let build = build("FROM a AS one\nCOPY --from=two /x /x\nFROM b AS two").with(|r| r.target = Some("one"));
    let error = build.error();
    assert_eq!(error.code, "stage-too-late");
    assert_eq!(build.marked(&error), "two");
    assert_eq!(error.labels.len(), 1);
}

#[test]
fn a_cycle_is_an_error_at_its_place() {
    let build = build("FROM a AS one\nCOPY --from=two /x /x\nFROM b AS two\nCOPY --from=one /x /x");
    assert_eq!(build.error().code, "stage-too-late");
}

#[test]
fn a_stage_cannot_copy_from_itself() {
    assert_eq!(errors("FROM a AS one\nCOPY --from=one /x /x")[0].code, "stage-uses-itself");
    assert_eq!(errors("FROM a AS one\nCOPY --from=0 /x /x")[0].code, "stage-uses-itself");
}

#[test]
fn a_number_that_no_stage_has_is_an_error() {
    let build = build("FROM a\nFROM b\nCOPY --from=7 /x /x");
    let error = build.error();
    assert_eq!(error.code, "unknown-stage");
    assert_eq!(build.marked(&error), "7");
    assert_eq!(error.notes, ["the file has 2 stages, counted from 0"]);
}

#[test]
fn a_name_that_is_only_defined_later_is_an_image_in_from() {
    let outcome = graph("FROM golang AS golang\nRUN x");
    assert!(outcome.names()[0].contains("docker.io/library/golang:latest@"));
}

#[test]
fn variables_in_from_of_copy_are_an_error() {
    let build = build("ARG I=a\nFROM $I\nCOPY --from=$I /x /x");
    let error = build.error();
    assert_eq!(error.code, "variable-in-from");
    assert!(error.hint.is_some());
}

#[test]
fn what_is_no_stage_is_an_image() {
    let outcome = graph("FROM scratch\nCOPY --from=busybox:1 /bin/busybox /bin/");
    let images = outcome.vertices(|op| matches!(op, Op::Image(_)));
    assert_eq!(images.len(), 1);
    let Op::Image(image) = &images[0].op else { unreachable!() };
    assert_eq!(image.reference, "docker.io/library/busybox:1");
}

#[test]
fn scratch_is_empty() {
    let outcome = graph("FROM scratch\nCOPY a /a\nCOPY --from=scratch / /b");
    assert_eq!(outcome.vertices(|op| matches!(op, Op::Scratch)).len(), 1);
    assert_eq!(outcome.container().working_dir, "/");
    assert_eq!(outcome.image().config.architecture, "amd64");
    assert!(outcome.image().base_history.is_empty());
}

#[test]
fn a_base_that_expands_to_nothing_is_an_error() {
    let build = build("ARG BASE\nFROM $BASE");
    let error = build.error();
    assert_eq!(error.code, "empty-base");
    assert_eq!(build.marked(&error), "$BASE");
}

#[test]
fn a_name_that_is_no_reference_is_an_error() {
    let build = build("FROM a AS builder\nFROM Bilder!");
    let error = build.error();
    assert_eq!(error.code, "bad-reference");
    assert_eq!(error.hint.as_deref(), Some("a stage named `builder` starts on line 1"));
}

#[test]
fn a_platform_that_is_none_is_an_error() {
    let build = build("FROM --platform=$NOTHING alpine");
    let error = build.error();
    assert_eq!(error.code, "bad-platform");
    assert_eq!(build.marked(&error), "$NOTHING");
}

#[test]
fn a_file_without_stages_is_an_error() {
    assert_eq!(errors("ARG A=1")[0].code, "no-stage");
}

#[test]
fn only_arguments_come_before_the_first_stage() {
    let codes: Vec<&str> = errors("RUN x\nFROM a").iter().map(|error| error.code).collect();
    assert_eq!(codes, ["instruction-before-from"]);
}

#[test]
fn equal_steps_are_one_vertex() {
    let outcome = graph(
        "FROM alpine AS a\nRUN x\nFROM alpine AS b\nRUN x\nFROM scratch\nCOPY --from=a /1 /\nCOPY --from=b /2 /\nCOPY c /\nCOPY d /",
    );
    assert_eq!(outcome.execs().len(), 1);
    assert_eq!(outcome.vertices(|op| matches!(op, Op::Local { .. })).len(), 1);
}

#[test]
fn inputs_come_before_what_uses_them() {
    let outcome = graph(
        "FROM a AS a\nCOPY . .\nFROM b AS b\nRUN --mount=from=a,target=/a x\nFROM a\nCOPY --from=b /x /x\nCOPY --from=c /y /y",
    );
    for (index, vertex) in outcome.graph.vertices.iter().enumerate() {
        assert!(vertex.inputs.iter().all(|input| input.0 < index));
    }
    assert_eq!(outcome.image().root.0, outcome.graph.vertices.len() - 1);
}

#[test]
fn the_cache_can_be_refused_for_all_stages_or_by_name() {
    let text = "FROM a AS one\nRUN one\nFROM b AS two\nCOPY --from=one / /\nRUN two";
    let outcome = build(text).with(|request| request.no_cache = true).graph();
    let steps = outcome.vertices(|op| matches!(op, Op::Exec(_) | Op::Copy(_)));
    assert!(steps.iter().all(|vertex| vertex.no_cache));
    let outcome = build(text).with(|request| request.no_cache_stages = vec!["ONE".to_owned()].leak()).graph();
    let forced: Vec<bool> =
        outcome.vertices(|op| matches!(op, Op::Exec(_))).iter().map(|vertex| vertex.no_cache).collect();
    assert_eq!((forced, outcome.warnings.len()), (vec![true, false], 0));
    let outcome = build(text).with(|request| request.no_cache_stages = vec!["on".to_owned()].leak()).graph();
    assert_eq!(outcome.warnings[0].code, "unknown-stage");
    assert_eq!(outcome.warnings[0].hint.as_deref(), Some("did you mean `one`?"));
}

#[test]
fn steps_are_named_for_people() {
    let outcome = graph(
        "FROM node AS build\nWORKDIR /app\nCOPY . .\nrun npm ci\nFROM scratch\nCOPY --from=build /app /app",
    );
    let names = outcome.names();
    assert!(names[0].starts_with("[build 1/4] FROM docker.io/library/node:latest@sha256:"), "{names:?}");
    assert_eq!(
        names[1..],
        [
            "[build 2/4] WORKDIR /app",
            "[internal] load build context",
            "[build 3/4] COPY . .",
            "[build 4/4] RUN npm ci",
            "[internal] empty root",
            "[stage-1 1/1] COPY --from=build /app /app",
        ]
    );
    let steps = outcome.vertices(|op| matches!(op, Op::Exec(_) | Op::Copy(_)));
    assert_eq!(steps[0].stage.as_deref(), Some("build"));
    assert_eq!(steps[2].stage.as_deref(), Some("1"));
}

#[test]
fn a_single_stage_without_a_name_is_not_named() {
    let outcome = graph("FROM alpine\nRUN a");
    assert_eq!(outcome.names()[1], "[2/2] RUN a");
    let run = outcome.vertices(|op| matches!(op, Op::Exec(_)))[0];
    assert_eq!(run.span.unwrap().start, 12);
}

#[test]
fn step_numbers_are_aligned_and_platforms_shown() {
    let lines: Vec<String> = (0..10).map(|n| format!("RUN {n}")).collect();
    let text = format!("FROM alpine\n{}", lines.join("\n"));
    let outcome = build(&text)
        .with(|request| {
            request.multi_platform = true;
            request.target_platform = arm64();
        })
        .graph();
    assert_eq!(outcome.names()[1], "[linux/arm64  2/11] RUN 0");
    assert_eq!(outcome.names()[10], "[linux/arm64 11/11] RUN 9");
}

#[test]
fn a_stage_that_knows_its_target_says_so_behind_an_arrow() {
    for (arguments, shown) in [
        ("", "linux/amd64"),
        ("ARG TARGETPLATFORM\n", "linux/amd64->arm64"),
        ("ARG TARGETARCH\n", "linux/amd64->arm64"),
        ("ARG TARGETOS\n", "linux/amd64"),
    ] {
        let text = format!("FROM --platform=linux/amd64 alpine AS a\n{arguments}RUN x");
        let outcome = build(&text)
            .with(|request| {
                request.multi_platform = true;
                request.target_platform = arm64();
            })
            .graph();
        assert_eq!(outcome.names()[1], format!("[{shown} a 2/2] RUN x"));
    }
}

#[test]
fn labels_of_the_caller_are_set_at_the_end_and_leave_no_history() {
    let outcome = build("FROM alpine\nLABEL a=1 b=2")
        .with(|request| request.labels = vec![("a".to_owned(), "9".to_owned())].leak())
        .graph();
    assert_eq!(outcome.container().labels["a"], "9");
    assert_eq!(outcome.history(), ["LABEL a=1 b=2"]);
}

#[test]
fn the_network_of_the_build_is_that_of_its_steps() {
    let outcome = build("FROM a\nRUN x\nRUN --network=default y\nRUN --network=host z")
        .with(|request| request.network = NetworkMode::None)
        .graph();
    let modes: Vec<NetworkMode> = outcome.execs().iter().map(|exec| exec.network).collect();
    assert_eq!(modes, [NetworkMode::None, NetworkMode::None, NetworkMode::Host]);
}
