//! `RUN --mount`.

use plimsoll_graph::{CacheSharing, ExecMount, MountKind, Op};

use crate::support::{build, graph, value};

fn mount(flag: &str) -> ExecMount {
    let outcome = graph(&format!("FROM alpine\nWORKDIR /w\nRUN --mount={flag} x"));
    assert_eq!(outcome.exec().mounts.len(), 1);
    outcome.exec().mounts[0].clone()
}

fn refused(flag: &str) -> String {
    let build = build(&format!("FROM alpine\nRUN --mount={flag} x"));
    let error = build.error();
    assert_eq!(error.code, "bad-mount");
    assert_eq!(build.marked(&error), flag);
    error.message
}

#[test]
fn a_bind_mount_shows_the_context_read_only() {
    let mount = mount("source=src/,target=code");
    assert_eq!(mount.target, "/w/code");
    assert_eq!(mount.kind, MountKind::Bind { input: 1, source: "src".into(), read_write: false });
}

#[test]
fn a_bind_mount_shows_a_stage_or_an_image() {
    let outcome = graph(
        "FROM a AS a\nRUN a\nFROM b\nRUN --mount=from=a,target=/a --mount=type=bind,from=tools,target=/t,rw --mount=target=/c x",
    );
    let step = outcome.vertices(|op| matches!(op, Op::Exec(_)))[1];
    assert_eq!(step.inputs.len(), 4);
    assert!(matches!(outcome.graph.vertices[step.inputs[1].0].op, Op::Exec(_)));
    assert!(matches!(outcome.graph.vertices[step.inputs[2].0].op, Op::Image(_)));
    assert!(matches!(outcome.graph.vertices[step.inputs[3].0].op, Op::Local { .. }));
    // Mounts are in the order of their targets: one on another's directory comes after it.
    let targets: Vec<&str> = outcome.execs()[1].mounts.iter().map(|mount| mount.target.as_str()).collect();
    assert_eq!(targets, ["/a", "/c", "/t"]);
    let MountKind::Bind { read_write, source, .. } = &outcome.execs()[1].mounts[2].kind else { panic!() };
    assert!(read_write);
    assert_eq!(source, ".");
}

#[test]
fn one_vertex_mounted_twice_is_one_input() {
    let outcome = graph("FROM a\nRUN --mount=source=x,target=/x --mount=source=y,target=/y x");
    assert_eq!(outcome.vertices(|op| matches!(op, Op::Exec(_)))[0].inputs.len(), 2);
}

#[test]
fn the_root_itself_can_be_mounted_and_is_an_input_of_its_own() {
    let outcome = graph("FROM a AS a\nFROM a\nRUN --mount=from=a,target=/a x");
    let step = outcome.vertices(|op| matches!(op, Op::Exec(_)))[0];
    assert_eq!(step.inputs[0], step.inputs[1]);
}

#[test]
fn a_cache_has_defaults() {
    let mount = mount("type=cache,target=/root/.cache/");
    assert_eq!(mount.target, "/root/.cache");
    let MountKind::Cache { id, sharing, input, source, mode, uid, gid, read_only } = mount.kind else {
        panic!()
    };
    assert_eq!(id, "/root/.cache");
    assert_eq!(sharing, CacheSharing::Shared);
    assert_eq!((input, source.as_str()), (None, "."));
    assert_eq!((mode, uid, gid, read_only), (0o755, 0, 0, false));
}

#[test]
fn a_cache_takes_all_its_options() {
    let text = "FROM seed AS seed\nFROM a\nRUN --mount=type=cache,id=c,target=/c,sharing=locked,from=seed,source=/s,mode=0700,uid=1,gid=2,ro x";
    let MountKind::Cache { id, sharing, input, source, mode, uid, gid, read_only } =
        graph(text).exec().mounts[0].kind.clone()
    else {
        panic!()
    };
    assert_eq!((id.as_str(), sharing, input, source.as_str()), ("c", CacheSharing::Locked, Some(1), "s"));
    assert_eq!((mode, uid, gid, read_only), (0o700, 1, 2, true));
}

#[test]
fn caches_are_kept_apart_by_a_namespace() {
    let id = |namespace: Option<&'static str>, argument: bool| {
        let mut build = build("FROM a\nRUN --mount=type=cache,id=c,target=/c x")
            .with(move |request| request.cache_mount_namespace = namespace);
        if argument {
            build = build.arg("BUILDKIT_CACHE_MOUNT_NS", "arg");
        }
        let MountKind::Cache { id, .. } = build.graph().exec().mounts[0].kind.clone() else { panic!() };
        id
    };
    assert_eq!(id(None, false), "c");
    assert_eq!(id(None, true), "arg/c");
    assert_eq!(id(Some("ns"), true), "ns/c");
}

#[test]
fn values_of_a_mount_are_expanded() {
    let outcome = graph("FROM a\nARG ID=i T=/t\nRUN --mount=type=cache,id=$ID,target=$T x");
    let mount = &outcome.exec().mounts[0];
    assert_eq!(mount.target, "/t");
    assert!(matches!(&mount.kind, MountKind::Cache { id, .. } if id == "i"));
}

#[test]
fn a_tmpfs_has_a_size() {
    assert_eq!(mount("type=tmpfs,target=/t,size=1m").kind, MountKind::Tmpfs { size: Some(1 << 20) });
}

#[test]
fn a_secret_is_a_file_under_run() {
    let mount = mount("type=secret,id=token");
    assert_eq!(mount.target, "/run/secrets/token");
    let kind = MountKind::Secret {
        id: "token".into(),
        variable: None,
        required: false,
        mode: 0o400,
        uid: 0,
        gid: 0,
    };
    assert_eq!(mount.kind, kind);
}

#[test]
fn a_secret_takes_its_id_from_source_or_target() {
    assert!(matches!(mount("type=secret,src=a").kind, MountKind::Secret { id, .. } if id == "a"));
    let mount = mount("type=secret,target=sub/netrc");
    assert_eq!(mount.target, "/w/sub/netrc");
    assert!(matches!(mount.kind, MountKind::Secret { id, .. } if id == "netrc"));
}

#[test]
fn a_secret_may_be_a_variable_only_or_both() {
    let only = mount("type=secret,id=TOKEN,env=TOKEN");
    assert_eq!(only.target, "");
    assert!(matches!(only.kind, MountKind::Secret { variable: Some(name), .. } if name == "TOKEN"));
    let both = mount("type=secret,id=t,env=NAME,target=/t,required=true");
    assert_eq!(both.target, "/t");
    assert!(
        matches!(both.kind, MountKind::Secret { variable: Some(name), required: true, .. } if name == "NAME")
    );
}

#[test]
fn agents_are_numbered_and_the_first_is_in_the_environment() {
    let outcome = graph("FROM a\nRUN --mount=type=ssh --mount=type=ssh,id=other,required x");
    let exec = outcome.exec();
    assert_eq!(exec.mounts[0].target, "/run/buildkit/ssh_agent.0");
    assert_eq!(exec.mounts[1].target, "/run/buildkit/ssh_agent.1");
    assert_eq!(value(exec, "SSH_AUTH_SOCK"), Some("/run/buildkit/ssh_agent.0"));
    assert!(
        matches!(&exec.mounts[0].kind, MountKind::Ssh { id, required: false, mode: 0o600, .. } if id == "default")
    );
    assert!(matches!(&exec.mounts[1].kind, MountKind::Ssh { id, required: true, .. } if id == "other"));
}

#[test]
fn a_socket_variable_of_the_image_stays() {
    let outcome = graph("FROM a\nENV SSH_AUTH_SOCK=/s\nRUN --mount=type=ssh,target=/agent x");
    assert_eq!(value(outcome.exec(), "SSH_AUTH_SOCK"), Some("/s"));
    assert_eq!(outcome.exec().mounts[0].target, "/agent");
}

#[test]
fn what_is_no_mount_is_refused_at_its_place() {
    assert_eq!(refused("type=bind,target=/"), "nothing can be mounted on `/`");
    assert_eq!(refused("type=cache,id=a"), "a mount of type `cache` needs `target`");
    refused("type=bind,target=/a,z");
    refused("type=secret");
    refused("from=$A,target=/a");
}

#[test]
fn a_later_stage_cannot_be_mounted() {
    let error = build("FROM a AS one\nRUN --mount=from=two,target=/t x\nFROM b AS two\nFROM one").error();
    assert_eq!(error.code, "stage-too-late");
}
