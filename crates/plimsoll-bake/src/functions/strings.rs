//! Texts. Characters are what people take for one (grapheme clusters).

use regex::{Captures, Regex};
use unicode_segmentation::UnicodeSegmentation as _;

use super::{Args, Function};
use crate::language::{Value, number};
use crate::problem::Outcome;

pub(super) const TABLE: &[(&str, Function)] = &[
    ("basename", |args| text(args, |text| go_base(&text))),
    ("chomp", |args| text(args, |text| text.trim_end_matches(['\r', '\n']).to_owned())),
    ("dirname", |args| text(args, |text| go_dir(&text))),
    ("homedir", homedir),
    ("indent", indent),
    ("join", join),
    ("lower", |args| text(args, |text| text.chars().map(lower).collect())),
    ("regex", regex),
    ("regex_replace", regex_replace),
    ("regexall", regexall),
    ("replace", |args| {
        args.exactly(3)?;
        let (text, old, new) = (args.text(0)?, args.text(1)?, args.text(2)?);
        args.fits(text.matches(&old).count(), new.len())?;
        Ok(Value::String(text.replace(&old, &new)))
    }),
    ("reverse", |args| text(args, |text| text.graphemes(true).rev().collect())),
    ("sanitize", |args| text(args, |text| sanitize(&text))),
    ("split", split),
    ("strlen", |args| {
        args.exactly(1)?;
        Ok(number(args.text(0)?.graphemes(true).count()))
    }),
    ("substr", substr),
    ("title", |args| text(args, |text| title(&text))),
    ("trim", |args| {
        args.exactly(2)?;
        let cut: Vec<char> = args.text(1)?.chars().collect();
        Ok(Value::text(args.text(0)?.trim_matches(cut.as_slice())))
    }),
    ("trimprefix", |args| {
        args.exactly(2)?;
        let (text, prefix) = (args.text(0)?, args.text(1)?);
        Ok(Value::text(text.strip_prefix(&prefix).unwrap_or(&text)))
    }),
    ("trimspace", |args| text(args, |text| text.trim().to_owned())),
    ("trimsuffix", |args| {
        args.exactly(2)?;
        let (text, suffix) = (args.text(0)?, args.text(1)?);
        Ok(Value::text(text.strip_suffix(&suffix).unwrap_or(&text)))
    }),
    ("upper", |args| text(args, |text| text.chars().map(upper).collect())),
];

fn text(args: &Args<'_>, apply: impl Fn(String) -> String) -> Outcome<Value> {
    args.exactly(1)?;
    Ok(Value::String(apply(args.text(0)?)))
}

/// The last part of a path, as Go's `filepath.Base` gives it.
fn go_base(path: &str) -> String {
    if path.is_empty() {
        return ".".to_owned();
    }
    match path.trim_end_matches('/') {
        "" => "/".to_owned(),
        trimmed => trimmed.rsplit('/').next().unwrap_or(trimmed).to_owned(),
    }
}

/// The directory of a path, cleaned, as Go's `filepath.Dir` gives it.
fn go_dir(path: &str) -> String {
    let directory = path.rfind('/').map_or("", |at| &path[..=at]);
    crate::paths::clean(directory)
}

/// Whatever cannot be in a target's name becomes `_`.
pub(crate) fn sanitize(text: &str) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' };
    text.chars().map(keep).collect()
}

fn homedir(args: &Args<'_>) -> Outcome<Value> {
    args.exactly(0)?;
    match &args.machine.home {
        Some(home) => Ok(Value::text(home)),
        None => Err(args.fail(0, "it is not known where the home directory is; set HOME")),
    }
}

fn indent(args: &Args<'_>) -> Outcome<Value> {
    args.exactly(2)?;
    let spaces = usize::try_from(args.integer(0)?).ok().filter(|spaces| *spaces <= 1024);
    let spaces = spaces.ok_or_else(|| args.fail(0, "the number of spaces must be between 0 and 1024"))?;
    let text = args.text(1)?;
    args.fits(text.matches('\n').count(), spaces)?;
    Ok(Value::String(text.replace('\n', &format!("\n{}", " ".repeat(spaces)))))
}

fn join(args: &Args<'_>) -> Outcome<Value> {
    args.between(2, usize::MAX)?;
    let mut all = Vec::new();
    for at in 1..args.len() {
        all.extend(args.texts(at)?);
    }
    let separator = args.text(0)?;
    args.fits(all.len(), separator.len())?;
    Ok(Value::String(all.join(&separator)))
}

fn split(args: &Args<'_>) -> Outcome<Value> {
    args.exactly(2)?;
    let (separator, text) = (args.text(0)?, args.text(1)?);
    let parts: Vec<Value> = if separator.is_empty() {
        text.chars().map(|c| Value::text(c.to_string())).collect()
    } else {
        text.split(&separator).map(Value::text).collect()
    };
    Ok(Value::List(parts))
}

fn substr(args: &Args<'_>) -> Outcome<Value> {
    args.exactly(3)?;
    let text = args.text(0)?;
    let all: Vec<&str> = text.graphemes(true).collect();
    let count = i64::try_from(all.len()).unwrap_or(i64::MAX);
    let (offset, length) = (args.integer(1)?, args.integer(2)?);
    let start = if offset < 0 { (offset + count).max(0) } else { offset.min(count) };
    let end = if length < 0 { count } else { start.saturating_add(length).min(count) };
    let range = usize::try_from(start).unwrap_or(0)..usize::try_from(end).unwrap_or(0);
    Ok(Value::String(all.get(range).unwrap_or_default().concat()))
}

/// Every letter that no letter, digit or `_` stands before becomes upper case.
fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    for character in text.chars() {
        let inside = before.is_alphanumeric() || before == '_';
        out.push(if inside { character } else { upper(character) });
        before = character;
    }
    out
}

/// One character for one, as in Go: what has no single upper case, such as `ß`, stays as it is.
fn upper(character: char) -> char {
    let mut mapped = character.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(upper), None) => upper,
        _ => character,
    }
}

fn lower(character: char) -> char {
    let mut mapped = character.to_lowercase();
    match (mapped.next(), mapped.next()) {
        (Some(lower), None) => lower,
        _ => character,
    }
}

fn pattern(args: &Args<'_>, at: usize) -> Outcome<Regex> {
    let pattern = args.text(at)?;
    regex::RegexBuilder::new(&pattern)
        .size_limit(1 << 20)
        .build()
        .map_err(|error| args.fail(at, format!("`{pattern}` is not a regular expression: {error}")))
        .and_then(|regex| {
            let named = regex.capture_names().flatten().count();
            if named > 0 && named + 1 < regex.captures_len() {
                return Err(args.fail(at, "either all groups of the pattern have names, or none has"));
            }
            Ok(regex)
        })
}

fn captured(regex: &Regex, captures: &Captures<'_>) -> Value {
    let group = |at: usize| captures.get(at).map_or(Value::Null, |found| Value::text(found.as_str()));
    let names: Vec<Option<&str>> = regex.capture_names().collect();
    if names.len() == 1 {
        return group(0);
    }
    if names.iter().any(Option::is_some) {
        let named = names.iter().enumerate().filter_map(|(at, name)| Some(((*name)?.to_owned(), group(at))));
        return Value::Object(named.collect());
    }
    Value::Tuple((1..names.len()).map(group).collect())
}

fn regex(args: &Args<'_>) -> Outcome<Value> {
    args.exactly(2)?;
    let (regex, text) = (pattern(args, 0)?, args.text(1)?);
    match regex.captures(&text) {
        Some(captures) => Ok(captured(&regex, &captures)),
        None => Err(args.fail(0, "the pattern matches nothing in the text")),
    }
}

fn regexall(args: &Args<'_>) -> Outcome<Value> {
    args.exactly(2)?;
    let (regex, text) = (pattern(args, 0)?, args.text(1)?);
    Ok(Value::List(regex.captures_iter(&text).map(|captures| captured(&regex, &captures)).collect()))
}

fn regex_replace(args: &Args<'_>) -> Outcome<Value> {
    args.exactly(3)?;
    let (text, regex, replacement) = (args.text(0)?, pattern(args, 1)?, args.text(2)?);
    args.fits(text.len() + 1, replacement.len())?;
    Ok(Value::text(regex.replace_all(&text, replacement.as_str())))
}
