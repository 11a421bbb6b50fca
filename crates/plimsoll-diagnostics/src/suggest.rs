//! The nearest known word to a misspelt one.

/// Longer words are never compared: the cost is quadratic and nobody mistypes them by one letter.
const LONGEST_WORD: usize = 64;

/// Finds the candidate that `word` was probably meant to be.
///
/// Upper and lower case count as equal; a third of the letters (at least one) may differ, a swap of neighbours counts once
/// (Damerau–Levenshtein, optimal string alignment). The first of equally near candidates wins.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().take(LONGEST_WORD + 1).flat_map(char::to_lowercase).collect();
    if word.is_empty() || word.len() > LONGEST_WORD {
        return None;
    }
    let mut best = None;
    for candidate in candidates {
        let other: Vec<char> =
            candidate.chars().take(LONGEST_WORD + 1).flat_map(char::to_lowercase).collect();
        let allowed = (word.len().max(other.len()) / 3).max(1);
        if other.is_empty() || other.len() > LONGEST_WORD || word.len().abs_diff(other.len()) > allowed {
            continue;
        }
        let distance = distance(&word, &other);
        if distance <= allowed && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

fn distance(left: &[char], right: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (row, &l) in left.iter().enumerate() {
        let mut current = vec![row + 1; right.len() + 1];
        for (column, &r) in right.iter().enumerate() {
            let mut least =
                (above[column] + usize::from(l != r)).min(above[column + 1] + 1).min(current[column] + 1);
            if row > 0 && column > 0 && l == right[column - 1] && left[row - 1] == r {
                least = least.min(before[column - 1] + 1);
            }
            current[column + 1] = least;
        }
        before = std::mem::replace(&mut above, current);
    }
    above[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_swapped_count_once() {
        assert_eq!(did_you_mean("biulder", ["base", "builder"]), Some("builder"));
        assert_eq!(did_you_mean("rnu", ["add", "run"]), Some("run"));
    }

    #[test]
    fn a_word_too_far_away_is_not_suggested() {
        assert_eq!(did_you_mean("xyz", ["run", "copy"]), None);
        assert_eq!(did_you_mean("", ["a"]), None);
        assert_eq!(did_you_mean(&"a".repeat(100), ["a"]), None);
    }

    #[test]
    fn case_does_not_matter_and_the_nearest_wins() {
        assert_eq!(did_you_mean("COPPY", ["cop", "copy"]), Some("copy"));
    }
}
