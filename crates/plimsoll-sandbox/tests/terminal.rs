//! Steps with a terminal of their own.

use std::fs::File;
use std::io::{Read, Write};

use plimsoll_sandbox::{ExitStatus, Step};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::support::Fixture;

/// Types `input` into a step's terminal and gives what it showed.
fn typed(step: &Step, input: &str) -> (ExitStatus, String) {
    let (mut child, terminal) = step.spawn_in_terminal().unwrap();
    let size = Winsize { ws_row: 33, ws_col: 77, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&terminal, size).unwrap();
    let mut terminal = File::from(terminal);
    terminal.write_all(input.as_bytes()).unwrap();
    let mut shown = Vec::new();
    // Once nobody has the other end any more, reading is an error.
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = terminal.read(&mut buffer) {
        shown.extend_from_slice(&buffer[..read]);
    }
    (child.wait().unwrap(), String::from_utf8_lossy(&shown).replace('\r', ""))
}

#[test]
fn a_shell_has_a_terminal_with_a_name_a_size_and_job_control() {
    let Some(fixture) = Fixture::as_root() else { return };
    for uid in [0, 1000] {
        let mut step = fixture.step(&["sh", "-i"]);
        step.uid = uid;
        let (status, shown) = typed(
            &step,
            "tty; stty size; sleep 100 & jobs; kill %1; echo owner $(stat -c %u $(tty)); exit 7\n",
        );
        assert_eq!(status.code(), 7, "{shown}");
        for line in ["/dev/pts/0", "33 77", &format!("owner {uid}")] {
            assert!(shown.lines().any(|shown| shown == line), "no `{line}` in\n{shown}");
        }
        assert!(shown.contains("Running") && !shown.contains("job control"), "{shown}");
    }
}

#[test]
fn an_interrupt_ends_the_job_in_front_and_not_the_shell() {
    let Some(fixture) = Fixture::as_root() else { return };
    let step = fixture.step(&["sh", "-i"]);
    let (mut child, terminal) = step.spawn_in_terminal().unwrap();
    let mut terminal = File::from(terminal);
    terminal.write_all(b"echo be''gin; sleep 1000\n").unwrap();
    let mut shown = String::new();
    let mut buffer = [0; 4096];
    while !shown.contains("begin") {
        let read = terminal.read(&mut buffer).unwrap();
        shown.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    std::thread::sleep(std::time::Duration::from_millis(200));
    terminal.write_all(b"\x03").unwrap();
    terminal.write_all(b"exit 5\n").unwrap();
    while let Ok(1..) = terminal.read(&mut buffer) {}
    assert_eq!(child.wait().unwrap(), ExitStatus::Code(5));
}
