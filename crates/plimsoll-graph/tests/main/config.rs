//! Instructions that change the image config.

use plimsoll_graph::Op;
use plimsoll_oci::ContainerConfig;

use crate::support::{build, graph};

#[test]
fn an_entry_point_drops_the_command_of_the_base() {
    assert!(graph("FROM a").container().cmd.is_some());
    assert_eq!(graph("FROM a\nENTRYPOINT [\"/e\"]").container().cmd, None);
    let outcome = graph("FROM a\nCMD [\"c\"]\nENTRYPOINT [\"/e\"]");
    assert_eq!(outcome.container().cmd.as_deref(), Some(&["c".to_owned()][..]));
    let outcome = graph("FROM a AS x\nCMD [\"c\"]\nFROM x\nENTRYPOINT [\"/e\"]");
    assert_eq!(outcome.container().cmd, None);
}

#[test]
fn empty_lists_clear() {
    let base = ContainerConfig { entrypoint: Some(vec!["/e".into()]), ..ContainerConfig::default() };
    let outcome = build("FROM a\nENTRYPOINT []\nCMD []").base("docker.io/library/a:latest", base).graph();
    assert_eq!(outcome.container().entrypoint, None);
    assert_eq!(outcome.container().cmd, None);
    assert_eq!(outcome.history(), ["ENTRYPOINT []", "CMD []"]);
}

#[test]
fn commands_in_shell_form_name_the_shell() {
    let outcome = graph("FROM a\nCMD node a.js");
    assert_eq!(outcome.container().cmd.as_deref().unwrap(), ["/bin/sh", "-c", "node a.js"]);
    assert!(outcome.container().args_escaped);
    assert_eq!(outcome.history(), ["CMD [\"/bin/sh\" \"-c\" \"node a.js\"]"]);
}

#[test]
fn the_last_command_counts() {
    let outcome = graph("FROM a\nCMD [\"1\"]\nCMD [\"2\"]");
    assert_eq!(outcome.container().cmd.as_deref().unwrap(), ["2"]);
}

#[test]
fn working_directories_add_up_and_are_made_by_the_user() {
    let outcome = graph("FROM a\nWORKDIR /a\nUSER app:grp\nENV X=b\nWORKDIR $X/../c");
    assert_eq!(outcome.container().working_dir, "/a/c");
    let made: Vec<_> = outcome
        .graph
        .vertices
        .iter()
        .filter_map(|vertex| match &vertex.op {
            Op::MakeDir(make) => Some((make.path.as_str(), make.user.as_str(), make.mode)),
            _ => None,
        })
        .collect();
    assert_eq!(made, [("/a", "", 0o755), ("/a/c", "app:grp", 0o755)]);
}

#[test]
fn the_root_directory_is_not_made() {
    let outcome = graph("FROM a\nWORKDIR /");
    assert!(outcome.vertices(|op| matches!(op, Op::MakeDir(_))).is_empty());
    assert_eq!(outcome.container().working_dir, "/");
    assert_eq!(outcome.image().history[0].vertex, None);
}

#[test]
fn an_absolute_working_directory_stays_as_it_is_written() {
    let outcome = graph("FROM a\nWORKDIR /app/../srv/\nRUN x");
    assert_eq!(outcome.container().working_dir, "/app/../srv/");
    assert_eq!(outcome.history()[0], "WORKDIR /app/../srv/");
    assert_eq!(outcome.exec().cwd, "/srv");
}

#[test]
fn ports_come_with_their_protocol() {
    let outcome = graph("FROM a\nENV P=\"80 443\"\nEXPOSE 53/UDP 9000-9001 $P");
    let ports: Vec<&str> = outcome.container().exposed_ports.keys().map(String::as_str).collect();
    assert_eq!(ports, ["443/tcp", "53/udp", "80/tcp", "9000/tcp", "9001/tcp"]);
    assert_eq!(outcome.history()[1], "EXPOSE [80/tcp 443/tcp 53/udp 9000/tcp 9001/tcp]");
}

#[test]
fn a_port_on_the_host_is_a_warning_and_nonsense_an_error() {
    let outcome = graph("FROM a\nEXPOSE 8080:80");
    assert!(outcome.container().exposed_ports.contains_key("80/tcp"));
    assert_eq!(outcome.warnings[0].code, "exposed-host-port");
    let build = build("FROM a\nEXPOSE 80/http");
    let error = build.error();
    assert_eq!((error.code, build.marked(&error)), ("bad-port", "80/http"));
}

#[test]
fn volumes_are_words_or_json() {
    let outcome = graph("FROM a\nENV D=/d\nVOLUME $D /e\nVOLUME [\"/f g\"]");
    let volumes: Vec<&str> = outcome.container().volumes.keys().map(String::as_str).collect();
    assert_eq!(volumes, ["/d", "/e", "/f g"]);
    assert_eq!(outcome.history()[1..], ["VOLUME [/d /e]", "VOLUME [/f g]"]);
}

#[test]
fn a_volume_that_expands_to_nothing_is_an_error() {
    assert_eq!(build("FROM a\nARG D\nVOLUME $D").error().code, "empty-volume");
}

#[test]
fn labels_expand_and_the_last_one_counts() {
    let outcome = graph("FROM a\nARG V=1\nLABEL a=\"x $V\" b='$V'\nLABEL a=2");
    assert_eq!(outcome.container().labels["a"], "2");
    assert_eq!(outcome.container().labels["b"], "$V");
    assert_eq!(outcome.history()[1..], ["LABEL a=x 1 b=$V", "LABEL a=2"]);
}

#[test]
fn users_and_signals_expand() {
    let outcome = graph("FROM a\nARG U=65532 S=SIGQUIT\nUSER $U:$U\nSTOPSIGNAL $S");
    assert_eq!(outcome.container().user, "65532:65532");
    assert_eq!(outcome.container().stop_signal.as_deref(), Some("SIGQUIT"));
    assert_eq!(outcome.history()[1..], ["USER 65532:65532", "STOPSIGNAL SIGQUIT"]);
}

#[test]
fn a_signal_that_is_none_is_an_error() {
    let build = build("FROM a\nSTOPSIGNAL SIGSTPO");
    let error = build.error();
    assert_eq!((error.code, build.marked(&error)), ("bad-signal", "SIGSTPO"));
}

#[test]
fn the_maintainer_is_the_author() {
    let outcome = graph("FROM a\nMAINTAINER A <a@b>");
    assert_eq!(outcome.image().config.author.as_deref(), Some("A <a@b>"));
    assert_eq!(outcome.history(), ["MAINTAINER A <a@b>"]);
}

#[test]
fn a_health_check_has_times_and_a_command() {
    let outcome = graph(
        "FROM a\nHEALTHCHECK --interval=30s --timeout=5s --start-period=1m --start-interval=2s --retries=3 CMD curl -f http://localhost/ || exit 1",
    );
    let check = outcome.container().healthcheck.as_ref().unwrap();
    assert_eq!(check.test, ["CMD-SHELL", "curl -f http://localhost/ || exit 1"]);
    assert_eq!((check.interval, check.retries), (30_000_000_000, 3));
    assert_eq!(
        outcome.history(),
        [
            r#"HEALTHCHECK &{["CMD-SHELL" "curl -f http://localhost/ || exit 1"] "30s" "5s" "1m0s" "2s" '\x03'}"#
        ]
    );
}

#[test]
fn a_health_check_can_be_switched_off_and_the_last_one_counts() {
    let outcome = graph("FROM a\nHEALTHCHECK CMD [\"/ok\", \"-q\"]\nHEALTHCHECK NONE");
    assert_eq!(outcome.container().healthcheck.as_ref().unwrap().test, ["NONE"]);
    assert_eq!(
        outcome.history(),
        [
            r#"HEALTHCHECK &{["CMD" "/ok" "-q"] "0s" "0s" "0s" "0s" '\x00'}"#,
            r#"HEALTHCHECK &{["NONE"] "0s" "0s" "0s" "0s" '\x00'}"#
        ]
    );
}
