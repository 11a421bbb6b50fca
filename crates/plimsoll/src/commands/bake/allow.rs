//! What a bake file may do beyond its project: nothing that was not allowed on the command line.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use plimsoll_bake::{Granted, Privilege, Problem, Required, Resolved, privileges};

use crate::variables;

/// What is allowed.
pub(super) struct Allowed {
    read: Vec<PathBuf>,
    write: Vec<PathBuf>,
    everything_read: bool,
    everything_write: bool,
    others: BTreeSet<Privilege>,
}

impl Allowed {
    /// The working directory and `--allow`.
    pub(super) fn new(allow: &[String]) -> Result<Self> {
        let project = std::env::current_dir().context("cannot find out the working directory")?;
        let everything = variables::text(variables::BAKE_EVERY_PATH).is_some_and(|value| value == "0");
        let mut allowed = Self {
            read: vec![real(&project)],
            write: vec![real(&project)],
            everything_read: everything,
            everything_write: everything,
            others: BTreeSet::new(),
        };
        for text in allow.iter().flat_map(|value| value.split(',')) {
            let Some(parsed) = Privilege::parse(text) else {
                bail!(
                    "`--allow {text}` is not known; it is fs=PATH, fs.read=PATH, fs.write=PATH, network.host, \
                     security.insecure, device, device=NAME or ssh"
                );
            };
            parsed.into_iter().for_each(|privilege| allowed.add(privilege));
        }
        Ok(allowed)
    }

    /// What `--set` names itself.
    pub(super) fn grant(&mut self, granted: &Granted) {
        granted.read.iter().for_each(|path| self.add(Privilege::Read(path.clone())));
        granted.write.iter().for_each(|path| self.add(Privilege::Write(path.clone())));
        for entitlement in &granted.entitlements {
            Privilege::parse(entitlement).into_iter().flatten().for_each(|privilege| self.add(privilege));
        }
    }

    /// The flag that is missing for reading a file, if one is. It names the folder, which the file leads to as well.
    pub(super) fn missing_read(&self, path: &Path) -> Option<String> {
        let read = |path: &Path| Privilege::Read(path.display().to_string());
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(path);
        (!self.has(&read(path))).then(|| format!("--allow {}", shown(&read(folder))))
    }

    fn add(&mut self, privilege: Privilege) {
        match privilege {
            Privilege::Read(path) if path == "*" => self.everything_read = true,
            Privilege::Write(path) if path == "*" => self.everything_write = true,
            Privilege::Read(path) => self.read.push(real(Path::new(&path))),
            Privilege::Write(path) => self.write.push(real(Path::new(&path))),
            other => drop(self.others.insert(other)),
        }
    }

    fn has(&self, privilege: &Privilege) -> bool {
        let inside = |paths: &[PathBuf], path: &str| {
            let path = real(Path::new(path));
            paths.iter().any(|allowed| path.starts_with(allowed))
        };
        match privilege {
            Privilege::Read(path) => self.everything_read || inside(&self.read, path),
            Privilege::Write(path) => self.everything_write || inside(&self.write, path),
            Privilege::Device(Some(_)) => {
                self.others.contains(privilege) || self.others.contains(&Privilege::Device(None))
            }
            other => self.others.contains(other),
        }
    }

    /// Everything that targets ask for and may not have.
    pub(super) fn refuse(&self, resolved: &Resolved) -> Vec<Problem> {
        let mut missing: Vec<Required> =
            privileges(resolved).into_iter().filter(|required| !self.has(&required.privilege)).collect();
        // Who may read a directory may read what is in it.
        let all: Vec<Privilege> = missing.iter().map(|required| required.privilege.clone()).collect();
        missing.retain(|required| !all.iter().any(|other| is_inside(&required.privilege, other)));
        let flags: BTreeSet<String> =
            missing.iter().map(|required| format!("--allow {}", shown(&required.privilege))).collect();
        let flags = flags.into_iter().collect::<Vec<_>>().join(" ");
        missing.iter().map(|required| problem(required, &flags)).collect()
    }
}

/// Whether a path is below that of another privilege of the same kind.
fn is_inside(privilege: &Privilege, other: &Privilege) -> bool {
    let below = |path: &str, other: &str| {
        let (path, other) = (real(Path::new(path)), real(Path::new(other)));
        path != other && path.starts_with(other)
    };
    match (privilege, other) {
        (Privilege::Read(path), Privilege::Read(other))
        | (Privilege::Write(path), Privilege::Write(other)) => below(path, other),
        _ => false,
    }
}

/// The path that is really meant, as far as it exists; links are followed.
fn real(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut known = PathBuf::new();
    for component in absolute.components() {
        match component {
            Component::ParentDir => drop(known.pop()),
            Component::CurDir => {}
            component => {
                known.push(component);
                if let Ok(resolved) = known.canonicalize() {
                    known = resolved;
                }
            }
        }
    }
    known
}

fn shown(privilege: &Privilege) -> String {
    match privilege {
        Privilege::Read(path) => Privilege::Read(real(Path::new(path)).display().to_string()).to_string(),
        Privilege::Write(path) => Privilege::Write(real(Path::new(path)).display().to_string()).to_string(),
        other => other.to_string(),
    }
}

fn problem(required: &Required, flags: &str) -> Problem {
    let target = &required.target;
    let what = match &required.privilege {
        Privilege::NetworkHost => "wants steps on the host's network".to_owned(),
        Privilege::SecurityInsecure => "wants steps without a sandbox".to_owned(),
        Privilege::Device(None) => "wants devices".to_owned(),
        Privilege::Device(Some(name)) => format!("wants the device `{name}`"),
        Privilege::Ssh => "wants the running ssh agent".to_owned(),
        Privilege::Read(path) => format!("reads `{path}`, which is outside of the working directory"),
        Privilege::Write(path) => format!("writes `{path}`, which is outside of the working directory"),
    };
    let message = format!("the target `{target}` {what}");
    let hint = format!("if you trust the file, run the command again with `{flags}`");
    let problem = match &required.place {
        Some(place) => Problem::at(place, "not-allowed", message),
        None => Problem::nowhere("not-allowed", message),
    };
    problem.hint(hint)
}
