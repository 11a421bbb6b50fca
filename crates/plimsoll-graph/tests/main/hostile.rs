//! Files put together at random: whatever they say, lowering ends with a graph that holds together, or with an error.

use plimsoll_diagnostics::{Diagnostic, SourceFile};
use plimsoll_dockerfile::parse;
use plimsoll_graph::{BaseImage, Graph, Lowered, NamedContext, Op, Request, lower};
use plimsoll_oci::{Digest, ImageConfig, Platform};
use proptest::prelude::*;

const LINES: &[&str] = &[
    "FROM alpine",
    "FROM scratch",
    "FROM a AS a",
    "FROM a AS b",
    "FROM b AS a",
    "FROM $A",
    "FROM --platform=$TARGETPLATFORM b",
    "FROM tree AS t",
    "ARG A=1",
    "ARG A B=$A",
    "ARG TARGETARCH",
    "ENV A=$B B=${A:-x} C=\"$A\"",
    "ENV A ${A#*x}",
    "WORKDIR ../$A",
    "WORKDIR /",
    "USER $A",
    "COPY . .",
    "COPY --from=a / $A/",
    "COPY --from=0 *.c a/./b /x",
    "COPY --from=9 a b",
    "COPY --from=t a b",
    "COPY --from=$A a b",
    "COPY --parents --link --chown=$A --chmod=$B a/./b c/",
    "COPY <<E /x\n$A\nE",
    "ADD https://host/$A /x",
    "ADD --unpack=false $A \"\"",
    "RUN $A",
    "RUN [\"a\"]",
    "RUN <<E\n#!x\nE",
    "RUN --mount=type=cache,target=$A x",
    "RUN --mount=from=b,target=/b --mount=type=ssh x",
    "RUN --mount=type=secret,id=$A,env x",
    "RUN --network=$A x",
    "EXPOSE $A 1-3/udp",
    "VOLUME $A",
    "LABEL a=$A",
    "CMD a",
    "ENTRYPOINT []",
    "HEALTHCHECK CMD $A",
    "SHELL [\"x\"]",
    "STOPSIGNAL $A",
    "ONBUILD RUN $A",
    "ONBUILD COPY --from=a x y",
    "MAINTAINER me",
    "NONSENSE",
];

fn try_to_lower(text: &str, argument: Option<&str>) -> Result<Option<Graph>, Vec<Diagnostic>> {
    let source = SourceFile::new("Dockerfile", text);
    let parsed = parse(&source);
    let arguments = argument.map(|value| ("A".to_owned(), value.to_owned())).into_iter().collect();
    let contexts = [("tree".to_owned(), NamedContext::Directory)].into();
    let bases = |request: &plimsoll_graph::BaseRequest| {
        let mut config = ImageConfig::empty(&request.platform);
        config.rootfs.diff_ids = vec![plimsoll_oci::DiffId(Digest::of("x"))];
        config.config.on_build = vec!["RUN trigger $A".into(), "COPY --from=tree x /".into()];
        Some(BaseImage { manifest: Digest::of(&request.name), reference: request.name.clone(), config })
    };
    let platform = Platform::new("linux", "amd64");
    let request = Request::new(&parsed.dockerfile, &source, &arguments, &contexts, platform, &bases);
    match lower(&request)? {
        Lowered::Graph { graph, warnings } => {
            assert!(!warnings.iter().any(Diagnostic::is_error));
            Ok(Some(graph))
        }
        Lowered::NeedsBases(missing) => panic!("all bases are known: {missing:?}"),
    }
}

fn check(graph: &Graph) {
    let image = &graph.images[0];
    let mut used = vec![false; graph.vertices.len()];
    used[image.root.0] = true;
    for (index, vertex) in graph.vertices.iter().enumerate().rev() {
        assert!(used[index], "`{}` is of no use", vertex.name);
        for input in &vertex.inputs {
            assert!(input.0 < index);
            used[input.0] = true;
        }
        let needs_root = matches!(vertex.op, Op::Exec(_) | Op::Copy(_) | Op::MakeDir(_));
        assert_eq!(needs_root, !vertex.inputs.is_empty());
    }
    let layers = image.history.iter().filter_map(|entry| entry.vertex);
    assert!(layers.clone().zip(layers.skip(1)).all(|(before, after)| before < after));
}

proptest! {
    #[test]
    fn any_file_gives_a_whole_graph_or_errors(
        lines in proptest::collection::vec(proptest::sample::select(LINES), 0..14),
        argument in proptest::option::of("[a-z0-9 :/.$*,=-]{0,8}"),
    ) {
        for head in ["FROM alpine AS a\n", ""] {
            let text = format!("{head}{}", lines.join("\n"));
            match try_to_lower(&text, argument.as_deref()) {
                Ok(Some(graph)) => check(&graph),
                Ok(None) => unreachable!("a graph or errors"),
                Err(errors) => prop_assert!(errors.iter().any(Diagnostic::is_error)),
            }
        }
    }
}

#[test]
fn a_file_of_good_lines_gives_a_graph() {
    let good =
        ["FROM scratch AS a", "FROM tree AS b", "ENV A=1 B=2", "COPY --from=a / $A/", "RUN $A", "WORKDIR $B"];
    let graph = try_to_lower(&good.join("\n"), None).unwrap().unwrap();
    check(&graph);
    assert_eq!(graph.images[0].history.len(), 5);
}
