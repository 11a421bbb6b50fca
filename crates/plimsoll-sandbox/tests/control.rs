//! Limits of one process and of all of a step's processes.

use plimsoll_sandbox::{ControlLimits, ExitStatus, ResourceLimit, SandboxError, Security, Stage, Swap};

use crate::support::{Fixture, output, piped, run, skip};

/// Runs a test's step; says so where this machine cannot keep its limits.
fn limited(step: &plimsoll_sandbox::Step) -> Option<String> {
    match run(step) {
        Err(error @ SandboxError::NoControl { .. }) => {
            skip(&error.to_string());
            None
        }
        outcome => {
            let outcome = outcome.unwrap();
            assert_eq!(outcome.status, ExitStatus::Code(0), "{}", outcome.output);
            Some(outcome.output)
        }
    }
}

#[test]
fn a_step_has_the_limits_that_it_is_given() {
    let Some(fixture) = Fixture::as_root() else { return };
    let mut step = fixture.shell("ulimit -Sn; ulimit -Hn; ulimit -c; ulimit -s");
    let limit = |text: &str| text.parse::<ResourceLimit>().unwrap();
    step.resource_limits =
        vec![limit("nofile=125:456"), limit("core=0"), limit("stack=8388608"), limit("nofile=124:456")];
    assert_eq!(output(&step), "124\n456\n0\n8192\n");
    let (upper, work) = fixture.fresh();
    (step.upper, step.work, step.uid) = (upper, work, 1000);
    assert_eq!(output(&step), "124\n456\n0\n8192\n");
}

#[test]
fn a_limit_that_cannot_be_set_is_named() {
    let Some(fixture) = Fixture::as_root() else { return };
    let mut step = fixture.step(&["true"]);
    // More than the kernel lets anybody have.
    step.resource_limits = vec!["nofile=-1".parse().unwrap()];
    match run(&step) {
        Err(SandboxError::Prepare { stage: Stage::Limit { name }, .. }) => assert_eq!(name, "nofile"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_step_is_in_a_group_of_its_own_that_goes_with_it() {
    let Some(fixture) = Fixture::as_root() else { return };
    let mut step = fixture.shell("grep plimsoll- /proc/self/cgroup | head -n 1");
    step.control_limits = ControlLimits {
        memory: Some(64 << 20),
        cpu_quota: Some(50_000),
        cpuset_cpus: Some("0".to_owned()),
        ..ControlLimits::default()
    };
    let Some(line) = limited(&step) else { return };
    let name = line.trim().rsplit('/').next().unwrap();
    assert!(name.starts_with("plimsoll-"), "{line}");
    let left = std::process::Command::new("find").args(["/sys/fs/cgroup", "-name", name]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&left.stdout), "");
}

#[test]
fn a_step_that_takes_too_much_memory_is_ended_and_that_is_known() {
    let Some(fixture) = Fixture::as_root() else { return };
    let mut step = fixture.shell("head -c 100000000 /dev/zero | tail; exit 3");
    step.control_limits = ControlLimits {
        memory: Some(16 << 20),
        memory_and_swap: Some(Swap::Total(16 << 20)),
        ..ControlLimits::default()
    };
    let (_output, stdio) = piped();
    let mut child = match step.spawn(stdio) {
        Err(error @ (SandboxError::NoControl { .. } | SandboxError::ControlValue { .. })) => {
            return skip(&error.to_string());
        }
        child => child.unwrap(),
    };
    child.wait().unwrap();
    assert!(child.ran_out_of_memory());
}

#[test]
fn a_parent_group_is_made_when_it_is_named() {
    let Some(fixture) = Fixture::as_root() else { return };
    let name = format!("plimsoll-test-{}", std::process::id());
    let mut step = fixture.shell("cat /proc/self/cgroup");
    step.control_limits =
        ControlLimits { parent: Some(format!("/{name}/inner")), ..ControlLimits::default() };
    let Some(groups) = limited(&step) else { return };
    assert!(groups.contains(&format!("/{name}/inner/plimsoll-")), "{groups}");
    for below in ["*/inner", "*"] {
        let pattern = format!("/sys/fs/cgroup/{}", below.replace('*', &format!("*/{name}")));
        let command = format!("rmdir {pattern} 2>/dev/null; rmdir /sys/fs/cgroup/{name} 2>/dev/null");
        std::process::Command::new("sh").args(["-c", &command]).status().unwrap();
    }
}

#[test]
fn devices_that_a_confined_step_makes_are_of_no_use() {
    let Some(fixture) = Fixture::as_root() else { return };
    let script = "mknod /null c 1 3; mknod /dev/own c 1 3; ls -l /null | cut -c1; \
                  (echo x > /null) 2>/dev/null || echo refused; (echo x > /dev/own) 2>/dev/null || echo refused; \
                  echo x > /dev/null && echo given";
    let script = script.replace("| cut -c1", "| head -c 1; echo");
    let mut step = fixture.shell(&script);
    assert_eq!(output(&step), "c\nrefused\nrefused\ngiven\n");
    let (upper, work) = fixture.fresh();
    (step.upper, step.work, step.security) = (upper, work, Security::Insecure);
    assert_eq!(output(&step), "c\ngiven\n");
}

#[test]
fn an_unconfined_step_of_a_plain_user_has_all_capabilities_and_writes_to_sys() {
    let Some(fixture) = Fixture::as_root() else { return };
    let mut step =
        fixture.shell("grep -c -e CapEff -e CapAmb /proc/self/status; grep Cap /proc/self/status; grep ' /sys ' /proc/self/mounts");
    step.security = Security::Insecure;
    step.uid = 1000;
    let text = output(&step);
    let values: Vec<&str> =
        text.lines().filter(|line| line.starts_with("Cap")).map(|line| &line[8..]).collect();
    assert!(values.windows(2).all(|pair| pair[0] == pair[1]), "{text}");
    assert!(text.lines().last().unwrap().contains(" rw"), "{text}");
}
