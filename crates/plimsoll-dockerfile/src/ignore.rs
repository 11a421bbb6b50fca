//! `.dockerignore`: which files of a build context are left out.
//!
//! One pattern per line, `#` at the very start of a line makes it a comment, blanks around a pattern are dropped, a pattern is made clean
//! as a path and is always relative to the root of the context. `!` in front makes an exception. The last pattern that matches a path *or
//! a directory above it* decides; but a pattern is only asked about a path while it would change what the patterns before it say, so that
//! an exception counts for what is in a directory only where the directory itself was ignored before. There is no difference between
//! files and directories, and a `/` at the end means nothing.

use plimsoll_diagnostics::{Diagnostic, Span};

use crate::glob::{Pattern, PatternError};

/// The patterns of a `.dockerignore` file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IgnoreFile {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    pattern: Pattern,
    exception: bool,
    line: usize,
}

/// One pattern of a `.dockerignore` file.
#[derive(Clone, Copy, Debug)]
pub struct IgnorePattern<'i>(&'i Rule);

impl IgnorePattern<'_> {
    /// Its line, 1-based.
    pub fn line(&self) -> usize {
        self.0.line
    }

    /// Whether it brings back what others leave out.
    pub fn is_exception(&self) -> bool {
        self.0.exception
    }

    /// Whether it matches this path itself, whatever other patterns say.
    pub fn matches(&self, path: &[u8]) -> bool {
        self.0.pattern.matches(path)
    }

    /// Whether it could match something below a directory. Never wrongly `false`.
    pub fn may_match_below(&self, directory: &[u8]) -> bool {
        with_parts(directory, |parts| self.0.pattern.may_match_below(parts))
    }
}

/// What is decided about a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Whether it is left out.
    pub ignored: bool,
    /// Line (1-based) of the pattern that decided; none when no pattern matches.
    pub line: Option<usize>,
}

impl IgnoreFile {
    /// Reads a file. Patterns that are refused are errors, and are left out of the result.
    pub fn parse(text: &str) -> (Self, Vec<Diagnostic>) {
        let mut file = Self::default();
        let mut diagnostics = Vec::new();
        let mut start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        for (index, line) in text[start..].split_inclusive('\n').enumerate() {
            let lead = line.len() - line.trim_start().len();
            let pattern = line.trim();
            let span = Span::new(start + lead, start + lead + pattern.len());
            start += line.len();
            if line.starts_with('#') {
                continue;
            }
            if let Err(error) = file.add(pattern, index + 1) {
                diagnostics.push(
                    Diagnostic::error("bad-ignore-pattern", error.to_string())
                        .at(span)
                        .hint("a special character is taken literally with `\\` in front"),
                );
            }
        }
        (file, diagnostics)
    }

    /// Takes patterns one by one, as those of `--exclude`; their numbers count as lines.
    pub fn from_patterns<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Self, PatternError> {
        let mut file = Self::default();
        for (index, pattern) in patterns.into_iter().enumerate() {
            file.add(pattern.trim(), index + 1)?;
        }
        Ok(file)
    }

    fn add(&mut self, pattern: &str, line: usize) -> Result<(), PatternError> {
        let (exception, pattern) = match pattern.strip_prefix('!') {
            Some(pattern) => (true, pattern.trim()),
            None => (false, pattern),
        };
        if pattern.is_empty() {
            return if exception { Err(PatternError::EmptyException) } else { Ok(()) };
        }
        let pattern = clean(pattern);
        let relative = match pattern.strip_prefix('/') {
            // The mark and the slash together are made clean once more, and the mark alone is left.
            Some("") if exception => return Err(PatternError::EmptyException),
            Some("") | None => &pattern,
            Some(relative) => relative,
        };
        self.rules.push(Rule { pattern: Pattern::new(relative)?, exception, line });
        Ok(())
    }

    /// The patterns, in order.
    pub fn patterns(&self) -> impl Iterator<Item = IgnorePattern<'_>> {
        self.rules.iter().map(IgnorePattern)
    }

    /// Whether there is no pattern.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether any pattern is an exception.
    pub fn has_exceptions(&self) -> bool {
        self.rules.iter().any(|rule| rule.exception)
    }

    /// Decides about a path: relative to the root of the context, clean, separated by `/`.
    pub fn matches(&self, path: &[u8]) -> Decision {
        self.matches_below(&self.above(path), path)
    }

    /// The same for a path in a directory of which it is known what patterns match it.
    pub fn matches_below(&self, directory: &Matched, path: &[u8]) -> Decision {
        if self.rules.is_empty() {
            return Decision::default();
        }
        with_parts(path, |parts| self.decide(directory, path, parts, |_| {}).0)
    }

    /// Which patterns match a directory in one of which that is known; `Matched::default` is the root's.
    pub fn enter(&self, directory: &Matched, path: &[u8]) -> Matched {
        if self.rules.is_empty() {
            return Matched::default();
        }
        let mut matched = vec![false; self.rules.len()];
        with_parts(path, |parts| self.decide(directory, path, parts, |index| matched[index] = true));
        Matched(matched)
    }

    /// Which patterns match the directory that a path is in.
    fn above(&self, path: &[u8]) -> Matched {
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| end);
        ends.fold(Matched::default(), |matched, end| self.enter(&matched, &path[..end]))
    }

    /// Whether a file below a directory may be kept although the directory is ignored: if not, a walker need not enter it.
    ///
    /// Never wrongly `false`. A file that is kept brings the directories above it along.
    pub fn may_contain_exception_below(&self, directory: &[u8]) -> bool {
        if !self.has_exceptions() {
            return false;
        }
        let above = self.above(directory);
        with_parts(directory, |parts| {
            // Exceptions before the pattern that ignores the directory are overruled by it for everything below.
            let (_, index) = self.decide(&above, directory, parts, |_| {});
            self.rules[index.unwrap_or(0)..]
                .iter()
                .any(|rule| rule.exception && rule.pattern.may_match_below(parts))
        })
    }

    /// The decision, and the index of the rule that made it; tells which rules match.
    fn decide(
        &self,
        directory: &Matched,
        path: &[u8],
        parts: &[&[u8]],
        mut matches: impl FnMut(usize),
    ) -> (Decision, Option<usize>) {
        let mut decision = Decision::default();
        let mut decider = None;
        for (index, rule) in self.rules.iter().enumerate() {
            let inherited = directory.0.get(index).is_some_and(|matched| *matched);
            // Only a rule that would change something is asked.
            if inherited || rule.exception == decision.ignored && rule.pattern.matches_parts(path, parts) {
                matches(index);
                if rule.exception == decision.ignored {
                    decision = Decision { ignored: !rule.exception, line: Some(rule.line) };
                    decider = Some(index);
                }
            }
        }
        (decision, decider)
    }
}

/// Which patterns of a file match a directory or one above it, as far as they were asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matched(Vec<bool>);

/// Deeper paths take an allocation.
const USUAL_DEPTH: usize = 16;

fn with_parts<T>(path: &[u8], work: impl FnOnce(&[&[u8]]) -> T) -> T {
    let mut parts: [&[u8]; USUAL_DEPTH] = [&[]; USUAL_DEPTH];
    let mut count = 0;
    for part in path.split(|byte| *byte == b'/') {
        if count == USUAL_DEPTH {
            return work(&path.split(|byte| *byte == b'/').collect::<Vec<_>>());
        }
        parts[count] = part;
        count += 1;
    }
    work(&parts[..count])
}

/// Makes a path clean by its text alone: no empty and `.` components, `..` taken back where possible, no `/` at the end.
///
/// The result of an empty path is `.`; `..` at the start of an absolute path goes.
pub fn clean(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if absolute => {}
            _ => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (absolute, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> IgnoreFile {
        let (file, diagnostics) = IgnoreFile::parse(text);
        assert_eq!(diagnostics, []);
        file
    }

    fn ignored(text: &str, path: &str) -> bool {
        file(text).matches(path.as_bytes()).ignored
    }

    #[test]
    fn paths_are_made_clean() {
        for (path, expected) in [
            ("", "."),
            ("/", "/"),
            ("a//b/./c/", "a/b/c"),
            ("./a", "a"),
            ("a/../b", "b"),
            ("../a", "../a"),
            ("/../a", "/a"),
            ("a/..", "."),
            ("../../a", "../../a"),
        ] {
            assert_eq!(clean(path), expected, "{path}");
        }
    }

    #[test]
    fn comments_blank_lines_and_blanks_around_are_dropped() {
        let file = file("\u{feff}# a comment\n\n  a  \r\n # not a comment\n!b\n");
        assert_eq!(file.rules.len(), 3);
        assert_eq!(file.matches(b"a"), Decision { ignored: true, line: Some(3) });
        assert!(file.matches(b"# not a comment").ignored);
        assert_eq!(file.matches(b"c"), Decision { ignored: false, line: None });
    }

    #[test]
    fn patterns_are_relative_to_the_root() {
        assert!(ignored("/a/b/", "a/b") && ignored("./a", "a") && ignored("a/../b", "b"));
        assert!(!ignored("b", "a/b"));
        assert!(ignored("*/b", "a/b") && !ignored("*/b", "a/c/b"));
    }

    #[test]
    fn a_directory_takes_its_children_along() {
        assert!(ignored("node_modules", "node_modules/x/y.js"));
        assert!(ignored("**/target", "crates/a/target/debug/a"));
        assert!(!ignored("node_modules", "node_modules2/x"));
        assert!(ignored("*", "a/b/c"));
        assert!(ignored("**", "a/b/c"));
    }

    #[test]
    fn the_last_match_wins() {
        let text = "*.md\n!README*.md\nREADME-secret.md\n";
        assert!(ignored(text, "a.md") && !ignored(text, "README.md") && ignored(text, "README-secret.md"));
        let text = "*.md\nREADME-secret.md\n!README*.md\n";
        assert!(!ignored(text, "README-secret.md"));
        assert_eq!(file(text).matches(b"README.md").line, Some(3));
    }

    #[test]
    fn exceptions_reach_into_ignored_directories() {
        let text = "vendor\n!vendor/keep\n";
        assert!(ignored(text, "vendor/x") && !ignored(text, "vendor/keep/y"));
        let ignore = file(text);
        assert!(ignore.may_contain_exception_below(b"vendor"));
        assert!(!ignore.may_contain_exception_below(b"vendor/other"));
        // The file below is matched by the exception itself; nothing below has to be looked for.
        assert!(!file("!vendor/keep\nvendor\n").may_contain_exception_below(b"vendor"));
        assert!(!file("vendor\n").may_contain_exception_below(b"vendor"));
        assert!(file("**\n!**/*.go\n").may_contain_exception_below(b"a/b"));
        assert!(file("*\n!src/**\n").may_contain_exception_below(b"src"));
        assert!(!file("*\n!src/**\n").may_contain_exception_below(b"doc"));
    }

    #[test]
    fn an_exception_is_not_asked_about_a_directory_that_is_not_ignored() {
        let text = "**/*.txt\n!docs\n";
        assert!(!ignored(text, "docs/a.md") && ignored(text, "docs/a.txt"));
        assert!(!ignored("docs\n**/*.txt\n!docs\n", "docs/a.txt"));
        assert!(!ignored("**/*.txt\n!docs/*\n", "docs/a.txt"));
    }

    #[test]
    fn bad_patterns_are_reported_with_their_place() {
        let (file, diagnostics) = IgnoreFile::parse("ok\n [a\n!\n");
        assert_eq!(file.rules.len(), 1);
        assert_eq!(diagnostics.len(), 2);
        assert_eq!(diagnostics[0].span, Some(Span::new(4, 6)));
        assert!(IgnoreFile::from_patterns(["!/"]).is_err() && IgnoreFile::from_patterns(["!/.."]).is_err());
        assert!(IgnoreFile::from_patterns(["a", "[b"]).is_err());
    }

    #[test]
    fn deep_paths_are_matched_too() {
        let deep = vec!["d"; 40].join("/") + "/x.tmp";
        assert!(ignored("**/*.tmp", &deep));
    }
}
