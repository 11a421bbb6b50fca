//! Tests of [`super`].

use super::*;

fn search(name: &str, path: &str) -> Vec<String> {
    candidates(OsStr::new(name), &[("PATH".into(), path.into())])
        .unwrap()
        .into_iter()
        .map(|found| found.into_string().unwrap())
        .collect()
}

fn classic(stack: &Stack<'_>) -> Result<Overlay, SandboxError> {
    stack.classic()
}

/// Runs a step on the host's own programs, its overlays mounted by the classic call.
#[test]
fn overlays_are_mounted_by_the_classic_call_too() {
    if !rustix::process::geteuid().is_root() {
        assert!(std::env::var_os("CI").is_none(), "root is needed");
        eprintln!("SKIPPED: root is needed");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let make = |name: &str| {
        let path = directory.path().join(name);
        std::fs::create_dir(&path).unwrap();
        path
    };
    let (stubs, upper, work) = (make("stubs:,\\"), make("upper"), make("work"));
    for name in ["dev", "proc", "sys", "part"] {
        std::fs::create_dir(stubs.join(name)).unwrap();
    }
    for (number, name) in ["bin", "usr", "lib", "lib64"].into_iter().enumerate() {
        let source = Path::new("/").join(name);
        match std::fs::read_link(&source) {
            Ok(target) => std::os::unix::fs::symlink(target, stubs.join(name)).unwrap(),
            Err(_) if source.exists() => std::fs::create_dir(stubs.join(name)).unwrap(),
            Err(_) => assert!(number > 1),
        }
    }
    let other = make("other");
    std::fs::create_dir(other.join("inner")).unwrap();
    std::fs::write(other.join("inner/text"), "part\n").unwrap();
    let bind = |name: &str| StepMount {
        source: MountSource::Bind(Path::new("/").join(name)),
        target: Path::new("/").join(name),
        read_only: true,
    };
    let mut mounts: Vec<_> = ["bin", "usr", "lib", "lib64"]
        .into_iter()
        .filter(|name| Path::new("/").join(name).symlink_metadata().is_ok_and(|found| found.is_dir()))
        .map(bind)
        .collect();
    mounts.push(StepMount {
        source: MountSource::Overlay {
            lowers: vec![other],
            upper: make("part-upper"),
            work: make("part-work"),
            path: "/inner".into(),
        },
        target: "/part".into(),
        read_only: false,
    });
    let lowers =
        std::iter::once(stubs).chain((0..150).map(|number| make(&format!("empty{number}")))).collect();
    let step = Step {
        lowers,
        upper: upper.clone(),
        work,
        mounts,
        argv: ["sh", "-c", "cat /part/text > /copy"].map(Into::into).to_vec(),
        env: vec![("PATH".into(), "/usr/bin:/bin".into())],
        cwd: "/".into(),
        uid: 0,
        gid: 0,
        groups: Vec::new(),
        hostname: "classic".into(),
        network: Network::Host,
        security: Security::Sandbox,
        no_new_privileges: false,
        shm_size: Step::DEFAULT_SHM_SIZE,
        resource_limits: Vec::new(),
        control_limits: crate::control::ControlLimits::default(),
        identity: Identity::Host,
    };
    let null = || OwnedFd::from(std::fs::File::options().read(true).write(true).open("/dev/null").unwrap());
    let stdio = Stdio { stdin: null(), stdout: null(), stderr: null() };
    let program = compile_with(&step, Streams::Given(stdio), Vec::new(), classic).unwrap();
    let started = crate::sys::spawn::start(program).unwrap();
    assert!(crate::child::wait_pidfd(started.pidfd.as_fd()).unwrap().success());
    assert_eq!(std::fs::read_to_string(upper.join("copy")).unwrap(), "part\n");
    let many = Stack { lowers: &vec![upper.clone(); 900], upper: &upper, work: &upper, user_xattr: false };
    assert!(matches!(many.classic(), Err(SandboxError::OverlayOptions { layers: 900, .. })));
    let too_many = Step { lowers: vec![upper; 2000], ..step };
    let stack =
        Stack { lowers: &too_many.lowers, upper: &too_many.upper, work: &too_many.work, user_xattr: false };
    assert!(matches!(stack.prepare(), Err(SandboxError::LayerCount { count: 2000, .. })));
}

#[test]
fn a_program_is_searched_in_every_directory_of_the_path() {
    assert_eq!(search("sh", "/usr/bin:/bin"), ["/usr/bin/sh", "/bin/sh"]);
    assert_eq!(search("sh", ":/bin:"), ["/bin/sh"]);
    assert_eq!(search("./sh", "/bin"), ["./sh"]);
    assert!(search("", "/bin").is_empty());
}

#[test]
fn a_zero_byte_in_an_argument_is_an_error() {
    assert!(matches!(c_string(OsStr::new("a\0b")), Err(SandboxError::ZeroByte { .. })));
}

#[test]
fn targets_are_relative_to_the_root() {
    assert_eq!(inner(Path::new("/run/x")).unwrap().as_c_str(), c"run/x");
    assert!(inner(Path::new("run/x")).is_err());
}
