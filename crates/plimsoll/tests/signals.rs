//! Interrupts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{
    Lab, User, assert_nothing_left, is_root, plain_user, traces_of, user_with_subordinate_ids,
};

fn stops_at(signal: Signal, user: Option<Arc<User>>) {
    let lab = Lab::of(user);
    lab.dockerfile("");
    lab.build().ok();
    lab.dockerfile(&format!("ENV MARK={}\nRUN echo running; sleep 100\n", lab.mark()));
    let mut child = lab.build().start();
    let started = Instant::now();
    let sleeps = || traces_of(&[lab.mark()]).iter().any(|process| process.contains("sleep\u{0}100"));
    while !sleeps() {
        if started.elapsed() > Duration::from_secs(10) {
            child.kill().unwrap();
            panic!("the step never started");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let sent = Instant::now();
    kill_process(Pid::from_child(&child), signal).unwrap();
    let status = child.wait().unwrap();
    let took = sent.elapsed();
    assert_eq!(status.code(), Some(130), "{status:?}");
    assert!(took < Duration::from_secs(2), "took {took:?}");
    assert_nothing_left(&[lab.mark()]);
    lab.dockerfile("RUN echo usable\n");
    lab.build().ok().assert_logged("usable");
}

#[test]
fn an_interrupt_ends_the_step_and_the_build() {
    stops_at(Signal::INT, None);
}

#[test]
fn a_termination_ends_the_step_and_the_build() {
    stops_at(Signal::TERM, None);
}

#[test]
fn an_interrupt_reaches_the_copy_in_the_namespace() {
    if is_root("an_interrupt_reaches_the_copy_in_the_namespace") {
        stops_at(Signal::INT, Some(user_with_subordinate_ids()));
        stops_at(Signal::INT, Some(plain_user()));
    }
}
