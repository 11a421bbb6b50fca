//! The text of an op: what changes it, and what does not.

use plimsoll_graph::{
    AddSource, CacheSharing, CopyOp, CopySource, ExecMount, ExecOp, ImageOp, InlineFile, MakeDirOp,
    MountKind, NetworkMode, Op, OwnerSpec, SecurityMode, canonical,
};
use plimsoll_oci::Digest;

fn exec() -> ExecOp {
    ExecOp {
        args: vec!["a".into()],
        env: vec![("A".into(), "1".into())],
        proxy_env: Vec::new(),
        cwd: "/".into(),
        user: String::new(),
        network: NetworkMode::Default,
        security: SecurityMode::Sandbox,
        mounts: Vec::new(),
        hostname: None,
        devices: Vec::new(),
        files: Vec::new(),
    }
}

fn copy() -> CopyOp {
    CopyOp {
        sources: vec![CopySource::Path { input: 1, pattern: "a".into() }],
        destination: "/".into(),
        owner: None,
        mode: None,
        parents: false,
        exclude: Vec::new(),
        link: false,
        unpack: false,
    }
}

fn changed_exec(change: impl FnOnce(&mut ExecOp)) -> Op {
    let mut op = exec();
    change(&mut op);
    Op::Exec(op)
}

fn changed_copy(change: impl FnOnce(&mut CopyOp)) -> Op {
    let mut op = copy();
    change(&mut op);
    Op::Copy(op)
}

fn mounted(kind: MountKind) -> Op {
    changed_exec(|op| op.mounts = vec![ExecMount { kind, target: "/m".into() }])
}

#[test]
fn the_text_starts_with_the_schema() {
    let text = String::from_utf8(canonical(&Op::Local { name: "context".into() })).unwrap();
    assert_eq!(text, "plimsoll-op/2\n{\"op\":\"local\",\"name\":\"context\"}");
}

#[test]
fn fields_that_are_not_in_the_key_do_not_change_the_text() {
    let image =
        |reference: &str| Op::Image(ImageOp { manifest: Digest::of("m"), reference: reference.into() });
    assert_eq!(canonical(&image("a")), canonical(&image("b")));
    let proxied = changed_exec(|op| op.proxy_env = vec![("HTTP_PROXY".into(), "http://p".into())]);
    assert_eq!(canonical(&proxied), canonical(&Op::Exec(exec())));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of all fields")]
fn every_other_field_changes_the_text() {
    let cache = |id: &str, sharing, input, source: &str, mode, uid, gid, read_only| {
        let (id, source) = (id.to_owned(), source.to_owned());
        mounted(MountKind::Cache { id, sharing, input, source, mode, uid, gid, read_only })
    };
    let secret = |id: &str, variable: Option<&str>, required, mode, uid, gid| {
        let (id, variable) = (id.to_owned(), variable.map(str::to_owned));
        mounted(MountKind::Secret { id, variable, required, mode, uid, gid })
    };
    let ssh = |id: &str, required, mode, uid, gid| {
        mounted(MountKind::Ssh { id: id.to_owned(), required, mode, uid, gid })
    };
    let bind = |input, source: &str, read_write| {
        mounted(MountKind::Bind { input, source: source.to_owned(), read_write })
    };
    let remote = |url: &str, checksum, unpack| {
        changed_copy(|op| {
            op.sources = vec![CopySource::Remote(AddSource {
                url: url.to_owned(),
                name: "x".to_owned(),
                checksum,
                unpack,
            })];
        })
    };
    let inline = |name: &str, text: &str| {
        changed_copy(|op| op.sources = vec![CopySource::Inline { name: name.into(), text: text.into() }])
    };
    let file = |path: &str, text: &str, mode| {
        changed_exec(|op| op.files = vec![InlineFile { path: path.into(), text: text.into(), mode }])
    };
    let owner = |user: &str, group: Option<&str>| {
        changed_copy(|op| op.owner = Some(OwnerSpec { user: user.into(), group: group.map(str::to_owned) }))
    };
    let make =
        |path: &str, mode, user: &str| Op::MakeDir(MakeDirOp { path: path.into(), mode, user: user.into() });
    let (shared, locked) = (CacheSharing::Shared, CacheSharing::Locked);
    let ops = [
        Op::Scratch,
        Op::Image(ImageOp { manifest: Digest::of("m"), reference: String::new() }),
        Op::Image(ImageOp { manifest: Digest::of("n"), reference: String::new() }),
        Op::Local { name: "a".into() },
        Op::Local { name: "b".into() },
        Op::Exec(exec()),
        changed_exec(|op| op.args = vec!["b".into()]),
        changed_exec(|op| op.args = vec!["a".into(), String::new()]),
        changed_exec(|op| op.env = vec![("A".into(), "2".into())]),
        changed_exec(|op| op.env.push(("B".into(), "1".into()))),
        changed_exec(|op| op.cwd = "/a".into()),
        changed_exec(|op| op.user = "a".into()),
        changed_exec(|op| op.network = NetworkMode::None),
        changed_exec(|op| op.network = NetworkMode::Host),
        changed_exec(|op| op.security = SecurityMode::Insecure),
        changed_exec(|op| op.hostname = Some("a".into())),
        file("/f", "a", 0o755),
        file("/g", "a", 0o755),
        file("/f", "b", 0o755),
        file("/f", "a", 0o700),
        changed_exec(|op| {
            op.mounts = vec![ExecMount { kind: MountKind::Tmpfs { size: None }, target: "/x".into() }];
        }),
        mounted(MountKind::Tmpfs { size: None }),
        mounted(MountKind::Tmpfs { size: Some(1) }),
        bind(1, "a", false),
        bind(2, "a", false),
        bind(1, "b", false),
        bind(1, "a", true),
        cache("a", shared, None, ".", 0o755, 0, 0, false),
        cache("b", shared, None, ".", 0o755, 0, 0, false),
        cache("a", locked, None, ".", 0o755, 0, 0, false),
        cache("a", shared, Some(1), ".", 0o755, 0, 0, false),
        cache("a", shared, None, "s", 0o755, 0, 0, false),
        cache("a", shared, None, ".", 0o700, 0, 0, false),
        cache("a", shared, None, ".", 0o755, 1, 0, false),
        cache("a", shared, None, ".", 0o755, 0, 1, false),
        cache("a", shared, None, ".", 0o755, 0, 0, true),
        secret("a", None, false, 0o400, 0, 0),
        secret("b", None, false, 0o400, 0, 0),
        secret("a", Some("A"), false, 0o400, 0, 0),
        secret("a", None, true, 0o400, 0, 0),
        secret("a", None, false, 0o440, 0, 0),
        secret("a", None, false, 0o400, 1, 0),
        secret("a", None, false, 0o400, 0, 1),
        ssh("a", false, 0o600, 0, 0),
        ssh("b", false, 0o600, 0, 0),
        ssh("a", true, 0o600, 0, 0),
        ssh("a", false, 0o660, 0, 0),
        ssh("a", false, 0o600, 1, 0),
        ssh("a", false, 0o600, 0, 1),
        Op::Copy(copy()),
        changed_copy(|op| op.sources = vec![CopySource::Path { input: 2, pattern: "a".into() }]),
        changed_copy(|op| op.sources = vec![CopySource::Path { input: 1, pattern: "b".into() }]),
        inline("a", "a"),
        inline("b", "a"),
        inline("a", "b"),
        remote("https://a", None, false),
        remote("https://b", None, false),
        remote("https://a", Some(Digest::of("a")), false),
        remote("https://a", None, true),
        changed_copy(|op| op.destination = "/a".into()),
        owner("a", None),
        owner("b", None),
        owner("a", Some("a")),
        changed_copy(|op| op.mode = Some("755".into())),
        changed_copy(|op| op.parents = true),
        changed_copy(|op| op.exclude = vec!["a".into()]),
        changed_copy(|op| op.link = true),
        changed_copy(|op| op.unpack = true),
        make("/a", 0o755, ""),
        make("/b", 0o755, ""),
        make("/a", 0o700, ""),
        make("/a", 0o755, "a"),
    ];
    let texts: Vec<Vec<u8>> = ops.iter().map(canonical).collect();
    for (index, text) in texts.iter().enumerate() {
        let same = texts.iter().position(|other| other == text).unwrap();
        assert_eq!(same, index, "{:?} and {:?} have one text", ops[same], ops[index]);
    }
}

#[test]
fn an_op_is_read_back_from_its_text() {
    let op = changed_exec(|op| {
        op.mounts = vec![ExecMount {
            kind: MountKind::Bind { input: 1, source: "a".into(), read_write: false },
            target: "/m".into(),
        }];
    });
    let text = canonical(&op);
    let json = text.split(|byte| *byte == b'\n').nth(1).unwrap();
    assert_eq!(serde_json::from_slice::<Op>(json).unwrap(), op);
}
