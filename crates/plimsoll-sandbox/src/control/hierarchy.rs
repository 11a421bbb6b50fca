//! Which hierarchies of control groups there are, and where in them the builder is.

use std::fmt;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::control::{set, unified};
use crate::error::{NoControl, SandboxError};

/// What limits are kept by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Controller {
    /// Memory and swap.
    Memory,
    /// Processor time.
    Cpu,
    /// Which processors and memory nodes.
    Cpuset,
}

impl Controller {
    /// Its name in the kernel.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Cpu => "cpu",
            Self::Cpuset => "cpuset",
        }
    }
}

impl fmt::Display for Controller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::Cpu => "processor time",
            Self::Cpuset => "the choice of processors",
        })
    }
}

/// How a hierarchy is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// One hierarchy for each controller, or for a few.
    One,
    /// The unified hierarchy.
    Two,
}

/// One hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hierarchy {
    pub(super) version: Version,
    /// Names of its controllers; of the unified one those that are not elsewhere.
    pub(super) controllers: Vec<String>,
    /// Where it is mounted.
    pub(super) mount: PathBuf,
    /// The directory of the group that the builder is in.
    pub(super) own: PathBuf,
}

/// All hierarchies that are mounted.
#[derive(Debug, Clone, Default)]
pub(super) struct Hierarchies(pub(super) Vec<Hierarchy>);

impl Hierarchies {
    /// Those that this process sees.
    pub(super) fn read() -> Result<Self, SandboxError> {
        let read = |path: &str| {
            fs::read_to_string(path).map_err(|source| SandboxError::File {
                attempt: "read",
                path: path.into(),
                source,
            })
        };
        let mut hierarchies = Self::parse(&read("/proc/self/mountinfo")?, &read("/proc/self/cgroup")?);
        for hierarchy in &mut hierarchies.0 {
            if hierarchy.version == Version::Two {
                // The root of the hierarchy lists what it can give; in a namespace that is the builder's part of it.
                let path = hierarchy.mount.join("cgroup.controllers");
                let text = fs::read_to_string(path).unwrap_or_default();
                hierarchy.controllers = text.split_whitespace().map(str::to_owned).collect();
            }
        }
        Ok(hierarchies)
    }

    /// Puts together what `mountinfo` and `cgroup` of a process say (proc(5), cgroups(7)).
    pub(super) fn parse(mounts: &str, groups: &str) -> Self {
        let mut hierarchies = Vec::new();
        for line in mounts.lines() {
            let Some((before, after)) = line.split_once(" - ") else { continue };
            let before: Vec<&str> = before.split(' ').collect();
            let after: Vec<&str> = after.split(' ').collect();
            let (&[_, _, _, root, mount, ..], &[kind, _, options, ..]) =
                (before.as_slice(), after.as_slice())
            else {
                continue;
            };
            let (version, controllers) = match kind {
                "cgroup2" => (Version::Two, Vec::new()),
                "cgroup" => (Version::One, options.split(',').map(str::to_owned).collect::<Vec<_>>()),
                _ => continue,
            };
            let path = groups.lines().find_map(|line| {
                let mut fields = line.splitn(3, ':');
                let (number, names, path) = (fields.next()?, fields.next()?, fields.next()?);
                let fits = match version {
                    Version::Two => number == "0" && names.is_empty(),
                    Version::One => names
                        .split(',')
                        .any(|name| !name.is_empty() && controllers.iter().any(|known| known == name)),
                };
                fits.then_some(path)
            });
            let Some(path) = path else { continue };
            let mount = PathBuf::from(unescape(mount));
            // What is mounted may be a part of the hierarchy: then the group's path begins with that part's.
            let inside = path.strip_prefix(root.trim_end_matches('/')).unwrap_or(path);
            let inside = Path::new(inside.trim_start_matches('/'));
            let outside = inside.components().any(|part| part == Component::ParentDir);
            let own = if outside { mount.clone() } else { mount.join(inside) };
            hierarchies.push(Hierarchy { version, controllers, mount, own });
        }
        Self(hierarchies)
    }

    /// The hierarchy that has a controller.
    pub(super) fn of(&self, controller: Controller) -> Result<&Hierarchy, SandboxError> {
        let has = |hierarchy: &&Hierarchy| hierarchy.controllers.iter().any(|name| name == controller.name());
        let missing = || SandboxError::NoControl { controller, reason: NoControl::Absent };
        self.0.iter().find(has).ok_or_else(missing)
    }

    /// All that have a controller that keeps limits.
    pub(super) fn all(&self) -> impl Iterator<Item = &Hierarchy> {
        let known = ["memory", "cpu", "cpuset", "cpuacct", "pids", "blkio", "io", "freezer", "devices"];
        self.0
            .iter()
            .filter(move |hierarchy| hierarchy.controllers.iter().any(|name| known.contains(&name.as_str())))
    }
}

/// Blanks and backslashes in `mountinfo` are octal.
fn unescape(text: &str) -> String {
    text.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}

impl Hierarchy {
    /// The directory in which a step's group is made, such that these controllers work in it.
    pub(super) fn place(
        &self,
        parent: Option<&str>,
        controllers: &[Controller],
    ) -> Result<PathBuf, SandboxError> {
        let named = parent.map(|parent| self.named(parent)).transpose()?;
        match (self.version, named) {
            (Version::One, None) => Ok(self.own.clone()),
            (Version::One, Some(parts)) => {
                let mut path = self.mount.clone();
                for part in parts {
                    path.push(part);
                    make(&path)?;
                    inherit_cpuset(&path)?;
                }
                Ok(path)
            }
            (Version::Two, named) => unified::place(self, named.as_deref(), controllers),
        }
    }

    /// The parts of the path of a group that was named: from the top of the hierarchy, systemd's slices spelled out.
    fn named(&self, parent: &str) -> Result<Vec<String>, SandboxError> {
        let bad = || SandboxError::ControlParent { parent: parent.to_owned() };
        let path = Path::new(parent.trim_start_matches('/'));
        let mut parts = Vec::new();
        for part in path.components() {
            match part {
                Component::Normal(name) => parts.push(name.to_str().ok_or_else(bad)?.to_owned()),
                _ => return Err(bad()),
            }
        }
        if let [slice] = parts.as_slice()
            && let Some(name) = slice.strip_suffix(".slice")
            && !self.mount.join(slice).is_dir()
        {
            let words: Vec<&str> = name.split('-').collect();
            let spelled = (1..=words.len()).map(|count| format!("{}.slice", words[..count].join("-")));
            return Ok(spelled.collect());
        }
        if parts.is_empty() { Err(bad()) } else { Ok(parts) }
    }
}

/// Makes a group that may be there already.
pub(super) fn make(path: &Path) -> Result<(), SandboxError> {
    match fs::create_dir(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map_err(|source| SandboxError::ControlGroup { path: path.to_owned(), source }),
    }
}

/// A new group of the first version has no processors, and takes no process until it has some.
pub(super) fn inherit_cpuset(path: &Path) -> Result<(), SandboxError> {
    for file in ["cpuset.cpus", "cpuset.mems"] {
        let Ok(own) = fs::read_to_string(path.join(file)) else { continue };
        if own.trim().is_empty()
            && let Some(parent) = path.parent()
            && let Ok(above) = fs::read_to_string(parent.join(file))
        {
            set(&path.join(file), above.trim())?;
        }
    }
    Ok(())
}
