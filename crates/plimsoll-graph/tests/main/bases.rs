//! Base images and named contexts: what is asked for, and what is made of the answers.

use std::cell::RefCell;
use std::rc::Rc;

use plimsoll_graph::{Graph, MAIN_CONTEXT, Op};
use plimsoll_oci::ContainerConfig;

use crate::support::{amd64, arm64, build, graph};

#[test]
fn everything_that_is_not_known_is_asked_for_at_once() {
    let build = build(
        "FROM golang:1 AS build\nRUN --mount=from=tools,target=/t x\nFROM unused\nFROM --platform=linux/arm64 debian\n\
         COPY --from=build / /\nCOPY --from=busybox /bin /bin\nCOPY --from=golang:1 / /",
    );
    let missing = build.missing(&|_| false);
    let asked: Vec<String> =
        missing.iter().map(|base| format!("{} {}", base.request.name, base.request.platform)).collect();
    assert_eq!(
        asked,
        [
            "docker.io/library/golang:1 linux/amd64",
            "docker.io/library/tools:latest linux/amd64",
            "docker.io/library/debian:latest linux/arm64",
            "docker.io/library/busybox:latest linux/amd64",
        ]
    );
    assert_eq!(missing[0].span.start, 5);
}

#[test]
fn what_is_known_is_not_asked_for_again() {
    let build = build("FROM a\nCOPY --from=b / /");
    let missing = build.missing(&|request| request.name.contains("/a:"));
    assert_eq!(missing.len(), 1);
    assert_eq!(missing[0].request.name, "docker.io/library/b:latest");
}

#[test]
fn a_missing_image_that_is_nearly_a_stage_comes_with_a_hint() {
    let build = build("FROM a AS builder\nFROM b\nCOPY --from=biulder /x /x");
    let missing = build.missing(&|request| !request.name.contains("biulder"));
    assert_eq!(missing[0].hint.as_deref(), Some("a stage named `builder` starts on line 1"));
}

#[test]
fn a_missing_base_that_is_a_later_stage_comes_with_a_hint() {
    let build = build("FROM builder AS app\nFROM a AS builder\nFROM app");
    let missing = build.missing(&|_| false);
    let hint = missing[0].hint.as_deref().unwrap();
    assert!(hint.contains("only defined later, on line 2"), "{hint}");
}

#[test]
fn one_manifest_is_one_vertex() {
    let outcome = graph(
        "FROM a AS one\nRUN x\nFROM a:latest\nCOPY --from=one / /\nCOPY --from=docker.io/library/a / /",
    );
    assert_eq!(outcome.vertices(|op| matches!(op, Op::Image(_))).len(), 1);
}

#[test]
fn everything_of_the_base_config_is_inherited() {
    let base = ContainerConfig {
        user: "app".into(),
        env: vec!["PATH=/p".into(), "A=1".into()],
        entrypoint: Some(vec!["/e".into()]),
        cmd: Some(vec!["c".into()]),
        working_dir: "/w".into(),
        stop_signal: Some("SIGINT".into()),
        stop_timeout: Some(3),
        shell: Some(vec!["/bin/bash".into(), "-c".into()]),
        labels: [("l".to_owned(), "1".to_owned())].into(),
        ..ContainerConfig::default()
    };
    let outcome = build("FROM base\nRUN x").base("docker.io/library/base:latest", base.clone()).graph();
    assert_eq!(*outcome.container(), base);
    let exec = outcome.exec();
    assert_eq!(exec.args, ["/bin/bash", "-c", "x"]);
    assert_eq!((exec.cwd.as_str(), exec.user.as_str()), ("/w", "app"));
    assert_eq!(outcome.image().config.created.as_deref(), Some("2026-01-02T03:04:05Z"));
    assert!(outcome.image().config.history.is_empty());
    assert!(outcome.image().config.rootfs.diff_ids.is_empty());
}

#[test]
fn a_directory_context_is_copied_from() {
    let outcome = build("FROM scratch\nCOPY --from=assets a /a\nCOPY b /b").directory("assets").graph();
    let locals: Vec<_> =
        outcome.vertices(|op| matches!(op, Op::Local { .. })).iter().map(|v| &v.op).collect();
    assert_eq!(locals, [&Op::Local { name: "assets".into() }, &Op::Local { name: MAIN_CONTEXT.into() }]);
}

#[test]
fn a_directory_context_can_be_a_base() {
    let outcome = build("FROM tree\nRUN x").directory("tree").graph();
    assert_eq!(outcome.copy().destination, "/");
    assert_eq!(outcome.history(), ["RUN /bin/sh -c x # buildkit", "[1/2] RUN x"]);
    let history = &outcome.image().history;
    assert!(history[0].vertex < history[1].vertex && history[1].fills_in);
    assert_eq!(build("FROM tree").directory("tree").graph().history(), ["local source for tree"]);
}

#[test]
fn an_image_context_stands_in_for_a_name_in_any_spelling() {
    for written in ["alpine", "alpine:latest", "docker.io/library/alpine"] {
        let outcome = build(&format!("FROM {written}\nRUN x"))
            .image("alpine", "debian://stable?variant=minbase")
            .graph();
        let Op::Image(image) = &outcome.graph.vertices[0].op else { panic!("no image") };
        assert_eq!(image.reference, "debian://stable?variant=minbase", "{written}");
    }
    let outcome = build("FROM alpine:3\nRUN x").image("alpine", "other").graph();
    assert!(outcome.names()[0].contains("docker.io/library/alpine:3@"));
}

#[test]
fn a_context_stands_in_for_a_whole_stage() {
    let outcome = build("FROM alpine AS deps\nRUN never\nFROM scratch\nCOPY --from=deps /x /x")
        .image("deps", "registry.test/deps:1")
        .graph();
    assert!(outcome.execs().is_empty());
    let Op::Image(image) = &outcome.vertices(|op| matches!(op, Op::Image(_)))[0].op else { unreachable!() };
    assert_eq!(image.reference, "registry.test/deps:1");
}

#[test]
fn a_directory_that_stands_in_for_a_stage_is_copied_from_directly() {
    for from in ["deps", "0"] {
        let text = format!("FROM alpine AS deps\nRUN never\nFROM scratch\nCOPY --from={from} x /x");
        let outcome = build(&text).directory("deps").graph();
        let step = outcome.vertices(|op| matches!(op, Op::Copy(_)))[0];
        let source = &outcome.graph.vertices[step.inputs[1].0];
        assert_eq!(source.op, Op::Local { name: "deps".into() });
    }
}

#[test]
fn a_stage_that_a_context_stands_in_for_can_be_the_target() {
    let outcome = build("FROM alpine AS deps\nRUN never")
        .image("deps", "registry.test/deps:1")
        .base(
            "registry.test/deps:1",
            ContainerConfig { on_build: vec!["RUN x".into()], ..ContainerConfig::default() },
        )
        .graph();
    assert_eq!(outcome.graph.vertices.len(), 1);
    assert_eq!(outcome.container().on_build, ["RUN x"]);
}

#[test]
fn scratch_is_never_a_context() {
    let outcome = build("FROM scratch\nCOPY a /a").directory("scratch").graph();
    assert_eq!(outcome.vertices(|op| matches!(op, Op::Scratch)).len(), 1);
    assert_eq!(outcome.history(), ["COPY a /a # buildkit"]);
}

#[test]
fn an_image_without_layers_is_an_empty_root() {
    let outcome = build("FROM hollow\nCOPY a /a").without_layers("docker.io/library/hollow:latest").graph();
    assert!(outcome.vertices(|op| matches!(op, Op::Image(_))).is_empty());
    assert_eq!(outcome.vertices(|op| matches!(op, Op::Scratch)).len(), 1);
    assert_eq!(outcome.container().variable("BASE"), Some("base"));
}

#[test]
fn the_config_names_the_platform_that_was_asked_for() {
    let text = "FROM --platform=linux/arm64 alpine\nRUN x";
    let implied = build(text).graph();
    assert_eq!(implied.image().config.architecture, "arm64");
    assert_eq!(implied.image().platform, arm64());
    let asked = build(text).with(|request| request.platform_requested = true).graph();
    assert_eq!(asked.image().config.architecture, "amd64");
    assert_eq!(asked.image().platform, amd64());
    assert_eq!(asked.vertices(|op| matches!(op, Op::Exec(_)))[0].platform, arm64());
}

#[test]
fn graphs_of_several_platforms_share_what_is_equal() {
    let text =
        "FROM --platform=$BUILDPLATFORM go AS b\nCOPY . .\nRUN build\nFROM alpine\nCOPY --from=b /o /o";
    let one = build(text).with(|request| request.platform_requested = true).graph();
    let two = build(text)
        .with(|request| {
            request.platform_requested = true;
            request.target_platform = arm64();
        })
        .graph();
    let alone = one.graph.vertices.len();
    let merged = Graph::merge([one.graph, two.graph]);
    assert_eq!(merged.images.len(), 2);
    assert_eq!(merged.vertices.len(), alone + 2);
    assert_ne!(merged.images[0].root, merged.images[1].root);
    for image in &merged.images {
        assert_eq!(image.history.last().unwrap().vertex, Some(image.root));
    }
    for (index, vertex) in merged.vertices.iter().enumerate() {
        assert!(vertex.inputs.iter().all(|input| input.0 < index));
    }
}

#[test]
fn a_base_is_asked_for_on_its_own_platform() {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&seen);
    let build = build("FROM --platform=linux/arm64 a AS x\nFROM b\nCOPY --from=x / /\nCOPY --from=c / /");
    let known = move |request: &plimsoll_graph::BaseRequest| {
        log.borrow_mut().push(request.to_owned());
        true
    };
    assert!(build.lower(&known).is_ok());
    let mut asked: Vec<String> = seen.borrow().iter().map(|r| format!("{} {}", r.name, r.platform)).collect();
    asked.sort();
    assert_eq!(
        asked,
        [
            "docker.io/library/a:latest linux/arm64",
            "docker.io/library/b:latest linux/amd64",
            "docker.io/library/c:latest linux/amd64",
        ]
    );
}
