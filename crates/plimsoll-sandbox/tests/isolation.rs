//! What a step may not see or do.

use plimsoll_sandbox::{ExitStatus, Network, Security};

use crate::support::{Fixture, compile, output, run, skip};

/// Makes calls by number and prints what each gives. Numbers differ between x86-64 and i386.
const CALLS: &str = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>
static void attempt(const char *name, long number, long first) {
    errno = 0;
    long result = syscall(number, first, 0L, 0L, 0L, 0L);
    printf("%s %d\n", name, result < 0 ? errno : 0);
}
int main(void) {
    attempt("keyctl", SYS_keyctl, 0);
    attempt("clone3", SYS_clone3, 0);
    attempt("newer", 9999, 0);
    attempt("unshare", SYS_unshare, 0x10000000);
    attempt("personality", SYS_personality, 0x40000);
    attempt("asking", SYS_personality, 0xffffffffL);
    attempt("vsock", SYS_socket, 40);
    attempt("getpid", SYS_getpid, 0);
    return 0;
}
"#;

const WANTED: &str = "keyctl 1\nclone3 38\nnewer 38\nunshare 1\npersonality 1\nasking 0\nvsock 1\ngetpid 0\n";

#[test]
fn capabilities_are_dockers_and_the_shared_network_costs_one() {
    let Some(fixture) = Fixture::as_root() else { return };
    let mut step = fixture.shell("grep -E '^Cap|^Seccomp:|^NoNewPrivs' /proc/self/status");
    let found = output(&step);
    for line in ["CapPrm:\t00000000a80405fb", "CapEff:\t00000000a80405fb", "CapBnd:\t00000000a80405fb"] {
        assert!(found.contains(line), "{found}");
    }
    for line in ["CapInh:\t0000000000000000", "CapAmb:\t0000000000000000", "Seccomp:\t2", "NoNewPrivs:\t0"] {
        assert!(found.contains(line), "{found}");
    }
    (step.upper, step.work) = fixture.fresh();
    step.network = Network::None;
    step.no_new_privileges = true;
    let found = output(&step);
    assert!(found.contains("CapEff:\t00000000a80425fb"), "{found}");
    assert!(found.contains("NoNewPrivs:\t1"), "{found}");
}

#[test]
fn a_plain_user_has_its_ids_and_no_effective_capability() {
    let Some(fixture) = Fixture::as_root() else { return };
    let mut step = fixture.shell("id; grep CapEff /proc/self/status; echo again > /dev/stdout");
    (step.uid, step.gid, step.groups) = (1000, 1001, vec![44, 1001]);
    let found = output(&step);
    assert!(found.contains("uid=1000 gid=1001 groups=44,1001"), "{found}");
    assert!(found.contains("CapEff:\t0000000000000000"), "{found}");
    assert!(found.ends_with("again\n"), "{found}");
}

#[test]
fn an_insecure_step_keeps_every_capability_and_sees_the_whole_of_proc() {
    let Some(fixture) = Fixture::as_root() else { return };
    let mut step =
        fixture.shell("grep -E 'CapEff|Seccomp:' /proc/self/status; mount -t tmpfs x /tmp && echo mounted");
    step.security = Security::Insecure;
    let found = output(&step);
    let own = std::fs::read_to_string("/proc/self/status").unwrap();
    let own = own.lines().find(|line| line.starts_with("CapEff")).unwrap();
    assert!(found.contains(own) && found.contains("Seccomp:\t0") && found.contains("mounted"), "{found}");
}

#[test]
fn paths_of_the_kernel_are_hidden_or_read_only() {
    let Some(fixture) = Fixture::as_root() else { return };
    let script = "wc -c < /proc/timer_list; wc -c < /proc/keys; ls /sys/firmware | wc -l; \
                  echo x > /proc/sys/kernel/hostname; echo b > /proc/fs/x; mkdir /sys/fs/cgroup/x; \
                  echo done";
    let found = output(&fixture.shell(script));
    assert!(found.starts_with("0\n0\n0\n"), "{found}");
    assert_eq!(found.matches("Read-only file system").count(), 2, "{found}");
    assert!(found.contains("can't create /proc/fs/x"), "{found}");
    let before = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert_ne!(before, "x\n");
}

#[test]
fn forbidden_calls_fail_as_in_docker() {
    let Some(fixture) = Fixture::as_root() else { return };
    if compile(CALLS, &fixture.root().join("bin/calls"), &[]).is_none() {
        return skip("a C compiler with a static library is needed");
    }
    assert_eq!(output(&fixture.step(&["calls"])), WANTED);
    let found = run(&fixture.shell("mount -t tmpfs x /tmp")).unwrap();
    assert_eq!(found.status, ExitStatus::Code(1), "{}", found.output);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn programs_for_i386_run_under_their_own_section_of_the_filter() {
    let Some(fixture) = Fixture::as_root() else { return };
    if compile(CALLS, &fixture.root().join("bin/calls32"), &["-m32"]).is_none() {
        return skip("a C compiler for i386 is needed");
    }
    assert_eq!(output(&fixture.step(&["calls32"])), WANTED);
}

#[test]
fn without_a_network_there_is_only_a_loopback_interface() {
    let Some(fixture) = Fixture::as_root() else { return };
    let mut step = fixture.shell("ls /sys/class/net; ifconfig lo");
    step.network = Network::None;
    let found = output(&step);
    assert!(found.starts_with("lo\n"), "{found}");
    assert!(found.contains("127.0.0.1") && found.contains("UP LOOPBACK"), "{found}");
}

#[test]
fn the_host_name_and_processes_are_the_steps_own() {
    let Some(fixture) = Fixture::as_root() else { return };
    let found = output(&fixture.shell("hostname; echo $$; ls /proc | grep -c '^[0-9]'"));
    let lines: Vec<_> = found.lines().collect();
    assert_eq!(lines[..2], ["buildkitsandbox", "1"]);
    assert!(lines[2].parse::<u32>().unwrap() <= 4, "{found}");
}

#[test]
fn no_descriptor_signal_setting_or_mask_is_inherited() {
    let Some(fixture) = Fixture::as_root() else { return };
    let leaked = std::fs::File::open("/etc/passwd").unwrap();
    rustix::io::fcntl_setfd(&leaked, rustix::io::FdFlags::empty()).unwrap();
    assert_eq!(output(&fixture.shell("ls /proc/$$/fd; umask")), "0\n1\n2\n0022\n");
    // Not in a shell, which ignores signals of its own choice.
    let found = output(&fixture.step(&["grep", "-E", "SigIgn|SigBlk", "/proc/self/status"]));
    assert_eq!(found, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}
