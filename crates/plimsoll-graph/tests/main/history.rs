//! The history of an image: its wording, and which entries have layers.

use plimsoll_graph::Op;

use crate::support::graph;

#[test]
fn a_usual_file_has_the_usual_history() {
    let outcome = graph(
        "FROM node:22\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .\nENV NODE_ENV=production A=\"b c\"\n\
         USER node\nEXPOSE 3000\nENTRYPOINT [\"tini\", \"--\"]\nCMD [\"node\", \"a.js\"]",
    );
    assert_eq!(
        outcome.history(),
        [
            "WORKDIR /app",
            "COPY package.json package-lock.json ./ # buildkit",
            "RUN /bin/sh -c npm ci # buildkit",
            "COPY . . # buildkit",
            "ENV NODE_ENV=production A=b c",
            "USER node",
            "EXPOSE [3000/tcp]",
            "ENTRYPOINT [\"tini\" \"--\"]",
            "CMD [\"node\" \"a.js\"]",
        ]
    );
    let layers: Vec<bool> = outcome.image().history.iter().map(|entry| entry.vertex.is_some()).collect();
    assert_eq!(layers, [true, true, true, true, false, false, false, false, false]);
}

#[test]
fn an_entry_with_a_layer_names_the_vertex_that_made_it() {
    let outcome = graph("FROM a\nRUN one\nLABEL a=b\nRUN two");
    let [one, label, two] = outcome.image().history.as_slice() else { panic!("three entries") };
    assert_eq!(label.vertex, None);
    let command =
        |vertex: Option<plimsoll_graph::VertexId>| match &outcome.graph.vertices[vertex.unwrap().0].op {
            Op::Exec(exec) => exec.args[2].clone(),
            other => panic!("{other:?}"),
        };
    assert_eq!(command(one.vertex), "one");
    assert_eq!(command(two.vertex), "two");
    assert_eq!(two.vertex, Some(outcome.image().root));
}

#[test]
fn relative_directories_are_whole_in_the_history() {
    assert_eq!(graph("FROM a\nWORKDIR a\nWORKDIR b/").history(), ["WORKDIR /a", "WORKDIR /a/b"]);
}

#[test]
fn sources_of_a_copy_are_shown_without_the_stage() {
    let outcome = graph("FROM a AS s\nFROM b\nCOPY --from=s --chown=1 /out /x");
    assert_eq!(outcome.history(), ["COPY --chown=1 /out /x # buildkit"]);
}

#[test]
fn the_history_of_the_base_comes_first() {
    let outcome = graph("FROM a\nRUN x");
    assert_eq!(outcome.image().base_history[0].created_by.as_deref(), Some("base"));
    assert_eq!(outcome.image().history.len(), 1);
}

#[test]
fn an_image_may_consist_of_config_only() {
    let outcome = graph("FROM scratch\nLABEL a=b");
    assert_eq!(outcome.history(), ["LABEL a=b"]);
    assert!(matches!(outcome.graph.vertices[outcome.image().root.0].op, Op::Scratch));
    assert_eq!(outcome.graph.vertices.len(), 1);
}
