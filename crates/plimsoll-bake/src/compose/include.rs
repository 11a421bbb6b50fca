//! `include`: compose files with paths and variables of their own, whose services and secrets are added.
//!
//! Compose specification, "Include". A name that both have is an error unless both mean the same by it.

use std::collections::BTreeMap;

use super::loader::{Ground, Loader, Opened};
use super::yaml::{Kind, Node};
use super::{join, merge, parent, parse_dotenv, rebase};
use crate::problem::{Outcome, Place};

/// How deep files may include each other.
const DEEPEST: usize = 64;

/// What is taken from an included file.
const KINDS: [(&str, &str); 2] = [("services", "service"), ("secrets", "secret")];

/// Adds what a document includes; `way` holds the files that lead to it, and itself.
pub(super) fn apply(
    loader: &mut Loader<'_>,
    document: &mut Node,
    ground: &Ground<'_>,
    way: &mut Vec<String>,
) -> Outcome<()> {
    let Some(include) = document.get("include").cloned() else { return Ok(()) };
    let Some(entries) = include.as_sequence() else {
        return Err(include
            .place
            .error("bad-compose", "`include` is a list of files")
            .hint("write `include: [FILE]`"));
    };
    for entry in entries {
        let entry = Entry::read(entry)?;
        let included = entry.load(loader, ground, way)?;
        for (kind, word) in KINDS {
            import(document, included.get(kind), kind, word)?;
        }
    }
    Ok(())
}

/// One element of the list.
struct Entry<'a> {
    place: &'a Place,
    paths: Vec<(String, Place)>,
    project_directory: Option<String>,
    environment_files: Option<Vec<(String, Place)>>,
}

impl<'a> Entry<'a> {
    fn read(node: &'a Node) -> Outcome<Self> {
        let place = &node.place;
        let Some(members) = node.as_map() else {
            let paths = vec![(node.text()?, place.clone())];
            return Ok(Self { place, paths, project_directory: None, environment_files: None });
        };
        if let Some((name, value)) = members
            .iter()
            .find(|(name, _)| !matches!(name.as_str(), "path" | "project_directory" | "env_file"))
        {
            return Err(value
                .place
                .error("unknown-attribute", format!("`include` has no `{name}`"))
                .hint("there are path, project_directory and env_file"));
        }
        let paths = node.get("path").map(texts).transpose()?.unwrap_or_default();
        if paths.is_empty() {
            return Err(place.error("bad-compose", "`include` needs `path`"));
        }
        Ok(Self {
            place,
            paths,
            project_directory: node.get("project_directory").map(Node::text).transpose()?,
            environment_files: node.get("env_file").map(texts).transpose()?,
        })
    }

    /// The files of this entry as one document; the first decides where paths start.
    fn load(&self, loader: &mut Loader<'_>, outer: &Ground<'_>, way: &mut Vec<String>) -> Outcome<Node> {
        let folder = match &self.project_directory {
            Some(directory) => match join(&outer.folder, directory).as_str() {
                "." => String::new(),
                folder => folder.to_owned(),
            },
            None => parent(&join(&outer.folder, &self.paths[0].0)),
        };
        let mut files = Vec::new();
        for (path, place) in &self.paths {
            let path = join(&outer.folder, path);
            check_way(way, &path, place)?;
            files.push((loader.open(&path, place)?, path));
        }
        let environment = self.environment(loader, outer, &folder)?;
        let ground = Ground { folder, environment: &environment };
        let mut merged: Option<Node> = None;
        for (source, path) in files {
            way.push(path.clone());
            let document =
                loader.document(&Opened { source: &source, path, is_rebased: true }, &ground, way)?;
            way.pop();
            merged = Some(match merged {
                Some(base) => merge::over(base, document),
                None => document,
            });
        }
        let mut document = merged.expect("there is at least one path");
        rebase::complete(&mut document, &ground);
        Ok(document)
    }

    /// What variables stand for: what is set outside, else what the files say, the last of them first.
    fn environment(
        &self,
        loader: &mut Loader<'_>,
        outer: &Ground<'_>,
        folder: &str,
    ) -> Outcome<BTreeMap<String, String>> {
        let mut files = Vec::new();
        if let Some(named) = &self.environment_files {
            for (path, place) in named.iter().filter(|(path, _)| path != "/dev/null") {
                files.push((loader.open(&join(&outer.folder, path), place)?, place));
            }
        } else {
            let default = loader.open_if_there(&join(folder, ".env"), self.place)?;
            files.extend(default.map(|file| (file, self.place)));
        }
        let mut own: BTreeMap<String, String> = BTreeMap::new();
        for (file, place) in files {
            let mut known = own.clone();
            known.extend(outer.environment.clone());
            let found = parse_dotenv(file.text(), &known).map_err(|(line, error)| {
                place.error("bad-environment", format!("`{}`, line {line}: {error}", file.name()))
            })?;
            own.extend(found);
        }
        own.extend(outer.environment.clone());
        Ok(own)
    }
}

/// Refuses what leads back to where it came from.
fn check_way(way: &[String], path: &str, place: &Place) -> Outcome<()> {
    if way.iter().any(|known| known == path) {
        let steps: Vec<String> = way.iter().map(|path| format!("`{path}`")).collect();
        let message = format!("`{path}` includes itself");
        return Err(place.error("loop", message).note(format!("the way is {}, `{path}`", steps.join(", "))));
    }
    if way.len() > DEEPEST {
        return Err(place.error("too-deep", format!("more than {DEEPEST} files include each other")));
    }
    Ok(())
}

/// Adds the members of an included mapping.
fn import(document: &mut Node, included: Option<&Node>, kind: &str, word: &str) -> Outcome<()> {
    let Some(added) = included.and_then(Node::as_map) else { return Ok(()) };
    let place = document.place.clone();
    let Kind::Map(members) = &mut document.kind else { return Ok(()) };
    let known = members.iter().position(|(name, node)| name == kind && !node.is_null());
    let at = known.unwrap_or_else(|| {
        members.retain(|(name, _)| name != kind);
        members.push((kind.to_owned(), Node::map(Vec::new(), &place)));
        members.len() - 1
    });
    let Kind::Map(own) = &mut members[at].1.kind else {
        return Err(members[at].1.place.error("bad-compose", format!("`{kind}` must be a mapping")));
    };
    for (name, node) in added {
        match own.iter().find(|(known, _)| known == name) {
            Some((_, known)) if merge::same(known, node, "") => {}
            Some((_, known)) => {
                let source = &known.place.source;
                let other = format!("{}:{}", source.name(), source.line_of(known.place.span.start));
                return Err(node
                    .place
                    .error("conflict", format!("the {word} `{name}` is defined in `{other}` as well"))
                    .hint(
                        "to change what is included, name a second file in `path`, or one more with `--file`",
                    ));
            }
            None => own.push((name.clone(), node.clone())),
        }
    }
    Ok(())
}

/// A text, or a list of them, with their places.
fn texts(node: &Node) -> Outcome<Vec<(String, Place)>> {
    let single = std::slice::from_ref(node);
    let elements = node.as_sequence().unwrap_or(single);
    elements.iter().map(|element| Ok((element.text()?, element.place.clone()))).collect()
}
