//! Git repositories as contexts and as sources of `ADD`, served by a real git.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Child, Command, Stdio};

use crate::support::{Kind, Lab, Repository, Web, is_root, plain_user, user_with_subordinate_ids};

/// A server with a repository: two commits, of which the first is the tag `v1`; a branch `other` with a file of its own.
fn repository(web: &Web) -> (Repository, [String; 2]) {
    let mut repository = Repository::new(web, "a");
    repository.write("Dockerfile", "FROM scratch\nCOPY . /\n");
    repository.write("sub/Dockerfile", "FROM scratch\nCOPY . /sub/\n");
    repository.write("sub/run", "#!/bin/sh\n");
    fs::set_permissions(repository.path("sub/run"), PermissionsExt::from_mode(0o700)).unwrap();
    symlink("sub/run", repository.path("link")).unwrap();
    let first = repository.commit();
    repository.git(&["tag", "-a", "-m", "one", "v1"]);
    repository.git(&["branch", "other"]);
    repository.write("second", "2");
    let second = repository.commit();
    repository.git(&["checkout", "--quiet", "other"]);
    repository.write("other", "o");
    repository.commit();
    repository.git(&["checkout", "--quiet", "main"]);
    repository.publish();
    (repository, [first, second])
}

#[test]
fn a_repository_is_a_context() {
    let (web, lab) = (Web::start(), Lab::new());
    let (repository, _) = repository(&web);
    let image = lab.build().context(web.url("git/a.git")).ok().image();
    assert_eq!(image.file("second").text(), "2");
    assert_eq!(image.file("second").mode, 0o644);
    assert_eq!(image.file("sub/run").mode, 0o755);
    assert_eq!(image.file("link").kind, Kind::Symlink("sub/run".to_owned()));
    assert_eq!((image.file("second").uid, image.file("second").gid), (0, 0));
    assert_eq!(image.file("second").mtime, repository.time() - 1);
    assert!(!image.has(".git") && !image.has("other"));
}

#[test]
fn references_and_directories_are_chosen_by_the_address() {
    let (web, lab) = (Web::start(), Lab::new());
    let (_repository, [first, second]) = repository(&web);
    let files = |suffix: &str| {
        let image = lab.build().context(web.url(&format!("git/a.git{suffix}"))).ok().image();
        ["second", "other", "sub/run", "sub/link"].map(|name| image.has(name))
    };
    assert_eq!(files("#v1"), [false, false, true, false]);
    assert_eq!(files("#other"), [false, true, true, false]);
    assert_eq!(files("?branch=other"), [false, true, true, false]);
    assert_eq!(files("?tag=v1&subdir=sub"), [false, false, true, false]);
    assert_eq!(files("#main:sub"), [false, false, true, false]);
    assert_eq!(files(&format!("#{first}")), [false, false, true, false]);
    assert_eq!(files(&format!("?branch=other&commit={second}")), [true, false, true, false]);
    assert_eq!(files(&format!("?ref=v1&checksum={}", &first[..9])), [false, false, true, false]);
    assert_eq!(files("#refs/heads/other"), [false, true, true, false]);
}

#[test]
fn what_is_not_there_is_said() {
    let (web, lab) = (Web::start(), Lab::new());
    let (_repository, [first, _]) = repository(&web);
    let fails = |suffix: &str, words: &[&str]| {
        let outcome = lab.build().context(web.url(&format!("git/a.git{suffix}"))).fails(2);
        for word in words {
            assert!(outcome.stderr.contains(word), "{suffix}: `{word}` is not in\n{}", outcome.stderr);
        }
    };
    fails("#nowhere", &["no branch, tag or commit `nowhere`"]);
    fails(&format!("#{}", &first[..10]), &["named by all digits"]);
    fails("#main:second", &["`second` is no directory"]);
    fails("#main:link", &["`link` is no directory"]);
    fails("?ref=main&checksum=0000", &["and not 0000"]);
    fails("?what=1", &["`what` is not known"]);
    fails(&format!("#{}", "0".repeat(40)), &["0000"]);
    let outcome = lab.build().context(web.url("git/none.git")).fails(2);
    assert!(outcome.stderr.contains("not found"), "{}", outcome.stderr);
}

#[test]
fn the_same_commit_is_the_same_step_whatever_it_is_called() {
    let (web, lab) = (Web::start(), Lab::new());
    let (mut repository, [first, _]) = repository(&web);
    lab.dockerfile(&format!("ADD {}#v1 /a\n", web.url("git/a.git")));
    lab.build().ok();
    lab.dockerfile(&format!("ADD {}?commit={first}&ref=v1 /a\n", web.url("git/a.git")));
    let again = lab.build().ok();
    assert!(!again.names("vertex-started").iter().any(|name| name.contains("load http")), "{}", again.stderr);
    lab.dockerfile(&format!("ADD {} /a\n", web.url("git/a.git")));
    lab.build().ok();
    assert_eq!(lab.build().ok().steps_run(), 0);
    repository.write("third", "3");
    repository.commit();
    repository.publish();
    let moved = lab.build().ok();
    assert_eq!(moved.steps_run(), 1);
    assert_eq!(moved.image().file("a/third").text(), "3");
}

#[test]
fn add_takes_repositories_among_other_sources() {
    let (web, lab) = (Web::start(), Lab::new());
    repository(&web);
    let address = web.url("git/a.git");
    lab.write("own", "own");
    lab.dockerfile(&format!(
        "ADD --chown=3:4 {address}#v1:sub own {} /all/\nADD --chmod=0600 {address}#main:sub /some\nADD --exclude=sub {address} /rest\n",
        web.put("page", "page"),
    ));
    let image = lab.build().ok().image();
    assert_eq!((image.file("all/run").uid, image.file("all/own").gid), (3, 4));
    assert_eq!(image.file("all/page").text(), "page");
    assert_eq!(image.file("some/run").mode, 0o600);
    assert!(image.has("rest/second") && !image.has("rest/sub"));
    for (line, words) in [
        (format!("ADD --checksum=00ff {address} /x"), "and not 00ff"),
        (format!("COPY {address} /x"), "`COPY` cannot fetch"),
    ] {
        lab.dockerfile(&line);
        let outcome = lab.build().fails(1);
        assert!(
            outcome.stderr.contains(words) && outcome.stderr.contains("Dockerfile:5:"),
            "{}",
            outcome.stderr
        );
    }
}

#[test]
fn the_git_directory_is_kept_where_that_is_asked_for() {
    let (web, lab) = (Web::start(), Lab::new());
    let (repository, [_, second]) = repository(&web);
    let address = web.url("git/a.git");
    lab.dockerfile(&format!("ADD --keep-git-dir {address} /one\nADD {address}?keep-git-dir=true /two\n"));
    let image = lab.build().ok().image();
    for place in ["one", "two"] {
        assert_eq!(image.file(&format!("{place}/.git/HEAD")).text().trim(), second);
        assert_eq!(image.file(&format!("{place}/.git/refs/heads/main")).text().trim(), second);
        assert!(image.file(&format!("{place}/.git/config")).text().contains(&address));
        assert!(!image.has(&format!("{place}/.git/logs")) && !image.has(&format!("{place}/.git/hooks")));
    }
    drop(repository);
    let kept = lab.build().context(&address).args(["--build-arg", "BUILDKIT_CONTEXT_KEEP_GIT_DIR=1"]);
    let first = kept.clone().epoch().ok();
    assert!(first.image().has(".git/index"));
    // Another store, another clone: the same bytes.
    let other = Lab::new();
    let kept = other.build().context(&address).args(["--build-arg", "BUILDKIT_CONTEXT_KEEP_GIT_DIR=1"]);
    assert_eq!(kept.epoch().ok().digest(), first.digest());
}

#[test]
fn submodules_come_along() {
    let (web, lab) = (Web::start(), Lab::new());
    let mut inner = Repository::new(&web, "inner");
    inner.write("inside", "inside");
    inner.commit();
    inner.publish();
    let mut outer = Repository::new(&web, "outer");
    outer.write("Dockerfile", "FROM scratch\nCOPY . /\n");
    outer.git(&["submodule", "--quiet", "add", &web.url("git/inner.git"), "module"]);
    // Relative to where the outer one came from.
    outer.write(".gitmodules", "[submodule \"module\"]\n\tpath = module\n\turl = ../inner.git\n");
    outer.commit();
    outer.publish();
    let image = lab.build().context(web.url("git/outer.git")).ok().image();
    assert_eq!(image.file("module/inside").text(), "inside");
    assert!(!image.has("module/.git"));
    let image = lab.build().context(web.url("git/outer.git?submodules=false")).ok().image();
    assert!(image.has("module") && !image.has("module/inside"));
}

#[test]
fn a_repository_runs_nothing_here() {
    let (web, lab) = (Web::start(), Lab::new());
    let mark = lab.beside("mark");
    let mut repository = Repository::new(&web, "evil");
    let touch = format!("touch {}", mark.display());
    repository.write("Dockerfile", "FROM scratch\nCOPY . /\n");
    repository.write(".gitattributes", "* filter=evil\n");
    repository.write(
        ".gitmodules",
        &format!("[submodule \"x\"]\n\tpath = x\n\turl = ext::sh -c {touch}\n\tupdate = !{touch}\n"),
    );
    repository.commit();
    repository.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{},x", "1".repeat(40))]);
    repository.git(&["commit", "--quiet", "-m", "module"]);
    repository.publish();
    // The user's own configuration is no better.
    let home = lab.beside("home/.gitconfig");
    fs::write(&home, format!("[core]\n\tsshCommand = {touch}\n[filter \"evil\"]\n\tsmudge = {touch}\n"))
        .unwrap();
    fs::create_dir(lab.beside("home/hooks")).unwrap();
    lab.build().context(web.url("git/evil.git")).fails(2);
    lab.build().context(web.url("git/evil.git?submodules=0")).ok();
    assert!(!mark.exists());
}

#[test]
fn a_token_opens_a_private_repository_and_stays_out_of_sight() {
    let (web, lab) = (Web::start(), Lab::new());
    repository(&web);
    // x-access-token:s3cr3t
    web.require("basic eC1hY2Nlc3MtdG9rZW46czNjcjN0");
    let address = web.url("git/a.git");
    let refused = lab.build().context(&address).fails(2);
    assert!(refused.stderr.contains("--secret id=GIT_AUTH_TOKEN"), "{}", refused.stderr);
    let build = lab.build().context(&address).env("GIT_AUTH_TOKEN", "s3cr3t");
    let outcome = build.clone().args(["--secret", "id=GIT_AUTH_TOKEN"]).ok();
    assert!(outcome.image().has("second"));
    let host = format!("id=GIT_AUTH_HEADER.127.0.0.1:{},env=HEADER", web.port());
    let header = lab.build().context(web.url("git/a.git#v1")).args(["--secret", &host]);
    header.env("HEADER", "basic eC1hY2Nlc3MtdG9rZW46czNjcjN0").ok();
    let login = lab.build().context(address.replace("http://", "http://x-access-token:s3cr3t@") + "#other");
    let login = login.ok();
    for text in [&outcome.stderr, &login.stderr] {
        assert!(!text.contains("s3cr3t") && !text.contains("eC1hY2Nlc3M"), "{text}");
    }
    let found = Command::new("grep").args(["-rlaE", "s3cr3t|eC1hY2Nlc3M"]).arg(lab.store()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "", "a secret is in the store");
}

#[test]
fn a_dockerfile_may_be_named_inside_of_the_repository_or_come_from_elsewhere() {
    let (web, lab) = (Web::start(), Lab::new());
    repository(&web);
    let build = lab.build().context(web.url("git/a.git"));
    assert!(build.clone().args(["--file", "sub/Dockerfile"]).ok().image().has("sub/second"));
    let text = "FROM scratch\nCOPY second /elsewhere/\n";
    let image = build.clone().args(["--file", "-"]).stdin(text).ok().image();
    assert!(image.has("elsewhere/second"));
    fs::write(lab.beside("mine"), text).unwrap();
    assert!(build.clone().arg("--file").arg(lab.beside("mine")).ok().image().has("elsewhere/second"));
    let page = web.put("page", text);
    assert!(build.clone().args(["--file", &page]).ok().image().has("elsewhere/second"));
    let outcome = build.args(["--file", "none"]).fails(2);
    assert!(outcome.stderr.contains("has no file `none`"), "{}", outcome.stderr);
}

#[test]
fn a_named_context_may_be_a_repository() {
    let (web, lab) = (Web::start(), Lab::new());
    repository(&web);
    lab.dockerfile(
        "COPY --from=more second /copied\nRUN --mount=from=more,target=/m cp /m/sub/run /mounted\n",
    );
    let build = lab.build().arg("--build-context").arg(format!("more={}", web.url("git/a.git")));
    let image = build.ok().image();
    assert!(image.has("copied") && image.has("mounted"));
    lab.write("Dockerfile", "FROM more\nCOPY busybox /b\n");
    let image = lab.build().arg("--build-context").arg(format!("more={}", web.url("git/a.git"))).ok().image();
    assert!(image.has("b") && image.has("second"));
}

#[test]
fn the_protocol_of_git_itself_is_spoken() {
    let (web, lab) = (Web::start(), Lab::new());
    repository(&web);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let programs = Command::new("git").arg("--exec-path").output().unwrap().stdout;
    // Not through `git`, which would be a process between the daemon and whoever ends it.
    let daemon = Command::new(format!("{}/git-daemon", String::from_utf8(programs).unwrap().trim()))
        .args(["--export-all", "--listen=127.0.0.1"])
        .arg(format!("--port={port}"))
        .arg(format!("--base-path={}", web.repositories().display()))
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .stderr(Stdio::null())
        .spawn();
    let _daemon = Ended(daemon.unwrap());
    let start = std::time::Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(start.elapsed().as_secs() < 10, "`git daemon` does not listen");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let image = lab.build().context(format!("git://127.0.0.1:{port}/a.git#v1:sub")).ok().image();
    assert!(image.has("sub/run"));
}

/// A process that ends with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ended_by_itself = self.0.kill().and_then(|()| self.0.wait());
    }
}

#[test]
fn ssh_asks_the_agent_and_no_key_of_the_user() {
    let lab = Lab::new();
    let bin = lab.beside("bin");
    fs::create_dir(&bin).unwrap();
    let script = format!("#!/bin/sh\nprintf '%s\\n' \"$@\" > {}\nexit 255\n", lab.beside("asked").display());
    fs::write(bin.join("ssh"), script).unwrap();
    fs::set_permissions(bin.join("ssh"), PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin:/usr/local/bin", bin.display());
    let outcome = lab.build().context("git@host.invalid:a/b.git").env("PATH", path).fails(2);
    let asked = fs::read_to_string(lab.beside("asked")).unwrap();
    for option in
        ["IdentityFile=none", "IdentityAgent=none", "BatchMode=yes", "StrictHostKeyChecking=accept-new"]
    {
        assert!(asked.lines().any(|line| line == option), "{option} is not in\n{asked}");
    }
    assert!(asked.contains("git@host.invalid"), "{asked}");
    assert!(outcome.stderr.contains("cannot use the context"), "{}", outcome.stderr);
}

#[test]
fn users_without_root_fetch_repositories_too() {
    if !is_root("users_without_root_fetch_repositories_too") {
        return;
    }
    for user in [plain_user(), user_with_subordinate_ids()] {
        let (web, lab) = (Web::start(), Lab::of(Some(user)));
        repository(&web);
        lab.dockerfile(&format!("ADD {}#v1 /a\nRUN cat /a/sub/run\n", web.url("git/a.git")));
        let outcome = lab.build().ok();
        outcome.assert_logged("#!/bin/sh");
        assert_eq!(outcome.image().file("a/sub/run").mode, 0o755);
        assert_eq!(lab.build().ok().steps_run(), 0);
        assert!(lab.build().context(web.url("git/a.git")).ok().image().has("second"));
    }
}
