//! Texts as trees whose nodes know their lines: one shape for JSON, TOML and YAML, another for XML.

mod json;
mod node;
mod text;
mod toml;
mod xml;
mod yaml;

pub(crate) use json::json;
pub(crate) use node::Node;
pub(crate) use text::{read_text, read_text_within};
pub(crate) use toml::toml;
pub(crate) use xml::{Element, xml};
pub(crate) use yaml::yaml;
