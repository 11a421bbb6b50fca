//! Mounts of a step, and what becomes of its layer.

use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use plimsoll_sandbox::{ExitStatus, MountSource, SandboxError, Stage};

use crate::support::{Fixture, mount, output, run};

#[test]
fn a_step_that_does_nothing_leaves_an_empty_layer() {
    let Some(fixture) = Fixture::as_root() else { return };
    let outcome = run(&fixture.step(&["true"])).unwrap();
    assert_eq!(outcome.status, ExitStatus::Code(0));
    assert_eq!(std::fs::read_dir(&outcome.upper).unwrap().count(), 0);
}

#[test]
fn removed_files_are_whiteouts_in_the_layer() {
    let Some(fixture) = Fixture::as_root() else { return };
    let outcome = run(&fixture.shell("rm /etc/removed; echo new > /etc/added")).unwrap();
    let whiteout = outcome.upper.join("etc/removed").symlink_metadata().unwrap();
    assert!(whiteout.file_type().is_char_device());
    assert_eq!(whiteout.rdev(), 0);
    assert_eq!(std::fs::read_to_string(outcome.upper.join("etc/added")).unwrap(), "new\n");
    assert!(fixture.root().join("etc/removed").exists());
}

#[test]
fn a_read_only_bind_cannot_be_written_and_a_writable_one_can() {
    let Some(fixture) = Fixture::as_root() else { return };
    let shared = fixture.path("shared");
    std::fs::create_dir(&shared).unwrap();
    let mut step = fixture.shell("echo x > /mnt/directory/x");
    step.mounts = vec![mount(MountSource::Bind(shared.clone()), "/mnt/directory", true)];
    let outcome = run(&step).unwrap();
    assert!(outcome.output.contains("Read-only file system"), "{}", outcome.output);
    step.mounts[0].read_only = false;
    (step.upper, step.work) = fixture.fresh();
    output(&step);
    assert_eq!(std::fs::read_to_string(shared.join("x")).unwrap(), "x\n");
    assert_eq!(std::fs::read_dir(&step.upper).unwrap().count(), 0);
}

#[test]
fn a_bound_file_hides_the_one_of_the_image() {
    let Some(fixture) = Fixture::as_root() else { return };
    let hosts = fixture.path("hosts");
    std::fs::write(&hosts, "127.0.0.1 localhost\n").unwrap();
    let mut step = fixture.shell("cat /etc/hosts");
    step.mounts = vec![mount(MountSource::Bind(hosts), "/etc/hosts", true)];
    assert_eq!(output(&step), "127.0.0.1 localhost\n");
}

#[test]
fn a_bind_of_a_symbolic_link_is_refused() {
    let Some(fixture) = Fixture::as_root() else { return };
    let link = fixture.path("link");
    std::os::unix::fs::symlink("/etc", &link).unwrap();
    let mut step = fixture.step(&["true"]);
    step.mounts = vec![mount(MountSource::Bind(link.clone()), "/mnt/directory", true)];
    match run(&step) {
        Err(SandboxError::MountSource { path, .. }) => assert_eq!(path, link),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_memory_file_system_has_its_size_and_mode() {
    let Some(fixture) = Fixture::as_root() else { return };
    let mut step = fixture.shell(
        "stat -c %a /mnt/directory; dd if=/dev/zero of=/mnt/directory/x bs=1k count=2048 2>&1 | head -1",
    );
    let size = Some(1024 * 1024);
    step.mounts = vec![mount(MountSource::Tmpfs { size, mode: 0o1770 }, "/mnt/directory", false)];
    let found = output(&step);
    assert!(found.starts_with("1770\n") && found.contains("No space left"), "{found}");
}

#[test]
fn targets_below_an_earlier_mount_are_made() {
    let Some(fixture) = Fixture::as_root() else { return };
    let source = fixture.path("source");
    std::fs::create_dir(&source).unwrap();
    std::fs::write(source.join("f"), "inner\n").unwrap();
    let mut step = fixture.shell("cat /mnt/directory/a/b/f /dev/extra; ls -a /mnt/directory/a");
    step.mounts = vec![
        mount(MountSource::Tmpfs { size: None, mode: 0o755 }, "/mnt/directory", false),
        mount(MountSource::Bind(source.clone()), "/mnt/directory/a/b", true),
        mount(MountSource::Bind(source.join("f")), "/dev/extra", true),
    ];
    assert_eq!(output(&step), "inner\ninner\n.\n..\nb\n");
}

#[test]
fn a_secret_has_its_mode_and_owner_and_is_on_no_disk() {
    let Some(fixture) = Fixture::as_root() else { return };
    let script =
        "cat /mnt/file; stat -c '%a %u %g' /mnt/file; echo x > /mnt/file; grep ' /mnt/file ' /proc/mounts";
    let mut step = fixture.shell(script);
    let data = |bytes: &[u8]| MountSource::Data { bytes: bytes.to_vec(), mode: 0o440, uid: 7, gid: 8 };
    step.mounts =
        vec![mount(data(b"first\n"), "/etc/hosts", true), mount(data(b"hunter2\n"), "/mnt/file", true)];
    let outcome = run(&step).unwrap();
    let found = outcome.output;
    assert!(found.starts_with("hunter2\n440 7 8\n"), "{found}");
    assert!(found.contains("Read-only file system") && found.contains("ramfs"), "{found}");
    assert_eq!(std::fs::read_dir(&outcome.upper).unwrap().count(), 0);
    assert!(!format!("{:?}", step.mounts).contains("hunter2"));
}

#[test]
fn a_snapshot_can_be_mounted_in_part_and_what_is_written_to_it_goes_elsewhere() {
    let Some(fixture) = Fixture::as_root() else { return };
    let other = fixture.path("other");
    std::fs::create_dir_all(other.join("app/bin")).unwrap();
    std::fs::write(other.join("app/bin/tool"), "tool\n").unwrap();
    let (upper, work) = fixture.fresh();
    let source = MountSource::Overlay {
        lowers: vec![other.clone()],
        upper: upper.clone(),
        work,
        path: "/app/bin".into(),
    };
    let mut step = fixture.shell("cat /mnt/directory/tool; echo changed > /mnt/directory/tool");
    step.mounts = vec![mount(source, "/mnt/directory", false)];
    assert_eq!(output(&step), "tool\n");
    assert_eq!(std::fs::read_to_string(other.join("app/bin/tool")).unwrap(), "tool\n");
    assert_eq!(std::fs::read_to_string(upper.join("app/bin/tool")).unwrap(), "changed\n");
    assert_eq!(std::fs::read_dir(&step.upper).unwrap().count(), 0);
}

#[test]
fn a_socket_of_the_host_can_be_mounted() {
    let Some(fixture) = Fixture::as_root() else { return };
    let path = fixture.path("agent");
    let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let mut step = fixture.shell("stat -c %F /mnt/file");
    step.mounts = vec![mount(MountSource::Socket(path), "/mnt/file", false)];
    assert_eq!(output(&step), "socket\n");
}

#[test]
fn targets_that_are_missing_or_links_are_named() {
    let Some(fixture) = Fixture::as_root() else { return };
    for target in ["/mnt/absent", "/mnt/link"] {
        let mut step = fixture.step(&["true"]);
        step.mounts = vec![mount(MountSource::Tmpfs { size: None, mode: 0o755 }, target, false)];
        match run(&step) {
            Err(SandboxError::Prepare { stage: Stage::Mount { target: named }, .. }) => {
                assert_eq!(named, Path::new(target));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn devices_of_a_container_are_there() {
    let Some(fixture) = Fixture::as_root() else { return };
    let script = "head -c 3 /dev/urandom | wc -c; echo x > /dev/null; stat -c %F /dev/shm /dev/pts/ptmx; \
                  readlink /dev/fd; readlink /dev/ptmx; touch /dev/shm/x; stat -f -c '%S %b' /dev/shm";
    let mut step = fixture.shell(script);
    step.shm_size = 1024 * 1024;
    let found = output(&step);
    assert_eq!(found, "3\ndirectory\ncharacter special file\n/proc/self/fd\npts/ptmx\n4096 256\n");
}
