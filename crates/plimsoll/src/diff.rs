//! The difference of two texts, line by line, in the form that `patch` reads.

use std::fmt::Write as _;

/// Lines that are shown around a change.
const CONTEXT: usize = 3;

/// Lines that may lie between two places that are alike; behind that the rest of both texts counts as changed.
const FARTHEST: usize = 2000;

/// The difference; empty when the texts are equal.
///
/// Behind a change both texts go on at the nearest lines that are alike: fixes change few lines.
pub(crate) fn unified(name: &str, old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) =
        (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let changes = changes(&old, &new);
    let mut out = String::new();
    if changes.is_empty() {
        return out;
    }
    let _infallible = write!(out, "--- {name}\n+++ {name}\n");
    let mut index = 0;
    while index < changes.len() {
        let mut last = index;
        while last + 1 < changes.len() && changes[last + 1].old.0 - changes[last].old.1 <= 2 * CONTEXT {
            last += 1;
        }
        hunk(&mut out, &old, &new, &changes[index..=last]);
        index = last + 1;
    }
    out
}

/// Lines that are replaced: ranges in the old and in the new text.
struct Change {
    old: (usize, usize),
    new: (usize, usize),
}

fn changes(old: &[&str], new: &[&str]) -> Vec<Change> {
    let mut found = Vec::new();
    let (mut left, mut right) = (0, 0);
    while left < old.len() || right < new.len() {
        if left < old.len() && right < new.len() && old[left] == new[right] {
            left += 1;
            right += 1;
            continue;
        }
        // The nearest place where both texts go on alike.
        let (to_left, to_right) = next_match(&old[left..], &new[right..]);
        found.push(Change { old: (left, left + to_left), new: (right, right + to_right) });
        left += to_left;
        right += to_right;
    }
    found
}

fn next_match(old: &[&str], new: &[&str]) -> (usize, usize) {
    for distance in 1..=(old.len() + new.len()).min(FARTHEST) {
        for skipped in 0..=distance {
            let (left, right) = (skipped, distance - skipped);
            if left < old.len() && right < new.len() && old[left] == new[right] {
                return (left, right);
            }
        }
    }
    (old.len(), new.len())
}

fn hunk(out: &mut String, old: &[&str], new: &[&str], changes: &[Change]) {
    let (Some(first), Some(last)) = (changes.first(), changes.last()) else { return };
    let start = first.old.0.saturating_sub(CONTEXT);
    let end = (last.old.1 + CONTEXT).min(old.len());
    let new_start = first.new.0 - (first.old.0 - start);
    let new_end = last.new.1 + (end - last.old.1);
    let _infallible =
        writeln!(out, "@@ -{},{} +{},{} @@", start + 1, end - start, new_start + 1, new_end - new_start);
    let mut at = start;
    for change in changes {
        old[at..change.old.0].iter().for_each(|line| push(out, ' ', line));
        old[change.old.0..change.old.1].iter().for_each(|line| push(out, '-', line));
        new[change.new.0..change.new.1].iter().for_each(|line| push(out, '+', line));
        at = change.old.1;
    }
    old[at..end].iter().for_each(|line| push(out, ' ', line));
}

fn push(out: &mut String, sign: char, line: &str) {
    out.push(sign);
    out.push_str(line);
    if !line.ends_with('\n') {
        out.push_str("\n\\ No newline at end of file\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_no_difference() {
        assert_eq!(unified("f", "a\nb\n", "a\nb\n"), "");
    }

    #[test]
    fn changes_are_shown_with_the_lines_around_them() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n";
        let new = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n11\n12\n14\n15";
        assert_eq!(
            unified("f", old, new),
            "--- f\n+++ f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n\
             @@ -10,5 +10,5 @@\n 10\n 11\n 12\n-13\n 14\n+15\n\\ No newline at end of file\n"
        );
    }
}
