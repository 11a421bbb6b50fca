//! `COPY` and `ADD`.

use plimsoll_graph::{AddSource, CopySource, Op, OwnerSpec};
use plimsoll_oci::Digest;

use crate::support::{build, graph};

fn patterns(sources: &[CopySource]) -> Vec<&str> {
    sources
        .iter()
        .map(|source| match source {
            CopySource::Path { pattern, .. } => pattern.as_str(),
            other => panic!("expected a path, got {other:?}"),
        })
        .collect()
}

#[test]
fn sources_are_relative_to_the_context_and_never_leave_it() {
    let outcome = graph("FROM a\nCOPY ./a/ /b/../c *.txt ../../d . /dst/");
    assert_eq!(patterns(&outcome.copy().sources), ["a", "c", "*.txt", "d", "."]);
    assert!(!outcome.copy().unpack);
    let step = outcome.vertices(|op| matches!(op, Op::Copy(_)))[0];
    assert_eq!(step.inputs.len(), 2);
}

#[test]
fn the_destination_is_relative_to_the_working_directory() {
    let destination =
        |word: &str| graph(&format!("FROM a\nWORKDIR /app\nCOPY x {word}")).copy().destination.clone();
    assert_eq!(destination("."), "/app/");
    assert_eq!(destination("./"), "/app/");
    assert_eq!(destination("sub"), "/app/sub");
    assert_eq!(destination("sub/"), "/app/sub/");
    assert_eq!(destination("/abs/./x"), "/abs/x");
    assert_eq!(destination("../up/"), "/up/");
    assert_eq!(destination("/"), "/");
}

#[test]
fn only_a_slash_makes_the_destination_a_directory() {
    assert_eq!(graph("FROM a\nCOPY x y /dst").copy().destination, "/dst");
    assert_eq!(graph("FROM a\nCOPY x y /dst/").copy().destination, "/dst/");
}

#[test]
fn words_are_expanded_and_quotes_removed() {
    let outcome = graph("FROM a\nENV D=/dst N=x\nCOPY \"$N\"y '$N' $D/");
    assert_eq!(patterns(&outcome.copy().sources), ["xy", "$N"]);
    assert_eq!(outcome.copy().destination, "/dst/");
}

#[test]
fn the_json_form_takes_blanks() {
    let outcome = graph("FROM a\nCOPY [\"a b\", \"/c d/\"]");
    assert_eq!(patterns(&outcome.copy().sources), ["a b"]);
    assert_eq!(outcome.copy().destination, "/c d/");
}

#[test]
fn all_flags_reach_the_op_and_the_history() {
    let outcome = graph(
        "FROM a\nARG U=app\nCOPY --chown=$U:grp --chmod=0640 --link --parents --exclude=*.md --exclude=b src/./x/*.c /d/",
    );
    let copy = outcome.copy();
    assert_eq!(copy.owner, Some(OwnerSpec { user: "app".into(), group: Some("grp".into()) }));
    assert_eq!(copy.mode.as_deref(), Some("0640"));
    // A new mode is set on what lies below, too: such a layer stands not for itself.
    assert!(!copy.link && copy.parents);
    assert_eq!(copy.exclude, ["*.md", "b"]);
    assert_eq!(patterns(&copy.sources), ["src/./x/*.c"]);
    assert_eq!(
        outcome.history()[1],
        "COPY --parents --chown=app:grp --chmod=0640 src/./x/*.c /d/ # buildkit"
    );
}

#[test]
fn a_linked_copy_keeps_its_owner() {
    let outcome = graph("FROM a\nCOPY --link --chown=1:1 x /x");
    assert!(outcome.copy().link);
}

#[test]
fn without_flags_owner_and_mode_are_left_alone() {
    let outcome = graph("FROM a\nCOPY --link=false x /x");
    let copy = outcome.copy();
    assert_eq!((&copy.owner, &copy.mode, copy.link, copy.parents), (&None, &None, false, false));
}

#[test]
fn an_owner_that_expands_to_nothing_is_none() {
    let outcome = graph("FROM a\nARG U\nCOPY --chown=$U x /x");
    assert_eq!(outcome.copy().owner, None);
    assert_eq!(outcome.history()[1], "COPY x /x # buildkit");
}

#[test]
fn symbolic_modes_pass_and_nonsense_does_not() {
    assert_eq!(graph("FROM a\nCOPY --chmod=u=rwX,go=rX x /x").copy().mode.as_deref(), Some("u=rwX,go=rX"));
    let build = build("FROM a\nCOPY --chmod=999 x /x");
    let error = build.error();
    assert_eq!((error.code, build.marked(&error)), ("bad-mode", "999"));
}

#[test]
fn an_owner_may_be_a_group_alone() {
    let owner =
        |text: &str| graph(&format!("FROM a\nCOPY --chown={text} x /x")).copy().owner.clone().unwrap();
    assert_eq!(owner(":grp"), OwnerSpec { user: String::new(), group: Some("grp".into()) });
    assert_eq!(owner("app:"), OwnerSpec { user: "app".into(), group: Some(String::new()) });
    assert_eq!(owner("1:2:3"), OwnerSpec { user: "1".into(), group: Some("2:3".into()) });
}

#[test]
fn files_are_written_in_the_dockerfile() {
    let outcome = graph("FROM a\nARG V=1\nCOPY <<one <<\"two\" /etc/\nv=$V \"q\"\none\nv=$V\ntwo");
    assert_eq!(
        outcome.copy().sources,
        [
            CopySource::Inline { name: "one".into(), text: "v=1 \"q\"\n".into() },
            CopySource::Inline { name: "two".into(), text: "v=$V\n".into() },
        ]
    );
    assert_eq!(outcome.history()[1], "COPY <<one <<two /etc/ # buildkit");
    assert!(outcome.vertices(|op| matches!(op, Op::Local { .. })).is_empty());
}

#[test]
fn tabs_in_front_of_a_written_file_are_removed_on_request() {
    let outcome = graph("FROM a\nCOPY <<-EOF /f\n\ta\n\t\tb\n\tEOF");
    assert_eq!(outcome.copy().sources, [CopySource::Inline { name: "EOF".into(), text: "a\nb\n".into() }]);
    assert_eq!(outcome.copy().destination, "/f");
}

#[test]
fn add_unpacks_local_archives_unless_told_otherwise() {
    assert!(graph("FROM a\nADD a.tar /").copy().unpack);
    assert!(!graph("FROM a\nADD --unpack=false a.tar /").copy().unpack);
    assert_eq!(graph("FROM a\nADD --chown=1:2 a.tar /d").history(), ["ADD --chown=1:2 a.tar /d # buildkit"]);
}

#[test]
fn add_fetches_addresses() {
    let digest = Digest::of("x");
    let outcome = graph(&format!("FROM a\nADD --checksum={digest} https://host/x.tgz /x"));
    let source = AddSource {
        url: "https://host/x.tgz".into(),
        name: "x.tgz".into(),
        checksum: Some(digest),
        unpack: false,
    };
    assert_eq!(outcome.copy().sources, [CopySource::Remote(source)]);
    assert!(outcome.vertices(|op| matches!(op, Op::Local { .. })).is_empty());
    let outcome = graph("FROM a\nADD --unpack http://host/x.tgz /x/");
    assert!(matches!(&outcome.copy().sources[0], CopySource::Remote(source) if source.unpack));
}

#[test]
fn a_checksum_needs_one_remote_source() {
    let digest = Digest::of("x");
    let code = |rest: &str| build(&format!("FROM a\nADD {rest}")).error().code;
    assert_eq!(code(&format!("--checksum={digest} a.tar /x")), "bad-checksum");
    assert_eq!(code(&format!("--checksum={digest} https://a/b https://a/c /x/")), "bad-checksum");
    assert_eq!(code("--checksum=sha512:00 https://a/b /x"), "bad-checksum");
}

#[test]
fn copy_does_not_fetch() {
    let build = build("FROM a\nCOPY https://host/x /x");
    let error = build.error();
    assert_eq!((error.code, build.marked(&error)), ("remote-source", "https://host/x"));
    assert_eq!(error.hint.as_deref(), Some("use `ADD`"));
}

#[test]
fn a_repository_is_a_source_of_its_own() {
    let outcome = graph("FROM a\nADD --keep-git-dir https://host/a.git#main:sub x git@host:b /x/");
    let sources = outcome.vertices(|op| matches!(op, Op::Git(_)));
    let Op::Git(first) = &sources[0].op else { unreachable!() };
    assert_eq!((first.remote.as_str(), first.subdirectory.as_str()), ("https://host/a.git", "sub"));
    assert!(first.keep_git_dir);
    assert_eq!(patterns(&outcome.copy().sources), [".", "x", "."]);
    let commit = "ADD --checksum=ABC https://host/a.git /x";
    let outcome = graph(&format!("FROM a\n{commit}"));
    let Op::Git(only) = &outcome.vertices(|op| matches!(op, Op::Git(_)))[0].op else { unreachable!() };
    assert_eq!(only.commit.as_deref(), Some("abc"));
}

#[test]
fn a_repository_that_cannot_be_meant_is_an_error() {
    let code = |rest: &str| build(&format!("FROM a\n{rest} /x")).error().code;
    assert_eq!(code("ADD https://host/a.git?what=1"), "bad-git-address");
    assert_eq!(code("ADD --checksum=sha256:00 https://host/a.git"), "bad-git-address");
    assert_eq!(code("COPY git@host:a"), "remote-source");
    assert_eq!(code("COPY https://host/a.git"), "remote-source");
}

#[test]
fn copies_from_a_stage_start_at_its_root() {
    let outcome = graph("FROM a AS s\nWORKDIR /w\nFROM b\nWORKDIR /v\nCOPY --from=s out /w/x ./");
    assert_eq!(patterns(&outcome.copy().sources), ["out", "w/x"]);
    assert_eq!(outcome.copy().destination, "/v/");
    assert_eq!(outcome.history()[1], "COPY out /w/x ./ # buildkit");
}

#[test]
fn a_written_file_beside_a_path_is_fine() {
    let outcome = graph("FROM a\nCOPY x <<EOF /d/\ntext\nEOF");
    assert_eq!(outcome.copy().sources.len(), 2);
    assert_eq!(outcome.history(), ["COPY x <<EOF /d/ # buildkit"]);
}
