//! Every rule finds its sample, where it stands, and passes its near miss.
//!
//! Samples are templates (`fixtures/samples.txt`): the secrets are made when the test runs, so that none stands in the repository.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_secrets::{Config, Finding, Scanner};

const SAMPLES: &str = include_str!("../fixtures/samples.txt");

struct Sample {
    rule: String,
    hit: File,
    miss: File,
}

struct File {
    path: String,
    text: Vec<u8>,
    /// Where the value stands.
    value: std::ops::Range<usize>,
}

/// Random, and the same in each run.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % below as u64).unwrap()
    }

    fn text(&mut self, kind: char, count: usize) -> String {
        let one;
        let alphabet = match kind {
            'a' => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            'l' => "abcdefghijklmnopqrstuvwxyz0123456789",
            'u' => "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
            'b' => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
            'c' => "abcdefghijklmnopqrstuvwxyz234567",
            'h' => "0123456789abcdef",
            'H' => "0123456789ABCDEF",
            'm' => "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
            'n' => "qpzry9x8gf2tvdw0s3jn54khce6mua7l",
            'z' => "abcdefghijklmnopqrstuvwxyz",
            'Z' => "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            'd' => "0123456789",
            other => {
                one = other.to_string();
                &one
            }
        };
        let letters: Vec<char> = alphabet.chars().collect();
        (0..count).map(|_| letters[self.next(letters.len())]).collect()
    }
}

fn samples() -> Vec<Sample> {
    SAMPLES
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .enumerate()
        .map(|(number, line)| {
            let [rule, hit, miss] = line.split('\t').collect::<Vec<_>>()[..] else {
                panic!("not three parts: {line}")
            };
            let mut random = Random(number as u64);
            Sample { rule: rule.to_owned(), hit: file(hit, &mut random), miss: file(miss, &mut random) }
        })
        .collect()
}

fn file(template: &str, random: &mut Random) -> File {
    let (path, text) = template.split_once(" ⇒ ").unwrap_or(("app/notes", template));
    let text = expanded(&unescaped(text), random);
    let (before, rest) = text.split_once('«').unwrap_or((&text, "»"));
    let (value, after) = rest.split_once('»').unwrap();
    File {
        path: path.to_owned(),
        text: [before, value, after].concat().into_bytes(),
        value: before.len()..before.len() + value.len(),
    }
}

fn unescaped(text: &str) -> String {
    text.replace("\\\\", "\u{1}")
        .replace("\\n", "\n")
        .replace("\\r", "\r")
        .replace("\\t", "\t")
        .replace("\\0", "\0")
        .replace("\\4", "\u{4}")
        .replace("\\6", "\u{6}")
        .replace('\u{1}', "\\")
}

/// Puts random texts in; `{b64:…}` holds texts with braces in pairs.
fn expanded(text: &str, random: &mut Random) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        result.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(inner) = rest.strip_prefix("{b64:") {
            let mut depth = 1;
            let end = inner
                .char_indices()
                .find(|(_, character)| {
                    depth += i32::from(*character == '{') - i32::from(*character == '}');
                    depth == 0
                })
                .unwrap()
                .0;
            result.push_str(&STANDARD.encode(expanded(&inner[..end], random)));
            rest = &inner[end + 1..];
            continue;
        }
        let inner = rest[1..].split('}').next().unwrap();
        let mut characters = inner.chars();
        match (characters.next(), characters.as_str().parse::<usize>()) {
            (Some(kind), Ok(count)) => result.push_str(&random.text(kind, count)),
            (Some('U'), Err(_)) if inner == "U" => {
                let parts = [8, 4, 4, 4, 12].map(|count| random.text('h', count));
                result.push_str(&parts.join("-"));
            }
            _ => {
                result.push('{');
                rest = &rest[1..];
                continue;
            }
        }
        rest = &rest[inner.len() + 2..];
    }
    result + rest
}

fn scan(scanner: &Scanner, file: &File) -> Vec<Finding> {
    scanner.scan(&file.path, &file.text[..]).unwrap().findings
}

fn place(text: &[u8], at: usize) -> (u64, u64) {
    let before = &text[..at];
    let line = before.split(|byte| *byte == b'\n').count() as u64;
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() as u64 + 1;
    (line, column)
}

/// Each rule by itself: others may know the same value better.
fn alone(rule: &str) -> Scanner {
    Scanner::new(&Config { enable: vec![rule.to_owned()], ..Config::default() }).unwrap()
}

#[test]
fn every_rule_finds_its_sample_and_passes_its_near_miss() {
    let mut faults = Vec::new();
    for sample in samples() {
        let scanner = alone(&sample.rule);
        let found = scan(&scanner, &sample.hit);
        let (line, column) = place(&sample.hit.text, sample.hit.value.start);
        let is_right = matches!(&found[..], [one] if one.rule == sample.rule
            && (one.line, one.column, one.length) == (line, column, sample.hit.value.len() as u64));
        if !is_right {
            let text = String::from_utf8_lossy(&sample.hit.text);
            faults.push(format!("{}: wanted {line}:{column} in {text:?}, found {found:?}", sample.rule));
        }
        let found = scan(&scanner, &sample.miss);
        if !found.is_empty() {
            let text = String::from_utf8_lossy(&sample.miss.text);
            faults.push(format!("{}: found {found:?} in the near miss {text:?}", sample.rule));
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn every_rule_has_a_sample() {
    let sampled: BTreeSet<String> = samples().into_iter().map(|sample| sample.rule).collect();
    let rules: BTreeSet<String> =
        plimsoll_secrets::rules().into_iter().map(|rule| rule.id.into_owned()).collect();
    let missing: Vec<_> = rules.difference(&sampled).collect();
    assert!(missing.is_empty(), "without a sample: {missing:?}");
    assert!(rules.len() >= 150);
}

#[test]
fn ids_are_unique_and_in_kebab_case() {
    let rules = plimsoll_secrets::rules();
    let ids: BTreeSet<&str> = rules.iter().map(|rule| &*rule.id).collect();
    assert_eq!(ids.len(), rules.len());
    for id in ids {
        assert!(
            id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
            "{id}"
        );
    }
}

/// With all rules a sample gives one finding at its value, from its rule or one that knows more of it.
#[test]
fn one_finding_a_value() {
    let scanner = Scanner::new(&Config::default()).unwrap();
    let mut faults = Vec::new();
    for sample in samples() {
        let found = scan(&scanner, &sample.hit);
        let (line, column) = place(&sample.hit.text, sample.hit.value.start);
        let end = column + sample.hit.value.len() as u64;
        let at_value: Vec<_> = found
            .iter()
            .filter(|one| one.line == line && one.column < end && one.column + one.length > column)
            .collect();
        if at_value.len() != 1 {
            faults.push(format!("{}: {found:?}", sample.rule));
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
