//! The tree that JSON, TOML and YAML have in common.

use std::borrow::Cow;

/// A value and the line that names it.
#[derive(Clone, Debug)]
pub(crate) struct Node<'a> {
    /// From 1: of its key where it has one, otherwise where it begins.
    pub(crate) line: u32,
    pub(crate) value: Value<'a>,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    Null,
    /// Strings, numbers and booleans alike, as written: a version `1.10` without quotes is not the number 1.1.
    Scalar(Cow<'a, str>),
    List(Vec<Node<'a>>),
    Map(Vec<(Cow<'a, str>, Node<'a>)>),
}

impl<'a> Node<'a> {
    /// The value of a key; the last one where it stands twice.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().rev().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// The value below a path of keys.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// Keys and values of a map; nothing for anything else.
    pub(crate) fn entries(&self) -> &[(Cow<'a, str>, Self)] {
        if let Value::Map(entries) = &self.value { entries } else { &[] }
    }

    /// Keys and values of the map below a key.
    pub(crate) fn entries_of(&self, key: &str) -> &[(Cow<'a, str>, Self)] {
        self.get(key).map(Self::entries).unwrap_or_default()
    }

    /// The values of a list; nothing for anything else.
    pub(crate) fn items(&self) -> &[Self] {
        if let Value::List(items) = &self.value { items } else { &[] }
    }

    /// The values of the list below a key.
    pub(crate) fn items_of(&self, key: &str) -> &[Self] {
        self.get(key).map(Self::items).unwrap_or_default()
    }

    /// A scalar's text.
    pub(crate) fn as_text(&self) -> Option<&str> {
        if let Value::Scalar(text) = &self.value { Some(text) } else { None }
    }

    /// The text below a key, if there is any.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_text().filter(|text| !text.is_empty())
    }

    /// Whether the value below the key is `true`.
    pub(crate) fn is_set(&self, key: &str) -> bool {
        self.text(key) == Some("true")
    }

    /// Whether it is a map.
    pub(crate) fn is_map(&self) -> bool {
        matches!(self.value, Value::Map(_))
    }

    /// Whether it is a list.
    pub(crate) fn is_list(&self) -> bool {
        matches!(self.value, Value::List(_))
    }

    /// The line of a key where there is one, otherwise its own.
    pub(crate) fn line_of(&self, key: &str) -> u32 {
        self.get(key).map_or(self.line, |node| node.line)
    }
}
