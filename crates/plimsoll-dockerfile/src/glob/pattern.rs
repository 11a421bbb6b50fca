//! Patterns with `**`.

use super::{Class, Glob, PatternError, Token, first_character, tokens};

/// A compiled pattern with `**`, as `.dockerignore` uses it.
///
/// `**` as a whole component is any number of directories, also none; at the end it is everything below. Inside a component it is
/// any text that ends with `/`, or nothing; `**text` at the start, without other wildcards, is every path that ends with `text`.
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
    /// Anything else: matched over the whole path.
    General(Vec<Step>),
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
    /// Any text; always last.
    Rest,
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
        if crosses || inner || pattern.contains("\\/") || class_has_slash(&plain) {
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
        match &self.kind {
            Kind::Components(pattern) => {
                let parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
                match_components(pattern, &parts, false)
            }
            Kind::Ends(end) => path.ends_with(end),
            Kind::General(steps) => match_general(steps, path, false),
        }
    }

    /// Whether the path or a directory above it matches; `parts` are the path's components.
    pub(crate) fn matches_or_parent(&self, path: &[u8], parts: &[&[u8]]) -> bool {
        match &self.kind {
            Kind::Components(pattern) => match_components(pattern, parts, true),
            Kind::Ends(end) => {
                path.ends_with(end) || {
                    let mut parents = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
                    parents.any(|(at, _)| path[..at].ends_with(end))
                }
            }
            Kind::General(steps) => match_general(steps, path, true),
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

fn class_has_slash(tokens: &[Token]) -> bool {
    tokens.iter().any(|token| {
        matches!(token, Token::Class(class) if class.ranges.iter().any(|(low, high)| *low == '/' || *high == '/'))
    })
}

/// Matches component by component; going back to the last `**` is enough, as with stars.
///
/// With `parents`, the pattern may also end before the path does.
fn match_components(pattern: &[Component], parts: &[&[u8]], parents: bool) -> bool {
    let (mut index, mut at) = (0, 0);
    let mut back = None;
    loop {
        let advanced = match pattern.get(index) {
            None => {
                if parents && at > 0 || at == parts.len() {
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
fn steps(pattern: &str) -> Result<Vec<Step>, PatternError> {
    let mut steps = Vec::new();
    let mut rest = pattern;
    let mut plain = 0;
    let mut at = 0;
    let bytes = pattern.as_bytes();
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            // Classes are taken over as they are, stars in them included.
            b'[' => {
                at += 1;
                at += usize::from(bytes.get(at) == Some(&b'^'));
                while bytes.get(at).is_some_and(|byte| *byte != b']') {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
            }
            b'*' if bytes.get(at + 1) == Some(&b'*') => {
                plain_steps(&pattern[plain..at], &mut steps)?;
                at += 2;
                at += usize::from(bytes.get(at) == Some(&b'/'));
                rest = &pattern[at..];
                plain = at;
                steps.push(if rest.is_empty() { Step::Rest } else { Step::Directories });
            }
            _ => at += 1,
        }
    }
    if !rest.is_empty() {
        plain_steps(&pattern[plain..], &mut steps)?;
    }
    Ok(steps)
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

/// Advances all states over the path at once; with `parents`, a match that ends before a `/` counts as well.
fn match_general(steps: &[Step], path: &[u8], parents: bool) -> bool {
    let mut states = vec![false; steps.len() + 1];
    states[0] = true;
    settle(steps, &mut states);
    let mut next = vec![false; steps.len() + 1];
    // `**` that has begun to take text may end behind any `/` only; these are inside of such text.
    let mut inside = vec![false; steps.len()];
    let mut at = 0;
    while at < path.len() {
        let (character, length) = first_character(&path[at..]);
        if parents && character == '/' && at > 0 && states[steps.len()] {
            return true;
        }
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
            }
        }
        std::mem::swap(&mut states, &mut next);
        settle(steps, &mut states);
        at += length;
    }
    states[steps.len()]
}

/// Adds the states that are reached without taking text.
fn settle(steps: &[Step], states: &mut [bool]) {
    for (index, step) in steps.iter().enumerate() {
        if states[index] && matches!(step, Step::Star | Step::Directories | Step::Rest) {
            states[index + 1] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, path: &str) -> bool {
        Pattern::new(pattern).unwrap().matches(path.as_bytes())
    }

    fn check_parents(pattern: &str, path: &str) -> bool {
        let parts: Vec<&[u8]> = path.as_bytes().split(|byte| *byte == b'/').collect();
        Pattern::new(pattern).unwrap().matches_or_parent(path.as_bytes(), &parts)
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
    fn parents_count_when_asked_for() {
        assert!(check_parents("node_modules", "node_modules/a/b"));
        assert!(!check_parents("node_modules", "a/node_modules"));
        assert!(check_parents("**/target", "a/target/debug/x") && !check_parents("**/target", "a/targets"));
        assert!(check_parents("a/*", "a/b/c") && !check_parents("a/*", "a"));
        assert!(check_parents("a**b", "ax/b/c"));
        assert!(check_parents("**foo", "barfoo/x"));
        assert!(check_parents("a/**", "a/b/c") && !check_parents("a/**", "a"));
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
