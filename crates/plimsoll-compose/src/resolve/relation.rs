//! Relations between packages: `a (>= 1) | b, c:any` (Debian Policy 7.1).

use std::cmp::Ordering;

use super::version;

/// One alternative of a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Relation<'a> {
    pub(crate) name: &'a str,
    /// `any`, `native` or an architecture.
    pub(crate) qualifier: Option<&'a str>,
    pub(crate) constraint: Option<Constraint<'a>>,
}

/// A bound on a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Constraint<'a> {
    pub(crate) operator: Operator,
    pub(crate) version: &'a str,
}

/// How a version is bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Before,
    AtMost,
    Exactly,
    AtLeast,
    After,
}

impl Constraint<'_> {
    /// Whether `version` is within the bound.
    pub(crate) fn allows(&self, version: &str) -> bool {
        let order = version::compare(version, self.version);
        match self.operator {
            Operator::Before => order == Ordering::Less,
            Operator::AtMost => order != Ordering::Greater,
            Operator::Exactly => order == Ordering::Equal,
            Operator::AtLeast => order != Ordering::Less,
            Operator::After => order == Ordering::Greater,
        }
    }
}

impl Relation<'_> {
    /// Whether a real package of this version meets the bound.
    pub(crate) fn allows(&self, version: &str) -> bool {
        self.constraint.is_none_or(|constraint| constraint.allows(version))
    }

    /// Whether something provided, perhaps with a version, meets the bound: a bound needs a version to hold
    /// against.
    pub(crate) fn allows_provided(&self, provided: Option<&str>) -> bool {
        match (self.constraint, provided) {
            (None, _) => true,
            (Some(constraint), Some(version)) => constraint.allows(version),
            (Some(_), None) => false,
        }
    }
}

/// The clauses of a field, as written.
pub(crate) fn clauses(field: &str) -> impl Iterator<Item = &str> {
    field.split(',').map(str::trim).filter(|clause| !clause.is_empty())
}

/// The alternatives of a clause; a malformed one ends them.
pub(crate) fn alternatives(clause: &str) -> impl Iterator<Item = Relation<'_>> {
    clause.split('|').map_while(|text| parse(text.trim()))
}

/// Reads one alternative.
pub(crate) fn parse(text: &str) -> Option<Relation<'_>> {
    let end = text.find([' ', '(', '[', '<', '\n', '\t']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let (name, qualifier) = match name.split_once(':') {
        Some((name, qualifier)) => (name, Some(qualifier)),
        None => (name, None),
    };
    if name.is_empty() {
        return None;
    }
    let constraint = match rest.trim_start().strip_prefix('(') {
        Some(inside) => Some(parse_constraint(inside.split_once(')')?.0.trim())?),
        None => None,
    };
    Some(Relation { name, qualifier, constraint })
}

fn parse_constraint(text: &str) -> Option<Constraint<'_>> {
    // `<` and `>` alone are the old spellings of `<=` and `>=`.
    let spellings = [
        ("<<", Operator::Before),
        ("<=", Operator::AtMost),
        (">>", Operator::After),
        (">=", Operator::AtLeast),
        ("=", Operator::Exactly),
        ("<", Operator::AtMost),
        (">", Operator::AtLeast),
    ];
    let (sign, operator) = spellings.into_iter().find(|(sign, _)| text.starts_with(sign))?;
    let version = text[sign.len()..].trim();
    (!version.is_empty()).then_some(Constraint { operator, version })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_bounds_and_qualifiers_are_read() {
        let clause = "python3:any (>= 3.5~) | b(<<2)|c [amd64]";
        let read: Vec<Relation<'_>> = alternatives(clause).collect();
        assert_eq!(read.len(), 3);
        assert_eq!((read[0].name, read[0].qualifier), ("python3", Some("any")));
        assert_eq!(read[0].constraint, Some(Constraint { operator: Operator::AtLeast, version: "3.5~" }));
        assert_eq!(read[1].constraint, Some(Constraint { operator: Operator::Before, version: "2" }));
        assert_eq!((read[2].name, read[2].constraint), ("c", None));
    }

    #[test]
    fn bounds_hold_against_versions_and_provided_versions() {
        let relation = parse("x (>= 1.2)").unwrap();
        assert!(relation.allows("1.10"));
        assert!(!relation.allows("1.1"));
        assert!(relation.allows_provided(Some("1.2")));
        assert!(!relation.allows_provided(None));
        assert!(parse("x").unwrap().allows_provided(None));
        for (text, version, want) in [
            ("x (= 1)", "1-0", true),
            ("x (<< 1)", "1~", true),
            ("x (>> 1)", "1", false),
            ("x (<= 1)", "1", true),
        ] {
            assert_eq!(parse(text).unwrap().allows(version), want, "{text}");
        }
    }

    #[test]
    fn malformed_alternatives_are_none() {
        assert_eq!(parse(""), None);
        assert_eq!(parse("x (>= )"), None);
        assert_eq!(parse("x (1.0)"), None);
        assert_eq!(parse("x (>= 1"), None);
    }
}
