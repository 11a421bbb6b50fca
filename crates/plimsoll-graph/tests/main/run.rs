//! `RUN`, without its mounts.

use plimsoll_graph::{NetworkMode, SecurityMode};

use crate::support::{build, graph};

#[test]
fn the_shell_form_goes_through_the_shell() {
    let outcome = graph("FROM alpine\nRUN echo a && \\\n  echo b");
    assert_eq!(outcome.exec().args, ["/bin/sh", "-c", "echo a &&   echo b"]);
    assert_eq!(outcome.exec().cwd, "/");
    assert_eq!(outcome.exec().user, "");
}

#[test]
fn the_name_of_a_step_is_one_line() {
    let outcome = graph("FROM alpine\nRUN a && \\\n    # why\n    b   c");
    assert_eq!(outcome.names()[1], "[2/2] RUN a && b c");
}

#[test]
fn the_shell_can_be_changed() {
    let outcome = graph(
        "FROM alpine\nSHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nRUN a | b\nCMD c\nENTRYPOINT d",
    );
    assert_eq!(outcome.exec().args, ["/bin/bash", "-o", "pipefail", "-c", "a | b"]);
    assert_eq!(outcome.container().cmd.as_ref().unwrap().last().unwrap(), "c");
    assert_eq!(outcome.container().entrypoint.as_ref().unwrap().len(), 5);
    assert_eq!(outcome.history()[0], "SHELL [/bin/bash -o pipefail -c]");
}

#[test]
fn the_exec_form_is_taken_as_it_is() {
    let outcome = graph("FROM alpine\nRUN [\"/bin/echo\", \"$HOME\"]");
    assert_eq!(outcome.exec().args, ["/bin/echo", "$HOME"]);
    assert_eq!(outcome.history(), ["RUN /bin/echo $HOME # buildkit"]);
}

#[test]
fn a_lone_heredoc_is_a_script_for_the_shell() {
    let outcome = graph("FROM alpine\nRUN <<EOF\nset -e\necho $A\nEOF");
    assert_eq!(outcome.exec().args, ["/bin/sh", "-c", "set -e\necho $A\n"]);
    assert!(outcome.exec().files.is_empty());
    assert_eq!(outcome.history(), ["RUN /bin/sh -c set -e\necho $A\n # buildkit"]);
    assert_eq!(outcome.names()[1], "[2/2] RUN <<EOF (set -e...)");
}

#[test]
fn a_lone_heredoc_with_a_shebang_is_run_as_a_file() {
    let outcome = graph("FROM alpine\nRUN <<SCRIPT\n#!/usr/bin/env python3\nprint(1)\nSCRIPT");
    let exec = outcome.exec();
    assert_eq!(exec.args, ["/bin/sh", "-c", "/dev/pipes/SCRIPT"]);
    assert_eq!(exec.files[0].path, "/dev/pipes/SCRIPT");
    assert_eq!(exec.files[0].text, "#!/usr/bin/env python3\nprint(1)\n");
    assert_eq!(exec.files[0].mode, 0o755);
    assert_eq!(outcome.history(), ["RUN /bin/sh -c /dev/pipes/SCRIPT # buildkit"]);
}

#[test]
fn a_tab_in_front_of_a_shebang_leaves_the_script_to_the_shell() {
    let outcome = graph("FROM alpine\nRUN <<-SCRIPT\n\t#!/usr/bin/env python3\n\tprint(1)\nSCRIPT");
    assert!(outcome.exec().files.is_empty());
    assert_eq!(outcome.exec().args[2], "#!/usr/bin/env python3\nprint(1)\n");
}

#[test]
fn heredocs_beside_words_are_left_to_the_shell() {
    let outcome = graph("FROM alpine\nRUN cat <<A >/a && cat <<B >/b\none\nA\ntwo\nB");
    assert_eq!(outcome.exec().args[2], "cat <<A >/a && cat <<B >/b\none\nA\ntwo\nB");
}

#[test]
fn network_and_security_are_flags_of_a_step() {
    let outcome = graph("FROM alpine\nRUN --network=none a\nRUN --security=insecure b");
    assert_eq!(outcome.execs()[0].network, NetworkMode::None);
    assert_eq!(outcome.execs()[1].security, SecurityMode::Insecure);
}

#[test]
fn a_network_is_not_a_variable() {
    let build = build("FROM alpine\nARG N=none\nRUN --network=$N a");
    let error = build.error();
    assert_eq!((error.code, build.marked(&error)), ("bad-flag-value", "$N"));
}

#[test]
fn an_unknown_network_is_an_error_with_a_suggestion() {
    let build = build("FROM alpine\nRUN --network=nnoe x");
    let error = build.error();
    assert_eq!(error.code, "bad-flag-value");
    assert_eq!(build.marked(&error), "nnoe");
    assert_eq!(error.hint.as_deref(), Some("did you mean `none`?"));
}

#[test]
fn devices_are_in_the_op_and_a_step_without_any_has_its_old_key() {
    let outcome =
        graph("FROM alpine\nARG KIND=gpu\nRUN --device=vendor.com/$KIND=all,required --device=class1 x");
    let devices: Vec<_> =
        outcome.exec().devices.iter().map(|device| (device.name.as_str(), device.required)).collect();
    assert_eq!(devices, [("vendor.com/gpu=all", true), ("class1", false)]);
}

#[test]
fn an_empty_command_is_an_error() {
    assert_eq!(build("FROM alpine\nRUN []").error().code, "empty-command");
}

#[test]
fn the_host_name_comes_from_the_caller_or_a_build_argument() {
    assert_eq!(graph("FROM alpine\nRUN x").exec().hostname, None);
    let outcome = build("FROM alpine\nRUN x").arg("BUILDKIT_SANDBOX_HOSTNAME", "arg").graph();
    assert_eq!(outcome.exec().hostname.as_deref(), Some("arg"));
    let outcome = build("FROM alpine\nRUN x")
        .arg("BUILDKIT_SANDBOX_HOSTNAME", "arg")
        .with(|request| request.hostname = Some("given"))
        .graph();
    assert_eq!(outcome.exec().hostname.as_deref(), Some("given"));
}

#[test]
fn all_errors_of_a_file_are_found_at_once() {
    let errors =
        build("FROM alpine\nRUN --network=x a\nEXPOSE http\nSTOPSIGNAL NOPE\nCOPY --chmod=9 a /a").errors();
    let codes: Vec<&str> = errors.iter().map(|error| error.code).collect();
    assert_eq!(codes, ["bad-flag-value", "bad-port", "bad-signal", "bad-mode"]);
}
