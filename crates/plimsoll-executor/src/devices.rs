//! Devices by name: the Container Device Interface.
//!
//! A specification (<https://github.com/cncf-tags/container-device-interface>, SPEC.md) names devices of one kind and says
//! what a container needs for each: device nodes, mounts, variables, groups. What it asks for beyond that, such as hooks, is
//! refused by name, never left out.

mod spec;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use plimsoll_sandbox::MountSource;

pub use spec::SpecError;
use spec::{Device, Edits, Spec};

/// A device with this annotation may be used without being allowed.
const AUTOMATIC: &str = "org.mobyproject.buildkit.device.autoallow";
/// The name of a class by which devices may be asked for.
const CLASS: &str = "org.mobyproject.buildkit.device.class";

/// The devices that specifications name.
#[derive(Clone, Debug, Default)]
pub struct Devices {
    specs: Vec<Spec>,
    /// Files that could not be used.
    problems: Vec<(PathBuf, SpecError)>,
}

/// A device that was found.
#[derive(Clone, Copy, Debug)]
pub struct FoundDevice<'d> {
    spec: &'d Spec,
    device: &'d Device,
}

/// What a step is given for its devices.
#[derive(Debug, Default)]
pub(crate) struct Given {
    /// Variables.
    pub(crate) env: Vec<(String, String)>,
    /// Sources and targets.
    pub(crate) mounts: Vec<GivenMount>,
    /// Groups that the command is in as well.
    pub(crate) groups: Vec<u32>,
}

/// One mount of a device.
#[derive(Debug)]
pub(crate) struct GivenMount {
    pub(crate) source: MountSource,
    pub(crate) target: String,
    pub(crate) is_directory: bool,
    pub(crate) read_only: bool,
}

/// Why a device cannot be given.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// No specification names it.
    #[error("no specification names the device `{name}`{}", Problems(.problems))]
    Missing {
        /// The name as written.
        name: String,
        /// Specifications that could not be read, each with its reason.
        problems: Vec<String>,
    },
    /// Its specification asks for something that is not done.
    #[error("the device `{device}` asks for {what}, which is not done here")]
    Unsupported {
        /// Its whole name.
        device: String,
        /// What.
        what: String,
    },
    /// Something on this machine that it needs is not there.
    #[error("the device `{device}` needs `{}`", path.display())]
    Host {
        /// Its whole name.
        device: String,
        /// The path on the host.
        path: PathBuf,
        /// Why it cannot be had.
        #[source]
        source: std::io::Error,
    },
    /// A variable without a name.
    #[error("the device `{device}` sets the variable `{variable}`, which is not of the form `NAME=VALUE`")]
    Variable {
        /// Its whole name.
        device: String,
        /// The text.
        variable: String,
    },
}

/// A list behind a semicolon, or nothing.
struct Problems<'a>(&'a [String]);

impl std::fmt::Display for Problems<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|problem| write!(f, "; {problem}"))
    }
}

impl Devices {
    /// Reads all specifications in some directories; those of later ones win. A directory that is not there has none.
    pub fn read(directories: &[PathBuf]) -> Self {
        let mut devices = Self::default();
        for directory in directories {
            let Ok(entries) = std::fs::read_dir(directory) else { continue };
            let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
            paths.sort_unstable();
            for path in paths {
                match spec::read(&path) {
                    None => {}
                    Some(Ok(spec)) => devices.specs.push(spec),
                    Some(Err(error)) => devices.problems.push((path, error)),
                }
            }
        }
        devices
    }

    /// The devices that a name stands for: one (`vendor/kind=name`), all of a kind (`vendor/kind=*`), the first of a kind
    /// (`vendor/kind`), or all of a class. None if there is none.
    pub fn find(&self, name: &str) -> Vec<FoundDevice<'_>> {
        let mut found: BTreeMap<String, FoundDevice<'_>> = BTreeMap::new();
        for spec in &self.specs {
            for device in &spec.devices {
                let one = FoundDevice { spec, device };
                let wanted = match name.split_once('=') {
                    Some((kind, "*")) => kind == spec.kind,
                    Some((kind, device_name)) => kind == spec.kind && device_name == device.name,
                    None => name == spec.kind || one.class() == Some(name),
                };
                if wanted {
                    found.insert(one.name(), one);
                }
            }
        }
        let first_only = !name.contains('=') && self.specs.iter().any(|spec| spec.kind == name);
        let count = if first_only { 1 } else { found.len() };
        found.into_values().take(count).collect()
    }

    /// That there is no such device, with the files that might have named it.
    pub(crate) fn missing(&self, name: &str) -> DeviceError {
        let problems =
            self.problems.iter().map(|(path, error)| format!("`{}` is not valid: {error}", path.display()));
        DeviceError::Missing { name: name.to_owned(), problems: problems.collect() }
    }
}

impl FoundDevice<'_> {
    /// Its whole name: `vendor/kind=name`.
    pub fn name(&self) -> String {
        format!("{}={}", self.spec.kind, self.device.name)
    }

    /// Whether it may be used without being allowed.
    pub fn is_automatic(&self) -> bool {
        self.annotation(AUTOMATIC).is_some_and(|value| value == "true")
    }

    /// Whether a name that is allowed covers it: its own, its kind's, or its class.
    pub fn is_called(&self, name: &str) -> bool {
        let kind = name.strip_suffix("=*").unwrap_or(name);
        name == self.name() || kind == self.spec.kind || self.class() == Some(name)
    }

    fn class(&self) -> Option<&str> {
        self.annotation(CLASS)
    }

    fn annotation(&self, name: &str) -> Option<&str> {
        let own = self.device.annotations.get(name);
        own.or_else(|| self.spec.annotations.get(name)).map(String::as_str)
    }
}

/// What all these devices need together; what their specifications say for all devices comes first, once.
pub(crate) fn give(devices: &[FoundDevice<'_>]) -> Result<Given, DeviceError> {
    let mut given = Given::default();
    let mut seen: Vec<&Spec> = Vec::new();
    for found in devices {
        let name = found.name();
        if !seen.iter().any(|spec| std::ptr::eq(*spec, found.spec)) {
            seen.push(found.spec);
            given.apply(&found.spec.edits, &name)?;
        }
        given.apply(&found.device.edits, &name)?;
    }
    Ok(given)
}

impl Given {
    fn apply(&mut self, edits: &Edits, device: &str) -> Result<(), DeviceError> {
        let unsupported = |what: String| DeviceError::Unsupported { device: device.to_owned(), what };
        if let Some(hook) = edits.hooks.first() {
            return Err(unsupported(format!("the hook `{}` (`{}`)", hook.name, hook.path)));
        }
        if let Some(name) = edits.others.keys().next() {
            return Err(unsupported(format!("`{name}`")));
        }
        for text in &edits.env {
            let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
            let (name, value) = pair
                .ok_or_else(|| DeviceError::Variable { device: device.to_owned(), variable: text.clone() })?;
            self.env.push((name.to_owned(), value.to_owned()));
        }
        for node in &edits.device_nodes {
            let path = existing(device, node.host_path.as_deref().unwrap_or(&node.path))?;
            let owner = node.uid.or(node.gid).map(|_| (node.uid.unwrap_or(0), node.gid.unwrap_or(0)));
            self.mounts.push(GivenMount {
                source: MountSource::Device { path, mode: node.file_mode, owner },
                target: node.path.clone(),
                is_directory: false,
                read_only: false,
            });
        }
        for mount in &edits.mounts {
            let read_only = mount.options.iter().any(|option| option == "ro");
            let (source, is_directory) = match mount.kind.as_str() {
                "" | "bind" | "none" => {
                    let path = existing(device, &mount.host_path)?;
                    let is_directory = path.is_dir();
                    (MountSource::Bind(path), is_directory)
                }
                "tmpfs" => (MountSource::Tmpfs { size: None, mode: 0o1777 }, true),
                other => return Err(unsupported(format!("a mount of type `{other}`"))),
            };
            let target = mount.container_path.clone();
            self.mounts.push(GivenMount { source, target, is_directory, read_only });
        }
        self.groups.extend(edits.additional_gids.iter().filter(|group| **group != 0));
        Ok(())
    }
}

/// A path of the host with links followed.
fn existing(device: &str, path: &str) -> Result<PathBuf, DeviceError> {
    let path = Path::new(path);
    path.canonicalize().map_err(|source| DeviceError::Host {
        device: device.to_owned(),
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests;
