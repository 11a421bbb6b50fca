//! How steps begin and end.

use std::fs::Permissions;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio as Pipes};

use plimsoll_sandbox::{Enter, ExitStatus, Ladder, NoEntry, Rung, SandboxError, Stage, enter};

use crate::support::{Fixture, eventually, output, piped, processes_with, run, run_step_program};

#[test]
fn exit_codes_are_passed_on() {
    let Some(fixture) = Fixture::as_root() else { return };
    for code in [0, 1, 42, 255] {
        let outcome = run(&fixture.shell(&format!("exit {code}"))).unwrap();
        assert_eq!(outcome.status, ExitStatus::Code(code));
    }
}

#[test]
fn killing_a_step_ends_everything_it_started() {
    let Some(fixture) = Fixture::as_root() else { return };
    let mark = format!("9{}.1", std::process::id());
    let (_output, stdio) = piped();
    let step = fixture.shell(&format!("sleep {mark} & sleep {mark} & wait"));
    let mut child = step.spawn(stdio).unwrap();
    eventually("the step runs", || processes_with(&mark).len() == 2);
    child.kill();
    assert_eq!(child.wait().unwrap(), ExitStatus::Signal(9));
    assert_eq!(child.wait().unwrap().code(), 137);
    assert_eq!(processes_with(&mark), []);
}

#[test]
fn dropping_a_step_ends_it() {
    let Some(fixture) = Fixture::as_root() else { return };
    let mark = format!("9{}.2", std::process::id());
    let (_output, stdio) = piped();
    let child = fixture.step(&["sleep", &mark]).spawn(stdio).unwrap();
    eventually("the step runs", || processes_with(&mark).len() == 1);
    drop(child);
    assert_eq!(processes_with(&mark), []);
}

#[test]
fn a_builder_that_is_killed_leaves_no_process_and_no_mount() {
    let Some(fixture) = Fixture::as_root() else { return };
    // Executing a set-user-ID program breaks the tie between a process and its parent.
    let privileged = fixture.root().join("bin/privileged");
    std::fs::create_dir(&privileged).unwrap();
    std::fs::copy(fixture.root().join("bin/busybox"), privileged.join("sleep")).unwrap();
    std::fs::set_permissions(privileged.join("sleep"), Permissions::from_mode(0o4755)).unwrap();
    let cases = [
        ("0", "sleep MARK & sleep MARK"),
        ("1000", "sleep MARK & sleep MARK"),
        ("1000", "sleep MARK & exec /bin/privileged/sleep MARK"),
    ];
    for (number, (user, script)) in cases.into_iter().enumerate() {
        let mark = format!("9{}.{}", std::process::id(), 3 + number);
        let (upper, work) = fixture.fresh();
        let mut builder = Command::new(run_step_program())
            .arg("--lower")
            .arg(fixture.root())
            .arg("--upper")
            .arg(&upper)
            .arg("--work")
            .arg(&work)
            .args(["--uid", user, "--", "sh", "-c", &script.replace("MARK", &mark)])
            .stdin(Pipes::null())
            .stdout(Pipes::null())
            .stderr(Pipes::null())
            .spawn()
            .unwrap();
        eventually("the step runs", || processes_with(&mark).len() == 2);
        builder.kill().unwrap();
        builder.wait().unwrap();
        eventually("the step is gone", || processes_with(&mark).is_empty());
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert!(!mounts.contains(upper.to_str().unwrap()), "{mounts}");
        std::fs::remove_dir_all(upper.parent().unwrap()).unwrap();
    }
}

#[test]
fn a_program_that_is_not_there_has_code_127() {
    let Some(fixture) = Fixture::as_root() else { return };
    for name in ["no-such-program", "/bin/no-such-program", "./no-such-program"] {
        match run(&fixture.step(&[name])) {
            Err(error @ SandboxError::ExecutableNotFound { .. }) => {
                assert_eq!(error.exit_code(), Some(127));
                assert_eq!(error.to_string(), format!("executable not found: `{name}`"));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_program_that_cannot_be_executed_has_code_126() {
    let Some(fixture) = Fixture::as_root() else { return };
    std::fs::write(fixture.root().join("bin/text"), "no program\n").unwrap();
    for name in ["text", "/etc"] {
        match run(&fixture.step(&[name])) {
            Err(error @ SandboxError::NotExecutable { .. }) => assert_eq!(error.exit_code(), Some(126)),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_working_directory_that_is_missing_is_named() {
    let Some(fixture) = Fixture::as_root() else { return };
    let mut step = fixture.step(&["pwd"]);
    step.cwd = "/mnt/directory".into();
    assert_eq!(output(&step), "/mnt/directory\n");
    (step.upper, step.work) = fixture.fresh();
    step.cwd = "/absent".into();
    match run(&step) {
        Err(SandboxError::Prepare { stage: Stage::WorkingDirectory { path }, .. }) => {
            assert_eq!(path, std::path::Path::new("/absent"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_environment_is_exactly_what_was_given() {
    let Some(fixture) = Fixture::as_root() else { return };
    let mut step = fixture.step(&["env"]);
    step.env.push(("GREETING".into(), "a=b c".into()));
    assert_eq!(output(&step), "PATH=/sbin:/bin\nGREETING=a=b c\n");
}

#[test]
fn a_copy_gets_its_arguments_and_descriptors_and_a_namespace_of_its_own() {
    let Some(_fixture) = Fixture::as_root() else { return };
    let mut ladder = Ladder::detect();
    assert_eq!(ladder.rung, Rung::Root);
    let copy = |descriptors| Enter {
        program: "/bin/sh".into(),
        argv: [
            "sh",
            "-c",
            "cat <&7 >&9; cat /proc/self/uid_map /proc/self/setgroups >&9; echo $X >&9; exit 9",
        ]
        .map(Into::into)
        .to_vec(),
        env: vec![("X".into(), "value".into()), ("PATH".into(), "/usr/bin:/bin".into())],
        descriptors,
    };
    match enter(&ladder, copy(Vec::new())) {
        Err(SandboxError::NothingToEnter { reason }) => assert_eq!(reason, NoEntry::Root),
        other => panic!("{other:?}"),
    }
    ladder.rung = Rung::SingleId;
    let (input, mut give) = std::io::pipe().unwrap();
    let (mut take, output) = std::io::pipe().unwrap();
    give.write_all(b"given\n").unwrap();
    drop(give);
    let status = enter(&ladder, copy(vec![(input.into(), 7), (output.into(), 9)])).unwrap();
    assert_eq!(status, ExitStatus::Code(9));
    let mut text = String::new();
    take.read_to_string(&mut text).unwrap();
    assert_eq!(text.split_whitespace().collect::<Vec<_>>(), ["given", "0", "0", "1", "deny", "value"]);
}
