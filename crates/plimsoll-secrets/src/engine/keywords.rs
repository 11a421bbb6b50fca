//! Where the keywords of all rules stand.
//!
//! Each byte costs two loads that wait for each other, so that one walk through a text leaves the processor idle most of the time.
//! Four walks through four parts of it at once are more than twice as fast.

use std::ops::Range;

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, MatchKind, StartKind};

/// How many walks there are.
const LANES: usize = 4;
/// Shorter texts are walked through once.
const LEAST: usize = 4 << 10;

/// A keyword in a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hit {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) keyword: usize,
}

/// The automaton of all keywords; capital and small letters are the same.
pub(super) struct Keywords {
    automaton: DFA,
    lengths: Vec<usize>,
    longest: usize,
}

impl Keywords {
    pub(super) fn new(keywords: &[String]) -> Self {
        let automaton = DFA::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .start_kind(StartKind::Unanchored)
            .prefilter(false)
            .build(keywords)
            .expect("some hundred short keywords make an automaton");
        let lengths: Vec<usize> = keywords.iter().map(String::len).collect();
        let longest = lengths.iter().copied().max().unwrap_or(0);
        Self { automaton, lengths, longest }
    }

    /// The keywords that begin in a range, by place.
    pub(super) fn find(&self, text: &[u8], range: Range<usize>) -> Vec<Hit> {
        let mut hits = Vec::new();
        if self.lengths.is_empty() {
            return hits;
        }
        let count = if range.len() < LEAST { 1 } else { LANES };
        let piece = range.len() / count;
        let mut starts: [usize; LANES] = std::array::from_fn(|lane| range.start + lane * piece);
        let first = self.automaton.start_state(Anchored::No).expect("it was built for this");
        let mut states = [first; LANES];
        if count == LANES {
            self.walk_together(text, piece, &starts, &mut states, &mut hits);
        } else {
            starts = [range.start; LANES];
        }
        for lane in 0..count {
            let end = if lane + 1 == count { range.end } else { starts[lane + 1] };
            let walked = if count == LANES { starts[lane] + piece } else { starts[lane] };
            self.walk(text, walked, starts[lane]..end, states[lane], &mut hits);
        }
        hits.sort_unstable();
        hits
    }

    fn walk_together(
        &self,
        text: &[u8],
        piece: usize,
        starts: &[usize; LANES],
        states: &mut [StateID; LANES],
        hits: &mut Vec<Hit>,
    ) {
        let [one, two, three, four] = starts.map(|start| &text[start..start + piece]);
        for (offset, (((one, two), three), four)) in one.iter().zip(two).zip(three).zip(four).enumerate() {
            for (state, byte) in states.iter_mut().zip([one, two, three, four]) {
                *state = self.automaton.next_state(Anchored::No, *state, *byte);
            }
            if states.iter().any(|state| self.automaton.is_match(*state)) {
                for (state, start) in states.iter().zip(starts) {
                    self.take(*state, start + offset + 1, *start..usize::MAX, hits);
                }
            }
        }
    }

    /// Goes on from `at` until no keyword that begins in the range can be open any more.
    fn walk(&self, text: &[u8], at: usize, range: Range<usize>, mut state: StateID, hits: &mut Vec<Hit>) {
        let end = text.len().min(range.end + self.longest);
        for (offset, byte) in text[at..end].iter().enumerate() {
            state = self.automaton.next_state(Anchored::No, state, *byte);
            self.take(state, at + offset + 1, range.clone(), hits);
        }
    }

    fn take(&self, state: StateID, end: usize, range: Range<usize>, hits: &mut Vec<Hit>) {
        if !self.automaton.is_match(state) {
            return;
        }
        for index in 0..self.automaton.match_len(state) {
            let keyword = self.automaton.match_pattern(state, index).as_usize();
            let start = end - self.lengths[keyword];
            if range.contains(&start) {
                hits.push(Hit { start, end, keyword });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_find_what_one_walk_finds() {
        let keywords =
            Keywords::new(&["ab".to_owned(), "abcab".to_owned(), "x".to_owned(), "bca".to_owned()]);
        for length in [0, 1, 5, LEAST - 1, LEAST, LEAST + 3, 20_001] {
            let text: Vec<u8> = (0..length).map(|at| b"abcabXabca"[at * 7 % 10 * (at % 3) % 10]).collect();
            for range in [0..length, length / 3..length, 0..length / 2] {
                let lower = text.to_ascii_lowercase();
                let wanted: Vec<Hit> = range
                    .clone()
                    .flat_map(|start| {
                        let mut at_start: Vec<Hit> = ["ab", "abcab", "x", "bca"]
                            .iter()
                            .enumerate()
                            .filter(|(_, word)| lower[start..].starts_with(word.as_bytes()))
                            .map(|(keyword, word)| Hit { start, end: start + word.len(), keyword })
                            .collect();
                        at_start.sort();
                        at_start
                    })
                    .collect();
                assert_eq!(keywords.find(&text, range.clone()), wanted, "{length} {range:?}");
            }
        }
    }
}
