//! Paths of files in other folders, as seen from the working directory.

use super::join;
use super::loader::Ground;
use super::merge::pairs;
use super::yaml::{Kind, Node};
use crate::privileges::local_path;

/// Moves the paths of builds and secrets from a folder to the working directory.
pub(super) fn document(document: &mut Node, folder: &str) {
    each_of(document, "services", |service| {
        let Some(build) = member(service, "build") else { return };
        if matches!(build.kind, Kind::Scalar { .. }) {
            path(build, folder);
            return;
        }
        if let Some(context) = member(build, "context") {
            path(context, folder);
        }
        if let Some(contexts) = member(build, "additional_contexts") {
            *contexts = pairs(contexts.clone());
            each(contexts, |context| path(context, folder));
        }
        if let Some(keys) = member(build, "ssh") {
            match &mut keys.kind {
                Kind::Map(_) => each(keys, |key| path(key, folder)),
                Kind::Sequence(lines) => lines.iter_mut().for_each(|line| key(line, folder)),
                Kind::Scalar { .. } => key(keys, folder),
            }
        }
    });
    each_of(document, "secrets", |secret| {
        if let Some(file) = member(secret, "file") {
            path(file, folder);
        }
    });
}

/// What a whole included model says without saying it: builds without a context have the folder, and variables of services
/// that have no value have the one that is known here.
pub(super) fn complete(document: &mut Node, ground: &Ground<'_>) {
    let folder = if ground.folder.is_empty() { "." } else { &ground.folder };
    each_of(document, "services", |service| {
        if let Some(build) = member(service, "build")
            && build.get("context").is_none()
        {
            let place = build.place.clone();
            if let Kind::Map(members) = &mut build.kind {
                members.retain(|(name, _)| name != "context");
                members.push(("context".to_owned(), Node::scalar(folder, &place)));
            }
        }
        if let Some(variables) = member(service, "environment") {
            *variables = pairs(variables.clone());
            let Kind::Map(members) = &mut variables.kind else { return };
            for (name, value) in members.iter_mut().filter(|(_, value)| value.is_null()) {
                if let Some(known) = ground.environment.get(name) {
                    *value = Node::scalar(known, &value.place);
                }
            }
        }
    });
}

fn member<'a>(node: &'a mut Node, name: &str) -> Option<&'a mut Node> {
    let Kind::Map(members) = &mut node.kind else { return None };
    members.iter_mut().find(|(known, node)| known == name && !node.is_null()).map(|(_, node)| node)
}

fn each(node: &mut Node, change: impl FnMut(&mut Node)) {
    if let Kind::Map(members) = &mut node.kind {
        members.iter_mut().map(|(_, node)| node).for_each(change);
    }
}

fn each_of(document: &mut Node, kind: &str, change: impl FnMut(&mut Node)) {
    if let Some(all) = member(document, kind) {
        each(all, change);
    }
}

/// Addresses and names of other targets are no paths; `~` is the home directory of whoever runs the build.
fn is_relative(text: &str) -> bool {
    local_path(text) == Some(text)
        && !text.starts_with(['/', '~'])
        && !text.starts_with("service:")
        && !text.starts_with("github.com/")
}

fn path(node: &mut Node, folder: &str) {
    if let Kind::Scalar { text, .. } = &mut node.kind
        && is_relative(text)
    {
        *text = join(folder, text);
    }
}

/// `ID=PATH,…`
fn key(node: &mut Node, folder: &str) {
    let Kind::Scalar { text, .. } = &mut node.kind else { return };
    let Some((id, paths)) = text.split_once('=') else { return };
    let moved =
        paths.split(',').map(|path| if is_relative(path) { join(folder, path) } else { path.to_owned() });
    *text = format!("{id}={}", moved.collect::<Vec<_>>().join(","));
}
