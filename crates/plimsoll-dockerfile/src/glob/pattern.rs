//! Patterns with `**`.

use super::{Class, Glob, PatternError, Token, first_character, tokens};

/// A compiled pattern with `**`, as `.dockerignore` uses it.
///
/// `**` as a whole component is any number of directories, also none; at the end it is everything below. Inside a component it is
/// any text that ends with `/`, or nothing; `**text` at the start, without other wildcards, is every path that ends with `text`.
///
/// `BuildKit` makes a regular expression of a pattern that has wildcards or escapes. Three things in it mean more there than
/// in `filepath.Match`: `\` before a letter or digit, and `^` and `|` outside of brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// One entry per component; the usual case.
    Components(Vec<Component>),
    /// Every path with this end.
    Ends(Vec<u8>),
    /// Anything else: one of these is matched over the whole path.
    General(Vec<Vec<Step>>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Component {
    /// `**`
    Directories,
    Glob(Glob),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Char(char),
    /// `?`
    Any,
    /// `*`
    Star,
    Class(Class),
    /// Nothing, or any text that ends with `/`.
    Directories,
    /// Any text.
    Rest,
    /// A place, and no text.
    Edge(Edge),
}

/// What regular expressions know of places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edge {
    /// `^`, `\A`
    Start,
    /// `\z`
    End,
    /// `\b`, and `\B` where it is false.
    Word(bool),
}

impl Edge {
    fn is_between(self, before: Option<char>, behind: Option<char>) -> bool {
        let is_word = |side: Option<char>| side.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
        match self {
            Self::Start => before.is_none(),
            Self::End => behind.is_none(),
            Self::Word(changes) => (is_word(before) != is_word(behind)) == changes,
        }
    }
}

impl Pattern {
    /// Compiles a pattern; it should be clean (no `.`, `..`, doubled or leading `/`), as [`clean`] makes it.
    ///
    /// [`clean`]: crate::ignore::clean
    pub fn new(pattern: &str) -> Result<Self, PatternError> {
        // The check comes first: what is wrong is wrong in every form.
        let plain = tokens(pattern)?;
        if let Some(end) = pattern.strip_prefix("**")
            && !end.is_empty()
            && !end.starts_with('/')
            && !end.contains(['*', '?', '[', ']', '\\'])
        {
            return Ok(Self { kind: Kind::Ends(end.as_bytes().to_vec()) });
        }
        let crosses =
            plain.iter().any(|token| matches!(token, Token::Class(class) if Class::contains(class, '/')));
        let inner = pattern.split('/').any(|component| component != "**" && has_double_star(component));
        // An escaped slash would be split in the wrong place.
        let split = pattern.contains("\\/") || class_has_slash(&plain);
        if crosses || inner || split || has_special_escape(pattern) || is_expression(pattern) {
            return Ok(Self { kind: Kind::General(steps(pattern)?) });
        }
        let mut components = Vec::new();
        for component in pattern.split('/') {
            if component != "**" {
                components.push(Component::Glob(Glob::from_tokens(tokens(component)?)));
            } else if components.last() != Some(&Component::Directories) {
                components.push(Component::Directories);
            }
        }
        Ok(Self { kind: Kind::Components(components) })
    }

    /// Whether the whole path matches.
    pub fn matches(&self, path: &[u8]) -> bool {
        let parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
        self.matches_parts(path, &parts)
    }

    /// The same; `parts` are the path's components.
    pub(crate) fn matches_parts(&self, path: &[u8], parts: &[&[u8]]) -> bool {
        match &self.kind {
            Kind::Components(pattern) => match_components(pattern, parts),
            Kind::Ends(end) => path.ends_with(end),
            Kind::General(alternatives) => alternatives.iter().any(|steps| match_general(steps, path)),
        }
    }

    /// Whether something below a directory could match; `true` when that is not known.
    pub(crate) fn may_match_below(&self, directory: &[&[u8]]) -> bool {
        let Kind::Components(pattern) = &self.kind else { return true };
        for (index, component) in pattern.iter().enumerate() {
            match (component, directory.get(index)) {
                (Component::Directories, _) | (_, None) => return true,
                (Component::Glob(glob), Some(part)) if !glob.matches(part) => return false,
                _ => {}
            }
        }
        false
    }
}

fn has_double_star(component: &str) -> bool {
    let mut bytes = component.bytes();
    let mut star = false;
    while let Some(byte) = bytes.next() {
        if byte == b'*' && star {
            return true;
        }
        star = byte == b'*';
        if byte == b'\\' {
            bytes.next();
        }
    }
    false
}

/// Whether a `\` stands before a letter or digit.
fn has_special_escape(pattern: &str) -> bool {
    let mut bytes = pattern.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'\\' && bytes.next().is_some_and(|escaped| escaped.is_ascii_alphanumeric()) {
            return true;
        }
    }
    false
}

/// Whether a `^` or `|` may be no plain character: that needs something which makes a regular expression of the pattern.
fn is_expression(pattern: &str) -> bool {
    if !pattern.contains(['^', '|']) {
        return false;
    }
    let head = pattern.strip_prefix("**");
    let rest = head.unwrap_or(pattern);
    let body = rest.strip_suffix("**");
    head.and(body).is_some() || body.unwrap_or(rest).contains(['*', '?', '[', ']', '\\'])
}

/// What a letter or digit behind a `\` means in a regular expression of Go.
fn special(escaped: u8, pattern: &str) -> Result<Step, PatternError> {
    let class = |negated, ranges: &[(char, char)]| Step::Class(Class { negated, ranges: ranges.to_vec() });
    let digits = [('0', '9')];
    let blanks = [('\t', '\n'), ('\x0c', '\r'), (' ', ' ')];
    let word = [('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];
    Ok(match escaped {
        b'a' => Step::Char('\x07'),
        b'f' => Step::Char('\x0c'),
        b'n' => Step::Char('\n'),
        b'r' => Step::Char('\r'),
        b't' => Step::Char('\t'),
        b'v' => Step::Char('\x0b'),
        b'd' => class(false, &digits),
        b'D' => class(true, &digits),
        b's' => class(false, &blanks),
        b'S' => class(true, &blanks),
        b'w' => class(false, &word),
        b'W' => class(true, &word),
        b'A' => Step::Edge(Edge::Start),
        b'z' => Step::Edge(Edge::End),
        b'b' => Step::Edge(Edge::Word(true)),
        b'B' => Step::Edge(Edge::Word(false)),
        _ => return Err(PatternError::BadEscape { pattern: pattern.to_owned() }),
    })
}

fn class_has_slash(tokens: &[Token]) -> bool {
    tokens.iter().any(|token| {
        matches!(token, Token::Class(class) if class.ranges.iter().any(|(low, high)| *low == '/' || *high == '/'))
    })
}

/// Matches component by component; going back to the last `**` is enough, as with stars.
fn match_components(pattern: &[Component], parts: &[&[u8]]) -> bool {
    let (mut index, mut at) = (0, 0);
    let mut back = None;
    loop {
        let advanced = match pattern.get(index) {
            None => {
                if at == parts.len() {
                    return true;
                }
                false
            }
            // At the end, `**` needs something to stand for.
            Some(Component::Directories) if index + 1 == pattern.len() => {
                if at < parts.len() {
                    return true;
                }
                false
            }
            Some(Component::Directories) => {
                back = Some((index + 1, at));
                index += 1;
                continue;
            }
            Some(Component::Glob(glob)) => parts.get(at).is_some_and(|part| glob.matches(part)),
        };
        if advanced {
            index += 1;
            at += 1;
            continue;
        }
        let Some((behind, from)) = back else { return false };
        if from >= parts.len() {
            return false;
        }
        back = Some((behind, from + 1));
        (index, at) = (behind, from + 1);
    }
}

/// Takes a pattern apart whose `**` may be anywhere.
fn steps(pattern: &str) -> Result<Vec<Vec<Step>>, PatternError> {
    let mut alternatives = Vec::new();
    let mut steps = Vec::new();
    let mut plain = 0;
    let mut at = 0;
    let bytes = pattern.as_bytes();
    let is_expression = is_expression(pattern);
    while at < bytes.len() {
        let start = at;
        let step = match bytes[at] {
            b'\\' => {
                at += 2;
                match bytes.get(start + 1) {
                    Some(escaped) if escaped.is_ascii_alphanumeric() => special(*escaped, pattern)?,
                    _ => continue,
                }
            }
            b'^' if is_expression => {
                at += 1;
                Step::Edge(Edge::Start)
            }
            // Only the first one starts where the path does, and only the last one ends there.
            b'|' if is_expression => {
                at += 1;
                plain_steps(&pattern[plain..start], &mut steps)?;
                plain = at;
                steps.push(Step::Rest);
                alternatives.push(std::mem::replace(&mut steps, vec![Step::Rest]));
                continue;
            }
            // Classes are taken over as they are, stars in them included.
            b'[' => {
                at += 1;
                at += usize::from(bytes.get(at) == Some(&b'^'));
                while bytes.get(at).is_some_and(|byte| *byte != b']') {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                continue;
            }
            b'*' if bytes.get(at + 1) == Some(&b'*') => {
                at += 2;
                at += usize::from(bytes.get(at) == Some(&b'/'));
                if at == bytes.len() { Step::Rest } else { Step::Directories }
            }
            _ => {
                at += 1;
                continue;
            }
        };
        plain_steps(&pattern[plain..start], &mut steps)?;
        steps.push(step);
        plain = at;
    }
    plain_steps(&pattern[plain..], &mut steps)?;
    alternatives.push(steps);
    Ok(alternatives)
}

/// Adds the steps of a part without `**`; the bytes of a character are put together again.
fn plain_steps(part: &str, steps: &mut Vec<Step>) -> Result<(), PatternError> {
    let mut bytes = Vec::new();
    let flush = |bytes: &mut Vec<u8>, steps: &mut Vec<Step>| {
        steps.extend(String::from_utf8_lossy(bytes).chars().map(Step::Char));
        bytes.clear();
    };
    for token in tokens(part)? {
        let step = match token {
            Token::Byte(byte) => {
                bytes.push(byte);
                continue;
            }
            Token::Any => Step::Any,
            Token::Star => Step::Star,
            Token::Class(class) => Step::Class(class),
        };
        flush(&mut bytes, steps);
        steps.push(step);
    }
    flush(&mut bytes, steps);
    Ok(())
}

/// Advances all states over the path at once.
fn match_general(steps: &[Step], path: &[u8]) -> bool {
    let character_at = |at: usize| path.get(at..).filter(|rest| !rest.is_empty()).map(first_character);
    let mut states = vec![false; steps.len() + 1];
    states[0] = true;
    settle(steps, &mut states, None, character_at(0).map(|(first, _)| first));
    let mut next = vec![false; steps.len() + 1];
    // `**` that has begun to take text may end behind any `/` only; these are inside of such text.
    let mut inside = vec![false; steps.len()];
    let mut at = 0;
    while let Some((character, length)) = character_at(at) {
        next.fill(false);
        for (index, step) in steps.iter().enumerate() {
            let here = states[index];
            match step {
                Step::Char(expected) => next[index + 1] |= here && character == *expected,
                Step::Any => next[index + 1] |= here && character != '/',
                Step::Class(class) => next[index + 1] |= here && class.contains(character),
                Step::Star => next[index] |= here && character != '/',
                Step::Rest => next[index] |= here,
                Step::Directories => {
                    inside[index] |= here;
                    next[index + 1] |= inside[index] && character == '/';
                }
                Step::Edge(_) => {}
            }
        }
        std::mem::swap(&mut states, &mut next);
        at += length;
        settle(steps, &mut states, Some(character), character_at(at).map(|(next, _)| next));
    }
    states[steps.len()]
}

/// Adds the states that are reached without taking text, between these two characters.
fn settle(steps: &[Step], states: &mut [bool], before: Option<char>, behind: Option<char>) {
    for (index, step) in steps.iter().enumerate() {
        let passes = match step {
            Step::Star | Step::Directories | Step::Rest => true,
            Step::Edge(edge) => edge.is_between(before, behind),
            Step::Char(_) | Step::Any | Step::Class(_) => false,
        };
        states[index + 1] |= states[index] && passes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, path: &str) -> bool {
        Pattern::new(pattern).unwrap().matches(path.as_bytes())
    }

    #[test]
    fn double_stars_are_any_number_of_directories() {
        for path in ["foo", "a/foo", "a/b/foo"] {
            assert!(check("**/foo", path), "{path}");
        }
        assert!(!check("**/foo", "a/xfoo") && !check("**/foo", "foo/a"));
        assert!(check("a/**/b", "a/b") && check("a/**/b", "a/x/y/b") && !check("a/**/b", "ab"));
        assert!(check("**/*.go", "main.go") && check("**/*.go", "a/b/main.go"));
        assert!(check("**", "a/b/c") && check("**/**", "a"));
        assert!(
            check("a/**", "a/b") && check("a/**", "a/b/c") && !check("a/**", "a") && !check("a/**", "b/c")
        );
        assert!(check("**/a/**/b/*", "x/a/a/y/b/b/c"));
        assert!(!check("**/a/**/b/*", "x/a/y/b"));
    }

    #[test]
    fn double_stars_inside_a_component_are_text_up_to_a_slash() {
        assert!(check("a**b", "ab") && check("a**b", "axx/b") && check("a**b", "a/x/b"));
        assert!(!check("a**b", "axb"));
        assert!(check("*a**b", "aab"));
        assert!(check("foo**", "foobar/x") && check("foo**", "foo") && !check("foo**", "fo"));
        assert!(check("**foo", "barfoo") && check("**foo", "a/barfoo") && !check("**foo", "foox"));
        assert!(check("ä**?ö", "äx/yö"));
        assert!(check("a[^b]c", "a/c") && check("x**[*]", "xa/*"));
    }

    #[test]
    fn letters_behind_a_backslash_are_those_of_regular_expressions() {
        assert!(check(r"v\d*", "v10") && !check(r"v\d*", "vd"));
        assert!(!check(r"\a", "a") && !check(r"dir\file", "dirfile") && !check(r"foo\bar", "foobar"));
        assert!(check(r"foo\Bar", "fooar") && check(r"a\b.\b\wx", "a._x") && check(r"\Aa\z", "a"));
        assert!(check(r"\!\#\*", "!#*") && check(r"\_x", "_x"));
        assert!(Pattern::new(r"build\out").is_err() && Pattern::new(r"a\1").is_err());
    }

    #[test]
    fn a_bar_is_that_of_regular_expressions() {
        assert!(check("p|*", "q") && check("a|b?", "ax/y") && check("a|b?", "x/bc") && !check("a|b?", "x/b"));
        assert!(check("a|b", "a|b") && !check("a|b", "a") && check("[|]?", "|x") && !check("[|]?", "a"));
    }

    #[test]
    fn a_caret_is_the_start_of_a_regular_expression() {
        assert!(check("a^b", "a^b") && check("**/a^b", "x/a^b") && check("a^b/**", "a^b/c"));
        assert!(check("^a*", "ab") && !check("^a*", "^ab") && !check("a^b?", "a^bc"));
        assert!(check(r"\^a*", "^ab") && check("[x^]*", "^"));
    }

    #[test]
    fn what_may_match_below_is_told() {
        let below = |pattern: &str, directory: &str| {
            let parts: Vec<&[u8]> = directory.as_bytes().split(|byte| *byte == b'/').collect();
            Pattern::new(pattern).unwrap().may_match_below(&parts)
        };
        assert!(below("a/b", "a") && !below("a/b", "c") && !below("a", "a"));
        assert!(below("**/x", "c/d") && below("a/*/c", "a/b") && !below("a/*/c", "b/b"));
        assert!(below("a/**", "a/b"));
    }

    #[test]
    fn hostile_patterns_stay_fast() {
        let pattern = Pattern::new(&"**/a*".repeat(200)).unwrap();
        assert!(!pattern.matches("a/".repeat(1000).as_bytes()));
        let pattern = Pattern::new(&"**/a/".repeat(200)).unwrap();
        assert!(!pattern.matches("a/b/".repeat(1000).as_bytes()));
    }
}
