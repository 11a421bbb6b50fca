//! Control groups: limits of memory and processors for a whole step.
//!
//! A group is made for one step below the group that the builder is in, or below the one that was named, in each
//! hierarchy that a limit needs: the unified one (version 2), those of single controllers (version 1), or both on a host
//! that has both. The step enters it before it does anything else. Groups that killed builders left are found by their
//! locks, which nobody holds any more, and removed.

mod hierarchy;
mod unified;

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::fs::{CWD, FlockOperation, Mode, OFlags};

use crate::error::SandboxError;
pub use hierarchy::Controller;
use hierarchy::{Hierarchies, Hierarchy, Version};

/// What the names of all groups begin with.
const PREFIX: &str = "plimsoll-";

/// What a step may use, and where its group is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ControlLimits {
    /// The group that the step's is made in; without it the builder's own.
    pub parent: Option<String>,
    /// Memory in bytes.
    pub memory: Option<u64>,
    /// Memory and swap together, in bytes.
    pub memory_and_swap: Option<Swap>,
    /// Weight against other groups; 1024 is the usual one.
    pub cpu_shares: Option<u64>,
    /// Length of the period that `cpu_quota` is a part of, in microseconds.
    pub cpu_period: Option<u64>,
    /// Processor time in each period, in microseconds.
    pub cpu_quota: Option<u64>,
    /// Processors by number: `0-3,5`.
    pub cpuset_cpus: Option<String>,
    /// Memory nodes by number.
    pub cpuset_mems: Option<String>,
}

/// How much swap a step may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swap {
    /// Memory and swap together have this many bytes.
    Total(u64),
    /// As much as there is.
    Unlimited,
}

/// The length of a period when only a quota was given, in microseconds.
const USUAL_PERIOD: u64 = 100_000;

impl ControlLimits {
    /// Whether a step needs no group of its own.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The controllers that the limits need.
    fn controllers(&self) -> Vec<Controller> {
        let mut controllers = Vec::new();
        if self.memory.is_some() || self.memory_and_swap.is_some() {
            controllers.push(Controller::Memory);
        }
        if self.cpu_shares.is_some() || self.cpu_period.is_some() || self.cpu_quota.is_some() {
            controllers.push(Controller::Cpu);
        }
        if self.cpuset_cpus.is_some() || self.cpuset_mems.is_some() {
            controllers.push(Controller::Cpuset);
        }
        controllers
    }

    /// The files of a controller and what is written into them, in order.
    fn values(&self, controller: Controller, version: Version) -> Vec<(&'static str, String)> {
        let mut values = Vec::new();
        let mut set = |file, value: Option<String>| values.extend(value.map(|value| (file, value)));
        match (controller, version) {
            (Controller::Memory, Version::One) => {
                set("memory.limit_in_bytes", self.memory.map(|bytes| bytes.to_string()));
                let swap = self.memory_and_swap.map(|swap| match swap {
                    Swap::Total(bytes) => bytes.to_string(),
                    Swap::Unlimited => "-1".to_owned(),
                });
                set("memory.memsw.limit_in_bytes", swap);
            }
            (Controller::Memory, Version::Two) => {
                set("memory.max", self.memory.map(|bytes| bytes.to_string()));
                let swap = self.memory_and_swap.map(|swap| match swap {
                    // Version 2 counts swap alone.
                    Swap::Total(bytes) => bytes.saturating_sub(self.memory.unwrap_or(0)).to_string(),
                    Swap::Unlimited => "max".to_owned(),
                });
                set("memory.swap.max", swap);
            }
            (Controller::Cpu, Version::One) => {
                set("cpu.shares", self.cpu_shares.map(|shares| shares.to_string()));
                set("cpu.cfs_period_us", self.cpu_period.map(|period| period.to_string()));
                set("cpu.cfs_quota_us", self.cpu_quota.map(|quota| quota.to_string()));
            }
            (Controller::Cpu, Version::Two) => {
                set("cpu.weight", self.cpu_shares.map(|shares| weight(shares).to_string()));
                if self.cpu_period.is_some() || self.cpu_quota.is_some() {
                    let quota = self.cpu_quota.map_or_else(|| "max".to_owned(), |quota| quota.to_string());
                    let period = self.cpu_period.unwrap_or(USUAL_PERIOD);
                    set("cpu.max", Some(format!("{quota} {period}")));
                }
            }
            (Controller::Cpuset, _) => {
                set("cpuset.cpus", self.cpuset_cpus.clone());
                set("cpuset.mems", self.cpuset_mems.clone());
            }
        }
        values
    }
}

/// Shares from 2 to 262144 as a weight from 1 to 10000, as container runtimes convert them.
fn weight(shares: u64) -> u64 {
    1 + (shares.clamp(2, 262_144) - 2) * 9999 / 262_142
}

/// The groups of one step. Dropping it removes them: the step must have ended.
#[derive(Debug)]
pub(crate) struct ControlGroup {
    places: Vec<Place>,
}

/// A group in one hierarchy.
#[derive(Debug)]
struct Place {
    directory: PathBuf,
    version: Version,
    /// Says that somebody uses it.
    _lock: OwnedFd,
}

impl ControlGroup {
    /// Makes the groups that the limits need; none if there are no limits.
    pub(crate) fn create(limits: &ControlLimits) -> Result<Option<Self>, SandboxError> {
        if limits.is_empty() {
            return Ok(None);
        }
        Self::create_in(&Hierarchies::read()?, limits).map(Some)
    }

    fn create_in(hierarchies: &Hierarchies, limits: &ControlLimits) -> Result<Self, SandboxError> {
        let controllers = limits.controllers();
        let mut group = Self { places: Vec::new() };
        let mut wanted: Vec<(&Hierarchy, Vec<Controller>)> = Vec::new();
        for controller in controllers {
            let hierarchy = hierarchies.of(controller)?;
            match wanted.iter_mut().find(|(known, _)| std::ptr::eq(*known, hierarchy)) {
                Some((_, list)) => list.push(controller),
                None => wanted.push((hierarchy, vec![controller])),
            }
        }
        if wanted.is_empty() {
            // Only a place was asked for: the same one everywhere, as a container has it.
            wanted = hierarchies.all().map(|hierarchy| (hierarchy, Vec::new())).collect();
        }
        for (hierarchy, controllers) in wanted {
            let directory = hierarchy.place(limits.parent.as_deref(), &controllers)?;
            let place = Place::make(&directory, hierarchy.version)?;
            if hierarchy.version == Version::One {
                hierarchy::inherit_cpuset(&place.directory)?;
            }
            for controller in controllers {
                for (file, value) in limits.values(controller, hierarchy.version) {
                    set(&place.directory.join(file), &value)?;
                }
            }
            group.places.push(place);
        }
        Ok(group)
    }

    /// Files into which a process writes `0` to enter the groups.
    pub(crate) fn doors(&self) -> Result<Vec<OwnedFd>, SandboxError> {
        let open = |place: &Place| {
            let path = place.directory.join("cgroup.procs");
            rustix::fs::open(&path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty()).map_err(|errno| {
                SandboxError::ControlValue { path, value: "0".to_owned(), source: errno.into() }
            })
        };
        self.places.iter().map(open).collect()
    }

    /// Whether the kernel ended a process of the group because its memory was used up.
    pub(crate) fn ran_out_of_memory(&self) -> bool {
        self.places.iter().any(|place| {
            let file = match place.version {
                Version::One => "memory.oom_control",
                Version::Two => "memory.events",
            };
            let text = fs::read_to_string(place.directory.join(file)).unwrap_or_default();
            text.lines().filter_map(|line| line.strip_prefix("oom_kill ")).any(|count| count.trim() != "0")
        })
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        for place in &self.places {
            remove(&place.directory);
        }
    }
}

impl Place {
    /// Makes a new group in `parent`.
    fn make(parent: &Path, version: Version) -> Result<Self, SandboxError> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        sweep(parent);
        loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let directory = parent.join(format!("{PREFIX}{}-{number}", std::process::id()));
            let refused = |source| SandboxError::ControlGroup { path: directory.clone(), source };
            match fs::create_dir(&directory) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                made => made.map_err(refused)?,
            }
            let lock = open_directory(&directory).map_err(refused)?;
            // Somebody who sweeps may have been quicker; then the lock is on a directory that is gone.
            let held = rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok();
            if held && directory.is_dir() {
                return Ok(Self { directory, version, _lock: lock });
            }
        }
    }
}

fn open_directory(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(CWD, path, flags, Mode::empty())?)
}

/// Removes the groups of builders that were killed.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        if ours
            && let Ok(lock) = open_directory(&path)
            && rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok()
        {
            // Whatever still runs in it keeps it.
            let _in_use = fs::remove_dir(&path);
        }
    }
}

/// Removes a group whose processes are ending.
fn remove(path: &Path) {
    for _ in 0..50 {
        match fs::remove_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                std::thread::sleep(Duration::from_millis(2));
            }
            // What cannot be removed now is swept by a later step.
            Ok(()) | Err(_) => return,
        }
    }
}

/// Sets one value of a group.
fn set(path: &Path, value: &str) -> Result<(), SandboxError> {
    // Without O_CREAT: a file that is not there is a limit that this kernel does not have.
    let write = || {
        fs::OpenOptions::new().write(true).open(path).and_then(|file| {
            rustix::io::write(&file, value.as_bytes())?;
            Ok(())
        })
    };
    write().map_err(|source| SandboxError::ControlValue {
        path: path.to_owned(),
        value: value.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests;
