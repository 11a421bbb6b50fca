//! Several compose files as one, and services that extend others.

use super::yaml::{Kind, Node};
use crate::problem::{Outcome, Place};

/// Names under which a list of `KEY=VALUE` and a mapping mean the same.
const PAIRS: &[&str] = &["additional_contexts", "args", "environment", "labels"];

/// The longest way from a service to what it extends.
const DEEPEST: usize = 64;
/// The most services of a file.
const MOST_SERVICES: usize = 5000;

/// Lays a later file over an earlier one.
pub(super) fn documents(base: Node, over: Node) -> Node {
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

/// Replaces each service by what it extends with itself laid over.
pub(super) fn extend_services(document: &mut Node) -> Outcome<()> {
    let Some(services) = document.get("services").cloned() else { return Ok(()) };
    let Some(members) = services.as_map() else { return Ok(()) };
    if members.len() > MOST_SERVICES {
        return Err(services
            .place
            .error("too-many-services", format!("there are more than {MOST_SERVICES} services")));
    }
    let mut extended = Vec::new();
    for (name, service) in members {
        extended.push((name.clone(), extend(name, service, &services, &mut vec![name.clone()])?));
    }
    let extended = Node::map(extended, &services.place);
    if let Kind::Map(members) = &mut document.kind {
        for (name, node) in members {
            if name == "services" {
                *node = extended.clone();
            }
        }
    }
    Ok(())
}

fn extend(name: &str, service: &Node, services: &Node, way: &mut Vec<String>) -> Outcome<Node> {
    let Some(extends) = service.get("extends") else { return Ok(service.clone()) };
    let base_name = match extends.as_map() {
        Some(_) => {
            if let Some(file) = extends.get("file") {
                return Err(file
                    .place
                    .error("unsupported-extends", format!("`{name}` extends a service of another file"))
                    .hint("name that file with `--file` before this one, and define the service here too"));
            }
            let service = extends.get("service");
            service.ok_or_else(|| extends.place.error("bad-compose", "`extends` needs `service`"))?.text()?
        }
        None => extends.text()?,
    };
    if way.len() > DEEPEST {
        return Err(extends
            .place
            .error("too-deep", format!("more than {DEEPEST} services extend each other")));
    }
    if way.contains(&base_name) {
        return Err(extends.place.error("loop", format!("`{name}` extends itself by way of `{base_name}`")));
    }
    let Some(base) = services.get(&base_name) else {
        return Err(extends.place.error("unknown-service", format!("there is no service `{base_name}`")));
    };
    way.push(base_name.clone());
    let base = extend(&base_name, base, services, way)?;
    way.pop();
    Ok(merge(base, service.clone(), ""))
}
