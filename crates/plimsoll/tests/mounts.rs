//! What a step sees beside its root file system.

use crate::support::{Kind, Lab};

/// Digest of a tar without entries.
const EMPTY_TAR: &str = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";

#[test]
fn a_step_that_writes_nothing_makes_an_empty_layer() {
    let lab = Lab::new();
    lab.dockerfile(
        "RUN true\n\
         RUN --mount=type=cache,target=/cache --mount=type=tmpfs,target=/deep/tmp --mount=type=bind,target=/context true\n",
    );
    let image = lab.build().ok().image();
    assert_eq!(image.diff_ids()[2..], [EMPTY_TAR, EMPTY_TAR]);
}

#[test]
fn a_cache_mount_lasts_and_is_in_no_layer() {
    let lab = Lab::new();
    lab.dockerfile(
        "FROM base AS first\nRUN --mount=type=cache,target=/cache echo kept > /cache/file; echo first > /made\n\
         FROM base\nCOPY --from=first /made /\n\
         RUN --mount=type=cache,target=/cache cat /cache/file\n\
         RUN --mount=type=cache,id=/cache,target=/elsewhere,ro cat /elsewhere/file; ! touch /elsewhere/x\n\
         RUN --mount=type=cache,id=other,target=/cache,mode=0700,uid=5,gid=6 ls /cache | wc -l; stat -c 'owner %u:%g %a' /cache\n\
         RUN --mount=type=cache,id=filled,target=/cache,from=first,source=/bin test -e /cache/busybox\n",
    );
    let outcome = lab.build().ok();
    assert_eq!(outcome.log().iter().filter(|line| **line == "kept").count(), 2);
    outcome.assert_logged("0");
    outcome.assert_logged("owner 5:6 700");
    assert!(!outcome.image().has("cache"));
    // It outlives `--no-cache`, which is about steps.
    lab.dockerfile("RUN --mount=type=cache,target=/cache cat /cache/file\n");
    lab.build().arg("--no-cache").ok().assert_logged("kept");
}

#[test]
fn a_locked_cache_mount_has_one_user_at_a_time() {
    const STEP: &str = "RUN --mount=type=cache,target=/c,sharing=locked";
    let lab = Lab::new();
    let body = "mkdir /c/lock && sleep 0.3 && rmdir /c/lock && echo fine > /fine";
    lab.dockerfile(&format!(
        "FROM base AS a\n{STEP} {body} # a\nFROM base AS b\n{STEP} {body} # b\n\
         FROM base\nCOPY --from=a /fine /a\nCOPY --from=b /fine /b\n"
    ));
    lab.build().ok();
}

#[test]
fn a_tmpfs_is_empty_and_forgotten() {
    let lab = Lab::new();
    lab.dockerfile("RUN --mount=type=tmpfs,target=/bin/../t,size=1m mount | grep ' /t ' | cut -d' ' -f5 && echo x > /t/x && echo y > /y\n");
    let outcome = lab.build().ok();
    outcome.assert_logged("tmpfs");
    assert!(outcome.image().has("y"));
    assert!(!outcome.image().has("t") && !outcome.image().has("t/x"));
}

#[test]
fn bind_mounts_show_files_and_forget_what_is_written() {
    let lab = Lab::new();
    lab.write("src/word", "from the context\n");
    lab.write(".dockerignore", "src/hidden\n");
    lab.write("src/hidden", "hidden\n");
    lab.dockerfile(
        "FROM base AS stage\nRUN mkdir /d && echo from the stage > /d/word\n\
         FROM base AS from-context\n\
         RUN --mount=target=/ctx cat /ctx/src/word && ls /ctx/src && ! touch /ctx/x\n\
         RUN --mount=type=bind,source=src/word,target=/one cat /one\n\
         FROM base\n\
         COPY --from=from-context /bin/busybox /unchanged\n\
         RUN --mount=from=stage,source=/d,target=/d cat /d/word && ! touch /d/x\n\
         RUN --mount=from=stage,source=/d,target=/d,rw echo changed > /d/word && cp /d/word /copy\n\
         RUN --mount=from=stage,source=/d,target=/d cat /d/word\n",
    );
    let outcome = lab.build().ok();
    assert_eq!(outcome.log().iter().filter(|line| **line == "from the context").count(), 2);
    assert_eq!(outcome.log().iter().filter(|line| **line == "from the stage").count(), 2);
    assert!(!outcome.log().contains(&"hidden"));
    assert_eq!(outcome.image().file("copy").text(), "changed\n");
    assert!(!outcome.image().has("d/word"));
    assert_eq!(std::fs::read_to_string(lab.path("src/word")).unwrap(), "from the context\n");
    // What is mounted is in the key by its content.
    lab.write("src/word", "changed\n");
    let changed = lab.build().ok();
    assert!(changed.ran("/one") && !changed.ran("from=stage"), "{:?}", changed.names("vertex-started"));
}

#[test]
fn secrets_have_their_modes_and_places() {
    let lab = Lab::new();
    std::fs::write(lab.beside("secret"), "value of the file").unwrap();
    lab.dockerfile(
        "RUN --mount=type=secret,id=s stat -c 'plain %a %u:%g' /run/secrets/s && wc -c < /run/secrets/s\n\
         RUN --mount=type=secret,id=s,target=/etc/deep/place,mode=0444,uid=7,gid=8 stat -c 'other %a %u:%g' /etc/deep/place\n\
         RUN --mount=type=secret,id=e,env=WORD test \"$WORD\" = \"value of the variable\" && ! test -e /run/secrets/e\n\
         RUN --mount=type=secret,id=absent ! test -e /run/secrets/absent && echo optional\n",
    );
    let secret = format!("id=s,src={}", lab.beside("secret").display());
    let build = lab.build().args(["--secret", &secret, "--secret", "id=e,env=WORD"]);
    let outcome = build.env("WORD", "value of the variable").ok();
    outcome.assert_logged("plain 400 0:0");
    outcome.assert_logged("17");
    outcome.assert_logged("other 444 7:8");
    outcome.assert_logged("optional");
    assert!(!outcome.image().has("etc/deep"));
}

#[test]
fn a_required_secret_that_is_not_given_fails_at_its_line() {
    let lab = Lab::new();
    lab.dockerfile("RUN --mount=type=secret,id=needed,required true\n");
    let outcome = lab.build().fails(1);
    assert!(
        outcome.stderr.contains("Dockerfile:5:") && outcome.stderr.contains("`needed`"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_changed_secret_runs_nothing_again() {
    let lab = Lab::new();
    lab.dockerfile("RUN --mount=type=secret,id=s,env=S test -n \"$S\"\n");
    lab.build().args(["--secret", "id=s,env=S"]).env("S", "first value").ok();
    assert_eq!(lab.build().args(["--secret", "id=s,env=S"]).env("S", "second value").ok().steps_run(), 0);
}

#[test]
fn hosts_are_generated_and_stay_out_of_the_image() {
    let lab = Lab::new();
    lab.dockerfile("RUN cat /etc/hosts; echo host $(hostname)\n");
    let outcome =
        lab.build().args(["--add-host", "db.test:10.1.2.3", "--add-host", "six.test=[fd00::1]"]).ok();
    let lines: Vec<Vec<&str>> = outcome.log().iter().map(|line| line.split_whitespace().collect()).collect();
    for expected in [["10.1.2.3", "db.test"], ["fd00::1", "six.test"]] {
        assert!(lines.iter().any(|line| *line == expected), "{expected:?} is not in {lines:?}");
    }
    assert!(lines.iter().any(|line| line.starts_with(&["127.0.0.1", "localhost"])), "{lines:?}");
    outcome.assert_logged("host buildkitsandbox");
    assert!(!outcome.image().has("etc") && !outcome.image().has("etc/hosts"));
}

#[test]
fn hosts_that_a_step_changes_do_not_stay() {
    let lab = Lab::new();
    lab.dockerfile(
        "RUN mkdir -p /etc && echo own > /etc/own\nRUN echo more >> /etc/hosts; echo x > /etc/x\n",
    );
    let image = lab.build().ok().image();
    assert!(image.has("etc/own") && image.has("etc/x"));
    assert!(!image.has("etc/hosts") && !image.has("etc/resolv.conf"));
}

#[test]
fn a_step_without_a_network_has_the_loopback_only() {
    let lab = Lab::new();
    lab.dockerfile("RUN --network=none tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '\n");
    assert_eq!(lab.build().ok().log(), ["lo"]);
    lab.dockerfile("RUN tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '; echo all\n");
    assert_eq!(lab.build().args(["--network", "none"]).ok().log(), ["lo", "all"]);
}

#[test]
fn the_surroundings_of_a_step_are_the_usual_ones() {
    let lab = Lab::new();
    lab.dockerfile(
        "RUN echo pid $$; id -u; pwd; echo path $PATH home $HOME\n\
         RUN echo x > /dev/null && head -c 4 /dev/urandom | wc -c && test -d /dev/shm -a -c /dev/tty -a -L /dev/fd\n\
         RUN ! echo 1 > /proc/sys/kernel/hostname; ! mount -t tmpfs none /tmp; grep Seccomp: /proc/self/status\n\
         RUN ! mknod /sda b 8 0 || ! head -c 1 /sda\n\
         WORKDIR /w\nUSER 5:6\nRUN id -u; id -g; pwd; grep CapEff /proc/self/status\n",
    );
    let outcome = lab.build().ok();
    for line in ["pid 1", "0", "/", "path /bin home /", "4", "5", "6", "/w"] {
        outcome.assert_logged(line);
    }
    outcome.assert_logged("Seccomp:\t2");
    outcome.assert_logged("CapEff:\t0000000000000000");
}

#[test]
fn deletions_in_lower_layers_are_whiteouts() {
    let lab = Lab::new();
    lab.dockerfile(
        "RUN mkdir -p /d/sub && echo 1 > /d/1 && echo 2 > /d/sub/2\n\
         RUN rm /d/1\nRUN rm -r /d && mkdir /d && echo 3 > /d/3\n",
    );
    let image = lab.build().ok().image();
    assert!(image.layers[3].iter().any(|entry| entry.path == b"d/.wh.1"));
    let files = image.files();
    let below: Vec<_> = files.keys().filter(|path| path.starts_with(b"d/")).collect();
    assert_eq!(below, [b"d/3"]);
    assert_eq!(image.file("d").kind, Kind::Directory);
}

#[test]
fn heredocs_are_scripts_and_input() {
    let lab = Lab::new();
    lab.dockerfile(
        "RUN <<END\necho one\necho two > /two\nEND\nRUN cat <<'END' > /file\n$not_expanded\nEND\n",
    );
    let outcome = lab.build().ok();
    outcome.assert_logged("one");
    assert_eq!(outcome.image().file("two").text(), "two\n");
    assert_eq!(outcome.image().file("file").text(), "$not_expanded\n");
}
