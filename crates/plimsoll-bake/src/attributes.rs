//! The attributes of targets and groups: what they take, and where they go.

use std::collections::BTreeMap;

use crate::entry::FromParts;
use crate::language::{Type, Value, convert};
use crate::target::Target;

/// What an attribute takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    Text,
    Bool,
    Texts,
    /// Names with texts; null leaves a name out.
    Map,
    /// Names with texts.
    StrictMap,
    /// Lines, or objects with the same options.
    Entries,
}

/// The attributes of a target.
pub(crate) const TARGET: &[(&str, Takes)] = &[
    ("annotations", Takes::Texts),
    ("args", Takes::Map),
    ("attest", Takes::Entries),
    ("cache-from", Takes::Entries),
    ("cache-to", Takes::Entries),
    ("call", Takes::Text),
    ("context", Takes::Text),
    ("contexts", Takes::StrictMap),
    ("description", Takes::Text),
    ("dockerfile", Takes::Text),
    ("dockerfile-inline", Takes::Text),
    ("entitlements", Takes::Texts),
    ("extra-hosts", Takes::Map),
    ("inherits", Takes::Texts),
    ("labels", Takes::Map),
    ("network", Takes::Text),
    ("no-cache", Takes::Bool),
    ("no-cache-filter", Takes::Texts),
    ("output", Takes::Entries),
    ("platforms", Takes::Texts),
    ("pull", Takes::Bool),
    ("secret", Takes::Entries),
    ("shm-size", Takes::Text),
    ("ssh", Takes::Entries),
    ("tags", Takes::Texts),
    ("target", Takes::Text),
    ("ulimits", Takes::Texts),
];

/// The attributes of a group.
pub(crate) const GROUP: &[(&str, Takes)] = &[("description", Takes::Text), ("targets", Takes::Texts)];

/// Brings a value to what an attribute takes, as other expressions see it.
pub(crate) fn normalized(takes: Takes, value: &Value) -> Result<Value, String> {
    match takes {
        Takes::Text => convert(value, &Type::String),
        Takes::Bool => convert(value, &Type::Bool),
        Takes::Texts => {
            let list = convert(value, &Type::List(Box::new(Type::String)))?;
            match list.as_sequence() {
                Some(values) if values.contains(&Value::Null) => {
                    Err("null is not allowed in the list".to_owned())
                }
                _ => Ok(list),
            }
        }
        Takes::Map => convert(value, &Type::Map(Box::new(Type::String))),
        Takes::StrictMap => {
            let map = convert(value, &Type::Map(Box::new(Type::String)))?;
            match map.as_mapping().and_then(|map| map.iter().find(|(_, value)| **value == Value::Null)) {
                Some((name, _)) => Err(format!("`{name}` must not be null")),
                None => Ok(map),
            }
        }
        Takes::Entries => match value {
            Value::Null => Ok(Value::Null),
            value => match value.as_sequence() {
                Some(_) => Ok(value.clone()),
                None => Err(format!("a list is needed, this is {}", value.kind())),
            },
        },
    }
}

/// Puts a value into a target.
pub(crate) fn set(target: &mut Target, name: &'static str, value: &Value) -> Result<(), String> {
    match name {
        "annotations" => target.annotations = texts(value),
        "args" => target.args = map(value),
        "attest" => target.attest = entries(value)?,
        "cache-from" => target.cache_from = entries(value)?,
        "cache-to" => target.cache_to = entries(value)?,
        "call" => target.call = text(value),
        "context" => target.context = text(value),
        "contexts" => target.contexts = (*value != Value::Null).then(|| map(value)),
        "description" => target.description = text(value).unwrap_or_default(),
        "dockerfile" => target.dockerfile = text(value),
        "dockerfile-inline" => target.dockerfile_inline = text(value),
        "entitlements" => target.entitlements = texts(value),
        "extra-hosts" => target.extra_hosts = map(value),
        "inherits" => target.inherits = texts(value).unwrap_or_default(),
        "labels" => target.labels = map(value),
        "network" => target.network = text(value),
        "no-cache" => target.no_cache = truth(value),
        "no-cache-filter" => target.no_cache_filter = texts(value),
        "output" => target.outputs = entries(value)?,
        "platforms" => target.platforms = texts(value),
        "pull" => target.pull = truth(value),
        "secret" => target.secrets = entries(value)?,
        "shm-size" => target.shm_size = text(value),
        "ssh" => target.ssh = entries(value)?,
        "tags" => target.tags = texts(value),
        "target" => target.target = text(value),
        "ulimits" => target.ulimits = texts(value),
        other => unreachable!("`{other}` is in the table of attributes and nowhere else"),
    }
    Ok(())
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        _ => None,
    }
}

fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        _ => None,
    }
}

/// The texts of a list.
pub(crate) fn texts(value: &Value) -> Option<Vec<String>> {
    Some(value.as_sequence()?.iter().filter_map(text).collect())
}

fn map(value: &Value) -> BTreeMap<String, String> {
    let pairs = value.as_mapping().into_iter().flatten();
    pairs.filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect()
}

/// The elements of a list of lines and objects.
fn entries<T: FromParts>(value: &Value) -> Result<Option<Vec<T>>, String> {
    let Some(values) = value.as_sequence() else { return Ok(None) };
    let mut all = Vec::new();
    for (at, value) in values.iter().enumerate() {
        let fail = |error: String| format!("element {}: {error}", at + 1);
        match value {
            Value::Null => {}
            Value::String(line) if line.is_empty() => {}
            Value::String(line) => all.extend(T::from_text(line).map_err(fail)?),
            Value::Map(options) | Value::Object(options) => {
                let mut parts = BTreeMap::new();
                for (name, value) in options {
                    if let Some(values) =
                        parts_of(value).map_err(|error| fail(format!("`{name}`: {error}")))?
                    {
                        parts.insert(name.clone(), values);
                    }
                }
                all.push(T::from_object(parts).map_err(fail)?);
            }
            other => return Err(fail(format!("a text or an object is needed, this is {}", other.kind()))),
        }
    }
    Ok(Some(all))
}

fn parts_of(value: &Value) -> Result<Option<Vec<String>>, String> {
    let one = |value: &Value| match convert(value, &Type::String)? {
        Value::String(text) => Ok(Some(text)),
        _ => Ok(None),
    };
    match value.as_sequence() {
        Some(values) => {
            let texts: Result<Vec<Option<String>>, String> = values.iter().map(one).collect();
            Ok(Some(texts?.into_iter().flatten().collect()))
        }
        None => Ok(one(value)?.map(|text| vec![text])),
    }
}
