//! The nearest known word to a misspelt one.

/// The candidate with the smallest edit distance to `word`, if that is near enough to be meant.
///
/// Of equally near ones the first in order wins, so the answer does not depend on anything but the candidates'
/// order.
pub(crate) fn closest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        // A difference in length is a lower bound of the distance, and much cheaper.
        if candidate.len().abs_diff(word.len()) > limit {
            continue;
        }
        let distance = distance(word, candidate);
        if distance <= limit && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Levenshtein's distance, one row at a time.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let replace = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        assert_eq!(closest("nodjs", ["nodejs", "node"].into_iter()), Some("nodejs"));
        assert_eq!(closest("zlib", ["curl", "bash"].into_iter()), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
