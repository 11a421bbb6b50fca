//! One part of a compose file laid over another: files over files, services over what they extend.

use super::yaml::{Kind, Node};
use crate::problem::Place;

/// Names under which a list of `KEY=VALUE` and a mapping mean the same.
const PAIRS: &[&str] = &["additional_contexts", "args", "environment", "labels"];

/// Lays a later file over an earlier one, or a service over what it extends.
pub(super) fn over(base: Node, over: Node) -> Node {
    merge(base, over, "")
}

fn merge(base: Node, over: Node, name: &str) -> Node {
    match over.tag.as_deref() {
        Some("reset") => return Node { kind: Kind::Scalar { text: String::new(), plain: true }, ..over },
        Some("override") => return over,
        _ => {}
    }
    if over.is_null() && base.as_map().is_some() {
        return base;
    }
    let (base, over) = (normal(base, name), normal(over, name));
    let place = over.place.clone();
    match (base.kind, over.kind) {
        (Kind::Map(mut members), Kind::Map(more)) => {
            for (name, node) in more {
                match members.iter().position(|(known, _)| *known == name) {
                    Some(at) => {
                        let (name, known) = members.remove(at);
                        let merged = merge(known, node, &name);
                        members.insert(at, (name, merged));
                    }
                    None => members.push((name, node)),
                }
            }
            Node { kind: Kind::Map(members), place, tag: None }
        }
        // Commands are not added up, everything else that is a list is.
        (Kind::Sequence(mut elements), Kind::Sequence(more)) if !matches!(name, "command" | "entrypoint") => {
            elements.extend(more);
            Node { kind: Kind::Sequence(elements), place, tag: None }
        }
        (_, kind) => Node { kind, place, tag: over.tag },
    }
}

/// The long form of what may be written shortly.
fn normal(node: Node, name: &str) -> Node {
    if name == "build" && matches!(node.kind, Kind::Scalar { .. }) && !node.is_null() {
        let place = node.place.clone();
        return Node::map(vec![("context".to_owned(), node)], &place);
    }
    if PAIRS.contains(&name) {
        return pairs(node);
    }
    node
}

/// A list of `KEY=VALUE` as a mapping; a key alone has no value.
pub(super) fn pairs(node: Node) -> Node {
    let Kind::Sequence(elements) = node.kind else { return node };
    let mut members: Vec<(String, Node)> = Vec::new();
    for element in elements {
        let Kind::Scalar { text, .. } = &element.kind else { continue };
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name.to_owned(), Node::scalar(value, &element.place)),
            None => (text.clone(), nothing(&element.place)),
        };
        members.retain(|(known, _)| *known != name);
        members.push((name, value));
    }
    Node { kind: Kind::Map(members), place: node.place, tag: node.tag }
}

fn nothing(place: &Place) -> Node {
    Node { kind: Kind::Scalar { text: String::new(), plain: true }, place: place.clone(), tag: None }
}

/// Whether two values mean the same, wherever they stand.
pub(super) fn same(one: &Node, other: &Node, name: &str) -> bool {
    let (one, other) = (normal(one.clone(), name), normal(other.clone(), name));
    match (&one.kind, &other.kind) {
        (Kind::Scalar { .. }, Kind::Scalar { .. }) => one.text().ok() == other.text().ok(),
        (Kind::Sequence(ones), Kind::Sequence(others)) => {
            ones.len() == others.len() && ones.iter().zip(others).all(|(one, other)| same(one, other, ""))
        }
        (Kind::Map(ones), Kind::Map(others)) => {
            let in_others = |name: &str| others.iter().find(|(known, _)| known == name);
            let equal = |(name, one): &(String, Node)| {
                in_others(name).is_some_and(|(_, other)| same(one, other, name))
            };
            ones.len() == others.len() && ones.iter().all(equal)
        }
        _ => false,
    }
}
