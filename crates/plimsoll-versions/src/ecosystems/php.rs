//! PHP's `version_compare`: the manual's rules, applied to a version that is already cut into parts.

use std::cmp::Ordering;

use crate::digits;

/// Puts a dot between digits and other characters, and in place of everything that is neither digit nor letter.
pub(super) fn canonical(version: &str) -> String {
    let mut canonical = String::with_capacity(version.len() + 8);
    let mut last: Option<char> = None;
    for character in version.chars() {
        let dotted = canonical.ends_with('.');
        match last {
            None => canonical.push(character),
            Some(last) => {
                let turns =
                    last != '.' && !is_special(last) && last.is_ascii_digit() != character.is_ascii_digit();
                let stays = turns && character != '.' && !is_special(character);
                if !character.is_ascii_alphanumeric() && !stays {
                    if !dotted {
                        canonical.push('.');
                    }
                } else {
                    if turns && !dotted {
                        canonical.push('.');
                    }
                    canonical.push(character);
                }
            }
        }
        last = Some(character);
    }
    canonical
}

fn is_special(character: char) -> bool {
    matches!(character, '-' | '_' | '+')
}

/// Compares two canonical versions part by part.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    if left.is_empty() || right.is_empty() {
        return right.is_empty().cmp(&left.is_empty());
    }
    let (mut left, mut right) = (Some(left), Some(right));
    while let (Some(first), Some(second)) = (left, right) {
        if first.is_empty() || second.is_empty() {
            break;
        }
        let ((first, left_rest), (second, right_rest)) = (next(first), next(second));
        let order = match (is_number(first), is_number(second)) {
            (true, true) => digits::compare(digits::split(first).0, digits::split(second).0),
            (first_is, second_is) => {
                let form = |part: &str, is_number: bool| if is_number { NUMBER } else { rank(part) };
                form(first, first_is).cmp(&form(second, second_is))
            }
        };
        if order.is_ne() {
            return order;
        }
        (left, right) = (left_rest, right_rest);
    }
    match (left, right) {
        // Here PHP calls the left one less, whichever that is.
        (Some(""), Some(rest)) => {
            if rest.is_empty() {
                Ordering::Equal
            } else {
                compare_rest(rest).reverse()
            }
        }
        (Some(rest), _) => compare_rest(rest),
        (None, Some(rest)) => compare_rest(rest).reverse(),
        (None, None) => Ordering::Equal,
    }
}

fn next(text: &str) -> (&str, Option<&str>) {
    text.split_once('.').map_or((text, None), |(part, rest)| (part, Some(rest)))
}

fn is_number(part: &str) -> bool {
    part.starts_with(|first: char| first.is_ascii_digit())
}

/// Compares what is left of one version with the end of the other, which ranks as a number.
fn compare_rest(rest: &str) -> Ordering {
    if rest.is_empty() {
        return Ordering::Less;
    }
    if is_number(rest) {
        return Ordering::Greater;
    }
    let (first, after) = next(rest);
    rank(first).cmp(&NUMBER).then_with(|| after.map_or(Ordering::Equal, compare_rest))
}

/// The rank of a part that is a number.
const NUMBER: i8 = 4;

/// The rank of a part that is text: by how it starts.
fn rank(part: &str) -> i8 {
    const FORMS: &[(&str, i8)] = &[
        ("dev", 0),
        ("alpha", 1),
        ("a", 1),
        ("beta", 2),
        ("b", 2),
        ("RC", 3),
        ("rc", 3),
        ("#", NUMBER),
        ("pl", 5),
        ("p", 5),
    ];
    FORMS.iter().find(|(form, _)| part.starts_with(form)).map_or(-1, |(_, rank)| *rank)
}
