//! Lines at the top of a file that steer how it is read.

use plimsoll_diagnostics::{Span, Spanned};

use crate::ast::DirectiveKind;

/// A directive found in one line.
pub(crate) struct Found {
    pub(crate) kind: DirectiveKind,
    pub(crate) name: Span,
    pub(crate) value: Span,
}

/// Looks for `<marker> name = value` in the line at `line` of `text`; unknown names are none.
pub(crate) fn find_in_line(text: &str, line: Span, marker: &str) -> Option<Found> {
    let body = &text[line.range()];
    let rest = body.strip_prefix(marker)?;
    let rest = rest.trim_start();
    let name_start = line.end - rest.len();
    let name_len = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
    let name = &rest[..name_len];
    let kind = [
        ("syntax", DirectiveKind::Syntax),
        ("escape", DirectiveKind::Escape),
        ("check", DirectiveKind::Check),
    ]
    .into_iter()
    .find(|(known, _)| known.eq_ignore_ascii_case(name))?
    .1;
    let value = rest[name_len..].trim_start().strip_prefix('=')?.trim_start();
    let value_start = line.end - value.len();
    let value_len = value.trim_end().len();
    (value_len > 0).then(|| Found {
        kind,
        name: Span::new(name_start, name_start + name_len),
        value: Span::new(value_start, value_start + value_len),
    })
}

/// The frontend image that a text asks for: the first word of the `syntax` directive.
///
/// The directive is looked for behind `#`, then behind `//`, then as the member `syntax` of a text that is one JSON object. A first line
/// that starts with `#!` is skipped. The span is that of the value in `text`, and of the whole text for JSON.
pub fn detect_syntax(text: &str) -> Option<Spanned<String>> {
    let mut start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    if text[start..].starts_with("#!") {
        start = text[start..].find('\n').map_or(text.len(), |end| start + end + 1);
    }
    for marker in ["#", "//"] {
        let mut at = start;
        for line in text[start..].split_inclusive('\n') {
            let span = Span::new(at, at + line.trim_end_matches(['\n', '\r']).len());
            at += line.len();
            let Some(found) = find_in_line(text, span, marker) else { break };
            if found.kind == DirectiveKind::Syntax {
                let value = &text[found.value.range()];
                let word = value.split(' ').next().unwrap_or_default();
                return Some(Spanned::new(
                    word.to_owned(),
                    Span::new(found.value.start, found.value.start + word.len()),
                ));
            }
        }
    }
    let body = &text[start..];
    if !body.trim_start().starts_with('{') {
        return None;
    }
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(body).ok()?;
    let value = object.get("syntax")?.as_str()?;
    Some(Spanned::new(value.to_owned(), Span::new(start, text.len())))
}

/// A set of rule names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RuleSet {
    /// No rule.
    #[default]
    None,
    /// Every rule.
    All,
    /// These; names are compared without regard to case.
    Rules(Vec<String>),
}

impl RuleSet {
    /// Whether a rule is in the set.
    pub fn contains(&self, rule: &str) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Rules(rules) => rules.iter().any(|name| name.eq_ignore_ascii_case(rule)),
        }
    }
}

/// Value of the `check` directive, and of the build argument that overrides it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckOptions {
    /// Rules that are not applied.
    pub skip: RuleSet,
    /// Experimental rules that are applied.
    pub experimental: RuleSet,
    /// Whether a finding fails the build.
    pub error: bool,
}

/// Why a `check` value is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckOptionsError {
    /// No such option.
    #[error("`{key}` is not an option of `check`; there are `skip`, `error` and `experimental`")]
    UnknownOption {
        /// The option.
        key: String,
    },
    /// An option without `=`.
    #[error("`{part}` is not of the form `option=value`")]
    MissingValue {
        /// The part between two semicolons.
        part: String,
    },
    /// `error` takes `true` or `false`.
    #[error("`{value}` is not a value for `error`: true or false")]
    BadError {
        /// The value.
        value: String,
    },
}

impl CheckOptions {
    /// Reads `skip=RULE,RULE;error=true;experimental=all`.
    pub fn parse(value: &str) -> Result<Self, CheckOptionsError> {
        let mut options = Self::default();
        for part in value.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let (key, value) = part
                .split_once('=')
                .ok_or_else(|| CheckOptionsError::MissingValue { part: part.to_owned() })?;
            let value = value.trim();
            match key.trim() {
                "skip" => options.skip = rule_set(value),
                "experimental" => options.experimental = rule_set(value),
                "error" => {
                    options.error = match value.to_ascii_lowercase().as_str() {
                        "1" | "t" | "true" => true,
                        "0" | "f" | "false" => false,
                        _ => return Err(CheckOptionsError::BadError { value: value.to_owned() }),
                    }
                }
                key => return Err(CheckOptionsError::UnknownOption { key: key.to_owned() }),
            }
        }
        Ok(options)
    }
}

fn rule_set(value: &str) -> RuleSet {
    let names: Vec<String> =
        value.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    if names.is_empty() {
        RuleSet::None
    } else if names.iter().any(|name| name.eq_ignore_ascii_case("all")) {
        RuleSet::All
    } else {
        RuleSet::Rules(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn syntax(text: &str) -> Option<String> {
        detect_syntax(text).map(|found| found.value)
    }

    #[test]
    fn syntax_is_found_in_all_its_forms() {
        assert_eq!(syntax("# syntax=docker/dockerfile:1\nFROM a").as_deref(), Some("docker/dockerfile:1"));
        assert_eq!(syntax("\u{feff}#syntax = a b\r\n").as_deref(), Some("a"));
        assert_eq!(syntax("#!/usr/bin/x\n# escape=`\n# SYNTAX=a\n").as_deref(), Some("a"));
        assert_eq!(syntax("// syntax=a\n{}").as_deref(), Some("a"));
        assert_eq!(syntax("{\n \"syntax\": \"a\"}").as_deref(), Some("a"));
    }

    #[test]
    fn a_comment_or_a_blank_line_ends_the_directives() {
        assert_eq!(syntax("# hello\n# syntax=a\n"), None);
        assert_eq!(syntax("\n# syntax=a\n"), None);
        assert_eq!(syntax("# other=b\n# syntax=a\n"), None);
        assert_eq!(syntax("# syntax=\n"), None);
        assert_eq!(syntax("{\"syntax\": 1}"), None);
    }

    #[test]
    fn the_span_covers_the_reference() {
        let text = "# syntax = a/b:1 extra\n";
        let found = detect_syntax(text).unwrap();
        assert_eq!(&text[found.span.range()], "a/b:1");
    }

    #[test]
    fn check_options_are_read() {
        let options = CheckOptions::parse("skip=StageNameCasing, UndefinedVar;error=true").unwrap();
        assert!(options.error);
        assert!(options.skip.contains("undefinedvar"));
        assert!(!options.skip.contains("x"));
        assert_eq!(CheckOptions::parse("skip=all;experimental=A").unwrap().skip, RuleSet::All);
        assert!(CheckOptions::parse("skpi=all").is_err());
        assert!(CheckOptions::parse("error=maybe").is_err());
        assert!(CheckOptions::parse("error").is_err());
    }
}
