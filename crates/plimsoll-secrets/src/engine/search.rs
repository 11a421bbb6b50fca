//! One automaton over all keywords, then the rules whose keyword it met.
//!
//! What a rule says of a keyword depends on the bytes of one window around it and on nothing else, so that a file gives the same
//! findings however it is cut into blocks.

use std::ops::Range;
use std::sync::OnceLock;

use regex::bytes::{Regex, RegexBuilder};

use super::assignment;
use super::context::{Context, FileClass};
use super::keywords::Keywords;
use crate::finding::{self, Candidate};
use crate::placeholder;
use crate::rule::{Rule, Shape};

/// The bytes before a keyword that a rule may look at.
pub(crate) const MOST_BEFORE: usize = 256;
/// The bytes from the beginning of a keyword on that a rule may look at: the largest private key that is in use fits.
pub(crate) const MOST_AFTER: usize = 16 << 10;
/// What a pattern may look at.
const PATTERN_AFTER: usize = 2 << 10;
/// The same, of a pattern with its keyword inside.
const AROUND_AFTER: usize = 256;
/// The most findings of one file.
pub(crate) const MOST_FOUND: usize = 1000;

/// The rules, ready to search.
pub(crate) struct Search {
    keywords: Keywords,
    rules: Vec<Ready>,
    /// For each keyword its rules.
    by_keyword: Vec<Vec<usize>>,
    /// Rules without a keyword.
    everywhere: Vec<usize>,
}

struct Ready {
    rule: Rule,
    /// Compiled when its keyword is met for the first time: most never are.
    regex: OnceLock<Regex>,
}

/// What is searched.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) path: &'a str,
    pub(crate) class: FileClass,
    /// Whether only rules count whose text has a form of its own.
    pub(crate) tokens_only: bool,
}

/// A part of a file, and where it lies in it.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    pub(crate) bytes: &'a [u8],
    /// How many bytes of the file were before it.
    pub(crate) offset: u64,
    /// How many lines ended before it.
    pub(crate) lines: u64,
    /// Where the line that it begins in begins.
    pub(crate) line_start: u64,
}

impl Search {
    /// Each rule's pattern has been compiled once, in a test or by the configuration.
    pub(crate) fn new(rules: Vec<Rule>) -> Self {
        let mut keywords: Vec<String> = Vec::new();
        let mut by_keyword: Vec<Vec<usize>> = Vec::new();
        let mut everywhere = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            if rule.keywords.is_empty() && !matches!(rule.shape, Shape::File) {
                everywhere.push(index);
            }
            for keyword in rule.keywords() {
                let keyword = keyword.to_ascii_lowercase();
                if let Some(known) = keywords.iter().position(|other| *other == keyword) {
                    by_keyword[known].push(index);
                } else {
                    keywords.push(keyword);
                    by_keyword.push(vec![index]);
                }
            }
        }
        let rules = rules.into_iter().map(|rule| Ready { rule, regex: OnceLock::new() }).collect();
        Self { keywords: Keywords::new(&keywords), rules, by_keyword, everywhere }
    }

    pub(crate) fn rule(&self, index: usize) -> &Rule {
        &self.rules[index].rule
    }

    /// The index of the rule with this id.
    pub(crate) fn index(&self, id: &str) -> Option<usize> {
        self.rules.iter().position(|ready| ready.rule.id == id)
    }

    /// Adds what begins with a keyword in `range` of the part.
    pub(crate) fn run(
        &self,
        part: Part<'_>,
        range: Range<usize>,
        subject: Subject<'_>,
        found: &mut Vec<Candidate>,
    ) {
        for hit in self.keywords.find(part.bytes, range.clone()) {
            if found.len() >= MOST_FOUND {
                return;
            }
            self.look(part, hit.start..hit.end, hit.keyword, subject, found);
        }
        self.look_everywhere(part, range, subject, found);
    }

    fn look(
        &self,
        part: Part<'_>,
        hit: Range<usize>,
        keyword: usize,
        subject: Subject<'_>,
        found: &mut Vec<Candidate>,
    ) {
        let start = hit.start.saturating_sub(MOST_BEFORE);
        let end = part.bytes.len().min(hit.start + MOST_AFTER);
        let window = &part.bytes[start..end];
        let hit = hit.start - start..hit.end - start;
        // Read when the first rule asks for it.
        let mut assigned = None;
        for index in &self.by_keyword[keyword] {
            let ready = &self.rules[*index];
            if ready.rule.path.is_some_and(|is_wanted| !is_wanted(subject.path)) {
                continue;
            }
            let context = match ready.rule.shape {
                Shape::Token { .. } | Shape::Custom => ready.token(window, &hit, subject),
                Shape::Code(finder) => finder(window, hit.clone()).map(|place| plain(window, place, subject)),
                Shape::Named { also } if !subject.tokens_only => {
                    let assigned = assigned.get_or_insert_with(|| assignment::around(window, hit.clone()));
                    assigned.as_ref().and_then(|assigned| ready.named(window, assigned, also, subject))
                }
                Shape::Named { .. } | Shape::File => None,
            };
            if let Some(context) = context.filter(|context| ready.holds(context)) {
                found.push(part.candidate(*index, &ready.rule, context.value(), start + context.place.start));
            }
        }
    }

    /// Rules without a keyword see overlapping windows; what is longer than half of one may be missed.
    fn look_everywhere(
        &self,
        part: Part<'_>,
        range: Range<usize>,
        subject: Subject<'_>,
        found: &mut Vec<Candidate>,
    ) {
        const STEP: u64 = MOST_AFTER as u64 / 2;
        if self.everywhere.is_empty() {
            return;
        }
        let first = (part.offset + range.start as u64).next_multiple_of(STEP);
        let last = part.offset + range.end as u64;
        for at in (first..last).step_by(MOST_AFTER / 2) {
            let start = usize::try_from(at - part.offset).expect("it lies in the range");
            let window = &part.bytes[start..part.bytes.len().min(start + MOST_AFTER)];
            for index in &self.everywhere {
                let ready = &self.rules[*index];
                for captures in ready.regex().captures_iter(window) {
                    if found.len() >= MOST_FOUND {
                        return;
                    }
                    let group = captures.get(1).or(captures.get(0)).expect("a match has its whole");
                    let context = plain(window, group.range(), subject);
                    if ready.holds(&context) {
                        found.push(part.candidate(
                            *index,
                            &ready.rule,
                            context.value(),
                            start + group.start(),
                        ));
                    }
                }
            }
        }
    }
}

impl Ready {
    fn regex(&self) -> &Regex {
        self.regex.get_or_init(|| compile(&self.rule).expect("patterns are compiled when rules are taken"))
    }

    fn token<'w>(&self, window: &'w [u8], hit: &Range<usize>, subject: Subject<'_>) -> Option<Context<'w>> {
        let before = match self.rule.shape {
            Shape::Token { before } => before,
            _ => MOST_BEFORE,
        };
        let start = hit.start.saturating_sub(before);
        let after = if before == 0 || self.is_custom() { PATTERN_AFTER } else { AROUND_AFTER };
        let slice = &window[start..window.len().min(hit.start + after)];
        if before == 0 && !begins(window, start) {
            return None;
        }
        let captures = self.regex().captures_iter(slice).find(|captures| {
            let whole = captures.get(0).expect("a match has its whole");
            let is_at_hit = start + whole.start() <= hit.start && hit.end <= start + whole.end();
            self.is_custom() || is_at_hit && begins(window, start + whole.start())
        })?;
        let whole = captures.get(0).expect("a match has its whole");
        let group = captures.get(1).unwrap_or(whole);
        let place = start + group.start()..start + group.end();
        (self.is_custom() || ends(window, place.end)).then(|| plain(window, place, subject))
    }

    fn named<'w>(
        &self,
        window: &'w [u8],
        assigned: &assignment::Assignment,
        also: &[&str],
        subject: Subject<'_>,
    ) -> Option<Context<'w>> {
        let name = &window[assigned.name.clone()];
        if !also.is_empty() {
            let name = squeezed(name);
            if !also.iter().all(|word| name.contains(word)) {
                return None;
            }
        }
        let captures = self.regex().captures(&window[assigned.value.clone()])?;
        let group = captures.get(1).or(captures.get(0))?;
        let place = assigned.value.start + group.start()..assigned.value.start + group.end();
        Some(Context { window, place, name, quoted: assigned.quoted, class: subject.class })
    }

    fn is_custom(&self) -> bool {
        matches!(self.rule.shape, Shape::Custom)
    }

    fn holds(&self, context: &Context<'_>) -> bool {
        let value = context.value();
        !value.is_empty()
            && (self.rule.entropy == 0.0 || placeholder::entropy(value) >= self.rule.entropy)
            && (self.is_custom() || !placeholder::is_made_up(value))
            && self.rule.check.is_none_or(|check| check(context))
    }
}

impl Part<'_> {
    pub(crate) fn candidate(&self, index: usize, rule: &Rule, value: &[u8], start: usize) -> Candidate {
        let before = &self.bytes[..start];
        let line_start =
            memchr::memrchr(b'\n', before).map_or(self.line_start, |at| self.offset + at as u64 + 1);
        let start = self.offset + start as u64;
        Candidate {
            rule: index,
            start,
            length: value.len() as u64,
            line: self.lines + memchr::memchr_iter(b'\n', before).count() as u64 + 1,
            column: start - line_start + 1,
            excerpt: finding::mask(value),
            digest: finding::digest(&rule.id, value),
        }
    }
}

/// The pattern of a rule, anchored as its shape wants it.
pub(crate) fn compile(rule: &Rule) -> Result<Regex, regex::Error> {
    let pattern = match rule.shape {
        Shape::Token { before: 0 } => format!("^(?:{})", rule.pattern),
        Shape::Named { .. } => format!("^(?:{})$", rule.pattern),
        _ => rule.pattern.clone().into_owned(),
    };
    RegexBuilder::new(&pattern).unicode(false).build()
}

fn plain<'w>(window: &'w [u8], place: Range<usize>, subject: Subject<'_>) -> Context<'w> {
    Context { window, place, name: b"", quoted: false, class: subject.class }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether a token can begin here: not inside of a word; the letter of an escape such as `\n` is none.
fn begins(window: &[u8], at: usize) -> bool {
    match window[..at] {
        [.., b'\\', b'n' | b'r' | b't'] | [] => true,
        [.., last] => !is_word(last),
    }
}

fn ends(window: &[u8], at: usize) -> bool {
    window.get(at).is_none_or(|byte| !is_word(*byte))
}

/// A name in small letters without what stands between its words.
fn squeezed(name: &[u8]) -> String {
    name.iter()
        .filter(|byte| !matches!(byte, b'_' | b'-' | b'.'))
        .map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect()
}
