//! `COPY`, `ADD` and `WORKDIR`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

use crate::support::{Kind, Lab};

#[test]
fn a_directory_gives_its_content() {
    let lab = Lab::new();
    lab.write("src/a", "a");
    lab.write("src/sub/b", "b");
    lab.link("sub/b", "src/link");
    std::fs::set_permissions(lab.path("src/a"), PermissionsExt::from_mode(0o640)).unwrap();
    lab.dockerfile("COPY src /to\nCOPY src /slash/\nCOPY src/ .\n");
    let image = lab.build().ok().image();
    for top in ["to/", "slash/", ""] {
        assert_eq!(image.file(&format!("{top}a")).text(), "a");
        assert_eq!(image.file(&format!("{top}a")).mode, 0o640);
        assert_eq!(image.file(&format!("{top}sub/b")).text(), "b");
        assert_eq!(image.file(&format!("{top}link")).kind, Kind::Symlink("sub/b".to_owned()));
        assert!(!image.has(&format!("{top}src")));
    }
    assert_eq!(image.file("to").mode, 0o755);
    assert_eq!((image.file("to/a").uid, image.file("to/a").gid), (0, 0));
}

#[test]
fn a_slash_at_the_end_means_into() {
    let lab = Lab::new();
    lab.write("one", "1");
    lab.write("two", "2");
    lab.dockerfile(
        "COPY one /name\nCOPY one /into/\nCOPY one two /both/\nWORKDIR /w\nCOPY one ./\nCOPY two renamed\n",
    );
    let image = lab.build().ok().image();
    assert_eq!(image.file("name").text(), "1");
    assert_eq!(image.file("into/one").text(), "1");
    assert_eq!(image.file("both/two").text(), "2");
    assert_eq!(image.file("w/one").text(), "1");
    assert_eq!(image.file("w/renamed").text(), "2");
}

#[test]
fn several_sources_without_a_slash_replace_each_other() {
    let lab = Lab::new();
    lab.write("one", "1");
    lab.write("two", "2");
    lab.dockerfile("COPY one two /both/\nCOPY one two /last\n");
    let image = lab.build().ok().image();
    assert_eq!(image.file("both/one").text(), "1");
    assert_eq!(image.file("both/two").text(), "2");
    assert_eq!(image.file("last").text(), "2");
}

#[test]
fn wildcards_pick_files() {
    let lab = Lab::new();
    for name in ["a.txt", "b.txt", "c.md", "sub/d.txt"] {
        lab.write(name, name);
    }
    lab.link("sub", "slink");
    lab.dockerfile(
        "COPY *.txt /texts/\nCOPY [bc].* /some/\nCOPY nothing*.here /none/\nCOPY s*/d.txt /deep/\n\
         COPY */d.txt /any/\nCOPY slink/*.txt /through/\nCOPY sl*/d.txt /not/\n",
    );
    let image = lab.build().ok().image();
    assert_eq!(image.file("texts/a.txt").text(), "a.txt");
    assert_eq!(image.file("texts/b.txt").text(), "b.txt");
    assert!(!image.has("texts/c.md") && !image.has("texts/d.txt") && !image.has("none"));
    assert!(image.has("some/b.txt") && image.has("some/c.md") && image.has("deep/d.txt"));
    assert!(image.has("any/d.txt") && image.has("through/d.txt") && !image.has("not"));
    lab.dockerfile("COPY missing/*.txt /x/\n");
    lab.build().fails(1);
}

#[test]
fn a_missing_source_is_an_error_at_its_line() {
    let lab = Lab::new();
    lab.dockerfile("COPY busybox missing /to/\n");
    let outcome = lab.build().fails(1);
    assert!(
        outcome.stderr.contains("`missing`") && outcome.stderr.contains("Dockerfile:5:"),
        "{}",
        outcome.stderr
    );
    lab.dockerfile("COPY --from=base /not/there /to\n");
    let outcome = lab.build().fails(1);
    assert!(
        outcome.stderr.contains("not/there") && outcome.stderr.contains("Dockerfile:5:"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn ignored_files_are_not_there_and_the_message_says_which_line_hides_them() {
    let lab = Lab::new();
    for name in ["dir/kept", "dir/hidden", "dir/again/deep.log", "root.log"] {
        lab.write(name, name);
    }
    lab.write(".dockerignore", "# a comment\n**/*.log\n!root.log\ndir/hid*\n");
    lab.dockerfile("COPY . /all\n");
    let image = lab.build().ok().image();
    assert!(image.has("all/dir/kept") && image.has("all/root.log"));
    assert!(!image.has("all/dir/hidden") && !image.has("all/dir/again/deep.log"));
    lab.dockerfile("COPY dir/hidden /\n");
    let outcome = lab.build().fails(1);
    assert!(
        outcome.stderr.contains("line 4 of") && outcome.stderr.contains(".dockerignore"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn the_ignore_file_of_a_dockerfile_wins() {
    let lab = Lab::new();
    lab.write("a", "a");
    lab.write("b", "b");
    lab.write(".dockerignore", "a\n");
    lab.write("Dockerfile.dockerignore", "b\n");
    lab.dockerfile("COPY . /all\n");
    let image = lab.build().ok().image();
    assert!(image.has("all/a") && !image.has("all/b"));
}

#[test]
fn an_archive_is_unpacked_by_add_and_not_by_copy() {
    let lab = Lab::new();
    let mut archive =
        tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (name, mode, content) in [("inner/file", 0o751, "content"), ("top", 0o600, "top")] {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(mode);
        header.set_uid(12);
        header.set_gid(34);
        header.set_mtime(1_600_000_000);
        archive.append_data(&mut header, name, content.as_bytes()).unwrap();
    }
    lab.write("files.tar.gz", archive.into_inner().unwrap().finish().unwrap());
    lab.write("not-a.tar.gz", "plain");
    lab.dockerfile("ADD files.tar.gz /added\nCOPY files.tar.gz /copied/\nADD not-a.tar.gz /plain/\nADD --chown=5:6 files.tar.gz /owned/\n");
    let image = lab.build().ok().image();
    let file = image.file("added/inner/file");
    assert_eq!(
        (file.text(), file.mode, file.uid, file.gid, file.mtime),
        ("content", 0o751, 12, 34, 1_600_000_000)
    );
    assert_eq!(image.file("added/top").mode, 0o600);
    assert!(image.has("copied/files.tar.gz") && !image.has("copied/top"));
    assert_eq!(image.file("plain/not-a.tar.gz").text(), "plain");
    assert_eq!(image.file("owned/top").uid, 5);
}

#[test]
fn owners_are_taken_from_the_stage_that_is_copied_to() {
    let lab = Lab::new();
    lab.write("file", "x");
    lab.write("etc/passwd", "root:x:0:0::/:/bin/sh\nbuilder:x:321:654::/:/bin/sh\n");
    lab.write("etc/group", "root:x:0:\nstaff:x:777:\n");
    lab.dockerfile(
        "COPY etc /etc\nCOPY --chown=builder file /name\nCOPY --chown=builder:staff file /both\n\
         COPY --chown=9 file /number\nCOPY --chown=builder file /new/dir/\n",
    );
    let image = lab.build().ok().image();
    let owner = |path: &str| (image.file(path).uid, image.file(path).gid);
    assert_eq!(owner("name"), (321, 654));
    assert_eq!(owner("both"), (321, 777));
    assert_eq!(owner("number"), (9, 9));
    assert_eq!(owner("new/dir/file"), (321, 654));
    assert_eq!(owner("new/dir"), (321, 654));
    lab.dockerfile(
        "COPY etc /etc\nCOPY --chown=nobody-here file /user\nCOPY --chown=builder:nothing file /group\n\
         COPY --chown=:staff file /only\nCOPY --chown=builder: file /empty\n",
    );
    let image = lab.build().ok().image();
    let owner = |path: &str| (image.file(path).uid, image.file(path).gid);
    assert_eq!(owner("user"), (0, 0));
    assert_eq!(owner("group"), (321, 654));
    assert_eq!(owner("only"), (0, 777));
    assert_eq!(owner("empty"), (321, 0));
}

#[test]
fn a_link_copy_has_no_users_to_look_up() {
    let lab = Lab::new();
    lab.write("file", "x");
    lab.write("etc/passwd", "root:x:0:0::/:/bin/sh\n");
    lab.dockerfile("COPY etc /etc\nCOPY --link --chown=nobody-here file /name\n");
    let outcome = lab.build().fails(1);
    assert!(
        outcome.stderr.contains("`nobody-here`") && outcome.stderr.contains("Dockerfile:6:"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn modes_are_octal_or_symbolic() {
    let lab = Lab::new();
    lab.write("dir/file", "x");
    lab.dockerfile(
        "COPY --chmod=0711 dir/file /one\nCOPY --chmod=4750 dir /two\nCOPY --chmod=u=rwX,go=rX dir /three\n",
    );
    let image = lab.build().ok().image();
    assert_eq!(image.file("one").mode, 0o711);
    assert_eq!(image.file("two/file").mode, 0o4750);
    assert_eq!(image.file("three/file").mode, 0o644);
    // An octal mode is that of new directories too, as far as directories are made with it.
    assert_eq!((image.file("two").mode, image.file("three").mode), (0o750, 0o755));
}

#[test]
fn a_directory_that_is_copied_gives_the_destination_its_time() {
    let lab = Lab::new();
    lab.write("dir/file", "x");
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    std::fs::File::open(lab.path("dir")).unwrap().set_modified(old).unwrap();
    lab.dockerfile("FROM base\nRUN mkdir /there\nCOPY dir /there\nCOPY dir /new\n");
    let image = lab.build().ok().image();
    assert_eq!((image.file("there").mtime, image.file("new").mtime), (1_000_000_000, 1_000_000_000));
}

#[test]
fn an_archive_replaces_what_is_in_its_way() {
    let lab = Lab::new();
    let mut archive = tar::Builder::new(Vec::new());
    for (name, content) in [("dir", "now a file"), ("link/inner", "through the link")] {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        archive.append_data(&mut header, name, content.as_bytes()).unwrap();
    }
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Directory);
    header.set_size(0);
    header.set_mode(0o700);
    archive.append_data(&mut header, "file", std::io::empty()).unwrap();
    lab.write("files.tar", archive.into_inner().unwrap());
    lab.dockerfile(
        "FROM base\nRUN mkdir -p /to/dir/sub && echo x > /to/file && ln -s /real /to/link\n\
         ADD --chmod=755 files.tar /to\n",
    );
    let image = lab.build().ok().image();
    assert_eq!((image.file("to/dir").text(), image.file("to/dir").mode), ("now a file", 0o600));
    assert_eq!(image.file("to/file").mode, 0o700);
    assert_eq!(image.file("to/real/inner").text(), "through the link");
}

#[test]
fn owners_modes_and_hard_links_are_kept_between_stages() {
    let lab = Lab::new();
    lab.dockerfile(
        "FROM base AS made\nRUN mkdir /d && echo x > /d/a && ln /d/a /d/b && chown 5:6 /d/a && chmod 2755 /d/a && echo y > /d/c\n\
         FROM base\nCOPY --from=made /d /to\nCOPY --from=made /d/c /to/c2\nRUN stat -c 'links %h' /to/a\n",
    );
    let outcome = lab.build().ok();
    let image = outcome.image();
    let (a, b) = (image.file("to/a"), image.file("to/b"));
    assert_eq!((a.uid, a.gid, a.mode), (5, 6, 0o2755));
    assert_eq!(a.text(), "x\n");
    assert_eq!(b.kind, Kind::HardLink("to/a".to_owned()));
    outcome.assert_logged("links 2");
    assert!(matches!(image.file("to/c2").kind, Kind::File(_)));
}

#[test]
fn changing_a_copied_file_leaves_its_source_alone() {
    let lab = Lab::new();
    lab.dockerfile(
        "FROM base AS made\nRUN echo original > /a\n\
         FROM base AS changed\nCOPY --from=made /a /a\nRUN echo changed >> /a && chmod 600 /a\n\
         FROM made\nCOPY --from=changed /a /b\nRUN cat /a && stat -c 'mode %a' /a\n",
    );
    let outcome = lab.build().ok();
    assert_eq!(outcome.log(), ["original", "mode 644"]);
    assert_eq!(outcome.image().file("b").text(), "original\nchanged\n");
}

#[test]
fn links_in_the_destination_are_followed_inside_the_root() {
    let lab = Lab::new();
    lab.write("file", "x");
    lab.dockerfile(
        "RUN mkdir -p /real/sub && ln -s /real /absolute && ln -s ../../../../real/sub /escape\n\
         COPY file /absolute/one\nCOPY file /escape/two\nCOPY file /absolute/made/\n",
    );
    let image = lab.build().ok().image();
    assert_eq!(image.file("real/one").text(), "x");
    assert_eq!(image.file("real/sub/two").text(), "x");
    assert_eq!(image.file("real/made/file").text(), "x");
    assert_eq!(image.file("absolute").kind, Kind::Symlink("/real".to_owned()));
}

#[test]
fn a_source_cannot_leave_the_context() {
    let lab = Lab::new();
    std::fs::write(lab.beside("outside"), "secret").unwrap();
    lab.link("../outside", "link");
    lab.dockerfile("COPY ../outside /stolen\n");
    lab.build().fails(1);
    lab.dockerfile("COPY link /stolen\n");
    let outcome = lab.build().run();
    let stolen = outcome.code == 0 && matches!(outcome.image().file("stolen").kind, Kind::File(_));
    assert!(!stolen, "a link out of the context was followed");
}

#[test]
fn names_need_not_be_utf8() {
    let lab = Lab::new();
    let name = OsStr::from_bytes(b"src/caf\xe9");
    lab.write(name, "x");
    lab.write("src/übergröße", "y");
    let long = "n".repeat(180);
    lab.write(format!("src/{long}"), "z");
    lab.dockerfile("COPY src /to\nRUN ls /to/caf* | wc -l; ls /to | wc -l\n");
    let outcome = lab.build().ok();
    let files = outcome.image().files();
    assert!(files.contains_key(&b"to/caf\xe9"[..]));
    assert!(files.contains_key("to/übergröße".as_bytes()));
    assert!(files.contains_key(format!("to/{long}").as_bytes()));
    assert_eq!(outcome.log(), ["1", "3"]);
    assert_eq!(lab.build().ok().steps_run(), 0);
}

#[test]
fn a_working_directory_belongs_to_the_user() {
    let lab = Lab::new();
    lab.dockerfile("WORKDIR /roots\nUSER 1000:1001\nWORKDIR /home/me\nRUN touch mine\n");
    let image = lab.build().ok().image();
    assert_eq!((image.file("roots").uid, image.file("roots").mode), (0, 0o755));
    assert_eq!((image.file("home/me").uid, image.file("home/me").gid), (1000, 1001));
    assert_eq!((image.file("home/me/mine").uid, image.file("home/me/mine").gid), (1000, 1001));
}

#[test]
fn a_named_context_gives_its_files() {
    let lab = Lab::new();
    let other = lab.beside("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("file"), "other").unwrap();
    lab.dockerfile("COPY --from=extra file /file\n");
    let build = lab.build().arg("--build-context").arg(format!("extra={}", other.display()));
    assert_eq!(build.ok().image().file("file").text(), "other");
}

#[test]
fn a_link_copy_and_exclusions() {
    let lab = Lab::new();
    lab.write("dir/file", "x");
    lab.write("dir/other.md", "y");
    lab.dockerfile(
        "COPY --link dir/file /linked/\nCOPY --exclude=*.md dir /some\nCOPY --parents dir/file /parents/\n",
    );
    let image = lab.build().ok().image();
    assert!(image.has("linked/file") && image.has("some/file") && image.has("parents/dir/file"));
    assert!(!image.has("some/other.md"));
}

#[test]
fn an_exception_brings_the_directories_above_it_along() {
    let lab = Lab::new();
    lab.write("dir/deep/keep", "x");
    lab.write("dir/deep/other", "y");
    std::fs::set_permissions(lab.path("dir/deep"), PermissionsExt::from_mode(0o750)).unwrap();
    lab.dockerfile(
        "FROM base\nRUN mkdir -p -m 700 /old/deep && chown 5:6 /old/deep\n\
         COPY --exclude=deep --exclude=!deep/keep dir /new/\nCOPY --exclude=* --exclude=!deep/keep dir /old/\n",
    );
    let image = lab.build().ok().image();
    assert!(image.has("new/deep/keep") && !image.has("new/deep/other"));
    let (new, old) = (image.file("new/deep"), image.file("old/deep"));
    assert_eq!((new.mode, new.uid), (0o750, 0));
    assert_eq!((old.mode, old.uid), (0o750, 5), "it keeps its owner and takes the mode");
}

#[test]
fn a_link_copy_does_not_look_at_what_is_below_it() {
    let lab = Lab::new();
    lab.write("file", "x");
    lab.dockerfile(
        "FROM base\nRUN mkdir -m 700 /real /kept && ln -s /real /link && touch /kept/old && mkdir /away\n\
         COPY --link file /link/file\nCOPY --link file /kept/\nCOPY --link file /away\n",
    );
    let image = lab.build().ok().image();
    assert_eq!(image.file("link").kind, Kind::Directory);
    assert!(image.has("link/file") && !image.has("real/file"));
    assert!(image.has("kept/old") && image.file("kept").mode == 0o755);
    assert_eq!(image.file("away").text(), "x");
}

#[test]
fn a_file_takes_the_place_of_a_link_and_a_directory_stays() {
    let lab = Lab::new();
    lab.write("src/name", "file");
    lab.dockerfile("RUN mkdir -p /to/kept && echo old > /to/kept/old && ln -s kept /to/name2 && echo old > /to/name\nCOPY src /to\n");
    let image = lab.build().ok().image();
    assert_eq!(image.file("to/name").text(), "file");
    assert_eq!(image.file("to/kept/old").text(), "old\n");
}

#[test]
fn parents_are_kept_from_the_pivot_on_and_links_are_not_followed() {
    let lab = Lab::new();
    for name in ["src/a/f.txt", "src/a/g.md", "src/b/c/h.txt", "top.txt"] {
        lab.write(name, name);
    }
    std::fs::create_dir(lab.path("src/empty")).unwrap();
    lab.link("a", "src/link");
    lab.link("f.txt", "src/a/l.txt");
    std::fs::set_permissions(lab.path("src/a"), PermissionsExt::from_mode(0o750)).unwrap();
    lab.dockerfile(
        "COPY --parents src/a/f.txt top.txt /plain/\nCOPY --parents src/./**/*.txt /deep/\n\
         COPY --parents src/./link/f.txt src/./link src/./empty /links/\n\
         COPY --parents --exclude=**/*.md --exclude=b src/./a* src/./b/** /named\n",
    );
    let image = lab.build().ok().image();
    assert!(image.has("plain/src/a/f.txt") && image.has("plain/top.txt") && !image.has("plain/src/a/g.md"));
    assert_eq!(image.file("plain/src/a").mode, 0o750);
    assert!(image.has("deep/a/f.txt") && image.has("deep/b/c/h.txt") && !image.has("deep/empty"));
    assert_eq!(image.file("deep/a/l.txt").kind, Kind::Symlink("f.txt".to_owned()));
    assert_eq!(image.file("links/link").kind, Kind::Symlink("a".to_owned()));
    assert!(image.has("links/empty") && !image.has("links/a"));
    assert!(image.has("named/a/f.txt") && !image.has("named/a/g.md") && !image.has("named/b"));
    lab.dockerfile("COPY --parents src/a/missing /x/\n");
    lab.build().fails(1);
}
