//! Many layers, many threads, much output.

use std::io::Read;

use plimsoll_sandbox::{ExitStatus, SandboxError};

use crate::support::{Fixture, output, piped, run};

#[test]
fn three_hundred_layers_are_stacked_and_more_than_the_kernel_takes_are_refused() {
    let Some(fixture) = Fixture::as_root() else { return };
    let mut step = fixture.shell("ls /etc | grep -c ^layer; cat /etc/same");
    let mut lowers = Vec::new();
    for number in 0..300 {
        let path =
            fixture.path(&format!("a-layer-with-a-name-as-long-as-a-digest-and-a-colon:{number:-<100}"));
        std::fs::create_dir_all(path.join("etc")).unwrap();
        std::fs::write(path.join(format!("etc/layer{number}")), "").unwrap();
        std::fs::write(path.join("etc/same"), format!("{number}\n")).unwrap();
        lowers.push(path);
    }
    lowers.push(fixture.root());
    step.lowers = lowers;
    assert_eq!(output(&step), "300\n0\n");
    step.lowers = vec![fixture.root(); 501];
    assert!(matches!(run(&step), Err(SandboxError::LayerCount { count: 501, .. })));
    step.lowers = Vec::new();
    assert!(matches!(run(&step), Err(SandboxError::LayerCount { count: 0, .. })));
}

#[test]
fn a_layer_that_is_missing_is_named() {
    let Some(fixture) = Fixture::as_root() else { return };
    let mut step = fixture.step(&["true"]);
    let absent = fixture.path("absent");
    step.lowers.insert(0, absent.clone());
    match run(&step) {
        Err(SandboxError::LayerDirectory { path, .. }) => assert_eq!(path, absent),
        other => panic!("{other:?}"),
    }
}

#[test]
fn two_hundred_steps_run_from_threads_that_allocate() {
    let Some(fixture) = Fixture::as_root() else { return };
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut held = Vec::new();
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    held.push(vec![1u8; 4096]);
                    if held.len() > 100 {
                        held.clear();
                    }
                }
            });
        }
        let runners: Vec<_> = (0..4)
            .map(|thread| {
                let fixture = &fixture;
                scope.spawn(move || {
                    for turn in 0..50 {
                        let wanted = format!("{thread}-{turn}\n");
                        assert_eq!(output(&fixture.step(&["echo", wanted.trim()])), wanted);
                    }
                })
            })
            .collect();
        for runner in runners {
            runner.join().unwrap();
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn sixty_four_megabytes_go_through_a_pipe() {
    let Some(fixture) = Fixture::as_root() else { return };
    let (mut reader, stdio) = piped();
    let mut child = fixture.shell("dd if=/dev/zero bs=1M count=64 2>/dev/null").spawn(stdio).unwrap();
    let mut total = 0;
    let mut buffer = vec![0u8; 1 << 16];
    loop {
        match reader.read(&mut buffer).unwrap() {
            0 => break,
            length => total += length,
        }
    }
    assert_eq!(total, 64 << 20);
    assert_eq!(child.wait().unwrap(), ExitStatus::Code(0));
}
