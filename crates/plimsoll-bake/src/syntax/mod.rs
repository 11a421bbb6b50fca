//! Files to bodies: attributes and blocks, the same for HCL and its JSON form.

mod hcl;
mod json;

use std::sync::Arc;

use plimsoll_diagnostics::SourceFile;

use crate::language::{Expr, ExprKind};
use crate::problem::{Outcome, Place};

pub(crate) use hcl::{expression_text, parse as parse_hcl};
pub(crate) use json::parse as parse_json;

/// What stands between `{` and `}`, or in a whole file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) blocks: Vec<Block>,
}

/// `name = value`
#[derive(Clone, Debug)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) name_place: Place,
    pub(crate) value: Expr,
}

/// `kind "label" { … }`
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) kind: String,
    pub(crate) kind_place: Place,
    pub(crate) labels: Vec<(String, Place)>,
    pub(crate) body: Body,
}

impl Body {
    /// The attribute of a name.
    pub(crate) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }
}

/// The expression that a JSON text stands for where HCL has a bare word (`params`, `type`).
pub(crate) fn bare(expr: &Expr) -> Outcome<Expr> {
    match expr.as_text() {
        Some(text) => expression_text(text, &expr.place),
        None => Ok(expr.clone()),
    }
}

/// A bare word.
pub(crate) fn word(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Variable(name) => Some(name.clone()),
        _ => expr.as_text().map(str::to_owned),
    }
}

/// Which of the two a file is: by its name, else by what it holds.
pub(crate) fn parse(source: &Arc<SourceFile>) -> Outcome<Body> {
    match crate::paths::extension(source.name()).as_deref() {
        Some("json") => parse_json(source),
        Some("hcl") => parse_hcl(source),
        _ if source.text().trim_start().starts_with('{') => parse_json(source),
        _ => parse_hcl(source),
    }
}
