//! What targets ask for beyond their own project; the caller decides what is allowed.

use std::fmt;

use crate::problem::Place;
use crate::resolve::Resolved;
use crate::target::Target;

/// Something that a bake file may not have without being allowed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Privilege {
    /// The host's network.
    NetworkHost,
    /// Steps without a sandbox.
    SecurityInsecure,
    /// A device, or all of them.
    Device(Option<String>),
    /// The running ssh agent.
    Ssh,
    /// Reading a path.
    Read(String),
    /// Writing a path.
    Write(String),
}

impl Privilege {
    /// Reads a value of `--allow`; none when it is none of ours. `fs=PATH` is both of reading and writing.
    pub fn parse(text: &str) -> Option<Vec<Self>> {
        let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        Some(match (name, value) {
            ("network.host", None) => vec![Self::NetworkHost],
            ("security.insecure", None) => vec![Self::SecurityInsecure],
            ("device", value) => vec![Self::Device(value.map(str::to_owned))],
            ("ssh", None) => vec![Self::Ssh],
            ("fs.read", Some(path)) => vec![Self::Read(path.to_owned())],
            ("fs.write", Some(path)) => vec![Self::Write(path.to_owned())],
            ("fs", Some(path)) => vec![Self::Read(path.to_owned()), Self::Write(path.to_owned())],
            _ => return None,
        })
    }
}

/// As `--allow` takes it.
impl fmt::Display for Privilege {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NetworkHost => f.write_str("network.host"),
            Self::SecurityInsecure => f.write_str("security.insecure"),
            Self::Device(None) => f.write_str("device"),
            Self::Device(Some(name)) => write!(f, "device={name}"),
            Self::Ssh => f.write_str("ssh"),
            Self::Read(path) => write!(f, "fs.read={path}"),
            Self::Write(path) => write!(f, "fs.write={path}"),
        }
    }
}

/// A privilege that a target asks for, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Required {
    /// The target.
    pub target: String,
    /// The attribute that asks for it.
    pub attribute: &'static str,
    /// Where that is; none for compose files and the command line.
    pub place: Option<Place>,
    /// What is asked for.
    pub privilege: Privilege,
}

/// All that the targets ask for. Paths are as the files give them, those inside of the project among them.
pub fn privileges(resolved: &Resolved) -> Vec<Required> {
    let mut all = Vec::new();
    for target in resolved.targets.values() {
        let mut add = |attribute: &'static str, privilege: Privilege| {
            let place = target.place(attribute).cloned();
            all.push(Required { target: target.name.clone(), attribute, place, privilege });
        };
        of_target(target, &mut add);
    }
    all
}

fn of_target(target: &Target, add: &mut dyn FnMut(&'static str, Privilege)) {
    for entitlement in target.entitlements.iter().flatten() {
        match Privilege::parse(entitlement) {
            Some(privileges) => privileges.into_iter().for_each(|privilege| add("entitlements", privilege)),
            None => add("entitlements", Privilege::Device(Some(entitlement.clone()))),
        }
    }
    let context = target.context.as_deref().unwrap_or(".");
    let local_context = local_path(context);
    if let Some(path) = local_context {
        add("context", Privilege::Read(path.to_owned()));
        if target.dockerfile_inline.is_none() {
            let dockerfile = target.dockerfile.as_deref().unwrap_or("Dockerfile");
            if let Some(file) = local_path(dockerfile) {
                let inside = !dockerfile.starts_with("cwd://") && !file.starts_with('/');
                let file = if inside { format!("{path}/{file}") } else { file.to_owned() };
                add("dockerfile", Privilege::Read(file));
            }
        }
    }
    for value in target.contexts.iter().flat_map(|contexts| contexts.values()) {
        if let Some(path) = local_path(value) {
            add("contexts", Privilege::Read(path.to_owned()));
        }
    }
    for cache in target.cache_from.iter().flatten().filter(|cache| cache.0.kind == "local") {
        if let Some(path) = cache.0.option("src") {
            add("cache-from", Privilege::Read(path.to_owned()));
        }
    }
    for cache in target.cache_to.iter().flatten().filter(|cache| cache.0.kind == "local") {
        if let Some(path) = cache.0.option("dest") {
            add("cache-to", Privilege::Write(path.to_owned()));
        }
    }
    for output in target.outputs.iter().flatten() {
        if let Some(path) = output.0.option("dest").filter(|path| *path != "-") {
            add("output", Privilege::Write(path.to_owned()));
        }
    }
    for secret in target.secrets.iter().flatten() {
        if let Some(path) = &secret.source {
            add("secret", Privilege::Read(path.clone()));
        }
    }
    for ssh in target.ssh.iter().flatten() {
        if ssh.paths.is_empty() {
            add("ssh", Privilege::Ssh);
        }
        ssh.paths.iter().for_each(|path| add("ssh", Privilege::Read(path.clone())));
    }
}

/// The path of a context, unless it is an address.
pub fn local_path(value: &str) -> Option<&str> {
    if let Some(path) = value.strip_prefix("cwd://") {
        return Some(if path.is_empty() { "." } else { path });
    }
    if let Some(path) = value.strip_prefix("oci-layout://") {
        let end = path.rfind('/').unwrap_or(0);
        let end = path[end..].find(['@', ':']).map_or(path.len(), |at| end + at);
        return Some(&path[..end]);
    }
    let is_address = value.contains("://") || value.starts_with("target:") || value.starts_with("git@");
    (!is_address && !value.is_empty() && value != "-").then_some(value)
}
