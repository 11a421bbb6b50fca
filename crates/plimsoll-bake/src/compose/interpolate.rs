//! `${VARIABLE}` in compose files.

use std::collections::{BTreeMap, BTreeSet};

use super::yaml::{Kind, Node};
use crate::problem::{Outcome, Problem};

/// How deep defaults may be nested.
const DEEPEST: usize = 32;
/// The longest value, and the most bytes of all values of a document that variables are filled into.
const MOST_BYTES: usize = 64 << 20;

/// Fills in the variables of a document.
pub(super) fn document(
    node: &mut Node,
    environment: &BTreeMap<String, String>,
    warnings: &mut Vec<Problem>,
) -> Outcome<()> {
    let mut filler = Filler { environment, unset: BTreeSet::new(), bytes: 0, warnings };
    filler.node(node)
}

struct Filler<'a> {
    environment: &'a BTreeMap<String, String>,
    /// Variables that were warned about.
    unset: BTreeSet<String>,
    /// Of all values that were filled in.
    bytes: usize,
    warnings: &'a mut Vec<Problem>,
}

impl Filler<'_> {
    fn node(&mut self, node: &mut Node) -> Outcome<()> {
        let place = node.place.clone();
        match &mut node.kind {
            Kind::Scalar { text, .. } => {
                if text.contains('$') {
                    let mut unset = Vec::new();
                    let filled = fill(text, self.environment, &mut unset, 0)
                        .map_err(|error| place.error("bad-interpolation", error))?;
                    for name in unset {
                        if self.unset.insert(name.clone()) {
                            let message =
                                format!("the variable `{name}` is not set; an empty text stands for it");
                            let hint = format!("set it, or write a default: `${{{name}:-…}}`");
                            self.warnings.push(place.error("unset-variable", message).hint(hint));
                        }
                    }
                    self.bytes += filled.len();
                    if self.bytes > MOST_BYTES {
                        return Err(place.error("bad-interpolation", too_long()));
                    }
                    *text = filled;
                }
            }
            Kind::Sequence(nodes) => {
                for node in nodes {
                    self.node(node)?;
                }
            }
            Kind::Map(members) => {
                for (_, node) in members {
                    self.node(node)?;
                }
            }
        }
        Ok(())
    }
}

fn too_long() -> String {
    format!("values with their variables filled in take more than {} MiB", MOST_BYTES >> 20)
}

/// Replaces variables; names of unset ones are collected.
pub(super) fn fill(
    text: &str,
    environment: &BTreeMap<String, String>,
    unset: &mut Vec<String>,
    depth: usize,
) -> Result<String, String> {
    if depth > DEEPEST {
        return Err(format!("defaults are nested more than {DEEPEST} times"));
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        if out.len() > MOST_BYTES {
            return Err(too_long());
        }
        let behind = &rest[at + 1..];
        if let Some(after) = behind.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(inner) = behind.strip_prefix('{') {
            let end = closing(inner).ok_or("a `${` is not closed with `}`; write `$$` for a plain `$`")?;
            out.push_str(&braced(&inner[..end], environment, unset, depth)?);
            rest = &inner[end + 1..];
        } else {
            let end = name_end(behind);
            if end == 0 {
                return Err("a `$` needs the name of a variable; write `$$` for a plain `$`".to_owned());
            }
            out.push_str(&plain(&behind[..end], environment, unset));
            rest = &behind[end..];
        }
    }
    out.push_str(rest);
    Ok(out)
}

fn plain(name: &str, environment: &BTreeMap<String, String>, unset: &mut Vec<String>) -> String {
    environment.get(name).cloned().unwrap_or_else(|| {
        unset.push(name.to_owned());
        String::new()
    })
}

/// Where the brace that belongs to an opened one is.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut before = ' ';
    for (at, character) in text.char_indices() {
        match character {
            '{' if before == '$' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
        before = character;
    }
    None
}

fn name_end(text: &str) -> usize {
    let is_start = |c: char| c.is_ascii_alphabetic() || c == '_';
    if !text.starts_with(is_start) {
        return 0;
    }
    text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len())
}

fn braced(
    inner: &str,
    environment: &BTreeMap<String, String>,
    unset: &mut Vec<String>,
    depth: usize,
) -> Result<String, String> {
    let (name, rest) = inner.split_at(name_end(inner));
    if name.is_empty() {
        return Err(format!("`${{{inner}}}` does not start with the name of a variable"));
    }
    let value = environment.get(name);
    let (colon, operator) = match rest.strip_prefix(':') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let is_set = value.is_some_and(|value| !colon || !value.is_empty());
    let Some(first) = operator.chars().next() else {
        return if colon {
            Err(format!("`${{{inner}}}` ends behind a colon"))
        } else {
            Ok(plain(name, environment, unset))
        };
    };
    let mut word = |text: &str| fill(text, environment, unset, depth + 1);
    let argument = &operator[first.len_utf8()..];
    match first {
        '-' | '?' if is_set => Ok(value.cloned().unwrap_or_default()),
        '-' => word(argument),
        '+' if is_set => word(argument),
        '+' => Ok(String::new()),
        '?' => {
            let message = word(argument)?;
            let message = if message.is_empty() { "it must be set".to_owned() } else { message };
            Err(format!("the variable `{name}` is required: {message}"))
        }
        _ => Err(format!(
            "`${{{inner}}}` has an operator that does not exist; there are `-`, `+` and `?`, each also with `:`"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Result<String, String> {
        let environment = [("A", "a"), ("E", "")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        fill(text, &BTreeMap::from(environment), &mut Vec::new(), 0)
    }

    #[test]
    fn every_form_of_a_variable_is_filled_in() {
        for (text, expected) in [
            ("$A-${A}-$$A", "a-a-$A"),
            ("${E:-d}${E-d}", "d"),
            ("${X:-d${X:-${A}}}", "da"),
            ("${A:+set}${E:+set}${E+set}", "setset"),
            ("${X}", ""),
        ] {
            assert_eq!(filled(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_required_or_broken_is_an_error() {
        assert_eq!(filled("${X:?no x}").unwrap_err(), "the variable `X` is required: no x");
        assert!(filled("${X").is_err());
        assert!(filled("$ {").is_err());
        assert!(filled("${A!b}").is_err());
    }
}
