use super::hierarchy::Hierarchies;
use super::*;
use crate::error::NoControl;

const HYBRID_MOUNTS: &str = "\
24 1 0:22 / /proc rw - proc proc rw
30 24 0:26 / /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu
31 24 0:27 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
32 24 0:28 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
33 24 0:29 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
";
const HYBRID_GROUPS: &str = "3:name=systemd:/\n2:memory:/service/one\n1:cpu:/\n0::/\n";

#[test]
fn hierarchies_of_both_versions_are_found() {
    let hierarchies = Hierarchies::parse(HYBRID_MOUNTS, HYBRID_GROUPS);
    let memory = hierarchies.of(Controller::Memory).unwrap();
    assert_eq!(memory.own, Path::new("/sys/fs/cgroup/memory/service/one"));
    assert_eq!(memory.version, Version::One);
    assert_eq!(hierarchies.of(Controller::Cpu).unwrap().own, Path::new("/sys/fs/cgroup/cpu"));
    assert!(matches!(
        hierarchies.of(Controller::Cpuset),
        Err(SandboxError::NoControl { controller: Controller::Cpuset, reason: NoControl::Absent })
    ));
    assert_eq!(hierarchies.all().count(), 2);
}

#[test]
fn a_part_of_a_hierarchy_is_a_whole_one_to_who_sees_no_more() {
    let mounts = "40 30 0:27 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup rw\n";
    let own = |groups: &str| Hierarchies::parse(mounts, groups).0[0].own.clone();
    assert_eq!(own("0::/docker/abc/inner\n"), Path::new("/sys/fs/cgroup/inner"));
    assert_eq!(own("0::/docker/abc\n"), Path::new("/sys/fs/cgroup"));
    assert_eq!(own("0::/../elsewhere\n"), Path::new("/sys/fs/cgroup"));
}

fn limits() -> ControlLimits {
    ControlLimits {
        memory: Some(1 << 20),
        memory_and_swap: Some(Swap::Total(3 << 20)),
        cpu_shares: Some(1024),
        cpu_quota: Some(50_000),
        cpuset_cpus: Some("0-1".to_owned()),
        ..ControlLimits::default()
    }
}

#[test]
fn values_are_those_of_the_version() {
    let limits = limits();
    let values = |controller, version| limits.values(controller, version);
    assert_eq!(
        values(Controller::Memory, Version::One),
        [
            ("memory.limit_in_bytes", "1048576".to_owned()),
            ("memory.memsw.limit_in_bytes", "3145728".to_owned())
        ]
    );
    assert_eq!(
        values(Controller::Memory, Version::Two),
        [("memory.max", "1048576".to_owned()), ("memory.swap.max", "2097152".to_owned())]
    );
    assert_eq!(
        values(Controller::Cpu, Version::Two),
        [("cpu.weight", "39".to_owned()), ("cpu.max", "50000 100000".to_owned())]
    );
    assert_eq!(weight(2), 1);
    assert_eq!(weight(262_144), 10_000);
}

/// A directory that looks like the unified hierarchy: the files are plain ones, and nothing happens by itself.
struct Pretended {
    directory: tempfile::TempDir,
}

impl Pretended {
    fn new() -> Self {
        let pretended = Self { directory: tempfile::tempdir().unwrap() };
        pretended.group("", "cpu cpuset memory", "memory", "");
        pretended.group("session", "memory", "", "1 2 3");
        pretended
    }

    fn group(&self, name: &str, controllers: &str, enabled: &str, processes: &str) {
        let path = self.directory.path().join(name);
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("cgroup.controllers"), controllers).unwrap();
        fs::write(path.join("cgroup.subtree_control"), enabled).unwrap();
        fs::write(path.join("cgroup.procs"), processes).unwrap();
    }

    fn hierarchy(&self) -> Hierarchy {
        Hierarchy {
            version: Version::Two,
            controllers: vec!["memory".to_owned(), "cpu".to_owned()],
            mount: self.directory.path().to_owned(),
            own: self.directory.path().join("session"),
        }
    }
}

#[test]
fn the_nearest_group_that_can_hand_a_controller_down_is_taken() {
    let pretended = Pretended::new();
    // The plain file takes the word, as a group without processes would.
    let place = pretended.hierarchy().place(None, &[Controller::Memory]).unwrap();
    assert_eq!(place, pretended.directory.path().join("session"));
    let place = pretended.hierarchy().place(None, &[Controller::Cpu]).unwrap();
    assert_eq!(place, pretended.directory.path());
    let written = fs::read_to_string(pretended.directory.path().join("cgroup.subtree_control")).unwrap();
    assert!(written.starts_with("+cpu"), "{written}");
}

#[test]
fn a_controller_that_nobody_has_is_named() {
    let pretended = Pretended::new();
    pretended.group("", "memory", "memory", "");
    let error = pretended.hierarchy().place(None, &[Controller::Cpu]).unwrap_err();
    assert!(matches!(error, SandboxError::NoControl { controller: Controller::Cpu, .. }), "{error}");
    assert!(error.to_string().contains("processor time"), "{error}");
}

#[test]
fn a_named_parent_is_a_path_or_a_slice() {
    let pretended = Pretended::new();
    let place = |parent| pretended.hierarchy().place(Some(parent), &[]);
    let below = |path: &str| pretended.directory.path().join(path);
    assert_eq!(place("/a/b").unwrap(), below("a/b"));
    assert_eq!(place("x-y.slice").unwrap(), below("x.slice/x-y.slice"));
    for bad in ["", "/", "../a", "a/../b"] {
        assert!(matches!(place(bad), Err(SandboxError::ControlParent { .. })), "{bad}");
    }
}

#[test]
fn groups_without_an_owner_are_removed() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("plimsoll-1-1")).unwrap();
    fs::create_dir(directory.path().join("other")).unwrap();
    let place = Place::make(directory.path(), Version::Two).unwrap();
    sweep(directory.path());
    assert!(place.directory.is_dir() && directory.path().join("other").is_dir());
    assert!(!directory.path().join("plimsoll-1-1").exists());
    let left = place.directory.clone();
    drop(ControlGroup { places: vec![place] });
    assert!(!left.exists());
}
