//! `--list`: targets and variables as tables, or as JSON.

use plimsoll_bake::Bake;
use plimsoll_diagnostics::sanitize;
use serde::Serialize;

#[derive(Serialize)]
struct ShownTarget<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    group: bool,
}

#[derive(Serialize)]
struct ShownVariable<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
}

/// The list of targets and groups.
pub(super) fn targets(bake: &Bake, json: bool) -> String {
    let list = bake.list();
    if json {
        let shown: Vec<_> = list
            .iter()
            .map(|one| ShownTarget { name: &one.name, description: &one.description, group: one.is_group })
            .collect();
        return to_json(&shown);
    }
    let rows = list.iter().map(|one| vec![one.name.as_str(), one.description.as_str()]);
    table(&["TARGET", "DESCRIPTION"], rows)
}

/// The list of variables.
pub(super) fn variables(bake: &Bake, json: bool) -> String {
    if json {
        let shown: Vec<_> = bake
            .variables
            .iter()
            .map(|variable| ShownVariable {
                name: &variable.name,
                description: variable.description.as_deref(),
                kind: variable.kind.as_deref(),
                value: variable.value.as_deref(),
            })
            .collect();
        return to_json(&shown);
    }
    let rows = bake.variables.iter().map(|variable| {
        vec![
            variable.name.as_str(),
            variable.kind.as_deref().unwrap_or_default(),
            variable.value.as_deref().unwrap_or("<null>"),
            variable.description.as_deref().unwrap_or_default(),
        ]
    });
    table(&["VARIABLE", "TYPE", "VALUE", "DESCRIPTION"], rows)
}

fn to_json(list: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(list).expect("a list holds texts only");
    text.push('\n');
    text
}

/// Columns as wide as their widest cell.
fn table<'a>(header: &[&'a str], rows: impl Iterator<Item = Vec<&'a str>>) -> String {
    let clean =
        |row: Vec<&str>| row.into_iter().map(|cell| sanitize::line(cell).into_owned()).collect::<Vec<_>>();
    let mut all = vec![clean(header.to_vec())];
    all.extend(rows.map(clean));
    let widths: Vec<usize> = (0..header.len())
        .map(|column| all.iter().map(|row| crate::progress::width(&row[column])).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for row in all {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(width - crate::progress::width(cell) + 3));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
