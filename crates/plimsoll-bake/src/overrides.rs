//! `--set PATTERN.KEY[.NAME][+]=VALUE`.

use std::collections::BTreeMap;

use plimsoll_diagnostics::did_you_mean;

use crate::entry::{Cache, Entry, FromParts, Output, from_lines};
use crate::problem::{Outcome, Problem};
use crate::resolve::Definitions;
use crate::target::Target;

/// Keys whose values are lists.
const LISTS: &[&str] = &[
    "annotations",
    "attest",
    "cache-from",
    "cache-to",
    "entitlements",
    "no-cache-filter",
    "output",
    "platform",
    "secrets",
    "ssh",
    "tags",
    "ulimits",
];
/// Keys that take a name: `args.NAME`.
const MAPS: &[&str] = &["args", "contexts", "extra-hosts", "labels"];
/// Keys with one value.
const SINGLE: &[&str] =
    &["call", "context", "dockerfile", "load", "network", "no-cache", "pull", "push", "shm-size", "target"];

/// What `--set` changes, by target.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides {
    by_target: BTreeMap<String, Vec<Override>>,
}

#[derive(Clone, Debug)]
struct Override {
    key: String,
    name: Option<String>,
    values: Vec<String>,
    append: bool,
    /// As it was written, for messages.
    written: String,
}

/// Paths that the command line gives, which are therefore allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    /// Paths that may be read.
    pub read: Vec<String>,
    /// Paths that may be written.
    pub write: Vec<String>,
    /// Entitlements such as `network.host`.
    pub entitlements: Vec<String>,
}

impl Overrides {
    /// Reads all values of `--set`; `variable` answers what the environment says.
    pub(crate) fn parse(
        definitions: &Definitions,
        specs: &[String],
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Outcome<Self> {
        let mut overrides = Self::default();
        for spec in specs {
            let wrong = || {
                Problem::nowhere(
                    "bad-override",
                    format!("`--set {spec}` is not of the form `TARGET.KEY=VALUE`"),
                )
            };
            let (left, value) = spec.split_once('=').map_or((spec.as_str(), None), |(l, v)| (l, Some(v)));
            let (left, append) = left.strip_suffix('+').map_or((left, false), |left| (left, true));
            let mut parts = left.splitn(3, '.');
            let (pattern, key) = (parts.next().ok_or_else(wrong)?, parts.next().ok_or_else(wrong)?);
            let name = parts.next();
            check_key(spec, key, name, append)?;
            let value = match (value, key, name) {
                (Some(value), ..) => value.to_owned(),
                // `--set app.args.NAME` takes the value from the environment, or changes nothing.
                (None, "args", Some(name)) => match variable(name) {
                    Some(value) => value,
                    None => continue,
                },
                (None, ..) => return Err(wrong()),
            };
            for target in definitions.matching(pattern)? {
                overrides.add(&target, key, name, value.clone(), append, spec);
            }
        }
        Ok(overrides)
    }

    fn add(&mut self, target: &str, key: &str, name: Option<&str>, value: String, append: bool, spec: &str) {
        let list = self.by_target.entry(target.to_owned()).or_default();
        let known = list.iter_mut().find(|known| known.key == key && known.name.as_deref() == name);
        match known {
            Some(known) if LISTS.contains(&key) => {
                known.values.push(value);
                known.append = append;
            }
            Some(known) => known.values = vec![value],
            None => list.push(Override {
                key: key.to_owned(),
                name: name.map(str::to_owned),
                values: vec![value],
                append,
                written: spec.to_owned(),
            }),
        }
    }

    /// Changes a target.
    pub(crate) fn apply(&self, name: &str, target: &mut Target) -> Outcome<()> {
        for change in self.by_target.get(name).into_iter().flatten() {
            change.apply(target).map_err(|error| {
                Problem::nowhere("bad-override", format!("`--set {}`: {error}", change.written))
            })?;
        }
        Ok(())
    }

    /// What the values themselves allow: whoever types a path means it.
    pub(crate) fn granted(&self) -> Granted {
        let mut granted = Granted::default();
        for change in self.by_target.values().flatten() {
            match change.key.as_str() {
                "cache-from" | "cache-to" => {
                    for Cache(entry) in from_lines(&change.values).unwrap_or_default() {
                        if entry.kind == "local" {
                            granted.read.extend(entry.option("src").map(str::to_owned));
                            granted.write.extend(entry.option("dest").map(str::to_owned));
                        }
                    }
                }
                "output" => {
                    for Output(entry) in from_lines(&change.values).unwrap_or_default() {
                        granted.write.extend(entry.option("dest").map(str::to_owned));
                    }
                }
                "secrets" => {
                    for secret in from_lines::<crate::Secret>(&change.values).unwrap_or_default() {
                        granted.read.extend(secret.source);
                    }
                }
                "ssh" => {
                    for ssh in from_lines::<crate::Ssh>(&change.values).unwrap_or_default() {
                        granted.read.extend(ssh.paths);
                    }
                }
                "entitlements" => granted.entitlements.extend(change.values.iter().cloned()),
                "network" if change.values == ["host"] => {
                    granted.entitlements.push("network.host".to_owned());
                }
                _ => {}
            }
        }
        granted
    }
}

fn check_key(spec: &str, key: &str, name: Option<&str>, append: bool) -> Outcome<()> {
    let all = || LISTS.iter().chain(MAPS).chain(SINGLE).copied();
    if !all().any(|known| known == key) {
        return Err(Problem::nowhere("bad-override", format!("`--set {spec}`: there is no key `{key}`"))
            .maybe_hint(did_you_mean(key, all()).map(|near| format!("there is `{near}`"))));
    }
    if MAPS.contains(&key) && name.is_none() {
        return Err(Problem::nowhere("bad-override", format!("`--set {spec}`: `{key}` needs a name"))
            .hint(format!("write `TARGET.{key}.NAME=VALUE`")));
    }
    if append && !LISTS.contains(&key) {
        return Err(Problem::nowhere(
            "bad-override",
            format!("`--set {spec}`: nothing can be added to `{key}`"),
        )
        .hint("write `=` instead of `+=`"));
    }
    Ok(())
}

impl Override {
    fn apply(&self, target: &mut Target) -> Result<(), String> {
        let value = || self.values.last().cloned().unwrap_or_default();
        let name = || self.name.clone().unwrap_or_default();
        match self.key.as_str() {
            "context" => target.context = Some(value()),
            "dockerfile" => target.dockerfile = Some(value()),
            "args" => drop(target.args.insert(name(), value())),
            "contexts" => drop(target.contexts.get_or_insert_default().insert(name(), value())),
            "labels" => drop(target.labels.insert(name(), value())),
            "extra-hosts" => drop(target.extra_hosts.insert(name(), value())),
            "target" => target.target = Some(value()),
            "call" => target.call = Some(value()),
            "network" => target.network = Some(value()),
            "shm-size" => target.shm_size = Some(value()),
            "tags" => self.texts(&mut target.tags),
            "platform" => self.texts(&mut target.platforms),
            "entitlements" => self.texts(&mut target.entitlements),
            "annotations" => self.texts(&mut target.annotations),
            "no-cache-filter" => self.texts(&mut target.no_cache_filter),
            "ulimits" => self.texts(&mut target.ulimits),
            "cache-from" => self.entries(&mut target.cache_from)?,
            "cache-to" => self.entries(&mut target.cache_to)?,
            "secrets" => self.entries(&mut target.secrets)?,
            "ssh" => self.entries(&mut target.ssh)?,
            "output" => self.entries(&mut target.outputs)?,
            // Attestations always add to those that are there: `--sbom` does not turn provenance off.
            "attest" => target.attest.get_or_insert_default().extend(from_lines(&self.values)?),
            "no-cache" => target.no_cache = Some(truth(&value())?),
            "pull" => target.pull = Some(truth(&value())?),
            "push" => push(target.outputs.get_or_insert_default(), truth(&value())?),
            "load" => load(target.outputs.get_or_insert_default(), truth(&value())?),
            other => return Err(format!("there is no key `{other}`")),
        }
        if let Some(attribute) = attribute_of(&self.key) {
            target.places.remove(attribute);
        }
        Ok(())
    }

    fn texts(&self, list: &mut Option<Vec<String>>) {
        let list = list.get_or_insert_default();
        if !self.append {
            list.clear();
        }
        list.extend(self.values.iter().cloned());
    }

    fn entries<T: FromParts>(&self, list: &mut Option<Vec<T>>) -> Result<(), String> {
        let list = list.get_or_insert_default();
        if !self.append {
            list.clear();
        }
        list.extend(from_lines::<T>(&self.values)?);
        Ok(())
    }
}

/// The attribute of a bake file whose place a key makes untrue; with names the rest of a map stays as it is.
fn attribute_of(key: &str) -> Option<&str> {
    match key {
        "platform" => Some("platforms"),
        "secrets" => Some("secret"),
        "args" | "contexts" | "labels" | "extra-hosts" | "attest" | "push" | "load" => None,
        key => Some(key),
    }
}

/// The booleans of Go's `strconv.ParseBool`.
pub(crate) fn truth(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err(format!("`{text}` is neither `true` nor `false`")),
    }
}

/// Makes images be pushed, or not; a target with other outputs only stays as it is.
fn push(outputs: &mut Vec<Output>, push: bool) {
    let set = |output: &mut Output, value: &str| {
        output.0.options.insert("push".to_owned(), value.to_owned());
    };
    if !push {
        outputs.retain(|output| output.0.kind != "registry");
        outputs.iter_mut().filter(|output| output.0.kind == "image").for_each(|output| set(output, "false"));
        return;
    }
    outputs.iter_mut().filter(|output| output.0.kind == "image").for_each(|output| set(output, "true"));
    if outputs.iter().all(|output| output.0.kind == "docker") {
        let mut image = Output(Entry::new("image"));
        set(&mut image, "true");
        outputs.push(image);
    }
}

/// Makes images be loaded, or not; a target that writes files stays as it is.
fn load(outputs: &mut Vec<Output>, load: bool) {
    let is_loaded = |output: &Output| output.0.kind == "docker" && output.0.option("dest").is_none();
    if !load {
        outputs.retain(|output| !is_loaded(output));
        return;
    }
    let is_image =
        |output: &Output| matches!(output.0.kind.as_str(), "image" | "registry" | "oci" | "docker");
    if !outputs.iter().any(is_loaded) && outputs.iter().all(is_image) {
        outputs.push(Output(Entry::new("docker")));
    }
}
