//! Resolved targets as JSON, byte for byte as `docker buildx bake --print` writes it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::resolve::Resolved;
use crate::target::{Group, Target};

/// Writes a text with quotes; `<`, `>` and `&` are escaped, as Go's encoder does.
pub(crate) fn json_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                let _infallible = write!(out, "\\u{:04x}", u32::from(character));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

/// JSON with its members in the order they were added.
enum Json {
    Text(String),
    Bool(bool),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
    /// JSON that was written by others, starting at the left margin.
    Raw(String),
}

impl Json {
    fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    fn texts<'a>(list: impl IntoIterator<Item = &'a String>) -> Self {
        Self::List(list.into_iter().map(Self::text).collect())
    }

    fn write(&self, depth: usize, out: &mut String) {
        match self {
            Self::Text(text) => json_text(text, out),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Raw(text) => {
                out.push_str(&text.trim_end().replace('\n', &format!("\n{}", "  ".repeat(depth))));
            }
            Self::List(list) if list.is_empty() => out.push_str("[]"),
            Self::Object(members) if members.is_empty() => out.push_str("{}"),
            Self::List(list) => {
                out.push('[');
                for (at, value) in list.iter().enumerate() {
                    separate(at, depth + 1, out);
                    value.write(depth + 1, out);
                }
                new_line(depth, out);
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (at, (name, value)) in members.iter().enumerate() {
                    separate(at, depth + 1, out);
                    json_text(name, out);
                    out.push_str(": ");
                    value.write(depth + 1, out);
                }
                new_line(depth, out);
                out.push('}');
            }
        }
    }
}

fn separate(at: usize, depth: usize, out: &mut String) {
    if at > 0 {
        out.push(',');
    }
    new_line(depth, out);
}

fn new_line(depth: usize, out: &mut String) {
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
}

/// The definition as JSON, with a line end.
pub fn print(resolved: &Resolved) -> String {
    whole(resolved, |_, target| self::target(target))
}

/// The definition with the answer to a question beside each target; answers are JSON themselves.
pub fn print_answers(resolved: &Resolved, question: &str, answers: &BTreeMap<String, String>) -> String {
    whole(resolved, |name, target| {
        let mut members = vec![("build".to_owned(), self::target(target))];
        members.extend(answers.get(name).map(|answer| (question.to_owned(), Json::Raw(answer.clone()))));
        Json::Object(members)
    })
}

fn whole(resolved: &Resolved, target: impl Fn(&str, &Target) -> Json) -> String {
    let mut members = Vec::new();
    if !resolved.groups.is_empty() {
        let groups = resolved.groups.iter().map(|(name, value)| (name.clone(), group(value)));
        members.push(("group".to_owned(), Json::Object(groups.collect())));
    }
    let targets = resolved.targets.iter().map(|(name, value)| (name.clone(), target(name, value)));
    members.push(("target".to_owned(), Json::Object(targets.collect())));
    let mut out = String::new();
    Json::Object(members).write(0, &mut out);
    out.push('\n');
    out
}

fn group(group: &Group) -> Json {
    let mut members = Vec::new();
    if !group.description.is_empty() {
        members.push(("description".to_owned(), Json::text(&group.description)));
    }
    members.push(("targets".to_owned(), Json::texts(&group.targets)));
    Json::Object(members)
}

fn map<'a>(map: impl IntoIterator<Item = (impl Into<String>, &'a str)>) -> Json {
    Json::Object(map.into_iter().map(|(name, value)| (name.into(), Json::text(value))).collect())
}

/// Members that are left out when they are empty.
struct Members(Vec<(String, Json)>);

impl Members {
    fn add(&mut self, name: &str, value: Option<Json>) {
        let is_empty = match &value {
            None => true,
            Some(Json::List(list)) => list.is_empty(),
            Some(Json::Object(members)) => members.is_empty(),
            Some(_) => false,
        };
        if !is_empty {
            self.0.extend(value.map(|value| (name.to_owned(), value)));
        }
    }

    fn text(&mut self, name: &str, value: Option<&String>) {
        self.add(name, value.map(Json::text));
    }

    fn texts(&mut self, name: &str, value: Option<&Vec<String>>) {
        self.add(name, value.map(Json::texts));
    }

    fn map(&mut self, name: &str, value: &BTreeMap<String, String>) {
        self.add(name, Some(map(value.iter().map(|(name, value)| (name, value.as_str())))));
    }
}

/// Texts that a bake file may read again: what would be filled in is kept from it, in the attributes where Docker does so.
fn escaped(text: &str) -> String {
    text.replace("${", "$${").replace("%{", "%%{")
}

fn escaped_values(values: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    values.iter().map(|(name, value)| (name.clone(), escaped(value))).collect()
}

fn target(target: &Target) -> Json {
    let entries = |list: Vec<BTreeMap<&str, &str>>| Json::List(list.into_iter().map(map).collect());
    let caches = |list: &Vec<crate::Cache>| entries(list.iter().map(|cache| cache.0.all()).collect());
    let mut members = Members(Vec::new());
    members.text("description", Some(&target.description).filter(|text| !text.is_empty()));
    let annotations = target.annotations.as_ref().map(|list| list.iter().map(|text| escaped(text)).collect());
    members.texts("annotations", annotations.as_ref());
    members
        .add("attest", target.attest.as_ref().map(|list| entries(list.iter().map(|a| a.0.all()).collect())));
    members.text("context", target.context.as_ref());
    if let Some(contexts) = &target.contexts {
        members.map("contexts", contexts);
    }
    members.text("dockerfile", target.dockerfile.as_ref());
    members.text("dockerfile-inline", target.dockerfile_inline.as_deref().map(escaped).as_ref());
    members.map("args", &escaped_values(&target.args));
    members.map("labels", &escaped_values(&target.labels));
    members.texts("tags", target.tags.as_ref());
    members.add("cache-from", target.cache_from.as_ref().map(caches));
    members.add("cache-to", target.cache_to.as_ref().map(caches));
    members.text("target", target.target.as_ref());
    members.add("secret", target.secrets.as_ref().map(|list| Json::List(list.iter().map(secret).collect())));
    members.add("ssh", target.ssh.as_ref().map(|list| Json::List(list.iter().map(ssh).collect())));
    members.texts("platforms", target.platforms.as_ref());
    members
        .add("output", target.outputs.as_ref().map(|list| entries(list.iter().map(|o| o.0.all()).collect())));
    members.add("pull", target.pull.map(Json::Bool));
    members.add("no-cache", target.no_cache.map(Json::Bool));
    members.text("network", target.network.as_ref());
    members.texts("no-cache-filter", target.no_cache_filter.as_ref());
    members.text("shm-size", target.shm_size.as_ref());
    members.texts("ulimits", target.ulimits.as_ref());
    members.text("call", target.call.as_ref());
    members.texts("entitlements", target.entitlements.as_ref());
    members.map("extra-hosts", &escaped_values(&target.extra_hosts));
    Json::Object(members.0)
}

fn secret(secret: &crate::Secret) -> Json {
    let mut members = Members(Vec::new());
    members.text("id", Some(&secret.id).filter(|id| !id.is_empty()));
    members.text("src", secret.source.as_ref());
    members.text("env", secret.variable.as_ref());
    Json::Object(members.0)
}

fn ssh(ssh: &crate::Ssh) -> Json {
    let mut members = Members(Vec::new());
    members.text("id", Some(&ssh.id).filter(|id| !id.is_empty()));
    members.texts("paths", Some(&ssh.paths));
    Json::Object(members.0)
}
