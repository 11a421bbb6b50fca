//! `semvercmp`: does a version keep a constraint.

use std::cmp::Ordering;

use super::{Args, Function};
use crate::language::Value;
use crate::problem::Outcome;

pub(super) const TABLE: &[(&str, Function)] = &[("semvercmp", |args| {
    args.exactly(2)?;
    semvercmp(args)
})];

/// A version of which parts may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Version {
    /// Major, minor, patch.
    numbers: [u64; 3],
    /// How many of them were written as numbers.
    written: usize,
    pre: Vec<String>,
}

fn semvercmp(args: &Args<'_>) -> Outcome<Value> {
    let (text, constraint) = (args.text(0)?, args.text(1)?);
    let version = version(&text, false)
        .ok_or_else(|| args.fail(0, format!("`{text}` is not a version such as `1.2.3`")))?;
    for alternative in constraint.split("||") {
        let holds = all_hold(&version, alternative)
            .map_err(|part| args.fail(1, format!("`{part}` is not a constraint such as `>= 1.2`")))?;
        if holds {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn all_hold(version: &Version, alternative: &str) -> Result<bool, String> {
    if let Some((low, high)) = alternative.split_once(" - ") {
        return Ok(holds(version, ">=", low.trim())? && holds(version, "<=", high.trim())?);
    }
    let mut all = true;
    let mut rest = alternative.trim();
    if rest.is_empty() {
        return Err(alternative.to_owned());
    }
    while !rest.is_empty() {
        let operator_end = rest.find(|c| !"=!<>~^".contains(c)).unwrap_or(rest.len());
        let (operator, behind) = rest.split_at(operator_end);
        let behind = behind.trim_start();
        let end = behind.find([',', ' ']).unwrap_or(behind.len());
        all &= holds(version, operator, &behind[..end])?;
        rest = behind[end..].trim_start_matches([',', ' ']);
    }
    Ok(all)
}

fn holds(version: &Version, operator: &str, text: &str) -> Result<bool, String> {
    let wrong = || format!("{operator}{text}");
    let bound = self::version(text, true).ok_or_else(wrong)?;
    // A version with a pre-release is only compared with bounds that have one.
    if !version.pre.is_empty() && bound.pre.is_empty() {
        return Ok(false);
    }
    let order = compare(version, &bound);
    let same = |count: usize| version.numbers[..count] == bound.numbers[..count];
    Ok(match operator {
        "" | "=" if bound.written == 3 => order == Ordering::Equal,
        "" | "=" => same(bound.written),
        "!=" if bound.written == 3 => order != Ordering::Equal,
        "!=" => !same(bound.written),
        ">" if bound.written == 3 => order == Ordering::Greater,
        ">" => order == Ordering::Greater && !same(bound.written),
        ">=" | "=>" => order != Ordering::Less,
        "<" => order == Ordering::Less,
        "<=" | "=<" if bound.written == 3 => order != Ordering::Greater,
        "<=" | "=<" => order == Ordering::Less || same(bound.written),
        "~" | "~>" => order != Ordering::Less && same(bound.written.min(2)),
        "^" => {
            let leading = bound.numbers[..bound.written].iter().position(|number| *number > 0);
            let fixed = leading.map_or(bound.written, |at| at + 1);
            order != Ordering::Less && same(fixed.max(1).min(bound.written.max(1)))
        }
        _ => return Err(wrong()),
    })
}

fn version(text: &str, partial: bool) -> Option<Version> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let text = text.split('+').next()?;
    let (numbers_text, pre) =
        text.split_once('-').map_or((text, None), |(numbers, pre)| (numbers, Some(pre)));
    let (mut numbers, mut written, mut wild) = ([0; 3], 0, false);
    let parts: Vec<&str> = numbers_text.split('.').collect();
    if parts.len() > 3 {
        return None;
    }
    for (at, part) in parts.iter().enumerate() {
        if partial && matches!(*part, "x" | "X" | "*") {
            wild = true;
            continue;
        }
        if wild || part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        numbers[at] = part.parse().ok()?;
        written = at + 1;
    }
    if !partial {
        written = 3;
    }
    let pre = pre.map(|pre| pre.split('.').map(str::to_owned).collect()).unwrap_or_default();
    Some(Version { numbers, written, pre })
}

/// The order of semantic versions (semver.org, section 11).
fn compare(a: &Version, b: &Version) -> Ordering {
    a.numbers.cmp(&b.numbers).then_with(|| match (a.pre.is_empty(), b.pre.is_empty()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => {
            let part = |(a, b): (&String, &String)| match (a.parse::<u64>(), b.parse::<u64>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => a.cmp(b),
            };
            let differs = a.pre.iter().zip(&b.pre).map(part).find(|order| order.is_ne());
            differs.unwrap_or_else(|| a.pre.len().cmp(&b.pre.len()))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(version: &str, constraint: &str) -> bool {
        let version = self::version(version, false).unwrap();
        constraint.split("||").any(|alternative| all_hold(&version, alternative).unwrap())
    }

    #[test]
    fn constraints_hold_or_do_not() {
        for (version, constraint, holds) in [
            ("1.2.3", ">= 1.2, < 2", true),
            ("2.0.0", ">=1.2 <2", false),
            ("1.2.3", "1.2", true),
            ("1.2.3", "1.x", true),
            ("1.3.0", "~1.2.3", false),
            ("1.9.0", "^1.2.3", true),
            ("0.3.0", "^0.2.3", false),
            ("1.2.3-rc.1", ">=1.0.0", false),
            ("1.2.3-rc.1", ">=1.2.3-alpha", true),
            ("1.5.0", "1.2 - 1.6", true),
            ("3.0.0", "<1 || >=3", true),
            ("1.2.9", ">1.2", false),
        ] {
            assert_eq!(check(version, constraint), holds, "{version} {constraint}");
        }
    }
}
