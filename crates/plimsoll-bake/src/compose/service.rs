//! The `build:` section of a service to a target.

use std::collections::BTreeMap;

use super::merge::pairs;
use super::yaml::{Kind, Node};
use crate::entry::{Attest, Cache, FromParts, Secret, Ssh, each_once};
use crate::functions::sanitize;
use crate::paths::clean;
use crate::problem::Outcome;
use crate::target::Target;

/// The target of a service; none when it builds nothing.
pub(super) fn target(
    name: &str,
    service: &Node,
    secrets: Option<&Node>,
    environment: &BTreeMap<String, String>,
) -> Outcome<Option<Target>> {
    let Some(build) = service.as_map().and_then(|members| members.iter().find(|(name, _)| name == "build"))
    else {
        return Ok(None);
    };
    let build = &build.1;
    if build.is_null() {
        return Ok(None);
    }
    let mut target = Target::new(sanitize(name));
    target.places.insert("", build.place.clone());
    match &build.kind {
        Kind::Scalar { .. } => target.context = Some(local(&build.text()?)),
        Kind::Map(_) => {
            let reader = Reader { build, service, secrets, environment };
            reader.simple(&mut target)?;
            reader.lists(&mut target)?;
            reader.attestations(&mut target)?;
            reader.secrets(&mut target)?;
            if let Some(extension) = build.get("x-bake") {
                extend(&mut target, extension)?;
            }
            note_places(&mut target, build);
        }
        Kind::Sequence(_) => return Err(build.place.error("bad-compose", "`build` is a path or a mapping")),
    }
    if target.tags.as_ref().is_none_or(Vec::is_empty)
        && let Some(image) = service.get("image")
    {
        target.tags = Some(vec![image.text()?]);
        target.places.insert("tags", image.place.clone());
    }
    Ok(Some(target))
}

/// Where attributes stand, for messages about them.
fn note_places(target: &mut Target, build: &Node) {
    const NAMES: &[(&str, &str)] = &[
        ("additional_contexts", "contexts"),
        ("args", "args"),
        ("cache_from", "cache-from"),
        ("cache_to", "cache-to"),
        ("context", "context"),
        ("dockerfile", "dockerfile"),
        ("dockerfile_inline", "dockerfile-inline"),
        ("entitlements", "entitlements"),
        ("extra_hosts", "extra-hosts"),
        ("labels", "labels"),
        ("network", "network"),
        ("no_cache", "no-cache"),
        ("platforms", "platforms"),
        ("provenance", "attest"),
        ("pull", "pull"),
        ("sbom", "attest"),
        ("secrets", "secret"),
        ("shm_size", "shm-size"),
        ("ssh", "ssh"),
        ("tags", "tags"),
        ("target", "target"),
        ("ulimits", "ulimits"),
    ];
    for (name, attribute) in NAMES {
        if let Some(node) = build.get(name) {
            target.places.insert(attribute, node.place.clone());
        }
    }
    if let Some(output) = build.get("x-bake").and_then(|extension| extension.get("output")) {
        target.places.insert("output", output.place.clone());
    }
}

/// A path as it is written in the results: without `./`.
fn local(path: &str) -> String {
    if crate::privileges::local_path(path) == Some(path) { clean(path) } else { path.to_owned() }
}

struct Reader<'a> {
    build: &'a Node,
    service: &'a Node,
    secrets: Option<&'a Node>,
    environment: &'a BTreeMap<String, String>,
}

impl Reader<'_> {
    fn text(&self, name: &str) -> Outcome<Option<String>> {
        self.build.get(name).map(Node::text).transpose().map(|text| text.filter(|text| !text.is_empty()))
    }

    fn texts(&self, name: &str) -> Outcome<Option<Vec<String>>> {
        self.build.get(name).map(texts).transpose()
    }

    fn pairs(&self, name: &str) -> Option<Node> {
        self.build.get(name).cloned().map(pairs)
    }

    fn simple(&self, target: &mut Target) -> Outcome<()> {
        target.context = self.text("context")?.map(|path| local(&path));
        target.dockerfile = self.text("dockerfile")?;
        target.dockerfile_inline = self.text("dockerfile_inline")?;
        target.network = self.text("network")?;
        target.target = self.text("target")?;
        target.pull = self.build.get("pull").map(Node::truth).transpose()?.filter(|pull| *pull);
        target.no_cache =
            self.build.get("no_cache").map(Node::truth).transpose()?.filter(|no_cache| *no_cache);
        if let Some(size) = self.build.get("shm_size") {
            let bytes = bytes(&size.text()?)
                .ok_or_else(|| size.place.error("bad-size", "a size is needed, such as `64m`"))?;
            target.shm_size = (bytes > 0).then(|| shown_bytes(bytes));
        }
        Ok(())
    }

    fn lists(&self, target: &mut Target) -> Outcome<()> {
        target.tags = self.texts("tags")?;
        target.platforms = self.texts("platforms")?;
        target.entitlements = self.texts("entitlements")?;
        target.cache_from = self.build.get("cache_from").map(entries::<Cache>).transpose()?;
        target.cache_to = self.build.get("cache_to").map(entries::<Cache>).transpose()?;
        target.ssh = self.build.get("ssh").map(ssh).transpose()?;
        for (name, value) in members(self.pairs("args").as_ref())? {
            let value = if value.is_null() { self.inherited(&name)? } else { Some(value.text()?) };
            if let Some(value) = value {
                target.args.insert(name, value);
            }
        }
        for (name, value) in members(self.pairs("labels").as_ref())? {
            let value = if value.is_null() { String::new() } else { value.text()? };
            target.labels.insert(name, value);
        }
        if let Some(contexts) = self.pairs("additional_contexts") {
            let mut all = BTreeMap::new();
            for (name, value) in members(Some(&contexts))? {
                let value = value.text()?;
                let value = match value.strip_prefix("service:") {
                    Some(service) => format!("target:{}", sanitize(service)),
                    None => local(&value),
                };
                all.insert(name, value);
            }
            target.contexts = Some(all);
        }
        self.hosts(target)?;
        self.limits(target)
    }

    /// `host=ip` or `host:ip` in a list, or a mapping to one or several addresses.
    fn hosts(&self, target: &mut Target) -> Outcome<()> {
        let Some(node) = self.build.get("extra_hosts") else { return Ok(()) };
        let mut pairs = Vec::new();
        match &node.kind {
            Kind::Map(members) => {
                for (name, value) in members {
                    for address in texts(value)? {
                        pairs.push((name.clone(), address));
                    }
                }
            }
            _ => {
                for element in node.as_sequence().unwrap_or_default() {
                    let text = element.text()?;
                    let pair = text.split_once('=').or_else(|| text.split_once(':'));
                    let (name, address) = pair.ok_or_else(|| {
                        element.place.error("bad-host", format!("`{text}` is not of the form `HOST=ADDRESS`"))
                    })?;
                    pairs.push((name.to_owned(), address.to_owned()));
                }
            }
        }
        for (name, address) in pairs {
            target
                .extra_hosts
                .entry(name)
                .and_modify(|known| {
                    known.push(',');
                    known.push_str(&address);
                })
                .or_insert(address);
        }
        Ok(())
    }

    fn limits(&self, target: &mut Target) -> Outcome<()> {
        let mut limits = Vec::new();
        for (name, value) in members(self.build.get("ulimits"))? {
            let number = |node: Option<&Node>| -> Outcome<i64> {
                let Some(node) = node else { return Ok(0) };
                node.text()?.parse().map_err(|_| node.place.error("bad-limit", "a whole number is needed"))
            };
            let (soft, hard) = match value.as_map() {
                Some(_) => (number(value.get("soft"))?, number(value.get("hard"))?),
                None => (number(Some(&value))?, number(Some(&value))?),
            };
            limits.push(format!("{name}={soft}:{hard}"));
        }
        if !limits.is_empty() {
            target.ulimits = Some(limits);
        }
        Ok(())
    }

    /// An argument without a value has that of the service's environment, else of the caller's.
    fn inherited(&self, name: &str) -> Outcome<Option<String>> {
        let environment = self.service.get("environment").cloned().map(pairs);
        if let Some(value) = environment.as_ref().and_then(|node| node.get(name)) {
            return value.text().map(Some);
        }
        Ok(self.environment.get(name).cloned())
    }

    /// `provenance` and `sbom`: true, false, or options.
    fn attestations(&self, target: &mut Target) -> Outcome<()> {
        let mut all = Vec::new();
        for kind in ["sbom", "provenance"] {
            let Some(node) = self.build.get(kind) else { continue };
            let text = node.text()?;
            let line = match text.as_str() {
                "true" => format!("type={kind}"),
                "false" => format!("type={kind},disabled=true"),
                options => format!("type={kind},{options}"),
            };
            all.extend(Attest::from_text(&line).map_err(|error| node.place.error("bad-value", error))?);
        }
        if !all.is_empty() {
            target.attest = Some(all);
        }
        Ok(())
    }

    fn secrets(&self, target: &mut Target) -> Outcome<()> {
        let Some(node) = self.build.get("secrets") else { return Ok(()) };
        let mut secrets = Vec::new();
        for element in node.as_sequence().unwrap_or_default() {
            let name = match element.as_map() {
                Some(_) => match element.get("source") {
                    Some(source) => source.text()?,
                    None => return Err(element.place.error("bad-secret", "a secret needs `source`")),
                },
                None => element.text()?,
            };
            let Some(definition) = self.secrets.and_then(|secrets| secrets.get(&name)) else {
                return Err(element
                    .place
                    .error("unknown-secret", format!("there is no secret `{name}`"))
                    .hint(format!("define it under `secrets:` as `{name}: {{ file: PATH }}`")));
            };
            let source = definition.get("file").map(Node::text).transpose()?.map(|path| local(&path));
            let variable = definition.get("environment").map(Node::text).transpose()?;
            if source.is_none() && variable.is_none() {
                return Err(definition.place.error(
                    "bad-secret",
                    format!("the secret `{name}` has neither `file` nor `environment`"),
                ));
            }
            secrets.push(Secret { id: name, source, variable });
        }
        target.secrets = Some(secrets);
        Ok(())
    }
}

fn members(node: Option<&Node>) -> Outcome<Vec<(String, Node)>> {
    match node {
        None => Ok(Vec::new()),
        Some(node) => match node.as_map() {
            Some(members) => Ok(members.to_vec()),
            None => Err(node.place.error("bad-compose", "a mapping is needed here")),
        },
    }
}

/// A list of texts, or one text.
fn texts(node: &Node) -> Outcome<Vec<String>> {
    match node.as_sequence() {
        Some(elements) => elements.iter().map(Node::text).collect(),
        None => Ok(vec![node.text()?]),
    }
}

/// Lines or mappings with the same options.
fn entries<T: FromParts>(node: &Node) -> Outcome<Vec<T>> {
    let single = std::slice::from_ref(node);
    let mut all = Vec::new();
    for element in node.as_sequence().unwrap_or(single) {
        let fail = |error: String| element.place.error("bad-value", error);
        if let Some(members) = element.as_map() {
            let mut options = BTreeMap::new();
            for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
                options.insert(name.clone(), texts(value)?);
            }
            all.push(T::from_object(options).map_err(fail)?);
        } else {
            let line = element.text()?;
            if !line.is_empty() {
                all.extend(T::from_text(&line).map_err(fail)?);
            }
        }
    }
    Ok(all)
}

/// `default`, `ID=PATH`, or a mapping from ids to paths.
fn ssh(node: &Node) -> Outcome<Vec<Ssh>> {
    let mut all = Vec::new();
    match node.as_map() {
        Some(members) => {
            for (id, value) in members {
                let paths = if value.is_null() { Vec::new() } else { vec![local(&value.text()?)] };
                all.push(Ssh { id: id.clone(), paths });
            }
        }
        None => {
            for mut one in entries::<Ssh>(node)? {
                one.paths.iter_mut().for_each(|path| *path = local(path));
                all.push(one);
            }
        }
    }
    all.sort_by(|a, b| a.id.cmp(&b.id).then_with(|| a.paths.cmp(&b.paths)));
    Ok(all)
}

/// `x-bake`: what compose files have no words for.
fn extend(target: &mut Target, extension: &Node) -> Outcome<()> {
    fn add<T: PartialEq>(list: &mut Option<Vec<T>>, more: Vec<T>) {
        let list = list.get_or_insert_default();
        list.extend(more);
        each_once(list);
    }
    const KNOWN: &str = "attest, cache-from, cache-to, contexts, no-cache, no-cache-filter, output, platforms, pull, \
                         secret, ssh and tags";
    for (name, node) in members(Some(extension))? {
        if node.is_null() {
            continue;
        }
        match name.as_str() {
            "tags" => add(&mut target.tags, texts(&node)?),
            "cache-from" => add(&mut target.cache_from, entries(&node)?),
            "cache-to" => add(&mut target.cache_to, entries(&node)?),
            "secret" => add(&mut target.secrets, entries(&node)?),
            "ssh" => add(&mut target.ssh, ssh(&node)?),
            "platforms" => add(&mut target.platforms, texts(&node)?),
            "output" => add(&mut target.outputs, entries(&node)?),
            "attest" => target.attest.get_or_insert_default().extend(entries::<Attest>(&node)?),
            "pull" => target.pull = Some(node.truth()?),
            "no-cache" => target.no_cache = Some(node.truth()?),
            "no-cache-filter" => add(&mut target.no_cache_filter, texts(&node)?),
            "contexts" => {
                for (name, value) in members(Some(&pairs(node)))? {
                    target.contexts.get_or_insert_default().insert(name, value.text()?);
                }
            }
            other => {
                return Err(node
                    .place
                    .error("unknown-attribute", format!("`x-bake` has no `{other}`"))
                    .hint(format!("there are {KNOWN}")));
            }
        }
    }
    Ok(())
}

/// A size with a unit, in bytes.
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim().to_lowercase();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    let factor = match text[end..].trim().trim_end_matches('b').trim_end_matches('i') {
        "" => 1.0,
        "k" => 1024.0,
        "m" => 1024.0 * 1024.0,
        "g" => 1024.0 * 1024.0 * 1024.0,
        "t" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
    Some((number * factor) as u64)
}

/// A size with the largest unit of 1024 that fits, and at most four digits.
fn shown_bytes(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "four digits are shown")]
    let mut size = bytes as f64;
    let mut units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"].into_iter();
    let mut unit = units.next().unwrap_or("B");
    for next in units {
        if size < 1024.0 {
            break;
        }
        size /= 1024.0;
        unit = next;
    }
    let digits = if size >= 1000.0 {
        0
    } else if size >= 100.0 {
        1
    } else if size >= 10.0 {
        2
    } else {
        3
    };
    let text = format!("{size:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_shown_with_their_unit() {
        for (text, shown) in [("128m", "128MiB"), ("64k", "64KiB"), ("1.5g", "1.5GiB"), ("100", "100B")] {
            assert_eq!(shown_bytes(bytes(text).unwrap()), shown, "{text}");
        }
        assert!(bytes("x").is_none());
    }
}
