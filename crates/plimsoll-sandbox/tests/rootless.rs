//! Steps of plain users: with subordinate ids, and with a single one.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio as Pipes};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::support::{
    Fixture, compile, eventually, install, is_root, processes_with, run_step_program, skip,
};

/// A user made for one test, with a root file system that belongs to it.
struct User {
    name: String,
    fixture: Fixture,
    program: PathBuf,
}

/// The files of users have one lock.
static USERS: Mutex<()> = Mutex::new(());

impl User {
    fn with_subordinate_ids() -> Option<Self> {
        Self::new(true)
    }

    fn with_a_single_id() -> Option<Self> {
        Self::new(false)
    }

    fn new(subordinate: bool) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        if !is_root() {
            skip("root is needed to make users");
            return None;
        }
        let fixture = Fixture::new()?;
        let guard = USERS.lock().unwrap_or_else(PoisonError::into_inner);
        if !Path::new("/usr/bin/newuidmap").exists() {
            install("uidmap");
        }
        let name = format!("plimsoll{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        // A system user gets no ranges by itself.
        if !succeeds(Command::new("useradd").args(["--system", "--user-group", "--no-create-home", &name])) {
            skip("useradd is needed");
            return None;
        }
        let program = fixture.path("run_step");
        let user = Self { name, fixture, program };
        if subordinate {
            // Ranges far above those a system gives away.
            let first = 2_000_000_000 + u64::from(std::process::id() % 10_000) * 70_000;
            let range = format!("{first}-{}", first + 65_535);
            let done = succeeds(Command::new("usermod").args([
                "--add-subuids",
                &range,
                "--add-subgids",
                &range,
                &user.name,
            ]));
            assert!(done, "usermod");
        }
        drop(guard);
        std::fs::copy(run_step_program(), &user.program).unwrap();
        let directory = user.fixture.directory.path();
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(directory, permissions).unwrap();
        user.own();
        Some(user)
    }

    /// Gives everything in the fixture to the user.
    fn own(&self) {
        let owner = format!("{0}:{0}", self.name);
        assert!(succeeds(Command::new("chown").arg("-hR").arg(owner).arg(self.fixture.directory.path())));
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid", &self.name, "--regid", &self.name, "--clear-groups", "--"])
            .arg(&self.program)
            .args(arguments)
            .stdin(Pipes::null());
        command
    }

    /// A step on new layers; gives the upper directory too.
    fn step(&self, options: &[&str], argv: &[&str]) -> (Command, PathBuf) {
        let (upper, work) = self.fixture.fresh();
        self.own();
        let mut command = self.command(&["--lower"]);
        command.arg(self.fixture.root()).arg("--upper").arg(&upper).arg("--work").arg(&work);
        command.args(options).arg("--").args(argv);
        (command, upper)
    }

    fn shell(&self, options: &[&str], script: &str) -> (Output, PathBuf) {
        let (mut command, upper) = self.step(options, &["sh", "-c", script]);
        (command.output().unwrap(), upper)
    }

    fn ids(&self) -> (u32, u32) {
        let found = self.fixture.root().metadata().unwrap();
        (found.uid(), found.gid())
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let _guard = USERS.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = Command::new("userdel").arg(&self.name).output();
    }
}

fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

fn text(output: &Output) -> String {
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    text
}

fn attribute(path: &Path, name: &str) -> Option<String> {
    let mut value = [0u8; 64];
    let length = rustix::fs::lgetxattr(path, name, &mut value).ok()?;
    Some(String::from_utf8_lossy(&value[..length]).into_owned())
}

const OWNERS: &str = "touch /file; chown 7:8 /file; mv /file /moved; mkdir /directory; chown 1:2 /directory; \
    ln -s nowhere /directory/link; chown -h 3:4 /directory/link; touch /back; chown 5 /back; chown 0 /back; \
    cd /directory; chgrp 9 ../etc/hosts; ln -s ../etc/removed through; chown 6:6 through; \
    mknod /node b 7 12; touch /gone; ln -sf x /gone; chown -h 3:3 /gone; rm /gone";

#[test]
fn the_ladder_says_where_the_user_stands() {
    let Some(user) = User::with_subordinate_ids() else { return };
    let found = text(&user.command(&["--ladder"]).output().unwrap());
    assert!(found.starts_with("SubordinateIds") && found.contains("count: 65536"), "{found}");
    let Some(user) = User::with_a_single_id() else { return };
    let found = text(&user.command(&["--ladder"]).output().unwrap());
    assert!(found.starts_with("SingleId"), "{found}");
    assert!(found.contains(&format!("`/etc/subuid` has no range for user `{}`", user.name)), "{found}");
    assert!(found.contains("hint: as root: usermod --add-subuids"), "{found}");
}

#[test]
fn with_subordinate_ids_owners_are_real() {
    let Some(user) = User::with_subordinate_ids() else { return };
    let (output, upper) = user.shell(&[], &format!("{OWNERS}; stat -c %u:%g /moved /directory/link"));
    assert_eq!(text(&output), "7:8\n3:4\n");
    let (own, _) = user.ids();
    let mapped = upper.join("moved").metadata().unwrap();
    assert!(mapped.uid() >= 2_000_000_000 && mapped.uid() != own, "{}", mapped.uid());
    assert_eq!(attribute(&upper.join("moved"), "user.plimsoll.owner"), None);
    assert_eq!(attribute(&upper.join("node"), "user.plimsoll.device").as_deref(), Some("b:7:12"));
}

#[test]
fn with_subordinate_ids_a_step_runs_as_another_user() {
    let Some(user) = User::with_subordinate_ids() else { return };
    let options = ["--uid", "1000", "--gid", "1000", "--group", "44", "--no-network"];
    let (output, upper) = user.shell(&options, "id; touch /tmp/x || touch /dev/shm/x; ls /sys/class/net");
    let found = text(&output);
    assert!(found.contains("uid=1000 gid=1000 groups=44"), "{found}");
    assert!(found.ends_with("lo\n") || found.contains("lo\ntouch"), "{found}");
    assert!(!upper.join("tmp/x").exists());
}

#[test]
fn with_a_single_id_owners_are_kept_with_the_files_or_in_the_table() {
    let Some(user) = User::with_a_single_id() else { return };
    let table = user.fixture.path("table");
    let (output, upper) = user.shell(&["--owners", table.to_str().unwrap()], OWNERS);
    assert_eq!((text(&output), output.status.code()), (String::new(), Some(0)));
    let owner = |name: &str| attribute(&upper.join(name), "user.plimsoll.owner");
    assert_eq!(owner("moved").as_deref(), Some("7:8"));
    assert_eq!(owner("directory").as_deref(), Some("1:2"));
    assert_eq!(owner("etc/hosts").as_deref(), Some("0:9"));
    assert_eq!(owner("etc/removed").as_deref(), Some("6:6"));
    assert_eq!(owner("back"), None);
    assert_eq!(std::fs::read_to_string(upper.join("etc/hosts")).unwrap(), "image\n");
    assert_eq!(
        std::fs::read_to_string(table).unwrap(),
        "owner directory/link 3:4\ndevice node Device { block: true, major: 7, minor: 12 }\n"
    );
    assert_eq!(upper.join("moved").metadata().unwrap().uid(), user.ids().0);
}

/// Changes ids as package managers do, and says what it is told afterwards; a child too.
const IDS: &str = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
static void say(const char *who) {
    uid_t r, e, s; gid_t groups[8];
    getresuid(&r, &e, &s);
    int count = getgroups(8, groups);
    printf("%s %d %d %d %d group %d groups %d %d\n", who, getuid(), r, e, s, getegid(), count, count ? (int)groups[0] : -1);
    fflush(stdout);
}
int main(void) {
    gid_t group = 44;
    struct stat found;
    int file = creat("/created", 0644);
    int absent = chown("/absent", 1, 1);
    int whole = fchown(file, 33, 34);
    printf("chown %d %d %d\n", absent, whole, chown("/proc/self/root/created", -1, 35));
    printf("link %d\n", lchown("/mnt/link", 3, 3));
    int groups = setgroups(1, &group);
    int all = setresgid(42, 42, 42);
    printf("set %d %d %d\n", groups, all, setresuid(100, 100, 100));
    say("self");
    int back = setuid(0);
    printf("back %d %d\n", back, errno);
    fflush(stdout);
    if (fork() == 0) { say("child"); return 0; }
    wait(0);
    stat("/created", &found);
    return found.st_uid;
}
"#;

const IDS_WANTED: &str = "chown -1 0 0\nlink 0\nset 0 0 0\nself 100 100 100 100 group 42 groups 1 44\n\
    back -1 1\nchild 100 100 100 100 group 42 groups 1 44\n";

#[test]
fn with_a_single_id_changes_of_ids_succeed_and_are_remembered() {
    let Some(user) = User::with_a_single_id() else { return };
    let mut compilers = vec![("ids", vec![])];
    if cfg!(target_arch = "x86_64") {
        compilers.push(("ids32", vec!["-m32"]));
    }
    for (name, options) in compilers {
        if compile(IDS, &user.fixture.root().join("bin").join(name), &options).is_none() {
            skip(&format!("a C compiler for {name} is needed"));
            continue;
        }
        let (mut command, upper) = user.step(&[], &[name]);
        let output = command.output().unwrap();
        assert_eq!((text(&output).as_str(), output.status.code()), (IDS_WANTED, Some(0)), "{name}");
        assert_eq!(attribute(&upper.join("created"), "user.plimsoll.owner").as_deref(), Some("33:35"));
    }
}

#[test]
fn with_a_single_id_a_user_is_told_the_ids_it_was_given() {
    let Some(user) = User::with_a_single_id() else { return };
    let (output, _) = user.shell(&["--uid", "1000", "--gid", "1001"], "id -u; id -g");
    assert_eq!(text(&output), "1000\n1001\n");
}

/// Gives a file a capability and reads it back.
const CAPABILITY: &str = r#"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
int main(void) {
    unsigned char value[20] = {1, 0, 0, 2, 0, 4}, found[32];
    int set = setxattr("/bin/busybox", "security.capability", value, 20, 0);
    printf("set %d %d\n", set, set < 0 ? errno : 0);
    int length = getxattr("/bin/busybox", "security.capability", found, 32);
    printf("get %d %d\n", length, length == 20 && memcmp(value, found, 20) == 0);
    return 0;
}
"#;

#[test]
fn file_capabilities_can_be_set_by_plain_users() {
    for user in [User::with_subordinate_ids(), User::with_a_single_id()] {
        let Some(user) = user else { return };
        if compile(CAPABILITY, &user.fixture.root().join("bin/capability"), &[]).is_none() {
            return skip("a C compiler with a static library is needed");
        }
        let (mut command, _) = user.step(&[], &["capability"]);
        assert_eq!(text(&command.output().unwrap()), "set 0 0\nget 20 1\n");
    }
}

#[test]
fn secrets_and_memory_file_systems_work_for_plain_users() {
    for user in [User::with_subordinate_ids(), User::with_a_single_id()] {
        let Some(user) = user else { return };
        let options = ["--data", "hunter2", "/mnt/file", "--tmpfs", "/mnt/directory"];
        let (output, upper) =
            user.shell(&options, "cat /mnt/file; stat -c ' %a' /mnt/file; touch /mnt/directory/x; hostname");
        assert_eq!(text(&output), "hunter2 400\nbuildkitsandbox\n");
        assert_eq!(std::fs::read_dir(upper).unwrap().count(), 0);
    }
}

#[test]
fn exit_codes_and_signals_pass_through_the_copy() {
    let Some(user) = User::with_a_single_id() else { return };
    let (output, _) = user.shell(&[], "exit 42");
    assert_eq!(output.status.code(), Some(42));
    let (mut command, _) = user.step(&[], &["no-such-program"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(127));
    assert_eq!(text(&output), "run_step: executable not found: `no-such-program`\n");
    let mark = format!("8{}.1", std::process::id());
    let (mut command, _) = user.step(&[], &["sleep", &mark]);
    let mut outer = command.spawn().unwrap();
    // The copy has the mark among its arguments too.
    eventually("the step runs", || processes_with(&mark).len() == 3);
    let pid = rustix::process::Pid::from_raw(outer.id().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    // The copy has no handler and is ended by the signal; with it the step.
    assert_eq!(outer.wait().unwrap().code(), Some(143));
    eventually("the step is gone", || processes_with(&mark).is_empty());
}

#[test]
fn a_user_that_kills_its_builder_has_nothing_left() {
    for user in [User::with_subordinate_ids(), User::with_a_single_id()] {
        let Some(user) = user else { return };
        let mark = format!("{}.2", user.ids().0 + 700_000);
        let (mut command, _) = user.step(&[], &["sh", "-c", &format!("sleep {mark} & sleep {mark}")]);
        let mut outer = command.spawn().unwrap();
        eventually("the step runs", || processes_with(&mark).len() == 2);
        outer.kill().unwrap();
        outer.wait().unwrap();
        eventually("the step is gone", || processes_with(&mark).is_empty());
    }
}
