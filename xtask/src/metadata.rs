//! What cargo knows of the workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::shell;

/// A member of the workspace.
pub(crate) struct Member {
    /// The crate's name.
    pub(crate) name: String,
    /// The folder of its manifest.
    pub(crate) directory: PathBuf,
    /// The workspace crates that it needs to run or to build; those of its tests are not in it.
    pub(crate) dependencies: BTreeSet<String>,
    /// The files that cargo hands to the compiler, with the kind of each (`lib`, `bin`, `test` …).
    pub(crate) roots: Vec<(String, PathBuf)>,
}

/// The members of the workspace, by name.
pub(crate) fn members() -> Result<Vec<Member>> {
    let metadata = read(&["--no-deps"])?;
    let packages = array(&metadata, "packages")?;
    let names: BTreeSet<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    packages.iter().map(|package| member(package, &names)).collect()
}

fn member(package: &Value, names: &BTreeSet<&str>) -> Result<Member> {
    let manifest = PathBuf::from(string(package, "manifest_path")?);
    let dependencies = array(package, "dependencies")?
        .iter()
        .filter(|dependency| dependency["kind"] != "dev")
        .filter_map(|dependency| dependency["name"].as_str())
        .filter(|name| names.contains(name))
        .map(str::to_owned)
        .collect();
    let roots = array(package, "targets")?
        .iter()
        .map(|target| {
            let kind = target["kind"][0].as_str().context("a target has a kind")?;
            Ok((kind.to_owned(), PathBuf::from(string(target, "src_path")?)))
        })
        .collect::<Result<_>>()?;
    Ok(Member {
        name: string(package, "name")?.to_owned(),
        directory: manifest.parent().context("a manifest lies in a folder")?.to_path_buf(),
        dependencies,
        roots,
    })
}

/// The crates from outside of the workspace that become part of the program `name` on Linux, or build such a part.
pub(crate) fn outside_dependencies(name: &str) -> Result<BTreeSet<String>> {
    let metadata = read(&["--locked", "--filter-platform", "x86_64-unknown-linux-gnu"])?;
    let members: BTreeSet<&str> =
        array(&metadata, "workspace_members")?.iter().filter_map(Value::as_str).collect();
    let labels: BTreeMap<&str, String> = array(&metadata, "packages")?
        .iter()
        .map(|package| {
            let label = format!("{} {}", string(package, "name")?, string(package, "version")?);
            Ok((string(package, "id")?, label))
        })
        .collect::<Result<_>>()?;
    let nodes: BTreeMap<&str, &Value> = array(&metadata["resolve"], "nodes")?
        .iter()
        .map(|node| Ok((string(node, "id")?, node)))
        .collect::<Result<_>>()?;
    let start = members
        .iter()
        .find(|id| labels[**id].starts_with(&format!("{name} ")))
        .with_context(|| format!("the workspace has no crate `{name}`"))?;

    let mut seen = BTreeSet::new();
    let mut open = vec![*start];
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        for dependency in array(nodes[id], "deps")? {
            let kinds = array(dependency, "dep_kinds")?;
            if kinds.iter().any(|kind| kind["kind"] != "dev") {
                open.push(string(dependency, "pkg")?);
            }
        }
    }
    Ok(seen.into_iter().filter(|id| !members.contains(id)).map(|id| labels[id].clone()).collect())
}

fn read(arguments: &[&str]) -> Result<Value> {
    let text = shell::capture(shell::cargo().args(["metadata", "--format-version", "1"]).args(arguments))?;
    serde_json::from_str(&text).context("`cargo metadata` printed no JSON")
}

fn array<'a>(value: &'a Value, key: &str) -> Result<&'a Vec<Value>> {
    value[key].as_array().with_context(|| format!("`{key}` is no list in the output of `cargo metadata`"))
}

fn string<'a>(value: &'a Value, key: &str) -> Result<&'a str> {
    value[key].as_str().with_context(|| format!("`{key}` is no text in the output of `cargo metadata`"))
}
