//! Reads files by their form.

use super::fields::Form;
use super::kubernetes;
use super::value::Value;
use super::{json, yaml};
use crate::engine::Search;
use crate::engine::search::Part;
use crate::finding::Candidate;
use crate::placeholder;

/// Whether a path is that of a file with a form of its own.
pub(crate) fn has_form(path: &str) -> bool {
    Form::of(path).next().is_some()
}

/// Whether a file may have one: manifests and keys of accounts are called as their authors like.
pub(crate) fn may_have_form(path: &str) -> bool {
    has_form(path) || is_json(path) || is_yaml(path)
}

fn is_json(path: &str) -> bool {
    has_ending(path, &["json"])
}

fn is_yaml(path: &str) -> bool {
    has_ending(path, &["yaml", "yml"])
}

fn has_ending(path: &str, endings: &[&str]) -> bool {
    path.rsplit_once('.')
        .is_some_and(|(_, own)| endings.iter().any(|ending| own.eq_ignore_ascii_case(ending)))
}

/// Adds the secrets of a whole file.
pub(crate) fn read(search: &Search, path: &str, part: Part<'_>, found: &mut Vec<Candidate>) {
    let text = part.bytes;
    for form in Form::of(path) {
        for value in (form.read)(text) {
            if let Some(field) = form.fields.iter().find(|field| field.takes(&value)) {
                add(search, part, field.rule, &value, found);
            }
        }
    }
    let has = |word: &str| memchr::memmem::find(text, word.as_bytes()).is_some();
    let is_manifest = has("Secret") && (has("data") || has("stringData")) || has("Config") && has("users");
    if is_json(path) {
        if has("service_account") || has("authorized_user") {
            google_account(search, part, found);
        }
        if is_manifest {
            documents(search, part, vec![json::read(text)], found);
        }
    } else if is_yaml(path) && is_manifest && has("kind") {
        documents(search, part, yaml::read(text), found);
    }
}

fn documents(search: &Search, part: Part<'_>, documents: Vec<Vec<Value>>, found: &mut Vec<Candidate>) {
    for document in documents {
        for (rule, value) in kubernetes::secrets(&document) {
            add(search, part, rule, value, found);
        }
    }
}

/// Keys of Google service accounts and what `gcloud auth application-default login` writes.
fn google_account(search: &Search, part: Part<'_>, found: &mut Vec<Candidate>) {
    let values = json::read(part.bytes);
    let text_of = |key: &str| values.iter().find(|value| value.key() == key);
    match text_of("type").map(|value| value.text.as_str()) {
        Some("service_account") => {
            let key =
                text_of("private_key").filter(|value| value.text.len() > 200 && !value.text.contains("..."));
            if let Some(key) = key {
                add(search, part, "gcp-service-account-key", &body_of(part.bytes, key), found);
            }
        }
        Some("authorized_user") => {
            for key in ["refresh_token", "client_secret"] {
                if let Some(value) =
                    text_of(key).filter(|value| !placeholder::is_placeholder(value.text.as_bytes()))
                {
                    add(search, part, "gcp-application-default-credentials", value, found);
                }
            }
        }
        _ => {}
    }
}

/// A key's value is what stands behind its first line.
fn body_of(text: &[u8], key: &Value) -> Value {
    let raw = &text[key.place.clone()];
    let title = memchr::memmem::find(raw, b"-----\\n").map_or(0, |at| at + 7);
    let end = memchr::memmem::rfind(raw, b"-----END").unwrap_or(raw.len()).max(title);
    Value {
        keys: key.keys.clone(),
        place: key.place.start + title..key.place.start + end,
        text: key.text.clone(),
    }
}

fn add(search: &Search, part: Part<'_>, rule: &str, value: &Value, found: &mut Vec<Candidate>) {
    let place = value.place.clone();
    if let Some(index) = search.index(rule).filter(|_| !place.is_empty()) {
        found.push(part.candidate(index, search.rule(index), &part.bytes[place.clone()], place.start));
    }
}
