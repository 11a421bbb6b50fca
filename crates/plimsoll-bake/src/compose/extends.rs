//! Services that extend others: of their own file, or of another one.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::loader::{Ground, Loader, Opened};
use super::yaml::{Kind, Node};
use super::{join, merge, parent};
use crate::problem::Outcome;

/// The longest way from a service to what it extends.
const DEEPEST: usize = 64;
/// The most services of a file.
const MOST_SERVICES: usize = 5000;
/// The most values of all services that extend others.
const MOST_NODES: usize = 2_000_000;

/// Replaces each service by what it extends with itself laid over.
pub(super) fn apply(
    loader: &mut Loader<'_>,
    document: &mut Node,
    path: &str,
    ground: &Ground<'_>,
) -> Outcome<()> {
    let Some(services) = document.get("services").cloned() else { return Ok(()) };
    let Some(members) = services.as_map() else { return Ok(()) };
    if members.len() > MOST_SERVICES {
        return Err(services
            .place
            .error("too-many-services", format!("there are more than {MOST_SERVICES} services")));
    }
    let file =
        Rc::new(File { path: path.to_owned(), folder: ground.folder.clone(), services: services.clone() });
    let mut extender = Extender { loader, ground, others: BTreeMap::new() };
    let mut extended = Vec::new();
    for (name, service) in members {
        let mut way = vec![(path.to_owned(), name.clone())];
        extended.push((name.clone(), extender.service(&file, name, service, &mut way)?));
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

/// The services of a file, as they are written.
struct File {
    path: String,
    /// Where the files that its services extend are looked for.
    folder: String,
    services: Node,
}

struct Extender<'l, 'r> {
    loader: &'l mut Loader<'r>,
    ground: &'l Ground<'l>,
    /// Other files, by their paths.
    others: BTreeMap<String, Rc<File>>,
}

impl Extender<'_, '_> {
    fn service(
        &mut self,
        file: &Rc<File>,
        name: &str,
        service: &Node,
        way: &mut Vec<(String, String)>,
    ) -> Outcome<Node> {
        let Some(extends) = service.get("extends") else { return Ok(service.clone()) };
        let (base_file, named) = match extends.as_map() {
            Some(_) => {
                let other = extends.get("file").map(|other| self.other(&file.folder, other)).transpose()?;
                let service = extends
                    .get("service")
                    .ok_or_else(|| extends.place.error("bad-compose", "`extends` needs `service`"))?;
                (other.unwrap_or_else(|| Rc::clone(file)), service)
            }
            None => (Rc::clone(file), extends),
        };
        let base_name = named.text()?;
        if way.len() > DEEPEST {
            return Err(extends
                .place
                .error("too-deep", format!("more than {DEEPEST} services extend each other")));
        }
        let step = (base_file.path.clone(), base_name.clone());
        if way.contains(&step) {
            let message = format!("`{name}` extends itself by way of `{base_name}`");
            let steps = way.iter().chain([&step]);
            let steps: Vec<String> =
                steps.map(|(file, service)| format!("`{service}` in `{file}`")).collect();
            return Err(named.place.error("loop", message).note(format!("the way is {}", steps.join(", "))));
        }
        let Some(base) = base_file.services.get(&base_name) else {
            let message = format!("there is no service `{base_name}`");
            let message = if base_file.path == file.path {
                message
            } else {
                format!("{message} in `{}`", base_file.path)
            };
            return Err(named.place.error("unknown-service", message));
        };
        way.push(step);
        let base = self.service(&base_file, &base_name, base, way)?;
        way.pop();
        let merged = merge::over(base, service.clone());
        self.loader.extended_nodes += merged.size();
        if self.loader.extended_nodes > MOST_NODES {
            return Err(extends.place.error(
                "too-many-services",
                format!("services that extend others have more than {MOST_NODES} values"),
            ));
        }
        Ok(merged)
    }

    /// A file that a service names; what it includes does not matter.
    fn other(&mut self, folder: &str, name: &Node) -> Outcome<Rc<File>> {
        let path = join(folder, &name.text()?);
        if let Some(known) = self.others.get(&path) {
            return Ok(Rc::clone(known));
        }
        let source = self.loader.open(&path, &name.place)?;
        let ground = Ground { folder: parent(&path), environment: self.ground.environment };
        let opened = Opened { source: &source, path: path.clone(), is_rebased: true };
        let document = self.loader.parse(&opened, &ground)?;
        let services =
            document.get("services").cloned().unwrap_or_else(|| Node::map(Vec::new(), &name.place));
        let file = Rc::new(File { path: path.clone(), folder: ground.folder, services });
        self.others.insert(path, Rc::clone(&file));
        Ok(file)
    }
}
